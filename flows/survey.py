"""What a post has to pass when it is due is looked over: the archive, Git, the remote, the plan and what holds it."""
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from flows.edges import _git, bucket
from flows.edges.fetching import FETCHED, checked_url, head_of, shown
from flows.edges.holds import Holds
from flows.edges.ledger import Ledger
from flows.edges.plans import good, rejections
from flows.edges.repository import Repository, inside_repository
from flows.edges.settings import Settings
from flows.edges.signatures import anybody_may_sign
from flows.edges.store import Store, open_store
from flows.edges.surroundings import far_disk, mounted, skew, there
from flows.planning.folding import fold
from flows.planning.noting import reason_of
from flows.planning.pausing import how_to_end, with_holds
from flows.planning.preparing import Prepared
from flows.planning.reporting import NEEDS_A_PERSON, NOT_PUBLISHED, SOON, row, when
from flows.planning.vouching import OPENPGP, SIGNERS
from schemas.errors import ContentError
from schemas.finding import Finding, Judgement
from schemas.ledger import Standing, State
from schemas.plan import Item, Waiting
from schemas.problem import Severity
from schemas.report import Row

ALLOWED_S, NOTED_S = 30.0, 5.0
"""A publisher refuses to start when its clock is further from the archive's than the first; the second is noted."""
SANE = (2026, 2100)
GIT_AT_LEAST = (2, 38)
"""From then on a folder in content that looks like a repository is not taken for one (safe.bareRepository)."""
CONNECTION_FAILED = "NET003"
"""The rule about earlier tests of connections: they are made again here."""
_A_DAY = timedelta(days=1)
_SHOWN = 5


# --- the archive ------------------------------------------------------------------------------------------------------


def clock(store: Store | None, now: Callable[[], datetime]) -> Iterator[Finding]:
    """This machine's clock against the archive's. Raises StoreError."""
    year = now().year
    if not SANE[0] <= year <= SANE[1]:
        yield Finding("error", f"This machine's clock says it is {year}.", "Set it, for example with NTP.")
        return
    if store is None or store.address.startswith("dir:"):
        yield Finding("ok", f"{now():%Y-%m-%d %H:%M:%S} UTC, by this machine alone")
        return
    ahead = skew(store.now, now)
    said = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} the archive's"
    if abs(ahead) > ALLOWED_S:
        yield Finding("error", f"This machine's clock is {said}: no publisher starts.", "Set it, for example with NTP.")
    elif abs(ahead) > NOTED_S:
        yield Finding("warning", f"This machine's clock is {said}.", "See that it is kept right, for example with NTP.")
    else:
        yield Finding("ok", f"{now():%Y-%m-%d %H:%M:%S} UTC, as the archive's")


def archive(url: str, *, rehearsal: bool, mounts: Callable[[], str] = mounted) -> Iterator[Finding]:
    """Whether the archive creates once, reads back, and is the right one. One that is not there yet is tried beside
    where it will be, and nothing is left there. Raises StoreError.
    """
    folder = folder_of(url) if url.startswith("dir:") else None
    if folder is not None and (kind := far_disk(folder, mounts())) is not None:
        yield Finding("warning", f"{folder} lies on a network file system ({kind}): its clock and its locks are "
                      "another machine's.", "Keep the archive on a local disk, or in S3.")
    if folder is not None and not folder.exists():
        try:
            with tempfile.TemporaryDirectory(prefix=".drumbeat-", dir=there(folder)) as beside:
                open_store(f"dir:{beside}").probe()
        except OSError as error:
            yield Finding("error", f"No archive can be made at {folder}: {error.strerror}.",
                          "Let this user write there, or name another place: archive = \"dir:…\" in drumbeat.toml.")
            return
        yield Finding("ok", f"{url} is not there yet; the disk takes it")
        return
    store = open_store(url)
    store.probe()
    kind_of = store.get("v1/kind")
    if kind_of is not None and (kind_of == b"rehearsal\n") != rehearsal:
        yield Finding("error", f"{store.address} is the archive of {'real posts' if rehearsal else 'a rehearsal'}.",
                      "Name the right one: archive = \"…\" in drumbeat.toml.")
        return
    yield Finding("ok", f"{store.address} creates once and reads back the same")


def exists(url: str) -> bool:
    """Whether the archive was made already, as far as that can be told without asking."""
    return not url.startswith("dir:") or folder_of(url).exists()


def folder_of(url: str) -> Path:
    """The folder of an archive on a disk."""
    return Path(url.removeprefix("dir:"))


def bucket_settings(url: str) -> Iterator[Finding]:
    """How the archive's bucket is set up. Raises StoreError."""
    yield from bucket.settings_of(url)


# --- Git --------------------------------------------------------------------------------------------------------------


def git(content: Path, *, remote: bool) -> Iterator[Finding]:
    """Git itself, the repository and what is committed in it. Raises SettingsError, ContentError."""
    version = (_git.output(there(content), "version") or b"").decode().removeprefix("git version ").strip()
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers < GIT_AT_LEAST:
        yield Finding("warning", f"git is {version}, which may take a folder of the content for a repository.",
                      f"Install git {'.'.join(map(str, GIT_AT_LEAST))} or newer.")
    repository = Repository(content)
    head = newest(repository) if remote else repository.head()
    if not remote:
        assert head is not None
        repository.listing(head)                                  # raises where the folder is not in it
    if _git.output(repository.top, "rev-parse", "--is-shallow-repository") == b"true\n":
        yield Finding("warning", "The clone is shallow: rules that need Git's history are not evaluated.",
                      "Run 'git fetch --unshallow'.")
    if not remote and (changed := repository.uncommitted()):
        yield Finding("advice", f"{_many(len(changed), 'file')} of the content not committed, and so not published.",
                      "Commit what should be.")
    yield Finding("ok", f"git {version}; {f'the clone is at {head[:10]}' if head else 'nothing was fetched yet'}")


def remote(settings: Settings, *, call: bool) -> Iterator[Finding]:
    """Whether the remote answers for its branch, and somebody may sign if that is asked for. Raises SettingsError,
    ContentError.
    """
    assert settings.remote is not None
    is_here = is_fetched(settings.content)
    top = Repository(settings.content).top if is_here else there(settings.content)
    if settings.require_signed and is_here:
        yield from _signers(settings)
    if not call:
        yield Finding("skipped", f"{shown(checked_url(settings.remote, top))} was not called")
        return
    tip = head_of(settings.remote, settings.branch, top)
    yield Finding("ok", f"{shown(checked_url(settings.remote, top))} has {settings.branch} at {tip[:10]}")


def _signers(settings: Settings) -> Iterator[Finding]:
    repository = Repository(settings.content)
    where = f"{repository.prefix}/".removeprefix("/")
    commit = newest(repository)
    if commit is None or not anybody_may_sign(repository, commit, now=datetime.now(UTC)):
        yield Finding("error", f"Signed commits are asked for, and {where}{SIGNERS} names nobody whose key counts now, "
                      f"nor does {where}{OPENPGP}: every commit is refused.",
                      f"Commit {where}{SIGNERS} with a line for each who may sign, NAME KEY; or their OpenPGP keys as "
                      f"{where}{OPENPGP}/NAME.asc.")


def is_fetched(content: Path) -> bool:
    """Whether a publisher's clone has anything in it. Raises SettingsError when there is no git."""
    return content.is_dir() and inside_repository(content) and newest(Repository(content)) is not None


def newest(repository: Repository) -> str | None:
    """The commit that was fetched last; else the clone's own, if it has any."""
    return repository.named(FETCHED) or _own(repository)


def _own(repository: Repository) -> str | None:
    try:
        return repository.head()
    except ContentError:
        return None


# --- the plan ---------------------------------------------------------------------------------------------------------


def in_force(store: Store | None, content: Path, *, remote: bool) -> Iterator[Finding]:
    """Whether the newest commit is the one whose plan is in force. Raises StoreError, ContentError."""
    tip = newest(Repository(content)) if remote else Repository(content).head()
    now_good = good(store) if store is not None else None
    refused = rejections(store) if store is not None else ()
    if refused:
        last = refused[-1]
        why = reason_of(last.why, last.commit)
        stays = "No plan is in force." if now_good is None else f"The plan of {now_good.commit[:10]} stays in force."
        yield Finding("error", f"Commit {last.commit[:10]} is not published: {why.rstrip('.')}. {stays}",
                      last.remedy)
    elif now_good is None:
        yield Finding("ok", "no plan was accepted yet; the first publisher takes it")
    elif now_good.commit != tip:
        there = tip[:10] if tip else "nothing newer"
        yield Finding("advice", f"The plan of {now_good.commit[:10]} is in force, and {there} is there.",
                      "Nothing, if a publisher runs: it takes it within a minute.")
    else:
        yield Finding("ok", f"that of {now_good.commit[:10]}, since {now_good.at:%Y-%m-%d %H:%M} UTC")


def posts(prepared: Prepared, now: datetime) -> Iterator[Finding]:
    """What is planned, and what the content itself keeps back."""
    errors = [one for one in prepared.problems if one.severity is Severity.error and one.code != CONNECTION_FAILED]
    if errors:
        first = errors[0]
        yield Finding("warning", f"{_many(len(errors), 'error')} in the content, and what they are about waits; the "
                      f"first: {first.place.file}:{first.place.line}: {first.message}", "Run 'drumbeat check'.")
    soon = [one for one in prepared.plan.waiting if one.at is not None and now <= one.at < now + _A_DAY]
    if soon:
        yield Finding("advice", f"{_many(len(soon), 'post')} of the next 24 hours will wait; the first: "
                      f"{soon[0].slot}: {soon[0].why}", "Run 'drumbeat status --state waiting'.")
    coming = [item for item in prepared.plan.items if item.at >= now]
    if coming:
        yield Finding("ok", f"{_many(len(coming), 'post')} to come, the next {when(coming[0].at, coming[0].zone)}: "
                      f"{coming[0].slot}")
    else:
        yield Finding("advice", "Nothing is planned to go out.", "Write a post: drumbeat new post")


def holds(store: Store | None) -> Iterator[Finding]:
    """What people have stopped. Raises StoreError."""
    found = Holds(store).active() if store is not None else ()
    for hold in found:
        yield Finding("warning", f"{hold.by} holds {hold.what} since {hold.at:%Y-%m-%d %H:%M} UTC: {hold.reason}",
                      how_to_end(hold))
    if not found:
        yield Finding("ok", "none")


def late(prepared: Prepared, store: Store | None, now: datetime) -> Iterator[Finding]:
    """What was due within the last day and is not out. Raises StoreError."""
    plan = with_holds(prepared.plan, Holds(store).now()) if store is not None else prepared.plan
    due = sorted((one for one in plan.everything() if one.at is not None and now - _A_DAY <= one.at <= now - SOON),
                 key=lambda one: (one.at, one.slot))
    rows = [row(item, _standing(item, store), now=now) for item in due]
    open_ones = [one for one in rows if one.state is not State.published and one.state is not State.skipped]
    for one in open_ones[:_SHOWN]:
        yield _told(one)
    if len(open_ones) > _SHOWN:
        yield Finding("error", f"and {_many(len(open_ones) - _SHOWN, 'slot')} more.", "Run 'drumbeat status'.")
    if not open_ones:
        yield Finding("ok", f"nothing; {_many(len(due), 'post')} went out in the last 24 hours" if due
                      else "nothing was due in the last 24 hours")


def _standing(one: Item | Waiting, store: Store | None) -> Standing | None:
    if store is None:
        return None
    entries = Ledger(store, worker="reader", now=lambda: datetime.now(UTC)).read(one.slot)
    return fold(one.slot, entries) if entries else None


def _told(one: Row) -> Finding:
    needs = one.state in NEEDS_A_PERSON or one.state is State.planned
    state: Judgement = "error" if needs else "warning" if one.state in NOT_PUBLISHED else "advice"
    return Finding(state, f"{one.slot}, due {one.at:%H:%M} UTC, is {one.state.value}"
                   + (f": {one.reason}" if one.reason else "."), one.next or f"Run 'drumbeat why {one.slot}'.")


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
