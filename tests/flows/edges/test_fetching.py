"""What is said of a remote that does not give what is asked for."""
import subprocess
from pathlib import Path

import pytest

from flows.edges.fetching import FETCHED, Remote, unfetched
from flows.edges.repository import Repository, working_tree
from schemas.errors import ContentError

_ADVICE = "\nPlease make sure you have the correct access rights\nand the repository exists.\n"
_NOT_READ = "fatal: Could not read from remote repository.\n"


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """An empty repository, and a bare one without a commit beside it."""
    for words in (("init", "--quiet", "mill"), ("init", "--quiet", "--bare", "origin.git")):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path / "mill"


@pytest.mark.parametrize(("said", "words"), [
    (f"fatal: '/nowhere' does not appear to be a git repository\n{_NOT_READ}{_ADVICE}",
     "'/nowhere' does not appear to be a git repository"),
    (f"Warning: Permanently added 'forge' to the list of known hosts.\ngit@forge: Permission denied (publickey).\n"
     f"{_NOT_READ}{_ADVICE}", "git@forge: Permission denied (publickey)"),
    ("warning: redirecting\nfatal: unable to access 'https://forge/': Could not resolve host: forge\n",
     "unable to access 'https://forge/': Could not resolve host: forge"),
    ("error: RPC failed; curl 56 the connection was reset\nfatal: early EOF\nfatal: fetch-pack: invalid\n",
     "RPC failed; curl 56 the connection was reset; early EOF"),
    ("remote: Authorization: Basic c2VjcmV0\nfatal: Authentication failed for 'https://forge/'\n",
     "Authentication failed for 'https://forge/'"),
    (_NOT_READ + _ADVICE, "Could not read from remote repository"),
    ("Killed\n", "Killed"), ("", "git gave no reason"),
])
def test_the_reason_is_what_is_wrong(top: Path, said: str, words: str) -> None:
    """Not git's advice for whoever sits at a terminal, which is what it says last."""
    assert Remote(top, "https://forge/", "main")._last_words(said.encode()) == words


def test_a_repository_that_is_gone(top: Path) -> None:
    with pytest.raises(ContentError) as refused:
        Remote(top, "/nowhere", "main").fetch()
    assert refused.value.what == "/nowhere cannot be fetched: '/nowhere' does not appear to be a git repository."


def test_a_branch_that_is_not_there_is_named(top: Path) -> None:
    """Fetched or asked for: what to look at is `branch`, not the network."""
    remote = Remote(top, str(top.parent / "origin.git"), "mian")
    for ask in (remote.fetch, remote.tip):
        with pytest.raises(ContentError) as refused:
            ask()
        assert refused.value.what == f"{remote.url} has no branch mian."
        assert 'branch = "main"' in refused.value.remedy


def test_a_publishers_folder_says_what_was_fetched(top: Path) -> None:
    """No file ever lies there: the remedy is to fetch, and not to begin a content folder."""
    folder = top / "content"
    assert unfetched(folder) is None
    with pytest.raises(ContentError, match="There is no folder"):
        list(working_tree(folder))

    (top / "drumbeat.toml").write_text('remote = "https://me:secret@forge.example/mill.git"\n')
    for there in (False, True):
        if there:
            folder.mkdir()
        with pytest.raises(ContentError) as refused:
            list(working_tree(folder))
        assert refused.value.what == "Nothing was fetched from https://forge.example/mill.git yet."
        assert "drumbeat sync" in refused.value.remedy
    with pytest.raises(ContentError, match="Nothing was fetched"):
        Repository(folder).head()

    who = ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example")
    subprocess.run(["git", *who, "commit", "--quiet", "--allow-empty", "--message", "Nothing"], cwd=top, check=True)
    subprocess.run(["git", "update-ref", FETCHED, "HEAD"], cwd=top, check=True)
    with pytest.raises(ContentError) as refused:
        list(working_tree(folder))
    assert refused.value.what == "What was fetched from https://forge.example/mill.git cannot be read."
