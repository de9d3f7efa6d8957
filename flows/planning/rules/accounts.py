"""NET: each account has a reason to be there, answers when it is called, and looks as we want to be seen."""
from collections.abc import Iterator
from datetime import date, datetime, timedelta

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over, joined
from flows.planning.timing import wall
from schemas.channel import Channel
from schemas.content import Entry
from schemas.problem import Problem, Severity

_NEEDED = {"audiences": "audience", "goals": "goal", "evidence": "evidence", "owner": "owner",
           "responders": "responder"}
_FRESH = timedelta(hours=24)
_AFTER_CAMPAIGN = timedelta(days=7)


def _channels(facts: Facts) -> Iterator[tuple[int, Channel, Entry]]:
    """Every channel, its number in the file, and the file."""
    entry = next((entry for entry in facts.content.entries if entry.kind == "channels"), None)
    if entry is not None:
        for number, channel in enumerate(facts.content.channels.channels):
            yield number, channel, entry


def _without_reason(facts: Facts) -> Iterator[Problem]:
    """A channel of which nobody can say whom it is for, what for, and who answers there."""
    for number, channel, entry in _channels(facts):
        held = {"audiences": channel.audiences, "goals": channel.goals, "owner": channel.owner,
                "evidence": (channel.evidence or "").strip(), "responders": channel.responders}
        lacks = [key for key in _NEEDED if not held[key]]
        if channel.status == "active" and lacks:
            no = joined([f"no {_NEEDED[key]}" for key in lacks])
            yield REASONED.at(entry.place("channels", number, lacks[0]), f"Why {channel.id}? It has {no}.",
                              f"Add {joined([f'{key}:' for key in lacks])} to it.", channel=channel.id)


def _before_goals(facts: Facts) -> Iterator[Problem]:
    """A channel that was committed before any social goal was.

    Where no goal is committed yet there is nothing to be before: NET001 asks for the goal. A channel that names the
    goals it works for by now has its reason: everybody begins with one.
    """
    first = facts.world.history.entities if facts.world.history is not None else {}
    goals = [(at, id) for (kind, id), at in first.items() if kind == "social_goal"]
    if not goals:
        return
    begun, goal = min(goals)
    for number, channel, entry in _channels(facts):
        at = first.get(("channel", channel.id))
        if channel.status == "active" and not channel.goals and at is not None and at < begun:
            yield AFTER_GOALS.at(
                entry.place("channels", number, "id"), f"{channel.id} was there on {_day(at, facts)}, before the first "
                f"goal ({goal}, {_day(begun, facts)}): networks come after goals.",
                "Check which goal needs it, and name it under goals:. If none does, retire it.",
                channel=channel.id)


def _no_answer(facts: Facts) -> Iterator[Problem]:
    """A connection that failed its test; as a warning, one whose test is a day old before a campaign's post.

    A channel that was never tested here is not judged: where it is published from, the publisher opens it each time,
    and a LAUNCH gate asks for the test.
    """
    trials = facts.world.trials
    if trials is None or facts.world.rehearsal:
        return
    due: dict[str, datetime] = {}
    for item in facts.plan.items:                                 # in order of time
        if item.at > facts.now + _FRESH:
            break
        if item.post.post.campaign is not None and item.channel.id not in due and not is_over(item, facts):
            due[item.channel.id] = item.at
    for number, channel, entry in _channels(facts):
        trial, next_post = trials.get(channel.id), due.get(channel.id)
        if channel.status != "active" or trial is None:
            continue
        place, name = entry.place("channels", number, "connection"), channel.connection or (
            f"The connection of {channel.id}")
        test = f"drumbeat connect {channel.network} --channel {channel.id}"
        if trial.why is not None:
            said_there = facts.said.get(channel.id, ()) if facts.sent is not None else ()
            if any(one.is_out and one.at > trial.at for one in said_there):
                continue                                          # it answers again
            why = f"{trial.why.rstrip('. ')} (tested {_minute(trial.at, facts)})"
            yield ANSWERS.at(place, f"{name} does not answer: {why}.",
                             f"Set it up again with '{test}', or wait until the network is back.", channel=channel.id)
        elif next_post is not None and facts.now - trial.at > _FRESH:
            said = f"{name} was last tested on {_minute(trial.at, facts)}, and a post of a campaign is due on"
            yield ANSWERS.at(place, f"{said} {_minute(next_post, facts)}.", f"Run '{test} --test'.",
                             channel=channel.id, severity=Severity.warning)


def _unkempt(facts: Facts) -> Iterator[Problem]:
    """A profile that nobody has looked at for long, or since a campaign ended; a channel that left without a word.

    A channel that has not begun to speak, or whose strategy is not in execution, has a first look to come: a to-do.
    """
    today, days = facts.today(), facts.knob(KEMPT, "profile_days")
    ended = _ended(facts)
    for number, channel, entry in _channels(facts):
        if channel.status == "retired" and not (channel.closing_notice or "").strip():
            yield KEMPT.at(entry.place("channels", number, "status"), f"{channel.id} is retired, and its readers were "
                           "not told.", "Say there where people find you now, and write that text under "
                           "closing_notice:.", channel=channel.id)._replace(gate="")
        checked = channel.profile_checked
        if checked is not None and checked > today:               # a day to come is no look
            checked = None
        why = _unseen(checked, ended.get(channel.id), today, days)
        if channel.status != "active" or why is None:
            continue
        found = KEMPT.at(entry.place("channels", number, "profile_checked"),
                         f"Look at the profile and the pinned post of {channel.id}: {why}.",
                         "See that name, picture, links and pinned post still hold, and write "
                         f"profile_checked: {today}.", channel=channel.id)
        is_running = _is_in_execution(facts) and any(said.is_out for said in facts.said.get(channel.id, ()))
        yield found._replace(gate="") if checked is not None or channel.id in ended or is_running else found


def _unseen(checked: date | None, ended: tuple[date, str] | None, today: date, days: int) -> str | None:
    """Why it is time to look. `ended`: when the last campaign on the channel did, and its id."""
    if ended is not None and (checked is None or checked < ended[0]):
        since = "nobody has" if checked is None else f"the last look was on {checked}"
        return f"{ended[1]} ended on {ended[0]}, and {since}{' since' if checked is None else ''}"
    if checked is None:
        return "nobody has written down a look at it"
    ago = (today - checked).days
    return f"the last look was on {checked}, {ago} days ago" if ago > days else None


def _ended(facts: Facts) -> dict[str, tuple[date, str]]:
    """For each channel the last campaign on it that ended more than seven days ago. A campaign that names no channels
    was where its posts are.
    """
    today = facts.today()
    over = [(campaign.end, entry, campaign) for entry, campaign in facts.campaigns()
            if campaign.end is not None and today - campaign.end > _AFTER_CAMPAIGN]
    used: dict[str, set[str]] = {}
    if any(campaign.channels is None for _, _, campaign in over):
        for post in facts.content.posts:
            if post.post.campaign is not None:
                used.setdefault(post.post.campaign, set()).update(channel.id for channel in post.channels)
    last: dict[str, tuple[date, str]] = {}
    for end, entry, campaign in over:
        names = campaign.channels if campaign.channels is not None else used.get(entry.folder, ())
        for channel in names:
            last[channel] = max(last.get(channel, (end, entry.id)), (end, entry.id))
    return last


def _is_in_execution(facts: Facts) -> bool:
    today = facts.today()
    return any(phase in ("execution", "maintenance") and first <= today
               for _, strategy in facts.strategies() for phase, (first, _) in strategy.phases.items())


def _day(at: datetime, facts: Facts) -> date:
    return at.astimezone(wall(facts.content.timezone)).date()


def _minute(at: datetime, facts: Facts) -> str:
    return f"{at.astimezone(wall(facts.content.timezone)):%Y-%m-%d %H:%M}"


REASONED = Rule(
    "NET001", Severity.error, "F", "An active channel has no audience, no goal, no evidence, no owner or no responder.",
    "Say whom the channel is for and what for, and who answers there.", all=_without_reason, gate="STRATEGY")
AFTER_GOALS = Rule(
    "NET002", Severity.warning, "G", "A channel was committed before the first social goal.",
    "Check which goal needs the channel.", all=_before_goals, wants=("history",), gate="STRATEGY")
ANSWERS = Rule(
    "NET003", Severity.error, "D", "The connection of a channel failed its last test; as a warning: it was tested more "
    "than 24 hours ago, and a post of a campaign is due on it in the next 24.",
    "Test it with 'drumbeat connect <network> --test'.",
    all=_no_answer, wants=("trials",))
KEMPT = Rule(
    "NET004", Severity.warning, "FT", "Nobody has looked at the profile of a channel for more than 90 days, or since a "
    "campaign on it ended more than 7 days ago; a channel is retired without a closing notice.",
    "Look at the profile and the pinned post, and write profile_checked:.", all=_unkempt, knobs={"profile_days": 90},
    gate="MAINTENANCE")
RULES: tuple[Rule, ...] = (REASONED, AFTER_GOALS, ANSWERS, KEMPT)
