"""Everything that could fail when a post is due is tried now: many small checks at once, each with a deadline.

A check is a function that gives findings. One that breaks off, or hangs, is a finding itself and stops no other.
"""
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

import publishers
from flows import question, survey
from flows.check import check, check_commit
from flows.edges import surroundings
from flows.edges.clock import Clock
from flows.edges.ledger import Ledger
from flows.edges.plans import good_commit, last_good
from flows.edges.prefect_health import listening, server
from flows.edges.repository import Repository
from flows.edges.settings import Settings
from flows.edges.store import Store, open_store
from flows.edges.trials import ARCHIVE, record, recorded
from flows.planning.masking import masked
from flows.planning.preparing import Prepared
from publishers.base import Publisher
from schemas.channel import Channel
from schemas.errors import ContentError, DrumbeatError, PublishError, SettingsError
from schemas.finding import Finding
from schemas.ledger import Slot, State
from schemas.strategy import Strategy
from schemas.world import Trial

DEADLINE_S = 20.0
"""So long a check may take: a network that hangs must not hang us."""
NOTHING_FETCHED = Finding("skipped", "nothing was fetched from the remote yet",
                          "Run 'drumbeat sync', and this again: it fetches, or says why not.")
"""A publisher that was never started, or never reached its remote: there is no content to look at."""


class Check(NamedTuple):
    """One thing to look at. `tried`: the connection that it tries, under whose name gates ask for the result."""

    name: str
    look: Callable[[], Iterable[Finding]]
    tried: str | None = None


class Outcome(NamedTuple):
    """What a check found. `hung`: it was given up, and still runs somewhere."""

    check: Check
    findings: tuple[Finding, ...]
    hung: bool = False


class Case(NamedTuple):
    """What is examined. `archive`: its address. `connect` opens a channel; None: nobody is called (--offline)."""

    settings: Settings
    archive: str
    rehearsal: bool
    clock: Clock
    connect: Callable[[Channel], Publisher] | None
    environment: Mapping[str, str]


def run(checks: Iterable[Check], deadline_s: float = DEADLINE_S) -> list[Outcome]:
    """What each check found, in their order; all run at once, and none longer than `deadline_s`."""
    running = [_Running(one) for one in checks]
    ends = time.monotonic() + deadline_s
    for one in running:
        one.start()
    return [one.outcome(max(0.0, ends - time.monotonic()), deadline_s) for one in running]


class _Running(threading.Thread):
    """A check under way. A daemon: one that hangs keeps no program from ending."""

    def __init__(self, check: Check) -> None:
        super().__init__(name=f"check {check.name}", daemon=True)
        self._check, self._found = check, list[Finding]()

    def run(self) -> None:
        try:
            for found in self._check.look():
                self._found.append(found)
        except DrumbeatError as error:
            self._found.append(Finding("error", error.what, error.remedy))
        except PublishError as error:
            self._found.append(Finding("error", error.why, "See whether the network answers from this machine."))
        except Exception as error:  # noqa: BLE001 — a check that is broken must not hide what the others see
            self._found.append(Finding("error", f"This could not be looked at: {type(error).__name__}: {error}",
                                       "It is a fault of this program: please report these words."))

    def outcome(self, patience_s: float, deadline_s: float) -> Outcome:
        self.join(patience_s)
        hung, found = self.is_alive(), list(self._found)
        if hung:
            found.append(Finding("error", f"No answer within {deadline_s:g} s.",
                                 "See whether the other side answers from this machine, and run this again."))
        return Outcome(self._check, tuple(one._replace(
            check=self._check.name, what=masked(one.what), remedy=masked(one.remedy) if one.remedy else None)
            for one in found), hung)


def examine(case: Case, deadline_s: float = DEADLINE_S) -> list[Outcome]:
    """All that is looked at, with what was found; tests of connections are recorded, so that gates know of them."""
    prepared: Prepared | None = None
    opened, told = _Opened(case), [NOTHING_TOLD]

    def listen() -> Iterator[Finding]:
        told.append(_told(opened()))
        yield from ()

    (listened,) = run([Check("plan", listen)], deadline_s)        # with a deadline too; its errors are told below
    if case.settings.remote is not None and not survey.is_fetched(case.settings.content):
        posts = Check("posts", partial(iter, [NOTHING_FETCHED]))
    else:
        try:
            prepared = _prepared(case, told[-1])
            posts = Check("posts", partial(survey.posts, prepared, case.clock.now()))
        except DrumbeatError as error:
            posts = Check("posts", partial(iter, [Finding("error", error.what, error.remedy)]))
    found = run([posts, *of_machine(case, prepared), *of_archive(case, prepared, opened),
                 *of_accounts(case, prepared, opened)], deadline_s)
    if case.connect is not None and not case.rehearsal:
        _record(case, prepared, found)
    return [*found, listened._replace(findings=())]


class _Opened:
    """The archive, opened once for all checks; None: it is not there yet, or it is far and nobody is called."""

    def __init__(self, case: Case) -> None:
        self._case, self._lock = case, threading.Lock()
        self._store: Store | None = None

    def __call__(self) -> Store | None:
        """Raises StoreError."""
        far, url = is_far(self._case), self._case.archive
        with self._lock:
            if self._store is None and (self._case.connect is not None if far else survey.exists(url)):
                self._store = open_store(url)
            return self._store


def is_far(case: Case) -> bool:
    """Whether the archive is on no disk of this machine."""
    return case.archive.startswith("s3://")


class _Told(NamedTuple):
    """What the archive knows of the plan: whose is in force, the times that it found, and what is out."""

    commit: str | None = None
    kept: Mapping[Slot, datetime] | None = None
    sent: Mapping[Slot, datetime | None] | None = None


NOTHING_TOLD = _Told()


def _told(store: Store | None) -> _Told:
    if store is None:
        return NOTHING_TOLD
    ended = Ledger(store, worker="reader", now=lambda: datetime.now(UTC)).terminal_slots()
    return _Told(good_commit(store), last_good(store), {done.slot: None for done in ended
                                                        if done.state is State.published})


def _prepared(case: Case, told: _Told) -> Prepared:
    """What the committed content means; where there is a remote, that of the plan in force; outside of Git, as it lies
    there. Raises DrumbeatError.
    """
    folder, about = case.settings.content, {
        "now": case.clock.now(), "kept": told.kept, "sent": told.sent, "home": case.settings.home,
        "rehearsal": case.rehearsal}
    try:
        repository = Repository(folder)
        commit = repository.head() if case.settings.remote is None else told.commit or survey.newest(repository)
    except (SettingsError, ContentError):
        if case.settings.remote is not None:
            raise
        return check(folder, **about)  # type: ignore[arg-type]
    assert commit is not None                                     # `examine` asked: something was fetched
    try:
        return check_commit(repository, commit, **about)  # type: ignore[arg-type]
    except ContentError:
        if commit == (newest := survey.newest(repository)):
            raise
        return check_commit(repository, newest, **about)  # type: ignore[arg-type]


def _record(case: Case, prepared: Prepared | None, found: Iterable[Outcome]) -> None:
    """What was tried, for the gates. An account that was never set up here was not tried: others may have it."""
    known = recorded(case.settings.home)
    channels = prepared.content.channels.channels if prepared is not None else ()
    never = {one.id for one in channels if one.id not in known and one.network in publishers.available()
             and not question.has_credentials(one, case.settings, case.environment)}
    for one in found:
        if one.check.tried is None or one.check.tried in never:
            continue
        if not any(finding.state in ("ok", "error") for finding in one.findings):
            continue                                              # it was not called, or asks to wait: nobody knows
        why = next((finding.what for finding in one.findings if finding.state == "error"), None)
        record(case.settings.home, one.check.tried, Trial(case.clock.now(), why))


# --- what is looked at ------------------------------------------------------------------------------------------------


def of_machine(case: Case, prepared: Prepared | None) -> Iterator[Check]:
    """This machine, and Prefect on it or elsewhere."""
    settings, now = case.settings, case.clock.now()
    yield Check("program", _program)
    yield Check("disk", partial(surroundings.room, settings.home / ".drumbeat"))
    yield Check("zones", partial(surroundings.zones, _zones(prepared), now))
    yield Check("folder", partial(surroundings.where_we_stand, settings.content))
    yield Check("secrets in Git", partial(surroundings.kept_out_of_git, settings.home, settings.credentials))
    if not case.rehearsal:
        yield Check("credentials", partial(surroundings.credential_files, settings.credentials, settings.home))
    if case.connect is None:
        yield Check("Prefect", lambda: [Finding("skipped", "its server was not called")])
    else:
        yield Check("Prefect", lambda: server(case.environment, surroundings.installed("prefect"), listening()))


def of_archive(case: Case, prepared: Prepared | None, opened: Callable[[], Store | None]) -> Iterator[Check]:
    """The archive, Git, and what keeps posts back."""
    settings, far = case.settings, is_far(case)
    is_fetched = settings.remote is None or survey.is_fetched(settings.content)
    if is_fetched:
        yield Check("git", partial(survey.git, settings.content, remote=settings.remote is not None))
    if settings.remote is not None:
        yield Check("remote", partial(survey.remote, settings, call=case.connect is not None))
    if far and case.connect is None:
        yield Check("archive", lambda: [Finding("skipped", f"{case.archive} was not called")])
        return
    yield Check("clock", lambda: survey.clock(opened(), case.clock.now))
    yield Check("archive", partial(survey.archive, case.archive, rehearsal=case.rehearsal), tried=ARCHIVE)
    if far:
        yield Check("bucket", partial(survey.bucket_settings, case.archive))
    elif survey.exists(case.archive) and not survey.folder_of(case.archive).is_relative_to(settings.home / ".drumbeat"):
        yield Check("archive's disk", partial(surroundings.room, survey.folder_of(case.archive)))
    yield Check("plan", lambda: survey.in_force(opened(), settings.content, remote=settings.remote is not None)
                if is_fetched else [NOTHING_FETCHED])
    yield Check("holds", lambda: survey.holds(opened()))
    if prepared is not None and is_in_use(case, prepared):
        yield Check("due", lambda: survey.late(prepared, opened(), case.clock.now()))


def of_accounts(case: Case, prepared: Prepared | None, opened: Callable[[], Store | None]) -> Iterator[Check]:
    """Each channel that posts may go to, and the CRM."""
    if prepared is None:
        return
    channels = [one for one in prepared.content.channels.channels
                if one.status == "active" and one.network in prepared.content.networks]
    if case.connect is None and not is_in_use(case, prepared):
        yield Check("channels", lambda: [Finding(
            "skipped", f"no credentials are set here for any of {len(channels)}: nothing can be published from here",
            "Run 'drumbeat connect NETWORK', or play it without accounts: 'drumbeat up --rehearse'.")])
    else:
        for channel in channels:
            yield Check(f"channel {channel.id}", partial(_account, case, channel, prepared, opened), tried=channel.id)
    if is_far(case) and not case.rehearsal:
        yield Check("renewals", partial(question.one_machine, channels, case.settings, case.environment))
    strategy = prepared.content.entry("strategy")
    if isinstance(strategy, Strategy) and strategy.crm is not None and strategy.crm.connection and not case.rehearsal:
        named = strategy.crm
        look = partial(question.crm, named, case.settings, case.environment) if case.connect is not None else (
            lambda: [Finding("skipped", f"{named.system or named.connection} was not called")])
        yield Check("CRM", look, tried=strategy.crm.connection)


def is_in_use(case: Case, prepared: Prepared) -> bool:
    """Whether this machine was ever set up to publish: it has an archive, or any credential."""
    return case.connect is not None or is_far(case) or survey.exists(case.archive) or any(
        question.has_credentials(one, case.settings, case.environment)
        for one in prepared.content.channels.channels if one.network in prepared.content.networks)


def _account(case: Case, channel: Channel, prepared: Prepared, opened: Callable[[], Store | None]) -> Iterator[Finding]:
    return question.account(channel, prepared, case.settings, store=opened(), connect=case.connect,
                            now=case.clock.now(), rehearsal=case.rehearsal, environment=case.environment)


def _program() -> Iterator[Finding]:
    wrong = list(surroundings.packages(surroundings.required(), surroundings.installed))
    yield from wrong
    if not wrong:
        yield Finding("ok", f"Python {surroundings.python()}, Prefect {surroundings.installed('prefect')}")


def _zones(prepared: Prepared | None) -> set[str]:
    if prepared is None:
        return {"UTC"}
    return {prepared.content.timezone, *(one.zone for one in prepared.plan.everything())}
