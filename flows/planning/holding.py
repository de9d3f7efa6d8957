"""What a gate that is not green keeps back, as the profile of the rules says; and what a waiver lets through."""
from collections.abc import Container, Sequence

from flows.planning.rules.launches import Homes, Shut, open_lines, shut_gates
from flows.planning.rules.ruling import Facts, Rule, Terms, excuses, severity_of
from schemas.content import Content
from schemas.crisis import Incident
from schemas.gate import Gate, Light
from schemas.ledger import Slot
from schemas.plan import Item, Plan, Waiting
from schemas.problem import Severity
from schemas.rulebook import Waiver

_SEE = "'drumbeat gates' says what each needs"


def hold(plan: Plan, facts: Facts, terms: Terms, sent: Container[Slot]) -> Plan:
    """`plan` where whatever a shut gate keeps back waits, and what a waiver lets through says so.

    relaxed: nothing waits. guided: asks; campaigns, from their first day on, and before it where the gate will be red
    that day as things stand. strict: campaigns at any time, and everything until STRATEGY is green. A rule that
    `rules.yaml` makes less than an error keeps nothing back. What is `sent` stays.
    """
    profile = facts.content.rulebook().profile
    shut = [one for one in shut_gates(facts) if profile == "strict" or one.gate.campaign not in facts.launches]
    if profile != "strict":
        shut += [Shut(gate) for gate in facts.launches.values() if gate.state is Light.red]
    if not shut:
        return plan
    items, waiting = list[Item](), list(plan.waiting)
    homes, strict = Homes(facts), profile == "strict"
    for item in plan.items:
        keeping = [(one.gate, rule) for one in shut
                   if (rule := homes.keeps(one, item.post, strict=strict)) is not None and item.slot not in sent
                   and severity_of(rule, terms) is Severity.error]
        why, note = _judge(item, keeping, terms)
        if why is None:
            items.append(item._replace(note="; ".join(filter(None, (item.note, note)))) if note else item)
        else:
            waiting.append(Waiting(item.slot, item.post, item.channel, why, item.zone, item.at, item.found, item.turn,
                                   stopped=True))
    return plan._replace(items=tuple(items), waiting=tuple(waiting))


def _judge(item: Item, keeping: Sequence[tuple[Gate, Rule]], terms: Terms) -> tuple[str | None, str]:
    """Why the slot waits, None: it does not; and what is to be said of it then."""
    notes = []
    for gate, rule in keeping:
        problem = rule.at(item.post.post.place(), "", "", item.post.id, item.channel.id)
        waived = next((one for one in terms.waivers if excuses(one, problem, terms.homes)), None)
        if waived is None:
            return f"{gate.name} is not green: {open_lines(gate)}; {_SEE}", ""
        notes.append(f"{gate.name} is not green; a waiver lets it through{_signed(waived)}")
    return None, "; ".join(dict.fromkeys(notes))


def is_guarded(item: Item, content: Content) -> bool:
    """Whether some gate, an incident, or a rule that asks again when the hour has come may keep the slot back."""
    if has_incidents(content):
        return True                                               # it may open or be closed at any minute
    rulebook = content.rulebook()
    profile = rulebook.profile
    if profile == "relaxed" and "error" not in rulebook.severity.values():
        return False
    return profile == "strict" or item.post.intent == "ask" or item.post.post.campaign is not None


def has_incidents(content: Content) -> bool:
    """Whether there is any, even one that cannot be read: that holds everything."""
    return any(isinstance(entry.value, Incident) for entry in content.entries) or any(
        path.startswith("crisis/incidents/") for path in content.unreadable)


def _signed(waiver: Waiver) -> str:
    return f"{f' until {waiver.until}' if waiver.until else ''}{f', by {waiver.by}' if waiver.by else ''}" + (
        f": {waiver.reason}" if waiver.reason else "")
