"""Every rule has a test where it fires, one where it nearly does, and one where what it needs is missing."""
import re
from collections import Counter
from pathlib import Path

import pytest

from flows.planning.rules import RULES
from flows.planning.rules.book import BOOK

CASES = ("fires", "near", "missing")
_MARK = re.compile(r'pytest\.mark\.rule\(\s*"([A-Z]{3}\d{3})",\s*"(\w+)"\s*\)')


def cases() -> dict[str, Counter[str]]:
    """How many tests each rule has of each case, as the tests of this folder say by the marker `rule`."""
    found: dict[str, Counter[str]] = {}
    for file in sorted(Path(__file__).parent.glob("test_*.py")):
        for code, case in _MARK.findall(file.read_text(encoding="utf-8")):
            found.setdefault(code, Counter())[case] += 1
    return found


def test_every_rule_fires_nearly_fires_and_lacks_its_data(capsys: pytest.CaptureFixture[str]) -> None:
    """The table is complete: rules × (fires, near miss, missing data). It is printed."""
    found, codes = cases(), sorted({rule.code for rule in (*RULES, *BOOK)})
    families: dict[str, list[str]] = {}
    for code in codes:
        families.setdefault(code[:3], []).append(code)
    with capsys.disabled():
        print(f"\n{'family':8}{'rules':>6}{''.join(f'{case:>9}' for case in CASES)}")
        for family, of_family in families.items():
            counts = [sum(1 for code in of_family if found.get(code, Counter())[case]) for case in CASES]
            print(f"{family:8}{len(of_family):6}{''.join(f'{count:9}' for count in counts)}")

    lacking = [(code, case) for code in codes for case in CASES if not found.get(code, Counter())[case]]
    assert lacking == []
    assert set(found) - set(codes) == set()                      # no test of a rule that does not exist
    assert {case for counts in found.values() for case in counts} == set(CASES)
