"""CRI: when it goes wrong, we stop, we speak early and often, and we say afterwards what we did.

Whether the plan for it is ready has a module of its own; the family is listed here.
"""
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from flows.planning.placing import field_of
from flows.planning.rules import readiness
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over
from flows.planning.timing import days_on, wall
from flows.planning.wishing import absolute
from schemas.content import Entry, Resolved
from schemas.crisis import CrisisPlan, Incident, Level, Update
from schemas.notation import span
from schemas.place import Place
from schemas.problem import Problem, Severity

_FOLDER = "crisis/incidents/"
_DAY = timedelta(days=1)
_BASELINE_DAYS = 28
_AFTER_ACTION = timedelta(days=14)
_ALONE = timedelta(days=7)


def _incidents(facts: Facts) -> list[tuple[Entry, Incident]]:
    return [(entry, entry.value) for entry in facts.content.entries if isinstance(entry.value, Incident)]


def _level(incident: Incident, facts: Facts) -> Level | None:
    plan = facts.content.entry("crisis plan")
    levels = plan.levels if isinstance(plan, CrisisPlan) else ()
    return next((level for level in levels if level.id == incident.level), None)


def _moment(written: datetime | None, facts: Facts) -> datetime | None:
    """A time that stands in an incident, as UTC."""
    return absolute(written, facts.content.timezone) if written is not None else None


def _words(moment: datetime, facts: Facts) -> str:
    return f"{moment.astimezone(wall(facts.content.timezone)):%Y-%m-%d %H:%M}"


def _has_begun(incident: Incident, facts: Facts) -> bool:
    """An incident that does not say when it was opened has begun."""
    opened = _moment(incident.opened, facts)
    return opened is None or opened <= facts.now


def _is_ended(incident: Incident, facts: Facts) -> bool:
    """Closed, by now."""
    closed = _moment(incident.closed, facts)
    return incident.status == "closed" and closed is not None and closed <= facts.now


class _Hold(NamedTuple):
    """What one incident keeps back. `channels` None: on all."""

    everything: bool
    channels: frozenset[str] | None
    said: str
    remedy: str

    def keeps(self, post: Resolved, channel: str) -> bool:
        """Whether it keeps a post back on a channel."""
        return (self.everything or post.intent == "ask") and (self.channels is None or channel in self.channels)


def _held(facts: Facts) -> Iterator[Problem]:
    """What is still to go out while an incident runs: one problem a post, or one for each channel that is held.

    It takes the plan to know, not one post alone: what went out before the incident is not told of. What an incident
    that runs names under its updates goes out, whatever another one holds: nobody may be silenced by a second trouble.
    """
    holds = list(_holds(facts))
    if not holds:
        return
    spared = _updates(facts)
    found: dict[str, dict[str, _Hold | None]] = {}
    posts: dict[str, Resolved] = {}
    for one in facts.plan.everything():
        if one.post.id not in spared and not is_over(one, facts):
            posts[one.post.id] = one.post
            channel = one.channel.id
            found.setdefault(one.post.id, {})[channel] = next((h for h in holds if h.keeps(one.post, channel)), None)
    for id, by_channel in found.items():
        place = posts[id].post.place(field_of(posts[id]))
        kept = set(by_channel.values())
        if len(kept) == 1 and (hold := kept.pop()) is not None:
            yield HELD.at(place, hold.said, hold.remedy, id)
            continue
        for channel, one_hold in by_channel.items():
            if one_hold is not None:
                yield HELD.at(place, one_hold.said, one_hold.remedy, id, channel)


def _updates(facts: Facts) -> frozenset[str]:
    """The ids of the posts that incidents which run name as their updates; a bare name is one where it is unique."""
    named = {update.post for _, incident in _running(facts) for update in incident.updates if update.post is not None}
    bare: dict[str, list[str]] = {name: [] for name in named if "/" not in name}
    for post in facts.content.posts if bare else ():
        if post.post.stem in bare:
            bare[post.post.stem].append(post.id)
    return frozenset(named.union(*(ids for ids in bare.values() if len(ids) == 1)))


def _running(facts: Facts) -> Iterator[tuple[Entry, Incident]]:
    """The incidents that have begun, and of which nobody has said that they are closed and posting may go on."""
    return ((entry, incident) for entry, incident in _incidents(facts) if _has_begun(incident, facts)
            and not (_is_ended(incident, facts) and _may_resume(incident, facts)))


def _deciders(facts: Facts) -> tuple[str, ...]:
    """Who decides by the crisis plan; nobody where it does not say."""
    plan = facts.content.entry("crisis plan")
    return plan.roles.decides if isinstance(plan, CrisisPlan) and plan.roles is not None else ()


def _may_resume(incident: Incident, facts: Facts) -> bool:
    """Whether somebody has said that posting may go on who decides that by the plan; anybody, where it does not say."""
    deciders = _deciders(facts)
    return incident.resume_by is not None and (not deciders or incident.resume_by in deciders)


def _holds(facts: Facts) -> Iterator[_Hold]:
    """Every incident that runs; those whose file cannot be read too, for nobody knows what they hold."""
    known = {channel.id for channel in facts.content.channels.channels}
    for entry, incident in _running(facts):
        level = _level(incident, facts)
        publishing = level.publishing if level is not None else None
        if publishing != "continue":
            strange = [name for name in incident.channels or () if name not in known]
            channels = frozenset(incident.channels) if incident.channels and not strange else None
            yield _Hold(publishing != "hold-asks", channels, _why(entry, incident, level, strange, facts),
                        _how_to_end(entry, incident, level, strange, facts))
    for path in facts.content.unreadable:
        if path.startswith(_FOLDER):
            name = path.removeprefix(_FOLDER).removesuffix(".yaml")
            yield _Hold(True, None, f"Held by incident {name}: its file cannot be read, so everything "
                        "waits.", f"Mend {facts.content.root}/{path}.")


def _why(entry: Entry, incident: Incident, level: Level | None, strange: Sequence[str], facts: Facts) -> str:
    held = f"Held by incident {entry.id} ({incident.level or 'no level'})"
    if level is None and incident.level is not None:
        return f"{held}: the crisis plan has no such level, so everything waits."
    if level is None or level.publishing is None:
        return f"{held}: nothing says what may go on, so everything waits."
    if incident.status == "closed" and not _is_ended(incident, facts):
        return f"{held}: it is closed, and not since when."
    if incident.status == "closed" and incident.resume_by is not None:
        return f"{held}: it is closed, and {incident.resume_by} is not among those who decide by the crisis plan."
    if incident.status == "closed":
        return f"{held}: it is closed, and nobody has said that posting may go on."
    return f"{held}: there is no channel {strange[0]}, so it counts for all." if strange else f"{held}."


def _how_to_end(entry: Entry, incident: Incident, level: Level | None, strange: Sequence[str], facts: Facts) -> str:
    if incident.status == "closed":
        who = " or ".join(_deciders(facts)) or "who decides it"
        return f"Write closed: with its time and resume_by: with {who}, in {entry.file}."
    first = "" if level is not None else "Name a level of crisis/plan.yaml under level:. "
    first += "Name channels of networks/channels.yaml under channels:. " if strange else ""
    return f"{first}When it is over, write status: closed, closed: and resume_by: in {entry.file}."


def _gone_silent(facts: Facts) -> Iterator[Problem]:
    """An open incident without a word when one was due.

    The first is due when the level says `acknowledge`, each further one `update_every` after the last. One that names a
    post and no time was said when the post went out. An incident whose level the plan does not know is not judged;
    CRI002 tells of it.
    """
    for entry, incident in _incidents(facts):
        level, opened = _level(incident, facts), _moment(incident.opened, facts)
        if level is None or opened is None or opened > facts.now or incident.status not in ("open", None):
            continue
        said = [at for update in incident.updates if (at := _said(update, facts)) is not None and at <= facts.now]
        pause = level.update_every if said else level.acknowledge or level.update_every
        due = _later(max(said, default=opened), pause) if pause is not None else None
        if due is not None and due < facts.now:
            last = f"The last was on {_words(max(said), facts)}" if said else "Nothing was said yet"
            yield SPOKEN.at(entry.place("updates"), f"Do not go silent: update due {_words(due, facts)}. {last}.",
                            "Say what you know, even if it is little, and write it under updates: with its time and "
                            "its post.")


def _said(update: Update, facts: Facts) -> datetime | None:
    """When an update was made; None: it was not, as far as anybody knows."""
    if update.at is not None or update.post is None:
        return _moment(update.at, facts)
    out = [one.at for of_channel in facts.said.values() for one in of_channel
           if one.is_out and update.post in (one.slot.post, one.slot.post.rsplit("/", 1)[-1])]
    return min(out, default=None)


def _later(moment: datetime, duration: str) -> datetime | None:
    """So long after `moment`; None: no calendar goes so far."""
    try:
        if duration.endswith("mo"):
            return datetime.combine(days_on(moment.date(), int(duration.removesuffix("mo")), "mo"), moment.timetz())
        return moment + span(duration)
    except (ValueError, OverflowError):
        return None


def _backlash(facts: Facts) -> Iterator[Problem]:
    """Many more negative messages in the last 24 hours than are usual, and no incident that runs."""
    if any(_has_begun(incident, facts) and not _is_ended(incident, facts) for _, incident in _incidents(facts)):
        return
    yesterday = facts.now - _DAY
    negative = [one.at for one in facts.world.inbox or () if one.negative and one.at <= facts.now]
    new = sum(1 for at in negative if at > yesterday)
    usual = sum(1 for at in negative if yesterday - _BASELINE_DAYS * _DAY < at <= yesterday) / _BASELINE_DAYS
    if new < facts.knob(BACKLASH, "spike_min") or new < facts.knob(BACKLASH, "spike") * usual:
        return
    plan = next((entry for entry in facts.content.entries if isinstance(entry.value, CrisisPlan)), None)
    place = plan.place("levels") if plan is not None else Place(f"{facts.content.root}/crisis/plan.yaml")
    yield BACKLASH.at(place, f"A backlash may be starting: {new} negative messages in the last 24 hours; {usual:.1f} a "
                      "day are usual. Open an incident?", f"If it is one, write {_FOLDER}{facts.today()}-<name>.yaml "
                      "with its level; it holds the queue.")


def _unfinished(facts: Facts) -> Iterator[Problem]:
    """A closed incident of which nobody wrote what was learned, or after which a channel says nothing more."""
    for entry, incident in _incidents(facts):
        closed = _moment(incident.closed, facts)
        if closed is None or not _is_ended(incident, facts):
            continue
        if facts.now - closed >= _AFTER_ACTION and not (incident.after_action or "").strip():
            yield FINISHED.at(
                entry.place("after_action"), f"{entry.id} was closed on {_words(closed, facts)[:10]}, and nothing says "
                "what was learned.", "Write after_action: what happened, what you did, and what changes.")
        if facts.sent is not None and facts.now - closed >= _ALONE:
            yield from _standing_alone(entry, incident, facts)


def _standing_alone(entry: Entry, incident: Incident, facts: Facts) -> Iterator[Problem]:
    updates = {update.post for update in incident.updates if update.post is not None}
    for channel in facts.content.channels.channels:
        if channel.status != "active" or (incident.channels and channel.id not in incident.channels):
            continue
        said = [one for one in facts.said.get(channel.id, ()) if one.is_out]
        if said and not updates.isdisjoint((said[-1].slot.post, said[-1].slot.post.rsplit("/", 1)[-1])):
            yield FINISHED.at(
                entry.place("updates"), f"The statement stands alone on {channel.id}: nothing was said there since "
                f"{_words(said[-1].at, facts)[:10]}.", "Say there what you did, in a post of its own.",
                channel=channel.id)


HELD = Rule(
    "CRI002", Severity.error, "FT", "An incident is open or monitoring: asks, or all posts, wait on its channels, as "
    "its level in the crisis plan says; all of them where no level says so. A closed one holds until closed: and "
    "resume_by: are there. Posts that an open incident names under updates: go out.",
    "When it is over, write status: closed, closed: and resume_by: in its file.", all=_held, due=True)
SPOKEN = Rule(
    "CRI003", Severity.error, "DT", "An incident is open, and no public update was made in the time that its level "
    "gives: acknowledge for the first one, update_every for each further one.",
    "Say what you know, even if it is little.", all=_gone_silent)
BACKLASH = Rule(
    "CRI004", Severity.warning, "DT", "Ten negative messages or more came in the last 24 hours, three times as many as "
    "a day of the four weeks before brought, and no incident runs.", "Open an incident if it is one.", all=_backlash,
    knobs={"spike": 3, "spike_min": 10}, wants=("inbox",))
FINISHED = Rule(
    "CRI005", Severity.warning, "DT", "An incident was closed 14 days ago and has no after_action; or 7 days ago, and "
    "its statement is still the last word of a channel.", "Write what was learned, and say what you did.",
    all=_unfinished)
RULES: tuple[Rule, ...] = (readiness.READY, HELD, SPOKEN, BACKLASH, FINISHED)
