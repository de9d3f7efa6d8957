"""EXECUTION: a campaign is closed when its results, its thanks and its promises are there for everyone to see."""
from bisect import bisect_left
from datetime import date, timedelta

from flows.planning.launching import Push, channels_of
from flows.planning.rules.campaigns import day_of, length, reviews_of
from flows.planning.rules.upkeep import SILENT_END
from flows.planning.witnessing import Ground, by_day, counted, listed, midnight, number
from schemas.channel import Channel
from schemas.gate import Gate, GateLine
from schemas.idea import Idea
from schemas.strategy import Discovery


def close(ground: Ground, push: Push) -> Gate:
    """The gate that a campaign ends through: one line until its last day is over."""
    end = push.value.end
    if end is None or end >= ground.today:
        seen = f"it runs until {end}" if end is not None else "it has no last day"
        line = ground.line("EXECUTION-end", "campaign over", seen, also=("CMP004",), holds=end is not None, doubt=True,
                           owner=push.owner(ground) if end is None else None,
                           remedy="Nothing to do yet; what closes it is listed after its last day." if end is not None
                           else "Write end in campaign.yaml.")
        return Gate("EXECUTION", (line,), push.folder)
    channels = channels_of(ground, push.value)
    over = ground.line("EXECUTION-end", "campaign over", f"ended on {end}")
    return Gate("EXECUTION", (
        over, _review(ground, push), _results(ground, push), _thanks(ground, push), _promises(ground, push),
        _next(ground, push, channels, end), _profiles(ground, push, channels, end), _leads(ground, push, channels),
        _learnings(ground, push, end)), push.folder)


def _keeper(ground: Ground, push: Push) -> str | None:
    """Who looks after it now that it is over."""
    upkeep = push.value.maintenance
    return (upkeep.owner if upkeep is not None else None) or push.owner(ground)


def _review(ground: Ground, push: Push) -> GateLine:
    final = [review for _, review in reviews_of(ground.facts, push.folder) if review.kind == "final"]
    last = final[-1] if final else None
    seen = f"{last.date}" + (f", by {last.by}" if last.by else "") if last is not None else "there is none"
    return ground.line("EXECUTION-review", "final review written", seen, also=("CMP016",), holds=last is not None,
                       owner=push.owner(ground),
                       remedy=f"Write campaigns/{push.folder}/reviews/{ground.today}-final.md with kind: final.")


def _results(ground: Ground, push: Push) -> GateLine:
    goals = {goal.id: goal for goal in push.strategy.social_goals} if push.strategy is not None else {}
    wanted = {one.goal: goals.get(one.goal) for one in push.value.goals}
    parts, missing = [], []
    for id, goal in wanted.items():
        if goal is None or goal.result is None:
            missing.append(id)
        else:
            target = f" of {number(goal.target)}" if goal.target is not None else ""
            parts.append(f"{id}: {number(goal.result)}{target}")
    parts += [f"no result yet: {listed(missing)}"] if missing else []
    first = goals.get(missing[0]) if missing else None
    return ground.line("EXECUTION-results", "results recorded", "; ".join(parts) or "it has no goal", also=("GOL009",),
                       holds=bool(wanted) and not missing,
                       owner=(first.owner if first is not None else None) or push.owner(ground),
                       remedy="Write what was reached as result of the goal, in the strategy.")


def _thanks(ground: Ground, push: Push) -> GateLine:
    name = push.value.maintenance.thanks if push.value.maintenance is not None else None
    wanted = {name, f"{push.folder}/{name}"} if name is not None else set()
    known = [post for post in ground.thanks if post.rsplit("/", 1)[-1] == name or post in wanted]
    mine = [post for post in known if post in wanted] or known
    out = [one for post in mine for one in ground.thanks[post]]
    if out:
        first = day_of(min(at for _, at in out), ground.facts)
        seen = f"{name} went out on {listed(dict.fromkeys(channel for channel, _ in out))}, {first}"
    else:
        seen = f"{name} is not out" if name is not None else "no post that thanks people is named"
    return ground.line("EXECUTION-thanks", "people thanked", seen, also=("CMP016",), holds=bool(out),
                       owner=_keeper(ground, push),
                       remedy="Publish a post that thanks people, and name it under maintenance: thanks.")


def _promises(ground: Ground, push: Push) -> GateLine:
    promises = push.value.commitments
    late = [one for one in promises if not (one.done is not None and one.done <= ground.today)
            and (one.due is None or one.due < ground.today)]
    done = sum(1 for one in promises if one.done is not None and one.done <= ground.today)
    if late:
        due = f" ({late[0].due})" if late[0].due else ""
        seen = f"{counted(len(late), 'promise')} past due: {late[0].text}{due}"
    else:
        seen = f"{done} of {counted(len(promises), 'promise')} kept, none late" if promises else "nothing was promised"
    return ground.line("EXECUTION-promises", "promises kept", seen, also=("MNT004",), holds=not late,
                       owner=(late[0].owner if late else None) or _keeper(ground, push),
                       remedy="Do it and write the day as done, or agree on another due.")


def _next(ground: Ground, push: Push, channels: list[Channel], end: date) -> GateLine:
    last = length(ground.facts, SILENT_END, "after_first").after(end)
    first = {channel.id: _first_after(ground, channel.id, end, last) for channel in channels}
    silent = [id for id, day in first.items() if day is None]
    parts = by_day(first)
    parts += [f"nothing on {listed(silent)} until {last}"] if silent else []
    return ground.line("MNT002", "posts go on after it", "; ".join(parts) or "it names no channel", codes=("MNT002",),
                       holds=bool(first) and not silent, exact=True, owner=_keeper(ground, push),
                       remedy=f"Plan a post for {listed(silent)}, in posts/ or evergreen/; say what comes next.")


def _first_after(ground: Ground, channel: str, end: date, last: date) -> date | None:
    """The day of the first post on a channel in the days after the end."""
    said = ground.facts.said.get(channel, ())
    number = bisect_left(said, midnight(end + timedelta(days=1), ground.facts), key=lambda one: one.at)
    day = day_of(said[number].at, ground.facts) if number < len(said) else None
    return day if day is not None and day <= last else None


def _profiles(ground: Ground, push: Push, channels: list[Channel], end: date) -> GateLine:
    old = [one for one in channels if one.profile_checked is None or not end <= one.profile_checked <= ground.today]
    parts = [f"not looked at since the end: {listed(one.id for one in old)}"] if old else []
    parts += [f"looked at: {listed(one.id for one in channels if one not in old)}"] if len(old) < len(channels) else []
    return ground.line("EXECUTION-profiles", "profiles checked", "; ".join(parts) or "it names no channel",
                       also=("NET004",), holds=bool(channels) and not old,
                       owner=next((one.owner for one in old if one.owner), None) or _keeper(ground, push),
                       remedy="Take the campaign out of profile and pinned post, and write the day as profile_checked.")


def _leads(ground: Ground, push: Push, channels: list[Channel]) -> GateLine:
    inbox = ground.facts.world.inbox
    ids, start = {channel.id for channel in channels}, push.value.start or date.min
    leads = [one for one in inbox or () if one.kind == "lead" and one.channel in ids
             and day_of(one.at, ground.facts) >= start]
    waiting = [one for one in leads if one.consent_at is not None and one.handed_over_at is None]
    if inbox is None:
        seen = ground.why("inbox")
    elif waiting:
        seen = f"{len(waiting)} of {counted(len(leads), 'lead')} agreed and wait: {listed(one.id for one in waiting)}"
    else:
        seen = f"{counted(len(leads), 'lead')}, none waits"
    playbook = ground.facts.content.entry("playbook")
    owner = playbook.routes.get("lead") if playbook is not None else None
    return ground.line("EXECUTION-leads", "leads handed over", seen, also=("ENG007",), holds=not waiting,
                       doubt=inbox is None, owner=owner or _keeper(ground, push),
                       remedy="Hand them over to the CRM, as they agreed." if waiting else
                              "Look through the inboxes by hand, and have the line waived in rules.yaml.")


def _learnings(ground: Ground, push: Push, end: date) -> GateLine:
    start = push.value.start or end
    ideas = sorted(entry.id for entry in ground.facts.content.entries if isinstance(entry.value, Idea)
                   and entry.value.filed is not None and start <= entry.value.filed <= ground.today)
    found = ground.facts.content.entry("discovery")
    again = isinstance(found, Discovery) and found.checked is not None and end <= found.checked <= ground.today
    parts = [f"{counted(len(ideas), 'idea')} filed since the start: {listed(ideas)}"] if ideas else []
    parts += ["findings looked at again"] if again else []
    seen = "; ".join(parts) or "no idea filed, and no finding added"
    return ground.line("EXECUTION-learnings", "learnings kept", seen, holds=bool(ideas) or again,
                       owner=push.owner(ground),
                       remedy="Write what it taught as ideas in ideas/, or as findings in discovery.yaml.")
