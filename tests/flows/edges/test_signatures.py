"""Who signed what, by the keys that the last good commit lists: real Git, real ssh-keygen."""
import base64
import os
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.edges.repository import Repository
from flows.edges.signatures import MOST_COMMITS, MOST_MERGES, Witness, refusals, signers, who
from schemas.errors import ContentError

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
SIGNERS = "content/people/allowed_signers"
ODD = "its head is not in the order in which Git writes one"
ANN, BEN, EVE = "ann@mill.example", "ben@mill.example", "eve@evil.example"


class Signing:
    """A repository in which each of three people may sign; Ann's and Ben's keys are listed from its first commit on."""

    def __init__(self, home: Path) -> None:
        self.home, self.top = home, home / "club"
        for name in (ANN, BEN, EVE):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", home / name], check=True)
        self.top.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.write(SIGNERS, self.line(ANN) + self.line(BEN))
        self.good = self.commit({"content/posts/hello.md": "Hello."}, by=ANN)

    def git(self, *words: str, stdin: bytes | None = None) -> str:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", "-c", "user.name=The Boss", "-c", "user.email=boss@mill.example",
                               "-c", "gpg.format=ssh", *words], cwd=self.top, env=environment, input=stdin,
                              capture_output=True, check=True)
        return done.stdout.decode().strip()

    def line(self, name: str, options: str = "") -> str:
        return f"{name} {options}{(self.home / f'{name}.pub').read_text()}"

    def write(self, path: str, text: str) -> None:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def signing(self, by: str | None) -> tuple[str, ...]:
        return ("-c", f"user.signingkey={self.home / by}") if by is not None else ()

    def commit(self, files: dict[str, str], by: str | None = None) -> str:
        """A commit of these files, signed by somebody or nobody; always written by The Boss."""
        for path, text in files.items():
            self.write(path, text)
        self.git("add", "--all")
        self.git(*self.signing(by), "commit", "--quiet", "--allow-empty", "--message", "Change",
                 *(["--gpg-sign"] if by is not None else []))
        return self.git("rev-parse", "HEAD")

    def merge(self, other: str, by: str | None = None, *more: str) -> str:
        self.git(*self.signing(by), "merge", "--quiet", "--no-ff", "--no-edit", *more,
                 *(["--gpg-sign"] if by is not None else []), other)
        return self.git("rev-parse", "HEAD")

    def judged(self, good: str | None = "", new: str = "HEAD", now: datetime = NOON) -> list[tuple[str, str]]:
        """What speaks against `new`: the commits and why."""
        found = refusals(Repository(self.top / "content"), self.good if good == "" else good,
                         self.git("rev-parse", new), now=now)
        assert all(one.remedy and one.why == one.why.rstrip(".") for one in found)
        return [(one.commit, one.why) for one in found]


@pytest.fixture
def club(tmp_path) -> Signing:
    return Signing(tmp_path)


def allowed(club: Signing, *lines: str) -> bytes:
    return "".join(lines or (club.line(ANN), club.line(BEN))).encode()


# --- one commit -------------------------------------------------------------------------------------------------------

def test_a_listed_key_is_its_owner(club):
    """The name is that of the list, whoever the commit says wrote it (A1)."""
    found = signers(club.top, [club.good], allowed(club), now=NOON)

    assert found[club.good].who == ANN
    assert found[club.good].key.startswith("SHA256:")
    assert club.git("log", "-1", "--format=%an", club.good) == "The Boss"


def test_each_reason_has_its_words(club):
    """Not signed, unknown, over, for something else: each is told apart, and the rest is not touched by it."""
    none, eve, ben = club.commit({}), club.commit({}, by=EVE), club.commit({}, by=BEN)
    over, files = club.line(BEN, 'valid-before="20270301Z" '), club.line(BEN, 'namespaces="file" ')

    found = signers(club.top, [none, eve, ben, club.good], allowed(club, club.line(ANN), over), now=NOON)
    other = signers(club.top, [ben], allowed(club, files), now=NOON)

    assert [found[name].why for name in (none, eve, ben)] == [
        "it is not signed", "it is signed with a key that nobody is known by",
        "it is signed with a key of ben@mill.example that is not valid now, or not for Git"]
    assert other[ben].why == "it is signed with a key of ben@mill.example that is not valid now, or not for Git"
    assert [found[name].who for name in (none, eve, ben, club.good)] == [None, None, None, ANN]


def test_an_old_date_does_not_bring_an_old_key_back(club):
    """Whoever has a key whose time is over may date a commit as they like: it does not count."""
    club.git(*club.signing(BEN), "commit", "--quiet", "--allow-empty", "--message", "Old", "--gpg-sign",
             "--date=2020-01-01T00:00:00Z")
    raw = club.git("cat-file", "commit", "HEAD")
    assert "BEGIN SSH SIGNATURE" in raw
    environment = {**os.environ, "GIT_COMMITTER_DATE": "2020-01-01T00:00:00Z"}
    subprocess.run(["git", "-c", "user.name=B", "-c", "user.email=b@b", "-c", "gpg.format=ssh", *club.signing(BEN),
                    "commit", "--quiet", "--allow-empty", "--message", "Old", "--gpg-sign"], cwd=club.top,
                   env=environment, check=True)
    old, line = club.git("rev-parse", "HEAD"), club.line(BEN, 'valid-before="20250101Z" ')

    assert signers(club.top, [old], allowed(club, line), now=NOON)[old].who is None
    assert signers(club.top, [old], allowed(club, line), now=datetime(2024, 1, 1, tzinfo=UTC))[old].who == BEN


def test_a_changed_commit_has_a_bad_signature(club):
    """A signature that was made for other bytes does not count."""
    raw = club.git("cat-file", "commit", club.good).replace("\n\nChange", "\n\nChanged") + "\n"
    forged = club.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode())

    found = signers(club.top, [forged], allowed(club), now=NOON)

    assert found[forged].who is None
    assert found[forged].why == "its signature is bad: it was changed after it was signed, or is no signature"


@pytest.mark.parametrize(("armour", "why"), [
    ("PGP SIGNATURE", "it is signed with an OpenPGP key that nobody is known by"),
    ("SIGNED MESSAGE", "it is signed with X.509, which is not supported: only SSH and OpenPGP keys are")])
def test_other_signatures_run_nothing(club, armour, why):
    """The programs that the repository's settings name for OpenPGP and X.509 are never run; nor is any gpg where no key
    of it is listed.
    """
    evil = club.home / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {club.home / 'ran'}\necho '[GNUPG:] GOODSIG 0 Ann' >&2\nexit 0\n")
    evil.chmod(0o755)
    for key in ("gpg.program", "gpg.openpgp.program", "gpg.x509.program", "gpg.ssh.program",
                "gpg.ssh.defaultKeyCommand"):
        club.git("config", key, str(evil))
    club.git("config", "gpg.ssh.revocationFile", str(club.home / f"{ANN}.pub"))
    club.git("config", "gpg.ssh.allowedSignersFile", str(club.home / "nowhere"))
    club.git("config", "log.showSignature", "true")
    head, _, message = club.git("cat-file", "commit", club.good).partition("\ngpgsig ")
    body = message.partition("\n\n")[2]
    raw = f"{head}\ngpgsig -----BEGIN {armour}-----\n \n AAAA\n -----END {armour}-----\n\n{body}\n"
    made = club.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=raw.encode())

    found = signers(club.top, [made, club.good], allowed(club), now=NOON)

    assert found[made].why == why
    assert (found[made].who, found[club.good].who) == (None, ANN)
    assert not (club.home / "ran").exists()


def test_a_commit_that_is_not_there_is_an_error(club):
    """Nobody's signature is guessed."""
    with pytest.raises(ContentError, match="cannot read its own commits"):
        signers(club.top, ["0" * 40], allowed(club), now=NOON)


# --- what was pushed --------------------------------------------------------------------------------------------------

def test_signed_commits_have_nothing_against_them(club):
    """Content by two people, all signed; and nothing new at all."""
    club.commit({"content/posts/a.md": "A"}, by=ANN)
    club.commit({"content/posts/b.md": "B"}, by=BEN)

    assert club.judged() == []
    assert club.judged(new=club.good) == []


def test_a2_an_unsigned_commit_between_two_signed(club):
    """A2: the one without a signature is named, also where a signed one takes back what it did."""
    club.commit({"content/posts/a.md": "A"}, by=ANN)
    bad = club.commit({"content/posts/a.md": "Evil"})
    club.commit({"content/posts/a.md": "A"}, by=ANN)

    assert club.judged() == [(bad, "it is not signed")]


def test_a2_every_parent_is_looked_at(club):
    """A2: an unsigned commit does not hide behind a merge that somebody signed."""
    club.git("checkout", "--quiet", "-b", "side")
    bad = club.commit({"content/posts/evil.md": "Evil"})
    club.git("checkout", "--quiet", "main")
    club.commit({"content/posts/a.md": "A"}, by=ANN)
    club.merge("side", BEN)

    assert club.judged() == [(bad, "it is not signed")]


def test_a2_a_stranger_who_lists_himself_is_still_one(club):
    """A2: the list of the last good commit counts, and not the one that comes along."""
    bad = club.commit({SIGNERS: club.line(ANN) + club.line(BEN) + club.line(EVE)}, by=EVE)

    assert club.judged() == [(bad, "it is signed with a key that nobody is known by")]
    assert club.judged(good=bad) == []


def test_a3_nobody_approves_their_own(club):
    """A3: who adds an account does not post to it in the same push; who has another person sign one of the two does."""
    bad = club.commit({"content/networks/channels.yaml": "channels: []", "content/posts/a.md": "A"}, by=ANN)
    assert club.judged() == [(bad, f"it changes content/networks/channels.yaml, and {ANN}, who signed it, changes "
                                   "content/posts/a.md too")]
    club.git("reset", "--quiet", "--hard", club.good)
    club.commit({"content/networks/channels.yaml": "channels: []"}, by=ANN)
    club.commit({"content/posts/a.md": "A"}, by=BEN)
    assert club.judged() == []


def test_a3_a_list_of_keys_is_config(club):
    """A3: who lists a new person does not write posts in the same push."""
    post = club.commit({"content/posts/a.md": "A"}, by=ANN)
    bad = club.commit({SIGNERS: club.line(ANN) + club.line(BEN) + club.line(EVE)}, by=ANN)

    assert club.judged() == [(bad, f"it changes {SIGNERS}, and {ANN}, who signed it, changes content/posts/a.md in "
                                   f"commit {post[:12]}")]


def test_a3_what_a_merge_brings_is_not_the_merger_s(club):
    """A3: Ben signs the merge of Ann's settings into a line with his own post, and changed no settings."""
    club.git("checkout", "--quiet", "-b", "side")
    club.commit({"content/rules.yaml": "knobs: {}\n"}, by=ANN)
    club.git("checkout", "--quiet", "main")
    club.commit({"content/posts/b.md": "B"}, by=BEN)
    club.merge("side", BEN)

    assert club.judged() == []


def test_a3_what_a_merge_changes_by_itself_is_the_merger_s(club):
    """A3: what Git would not have done by itself counts as the merger's own change."""
    club.git("checkout", "--quiet", "-b", "side")
    club.commit({"content/posts/a.md": "A"}, by=ANN)
    club.git("checkout", "--quiet", "main")
    club.commit({"content/posts/b.md": "B"}, by=BEN)
    club.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    bad = club.commit({"content/rules.yaml": "knobs: {}\n"}, by=BEN)

    assert [commit for commit, _ in club.judged()] == [bad]


def test_a3_settings_that_are_as_before_are_no_change(club):
    """A3: what was taken back within the push changes nothing in the end."""
    club.commit({"content/rules.yaml": "knobs: {}\n", "content/posts/a.md": "A"}, by=ANN)
    (club.top / "content/rules.yaml").unlink()
    club.commit({}, by=ANN)

    assert club.judged() == []


def test_a3_one_person_pushes_settings_first(club):
    """A team of one can go on: the settings alone, and once they are accepted the post."""
    first = club.commit({"content/networks/channels.yaml": "channels: []"}, by=ANN)
    assert club.judged() == []
    club.commit({"content/posts/a.md": "A"}, by=ANN)
    assert club.judged(good=first) == []


# --- merges of the forge ----------------------------------------------------------------------------------------------

def diverged(club: Signing, side: dict[str, str], main: dict[str, str]) -> None:
    club.git("checkout", "--quiet", "-b", "side")
    club.commit(side, by=ANN)
    club.git("checkout", "--quiet", "main")
    club.commit(main, by=BEN)


def test_a_merge_that_git_would_make_is_vouched_for(club):
    """A forge's merge of two signed lines adds nothing of its own, and needs no signature of ours."""
    diverged(club, {"content/posts/a.md": "A"}, {"content/posts/b.md": "B"})
    club.merge("side")

    assert club.judged() == []


def test_a_merge_that_adds_something_is_not(club):
    """The same merge with one more file is an unsigned change."""
    diverged(club, {"content/posts/a.md": "A"}, {"content/posts/b.md": "B"})
    club.git("merge", "--quiet", "--no-ff", "--no-commit", "side")
    bad = club.commit({"content/posts/evil.md": "Evil"})

    assert club.judged() == [(bad, "it is not signed")]


def test_a_merge_that_drops_something_is_not(club):
    """A merge that keeps only one side decides something, so somebody has to sign it."""
    diverged(club, {"content/posts/a.md": "A"}, {"content/posts/b.md": "B"})
    bad = club.merge("side", None, "--strategy=ours")

    assert club.judged() == [(bad, "it is not signed")]


def test_a_merge_with_conflicts_has_to_be_signed(club):
    """Where Git could not decide, a person did; with a signature that is fine."""
    diverged(club, {"content/posts/hello.md": "Hello A."}, {"content/posts/hello.md": "Hello B."})
    with pytest.raises(subprocess.CalledProcessError):
        club.merge("side")
    bad = club.commit({"content/posts/hello.md": "Hello A and B."})
    assert club.judged() == [(bad, "it is not signed")]

    club.git(*club.signing(BEN), "commit", "--quiet", "--amend", "--no-edit", "--gpg-sign")
    assert club.judged() == []


@pytest.mark.parametrize("first", [True, False])
def test_a2_only_what_git_takes_for_a_parent_is_one(club, first):
    """A2: a header further down that is called one makes no merge: what it names lies here since it was refused, and
    nobody looks at it again.
    """
    evil = club.commit({"content/posts/evil.md": "Evil"})
    head, _, message = (club.git("cat-file", "commit", evil) + "\n").partition("\n\n")
    forged = f"{head}\nparent {evil}\n\n{message}"
    made = club.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=forged.encode())

    assert club.judged(good=None if first else club.good, new=made) == [(made, ODD)]


def test_a2_a_moved_signature_cuts_nothing_off(club):
    """A2: the signature of a merge, written above its second parent, still verifies; Git would not see that parent any
    more, nor anybody the unsigned commits that it brings.
    """
    club.git("checkout", "--quiet", "-b", "side")
    bad = club.commit({"content/posts/a.md": "A"})
    club.git("checkout", "--quiet", "main")
    club.commit({"content/posts/b.md": "B"}, by=BEN)
    raw = club.git("cat-file", "commit", club.merge("side", by=ANN)) + "\n"
    assert [commit for commit, _ in club.judged()] == [bad]

    head, blank, message = raw.partition("\n\n")
    (tree, first, *others), signature = head[:head.index("gpgsig")].splitlines(), head[head.index("gpgsig"):]
    forged = "\n".join((tree, first, signature, *others)) + blank + message
    made = club.git("hash-object", "-t", "commit", "-w", "--literally", "--stdin", stdin=forged.encode())
    assert club.judged(new=made) == [(made, ODD)]


def test_git_merges_nothing_that_nobody_vouches_for(club, tmp_path, monkeypatch):
    """How long a merge takes its two sides decide: strangers' are not tried, nor told of."""
    club.git("checkout", "--quiet", "-b", "side")
    bad = club.commit({"content/posts/a.md": "A"})
    club.git("checkout", "--quiet", "main")
    club.commit({"content/posts/b.md": "B"}, by=ANN)
    club.merge("side")
    program, log = tmp_path / "bin/git", tmp_path / "log"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    assert club.judged() == [(bad, "it is not signed")]
    assert "rev-list" in log.read_text()
    assert "merge-tree" not in log.read_text()


def test_no_driver_of_the_clone_is_run(club):
    """A merge driver that the clone's own settings name is not asked; then a forge's merge has to be signed."""
    club.commit({".gitattributes": "*.md merge=evil\n"}, by=ANN)
    diverged(club, {"content/posts/hello.md": "A\n\n\n\n\nHello."}, {"content/posts/hello.md": "Hello.\n\n\n\n\nB"})
    with pytest.raises(subprocess.CalledProcessError):
        club.merge("side")
    bad = club.commit({"content/posts/hello.md": "A\n\n\n\n\nHello.\n\n\n\n\nB"})
    club.git("config", "merge.evil.driver", f"touch {club.home / 'ran'}")

    assert club.judged() == [(bad, "it is not signed")]
    assert not (club.home / "ran").exists()


# --- the list itself --------------------------------------------------------------------------------------------------

def test_the_first_plan_is_judged_by_its_own_list(club, caplog):
    """Nothing was accepted yet: the commit's own list counts, its past does not, and the log says so."""
    unsigned, signed = club.commit({"content/posts/a.md": "A"}), club.commit({"content/posts/b.md": "B"}, by=ANN)

    assert club.judged(good=None) == []
    assert club.judged(good=None, new=unsigned) == [(unsigned, "it is not signed")]
    assert f"signatures judged by the commit's own list of keys commit={signed}" in caplog.text


@pytest.mark.parametrize("side", [ANN, None])
def test_the_first_plan_may_be_a_merge_of_the_forge(club, side):
    """Its two parents are judged then."""
    club.git("checkout", "--quiet", "-b", "side")
    other = club.commit({"content/posts/a.md": "A"}, by=side)
    club.git("checkout", "--quiet", "main")
    club.commit({"content/posts/b.md": "B"}, by=BEN)
    club.merge("side")

    assert club.judged(good=None) == ([] if side else [(other, "it is not signed")])


def test_without_a_list_nothing_is_accepted(club):
    """Where the last good commit names nobody, nobody can sign: said with the way out of it."""
    (club.top / SIGNERS).unlink()
    none = club.commit({}, by=ANN)
    club.commit({"content/posts/a.md": "A"}, by=ANN)

    assert club.judged(good=none) == [(none, f"it lists no key that may sign: {SIGNERS} is not there, or holds none "
                                             "that is valid now, and no more does content/people/openpgp")]
    assert "require_signed off" in refusals(Repository(club.top / "content"), none, club.git("rev-parse", "HEAD"),
                                            now=NOON)[0].remedy


@pytest.mark.parametrize("left", ["", "# nobody\n", "over"])
def test_nobody_is_locked_out(club, left):
    """A push after which nobody could sign any more is refused."""
    lines = club.line(ANN, 'valid-before="20270101Z" ') if left == "over" else left
    bad = club.commit({SIGNERS: lines}, by=ANN)

    assert club.judged() == [(bad, f"nobody could sign what comes after it: its {SIGNERS} holds no key that is valid "
                                   "now, and no more does its content/people/openpgp")]


def test_a_list_without_end_is_not_read(club):
    """A file of keys that is larger than any team is refused by its size."""
    huge = club.commit({SIGNERS: "x" * 300_000}, by=ANN)
    with pytest.raises(ContentError, match="holds more than 256,000 bytes"):
        club.judged(good=huge, new=club.good)
    assert who(Repository(club.top / "content"), huge, "posts/hello.md", now=NOON) == "unverified"


def test_too_many_commits_are_not_looked_at(club):
    """A push of more commits than anybody makes is refused as a whole."""
    who = "committer B <b@mill.example> 1800000000 +0000\ndata 0\n"
    made = f"commit refs/heads/many\n{who}from {club.good}\n" + f"commit refs/heads/many\n{who}" * MOST_COMMITS
    club.git("fast-import", "--quiet", stdin=made.encode())

    assert [why for _, why in club.judged(new="many")] == ["more than 10,000 commits came with it"]


def pushed(club: Signing, number: int, message: str = "m", merging: str = "") -> list[str]:
    """Unsigned commits upon HEAD that change nothing, one after another, the oldest first; `merging`: another parent of
    each.
    """
    one = (f"commit refs/heads/many\ncommitter B <b@mill.example> 1800000000 +0000\ndata {len(message)}\n{message}\n"
           "{}" + (f"merge {merging}\n" if merging else ""))
    head = club.git("rev-parse", "HEAD")
    made = one.format(f"from {head}\n") + one.format("") * (number - 1)
    club.git("fast-import", "--quiet", stdin=made.encode())
    return club.git("rev-list", "--reverse", "--first-parent", f"{head}..many").split()


def test_of_very_many_unsigned_commits_the_first_are_told(club):
    """Whoever has no key is refused before that has cost much; of a few commits every one is told."""
    commits = pushed(club, 900)

    assert club.judged(new="many") == [(commit, "it is not signed") for commit in commits[:200]]
    assert [commit for commit, _ in club.judged(new=commits[150])] == commits[:151]


def test_what_comes_after_many_good_commits_is_looked_at(club):
    """Not the beginning of a push is judged, but all of it; merges that add nothing are tried 500 times."""
    first, _ = club.commit({}, by=ANN), club.commit({}, by=BEN)
    merges = pushed(club, MOST_MERGES + 1, merging=first)
    assert club.judged(new=merges[-1]) == [(merges[-1], "it is not signed")]

    club.git("reset", "--quiet", "--hard", merges[210])
    assert club.judged() == []
    bad = club.commit({"content/posts/b.md": "B"})
    assert club.judged() == [(bad, "it is not signed")]


def test_a_commit_without_end_is_not_read(club):
    """A message may be as long as one likes, and packs to nothing: such a commit is refused by its size."""
    (long,) = pushed(club, 1, "m" * 300_000)

    assert club.judged(new=long) == [(long, "it holds more than 256,000 bytes by itself")]
    assert who(Repository(club.top / "content"), long, "posts/hello.md", now=NOON) == ANN


def test_the_repository_may_be_the_content_folder(club):
    """A folder that is a repository by itself has its list at its top."""
    top = club.home / "own"
    top.mkdir()
    club.top = top
    club.git("init", "--quiet", "--initial-branch=main")
    club.write("people/allowed_signers", club.line(ANN))
    good = club.commit({"posts/a.md": "A"}, by=ANN)
    bad = club.commit({"posts/b.md": "B", "rules.yaml": "knobs: {}\n"}, by=ANN)

    (found,) = refusals(Repository(top), good, bad, now=NOON)
    assert found.why == f"it changes rules.yaml, and {ANN}, who signed it, changes posts/b.md too"


# --- who --------------------------------------------------------------------------------------------------------------

def test_a1_who_is_whoever_signed_the_last_change(club):
    """A1: the signer of the file's last change; "unverified" for one that nobody known signed, whoever wrote it."""
    club.commit({"content/posts/a.md": "A"}, by=BEN)
    club.commit({"content/posts/b.md": "B"})
    head = club.commit({"content/posts/c.md": "C"}, by=EVE)
    repository = Repository(club.top / "content")

    told = {name: who(repository, head, f"posts/{name}.md", now=NOON) for name in ("hello", "a", "b", "c", "nothing")}

    assert told == {"hello": ANN, "a": BEN, "b": "unverified", "c": "unverified", "nothing": "unverified"}


def test_a_witness_goes_by_the_list_of_each_commit(club):
    """Asked again and again it says the same, and notices that another commit lists other keys."""
    first = club.commit({"content/posts/a.md": "A", "content/posts/b.md": "B"}, by=BEN)
    second = club.commit({SIGNERS: club.line(ANN)}, by=ANN)
    witness = Witness(Repository(club.top / "content"))

    told = [[witness.who(commit, f"posts/{name}.md", now=NOON) for name in ("a", "b", "a", "hello")]
            for commit in (first, second, first)]

    assert told == [[BEN, BEN, BEN, ANN], ["unverified"] * 3 + [ANN], [BEN, BEN, BEN, ANN]]


def test_a1_nobody_is_known_without_a_list(club):
    """A1: a team that lists no keys is told of nobody."""
    (club.top / SIGNERS).unlink()
    head = club.commit({"content/posts/a.md": "A"}, by=ANN)

    assert who(Repository(club.top / "content"), head, "posts/a.md", now=NOON) == "unverified"


def test_what_is_no_key_lets_nobody_in(club):
    """What is in the list but is no key of SSH lets nobody in."""
    junk = f"{EVE} ssh-ed25519 {base64.b64encode(b'anything').decode()}\n"
    bad = club.commit({}, by=EVE)
    assert signers(club.top, [bad], allowed(club, junk), now=NOON)[bad].who is None
