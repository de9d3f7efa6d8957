"""ENG002 and ENG003: posts invite people to talk, and somebody is there when they do."""
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from flows.planning.rules.campaigns import share
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.timing import wall
from schemas.content import Entry
from schemas.notation import span
from schemas.people import Person, Team
from schemas.plan import Item
from schemas.problem import Problem, Severity

_TOGETHER = 12
"""Posts of a channel by which it is judged (domain reference, ENG002)."""
_LATEST = timedelta(days=28)
_SOON = timedelta(days=14)


def of_kind(facts: Facts, kind: str) -> Entry | None:
    """The first file of its kind."""
    return next((entry for entry in facts.content.entries if entry.kind == kind), None)


def on_call(facts: Facts) -> str | None:
    """Who answers this week, by the team's rota."""
    team = facts.content.entry("team")
    return team.on_call.get(week_of(facts.today())) if isinstance(team, Team) else None


def named(facts: Facts, person: str) -> str:
    """The name of a person of the team, else the id."""
    team = facts.content.entry("team")
    people = team.people if isinstance(team, Team) else ()
    return next((one.name for one in people if one.id == person and one.name), person)


def week_of(day: date) -> str:
    """`2027-W09`: the ISO week of a day."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"


# --- ENG002 -----------------------------------------------------------------------------------------------------------


def _talks_at_people(facts: Facts) -> Iterator[Problem]:
    """A channel whose last twelve posts, up to the newest one planned for the next 28 days, mostly invite nobody."""
    most, entry = share(facts, TALKING_AT, "broadcast_max"), of_kind(facts, "channels")
    if entry is None:
        return
    for number, channel in enumerate(facts.content.channels.channels):
        said = facts.said.get(channel.id, ())
        known = bisect_right(said, facts.now + _LATEST, key=lambda one: one.at)
        if channel.status != "active" or known < _TOGETHER:
            continue
        seen = said[known - _TOGETHER:known]
        broadcast = [one for one in seen if not one.invites and one.intent != "respond"]
        if len(broadcast) > most * _TOGETHER:
            last = seen[-1].at.astimezone(ZoneInfo(channel.timezone or facts.content.timezone)).date()
            ahead = next((one.slot.post for one in reversed(broadcast) if not one.is_out), None)
            yield TALKING_AT.at(
                entry.place("channels", number, "id"), f"{channel.id} talks at people: of {_TOGETHER} posts up to "
                f"{last}, {len(broadcast)} invite no answer and answer nobody.",
                f"Ask something in {ahead}, or answer somebody there." if ahead else
                "Ask something in the next one, or answer somebody.", channel=channel.id)


# --- ENG003 -----------------------------------------------------------------------------------------------------------


def _unattended(facts: Facts) -> Iterator[Problem]:
    """Weeks of the next 14 days, and of the hours after their posts, in which nobody can answer. Only where a rota is
    kept at all; a person whom the team does not know is told as such.
    """
    entry = of_kind(facts, "team")
    if entry is None or not isinstance(entry.value, Team) or not entry.value.on_call:
        return
    team, zone = entry.value, wall(facts.content.timezone)
    people = {person.id: person for person in team.people}
    able = [person.id for person in team.people if _why_not(person, facts.today()) is None]
    for week, posts in sorted(_weeks(facts, zone).items()):
        monday = date.fromisocalendar(int(week[:4]), int(week[-2:]), 1)
        person = team.on_call.get(week)
        if person is None:
            what = f"Nobody is on call in {week}"
        elif (why := _why_not(people.get(person), max(monday, facts.today()))) is not None:
            what = f"{named(facts, person)} is on call in {week}, and {why}"
        else:
            continue
        after = f": nobody can answer after {_listed(posts, zone)}" if posts else ""
        some = f"one of {', '.join(able)}" if able else "the id of a responder"
        yield UNATTENDED.at(entry.place("on_call", week), f"{what} (from {monday}){after}.",
                            f"Write '{week}:' with {some} under on_call in people/team.yaml.")


def _weeks(facts: Facts, zone: ZoneInfo) -> dict[str, list[Item]]:
    """The weeks that need somebody, each with the posts after which they are needed."""
    attend, last = _attend(facts), facts.now + _SOON
    weeks: dict[str, list[Item]] = {}
    for week in _between(facts.now, last, zone):
        weeks[week] = []
    for item in facts.plan.items:
        if facts.now < item.at <= last:
            for week in _between(item.at, item.at + attend, zone):
                weeks.setdefault(week, []).append(item)
    return weeks


def _between(first: datetime, last: datetime, zone: ZoneInfo) -> Iterator[str]:
    """Every week from one instant to another."""
    day, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    monday = day - timedelta(days=day.weekday())
    while monday <= end:
        yield week_of(monday)
        monday += timedelta(days=7)


def _why_not(person: Person | None, day: date) -> str | None:
    """Why somebody does not answer on that day; None: they do, or nobody knows them."""
    if person is None:
        return None
    if "responder" not in person.roles:
        return "is no responder"
    if not person.active:
        return "is not active any more"
    until = person.external.until if person.external is not None else None
    return f"is here until {until}" if until is not None and until < day else None


def _listed(posts: list[Item], zone: ZoneInfo) -> str:
    """The first post with its time, and how many others."""
    first = posts[0]
    others = len({item.post.id for item in posts} - {first.post.id})
    more = f" and {others} more post{'' if others == 1 else 's'}" if others else ""
    return f"{first.post.id} ({first.at.astimezone(zone):%Y-%m-%d %H:%M}){more}"


def _attend(facts: Facts) -> timedelta:
    """The knob, where it is a time of fixed length and less than two weeks; else its default."""
    try:
        attend = span(facts.knob(UNATTENDED, "attend"))
    except ValueError:
        attend = _SOON
    return attend if attend < _SOON else span(str(UNATTENDED.knobs["attend"]))


TALKING_AT = Rule(
    "ENG002", Severity.warning, "FD",
    "More than three quarters of twelve posts on a channel invite no answer (no question, no poll) and respond to "
    "nobody; counted up to the newest one planned for the next 28 days.",
    "Ask something, or answer somebody.", all=_talks_at_people, knobs={"broadcast_max": 0.75})
UNATTENDED = Rule(
    "ENG003", Severity.warning, "FT",
    "The rota (on_call) has nobody for a week of the next 14 days, or no responder for the four hours after a post. "
    "Only where a rota is kept.",
    "Write who answers in that week under on_call in people/team.yaml.", all=_unattended, knobs={"attend": "4h"},
    gate="LAUNCH")
