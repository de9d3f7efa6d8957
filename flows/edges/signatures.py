"""Git's signatures: who signed each commit, by the keys of SSH and OpenPGP that the last good commit lists."""
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from flows.edges import _git, openpgp, openssh
from flows.edges.repository import Repository
from flows.planning.dearmouring import SUFFIX, Fault, Key, read_keys
from flows.planning.vouching import (
    AGAIN,
    OPENPGP,
    SET_UP,
    SIGNERS,
    Refusal,
    Signed,
    Signer,
    Step,
    config,
    is_config,
    judge,
    person,
    read_signers,
    shown,
)
from schemas.errors import ContentError, SettingsError

log = logging.getLogger(__name__)
MOST_COMMITS = 10_000
"""So many commits may come with one push: each that SSH signed costs two runs of ssh-keygen."""
MOST_MERGES = 500
"""So many merges that nobody signed are made again, to see whether they add anything: git runs for each."""
COMMIT_BYTES = 256_000
"""A longer commit is not read: its message has no end, and ten thousand of them would fill the disk."""
UNVERIFIED = "unverified"
_ODD = "odd"
_FEW = 200
"""So many commits are judged before the next are looked at: who has no key is refused before that has cost much."""
_FILE_BYTES = 256_000
_LIST_BYTES = 1_000_000
"""A longer list of changed paths is cut: whether a person changed any content is known long before its end."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Git takes for parents what stands above the author, and for signed all but the signature, wherever that stands: one
# that is moved up cuts parents off, with all that led to them, and is as good as before.
_HEAD = re.compile(rb"tree [0-9a-f]+\n(?:parent [0-9a-f]+\n)*author [^\n]*\ncommitter [^\n]*"
                   rb"(?:\n(?!(?:tree|parent|author|committer) )[^\n]*)*")
_MERGE = (f" A merge by the forge counts where Git would merge just so by itself (the first {MOST_MERGES} of a push): "
          "else merge on your computer, and sign the merge.")


def refusals(repository: Repository, good: str | None, new: str, *, now: datetime) -> list[Refusal]:
    """What speaks against publishing what came after the commit `good`, up to `new`; nothing: it may be published.

    Keys are those that `good` lists. `good` None: no plan was ever accepted; then `new` is judged alone, by its own
    list, and the log says so. Of very many the first that cannot be published are told. Raises ContentError when git
    cannot tell, or a program is missing: then too the plan in force stays, and is sent.
    """
    try:
        return _refusals(repository, good, new, now) if good != new else []
    except SettingsError as error:
        raise ContentError(error.what, error.remedy) from error


def _refusals(repository: Repository, good: str | None, new: str, now: datetime) -> list[Refusal]:
    if good is None:
        log.warning("first plan: signatures judged by the commit's own list of keys commit=%s", new)
    keys = _keys(repository, good or new)
    for fault in keys.faults:
        log.warning("key left out commit=%s why=%s", good or new, fault.why)
    if not _may_sign(keys, now):
        return [Refusal(good or new, f"it lists no key that may sign: {_path(repository)} is not there, or holds none "
                                     f"that is valid now, and no more does {_path(repository, OPENPGP)}", _NO_KEYS)]
    commits = _since(repository, good, new)
    if len(commits) > MOST_COMMITS:
        return [Refusal(new, f"more than {MOST_COMMITS:,} commits came with it",
                        "Push them in several steps, each once the one before is accepted.")]
    steps = _steps(repository, commits, keys, now)
    if found := judge(steps, repository.prefix):
        return list(found)                                        # what strangers bring is read no further
    after = _keys(repository, new)
    faults = [fault for fault in after.faults if good is None or fault not in keys.faults]
    if faults:
        return [Refusal(new, fault.why, fault.remedy) for fault in faults]
    if good is None:
        return []
    if not _may_sign(after, now):
        return [Refusal(new, f"nobody could sign what comes after it: its {_path(repository)} holds no key that is "
                             f"valid now, and no more does its {_path(repository, OPENPGP)}",
                        "Leave at least one key in them.")]
    return list(judge(_with_paths(repository, steps, good, new), repository.prefix))


def anybody_may_sign(repository: Repository, commit: str, *, now: datetime) -> bool:
    """Whether a commit lists a key that is valid now. Raises ContentError, and SettingsError when a program is missing.
    """
    return _may_sign(_keys(repository, commit), now)


def who(repository: Repository, commit: str, path: str, *, now: datetime) -> str:
    """Who signed the commit that last changed a file of the content, as of `commit`; or "unverified".

    By the keys that `commit` lists. What Git calls the author is free text, and is never told. Never raises for what
    cannot be verified: nothing depends on the answer but what is told.
    """
    return Witness(repository).who(commit, path, now=now)


class Witness:
    """The same for many files, remembered: where nobody signs, Git is asked once a commit. Safe for many threads."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._keys = ("", Keys(()))                               # of the commit that was asked about last
        self._signed: dict[tuple[str, Keys], Signed] = {}

    def who(self, commit: str, path: str, *, now: datetime) -> str:
        try:
            return self._who(commit, path, now)
        except (ContentError, SettingsError) as error:
            log.warning("signature not verified commit=%s file=%s why=%s", commit[:10], path, error.what)
            return UNVERIFIED

    def _who(self, commit: str, path: str, now: datetime) -> str:
        repository, (known, keys) = self._repository, self._keys
        if commit != known:
            keys = _keys(repository, commit)
            self._keys = (commit, keys)
        if not keys.openpgp and not any(key.counts(now) for key in keys.ssh):
            return UNVERIFIED
        inside = f"{repository.prefix}/{path}" if repository.prefix else path
        last = (_git.output(repository.top, "rev-list", "-1", commit, "--", inside) or b"").decode().strip()
        if not last:
            return UNVERIFIED
        if (last, keys) not in self._signed:
            self._signed[last, keys] = _signers(repository.top, [last], keys, now)[last]
        signed = self._signed[last, keys]
        return shown(signed.who) if signed.who is not None else UNVERIFIED


def signers(top: Path, commits: Iterable[str], allowed: bytes, keys: Iterable[Key] = (), *,
            now: datetime) -> Mapping[str, Signed]:
    """Whose signature each commit has, by the keys of an allowed-signers file and those of OpenPGP. Raises as
    `anybody_may_sign`.
    """
    return _signers(top, list(dict.fromkeys(commits)), Keys(read_signers(allowed), tuple(keys)), now)


def _signers(top: Path, commits: Sequence[str], keys: "Keys", now: datetime) -> dict[str, Signed]:
    sizes = dict(zip(commits, _sizes(top, commits), strict=True))
    short = [commit for commit, size in sizes.items() if size <= COMMIT_BYTES]
    forms = dict(zip(short, map(_form, _commits(top, short)), strict=True))
    by_ssh = [commit for commit, form in forms.items() if form == "SSH"]
    by_openpgp = [commit for commit, form in forms.items() if form == "OpenPGP"]
    found = dict.fromkeys(commits, _TOO_LONG) | {commit: _unread(form) for commit, form in forms.items()}
    found |= openssh.signers(top, by_ssh, keys.ssh, now=now)
    if by_openpgp:                                                # else gpg is not missed
        found |= openpgp.signers(zip(by_openpgp, _commits(top, by_openpgp), strict=True), keys.openpgp, now=now)
    return found


def _form(raw: bytes) -> str:
    """How a commit is signed: `SSH`, `OpenPGP`, `X.509`, or not at all; `odd`: in no way that counts."""
    head = raw.partition(b"\n\n")[0]
    if not _HEAD.fullmatch(head.removesuffix(b"\n")):
        return _ODD
    first = next((line for line in head.split(b"\n") if line.startswith((b"gpgsig ", b"gpgsig-sha256 "))), b"")
    return "SSH" if b"BEGIN SSH" in first else "OpenPGP" if b"BEGIN PGP" in first else "X.509" if first else ""


def _unread(form: str) -> Signed:
    if form == _ODD:
        return Signed(None, None, "its head is not in the order in which Git writes one", SET_UP)
    return Signed(None, None, f"it is signed with {form}, which is not supported: only SSH and OpenPGP keys are" if form
                  else "it is not signed", SET_UP)


# --- what Git tells ---------------------------------------------------------------------------------------------------

class Keys(NamedTuple):
    """Who may sign, as a commit lists it. `faults`: files of OpenPGP keys that count for nobody."""

    ssh: tuple[Signer, ...]
    openpgp: tuple[Key, ...] = ()
    faults: tuple[Fault, ...] = ()


def _may_sign(keys: Keys, now: datetime) -> bool:
    by_ssh, by_openpgp = openssh.usable(keys.ssh, now=now), openpgp.usable(keys.openpgp, now=now)
    return bool(by_ssh) or bool(by_openpgp)                       # both are asked, so that a missing program is told


def _path(repository: Repository, name: str = SIGNERS) -> str:
    return f"{repository.folder.name}/{name}"


def _keys(repository: Repository, commit: str) -> Keys:
    """The keys that a commit lists; none where it has no such files. Raises ContentError for a list without end."""
    inside = f"{repository.prefix}/{SIGNERS}" if repository.prefix else SIGNERS
    data = _git.output_within(repository.top, _FILE_BYTES, "cat-file", "blob", f"{commit}:{inside}")
    if data is not None and len(data) > _FILE_BYTES:
        raise ContentError(f"{_path(repository)} holds more than {_FILE_BYTES:,} bytes.", "Take out what is no key.")
    ssh = read_signers(data or b"")
    keys, faults = read_keys(openpgp.files(repository, commit), _path(repository, OPENPGP))
    # a line of several names is known by its first: whoever is one of them is the same with either key
    first = {person(name): one.names.split(",")[0] for one in reversed(ssh) for name in one.names.split(",")}
    return Keys(ssh, tuple(key._replace(name=first.get(person(key.name), key.name)) for key in keys), faults)


def _commits(top: Path, commits: Sequence[str]) -> Iterator[bytes]:
    """The bytes of each commit. Raises ContentError."""
    try:
        yield from _git.objects(top, commits, "commit")
    except ContentError as error:
        raise ContentError("Git cannot read its own commits.", _BROKEN) from error


def _sizes(top: Path, commits: Sequence[str]) -> list[int]:
    """How many bytes each commit has. Raises ContentError."""
    printed = _git.output(top, "cat-file", "--buffer", "--batch-check=%(objecttype) %(objectsize)",
                          stdin="".join(f"{commit}\n" for commit in commits).encode()) or b""
    found = [line.split(" ") for line in printed.decode("utf-8", "replace").splitlines()]
    if len(found) != len(commits) or any(kind != "commit" for kind, *_ in found):
        raise ContentError("Git cannot read its own commits.", _BROKEN)
    return [int(size) for _, size in found]


def _since(repository: Repository, good: str | None, new: str) -> list[str]:
    """Every commit that led to `new` and not to `good`, by all parents, the oldest first.

    `good` None: `new` alone; where that is a merge, with the two that it merges, which it stands and falls with.
    """
    if not all(_COMMIT.fullmatch(commit) for commit in (good or new, new)):
        raise ContentError("That is no commit.", _BROKEN)
    words = ("--reverse", "--topo-order", f"--max-count={MOST_COMMITS + 1}", f"^{good}") if good else ("--no-walk",)
    printed = _git.output(repository.top, "rev-list", *words, new)
    if printed is None:
        raise ContentError("Git cannot list what was pushed.", _BROKEN)
    found = printed.decode().split()
    if good is None and len(parents := _parents(repository.top, found)[new]) == 2 and _adds_nothing(
            repository.top, new, parents):
        found = [*parents, new]
    return found


def _parents(top: Path, commits: Sequence[str]) -> dict[str, list[str]]:
    """The parents of each commit, as Git reads them: what else is called one, further down in its head, is none, and
    nobody has looked at it. Raises ContentError.
    """
    printed = _git.output(top, "rev-list", "--no-walk=unsorted", "--parents", "--stdin",
                          stdin="".join(f"{commit}\n" for commit in commits).encode())
    found = {commit: parents for commit, *parents in map(str.split, (printed or b"").decode().splitlines())}
    if found.keys() != set(commits):
        raise ContentError("Git cannot read its own commits.", _BROKEN)
    return found


def _steps(repository: Repository, commits: Sequence[str], keys: Keys, now: datetime) -> list[Step]:
    """What was pushed, the oldest first: all of it, or no more than a few commits after the first that nobody vouches
    for; merges after that one are left out.
    """
    top, parents, steps = repository.top, _parents(repository.top, commits), list[Step]()
    merges_left, is_refused = MOST_MERGES, False
    for at in range(0, len(commits), _FEW):
        few = commits[at:at + _FEW]
        signed = _signers(top, few, keys, now)
        for commit in few:
            one, adds_nothing = signed[commit], False
            if len(parents[commit]) > 1 and one.who is None:
                if is_refused:                                    # to merge what nobody vouches for might take hours
                    continue
                adds_nothing = merges_left > 0 and _adds_nothing(top, commit, parents[commit])
                merges_left -= 1
                one = one._replace(remedy=one.remedy + _MERGE)
            steps.append(Step(commit, one, adds_nothing=adds_nothing))
            is_refused = is_refused or (one.who is None and not adds_nothing)
        if is_refused:
            break
    return steps


def _adds_nothing(top: Path, commit: str, parents: Sequence[str]) -> bool:
    """Whether a merge holds exactly what Git makes of its two parents, without any conflict."""
    merged = _merged(top, parents, whole=True)
    tree = _git.output(top, "rev-parse", "--verify", "--quiet", f"{commit}^{{tree}}")
    return merged is not None and tree is not None and tree.decode().strip() == merged


def _merged(top: Path, parents: Sequence[str], *, whole: bool) -> str | None:
    """The tree that Git makes of two commits; None: it cannot tell (before Git 2.38), or, where it should be `whole`,
    there are conflicts. Drivers that the clone's own settings name would run programs: then nobody is asked.
    """
    drivers = _git.output(top, "config", "--null", "--name-only", "--get-regexp", r"^merge\..*\.driver$")
    if len(parents) != 2 or drivers:
        return None
    with _git._reading(top, "-c", "merge.renormalize=false", "merge-tree", "--write-tree", "--no-messages",
                       "--name-only", "-z", *parents) as (git, pipe):
        tree = pipe.read(_LIST_BYTES).partition(b"\0")[0].decode("ascii", "replace")
        clean = git.wait() == 0
    return tree if _COMMIT.fullmatch(tree) and (clean or not whole) else None


def _with_paths(repository: Repository, steps: Sequence[Step], good: str, new: str) -> list[Step]:
    """The steps with what each changed by itself, where any config differs in the end; else nobody has to look."""
    top, prefix = repository.top, repository.prefix
    if not _changed(top, good, new, config(prefix)):
        return list(steps)
    parents = _parents(top, [step.commit for step in steps])
    found = []
    for step in steps:
        before = parents[step.commit][0] if parents[step.commit] else None
        if len(parents[step.commit]) > 1:                         # its own is what Git would not have done by itself
            before = _merged(top, parents[step.commit], whole=False) or before
        paths = () if step.adds_nothing else (
            *_changed(top, before, step.commit, config(prefix)),
            *(path for path in _changed(top, before, step.commit, (prefix,) if prefix else ())
              if not is_config(path, prefix)))
        found.append(step._replace(paths=paths))
    return found


def _changed(top: Path, before: str | None, commit: str, where: Sequence[str]) -> list[str]:
    """Paths that differ, perhaps not all of very many. `before` None: everything is new. Raises ContentError."""
    two = (before, commit) if before is not None else ("--root", commit)
    printed = _git.output_within(top, _LIST_BYTES, "diff-tree", "-r", "-z", "--name-only", "--no-commit-id",
                                 "--no-renames", "--ignore-submodules=none", *two, "--", *where)
    if printed is None:
        raise ContentError("Git cannot tell what was changed.", _BROKEN)
    return [path.decode("utf-8", "backslashreplace") for path in printed.split(b"\0")[:-1]]


_BROKEN = "Run 'git fsck', and fetch the repository again, with its whole history."
_TOO_LONG = Signed(None, None, f"it holds more than {COMMIT_BYTES:,} bytes by itself",
                   f"Give it a shorter message, {AGAIN}")
_NO_KEYS = (f"Turn require_signed off in drumbeat.toml, push {SIGNERS} with a line for each signer (name ssh-ed25519 "
            f"AAAA…), or {OPENPGP}/NAME{SUFFIX}, wait until it is accepted, and turn it on again.")
