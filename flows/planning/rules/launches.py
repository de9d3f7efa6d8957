"""CMP006 and GAT: what gates keep back, said once for whoever owns the gate. The posts themselves wait in the plan."""
from collections.abc import Iterable, Iterator

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import joined
from schemas.gate import Gate, Light
from schemas.ledger import Slot
from schemas.problem import Problem, Severity

FOR_ASKS = ("DISCOVERY", "STRATEGY", "SKILLS")
"""Gates that every ask outside of a campaign waits for; a campaign's LAUNCH holds them too."""
_SHOWN = 3


def is_shut(gate: Gate, facts: Facts) -> bool:
    """Whether a gate keeps posts back.

    What nobody can tell does so only where something real is at stake, and until a campaign has begun to go out: a
    connection test that is a day old does not stop it half-way.
    """
    if gate.state is not Light.amber:
        return gate.state is Light.red
    return facts.sent is not None and not facts.world.rehearsal and not _is_under_way(gate, facts.sent)


def _is_under_way(gate: Gate, sent: Iterable[Slot]) -> bool:
    return gate.campaign is not None and any(slot.post.split("/")[0] == gate.campaign for slot in sent)


def open_lines(gate: Gate) -> str:
    """`3 lines are open: crisis plan rehearsed; offer validated; landing pages found`, the red ones first."""
    shut = sorted((line for line in gate.lines if line.shut), key=lambda line: line.state is not Light.red)
    named = "; ".join(line.what for line in shut[:_SHOWN])
    more = f"; {len(shut) - _SHOWN} more" if len(shut) > _SHOWN else ""
    return f"{'1 line is' if len(shut) == 1 else f'{len(shut)} lines are'} open: {named}{more}"


def _unlaunched(facts: Facts) -> Iterator[Problem]:
    """A campaign whose first day has come, and its LAUNCH gate is shut."""
    gates = {gate.campaign: gate for gate in facts.gates if gate.gate == "LAUNCH"}
    for entry, campaign in facts.campaigns():
        gate = gates.get(entry.file.split("/")[-2])
        if gate is None or campaign.start is None or facts.today() < campaign.start or not is_shut(gate, facts):
            continue
        yield UNLAUNCHED.at(entry.place("start"), f"The launch of {gate.campaign} is held: {open_lines(gate)}.",
                            "'drumbeat gates' says what each needs and whom to ask; its posts wait until then.")


def _gates_for_asks(facts: Facts) -> Iterator[Problem]:
    """Asks outside of a campaign, before the work that they need is done."""
    asks = [one for one in facts.plan.items if one.post.intent == "ask" and one.post.post.campaign is None]
    shut = [gate for gate in facts.gates if gate.gate in FOR_ASKS and is_shut(gate, facts)]
    if not asks or not shut:
        return
    post = min(asks, key=lambda one: one.at).post.post
    names = joined([gate.gate for gate in shut])
    yield BEFORE_ASKS.at(post.place("intent"), f"Asks wait for {names}: {open_lines(shut[0])}.",
                         "'drumbeat gates' lists all; make it a give meanwhile.")


def _gates_for_all(facts: Facts) -> Iterator[Problem]:
    """Under the profile strict: anything at all, before the strategy stands."""
    if facts.content.rulebook().profile != "strict" or not facts.plan.items:
        return
    for gate in facts.gates:
        if gate.gate == "STRATEGY" and is_shut(gate, facts):
            entry = next((entry for entry in facts.content.entries if entry.kind == "rules"), None)
            place = entry.place("profile") if entry is not None else facts.plan.items[0].post.post.place()
            yield BEFORE_ALL.at(place, f"Every post waits for STRATEGY: {open_lines(gate)}.",
                                "'drumbeat gates' lists all; 'profile: guided' lets gives go out meanwhile.")
            return


UNLAUNCHED = Rule(
    "CMP006", Severity.error, "DT", "The first day of a campaign has come, and its LAUNCH gate is not green: its posts "
    "wait.", "Do what 'drumbeat gates' lists, or have the sponsor sign a waiver for CMP006.", all=_unlaunched,
    wants=("gates",), acts=True, due=True)
BEFORE_ALL = Rule(
    "GAT001", Severity.error, "FGDT", "The profile is strict, and the STRATEGY gate is not green: every post waits.",
    "Do what 'drumbeat gates' lists, or choose the profile guided.", all=_gates_for_all, wants=("gates",), acts=True,
    due=True)
BEFORE_ASKS = Rule(
    "GAT002", Severity.error, "FGDT", "A post outside of a campaign asks for something, and one of DISCOVERY, STRATEGY "
    "and SKILLS is not green: it waits.", "Do what 'drumbeat gates' lists, or make it a give.", all=_gates_for_asks,
    wants=("gates",), acts=True, due=True)
RULES: tuple[Rule, ...] = (UNLAUNCHED, BEFORE_ALL, BEFORE_ASKS)
