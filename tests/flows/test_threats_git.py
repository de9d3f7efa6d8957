"""What a push could do to an account, row by row: A1 to A3, A5, A6 and A11 with a remote that is fetched.

`test_pull.py` has the source of commits by itself, `test_threats.py` what a commit holds. Everything here is real: bare
repositories, git, ssh-keygen, whole commands.
"""
import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from flows.cli.pulling import synced
from flows.edges.plans import good_commit
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.pull import repository_of, source_of
from flows.send import Shift

from .conftest import ContentFolder, Stage

DRUMBEAT = str(Path(sys.executable).with_name("drumbeat"))
NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
ANN, BEN = "ann@mill.example", "ben@mill.example"
GIT = ("-c", "user.name=The Boss", "-c", "user.email=boss@mill.example", "-c", "gpg.format=ssh")


class Club:
    """A bare repository, a writer's clone of it, and a publisher that fetches it and has no file of it checked out."""

    def __init__(self, home: Path, stage: Stage) -> None:
        self.stage, self.outside = stage, home
        self.origin, self.home = home / "origin.git", home / "publisher"
        subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin)], check=True)
        self.writer = ContentFolder(home / "writer")
        self.writer.git("remote", "add", "origin", str(self.origin))
        self.settings = Settings(self.home / "content", self.home, remote=str(self.origin))

    def commit(self, by: str | None = None) -> str:
        """All that the writer has, committed by "The Boss" and signed by somebody or nobody."""
        self.writer.git("add", "--all")
        signing = ("-c", f"user.signingkey={self.outside / by}") if by else ()
        self.writer.git(*GIT, *signing, "commit", "--quiet", "--allow-empty", "--message", "Change",
                        *(["--gpg-sign"] if by else []))
        return self.writer.git("rev-parse", "HEAD").strip()

    def push(self, by: str | None = None, *words: str) -> str:
        commit = self.commit(by)
        self.writer.git("push", "--quiet", *words, "origin", "main")
        return commit

    def keys(self) -> None:
        """Ann and Ben have a key each, and their lines stand in the content."""
        for name in (ANN, BEN):
            file = self.outside / name
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", file], check=True)
        self.writer.write("people/allowed_signers", "".join(
            f"{name} {(self.outside / f'{name}.pub').read_text()}" for name in (ANN, BEN)))
        self.settings = self.settings._replace(require_signed=True)

    def run(self, until: datetime = NOON + timedelta(hours=3)) -> list[str]:
        """What a whole shift leaves on the networks."""
        stage, repository, store = self.stage, repository_of(self.settings), open_store(self.stage.archive)
        source = source_of(self.settings, repository, store, stage.clock.now)
        Shift(Repository(self.settings.content), store, stage.shift(store=store).ledger, stage.clock,
              connect=stage.opened(), tell=lambda _: None, source=source).run(until)
        return stage.texts()

    def drumbeat(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command at the publisher, whose drumbeat.toml says where commits come from."""
        self.home.mkdir(exist_ok=True)
        (self.home / "content").mkdir(exist_ok=True)
        (self.home / "drumbeat.toml").write_text(
            f'remote = "{self.settings.remote}"\nrequire_signed = "{"yes" if self.settings.require_signed else "no"}"\n'
            f'archive = "{self.stage.archive}"\n')
        return subprocess.run([DRUMBEAT, *words, "--content", str(self.home / "content")], cwd=self.outside,
                              env=os.environ | environment, capture_output=True, text=True, timeout=60, check=False)

    def sync(self) -> dict[str, Any]:
        """What `drumbeat sync --json` tells."""
        repository, store = repository_of(self.settings), open_store(self.stage.archive)
        return synced(self.settings, repository, store, self.stage.clock.now(), rehearsal=True).as_dict()


@pytest.fixture
def club(tmp_path: Path, stage: Stage) -> Club:
    return Club(tmp_path, stage)


def accepted(club: Club, by: str | None = None) -> str:
    """A first plan with a good post is in force."""
    club.writer.post("good", "Good.")
    first = club.push(by)
    club.run(NOON - timedelta(minutes=45))
    assert good_commit(open_store(club.stage.archive)) == first
    return first


# --- A1 to A3 ---------------------------------------------------------------------------------------------------------

def test_a1_the_author_of_a_commit_authorises_nothing(club):
    """A1: whoever calls themselves "The Boss" is nobody: refused where signatures are asked for, and elsewhere a post
    like any other.
    """
    first = accepted(club)
    club.writer.post("boss", "By the boss.")
    second = club.push()
    assert club.writer.git("log", "-1", "--format=%an <%ae>").strip() == "The Boss <boss@mill.example>"

    club.keys()
    refused = club.sync()
    club.settings = club.settings._replace(require_signed=False)

    assert (refused["state"], refused["commit"], refused["in_force"]) == ("rejected", second, first)
    assert sorted(club.run()) == ["By the boss.", "Good."]


def test_a2_an_unsigned_commit_between_two_signed_is_refused_by_name(club):
    """A2: the plan is rejected, the commit named; nothing of all three is sent; the last good plan's post goes out."""
    club.keys()
    first = accepted(club, ANN)
    club.writer.post("two", "Two.")
    club.commit(ANN)
    club.writer.post("bad", "Bad.")
    bad = club.commit()
    club.writer.post("three", "Three.")
    last = club.push(BEN)

    told = club.sync()

    assert (told["state"], told["commit"], told["in_force"]) == ("rejected", last, first)
    assert told["why"] == f"Commit {bad[:10]}: it is not signed"
    assert "commit.gpgSign" in told["remedy"]
    assert club.run() == ["Good."]


def test_a2_a_merge_by_the_forge_is_taken_and_one_that_adds_something_is_not(club):
    """A2: an unsigned merge made in the bare repository counts where it is just the merge of two signed lines."""
    club.keys()
    accepted(club, ANN)
    base = club.writer.git("rev-parse", "HEAD").strip()
    club.writer.git("checkout", "--quiet", "-b", "side")
    club.writer.post("side", "Side.")
    side = club.commit(BEN)
    club.writer.git("push", "--quiet", "origin", "side")
    club.writer.git("checkout", "--quiet", "main")
    club.writer.post("main", "Main.")
    club.push(ANN)

    def in_origin(*words: str) -> str:
        return subprocess.run(["git", *GIT, *words], cwd=club.origin, capture_output=True, text=True,
                              check=True).stdout.strip()

    tree = in_origin("merge-tree", "--write-tree", "main", "side")
    merge = in_origin("commit-tree", tree, "-p", "main", "-p", "side", "-m", "Merge pull request #1")
    in_origin("update-ref", "refs/heads/main", merge)
    assert club.sync()["state"] == "accepted"
    evil = in_origin("commit-tree", f"{base}^{{tree}}", "-p", "main", "-p", "side", "-m", "Merge pull request #2")
    in_origin("update-ref", "refs/heads/main", evil)
    refused = club.sync()

    assert (refused["state"], refused["in_force"]) == ("rejected", merge)
    assert (refused["commit"], refused["why"]) == (evil, "it is not signed")
    assert sorted(club.run()) == ["Good.", "Main.", "Side."]
    assert side in in_origin("rev-list", merge)


@pytest.mark.parametrize("who", [ANN, BEN])
def test_a3_nobody_adds_an_account_and_posts_to_it_in_one_push(club, who):
    """A3: with a second signer for the post it is taken, and the account is held; by one person it is refused, both
    changes are named, and no post of it is planned. The last good plan's post goes out.
    """
    club.keys()
    first = accepted(club, ANN)
    file = club.writer.path / "networks/channels.yaml"
    file.write_text(file.read_text() + '  - {id: second, network: mastodon, handle: "@second"}\n')
    setting = club.commit(ANN)
    club.writer.post("bad", "Bad.", channels="second")
    last = club.push(who)

    told = club.sync()
    sent = club.run()

    assert sent == ["Good."]
    if who == BEN:
        assert (told["state"], told["in_force"]) == ("accepted", last)
        assert club.stage.entries("posts/bad@second#1") == ()
        return
    assert (told["state"], told["in_force"]) == ("rejected", first)
    assert told["why"] == (f"Commit {setting[:10]}: it changes content/networks/channels.yaml, and {ANN}, who signed "
                           f"it, changes content/posts/bad.md in commit {last[:12]}")


# --- A5, A6 -----------------------------------------------------------------------------------------------------------

def test_a5_only_the_branch_itself_counts(club):
    """A5: tags and branches whose names could be taken for the branch name nothing, whatever they point to."""
    first = accepted(club)
    club.writer.post("bad", "Bad.")
    bad = club.commit()
    for ref in ("refs/tags/main", "refs/tags/refs/heads/main", "refs/tags/heads/main", "refs/heads/refs/heads/main",
                "refs/heads/heads/main", "refs/heads/origin/main", "refs/heads/Main", "refs/heads/HEAD",
                "refs/remotes/origin/main", "refs/drumbeat/fetched", "refs/heads/main2", "refs/pull/1/head"):
        club.writer.git("push", "--quiet", "--force", "origin", f"{bad}:{ref}")

    told = club.sync()

    assert (told["state"], told["commit"]) == ("unchanged", first)
    assert club.run() == ["Good."]


def test_a6_a_rewritten_history_waits_for_a_person(club):
    """A6: after a force-push the plan stands still, and says so; a person takes it by name, and the archive keeps whose
    word it was. Without a name nobody's word counts.
    """
    first = accepted(club)
    club.writer.post("other", "Other.", at=NOON + timedelta(hours=1))
    club.writer.git("checkout", "--quiet", "--orphan", "anew")
    second = club.commit()
    club.writer.git("push", "--quiet", "--force", "origin", "anew:main")

    frozen = club.sync()
    assert (frozen["state"], frozen["commit"], frozen["in_force"]) == ("rejected", second, first)
    assert frozen["remedy"].startswith(f'If that is meant, say so: drumbeat sync --accept-rewrite {second[:12]} --by ')
    assert club.run(NOON + timedelta(minutes=30)) == ["Good."]

    assert club.drumbeat("sync", "--accept-rewrite", second).returncode == 2
    assert club.drumbeat("sync", "--accept-rewrite", second, "--by", "Ilse").returncode == 0
    assert club.sync()["in_force"] == second
    store = open_store(club.stage.archive)
    words = [store.get(key) or b"" for key in store.list("v1/") if b'"Ilse"' in (store.get(key) or b"")]
    assert [json.loads(said)["by"] for said in words] == ["Ilse"]
    assert sorted(club.run()) == ["Good.", "Other."]


def test_a6_what_is_under_way_goes_on_as_it_was_promised(club):
    """A6: a thread of which one part is out gets the second part that it was claimed with, though its file was
    rewritten and a person took the new history.
    """
    club.writer.post("thread", "One.\n\n***\n\nTwo.")
    club.push()
    club.stage.script({"fault": "429", "network": "mastodon", "after": 1, "retry_after": 3000})
    assert club.run(NOON + timedelta(minutes=5)) == ["One."]
    club.writer.post("thread", "Bad one.\n\n***\n\nBad two.")
    club.writer.git("checkout", "--quiet", "--orphan", "anew")
    second = club.commit()
    club.writer.git("push", "--quiet", "--force", "origin", "anew:main")
    assert club.drumbeat("sync", "--accept-rewrite", second, "--by", "Ilse").returncode == 0

    assert club.run() == ["One.", "Two."]


# --- A11 --------------------------------------------------------------------------------------------------------------

ADDRESSES = ("fd::17", "transport::address", "--upload-pack=touch ran", "-oProxyCommand=touch ran",
             "ext::sh -c touch% ran", "ext::touch ran",
             "file:///../x\nran", "http://192.0.2.1/x.git", "http://127.0.0.1.evil.example/x.git", "git://127.0.0.1/x",
             "ssh://-oProxyCommand=touch%20ran/x", "ssh://user@-oProxyCommand=touch/x", "https://", "ftp://127.0.0.1/x",
             "../origin.git", "https://x.example/\x1b]0;owned\x07", "user@host:-upload-pack=x",
             "http://[::ffff:169.254.169.254]/x.git", "HTTP://127.0.0.1@192.0.2.1/x")

EACH = """
import contextlib, io, json, os, sys
from flows.cli import main
told = []
for remote in json.load(sys.stdin):
    os.environ["DRUMBEAT_REMOTE"], sys.argv, out, code = remote, ["drumbeat", "sync"], io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            main()
        except SystemExit as end:
            code = end.code
    told.append([remote, code, out.getvalue()])
json.dump(told, sys.stdout)
"""


def test_a11_an_address_that_is_an_option_or_a_command_is_refused(club):
    """A11: what is no https, ssh, path, or http of this computer, is refused before git hears of it: exit 3, one error,
    no file made, the same plan in force as before.
    """
    first = accepted(club)

    done = subprocess.run([sys.executable, "-P", "-c", EACH], cwd=club.home, input=json.dumps(ADDRESSES), text=True,
                          capture_output=True, timeout=60, check=False)

    told = json.loads(done.stdout)
    assert [(remote, code, said) for remote, code, said in told
            if code != 3 or "which Drumbeat does not fetch from" not in said or "\x1b" in said] == []
    assert len(told) == len(ADDRESSES)
    assert not list(club.outside.rglob("ran"))
    assert good_commit(open_store(club.stage.archive)) == first
    assert club.run() == ["Good."]


def test_a11_nothing_that_a_remote_holds_runs(club):
    """A11: hooks, settings, filters, submodules with commands for addresses and borrowed objects of the remote run
    nothing at the publisher, and nothing is checked out; its good post goes out.
    """
    proof, evil = club.outside / "ran", club.outside / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    evil.chmod(0o755)
    club.writer.post("good", "Good.")
    top = club.writer.home
    (top / ".gitattributes").write_text("* filter=evil diff=evil merge=evil text eol=crlf ident export-subst\n")
    club.writer.write(".gitattributes", "*.md filter=evil ident\n")
    (top / ".gitmodules").write_text(
        f'[submodule "evil"]\n\tpath = evil\n\turl = ext::{evil}\n\tupdate = !{evil}\n'
        "\tfetchRecurseSubmodules = true\n")
    (top / ".gitconfig").write_text(f"[core]\n\tfsmonitor = {evil}\n")
    (top / ".lfsconfig").write_text(f"[lfs]\n\turl = ext::{evil}\n")
    club.commit()
    club.writer.git("update-index", "--add", "--cacheinfo", f"160000,{'1' * 40},evil")
    club.writer.git(*GIT, "commit", "--quiet", "--message", "Submodule")
    club.writer.git("push", "--quiet", "origin", "main")
    names = ("post-checkout", "post-merge", "post-upload-pack", "pre-upload-pack", "reference-transaction",
             "post-index-change", "pre-auto-gc", "fsmonitor-watchman", "post-update", "proc-receive", "update")
    (club.home / "content").mkdir(parents=True)
    repository = repository_of(club.settings)
    for folder in (club.origin / "hooks", repository.top / ".git/hooks"):
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / name).write_bytes(evil.read_bytes())
            (folder / name).chmod(0o755)
    with (club.origin / "config").open("a") as file:
        file.write(f'[core]\n\tfsmonitor = {evil}\n\tsshCommand = {evil}\n\talternateRefsCommand = {evil}\n'
                   f'[uploadpack]\n\tpackObjectsHook = {evil}\n\tallowFilter = true\n'
                   f'[filter "evil"]\n\tsmudge = {evil}\n\tclean = {evil}\n\tprocess = {evil}\n'
                   f"[gpg]\n\tprogram = {evil}\n")
    other = club.outside / "other.git"
    subprocess.run(["git", "init", "--quiet", "--bare", str(other)], check=True)
    (other / "config").write_bytes((club.origin / "config").read_bytes())
    (club.origin / "objects/info/alternates").write_text(f"{other}/objects\n")

    told = club.sync()
    sent = club.run()

    assert (told["state"], told["counts"]["posts"]) == ("accepted", 1)
    assert sent == ["Good."]
    assert not proof.exists()
    assert list(club.home.rglob("*.md")) == []
    assert not (repository.top / "evil").exists()


class Redirecting(BaseHTTPRequestHandler):
    """A Git server that sends everybody elsewhere, and quotes what it was told."""

    answer: tuple[int, dict[str, str]]
    heard: list[str]

    def do_GET(self) -> None:
        self.heard.append(f"{self.path} {dict(self.headers)}")
        body = f"{dict(self.headers)}\n{self.headers.get('Authorization')}\n".encode()
        status, headers = self.answer
        self.send_response(status)
        for name, value in {"Content-Type": "text/plain", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(status: int, **headers: str) -> Iterator[tuple[str, list[str]]]:
    """The address of such a server, and what it has heard."""
    heard: list[str] = []
    kind = type("Handler", (Redirecting,), {"answer": (status, headers), "heard": heard})
    with ThreadingHTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", heard
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [301, 307])
def test_a11_a_server_sends_nobody_elsewhere(club, status):
    """A11: a redirect is not followed, so nobody else hears our token; the token itself is not told. The last good plan
    stays in force, and its post goes out.
    """
    first, token = accepted(club), "planted0123456789abcdef"
    packed = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    with serving(200) as (elsewhere, heard_there), serving(
            status, Location=f"{elsewhere}/stolen.git/info/refs?service=git-upload-pack") as (url, heard):
        club.settings, real = club.settings._replace(remote=f"{url}/content.git"), club.settings
        done = club.drumbeat("sync", "--json", DRUMBEAT_GIT_TOKEN=token)
        club.settings = real

    assert any(packed in line for line in heard)
    assert heard_there == []
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert token not in said
    assert good_commit(open_store(club.stage.archive)) == first
    assert club.run() == ["Good."]


@pytest.mark.parametrize("status", [301, 401, 403, 500])
def test_d2_what_a_git_server_says_tells_no_token(club, status):
    """D2: a server that quotes our Authorization header in its refusal gets none of it told, in any form."""
    accepted(club)
    token = "planted0123456789abcdef"
    packed = base64.b64encode(f"x-access-token:{token}".encode()).decode()
    with serving(status, Location="http://127.0.0.1:9/x") as (url, heard):
        club.settings, real = club.settings._replace(remote=f"{url}/content.git"), club.settings
        done = [club.drumbeat("sync", *words, DRUMBEAT_GIT_TOKEN=token) for words in (("--json",), ())]
        club.settings = real

    assert any(packed in line for line in heard)
    assert [form for form in (token, packed) for one in done if form in one.stdout + one.stderr] == []
    assert club.run() == ["Good."]


def test_a1_the_receipt_says_who_signed_and_never_who_wrote(club):
    """A1: each claim keeps the verified signer of the post's file, or "unverified"; `why` tells it, and "The Boss", who
    wrote every commit, stands nowhere.
    """
    club.keys()
    club.settings = club.settings._replace(require_signed=False)
    club.writer.post("ann", "By Ann.")
    club.push(ANN)
    club.writer.post("nobody", "By nobody.")
    club.push()

    assert sorted(club.run()) == ["By Ann.", "By nobody."]
    whos = {name: club.stage.entries(f"posts/{name}@mastodon#1")[0].record.detail["who"] for name in ("ann", "nobody")}
    assert whos == {"ann": ANN, "nobody": "unverified"}
    told = {name: club.drumbeat("why", f"posts/{name}@mastodon#1", *more).stdout
            for name, more in (("ann", ()), ("nobody", ("--json",)))}
    assert f", signed by {ANN}" in told["ann"]
    assert '"who": "unverified"' in told["nobody"]
    assert "Boss" not in "".join(told.values())
