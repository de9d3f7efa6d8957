"""Signatures of OpenPGP on commits: gpg verifies them, with the keys that a commit lists and none of this machine.

Each time it gets a home of its own, empty, for us alone and gone afterwards: no keyring, no settings, no agent, no
network. What counts is the fingerprint that it names. Its words are those of GnuPG 2.2.40, tried 2026-11-23.
"""
import os
import re
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

from flows.edges import _git
from flows.edges.repository import Repository
from flows.planning.dearmouring import BAD, KEY_BYTES, SUFFIX, Key, question
from flows.planning.vouching import AGAIN, OPENPGP, SET_UP, Signed, shown
from schemas.errors import ContentError, SettingsError

MOST_KEYS = 200
"""So many files of keys are read."""
_LIST_BYTES = 100_000
_PATIENCE_S = 60
"""A second is enough for thousands of signatures; and a publisher sends nothing while it judges."""
_LISTED = re.compile(rb"(?:100644|100755) blob ([0-9a-f]+) +(\d+)\t([^\0]+)\0")
# Not --batch: then it ends at the first bad signature (g10/mainproc.c). --no-tty: there is nobody to ask.
_GPG = ("gpg", "--no-options", "--no-tty", "--quiet", "--no-autostart", "--disable-dirmngr", "--no-auto-key-retrieve",
        "--no-auto-key-locate", "--no-auto-check-trustdb", "--no-random-seed-file", "--no-permission-warning",
        "--lock-never", "--no-armor", "--trust-model", "always", "--status-file", "status")
_OVER = ("Give the key more time (gpg --quick-set-expire), and list it so, in a push of its own; or sign with another "
         "that is listed.")
_VERDICTS = {
    "BADSIG": (BAD, SET_UP),
    "EXPSIG": ("its signature has expired", f"Take default-sig-expire out of gpg.conf, {AGAIN}"),
    "EXPKEYSIG": ("it is signed with a key of {name} that has expired", _OVER),
    "REVKEYSIG": ("it is signed with a key of {name} that was revoked", f"With another key, {AGAIN}"),
    "ERRSIG": ("gpg does not take its signature", SET_UP),
}
_STRANGER = Signed(None, None, "it is signed with an OpenPGP key that nobody is known by",
                   f"Have somebody sign it whose key is in {OPENPGP}; or have them add this key first, as "
                   f"{OPENPGP}/NAME{SUFFIX}, in a push of its own.")
_NOT_TAKEN = "it is signed with a key of {name} that is listed, and gpg takes no such key"
_EXPORT = (f"Export it with its user id (gpg --armor --export FINGERPRINT), and list it so in {OPENPGP}, in a push of "
           "its own; if it is newer than the clock where posts are published, set that clock.")
_WHY, _ISSUER, _DIGEST, _PRIMARY = 5, 6, 8, 10
"""Where these stand: two after ERRSIG, two in a VALIDSIG."""
_NO_KEY = "9"
"""GPG_ERR_NO_PUBKEY, in an ERRSIG."""
_BROKEN = "See that gpg works where posts are published (gpg --version), and push again."
_SOUND = ("8", "9", "10")
"""SHA-256, SHA-384 and SHA-512 (RFC 9580, 9.5). Two commits with one SHA-1 or MD5 can be made."""
_WEAK = Signed(None, None, "its signature is made with a digest that can be forged, such as SHA-1",
               f"Take digest-algo and personal-digest-preferences out of gpg.conf, {AGAIN}")


def files(repository: Repository, commit: str) -> list[tuple[str, bytes]]:
    """The files of keys that a commit holds, by their paths below the folder; of one that is too long the beginning.

    Raises ContentError when there are too many.
    """
    inside = f"{repository.prefix}/{OPENPGP}/".removeprefix("/")
    printed = _git.output_within(repository.top, _LIST_BYTES, "ls-tree", "-r", "-z", "-l", "--full-tree", commit, "--",
                                 inside) or b""
    listed = [(path.decode("utf-8", "backslashreplace").removeprefix(inside), blob.decode(), int(size))
              for blob, size, path in _LISTED.findall(printed)]
    listed = [one for one in listed if one[0].endswith(SUFFIX) and one[0].count("/") < 2]
    if len(listed) > MOST_KEYS or len(printed) > _LIST_BYTES:
        raise ContentError(f"{repository.folder.name}/{OPENPGP} holds more than {MOST_KEYS} keys.",
                           "Take out those of people who sign no more.")
    heads = _git.beginnings(repository.top, [(blob, size) for _, blob, size in listed], KEY_BYTES + 1)
    return [(path, head) for (path, _, _), head in zip(listed, heads, strict=True)]


def usable(keys: Sequence[Key], *, now: datetime) -> frozenset[str]:
    """The fingerprints of the keys that can sign as of `now`: not expired, not revoked, known to this gpg.

    Raises SettingsError where there are keys and no gpg, ContentError when gpg does not answer.
    """
    if not keys:
        return frozenset()
    with _home(keys, now) as gpg:
        printed = gpg.run("--with-colons", "--list-keys").decode("utf-8", "replace")
    records = [line.split(":") for line in printed.split("\n")]
    primary = [(one, after[9]) for one, after in pairwise(records) if one[0] == "pub" and after[0] == "fpr"]
    able = {fingerprint for one, fingerprint in primary if "S" in one[11]}       # something of it can sign now
    return frozenset(able & {key.fingerprint for key in keys})


def signers(commits: Iterable[tuple[str, bytes]], keys: Sequence[Key], *, now: datetime) -> dict[str, Signed]:
    """Whose each commit is, by these keys and no others, given by id and bytes. One run of gpg for all of them.

    Times are those of `now`: what a signature says about its date, its author wrote. Raises as `usable`.
    """
    if not keys:
        return {commit: _STRANGER for commit, _ in commits}
    found: dict[str, Signed] = {}
    asked: list[str] = []
    with _home(keys, now) as gpg:
        for commit, raw in commits:
            message = question(raw, b"gpgsig" if len(commit) == 40 else b"gpgsig-sha256")
            if isinstance(message, str):
                found[commit] = Signed(None, None, message, SET_UP)
            else:
                (gpg.home / commit).write_bytes(message)
                asked.append(commit)
        said = gpg.verified(asked)
    names = {key.fingerprint: key.name for key in keys}
    return found | {commit: _signed(said[commit], names) for commit in asked}


def _signed(said: Sequence[Sequence[str]], names: Mapping[str, str]) -> Signed:
    """Whose one commit is. `said`: the words of gpg about it; `names`: whose each fingerprint is."""
    verdicts = [words for words in said if words[0] in ("GOODSIG", *_VERDICTS)]
    if len(verdicts) != 1:
        return Signed(None, None, BAD, SET_UP)
    (verdict, *about), = verdicts
    valid = next((words for words in said if words[0] == "VALIDSIG" and len(words) > _PRIMARY), None)
    if verdict == "ERRSIG" and about[_WHY:_WHY + 1] == [_NO_KEY]:
        listed = names.get((about[_ISSUER:] or [""])[0])          # as the signature says, which nobody has proved
        return _STRANGER if listed is None else Signed(None, None, _NOT_TAKEN.format(name=shown(listed)), _EXPORT)
    if (valid[_DIGEST] if valid is not None else (about[2:3] or [""])[0]) not in _SOUND and verdict != "BADSIG":
        return _WEAK
    if verdict in ("BADSIG", "ERRSIG"):
        return Signed(None, None, *_VERDICTS[verdict])
    name = names.get(valid[_PRIMARY]) if valid is not None else None
    if valid is None or name is None:
        return _STRANGER
    if verdict != "GOODSIG":
        why, remedy = _VERDICTS[verdict]
        return Signed(None, valid[_PRIMARY], why.format(name=shown(name)), remedy)
    return Signed(name, valid[_PRIMARY])


class _Gpg:
    """gpg in a home of its own, as of one moment."""

    def __init__(self, home: Path, now: datetime) -> None:
        self.home = home
        self._words = (*_GPG, "--homedir", str(home), "--faked-system-time", f"{int(now.timestamp())}!")
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), "HOME": str(home), "LC_ALL": "C"}

    def run(self, *words: str, stdin: str = "") -> bytes:
        """What it printed. Whether it was content with everything does not matter: what it said of each thing does."""
        try:
            return subprocess.run([*self._words, *words], cwd=self.home, env=self._environment, input=stdin.encode(),
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=_PATIENCE_S,
                                  check=False).stdout
        except FileNotFoundError:
            raise SettingsError(f"gpg is not installed, and {OPENPGP} lists OpenPGP keys.",
                                "Install GnuPG (gpg) where posts are published.") from None
        except subprocess.TimeoutExpired:
            raise ContentError(f"gpg did not answer in {_PATIENCE_S} seconds.", _BROKEN) from None

    def verified(self, names: Sequence[str]) -> dict[str, list[list[str]]]:
        """What it said of each message, by the name of its file. Raises ContentError when it did not say all."""
        if names:
            self.run("--multifile", "--verify", stdin="".join(f"{name}\n" for name in names))
        found: dict[str, list[list[str]]] = {}
        ended = set()
        of = ""
        status = self.home / "status"
        for line in status.read_text("utf-8", "replace").split("\n") if names and status.exists() else ():
            words = line.removeprefix("[GNUPG:] ").split(" ")
            if words[0] == "FILE_START":
                of = words[-1]
                found[of] = []
            elif words[0] == "FILE_DONE":
                ended.add(of)
            elif of:
                found[of].append(words)
        if not ended >= set(names):
            raise ContentError("gpg ended before it had looked at every signature.", _BROKEN)
        return found


@contextmanager
def _home(keys: Sequence[Key], now: datetime) -> Iterator[_Gpg]:
    """gpg that knows these keys and nothing else. Raises SettingsError when it is not installed."""
    with TemporaryDirectory(prefix="drumbeat-") as home:                          # only we can read it
        gpg = _Gpg(Path(home), now)
        for number, key in enumerate(keys):
            (gpg.home / f"{number}.key").write_bytes(key.packets)
        gpg.run("--import", *(f"{number}.key" for number in range(len(keys))))    # one file each: none spoils another
        yield gpg
