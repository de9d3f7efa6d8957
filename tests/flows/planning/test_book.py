"""The book of rules is complete: every code that anything can print has its page, once, in words."""
import re
from pathlib import Path

import pytest

from flows.planning.rules import RULES
from flows.planning.rules.book import BOOK, FAMILIES, catalogue, codes, in_book

PROJECT = Path(__file__).parents[3]
MANY = {"SYN": 12, "REF": 4, "RUL": 1, "STR": 14, "DIS": 5, "GOL": 9, "CMP": 16, "GAT": 2, "INT": 7, "ENG": 7, "SCH": 9,
        "TXT": 6, "ACC": 2, "LGL": 5, "LNK": 2, "MED": 1, "NET": 4, "PPL": 4, "CRI": 5, "MNT": 4, "MEA": 2, "IDE": 1,
        "CON": 2, "SUP": 3}
"""How many rules each family of the rule book has, with our own beside them."""


def test_every_code_that_the_program_prints_has_a_page() -> None:
    """Whatever code stands in a problem, `explain` knows it."""
    printed = {code for folder in ("flows", "publishers", "schemas") for file in (PROJECT / folder).rglob("*.py")
               for code in re.findall(r'"([A-Z]{3}[0-9]{3})"', file.read_text())}

    assert {"SYN001", "REF003", "SCH008", "TXT006"} <= printed
    assert printed - {"SHA256"} - set(codes()) == set()          # a checksum that S3 knows by this name


@pytest.mark.parametrize(("family", "most"), MANY.items())
def test_every_rule_of_the_families_is_there(family: str, most: int) -> None:
    """From the first to the last of each family that is judged, none is missing."""
    for number in range(1, most + 1):
        assert in_book(f"{family}{number:03d}") is not None, (family, number)


def test_each_rule_has_one_home() -> None:
    """A code is declared by rules that say the same of it, or has its page in the book, never both."""
    declared = {rule.code: rule for rule in RULES}

    assert [rule.code for rule in BOOK] == sorted({rule.code for rule in BOOK} - declared.keys(), key=_by_family)
    for rule in RULES:
        other = declared[rule.code]
        assert (rule.severity, rule.fires, rule.remedy, rule.knobs) == (
            other.severity, other.fires, other.remedy, other.knobs)


def _by_family(code: str) -> tuple[int, str]:
    return ["SYN", "REF", "SCH", "CON", "SUP", "TXT", "MED"].index(code[:3]), code


@pytest.mark.parametrize("rule", [*RULES, *BOOK], ids=lambda rule: rule.code)
def test_each_page_says_what_a_person_needs(rule) -> None:
    """When it fires and what to do, in sentences; what it needs, in letters that mean something."""
    assert re.fullmatch(r"[FGDT]+", rule.needs)
    assert rule.fires.endswith(".")
    assert rule.remedy.endswith((".", "\"]."))
    assert re.match(r"[A-Z]", rule.fires)
    assert re.match(r"[A-Z'\"]", rule.remedy)


def test_the_catalogue_is_that_of_the_code() -> None:
    """The page in the repository is what the rules say of themselves; `drumbeat explain --all` makes it."""
    page = PROJECT / "flows/planning/rules/RULES.md"

    assert page.read_text(encoding="utf-8") == catalogue()
    assert list(FAMILIES) == list(MANY)
    for code in codes():
        assert f"\n| {code} | " in catalogue(), code
    assert in_book("XYZ001") is None
