"""Who changed what, and whether it may be accepted: where `require_signed` is on, a commit counts by its signature."""
import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import NamedTuple
from unicodedata import normalize

from flows.planning.dearmouring import SUFFIX
from schemas.channel import Channel

SIGNERS = "people/allowed_signers"
"""Below the content folder: who may sign, one line for each key, as `ssh-keygen` reads it."""
OPENPGP = "people/openpgp"
"""Below the content folder: who else may sign, an OpenPGP key in each NAME.asc; NAME is who that is."""
AGAIN = ("sign it anew with 'git commit --amend --no-edit -S' (several commits: 'git rebase --force-rebase -S' onto "
         "the one before them), and push with --force-with-lease.")
SET_UP = f"Set git up to sign with your key (commit.gpgSign true; gpg.format ssh, or openpgp), {AGAIN}"
_CONFIG = ("networks/channels.yaml", "people/team.yaml", SIGNERS, OPENPGP, "rules.yaml", "policies")
_LINE = re.compile(
    r'\s*(?P<names>"[^"]+"|[^\s"#][^\s"]*)\s+(?:(?P<options>(?:[^\s"]|"[^"]*")+)\s+)??'
    r"(?P<kind>(?:ssh|ecdsa|sk)-[a-z0-9@.-]+)\s+(?P<key>[A-Za-z0-9+/]+={0,2})(?:\s.*)?")
_LIMIT = re.compile(r'(?:^|,)valid-(after|before)="(\d{8}(?:\d{4}(?:\d{2})?)?)Z?"', re.IGNORECASE)
_NAMESPACES = re.compile(r'(?:^|,)namespaces="([^"]*)"', re.IGNORECASE)
_SHOWN = 12


class Signer(NamedTuple):
    """One key that may sign. `line`: as it stands in the file; `key`: its fingerprint; `for_git`: whether it may sign
    commits. Times are UTC, None: no limit.
    """

    line: str
    names: str
    key: str
    after: datetime | None = None
    before: datetime | None = None
    for_git: bool = True

    def counts(self, now: datetime) -> bool:
        """Whether the key may be used today. The date of a commit is what its author writes, and decides nothing."""
        return self.for_git and (self.after is None or self.after <= now) and (self.before is None or now < self.before)


class Signed(NamedTuple):
    """Whose signature a commit has. `who` None: nobody's that counts; then `why` and `remedy` are given."""

    who: str | None
    key: str | None = None
    why: str = ""
    remedy: str = ""


class Step(NamedTuple):
    """One commit since the last good plan. `paths`: what it changed by itself, from the top of the repository.

    `adds_nothing`: it merges two commits just as Git would, so whoever vouches for these two vouches for it.
    """

    commit: str
    signed: Signed
    paths: tuple[str, ...] = ()
    adds_nothing: bool = False


class Refusal(NamedTuple):
    """Why the commits up to a new one are not accepted: the commit at fault, what is wrong with it (`it is …`, without
    a full stop), and what to do.
    """

    commit: str
    why: str
    remedy: str


def read_signers(data: bytes) -> tuple[Signer, ...]:
    """The keys of an allowed-signers file. Lines that say nothing are left out, as `ssh-keygen` does.

    A limit without a Z is taken for UTC: it must not depend on the machine.
    """
    found = []
    for line in data.decode("utf-8", "replace").split("\n"):       # only there: what else breaks lines hides some
        line = line.rstrip("\r").replace("\t", " ")
        match = _LINE.fullmatch(line) if line.isprintable() else None
        key = _fingerprint(match["key"]) if match is not None else None
        if match is not None and key is not None:
            options = match["options"] or ""
            limits = {which.lower(): _moment(at) for which, at in _LIMIT.findall(options)}
            uses = _NAMESPACES.search(options)
            for_git = uses is None or any(fnmatchcase("git", use) for use in uses[1].split(","))
            names = match["names"].strip('"')
            found.append(Signer(line, names, key, limits.get("after"), limits.get("before"), for_git))
    return tuple(found)


def _fingerprint(key: str) -> str | None:
    """As `ssh-keygen -l` shows it; None: it is no key."""
    try:
        data = base64.b64decode(key, validate=True)
    except binascii.Error:
        return None
    return "SHA256:" + base64.b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def _moment(digits: str) -> datetime:
    """What cannot be a date is long ago: a key whose limits nobody understands does not count."""
    try:
        return datetime.strptime(digits.ljust(14, "0"), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)


def config(prefix: str) -> tuple[str, ...]:
    """The files and folders that say who may publish what where, from the top of the repository.

    `prefix`: the content folder's path in it; "" where it is the repository itself.
    """
    beside = "drumbeat.toml" if "/" not in prefix else f"{prefix.rpartition('/')[0]}/drumbeat.toml"
    inside = tuple(f"{prefix}/{name}" if prefix else name for name in _CONFIG)
    return tuple(dict.fromkeys((*inside, beside, "drumbeat.toml")))


def is_config(path: str, prefix: str) -> bool:
    """Whether a path is one of them, or lies in one of them."""
    return any(path == name or path.startswith(f"{name}/") for name in config(prefix))


def is_content(path: str, prefix: str) -> bool:
    """Whether a path is what authors write: in the content folder, and no config."""
    return (not prefix or path.startswith(f"{prefix}/")) and not is_config(path, prefix)


def lists_keys(path: str) -> bool:
    """Whether a path below the content folder is a file of public keys: they look like secrets, and are none."""
    return path == SIGNERS or (path.startswith(f"{OPENPGP}/") and path.endswith(SUFFIX))


def judge(steps: Iterable[Step], prefix: str) -> tuple[Refusal, ...]:
    """What speaks against accepting these commits, the oldest first; nothing: they may be accepted.

    Every commit needs a signature that counts, and who changes config may not change content in the same push: else
    one person could add an account, or a signer, and use it, with nobody looking on.
    """
    steps = tuple(steps)
    unsigned = [Refusal(step.commit, step.signed.why, step.signed.remedy)
                for step in steps if step.signed.who is None and not step.adds_nothing]
    return tuple(unsigned) or _self_approved(steps, prefix)


def _self_approved(steps: Sequence[Step], prefix: str) -> tuple[Refusal, ...]:
    written: dict[str, tuple[int, Step, str]] = {}                # by person and by key, the first content of each
    for number, step in enumerate(steps):
        path = next((path for path in step.paths if is_content(path, prefix)), None)
        for sign in _signs(step.signed) if path is not None else ():
            written.setdefault(sign, (number, step, path or ""))
    found = []
    for step in steps:
        setting = next((path for path in step.paths if is_config(path, prefix)), None)
        others = [written[sign] for sign in _signs(step.signed) if sign in written]
        if setting is None or not others:
            continue
        _, writer, path = min(others, key=lambda one: one[0])
        where = "too" if writer.commit == step.commit else f"in commit {writer.commit[:_SHOWN]}"
        found.append(Refusal(
            step.commit, f"it changes {shown(setting)}, and {shown(step.signed.who or '')}, who signed it, changes "
                         f"{shown(path)} {where}",
            "Have somebody else sign one of the two; or push the change of the settings alone, wait until it is "
            "accepted, and push the rest then."))
    return tuple(found)


def _signs(signed: Signed) -> tuple[str, ...]:
    """What one person's signatures have in common: the name, whatever its key; or the same key under two."""
    if signed.who is None:
        return ()
    return (f"name {person(signed.who)}", *((f"key {signed.key}",) if signed.key is not None else ()))


def person(name: str) -> str:
    """A name as it is compared: whatever its capitals, and however its accents are written."""
    return normalize("NFKC", normalize("NFKC", name).casefold()).strip()


def shown(text: str) -> str:
    """A path or a name as it may stand in a message: on one line, and not without end."""
    plain = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
    return plain if len(plain) <= 100 else f"{plain[:99]}…"


def new_channels(before: Iterable[Channel], after: Iterable[Channel]) -> tuple[str, ...]:
    """The ids of channels that the last good plan had not, or had at another account: they start held.

    In the order of `after`. Nobody has looked at such a channel before its first post.
    """
    known = {channel.id: _account(channel) for channel in before}
    return tuple(channel.id for channel in after if known.get(channel.id) != _account(channel))


def _account(channel: Channel) -> tuple[str, str | None, str | None]:
    return channel.network, channel.handle, channel.connection
