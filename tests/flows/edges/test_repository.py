"""Only what is committed is read, exactly as it was committed, and nothing a repository says runs code here."""
import hashlib
import os
import subprocess
import tempfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from flows.edges import repository as module
from flows.edges.repository import (
    MEDIA_BYTES,
    Change,
    Repository,
    UnknownRevision,
    inside_repository,
    working_tree,
)
from schemas.content import Probe, SourceFile
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


class Entry(NamedTuple):
    """What a tree says of one name."""

    mode: str
    name: bytes
    object: str


def hand_made(top: Path, entries: list[Entry]) -> str:
    """A tree that holds just these entries, as no Git would write it."""
    raw = b"".join(b"%s %s\0%s" % (e.mode.encode(), e.name, bytes.fromhex(e.object)) for e in entries)
    return git(top, "hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)


def hand_made_commit(top: Path, posts: list[Entry]) -> str:
    """A commit whose content/posts is such a tree."""
    tree = hand_made(top, [Entry("40000", b"posts", hand_made(top, posts))])
    return git(top, "commit-tree", "-m", "hostile", hand_made(top, [Entry("40000", b"content", tree)]))


def loose(top: Path, kind: str, size: int, data: bytes, *, cut: int | None = None) -> str:
    """A loose object that says it has `size` bytes, of which `data` follow; the file is cut off after `cut` bytes."""
    name = hashlib.sha1(data + str(size).encode()).hexdigest()
    packed = zlib.compress(f"{kind} {size}\0".encode() + data, 1)
    write(top / ".git/objects" / name[:2] / name[2:], packed[:cut])
    return name


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


def test_a_person_may_name_a_commit_in_many_words(top: Path) -> None:
    """A branch, a tag, a whole or short hash, a step back, a remote's branch, a full name: each means its commit."""
    first = Repository(top / "content").head()
    git(top, "tag", "-a", "-m", "one", "v1")
    git(top, "update-ref", "refs/remotes/origin/main", first)
    git(top, "branch", "spring/näher", first)
    write(top / "content/posts/b.md")
    second = commit(top)
    repository = Repository(top / "content")

    olds = ["v1", "tags/v1", "refs/tags/v1", "HEAD~1", "HEAD^", "@~1", "main~1", "origin/main", "remotes/origin/main",
            "spring/näher", first, first[:8], f"{second}~1", "HEAD@{1}", "@{1}"]

    assert {rev: repository.commit_of(rev) for rev in olds} == dict.fromkeys(olds, first)
    assert {repository.commit_of(rev) for rev in ("main", "HEAD", "@", "refs/heads/main", second)} == {second}


def test_a_branch_goes_before_a_tag_of_its_name(top: Path) -> None:
    """A tag called like the branch, a branch called HEAD or like a commit, change nothing (threats, A5)."""
    first = Repository(top / "content").head()
    write(top / "content/posts/b.md")
    second = commit(top)
    git(top, "tag", "main", first)
    for name in ("HEAD", second, "refs/heads/main"):
        git(top, "update-ref", f"refs/heads/{name}", first)
    repository = Repository(top / "content")

    meant = {rev: repository.commit_of(rev) for rev in ("main", "HEAD", "@", second, "refs/heads/main", "heads/main")}

    assert meant == dict.fromkeys(meant, second)
    assert (repository.commit_of("tags/main"), repository.commit_of("main~1")) == (first, first)


@pytest.mark.parametrize("rev", [
    "", "nobody", "-x", "--upload-pack=touch ran", "--output=ran", "--help", "^main", "main\n", "main\nHEAD", "a\0b",
    "HEAD:content/posts/a.md", ":/first", ":0:content/posts/a.md", "main..HEAD", "HEAD^{tree}", "HEAD^{/first",
    "\udcff", "$(touch ran)", "main;touch ran", "x" * 5000, "refs/heads/main^{} commit 3", "\u202ename", "~", "@{",
    "HEAD~99999999",
])
def test_what_names_no_commit_is_refused(rev: str, top: Path) -> None:
    """Unknown and hostile words are told in one line, exit 2, and never reach git as an option (threats, A5, A11)."""
    with pytest.raises(UnknownRevision) as stop:
        Repository(top / "content").commit_of(rev)

    assert isinstance(stop.value, ContentError)
    assert (stop.value.exit_code, stop.value.what.isprintable(), len(stop.value.what) < 400) == (2, True, True)
    assert not list(top.rglob("ran"))


@pytest.mark.parametrize("name", ["--output=ran", "-x", "HEAD", "main", "", "0" * 39, "g" * 40])
def test_only_whole_hashes_are_read(name: str, top: Path) -> None:
    """What is published is named by its whole hash; anything else is no commit to read, compare or descend from."""
    repository = Repository(top / "content")
    with pytest.raises(ContentError, match="holds no committed file"):
        list(repository.files(name))

    assert (repository.changed(name, repository.head()), repository.changed(repository.head(), name)) == (None, None)
    assert not repository.descends(name, name)
    assert not list(top.rglob("ran"))


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


def test_settings_from_elsewhere_run_nothing(top: Path) -> None:
    """A configuration that is included, and attributes beside the objects, start nothing either (threats, A11)."""
    proof = top.parent / "ran"
    evil = write(top.parent / "evil.sh", f"#!/bin/sh\ntouch {proof}\ncat\n")
    evil.chmod(0o755)
    write(top.parent / "evil.config", f"[filter \"evil\"]\n\tclean = {evil}\n\tsmudge = {evil}\n\trequired\n"
                                      f"[core]\n\tfsmonitor = {evil}\n\thooksPath = {top.parent}\n"
                                      f"\talternateRefsCommand = {evil}\n\tpager = {evil}\n"
                                      f"[diff \"evil\"]\n\ttextconv = {evil}\n\tcommand = {evil}\n")
    write(top / ".git/info/attributes", "* filter=evil diff=evil\n")
    git(top, "config", "include.path", str(top.parent / "evil.config"))
    write(top / "content/posts/a.md", "changed, and of another length\n")
    old = Repository(top / "content").head()
    repository = Repository(top / "content")

    assert repository.uncommitted() == ["content/posts/a.md"]
    assert (held(repository), repository.changed(old, old)) == ({"posts/a.md": b"committed\n"}, [])
    assert repository.commit_of("main") == old
    assert not proof.exists()


def test_a_missing_object_is_not_fetched(top: Path) -> None:
    """In a partial clone git would run the remote's own command for what is missing: it is an error (threats, A11)."""
    proof = top.parent / "ran"
    evil = write(top.parent / "evil.sh", f"#!/bin/sh\ntouch {proof}\nexit 1\n")
    evil.chmod(0o755)
    repository = Repository(top / "content")
    head, blob = repository.head(), git(top, "rev-parse", "HEAD:content/posts/a.md")
    for key, value in (("core.repositoryFormatVersion", "1"), ("extensions.partialClone", "origin"),
                       ("remote.origin.url", str(top.parent)), ("remote.origin.promisor", "true"),
                       ("remote.origin.uploadpack", str(evil)), ("protocol.ext.allow", "always")):
        git(top, "config", key, value)
    (top / ".git/objects" / blob[:2] / blob[2:]).unlink()

    with pytest.raises(ContentError):
        list(repository.files(head))
    assert not proof.exists()


def test_a_repository_inside_the_content_is_content(top: Path) -> None:
    """What looks like a bare repository can be committed inside another one: it is not read instead of it."""
    proof = top.parent / "ran"
    other = top.parent / "other.git"
    git(top.parent, "init", "-q", "--bare", str(other))
    git(top, "push", "-q", str(other), "HEAD:refs/heads/main")
    for path in other.rglob("*"):
        if path.is_file() and "hooks" not in path.parts:
            write(top / "content" / path.relative_to(other), path.read_bytes())
    write(top / "content/config", f"[core]\n\tbare = false\n\tworktree = .\n\tfsmonitor = touch {proof}\n")
    write(top / "content/refs/heads/main", git(top, "rev-parse", "HEAD") + "\n")
    newest = commit(top)
    repository = Repository(top / "content")

    assert (repository.head(), repository.top) == (newest, top)
    assert {"HEAD", "config", "posts/a.md"} <= set(held(repository))
    assert repository.uncommitted() == []
    assert not proof.exists()


def test_a_working_tree_elsewhere_is_no_home(top: Path, tmp_path: Path) -> None:
    """When the repository's settings say that its files lie elsewhere, the folder is in no repository."""
    git(top, "config", "core.worktree", str(tmp_path / "elsewhere"))
    (tmp_path / "elsewhere").mkdir()

    with pytest.raises(SettingsError, match="is in no Git repository"):
        Repository(top / "content")


def test_grafts_and_borrowed_objects_change_nothing(top: Path) -> None:
    """A graft does not give a commit other parents; objects of another repository are read, and nothing runs."""
    lender = top.parent / "lender"
    lender.mkdir()
    git(lender, "init", "-q")
    write(lender / "posts/lent.md")
    stranger = commit(lender)
    write(top / ".git/objects/info/alternates", f"{lender}/.git/objects\n")
    first, newest = git(top, "rev-parse", "HEAD"), commit(top)
    write(top / ".git/info/grafts", f"{newest} {stranger}\n")
    repository = Repository(top / "content")

    assert not repository.descends(newest, stranger)
    assert repository.descends(newest, first)
    assert held(repository) == {"posts/a.md": b"committed\n"}


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


@pytest.mark.parametrize(("name", "shown"), [
    (b"caf\xe9.md", "posts/caf\\xe9.md"), (b"a\\b.md", "posts/a\\b.md"), (b"a\x1b[2Jb.md", "posts/a\x1b[2Jb.md"),
    (b"a\nb.md", "posts/a\nb.md"), (b"a\tb.md", "posts/a\tb.md"), (b"a\x7fb.md", "posts/a\x7fb.md"),
    ("evil\u202edm.exe".encode(), "posts/evil\u202edm.exe"), ("a\u200bb.md".encode(), "posts/a\u200bb.md"),
    (b"x" * 200 + b"/" + b"y" * 200 + b"/" + b"z" * 98 + b".md", None),
])
def test_names_that_could_mislead_are_named_and_not_read(name: bytes, shown: str | None, top: Path) -> None:
    """A name in another encoding, with a backslash, a control or an invisible character, or of more than 500 bytes, is
    shown and refused, from the commit and from the disk alike; every other file is read (threats, A10).
    """
    write(top / os.fsdecode(b"content/posts/" + name), "misnamed\n")
    commit(top)
    repository = Repository(top / "content")
    path = shown or f"posts/{name.decode()}"

    for files in (repository.files(repository.head()), working_tree(top / "content")):
        found = {file.path: (file.kind, file.data) for file in files}
        assert found == {"posts/a.md": ("file", b"committed\n"), path: ("misnamed file", None)}


@pytest.mark.parametrize("name", [
    "hello wörld.md", "日本.md", "👩\u200d💻.png", "a'b\"c.md", "a:b*c?.md", "-x.md", "…",
    "a" * 200 + "/" + "b" * 240 + ".md",
])
def test_near_misses_of_misleading_names_are_read(name: str, top: Path) -> None:
    """Spaces, other alphabets, joined emoji, quotes, dashes and names of up to 500 bytes are fine."""
    write(top / "content/posts" / name)
    commit(top)
    repository = Repository(top / "content")

    for files in (repository.files(repository.head()), working_tree(top / "content")):
        assert {file.path: file.kind for file in files} == {"posts/a.md": "file", f"posts/{name}": "file"}


@pytest.mark.parametrize("mode", ["100664", "100600", "100777", "0100664", "60000", "0", "10644"])
def test_a_mode_that_git_does_not_make_is_named(mode: str, top: Path) -> None:
    """Git shows 100664 as 100644 and a device as a submodule: the file is refused all the same, and only that file
    (threats, A9).
    """
    blob = git(top, "rev-parse", "HEAD:content/posts/a.md")
    entries = [Entry("100644", b"a.md", blob), Entry(mode, b"b.md", blob), Entry("100755", b"c.md", blob)]

    files = {f.path: (f.kind, f.data) for f in Repository(top / "content").files(hand_made_commit(top, entries))}

    assert files == {"posts/a.md": ("file", b"committed\n"), "posts/c.md": ("file", b"committed\n"),
                     "posts/b.md": ("file of a mode that Git does not make", None)}


def test_a_name_that_stands_twice_is_named(top: Path) -> None:
    """Of two entries with one name nobody knows which was reviewed: neither is read (threats, A9, A13)."""
    one, other = (git(top, "hash-object", "-w", "--stdin", stdin=text) for text in (b"reviewed\n", b"published\n"))
    twice = [Entry("100644", b"a.md", one), Entry("100644", b"b.md", one), Entry("100644", b"b.md", other)]

    files = [(f.path, f.kind, f.data) for f in Repository(top / "content").files(hand_made_commit(top, twice))]

    assert files == [("posts/a.md", "file", b"reviewed\n"),
                     *[("posts/b.md", "file that its folder holds twice", None)] * 2]


def test_a_folder_that_stands_twice_is_named(top: Path) -> None:
    """Everything below a folder that stands twice is refused, and nothing else."""
    blob = git(top, "rev-parse", "HEAD:content/posts/a.md")
    inner = hand_made(top, [Entry("100644", b"x.md", blob)])
    twice = [Entry("100644", b"a.md", blob), Entry("40000", b"d", inner), Entry("40000", b"d", inner)]

    files = {f.path: f.kind for f in Repository(top / "content").files(hand_made_commit(top, twice))}

    assert files == {"posts/a.md": "file", "posts/d/x.md": "file that its folder holds twice"}


@pytest.mark.parametrize("name", [b"..", b".", b"../up.md", b"b/c.md", b"/etc/passwd"])
def test_names_that_lead_elsewhere_are_named(name: bytes, top: Path) -> None:
    """A tree made by hand can hold steps upwards and slashes: they are refused, not followed (threats, A10)."""
    blob = git(top, "rev-parse", "HEAD:content/posts/a.md")
    hostile = hand_made_commit(top, [Entry("100644", name, blob), Entry("100644", b"a.md", blob)])

    files = {f.path: (f.kind, f.data) for f in Repository(top / "content").files(hostile)}

    assert files == {"posts/a.md": ("file", b"committed\n"),
                     f"posts/{name.decode()}": ("misnamed file", None)}


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


def test_nothing_is_read_of_what_is_too_large(top: Path) -> None:
    """Sizes are judged by what the tree says: of a post of 2 GB and a film of 600 MB not a byte is read, for their
    objects end after the first kilobyte; everything else is read (threats, A12).
    """
    noise = os.urandom(4000)
    post = loose(top, "blob", 2_000_000_000, noise, cut=1000)
    film = loose(top, "blob", 600_000_000, noise, cut=1000)
    hostile = hand_made_commit(top, [Entry("100644", b"a.md", git(top, "rev-parse", "HEAD:content/posts/a.md")),
                                     Entry("100644", b"big.md", post), Entry("100644", b"big.mp4", film)])

    a, big, movie = Repository(top / "content").files(hostile)

    assert (a.data, big) == (b"committed\n", SourceFile("posts/big.md", post, 2_000_000_000))
    assert (movie.size, movie.data) == (600_000_000, None)
    assert movie.probe == Probe("unknown", why="big.mp4 holds 600,000,000 bytes; a media file may hold 512,000,000.",
                                remedy="Make it shorter or smaller.")
    with pytest.raises(ContentError):
        Repository(top / "content").blobs([post])                 # it could not have been read


def test_a_tree_that_unfolds_is_stopped(top: Path) -> None:
    """Eleven small objects can stand for ten thousand million files: the list is cut off and refused (threats, A12)."""
    blob = git(top, "rev-parse", "HEAD:content/posts/a.md")
    tree = hand_made(top, [Entry("100644", b"f%d" % n, blob) for n in range(10)])
    for _ in range(9):
        tree = hand_made(top, [Entry("40000", b"d%d" % n, tree) for n in range(10)])
    bomb = git(top, "commit-tree", "-m", "bomb", hand_made(top, [Entry("40000", b"content", tree)]))
    repository = Repository(top / "content")

    with pytest.raises(ContentError) as stop:
        repository.files(bomb)

    assert stop.value.what == f"content/ holds more than {module.FILES:,} files."
    assert repository.changed(repository.head(), bomb) is None    # `files` is asked then


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


# --- media ------------------------------------------------------------------------------------------------------------

def png(width: int, height: int) -> bytes:
    """The beginning of a PNG of that size, and so many bytes that it is not read whole as a small file."""
    header = b"IHDR" + width.to_bytes(4) + height.to_bytes(4) + b"\x08\x02\0\0\0"
    return b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4) + header + zlib.crc32(header).to_bytes(4) + b"\0" * 3000


def sizes(files: list[SourceFile]) -> dict[str, tuple[int | None, int | None]]:
    return {file.path: (file.probe.width, file.probe.height) for file in files if file.probe is not None}


def test_media_come_with_what_their_headers_say(top: Path) -> None:
    """Pictures, however small and however their names are spelled, are probed from the commit and from the disk alike;
    texts, links and other files are not.
    """
    write(top / "content/media/a.png", png(640, 480))
    write(top / "content/media/B.PNG", png(3, 2))
    write(top / "content/media/small.png", png(5, 4)[:100])
    write(top / "content/media/pointer.jpg", b"version https://git-lfs.github.com/spec/v1\n")
    write(top / "content/media/notes.bin", png(7, 7))
    (top / "content/media/link.png").symlink_to("a.png")
    commit(top)
    repository = Repository(top / "content")

    committed, on_disk = list(repository.files(repository.head())), list(working_tree(top / "content"))

    assert sizes(committed) == {"media/a.png": (640, 480), "media/B.PNG": (3, 2), "media/small.png": (5, 4),
                                "media/pointer.jpg": (None, None)}
    assert {f.path: f.probe for f in committed} == {f.path: f.probe for f in on_disk}
    assert all(f.data is None for f in committed if f.path in ("media/a.png", "media/notes.bin"))


def test_of_large_media_only_the_beginning_is_read(top: Path) -> None:
    """Of a film of 100 MB whose object ends early the header is known; the rest would have been an error."""
    head = png(800, 600) + os.urandom(600_000)
    film = loose(top, "blob", 100_000_000, head, cut=500_000)
    made = hand_made_commit(top, [Entry("100644", b"film.png", film)])

    [file] = Repository(top / "content").files(made)

    assert (file.size, file.data, sizes([file])) == (100_000_000, None, {"posts/film.png": (800, 600)})
    with pytest.raises(ContentError):
        Repository(top / "content").blobs([film])


def test_large_media_on_disk_are_not_read(tmp_path: Path) -> None:
    """A file of more than the limit is judged by its size alone (it is a hole on the disk)."""
    path = write(tmp_path / "media/film.mp4", b"")
    os.truncate(path, MEDIA_BYTES + 1)

    [file] = working_tree(tmp_path)

    assert (file.size, file.data, file.probe is not None and file.probe.kind) == (MEDIA_BYTES + 1, None, "unknown")


def test_known_media_are_not_read_again(top: Path) -> None:
    """What the caller kept is used by blob and ending, without reading; what is sound is kept for the next time, what
    is wrong is told anew, by its own name.
    """
    for name in ("a.png", "copy.png", "other.gif", "broken.png", "too.png"):
        write(top / "content/media" / name, png(8, 6) if name in ("a.png", "copy.png", "other.gif") else b"x" * 2000)
    commit(top)
    repository = Repository(top / "content")
    probes: dict[str, Probe] = {}

    first = {f.path: f.probe for f in repository.files(repository.head(), probes)}
    blob = git(top, "rev-parse", "HEAD:content/media/a.png")
    again = {f.path: f.probe for f in repository.files(repository.head(), {f"{blob}:png": Probe("kept")})}

    assert set(probes) == {f"{blob}:png"}
    assert probes[f"{blob}:png"] == first["media/a.png"] == first["media/copy.png"]
    whys = {path: probe.why for path, probe in first.items() if probe is not None and probe.why is not None}
    assert {path: why.split(" ")[0] for path, why in whys.items()} == {
        "media/other.gif": "other.gif", "media/broken.png": "broken.png", "media/too.png": "too.png"}
    assert (again["media/a.png"], again["media/copy.png"]) == (Probe("kept"), Probe("kept"))
    assert again["media/broken.png"] == first["media/broken.png"]


# --- what a push changed ----------------------------------------------------------------------------------------------

MODES = ("100644", "100755", "120000", "160000")
PATHS = ("posts/a.md", "posts/b.md", "posts/sub", "posts/sub/c.md", "posts/sub/deep/d.md", "posts/.draft.md",
         ".ci/x.yaml", "media/x.png", "media/y.MP4", "media/z.bin", "campaigns/s/posts/e.md", "näme.md", "a\\b.md",
         "measures/m.csv")
BODIES = (b"", b"x\n", b"---\nat: x\n---\nHi\n", b"y" * 2000, b"z" * 256_001, png(6, 4), png(9, 9)[:60],
          b"version https://git-lfs.github.com/spec/v1\n")
Snapshot = dict[str, tuple[str, bytes]]
an_entry = st.tuples(st.sampled_from(MODES), st.sampled_from(BODIES))
a_snapshot = st.dictionaries(st.sampled_from(PATHS), an_entry)


def possible(snapshot: Snapshot) -> Snapshot:
    """Without what stands in the place of a folder; one file is always there."""
    return {path: entry for path, entry in snapshot.items()
            if not any(other.startswith(f"{path}/") for other in snapshot)} | {"keep.md": ("100644", b"kept\n")}


def commits_of(top: Path, snapshots: list[Snapshot]) -> list[str]:
    """A commit for each snapshot, one after the other."""
    stream = b""
    for snapshot in snapshots:
        stream += b"commit refs/heads/made\ncommitter W <w@ours.example> 0 +0000\ndata 1\nm\ndeleteall\n"
        for path, (mode, body) in possible(snapshot).items():
            name = b"content/" + path.encode()
            if mode == "160000":
                stream += b"M 160000 %s %s\n" % (hashlib.sha1(body).hexdigest().encode(), name)
            else:
                stream += b"M %s inline %s\ndata %d\n%s\n" % (mode.encode(), name, len(body), body)
    git(top, "fast-import", "--quiet", stdin=stream)
    return git(top, "rev-list", "--reverse", "made").split()


@settings(max_examples=30, deadline=None)
@given(snapshots=st.lists(a_snapshot, min_size=2, max_size=4))
@example(snapshots=[{"posts/a.md": ("100644", b"")}, {"posts/a.md": ("100755", b"")}, {"posts/a.md": ("120000", b"")}])
@example(snapshots=[{"posts/sub": ("100644", b"")}, {"posts/sub/c.md": ("100644", b"")}, {"posts/sub": ("160000", b"")}]
)
def test_changes_lead_from_any_commit_to_any_other(snapshots: list[Snapshot]) -> None:
    """The files of one commit with what changed are the files of the other, for any two commits, either way round:
    files, links, submodules, folders that become files, hidden and misnamed ones, texts, media and what is too large.
    """
    with tempfile.TemporaryDirectory() as folder:
        top = Path(folder)
        git(top, "init", "-q")
        (top / "content").mkdir()
        made = commits_of(top, snapshots)
        repository = Repository(top / "content")
        for old, new in [*pairwise(made), (made[-1], made[0]), (made[0], made[-1])]:
            before, after = ({f.path: f for f in repository.files(name)} for name in (old, new))
            changes = repository.changed(old, new)

            assert changes is not None
            assert [change.path for change in changes] == sorted({change.path for change in changes})
            assert all(before.get(path) != file for path, file in changes)
            for path, file in changes:
                before.pop(path, None)
                if file is not None:
                    before[path] = file
            assert before == after


def test_a_change_is_told_whole(top: Path) -> None:
    """New, changed and removed files come with everything that is read of them; what is the same does not come."""
    write(top / "content/posts/b.md", "b\n")
    write(top / "content/posts/gone.md", "gone\n")
    old = commit(top)
    (top / "content/posts/gone.md").unlink()
    write(top / "content/posts/b.md", "changed\n")
    write(top / "content/media/new.png", png(2, 1))
    write(top / "notes.txt")
    new = commit(top)

    picture, post, gone = Repository(top / "content").changed(old, new) or []

    assert (picture.path, sizes([picture.file] if picture.file else [])) == ("media/new.png", {"media/new.png": (2, 1)})
    blob = git(top, "rev-parse", "HEAD:content/posts/b.md")
    assert post == Change("posts/b.md", SourceFile("posts/b.md", blob, 8, "file", b"changed\n"))
    assert gone == Change("posts/gone.md", None)
    assert Repository(top / "content").changed(new, new) == []


def test_changes_are_told_of_settings_that_hide_them(top: Path) -> None:
    """Nothing that a repository says about differences leaves one out: ignored submodules, an order, attributes."""
    old = Repository(top / "content").head()
    write(top / ".gitmodules", '[submodule "vendor"]\n\tpath = content/vendor\n\turl = ./x\n\tignore = all\n')
    write(top / ".gitattributes", "*.md -diff\n")
    write(top / "content/posts/b.md")
    git(top, "add", "-A")
    git(top, "update-index", "--add", "--cacheinfo", f"160000,{old},content/vendor")
    for key, value in (("diff.ignoreSubmodules", "all"), ("diff.orderFile", "/dev/null"), ("diff.renames", "copies"),
                       ("diff.noprefix", "true"), ("core.quotePath", "true"), ("core.abbrev", "4"),
                       ("diff.relative", "true")):
        git(top, "config", key, value)
    git(top, "commit", "-q", "-m", "more")
    repository = Repository(top / "content")

    changes = repository.changed(old, repository.head()) or []

    assert [(change.path, change.file and change.file.kind) for change in changes] == [
        ("posts/b.md", "file"), ("vendor", "submodule")]


def test_what_is_not_here_cannot_be_compared(top: Path) -> None:
    """After a shallow clone, before there was a folder, or for a commit that nobody has, all files must be read."""
    first = Repository(top / "content").head()
    write(top / "content/posts/b.md")
    newest = commit(top)
    git(top, "checkout", "-q", "--orphan", "bare")
    git(top, "rm", "-rqf", ".")
    without = commit(top)
    clone = top.parent / "clone"
    git(top.parent, "clone", "-q", "--depth=1", "--branch=main", f"file://{top}", str(clone))
    (top / "content").mkdir()

    assert Repository(clone / "content").changed(first, newest) is None
    assert Repository(clone / "content").changed("0" * 40, newest) is None
    assert Repository(top / "content").changed(without, newest) is None
    assert Repository(top / "content").changed(newest, without) is None
    assert [change.path for change in Repository(top / "content").changed(first, newest) or []] == ["posts/b.md"]


@pytest.mark.parametrize("entries", [
    [("100664", b"a.md")], [("100644", b"b.md"), ("100644", b"b.md")], [("100644", b"b/c.md")], [("60000", b"z.md")],
])
def test_folders_that_no_git_made_are_read_whole(entries: list[tuple[str, bytes]], top: Path) -> None:
    """Where Git's own comparison could be led astray, nothing is compared, neither to nor from such a commit."""
    head, blob = Repository(top / "content").head(), git(top, "rev-parse", "HEAD:content/posts/a.md")
    hostile = hand_made_commit(top, [Entry(mode, name, blob) for mode, name in entries])
    repository = Repository(top / "content")

    assert (repository.changed(head, hostile), repository.changed(hostile, head)) == (None, None)
    assert len(list(repository.files(hostile))) == len(entries)


def test_a_push_is_limited_too(top: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Folders that became too deep are refused when only the change is looked at; too many files, by `files`."""
    old = Repository(top / "content").head()
    write(top / "content/posts/b/c/d.md")
    new = commit(top)
    monkeypatch.setattr(module, "DEPTH", 2)
    with pytest.raises(ContentError, match="deeper than 2"):
        Repository(top / "content").changed(old, new)
    monkeypatch.setattr(module, "FILES", 1)
    repository = Repository(top / "content")

    assert repository.changed(old, new) is None
    with pytest.raises(ContentError, match="more than 1 files"):
        repository.files(new)


def test_a_listing_reads_nothing(top: Path) -> None:
    """The files of a commit can be listed although their objects are cut off after their headers."""
    post = loose(top, "blob", 5000, os.urandom(5000), cut=1000)
    made = hand_made_commit(top, [Entry("100644", b"a.md", post), Entry("120000", b"l.md", post)])

    assert Repository(top / "content").listing(made) == [
        SourceFile("posts/a.md", post, 5000), SourceFile("posts/l.md", post, 5000, "symlink")]


def test_blobs_of_one_name_are_read_once(top: Path) -> None:
    """Each blob comes by its name, asked for once or twice, in any order."""
    names = [git(top, "hash-object", "-w", "--stdin", stdin=text) for text in (b"one", b"", b"three\n\n")]

    assert Repository(top / "content").blobs([*names, *reversed(names)]) == dict(
        zip(names, (b"one", b"", b"three\n\n"), strict=True))
    assert Repository(top / "content").blobs([]) == {}
