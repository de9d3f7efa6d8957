"""DISCOVERY, line by line: what one change of the sample content makes of it."""
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from schemas.gate import Gate

Sample = Callable[..., dict[str, Gate]]
Edits = Mapping[str, tuple[str, str] | str | None]
Told = Callable[[Gate, str], tuple[str, str, str, str | None]]
CASES = (
    ("DISCOVERY-audience", "2027-03-17",
     {"audiences/flat-dwellers.yaml": None,
      "audiences/first-time-fixers.yaml": None},
     "red", "no audience is described",
     "Describe one in audiences/<name>.yaml: what they do and need, the evidence for it, and what that "
     "teaches (insights).", "wren"),
    ("DIS001", "2027-03-17",
     {"discovery.yaml": (
        "positive: 41\n    neutral: 66\n    negative: 13",
        "positive: 0\n    neutral: 0\n    negative: 0")},
     "red", "no mention of us is counted",
     "Count them over a month, and write them under people: reputation in discovery.yaml.", "wren"),
    ("DIS001", "2027-03-17",
     {"discovery.yaml": (
        "positive: 41\n    neutral: 66\n    negative: 13",
        "positive: 0\n    neutral: 1\n    negative: 0")},
     "green", "0 positive, 1 neutral, 0 negative mentions, 2026-07-01 to 2026-09-30",
     "", "wren"),
    ("DIS002", "2027-03-17",
     {"discovery.yaml": ("    leapfrog: Local faces and local repairs\n", "")},
     "red", "1 of 2 competitors with a reputation and a way to do better: hirehub",
     "Describe 2 under competition in discovery.yaml, with reputation and leapfrog.", "wren"),
    ("DIS002", "2027-03-17",
     {"discovery.yaml": ("    reputation: {positive: 55, neutral: 140, negative: 38}\n", "")},
     "red", "1 of 2 competitors with a reputation and a way to do better: hirehub",
     "Describe 2 under competition in discovery.yaml, with reputation and leapfrog.", "wren"),
    ("DIS003", "2027-03-17",
     {"discovery.yaml": ("    - {term: borrow a drill, position: 18}\n", "")},
     "red", "4 of 5 keywords measured",
     "Search for what people would type, and write each term with our position (null: not found) under "
     "spiders: keywords in discovery.yaml.", "wren"),
    ("DISCOVERY-listening", "2027-03-17",
     {"discovery.yaml": ("[product, competitor]", "[product]")},
     "red", "nobody listens for competitors",
     "Add a search for it under listening in discovery.yaml, with what it covers.", "wren"),
    ("DISCOVERY-listening", "2027-03-17",
     {"discovery.yaml": ("[product, competitor]", "[competitor]")},
     "green", "3 searches, for brand, campaign and competitor",
     "", "wren"),
    ("DISCOVERY-findings", "2027-03-17",
     {"discovery.yaml": ("kind: spiders", "kind: people")},
     "red", "2 about people, 1 about competitors; none about search engines",
     "Write at least one of each kind (people, competition, spiders) under findings in discovery.yaml.", "wren"),
    ("DIS004", "2027-03-17",
     {"discovery.yaml": ("checked: 2026-10-01\n", "checked: 2026-03-17\n")},
     "green", "checked on 2026-03-17, 365 days ago",
     "", "wren"),
    ("DIS004", "2027-03-17",
     {"discovery.yaml": ("checked: 2026-10-01\n", "checked: 2026-03-16\n")},
     "red", "checked on 2026-03-16, 366 days ago",
     "Look at all of it again, and write the day as checked in discovery.yaml; it holds for 365 days.", "wren"),
    ("DIS004", "2027-03-17",
     {"discovery.yaml": ("checked: 2026-10-01\n", "")},
     "red", "nobody wrote down when it was looked at",
     "Look at all of it, and write the day as checked in discovery.yaml; it holds for 365 days.", "wren"),
)
"""A line, a day, what is changed in the sample content, then the line's state, evidence, remedy and owner."""


@pytest.mark.parametrize(("key", "day", "edits", "state", "evidence", "remedy", "owner"), CASES)
def test_a_line_of_discovery(
        sample_gates: Sample, told_line: Told, key: str, day: str, edits: Edits, state: str, evidence: str, remedy: str,
        owner: str | None) -> None:
    """A line is red from one beyond its limit on, and says what is missing and whom to ask."""
    gate = sample_gates(day, edits)["DISCOVERY"]

    assert told_line(gate, key) == (state, evidence, remedy, owner)


def test_a_third_competitor_need_not_be_known_as_well(sample_look: Callable[..., Any], told_line: Told) -> None:
    """Two are enough: what a rule only warns of opens no line whose own words hold."""
    shop = "{id: corner-shop, name: Corner Shop, reputation: {positive: 1, neutral: 1, negative: 1}}"
    third = ("spiders:", f"  - {shop}\n\nspiders:")

    gates, asked = sample_look(edits={"discovery.yaml": third})

    assert [one.severity.value for one in asked.found["DIS002"]] == ["warning"]
    assert told_line(gates["DISCOVERY"], "DIS002") == (
        "green", "2 of 3 competitors with a reputation and a way to do better: hirehub and bay-diy", "", "wren")
