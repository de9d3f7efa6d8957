"""What `check` says of the sample organisation through its year: whole reports, read line by line for good sense.

A report is made anew with `drumbeat check --advice --now DAY` in a copy of the sample.
"""
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

REPORTS = Path(__file__).parent / "reports"
DAYS = ("2026-09-15", "2026-12-01", "2027-03-02", "2027-03-17", "2027-04-20", "2027-09-01")


@pytest.mark.parametrize("day", DAYS)
def test_the_sample_through_its_year(drumbeat: Callable[..., Any], sample: Path, day: str) -> None:
    """Early on what is planned in time is a step to come; afterwards what nobody did is said, to whom it concerns."""
    done = drumbeat("check", "--advice", "--now", day, cwd=sample)

    assert f"{done.out}---\n{done.err}" == (REPORTS / f"{day}.txt").read_text(encoding="utf-8")


def test_the_day_that_the_sample_is_written_for(drumbeat: Callable[..., Any], sample: Path) -> None:
    """On 2027-03-17 there are no errors, no warnings, and seven pieces of advice: one text for all."""
    told = drumbeat("check", "--json", "--now", "2027-03-17", cwd=sample).json

    assert told["counts"] == {"errors": 0, "warnings": 0, "advice": 7, "posts": 12}
    assert {problem["code"] for problem in told["problems"]} == {"TXT002"}
    assert {"STR002", "PPL001"} & set(told["not_evaluated"]) == {"STR002"}       # PPL001 is judged by `author:` alone
