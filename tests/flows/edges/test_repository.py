"""Only what is committed is read, exactly as it was committed, and nothing a repository says runs code here."""
import os
import subprocess
from pathlib import Path

import pytest

from flows.edges import repository as module
from flows.edges.repository import Repository, inside_repository, working_tree
from schemas.content import SourceFile
from schemas.errors import ContentError, SettingsError


def git(folder: Path, *words: str, stdin: bytes | None = None) -> str:
    """Runs git as an author would, apart from this computer's own settings."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    environment |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    who = (
        "-c",
        "user.name=Wren",
        "-c",
        "user.email=wren@ours.example",
        "-c",
        "init.defaultBranch=main",
        "-c",
        "protocol.file.allow=always",
    )
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, env=environment, input=stdin, capture_output=True, check=True
    )
    return done.stdout.decode().strip()


def commit(top: Path, message: str = "more") -> str:
    git(top, "add", "-A")
    git(top, "commit", "-q", "--allow-empty", "-m", message)
    return git(top, "rev-parse", "HEAD")


def write(path: Path, data: bytes | str = "x\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


@pytest.fixture
def top(tmp_path: Path) -> Path:
    """A repository whose content folder holds one committed post."""
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q")
    write(folder / "content/posts/a.md", "committed\n")
    commit(folder, "first")
    return folder


def held(repository: Repository) -> dict[str, bytes | None]:
    return {file.path: file.data for file in repository.files(repository.head())}


def test_only_the_committed_is_read(top: Path) -> None:
    """Changed, staged and new files are as if they were not there; each file comes with Git's name for its bytes."""
    write(top / "content/posts/a.md", "changed\n")
    write(top / "content/posts/new.md")
    git(top, "add", "-A")
    repository = Repository(top / "content")

    [file] = repository.files(repository.head())

    assert file == SourceFile(
        "posts/a.md", git(top, "rev-parse", "HEAD:content/posts/a.md"), 10, "file", b"committed\n"
    )


def test_uncommitted_files_are_listed(top: Path) -> None:
    """Changed, new, staged, renamed and removed files of the content folder are named, each whole; others are not."""
    write(top / "content/posts/gone.md")
    write(top / "content/posts/old name.md", "a long enough text to be found again after a rename\n" * 5)
    commit(top)
    (top / "content/posts/gone.md").unlink()
    git(top, "mv", "content/posts/old name.md", "content/posts/näme.md")
    write(top / "content/posts/a.md", "changed\n")
    write(top / "content/posts/new.md")
    write(top / "notes.txt")

    found = Repository(top / "content").uncommitted()

    assert sorted(found) == [
        "content/posts/a.md",
        "content/posts/gone.md",
        "content/posts/new.md",
        "content/posts/näme.md",
        "content/posts/old name.md",
    ]


def test_a_tag_named_like_the_branch_misleads_nobody(top: Path) -> None:
    """HEAD is the commit that is checked out, whatever tags and branches are called."""
    git(top, "tag", "main")
    git(top, "update-ref", "refs/heads/HEAD", "HEAD")
    git(top, "update-ref", "refs/tags/HEAD", "HEAD")
    write(top / "content/posts/b.md")
    newest = commit(top)

    assert Repository(top / "content").head() == newest
    assert set(held(Repository(top / "content"))) == {"posts/a.md", "posts/b.md"}


def test_an_older_commit_is_read_as_it_was(top: Path) -> None:
    """The files of a commit are those of that commit, also when a later one took them away."""
    repository = Repository(top / "content")
    first = repository.head()
    (top / "content/posts/a.md").unlink()
    write(top / "content/posts/b.md")
    commit(top)

    assert [file.path for file in repository.files(first)] == ["posts/a.md"]


def test_links_and_modules_are_named(top: Path) -> None:
    """A symbolic link and a submodule come with their kind and without bytes, also when a file holds the same
    bytes as the link.
    """
    (top / "content/posts/link.md").symlink_to("../../secret")
    write(top / "content/posts/same.md", "../../secret")
    (top / "content/ideas").symlink_to("/etc")
    other = top.parent / "other"
    other.mkdir()
    git(other, "init", "-q")
    write(other / "posts/inner.md")
    commit(other)
    git(top, "submodule", "add", "-q", str(other), "content/vendor")
    commit(top)
    repository = Repository(top / "content")

    kinds = {f.path: (f.kind, f.size) for f in repository.files(repository.head())}
    on_disk = {f.path: (f.kind, f.size) for f in working_tree(top / "content")}

    assert kinds == {
        "posts/a.md": ("file", 10),
        "posts/same.md": ("file", 12),
        "posts/link.md": ("symlink", 12),
        "ideas": ("symlink", 4),
        "vendor": ("submodule", 0),
    }
    assert {path: kind for path, (kind, _) in on_disk.items()} == {path: kind for path, (kind, _) in kinds.items()}


def test_nothing_in_the_repository_runs(top: Path) -> None:
    """Hooks, filters, a file-system monitor and an index hook of the repository's configuration are never started."""
    proof = top.parent / "ran"
    evil = write(top.parent / "evil.sh", f"#!/bin/sh\ntouch {proof}\ncat\n")
    evil.chmod(0o755)
    for hook in ("post-index-change", "post-checkout", "fsmonitor-watchman", "reference-transaction"):
        write(top / ".git/hooks" / hook, evil.read_bytes()).chmod(0o755)
    write(top / "content/.gitattributes", "*.md filter=evil diff=evil\n*.yaml filter=a=b\n")
    write(top / "content/x.yaml")
    commit(top)
    for key, value in (
        ("filter.evil.clean", str(evil)),
        ("filter.evil.smudge", str(evil)),
        ("filter.evil.process", str(evil)),
        ("filter.evil.required", "true"),
        ("filter.a=b.clean", str(evil)),
        ("core.fsmonitor", str(evil)),
        ("diff.evil.textconv", str(evil)),
        ("diff.external", str(evil)),
        ("core.sshCommand", str(evil)),
    ):
        git(top, "config", key, value)
    write(top / "content/posts/a.md", "changed\n")
    write(top / "content/x.yaml", "y\n")
    proof.unlink(missing_ok=True)                                 # making the commit ran some of them
    repository = Repository(top / "content")

    assert sorted(repository.uncommitted()) == ["content/posts/a.md", "content/x.yaml"]
    assert set(held(repository)) == {"posts/a.md", "x.yaml"}
    assert inside_repository(top / "content")
    assert not proof.exists()


def test_replacements_change_nothing(top: Path) -> None:
    """A replace reference does not slip other bytes under a commit's name."""
    other = git(top, "hash-object", "-w", "--stdin", stdin=b"forged\n")
    git(top, "replace", git(top, "rev-parse", "HEAD:content/posts/a.md"), other)

    assert held(Repository(top / "content")) == {"posts/a.md": b"committed\n"}


def test_the_surroundings_of_a_hook_mislead_nobody(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Inside a git hook of another repository (GIT_DIR, GIT_INDEX_FILE, GIT_WORK_TREE are set) the named folder is
    still read.
    """
    other = top.parent / "other"
    other.mkdir()
    git(other, "init", "-q")
    for name, value in (("GIT_DIR", other / ".git"), ("GIT_INDEX_FILE", other / ".git/index"), ("GIT_WORK_TREE", other),
                        ("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "core.bare"), ("GIT_CONFIG_VALUE_0", "true")):
        monkeypatch.setenv(name, str(value))

    repository = Repository(top / "content")

    assert (held(repository), repository.uncommitted()) == ({"posts/a.md": b"committed\n"}, [])


def test_content_may_lie_deep_in_a_repository_with_any_name(tmp_path: Path) -> None:
    """A folder below the top, with spaces, letters of other alphabets and signs Git gives a meaning, is read all
    the same.
    """
    top = tmp_path / "Répo ü [1]"
    content = top / "marketing : *päges*" / "content"
    write(content / "posts/hello wörld.md", "here\n")
    write(top / "content/posts/elsewhere.md")
    git(top, "init", "-q")
    commit(top)
    write(content / "posts/hello wörld.md", "changed\n")
    repository = Repository(content)

    assert held(repository) == {"posts/hello wörld.md": b"here\n"}
    assert repository.uncommitted() == ["marketing : *päges*/content/posts/hello wörld.md"]


def test_the_whole_repository_may_be_the_content(tmp_path: Path) -> None:
    """When the content folder is the top itself, all of it is read."""
    git(tmp_path, "init", "-q")
    write(tmp_path / "posts/a.md")
    commit(tmp_path)
    write(tmp_path / "posts/b.md")

    assert (held(Repository(tmp_path)), Repository(tmp_path).uncommitted()) == ({"posts/a.md": b"x\n"}, ["posts/b.md"])


def test_a_link_to_the_content_is_followed_to_its_repository(top: Path) -> None:
    """Naming the folder through a link reads the repository that it leads to."""
    (top.parent / "link").symlink_to(top / "content")

    assert held(Repository(top.parent / "link")) == {"posts/a.md": b"committed\n"}


def test_names_that_are_not_utf_8_are_read(top: Path) -> None:
    """A file name in another encoding is shown with a sign in its place, from the commit and from the disk alike."""
    name = os.fsdecode(b"content/posts/caf\xe9.md")
    write(top / name)
    commit(top)

    assert set(held(Repository(top / "content"))) == {"posts/a.md", "posts/caf\ufffd.md"}
    assert {file.path for file in working_tree(top / "content")} == {"posts/a.md", "posts/caf\ufffd.md"}


def test_hidden_files_are_content_nowhere(top: Path) -> None:
    """What check does not see is not published: names that begin with a dot, at any depth."""
    for path in (".github/ci.yaml", "posts/.draft.md", ".DS_Store"):
        write(top / "content" / path)
    commit(top)

    assert set(held(Repository(top / "content"))) == {"posts/a.md"}
    assert {file.path for file in working_tree(top / "content")} == {"posts/a.md"}


def test_commit_and_disk_agree(top: Path) -> None:
    """The same files, blobs, sizes and bytes from both, with line ends untouched; large and other files without
    bytes.
    """
    write(top / "content/posts/crlf.md", b"a\r\nb\r\n")
    write(top / "content/posts/big.md", b"x" * 256_001)
    write(top / "content/posts/full.md", b"x" * 256_000)
    write(top / "content/media/a.jpg", b"\xff\xd8" * 2000)
    write(top / "content/media/pointer.jpg", b"version https://git-lfs.github.com/spec/v1\n")
    write(top / "content/measures/2027.csv", b"date\n")
    commit(top)
    repository = Repository(top / "content")

    committed = {f.path: f for f in repository.files(repository.head())}
    on_disk = {f.path: f for f in working_tree(top / "content")}

    assert {path: f._replace(blob="") for path, f in committed.items()} == {
        path: f._replace(blob="") for path, f in on_disk.items()
    }
    assert {path: f.blob for path, f in committed.items() if f.data is not None} == {
        p: f.blob for p, f in on_disk.items() if f.data is not None
    }
    assert {path for path, f in committed.items() if f.data is None} == {"posts/big.md", "media/a.jpg"}


@pytest.mark.parametrize(("limit", "number", "said"), [
    ("FILES", 3, "content/ holds more than 3 files."), ("DEPTH", 2, "content/ has folders deeper than 2.")])
def test_limits_are_kept(limit: str, number: int, said: str, top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many files and too deep folders are refused, from the commit and from the disk."""
    for name in ("b.md", "c.md", "d/e/f.md"):
        write(top / "content/posts" / name)
    commit(top)
    monkeypatch.setattr(module, limit, number)
    repository = Repository(top / "content")

    with pytest.raises(ContentError) as from_disk:
        list(working_tree(top / "content"))
    with pytest.raises(ContentError) as from_commit:
        list(repository.files(repository.head()))

    assert (from_commit.value.what, from_disk.value.what) == (said, said)


def test_limits_are_inclusive(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly as many files and as deep as the limits say is fine."""
    write(top / "content/posts/b.md")
    commit(top)
    monkeypatch.setattr(module, "FILES", 2)
    monkeypatch.setattr(module, "DEPTH", 1)

    assert len(held(Repository(top / "content"))) == len(list(working_tree(top / "content"))) == 2


def test_ten_thousand_files_are_read(top: Path) -> None:
    """Many blobs come through one process without either side waiting for the other for ever."""
    stream = b"".join(
        b"blob\nmark :%d\ndata %d\n%s\n" % (n, 60 + len(b"%d" % n), b"%d" % n + b"y" * 60) for n in range(1, 10_001)
    )
    stream += b"commit refs/heads/many\ncommitter W <w@ours.example> 0 +0000\ndata 1\nm\n"
    stream += b"".join(b"M 100644 :%d content/posts/p%d.md\n" % (n, n) for n in range(1, 10_001))
    git(top, "fast-import", "--quiet", stdin=stream)
    repository = Repository(top / "content")

    files = {file.path: file.data for file in repository.files(git(top, "rev-parse", "many"))}

    assert files == {f"posts/p{n}.md": b"%d" % n + b"y" * 60 for n in range(1, 10_001)}


def test_no_repository_is_a_setting(tmp_path: Path) -> None:
    """Outside of Git the message says what to run."""
    write(tmp_path / "content/posts/a.md")

    with pytest.raises(SettingsError) as stop:
        Repository(tmp_path / "content")

    assert (stop.value.what, stop.value.remedy, stop.value.exit_code) == (
        f"{tmp_path / 'content'} is in no Git repository, and only what is committed is published.",
        "Run 'git init' beside it, then 'git add content' and 'git commit'.", 3)
    assert not inside_repository(tmp_path / "content")


def test_nothing_committed_is_said(tmp_path: Path) -> None:
    """A repository without a commit, and a commit without the folder, say what to run."""
    write(tmp_path / "content/posts/a.md")
    git(tmp_path, "init", "-q")
    with pytest.raises(ContentError) as nothing:
        Repository(tmp_path / "content").head()
    git(tmp_path, "commit", "-q", "--allow-empty", "-m", "empty")
    repository = Repository(tmp_path / "content")
    with pytest.raises(ContentError) as not_there:
        list(repository.files(repository.head()))

    assert (nothing.value.what, nothing.value.remedy) == (
        "Nothing is committed yet, and only what is committed is published.",
        "Run 'git add content' and 'git commit -m \"First posts\"'.",
    )
    assert (not_there.value.what, not_there.value.remedy) == (
        "content/ holds no committed file.",
        "Run 'git add content' and 'git commit', or name another folder with --content.",
    )


@pytest.mark.parametrize("name", ["nowhere", "file.txt"])
def test_a_folder_that_is_none_is_said(name: str, tmp_path: Path) -> None:
    """A path that is not there, or is a file, is refused by both readers."""
    write(tmp_path / "file.txt")

    for read in (lambda: Repository(tmp_path / name), lambda: list(working_tree(tmp_path / name))):
        with pytest.raises(ContentError) as stop:
            read()
        assert stop.value.what == f"There is no folder {tmp_path / name}."


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    """A folder without files says how to begin."""
    with pytest.raises(ContentError, match="holds no files"):
        list(working_tree(tmp_path))


def test_a_missing_blob_is_said(top: Path) -> None:
    """An object that Git has not got, or that is broken, is an error with a remedy, not a crash."""
    repository = Repository(top / "content")
    name = git(top, "rev-parse", "HEAD:content/posts/a.md")
    with pytest.raises(ContentError) as missing:
        repository.blobs(["0" * 40])
    path = top / ".git/objects" / name[:2] / name[2:]
    path.chmod(0o644)
    path.write_bytes(b"broken")
    with pytest.raises(ContentError) as broken:
        repository.blobs([name])

    assert missing.value.what == f"Git has no file {'0' * 40}."
    assert broken.value.remedy == "Run 'git fsck', and fetch the repository again."


def test_pipes_and_sockets_are_no_files(tmp_path: Path) -> None:
    """What is neither a file nor a link is passed by, and never opened."""
    write(tmp_path / "posts/a.md")
    os.mkfifo(tmp_path / "posts/pipe.md")

    assert [file.path for file in working_tree(tmp_path)] == ["posts/a.md"]
