"""Who signed what with OpenPGP, by the keys that the last good commit lists: real Git, real gpg."""
import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from copy import copy
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from flows.edges import openpgp
from flows.edges.repository import Repository
from flows.edges.signatures import anybody_may_sign, refusals, signers, who
from flows.planning.dearmouring import BAD, SEVERAL, Key, _bare, _unpacked, read_keys
from schemas.errors import ContentError, SettingsError

pytestmark = pytest.mark.skipif(shutil.which("gpg") is None, reason="gpg is not installed")
NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
FOLDER = "content/people/openpgp"
ANN, BEN, EVE, FORGE = "ann@mill.example", "ben@mill.example", "eve@evil.example", "forge"
NOT_TAKEN = f"it is signed with a key of {ANN} that is listed, and gpg takes no such key"
STRANGER = "it is signed with an OpenPGP key that nobody is known by"
WEAK = "its signature is made with a digest that can be forged, such as SHA-1"


class Ring:
    """Four keys; Ann's ends in 2028 and has a subkey. All of them say that they are Ann's."""

    def __init__(self, home: Path) -> None:
        self.home = home
        home.mkdir(mode=0o700)
        self.prints = {}
        for name in (ANN, BEN, EVE, FORGE):
            self.gpg("--quick-gen-key", f"{name.partition('@')[0]}'s <{ANN}>", "ed25519", "sign",
                     "2028-01-01" if name == ANN else "never")
            self.prints[name] = self.listed()[-1]
        self.gpg("--quick-add-key", self.prints[ANN], "ed25519", "sign")
        self.subkey = next(one for one in self.listed() if one not in self.prints.values())

    def gpg(self, *words: str, stdin: bytes = b"", at: str = "20260101T000000", batch: bool = True) -> bytes:
        """What gpg of these people printed, at a time of theirs."""
        return subprocess.run(["gpg", "--homedir", self.home, "--quiet", "--no-tty", *(["--batch"] if batch else []),
                               "--pinentry-mode", "loopback", "--passphrase", "", "--faked-system-time", at, *words],
                              input=stdin, capture_output=True, check=True).stdout

    def listed(self) -> list[str]:
        records = [line.split(":") for line in self.gpg("--with-colons", "--list-keys").decode().splitlines()]
        return [one[9] for one in records if one[0] == "fpr"]

    def signature(self, payload: bytes, by: str, *options: str, at: str = "20270101T000000") -> bytes:
        return self.gpg("--armor", "--local-user", f"{self.prints.get(by, by)}!", *options, "--detach-sign",
                        stdin=payload, at=at)

    def key(self, *names: str) -> str:
        return self.gpg("--armor", "--export", *(self.prints[name] for name in names)).decode()

    def keys(self, *names: str) -> tuple[Key, ...]:
        return read_keys([(f"{name}.asc", self.key(name).encode()) for name in names], FOLDER)[0]

    def close(self) -> None:
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], check=False)


@pytest.fixture(scope="module")
def ring() -> Iterator[Ring]:
    with TemporaryDirectory(prefix="ring-", ignore_cleanup_errors=True) as folder:  # a short path: sockets lie there
        made = Ring(Path(folder) / "home")
        try:
            yield made
        finally:
            made.close()


class Club:
    """A repository whose first commit lists Ann's and Ben's OpenPGP keys, and no key of SSH."""

    def __init__(self, home: Path, ring: Ring) -> None:
        self.home, self.ring, self.top, self.keys = home, ring, home / "club", ring.keys(ANN, BEN)
        self.top.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        for name in (ANN, BEN):
            self.write(f"{FOLDER}/{name}.asc", ring.key(name))
        self.good = self.commit({"content/posts/hello.md": "Hello."}, by=ANN)

    def copy(self, home: Path) -> "Club":
        made = copy(self)
        made.home, made.top = home, home / "club"
        shutil.copytree(self.top, made.top)
        return made

    def git(self, *words: str, stdin: bytes | None = None) -> str:
        environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", "-c", "user.name=The Boss", "-c", f"user.email={ANN}", *words], cwd=self.top,
                              env=environment, input=stdin, capture_output=True, check=True)
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, path: str, text: str) -> None:
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def commit(self, files: dict[str, str], by: str | None = None, *options: str) -> str:
        """A commit of these files, signed by somebody's OpenPGP key or by nobody."""
        for path, text in files.items():
            self.write(path, text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "Change")
        return self.signed(by, *options) if by is not None else self.git("rev-parse", "HEAD")

    def commit_by_ssh(self, files: dict[str, str], key: Path) -> str:
        for path, text in files.items():
            self.write(path, text)
        self.git("add", "--all")
        self.git("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}", "commit", "--quiet", "--gpg-sign", "-mA")
        return self.git("rev-parse", "HEAD")

    def signed(self, by: str, *options: str) -> str:
        """HEAD, signed now."""
        raw = self.raw()
        return self.put(raw, self.ring.signature(raw, by, *options))

    def raw(self, commit: str = "HEAD") -> bytes:
        return subprocess.run(["git", "cat-file", "commit", commit], cwd=self.top, capture_output=True,
                              check=True).stdout

    def put(self, raw: bytes, armour: bytes, name: bytes = b"gpgsig") -> str:
        """The commit with a signature, as the new HEAD."""
        head, _, message = raw.partition(b"\n\n")
        signed = head + b"\n" + name + b" " + armour.strip().replace(b"\n", b"\n ") + b"\n\n" + message
        made = self.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=signed)
        self.git("update-ref", "HEAD", made)
        return made

    def told(self, *commits: str, keys: tuple[Key, ...] | None = None, now: datetime = NOON) -> list[str]:
        """Who signed each commit, or why that is nobody."""
        found = signers(self.top, commits, b"", self.keys if keys is None else keys, now=now)
        return [found[commit].who or found[commit].why for commit in commits]

    def judged(self, good: str | None = "", now: datetime = NOON) -> list[tuple[str, str]]:
        """What speaks against HEAD: the commits and why."""
        found = refusals(Repository(self.top / "content"), self.good if good == "" else good,
                         self.git("rev-parse", "HEAD"), now=now)
        assert all(one.remedy and one.why == one.why.rstrip(".") for one in found)
        return [(one.commit, one.why) for one in found]


@pytest.fixture(scope="module")
def first_club(tmp_path_factory: pytest.TempPathFactory, ring: Ring) -> Club:
    return Club(tmp_path_factory.mktemp("first"), ring)


@pytest.fixture
def club(tmp_path: Path, first_club: Club) -> Club:
    return first_club.copy(tmp_path)


def ssh_key(folder: Path) -> str:
    """The public half of a new key of SSH."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", folder / "ssh"], check=True)
    return (folder / "ssh.pub").read_text()


# --- one commit -------------------------------------------------------------------------------------------------------

def test_a_listed_key_is_whose_file_it_is(club: Club, ring: Ring) -> None:
    """The name is the file's, though Ben's key and the commit both say that they are Ann's; a subkey is its owner's."""
    by_git, ben, sub = club.git("rev-parse", "HEAD"), club.commit({}, BEN), club.commit({}, ring.subkey)
    found = signers(club.top, [by_git, ben, sub], b"", club.keys, now=NOON)

    assert [(found[one].who, found[one].key) for one in (by_git, ben, sub)] == [
        (ANN, ring.prints[ANN]), (BEN, ring.prints[BEN]), (ANN, ring.prints[ANN])]


def test_what_git_signs_counts(club: Club, ring: Ring) -> None:
    """`git commit -S` with gpg, as people do it."""
    program = club.home / "gpg"
    program.write_text(f'#!/bin/sh\nexec gpg --homedir {ring.home} --batch --faked-system-time 20270101T000000 "$@"\n')
    program.chmod(0o755)
    club.git("-c", f"gpg.program={program}", "-c", f"user.signingKey={ring.prints[BEN]}", "commit", "--quiet",
             "--allow-empty", "--gpg-sign", "--message", "One line\n\nAnd more.\n")

    assert club.told(club.git("rev-parse", "HEAD")) == [BEN]


def test_each_reason_has_its_words(club: Club, ring: Ring) -> None:
    """Unknown, forged, moved, over, made with a weak digest, twice: each is told apart, and spoils no other."""
    eve, raw = club.commit({}, EVE), club.raw(club.commit({}))
    good = ring.signature(raw, ANN)
    moved = club.put(club.raw(club.commit({"content/posts/evil.md": "Evil"})), good)
    message = club.put(raw, ring.gpg("--armor", "--local-user", ring.prints[ANN], "--sign", stdin=b"Hello.")
                       .replace(b"PGP MESSAGE", b"PGP SIGNATURE"))
    junk = club.put(raw, b"-----BEGIN PGP SIGNATURE-----\n\nAAAA\n-----END PGP SIGNATURE-----")
    lines = good.decode().split("\n")
    alien = bytearray(base64.b64decode("".join(lines[2:-3])))
    alien[4] = 99                                                 # the kind of key: nobody knows that one
    odd = club.put(raw, b"-----BEGIN PGP SIGNATURE-----\n\n%s\n-----END PGP SIGNATURE-----" % base64.b64encode(alien))
    over = club.put(raw, ring.signature(raw, BEN, "--default-sig-expire", "7"))
    weak = [club.put(raw, ring.signature(raw, BEN, "--allow-weak-digest-algos", "--digest-algo", digest))
            for digest in ("SHA1", "MD5", "RIPEMD160")]
    two = club.put(club.raw(club.put(raw, good)), ring.signature(raw, BEN))
    sound = [club.put(raw, ring.signature(raw, BEN, "--digest-algo", digest)) for digest in ("SHA256", "SHA512")]

    assert club.told(eve, moved, message, junk, odd, over, *weak, two, *sound) == [
        STRANGER, BAD, BAD, BAD, "gpg does not take its signature", "its signature has expired", WEAK, WEAK, WEAK,
        SEVERAL, BEN, BEN]


def test_a_key_counts_as_it_is_today(club: Club, ring: Ring) -> None:
    """What a signature says of its date decides nothing: whoever has a key whose time is over dates as they like."""
    before, between, later = (datetime(year, 6, 1, tzinfo=UTC) for year in (2025, 2026, 2028))
    sub = club.commit({}, ring.subkey)

    assert club.told(club.good, sub, now=later) == [f"it is signed with a key of {ANN} that has expired"] * 2
    assert club.told(club.good, now=before) == [NOT_TAKEN]
    assert club.told(club.good, now=between) == [ANN]
    assert openpgp.usable(club.keys, now=later) == {ring.prints[BEN]}
    assert openpgp.usable(club.keys, now=NOON) == {ring.prints[ANN], ring.prints[BEN]}


def test_a_listed_key_that_gpg_does_not_take_is_named(club: Club, ring: Ring) -> None:
    """Its owner hears that it is the key: some keyservers leave the user id out."""
    ann, _, _, *rest = _unpacked(_bare(ring.key(ANN).encode(), b"PUBLIC KEY BLOCK"))
    bare = base64.encodebytes(ann.whole + b"".join(one.whole for one in rest))
    text = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + bare + b"-----END PGP PUBLIC KEY BLOCK-----\n"
    keys, faults = read_keys([(f"{ANN}.asc", text)], FOLDER)

    assert faults == ()
    assert club.told(club.good, keys=keys) == [NOT_TAKEN]
    assert openpgp.usable(keys, now=NOON) == set()


def test_a_subkey_is_whose_it_was_made_for(club: Club, ring: Ring) -> None:
    """Who lists somebody's subkey under a key of their own gets none of its signatures, and spoils none."""
    ann, eve = (_unpacked(_bare(ring.key(name).encode(), b"PUBLIC KEY BLOCK")) for name in (ANN, EVE))
    sub = next(at for at, one in enumerate(ann) if one.tag == 14)
    stolen = base64.encodebytes(b"".join(one.whole for one in (*eve, *ann[sub:sub + 2])))
    text = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n" + stolen + b"-----END PGP PUBLIC KEY BLOCK-----\n"
    keys, _ = read_keys([("a.asc", text), (f"{ANN}.asc", ring.key(ANN).encode())], FOLDER)

    assert club.told(club.commit({}, ring.subkey), club.commit({}, EVE), club.good, keys=keys) == [ANN, "a", ANN]


@pytest.mark.parametrize("which", ["subkey", "key"])
def test_a_revoked_key_does_not_count(club: Club, ring: Ring, tmp_path: Path, which: str) -> None:
    """Whatever was signed before: nobody knows when a thief began. Of a key without its subkey the rest counts."""
    sub = club.commit({}, ring.subkey)
    with TemporaryDirectory(prefix="ring-", ignore_cleanup_errors=True) as folder:
        shutil.copytree(ring.home, f"{folder}/home", ignore=shutil.ignore_patterns("S.*"))
        other = Ring.__new__(Ring)
        other.home, other.prints = Path(folder) / "home", ring.prints
        edits = "key 1\nrevkey\ny\n0\n\ny\nsave\n" if which == "subkey" else "revkey\ny\n0\n\ny\nsave\n"
        other.gpg("--command-fd", "0", "--edit-key", ring.prints[ANN], stdin=edits.encode(), batch=False)
        keys = other.keys(ANN)
        other.close()

    revoked = f"it is signed with a key of {ANN} that was revoked"
    assert club.told(sub, club.good, keys=keys) == [revoked, ANN if which == "subkey" else revoked]
    assert openpgp.usable(keys, now=NOON) == ({ring.prints[ANN]} if which == "subkey" else set())


# --- gpg itself -------------------------------------------------------------------------------------------------------

def wrapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> Path:
    """A gpg of this machine that notes how it was called."""
    program, log = tmp_path / "bin/gpg", tmp_path / "log"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$@" >> {log}\n{script}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return log


def test_many_commits_are_one_run(club: Club, ring: Ring, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are read once, and then all signatures, however many: the bad ones too."""
    raw = club.raw(club.commit({}))
    armour = ring.signature(raw, ANN)
    bad = [club.put(raw.replace(b"Change", b"Change %d" % n), armour) for n in range(3)]
    good = club.put(raw, armour)
    log = wrapped(tmp_path, monkeypatch, f'exec {shutil.which("gpg")} "$@"')

    assert club.told(*bad[:2], good, bad[2], club.good) == [BAD, BAD, ANN, BAD, ANN]
    assert len(log.read_text().splitlines()) == 2


def test_nothing_of_this_machine_counts_and_nothing_is_left(club: Club, ring: Ring, tmp_path: Path,
                                                             monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its keyring nor its settings; its home is for us alone, and goes with whatever it started."""
    eve, scratch = club.commit({}, EVE), tmp_path / "scratch"
    scratch.mkdir()
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    subprocess.run(["gpg", "--homedir", own, "--batch", "--no-autostart", "--import"], input=ring.key(EVE).encode(),
                   capture_output=True, check=True)
    (own / "gpg.conf").write_text("no-such-option\n")
    monkeypatch.setenv("GNUPGHOME", str(own))
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    wrapped(tmp_path, monkeypatch, f'stat -c %a . >> {tmp_path}/modes\nexec {shutil.which("gpg")} "$@"')

    assert club.told(eve, club.good) == [STRANGER, ANN]
    assert set((tmp_path / "modes").read_text().split()) == {"700"}
    assert list(scratch.iterdir()) == []
    assert not [line for line in Path("/proc").glob("[0-9]*/cmdline") if str(scratch).encode() in read(line)]


def read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:                                               # a process that ended meanwhile
        return b""


def test_gpg_is_missed_where_keys_are_listed(club: Club, ring: Ring, tmp_path: Path,
                                             monkeypatch: pytest.MonkeyPatch) -> None:
    """Said with what to do; where no OpenPGP key is listed, nobody needs it."""
    (tmp_path / "bin").mkdir()
    for program in ("git", "ssh-keygen"):
        (tmp_path / "bin" / program).symlink_to(str(shutil.which(program)))
    club.commit({"content/people/allowed_signers": f"Zoe {ssh_key(tmp_path)}"}, BEN)
    head = club.commit_by_ssh({"content/posts/z.md": "Z"}, tmp_path / "ssh")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    with pytest.raises(ContentError, match="gpg is not installed, and people/openpgp lists OpenPGP keys"):
        club.judged()                                             # the plan in force stays: no shift ends of it
    with pytest.raises(SettingsError, match="gpg is not installed, and people/openpgp lists OpenPGP keys"):
        anybody_may_sign(Repository(club.top / "content"), head, now=NOON)
    told = [who(Repository(club.top / "content"), head, f"posts/{name}.md", now=NOON) for name in ("hello", "z")]
    assert told == ["unverified", "Zoe"]
    assert club.told(club.good, keys=()) == [STRANGER]


def test_a_gpg_that_breaks_lets_nobody_in(club: Club, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it did not say is no yes."""
    wrapped(tmp_path, monkeypatch, "exit 0")
    with pytest.raises(ContentError, match="ended before it had looked at every signature"):
        club.told(club.good)


# --- what was pushed --------------------------------------------------------------------------------------------------

def test_openpgp_alone_is_enough(club: Club) -> None:
    """A team without any key of SSH signs with gpg; each post has its signer, an unsigned commit is named (A1, A2)."""
    club.commit({"content/posts/a.md": "A"}, ANN)
    head = club.commit({"content/posts/b.md": "B"}, BEN)
    repository = Repository(club.top / "content")
    assert club.judged() == []
    assert [who(repository, head, f"posts/{name}.md", now=NOON) for name in "ab"] == [ANN, BEN]

    bad = club.commit({"content/posts/c.md": "C"})
    club.commit({"content/posts/c.md": "D"}, ANN)
    assert club.judged() == [(bad, "it is not signed")]
    assert who(repository, bad, "posts/c.md", now=NOON) == "unverified"


def test_a2_a_stranger_who_lists_himself_is_still_one(club: Club, ring: Ring) -> None:
    """A2: the keys of the last good commit count, and not those that come along; from the next push on they do."""
    bad = club.commit({f"{FOLDER}/{EVE}.asc": ring.key(EVE)}, EVE)
    assert club.judged() == [(bad, STRANGER)]

    club.commit({}, EVE)
    assert club.judged(good=bad) == []


def test_a3_a_key_is_config_and_a_person_has_one_name(club: Club, ring: Ring, tmp_path: Path) -> None:
    """A3: who lists a key writes no post in the same push; nor with their other key, of SSH, under whichever of their
    names.
    """
    good = club.commit({"content/people/allowed_signers": f"Ann,{ANN.upper()} {ssh_key(tmp_path)}"}, ANN)
    post = club.commit_by_ssh({"content/posts/a.md": "A"}, tmp_path / "ssh")
    assert club.judged(good=good) == []

    bad = club.commit({f"{FOLDER}/{EVE}.asc": ring.key(EVE)}, ANN)
    assert club.judged(good=good) == [(bad, f"it changes {FOLDER}/{EVE}.asc, and Ann, who signed it, changes "
                                            f"content/posts/a.md in commit {post[:12]}")]
    club.git("reset", "--quiet", "--hard", post)
    club.commit({f"{FOLDER}/{EVE}.asc": ring.key(EVE)}, BEN)
    assert club.judged(good=good) == []


def test_what_counts_for_nobody_is_told_when_it_comes(club: Club, ring: Ring) -> None:
    """A whole keyring in one file, or a key of two people, is refused with the push that brings it; what was there
    before stays out and stops nobody.
    """
    bad = club.commit({f"{FOLDER}/zoe.asc": ring.key(EVE, FORGE), f"{FOLDER}/boss.asc": ring.key(BEN)}, ANN)

    assert club.judged() == [
        (bad, f"its {FOLDER}/zoe.asc holds 2 keys"),
        (bad, f"its {FOLDER} has one key, {ring.prints[BEN]}, as that of {BEN} and of boss")]
    club.commit({"content/posts/a.md": "A"}, ANN)
    assert club.judged(good=bad) == []
    ben = club.commit({}, BEN)
    assert club.judged(good=bad) == [(ben, STRANGER)]


def test_nobody_is_locked_out(club: Club) -> None:
    """A push after which nobody could sign any more is refused; and a list of keys that are over lets nobody in."""
    later = datetime(2028, 6, 1, tzinfo=UTC)
    (club.top / f"{FOLDER}/{BEN}.asc").unlink()
    only_ann = club.commit({}, BEN)
    repository = Repository(club.top / "content")

    ((commit, why),) = club.judged(now=later)
    assert (commit, why.partition(":")[0]) == (only_ann, "nobody could sign what comes after it")
    assert [anybody_may_sign(repository, only_ann, now=now) for now in (NOON, later)] == [True, False]
    assert [why.partition(":")[0] for _, why in club.judged(good=None, now=later)] == ["it lists no key that may sign"]


def test_a_symlink_or_a_huge_file_is_no_key(club: Club, ring: Ring) -> None:
    """What leads elsewhere is not followed, and of what has no end the beginning is read."""
    (club.top / f"{FOLDER}/{EVE}.asc").symlink_to(f"{BEN}.asc")
    club.write(f"{FOLDER}/zoe.asc", ring.key(EVE) + "x" * 2_000_000)
    bad = club.commit({}, ANN)

    assert club.judged() == [(bad, f"its {FOLDER}/zoe.asc holds more than 64,000 bytes")]


def test_keys_of_a_repository_that_is_the_content_folder(club: Club, ring: Ring) -> None:
    """Its keys lie at its top; what is no .asc, hidden in a deeper folder or elsewhere is no key."""
    for path in (f"{ANN}.asc", "zoe/laptop.asc", "zoe/old/laptop.asc", "zoe.gpg", "README.txt"):
        club.write(f"people/openpgp/{path}", "x")
    head = club.commit({"people/openpgp.asc": "x"})

    assert openpgp.files(Repository(club.top), head) == [(f"{ANN}.asc", b"x"), ("zoe/laptop.asc", b"x")]


def test_too_many_keys_are_not_read(club: Club) -> None:
    """More files than any team has are refused as a whole."""
    club.commit({f"{FOLDER}/{n}.asc": "" for n in range(openpgp.MOST_KEYS)}, ANN)
    with pytest.raises(ContentError, match=f"{FOLDER} holds more than {openpgp.MOST_KEYS} keys"):
        club.judged()


# --- merges of the forge ----------------------------------------------------------------------------------------------

def test_a_merge_that_the_forge_signs(club: Club, ring: Ring) -> None:
    """A merge that adds nothing counts whoever signs it; one with more counts where the forge's key is listed."""
    club.git("checkout", "--quiet", "-b", "side")
    side = club.commit({"content/posts/a.md": "A"}, ANN)
    club.git("checkout", "--quiet", "main")
    club.git("reset", "--quiet", "--hard", club.good)
    club.commit({"content/posts/b.md": "B"}, BEN)
    club.git("merge", "--quiet", "--no-ff", "--no-edit", side)
    club.signed(FORGE)
    assert club.judged() == []

    bad = club.commit({"content/posts/c.md": "C"}, FORGE)
    assert club.judged() == [(bad, STRANGER)]
    club.git("reset", "--quiet", "--hard", club.good)
    good = club.commit({f"{FOLDER}/{FORGE}.asc": ring.key(FORGE)}, BEN)
    club.commit({"content/posts/c.md": "C"}, FORGE)
    assert club.judged(good=good) == []
