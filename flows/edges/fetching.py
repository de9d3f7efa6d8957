"""The remote repository: one branch is fetched by its full name, and nothing it says runs anything here."""
import base64
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from flows.edges import _git
from flows.edges.settings import find
from schemas.errors import ContentError, SettingsError

FETCHED = "refs/drumbeat/fetched"
"""Where the tip of the branch lies after a fetch: no branch and no tag of the clone has this name."""
TIMEOUT_S = 60.0
# a git that nobody waits for any more, because we were killed, does not wait for ever either
_ENDS_BY_ITSELF = ("-c", "http.lowSpeedLimit=1", "-c", f"http.lowSpeedTime={TIMEOUT_S + 5:.0f}")
_SSH_COMMAND = "ssh -oBatchMode=yes -oConnectTimeout=60 -oServerAliveInterval=20"
_SSH = re.compile(r"(?:[A-Za-z0-9._-]+@)?(?![-.])[A-Za-z0-9._-]+:(?!//)(?![:-])[^\x00-\x20\x7f]+")
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_RIVALS = 5
"""So often it is fetched again when another process of the clone was quicker."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Overtaken(ContentError):
    """Another process of this clone fetched the same branch in the same moment."""


class Remote:
    """One branch of the repository that everybody pushes to. `url` is as `checked_url` returns it.

    `into`: where the tip lies after a fetch. Several processes of one clone may write it: the newest stays.
    """

    def __init__(self, top: Path, url: str, branch: str, environment: Mapping[str, str] = os.environ, *,
                 into: str = FETCHED) -> None:
        self.top, self.url, self.branch, self._environment, self.into = top, url, branch, environment, into

    def tip(self) -> str:
        """The commit that the branch names there. Raises ContentError when nobody answers or there is no branch."""
        printed = self._ask("ls-remote", "--exit-code", "--", self.url, self._ref)
        found = [line.split("\t") for line in printed.decode("utf-8", "replace").splitlines()]
        commit = next((commit for commit, ref in found if ref == self._ref), "")
        if not _COMMIT.fullmatch(commit):
            raise self._no_branch()
        return commit

    def fetch(self, within_s: float = TIMEOUT_S) -> str:
        """The tip of the branch, fetched. Raises ContentError when it cannot be; what was fetched before stays."""
        for left in reversed(range(_RIVALS)):
            try:
                # No tags, no submodules, nothing of the clone's own settings for this remote: only its address
                self._ask("fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
                          "--no-auto-maintenance", "--force", "--", self.url, f"+{self._ref}:{self.into}",
                          within_s=within_s)
                break
            except _Overtaken:                                    # a push has the shift and `sync` fetch at once
                if not left:
                    raise
        found = _git.output(self.top, "rev-parse", "--verify", "--quiet", f"{self.into}^{{commit}}")
        if found is None:
            raise ContentError(f"{shown(self.url)}: {self.branch} is no commit.", _NO_BRANCH)
        return found.decode().strip()

    @property
    def _ref(self) -> str:
        return f"refs/heads/{self.branch}"

    def _no_branch(self) -> ContentError:
        return ContentError(f"{shown(self.url)} has no branch {self.branch}.", _NO_BRANCH)

    def _ask(self, *words: str, within_s: float = TIMEOUT_S) -> bytes:
        """What git printed. Raises ContentError with its reasons, none of which is a secret."""
        allowed = {"https": "https", "http": "http", "ssh": "ssh", "file": "file"}[_kind(self.url)]
        environment = _git.surroundings() | {"GIT_ALLOW_PROTOCOL": allowed, "GIT_PROTOCOL_FROM_USER": "0"}
        secrets = self._secrets()
        environment |= {name: value for number, (key, told) in enumerate(secrets) for name, value in (
            (f"GIT_CONFIG_KEY_{number}", key), (f"GIT_CONFIG_VALUE_{number}", told))}
        environment["GIT_CONFIG_COUNT"] = str(len(secrets))
        # a command of the clone's own settings would run with our credentials; the person's ssh set-up counts
        environment["GIT_SSH_COMMAND"] = self._environment.get("GIT_SSH_COMMAND", _SSH_COMMAND)
        try:
            git = subprocess.Popen([*_git.GIT, "-c", "credential.helper=", "-c", "core.askPass=", "-c",
                                    "http.followRedirects=false", *_ENDS_BY_ITSELF, *_own_settings_off(self.top),
                                    *words],
                                   cwd=self.top, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, process_group=0)
        except FileNotFoundError:
            raise SettingsError("git is not installed, and content lives in Git.", "Install git.") from None
        with git:
            try:
                printed, said = git.communicate(timeout=within_s)
            except subprocess.TimeoutExpired:
                raise ContentError(f"{shown(self.url)} did not answer within {within_s:.0f} s.", _AWAY) from None
            finally:
                if git.returncode is None:                        # git-remote-https or ssh is a process of git's own
                    os.killpg(git.pid, signal.SIGKILL)
        if git.returncode == 2 and words[0] == "ls-remote":
            return b""
        if git.returncode:
            if b"couldn't find remote ref" in said:
                raise self._no_branch()
            kind = _Overtaken if b"cannot lock ref" in said else ContentError
            raise kind(f"{shown(self.url)} cannot be fetched: {self._last_words(said)}.", _AWAY)
        return printed

    def _secrets(self) -> Sequence[tuple[str, str]]:
        """Settings that must stand in no list of processes: the token, for this address only."""
        token = self._environment.get("DRUMBEAT_GIT_TOKEN")
        if not token or _kind(self.url) not in ("https", "http"):
            return ()
        user = self._environment.get("DRUMBEAT_GIT_USER", "x-access-token")
        told = base64.b64encode(f"{user}:{token}".encode()).decode()
        return ((f"http.{self.url}.extraHeader", f"Authorization: Basic {told}"),)

    def _last_words(self, said: bytes) -> str:
        # without what the other end says: it may quote all that we told it, our credential too
        lines = [line.strip() for line in said.decode("utf-8", "replace").splitlines()
                 if line.strip() and not line.startswith("remote:")]
        words = "; ".join(line.rstrip(".") for line in _reasons(lines)).replace(self.url, shown(self.url))
        for _, told in self._secrets():
            for secret in (told.rpartition(" ")[2], self._environment["DRUMBEAT_GIT_TOKEN"]):
                words = words.replace(secret, "•••")
        return words or "git gave no reason"


def _reasons(lines: Sequence[str]) -> Sequence[str]:
    """The lines that say what is wrong. The last ones are advice for whoever sits at a terminal, and where ssh gave up
    its own last line says why, not git's.
    """
    git = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    if not git:
        return lines[-1:]
    reasons = [line for line in git if line != _NOT_READ] or lines[:lines.index(_NOT_READ)][-1:] or git
    return [line.removeprefix("fatal: ").removeprefix("error: ") for line in reasons[:2]]


_NOT_READ = "fatal: Could not read from remote repository."
_NO_BRANCH = "Name the branch that is published in drumbeat.toml: branch = \"main\"."
_AWAY = ("It is tried again by itself. See that the address is right ('remote' in drumbeat.toml) and can be reached "
         "from there; a private repository needs DRUMBEAT_GIT_TOKEN, or an ssh key.")


def checked_url(remote: str, top: Path) -> str:
    """The address that `remote` means: an address itself, or the name of a remote of the clone at `top`.

    Raises SettingsError for what is not https, ssh, http on this computer, or an absolute path (threats, A11).
    """
    url = remote
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", remote):
        found = _git.output(top, "config", "--local", "--get", f"remote.{remote}.url")
        if found is None:
            raise SettingsError(f"The clone has no remote named {remote}.",
                                'Write its address: remote = "https://…" in drumbeat.toml.')
        url = found.decode().strip()
    if not url.isprintable() or _kind(url) == "":
        raise SettingsError(f"remote is '{shown(url)[:200]}', which Drumbeat does not fetch from.",
                            "Write https://…, ssh://…, user@host:path or the absolute path of a repository.")
    return url


def shown(url: str) -> str:
    """`url` without the user and password that may stand in it."""
    parts = urlsplit(url) if "://" in url else None
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl() if parts is not None else url


def unfetched(folder: Path) -> ContentError | None:
    """Why there is nothing in the content folder of a publisher that fetches: no file ever lies there, so nobody has to
    begin one. None: nothing is fetched for this folder. Raises SettingsError.
    """
    remote = find(str(folder)).remote
    if remote is None:
        return None
    if folder.is_dir() and _git.output(folder, "rev-parse", "--verify", "--quiet", f"{FETCHED}^{{commit}}"):
        return ContentError(f"What was fetched from {shown(remote)} cannot be read.",
                            "Run 'drumbeat sync': it says what is wrong.")
    return ContentError(f"Nothing was fetched from {shown(remote)} yet.",
                        "Run 'drumbeat sync'; a publisher that runs fetches by itself.")


def head_of(url: str, branch: str, top: Path) -> str:
    """The commit that `branch` of a remote names, and nothing fetched. Raises SettingsError, ContentError."""
    return Remote(top, checked_url(url, top), branch).tip()


def _kind(url: str) -> str:
    """`https`, `http`, `ssh` or `file`; "" for what is not fetched from."""
    if url.startswith("/"):
        return "file"
    scheme, found, rest = url.partition("://")
    if not found:
        return "ssh" if _SSH.fullmatch(url) else ""
    host = urlsplit(url).hostname if scheme in ("https", "ssh", "http") else None
    if scheme == "file" and rest.startswith("/"):
        return "file"
    if not host or host.startswith("-") or (scheme == "http" and host not in _LOOPBACK):
        return ""
    return scheme if scheme in ("https", "ssh", "http") else ""


def _own_settings_off(top: Path) -> list[str]:
    """Settings of the clone that name a command or another address, without a value: they come with a copied folder."""
    names = _git.output(top, "config", "--local", "--null", "--name-only", "--get-regexp",
                        r"^(url\..*\.(insteadof|pushinsteadof)|core\.(sshcommand|gitproxy|askpass)"
                        r"|credential\..*|http\..*proxy|remote\..*|filter\..*)$") or b""
    words: list[str] = []
    for name in sorted(os.fsdecode(one) for one in names.split(b"\0") if one):
        if name.startswith("url."):
            raise SettingsError(f"The clone's own settings rewrite addresses ({name}).",
                                f"Remove that setting: git config --unset-all {name}")
        if not name.startswith("remote."):
            words += ["-c", f"{name}="]
    return words
