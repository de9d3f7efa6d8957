"""The README is a terminal session that works: every command is run in a fresh clone, and what it shows is printed."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_INSTALLS = ("make run", "make test", "source .venv/bin/activate")  # CI runs these for real: `.ci/run` is `make test`


class Step:
    """One command of the session, the exit code it should have, and the lines that it should print."""

    def __init__(self, command: str, code: int) -> None:
        self.command, self.code, self.lines = command, code, []


def steps(text: str) -> list[Step]:
    """The commands of every console block, here-documents included."""
    made: list[Step] = []
    for block in _BLOCK.findall(text):
        lines = iter(block.splitlines())
        for line in lines:
            if not line.startswith("$ "):
                made[-1].lines.append(line)
                continue
            command, _, note = line[2:].partition("   # exit ")
            if heredoc := re.search(r"<<'(\w+)'", command):
                while not command.endswith(f"\n{heredoc[1]}"):
                    command += "\n" + next(lines)
            made.append(Step(command, int(note or 0)))
    return made


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh clone of what is committed, with the changes of the working tree on top."""
    folder = tmp_path_factory.mktemp("readme") / "drumbeat"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(folder)], check=True)
    return folder


@pytest.mark.slow
def test_every_command_of_the_readme_does_what_it_shows(clone: Path) -> None:
    """Whoever types the README's commands sees the README's lines."""
    script = ["set -u"]
    for number, step in enumerate(
        session := [s for s in steps((ROOT / "README.md").read_text()) if not s.command.startswith(_INSTALLS)]
    ):
        script += [f"echo '@@ {number}'", step.command, 'echo "@@ exit $?"']
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=clone,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"},
        check=False,
    )

    answers = re.split(r"^@@ \d+\n", done.stdout, flags=re.MULTILINE)[1:]
    assert len(answers) == len(session)
    for step, answer in zip(session, answers, strict=True):
        printed, _, code = answer.rpartition("@@ exit ")
        assert int(code) == step.code, f"{step.command}\n{printed}"
        for line in step.lines:
            assert _squeezed(line) in _squeezed(printed), f"{step.command}\nshould show: {line}\nshowed:\n{printed}"


def test_make_has_the_commands_that_the_readme_names() -> None:
    """`make run` and `make test` exist and begin with an install."""
    for target in ("run", "test"):
        alone = {key: value for key, value in os.environ.items() if not key.startswith("MAKE")}
        shown = subprocess.run(
            ["make", "--dry-run", "--always-make", target], cwd=ROOT, env=alone, capture_output=True,
            text=True, check=True,
        ).stdout
        assert "--require-hashes" in shown
        assert shlex.split(shown.strip().splitlines()[-1])[0].startswith(".venv/bin/")


def _squeezed(text: str) -> str:
    return re.sub(r"\s+", " ", text)
