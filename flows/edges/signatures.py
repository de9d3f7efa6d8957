"""Git's signatures: who signed each commit, by the keys that the last good commit lists. Only SSH keys count."""
import logging
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from flows.edges import _git
from flows.edges.repository import Repository
from flows.planning.vouching import (
    SIGNERS,
    Refusal,
    Signed,
    Signer,
    Step,
    config,
    is_config,
    judge,
    read_signers,
    shown,
)
from schemas.errors import ContentError, SettingsError

log = logging.getLogger(__name__)
MOST_COMMITS = 10_000
"""So many commits may come with one push: each costs two runs of ssh-keygen."""
UNVERIFIED = "unverified"
_FILE_BYTES = 256_000
_LIST_BYTES = 1_000_000
"""A longer list of changed paths is cut: whether a person changed any content is known long before its end."""
_FIELDS = 5
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
# Whatever the repository's own settings say: one program, and no list of this machine.
_JUDGED_BY = ("-c", "gpg.format=ssh", "-c", "gpg.ssh.program=ssh-keygen", "-c", "gpg.ssh.revocationFile=",
              "-c", "gpg.program=false", "-c", "gpg.openpgp.program=false", "-c", "gpg.x509.program=false")
_SIGN = "Set git up to sign with your SSH key (gpg.format ssh, commit.gpgSign true)"
_AGAIN = f"{_SIGN}, sign it with 'git rebase --force-rebase -S' onto the last accepted commit, and push again."
_MERGE = (" A merge by the forge counts where Git would merge just so by itself: else merge on your computer, and sign "
          "the merge.")


def refusals(repository: Repository, good: str | None, new: str, *, now: datetime) -> list[Refusal]:
    """What speaks against publishing what came after the commit `good`, up to `new`; nothing: it may be published.

    Keys are those that `good` lists. `good` None: no plan was ever accepted; then `new` is judged alone, by its own
    list, and the log says so. Raises ContentError when git cannot tell, SettingsError when a program is missing.
    """
    if good == new:
        return []
    if good is None:
        log.warning("first plan: signatures judged by the commit's own list of keys commit=%s", new)
    keys = _keys(repository, good or new)
    if not any(key.counts(now) for key in keys):
        return [Refusal(good or new, f"it lists no key that may sign: {_path(repository)} is not there, or holds none "
                                     "that is valid now", _NO_KEYS)]
    commits = _since(repository, good, new)
    if len(commits) > MOST_COMMITS:
        return [Refusal(new, f"more than {MOST_COMMITS:,} commits came with it",
                        "Push them in several steps, each once the one before is accepted.")]
    steps = _steps(repository, commits, keys, now)
    found = judge(steps, repository.prefix)
    if found or good is None:
        return list(found)
    if not any(key.counts(now) for key in _keys(repository, new)):
        return [Refusal(new, f"nobody could sign what comes after it: its {_path(repository)} holds no key that is "
                             "valid now", "Leave at least one key in it.")]
    return list(judge(_with_paths(repository, steps, good, new), repository.prefix))


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
        self._keys: tuple[str, tuple[Signer, ...]] = ("", ())     # of the commit that was asked about last
        self._signed: dict[tuple[str, tuple[Signer, ...]], Signed] = {}

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
        if not any(key.counts(now) for key in keys):
            return UNVERIFIED
        inside = f"{repository.prefix}/{path}" if repository.prefix else path
        last = (_git.output(repository.top, "rev-list", "-1", commit, "--", inside) or b"").decode().strip()
        if not last:
            return UNVERIFIED
        if (last, keys) not in self._signed:
            self._signed[last, keys] = _signers(repository.top, [last], keys, now)[last]
        signed = self._signed[last, keys]
        return shown(signed.who) if signed.who is not None else UNVERIFIED


def signers(top: Path, commits: Iterable[str], allowed: bytes, *, now: datetime) -> Mapping[str, Signed]:
    """Whose signature each commit has, by the keys of an allowed-signers file. Raises as `refusals`."""
    return _signers(top, list(dict.fromkeys(commits)), read_signers(allowed), now)


def _signers(top: Path, commits: Sequence[str], keys: Sequence[Signer], now: datetime) -> dict[str, Signed]:
    if not commits:
        return {}
    if shutil.which("ssh-keygen") is None:
        raise SettingsError("ssh-keygen is not installed, and signatures are asked for.", "Install OpenSSH.")
    with NamedTemporaryFile(prefix="drumbeat-", suffix=".signers") as file:       # only we can read it
        file.write("".join(f"{key.line}\n" for key in keys if key.counts(now)).encode())
        file.flush()
        printed = _git.output(top, *_JUDGED_BY, "-c", f"gpg.ssh.allowedSignersFile={file.name}", "log",
                              "--no-walk=unsorted", "--stdin", "-s", "--no-show-signature", "--no-color",
                              "--no-decorate", "--no-notes", "--encoding=UTF-8",
                              "--format=%H%x00%G?%x00%GS%x00%GF%x00%x00",
                              stdin="".join(f"{commit}\n" for commit in commits).encode())
    words = (printed or b"").decode("utf-8", "replace").split("\0")
    said = {words[at].strip(): words[at + 1:at + 4] for at in range(0, len(words) - _FIELDS + 1, _FIELDS)}
    if said.keys() != set(commits):
        raise ContentError("Git cannot read its own commits.", _BROKEN)
    doubtful = [commit for commit in commits if said[commit][0] != "G" or not said[commit][1]]
    forms = dict(zip(doubtful, map(_form, _git.objects(top, doubtful, "commit")), strict=True))
    by_key = {key.key: key for key in keys}
    return {commit: _why_not(forms[commit], verdict, by_key.get(key)) if commit in forms else Signed(name, key)
            for commit, (verdict, name, key) in said.items()}


def _form(raw: bytes) -> str:
    """How a commit is signed: `SSH`, `OpenPGP`, `X.509`, or not at all."""
    head = raw.partition(b"\n\n")[0].split(b"\n")
    first = next((line for line in head if line.startswith((b"gpgsig ", b"gpgsig-sha256 "))), b"")
    return "SSH" if b"BEGIN SSH" in first else "OpenPGP" if b"BEGIN PGP" in first else "X.509" if first else ""


def _why_not(form: str, verdict: str, known: Signer | None) -> Signed:
    if not form:
        return Signed(None, None, "it is not signed", _AGAIN)
    if form != "SSH":
        return Signed(None, None, f"it is signed with {form}, which is not supported: only SSH keys are", _AGAIN)
    if verdict == "U" and known is not None:
        return Signed(None, known.key, f"it is signed with a key of {shown(known.names)} that is not valid now, or not "
                                       "for Git", f"Sign it with a key that is, or renew the line in {SIGNERS} first.")
    if verdict == "U":
        return Signed(None, None, "it is signed with a key that nobody is known by",
                      f"Have somebody sign it whose key is listed in {SIGNERS}; or have them list this key first, in a "
                      "push of its own.")
    return Signed(None, None, "its signature is bad: it was changed after it was signed, or is no signature", _AGAIN)


# --- what Git tells ---------------------------------------------------------------------------------------------------

def _path(repository: Repository) -> str:
    return f"{repository.folder.name}/{SIGNERS}"


def _keys(repository: Repository, commit: str) -> tuple[Signer, ...]:
    """The keys that a commit lists; none where it has no such file. Raises ContentError for one without end."""
    inside = f"{repository.prefix}/{SIGNERS}" if repository.prefix else SIGNERS
    data = _git.output_within(repository.top, _FILE_BYTES, "cat-file", "blob", f"{commit}:{inside}")
    if data is not None and len(data) > _FILE_BYTES:
        raise ContentError(f"{_path(repository)} holds more than {_FILE_BYTES:,} bytes.", "Take out what is no key.")
    return read_signers(data or b"")


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
    """The parents of each commit. Raises ContentError."""
    found = {}
    for commit, raw in zip(commits, _git.objects(top, commits, "commit"), strict=True):
        head = raw.partition(b"\n\n")[0].split(b"\n")
        found[commit] = [line[7:].decode("ascii", "replace") for line in head if line.startswith(b"parent ")]
    return found


def _steps(repository: Repository, commits: Sequence[str], keys: Sequence[Signer], now: datetime) -> list[Step]:
    top = repository.top
    signed, parents = _signers(top, commits, keys, now), _parents(top, commits)
    steps = []
    for commit in commits:
        one, merges = signed[commit], len(parents[commit]) > 1
        adds_nothing = merges and one.who is None and _adds_nothing(top, commit, parents[commit])
        if merges and one.who is None:
            one = one._replace(remedy=one.remedy + _MERGE)
        steps.append(Step(commit, one, adds_nothing=adds_nothing))
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
_NO_KEYS = (f"Turn require_signed off in drumbeat.toml, push {SIGNERS} with a line for each signer (name ssh-ed25519 "
            "AAAA…), wait until it is accepted, and turn it on again.")
