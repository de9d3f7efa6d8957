"""publishers/SETUP.md says how accounts are set up; the adapters say it, and the page is made of their words."""
import re
from pathlib import Path

import publishers

PAGE = Path(__file__).parents[3] / "publishers/SETUP.md"
REMEDY = "publishers/SETUP.md is not what the adapters say. Run: drumbeat networks --setup > publishers/SETUP.md"


def test_the_page_is_what_the_adapters_say(drumbeat, tmp_path) -> None:
    """The page in the repository is the output of the command that makes it, to the letter."""
    done = drumbeat("networks", "--setup", cwd=tmp_path)
    kept = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""

    assert done.code == 0, done.err
    assert kept == done.out, REMEDY


def test_the_page_can_be_read(drumbeat, tmp_path) -> None:
    """Each network has one section, and each row of its tables as many cells as its head: no text holds a bare `|`."""
    lines = drumbeat("networks", "--setup", cwd=tmp_path).out.splitlines()
    cells, wrong = 0, []
    for line in lines:
        if not line.startswith("|"):
            cells = 0
        else:
            found = len(re.findall(r"(?<!\\)\|", line))
            cells = cells or found
            wrong += [line] if found != cells or not line.endswith("|") else []

    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == list(publishers.available())
    assert wrong == []
