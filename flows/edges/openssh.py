"""Signatures of SSH on commits: git verifies them, with ssh-keygen."""
import shutil
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from tempfile import NamedTemporaryFile

from flows.edges import _git
from flows.planning.dearmouring import BAD
from flows.planning.vouching import SET_UP, SIGNERS, Signed, Signer, shown
from schemas.errors import ContentError, SettingsError

# Whatever the repository's own settings say: one program, and no list of this machine.
_JUDGED_BY = ("-c", "gpg.format=ssh", "-c", "gpg.ssh.program=ssh-keygen", "-c", "gpg.ssh.revocationFile=",
              "-c", "gpg.program=false", "-c", "gpg.openpgp.program=false", "-c", "gpg.x509.program=false")
_FIELDS = 5
_STRANGER = Signed(None, None, "it is signed with a key that nobody is known by",
                   f"Have somebody sign it whose key is listed in {SIGNERS}; or have them list this key first, in a "
                   "push of its own.")


def usable(keys: Sequence[Signer], *, now: datetime) -> tuple[Signer, ...]:
    """The keys that count as of `now`. Raises SettingsError where there are keys and no ssh-keygen."""
    if keys and shutil.which("ssh-keygen") is None:
        raise SettingsError("ssh-keygen is not installed, and signatures are asked for.", "Install OpenSSH.")
    return tuple(key for key in keys if key.counts(now))


def signers(top: Path, commits: Sequence[str], keys: Sequence[Signer], *, now: datetime) -> dict[str, Signed]:
    """Whose each commit is, by these keys and no others; all of them have signatures of SSH. Raises as `usable`, and
    ContentError.
    """
    if not keys or not commits:
        return dict.fromkeys(commits, _STRANGER)
    lines = [f"{key.line}\n" for key in usable(keys, now=now)]
    with NamedTemporaryFile(prefix="drumbeat-", suffix=".signers") as file:       # only we can read it
        file.write("".join(lines).encode())
        file.flush()
        printed = _git.output(top, *_JUDGED_BY, "-c", f"gpg.ssh.allowedSignersFile={file.name}", "log",
                              "--no-walk=unsorted", "--stdin", "-s", "--no-show-signature", "--no-color",
                              "--no-decorate", "--no-notes", "--encoding=UTF-8",
                              "--format=%H%x00%G?%x00%GS%x00%GF%x00%x00",
                              stdin="".join(f"{commit}\n" for commit in commits).encode())
    words = (printed or b"").decode("utf-8", "replace").split("\0")
    said = {words[at].strip(): words[at + 1:at + 4] for at in range(0, len(words) - _FIELDS + 1, _FIELDS)}
    if said.keys() != set(commits):
        raise ContentError("Git cannot read its own commits.", "Run 'git fsck', and fetch the repository again.")
    by_key = {key.key: key for key in keys}
    return {commit: Signed(name, key) if verdict == "G" and name else _why_not(verdict, by_key.get(key))
            for commit, (verdict, name, key) in said.items()}


def _why_not(verdict: str, known: Signer | None) -> Signed:
    if verdict == "U" and known is not None:
        return Signed(None, known.key, f"it is signed with a key of {shown(known.names)} that is not valid now, or not "
                                       "for Git", f"Sign it with a key that is, or renew the line in {SIGNERS} first.")
    return _STRANGER if verdict == "U" else Signed(None, None, BAD, SET_UP)
