"""publishers/README.md is true: its network, put into a copy of the project as it says, keeps every promise."""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

PROJECT = Path(__file__).parents[2]
README = (PROJECT / "publishers/README.md").read_text(encoding="utf-8")
FILES: dict[str, str] = dict(re.findall(r"(?ms)^### `([^`\n]+)`\n\n```python\n(.*?)^```$", README))
COMMANDS = [line.removeprefix("$ ") for block in re.findall(r"(?ms)^```console\n(.*?)^```$", README)
            for line in block.splitlines()]
NETWORK = next((match[1] for path in FILES if (match := re.fullmatch(r"publishers/(\w+)\.py", path))), "")
COPIED = ("flows", "infra", "publishers", "schemas", "tests/publishers/cases", "tests/publishers/test_contract.py",
          "tests/publishers/test_once.py", "pyproject.toml")


class Done(NamedTuple):
    """A command of the README that has ended, in a copy of the project."""

    code: int
    out: str


class Followed(NamedTuple):
    """What came of following the README to the letter."""

    folder: Path
    done: dict[str, Done]                # by command, in the README's order
    outcomes: dict[str, str]             # of each test that ran there: "" for a pass, else what was said

    def command(self, start: str) -> Done:
        """The one command of the README that begins so."""
        (done,) = (done for command, done in self.done.items() if command.startswith(start))
        return done


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Followed:
    """A copy of the project with the README's files in it, where its commands were run one after the other."""
    top = tmp_path_factory.mktemp("readme")
    folder, report = top / "project", top / "report.xml"
    for name in COPIED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if (PROJECT / name).is_dir():
            shutil.copytree(PROJECT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(PROJECT / name, folder / name)
    for name, text in FILES.items():
        (folder / name).write_text(text, encoding="utf-8")
    settings = folder / "pyproject.toml"
    settings.write_text(with_the_adapter(settings.read_text(encoding="utf-8")), encoding="utf-8")
    env = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(top), "PYTHONPATH": str(folder),
           "PYTEST_ADDOPTS": f"--junitxml={report}"}
    done = {}
    for command in COMMANDS:
        ran = subprocess.run(["bash", "-c", command], cwd=folder, env=env, text=True, stdin=subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        done[command] = Done(ran.returncode, ran.stdout)
    return Followed(folder, done, outcomes_in(report) if report.exists() else {})


def with_the_adapter(settings: str) -> str:
    """pyproject.toml with the adapter beside the module that the README names, in the contracts that it names."""
    said = re.search(r'put the adapter beside `("[\w.]+")` in the contracts ("[^"]+") and ("[^"]+")', README)
    assert said, "the README does not say where in pyproject.toml an adapter is named"
    for contract in said.groups()[1:]:
        head, name, rest = settings.partition(f"name = {contract}\n")
        own, mark, others = rest.partition("[[")
        assert own.count(said[1]) == 1, f"pyproject.toml has no {said[1]} in the contract {contract}"
        settings = head + name + own.replace(said[1], f'{said[1]}, "publishers.{NETWORK}"') + mark + others
    return settings


def outcomes_in(report: Path) -> dict[str, str]:
    """What became of each test, by its name: "" for a pass, else the kind and the first line of what was said."""
    found = {}
    for test in ElementTree.parse(report).getroot().iter("testcase"):
        name = f"{test.get('classname', '').rpartition('.')[2]}::{test.get('name')}"
        found[name] = "; ".join(f"{what.tag}: {what.get('message')}" for what in test
                                if what.tag in ("failure", "error", "skipped"))
    return found


def test_the_readme_has_a_whole_network() -> None:
    """An adapter, a double and a case, by the names under which they are found, and none of them is there already."""
    assert NETWORK
    assert set(FILES) == {f"publishers/{NETWORK}.py", f"publishers/rehearsal/{NETWORK}_twin.py",
                          f"tests/publishers/cases/{NETWORK}_case.py"}
    assert [name for name in FILES if (PROJECT / name).exists()] == []


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_succeeds(followed: Followed, command: str) -> None:
    """Whoever copies the files and types the commands sees none of them fail: lint, types and layers among them."""
    code, out = followed.done[command]
    assert code == 0, f"{command}\n{out[-4_000:]}"


@pytest.mark.slow
@pytest.mark.parametrize("suite", ["test_contract", "test_once"])
def test_the_network_keeps_every_promise(followed: Followed, suite: str) -> None:
    """In both suites tests of the network pass, and what does not is skipped because the network cannot do it."""
    ran = {name: said for name, said in followed.outcomes.items() if name.startswith(f"{suite}::") and NETWORK in name}

    assert [name for name, said in ran.items() if not said], f"no test of {NETWORK} passed in {suite}"
    assert {name: said for name, said in ran.items() if said and not said.startswith(f"skipped: {NETWORK} ")} == {}


@pytest.mark.slow
def test_the_network_is_listed_and_set_up(followed: Followed) -> None:
    """`drumbeat networks` knows it, and the set-up page has a section of it."""
    page = (followed.folder / "publishers/SETUP.md").read_text(encoding="utf-8")

    assert followed.command(f"drumbeat networks {NETWORK}").out.splitlines()[0] == NETWORK
    assert f"## {NETWORK}" in page.splitlines()
    assert "## mastodon" in page.splitlines()
