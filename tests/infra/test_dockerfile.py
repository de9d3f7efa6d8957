"""The Dockerfile, read as data: what is in the image is locked, and nothing in it is root or secret."""

import fnmatch
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
FILE = PROJECT / "infra/Dockerfile"
Line = tuple[str, str]


def _read() -> Iterator[Line]:
    """Each instruction with its words, continued lines joined, comments left out."""
    text = re.sub(r"(?m)^\s*#.*\n", "", FILE.read_text(encoding="utf-8"))
    for line in re.sub(r"\\\n\s*", "", text).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word.upper(), rest.strip()


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(_read())


def _of(lines: list[Line], word: str) -> list[str]:
    return [rest for name, rest in lines if name == word]


def test_the_base_is_named_by_its_version_and_can_be_pinned_by_its_bytes(lines: list[Line]) -> None:
    """A slim Python that we support, patch version and all; PYTHON_DIGEST pins what it holds."""
    arguments = dict(rest.partition("=")[::2] for rest in _of(lines, "ARG"))

    assert re.fullmatch(r"3\.1[1-9]\.\d+-slim-bookworm", arguments["PYTHON_VERSION"])
    assert {base.partition(" AS ")[0] for base in _of(lines, "FROM")} == {
        "docker.io/library/python:${PYTHON_VERSION}${PYTHON_DIGEST:+@}${PYTHON_DIGEST}"}
    assert set(arguments) == {"PYTHON_VERSION", "PYTHON_DIGEST"}


def test_everything_that_pip_installs_is_locked(lines: list[Line]) -> None:
    """By hashes, or it is our own code, which needs no index."""
    installs = re.findall(r"pip install ([^&]*)", " && ".join(_of(lines, "RUN")))

    assert [words.split()[:-1] for words in installs] == [
        ["--require-hashes", "--no-deps", "-r"], ["--require-hashes", "--no-deps", "-r"],
        ["--no-deps", "--no-build-isolation", "--no-index"]]


def test_the_second_lock_brings_nothing_that_the_first_does_not_hold(lines: list[Line]) -> None:
    """What prefect-redis needs is in requirements.lock: installing it without its needs leaves nothing out."""
    locked = dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", (PROJECT / "requirements.lock").read_text(encoding="utf-8")))
    second = (PROJECT / "infra/prefect-redis.lock").read_text(encoding="utf-8")

    assert re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", second) == [("prefect-redis", "0.3.0")]
    assert len(re.findall(r"--hash=sha256:[0-9a-f]{64}", second)) == 2
    # Requires-Dist of prefect-redis 0.3.0: prefect>=3.7.4, redis>=8.0.0
    assert tuple(map(int, locked["prefect"].split("."))) >= (3, 7, 4)
    assert tuple(map(int, locked["redis"].split("."))) >= (8, 0, 0)
    assert "asyncpg" in locked


def test_the_process_is_nobody_special(lines: list[Line]) -> None:
    """A number, so that Kubernetes can see that it is not root; and nothing after it changes who it is."""
    assert _of(lines, "USER") == ["10001:10001"]
    after = lines[[name for name, _ in lines].index("USER"):]
    assert "RUN" not in {name for name, _ in after}
    assert _of(lines, "ENTRYPOINT") == ['["drumbeat"]']


def test_nothing_comes_from_the_network_but_packages(lines: list[Line]) -> None:
    """No ADD, no curl: only apt and pip fetch, and pip by hashes."""
    assert _of(lines, "ADD") == []
    assert not re.search(r"curl|wget|https?://|git clone", " ".join(_of(lines, "RUN")))


def test_no_secret_is_built_in(lines: list[Line]) -> None:
    """Neither as an argument nor as a variable: both can be read out of an image."""
    named = " ".join(_of(lines, "ARG") + _of(lines, "ENV") + _of(lines, "LABEL"))

    assert not re.search(r"TOKEN|SECRET|PASSWORD|AUTH|KEY", named)


def test_no_module_is_imported_from_the_folder_that_it_stands_in(lines: list[Line]) -> None:
    """The content is no place to stand in, and what lies there is not imported (threats, F9)."""
    said = dict(re.findall(r"(\w+)=(\S+)", " ".join(_of(lines, "ENV"))))

    assert said["PYTHONSAFEPATH"] == "1"
    assert Path(said["DRUMBEAT_CONTENT"]) == Path("/srv/drumbeat/content")
    assert _of(lines, "WORKDIR")[-1] == "/home/drumbeat"
    assert _of(lines, "VOLUME") == ['["/srv/drumbeat", "/tmp"]']     # all that is written: the root is read-only


def test_what_the_builder_gets_is_what_the_image_is_made_of(lines: list[Line]) -> None:
    """.dockerignore lets through what is copied and nothing else: no history, no content, no settings, no secret."""
    rules = [line for line in (PROJECT / ".dockerignore").read_text(encoding="utf-8").splitlines()
             if line and not line.startswith("#")]

    def goes(path: str) -> bool:
        parts, kept = path.split("/"), True
        for rule in rules:
            pattern = rule.removeprefix("!")
            under = ["/".join(parts[:end]) for end in range(1, len(parts) + 1)]
            if any(fnmatch.fnmatch(one, pattern) or fnmatch.fnmatch(f"/{one}", pattern.replace("**/", "*/"))
                   for one in under):
                kept = rule.startswith("!")
        return kept

    copied = {word for rest in _of(lines, "COPY") if "--from" not in rest for word in rest.split()[:-1]}
    assert all(goes(path) for path in copied)
    assert all((PROJECT / path).exists() for path in copied)
    assert goes("flows/edges/store.py")
    assert goes("infra/compose.env.example")
    for path in (".git/config", "content/posts/a.md", "drumbeat.toml", "tests/conftest.py", "infra/compose.env",
                 "infra/credentials.env", "flows/.drumbeat/tokens/x.json", "infra/.env", "infra/credentials.toml",
                 ".drumbeat/credentials.toml", "flows/__pycache__/a.pyc"):
        assert not goes(path), path


def test_the_label_says_the_version_of_the_project(lines: list[Line]) -> None:
    """So do the names of the image in the other files."""
    version = re.search(r'(?m)^version = "(.+)"', (PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    assert version is not None

    assert f'org.opencontainers.image.version="{version[1]}"' in " ".join(_of(lines, "LABEL"))
    for file in ("infra/compose.yaml", "infra/kubernetes/kustomization.yaml"):
        assert version[1] in (PROJECT / file).read_text(encoding="utf-8")
