"""`pytest tests/publishers --promises` ends with a table: each network, each promise of the contract suite."""
import re
from collections import defaultdict

import pytest

_NODE = re.compile(r"test_contract\.py::test_(?P<promise>\w+)\[(?P<network>[a-z_]+)")
_SIGNS = {"failed": "FAILED", "error": "FAILED", "passed": "yes", "skipped": "-"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--promises", action="store_true", help="print which network keeps which promise")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not config.getoption("--promises", default=False):     # else it was loaded too late to have an option
        return
    table: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for outcome in _SIGNS:
        for report in terminalreporter.stats.get(outcome, []):
            if match := _NODE.search(getattr(report, "nodeid", "")):
                table[match["promise"]][match["network"]].add(outcome)
    networks = sorted({network for row in table.values() for network in row})
    terminalreporter.section("promises kept")
    for number, promise in enumerate(table, 1):
        terminalreporter.write_line(f"{number:2} {promise.replace('_', ' ')}")
    terminalreporter.write_line(f"{'':15}" + "".join(f"{number:>7}" for number in range(1, len(table) + 1)))
    for network in networks:
        signs = [next((_SIGNS[one] for one in _SIGNS if one in row[network]), "") for row in table.values()]
        terminalreporter.write_line(f"{network:15}" + "".join(f"{sign:>7}" for sign in signs))
