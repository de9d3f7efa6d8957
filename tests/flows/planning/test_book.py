"""The book of rules is complete: every code that anything can print has its page, once, in words."""
import re
from pathlib import Path

import pytest

from flows.planning.rules import NOT_EVALUATED, RULES
from flows.planning.rules.book import BOOK, LATER, codes, in_book, later

PROJECT = Path(__file__).parents[3]
# How many rules the families of the rule book have that this version judges, and those of our own beside them.
FAMILIES = {"SYN": 12, "REF": 4, "SCH": 8, "TXT": 6, "ACC": 2, "LGL": 5, "LNK": 2, "SUP": 3, "MED": 1, "CON": 2}


def test_every_code_that_the_program_prints_has_a_page() -> None:
    """Whatever code stands in a problem, `explain` knows it."""
    printed = {code for folder in ("flows", "publishers", "schemas") for file in (PROJECT / folder).rglob("*.py")
               for code in re.findall(r'"([A-Z]{3}[0-9]{3})"', file.read_text())}

    assert {"SYN001", "REF003", "SCH008", "TXT006"} <= printed
    assert printed - set(codes()) == set()


@pytest.mark.parametrize(("family", "most"), FAMILIES.items())
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


def test_later_families_are_those_that_nobody_judges() -> None:
    """What is not evaluated yet is known as such, with its family; what is evaluated is not."""
    for family in NOT_EVALUATED:
        assert family in LATER
        assert any(later(f"{family}{number:03d}") is not None for number in range(1, LATER[family].most + 1))
    assert later("STR003") is LATER["STR"]
    assert later("SYN001") is None
    assert (later("STR000"), later("STR015"), later("STR³"), later("XYZ001")) == (None, None, None, None)
    assert in_book("STR003") is None
    assert {"STR014", "SYN001"} <= set(codes())
    assert "STR015" not in codes()
