"""CMP006 and GAT: what gates keep back, said once for whoever owns the gate. The posts themselves wait in the plan."""
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from flows.planning.rules.campaigns import parent
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over, joined
from schemas.content import Resolved
from schemas.gate import Gate, GateLine, Light
from schemas.ledger import Slot
from schemas.problem import Problem, Severity

FOR_ASKS = ("DISCOVERY", "STRATEGY", "SKILLS")
"""Gates that every ask waits for that no LAUNCH decides over; a campaign's LAUNCH asks for them too."""
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
    """`3 lines are open: crisis plan ready (there is none); offer tried out (…); 1 more`: those that make its colour.

    A line is named by what it asks for, so the last thing that was seen stands beside it: what is wrong.
    """
    shut = [line for line in gate.lines if line.shut and line.state is gate.state]
    named = "; ".join(map(_with_reason, shut[:_SHOWN]))
    more = f"; {len(shut) - _SHOWN} more" if len(shut) > _SHOWN else ""
    return f"{'1 line is' if len(shut) == 1 else f'{len(shut)} lines are'} open: {named}{more}"


def _with_reason(line: GateLine) -> str:
    return f"{line.what} ({line.why or line.evidence.split('; ')[-1]})"


class Shut(NamedTuple):
    """A gate that keeps posts back. `strategy`: the one that it is about; None: there are not several."""

    gate: Gate
    strategy: str | None = None


def shut_gates(facts: Facts) -> list[Shut]:
    """The gates that keep posts back today; a STRATEGY gate is there for each strategy, in their order."""
    ids = [value.strategy for _, value in facts.strategies()]
    whose = iter(ids if len(ids) > 1 else ())
    made = [Shut(gate, next(whose, None) if gate.gate == "STRATEGY" else None) for gate in facts.gates]
    return [one for one in made if is_shut(one.gate, facts)]


class Homes:
    """Where posts belong: which strategy they work for, and whether a LAUNCH gate decides over them."""

    def __init__(self, facts: Facts) -> None:
        self._launched = {gate.campaign for gate in facts.gates if gate.gate == "LAUNCH"}
        self._of_campaign = {entry.folder: strategy.strategy for entry, campaign in facts.campaigns()
                             if (strategy := parent(campaign, facts)) is not None}
        of_goal: dict[str, set[str]] = {}
        for _, value in facts.strategies():
            for goal in value.social_goals:
                of_goal.setdefault(goal.id, set()).add(value.strategy)
        self._of_goal = {goal: ids.pop() for goal, ids in of_goal.items() if len(ids) == 1}

    def keeps(self, shut: Shut, post: Resolved, *, strict: bool) -> "Rule | None":
        """The rule by which a shut gate keeps a post back; None: it does not.

        LAUNCH keeps its campaign. The gates before it keep asks that no LAUNCH decides over: those of no campaign, of
        one that is over, or of a folder that no file describes. Under strict STRATEGY keeps everything. A post that
        works for one of several strategies waits for that one only.
        """
        gate, campaign = shut.gate, post.post.campaign
        if gate.gate == "LAUNCH":
            return UNLAUNCHED if campaign is not None and gate.campaign == campaign else None
        home = self._of_campaign.get(campaign or "") or self._of_goal.get(post.goal or "")
        if shut.strategy is not None and home is not None and home != shut.strategy:
            return None
        if strict and gate.gate == "STRATEGY":
            return BEFORE_ALL
        alone = post.intent == "ask" and campaign not in self._launched
        return BEFORE_ASKS if alone and gate.gate in FOR_ASKS else None


def _unlaunched(facts: Facts) -> Iterator[Problem]:
    """A campaign whose first day has come, and its LAUNCH gate is shut."""
    gates = {gate.campaign: gate for gate in facts.gates if gate.gate == "LAUNCH"}
    for entry, campaign in facts.campaigns():
        gate = gates.get(entry.folder)
        if gate is None or campaign.start is None or facts.today() < campaign.start or not is_shut(gate, facts):
            continue
        yield UNLAUNCHED.at(entry.place("start"), f"The launch of {gate.campaign} is held: {open_lines(gate)}.",
                            "'drumbeat gates' says what each needs and whom to ask; its posts wait until then.")


def _gates_for_asks(facts: Facts) -> Iterator[Problem]:
    """Asks that no launch decides over, before the work that they need is done. Told at the first."""
    shut, homes = shut_gates(facts), Homes(facts)
    asks = (one for one in facts.plan.items if one.post.intent == "ask" and not is_over(one, facts))
    for item in sorted(asks, key=lambda one: one.key):
        keeping = [one.gate for one in shut if homes.keeps(one, item.post, strict=False) is BEFORE_ASKS]
        if keeping:
            names = joined(list(dict.fromkeys(gate.gate for gate in keeping)))
            yield BEFORE_ASKS.at(item.post.post.place("intent"), f"Asks wait for {names}: {open_lines(keeping[0])}.",
                                 "'drumbeat gates' lists all; make it a give meanwhile.")
            return


def _gates_for_all(facts: Facts) -> Iterator[Problem]:
    """Under the profile strict: anything at all, before the strategy stands."""
    if facts.content.rulebook().profile != "strict":
        return
    shut, homes = shut_gates(facts), Homes(facts)
    for item in facts.plan.items:
        gate = next((one.gate for one in shut if homes.keeps(one, item.post, strict=True) is BEFORE_ALL), None)
        if gate is not None:
            entry = next((entry for entry in facts.content.entries if entry.kind == "rules"), None)
            place = entry.place("profile") if entry is not None else item.post.post.place()
            yield BEFORE_ALL.at(place, f"Every post waits for STRATEGY: {open_lines(gate)}.",
                                "'drumbeat gates' lists all; 'profile: guided' lets gives go out meanwhile.")
            return


def _on_the_way(facts: Facts) -> Iterator[Problem]:
    """A campaign whose LAUNCH gate will turn red before its last day: what comes then would wait."""
    gates = {gate.campaign: gate for gate in facts.gates if gate.gate == "LAUNCH"} | dict(facts.launches)
    for entry, campaign in facts.campaigns():
        name = entry.folder
        if name not in facts.endings or name not in gates:
            continue
        red = {line.key: line for line in gates[name].lines if line.shut and line.state is Light.red}
        new = [line for line in facts.endings[name].lines
               if line.shut and line.state is Light.red and line.key not in red]
        if new:
            what = "; ".join(map(_with_reason, new))
            yield UNLAUNCHED.at(entry.place("end"), f"By {campaign.end}, the last day of {name}, LAUNCH will be red "
                                f"again as things stand: {what}.", new[0].remedy or "See to it before; 'drumbeat gates "
                                f"--now {campaign.end}' shows it.", severity=Severity.warning)


def _held_up(facts: Facts) -> Iterator[Problem]:
    yield from _unlaunched(facts)
    yield from _on_the_way(facts)


UNLAUNCHED = Rule(
    "CMP006", Severity.error, "DT", "The first day of a campaign has come, and its LAUNCH gate is not green: its posts "
    "wait; as a warning: the gate will turn red before the last day, as things stand.",
    "Do what 'drumbeat gates' lists, or have the sponsor sign a waiver for CMP006.", all=_held_up, wants=("gates",),
    acts=True, due=True)
BEFORE_ALL = Rule(
    "GAT001", Severity.error, "FGDT", "The profile is strict, and the STRATEGY gate is not green: every post waits.",
    "Do what 'drumbeat gates' lists, or choose the profile guided.", all=_gates_for_all, wants=("gates",), acts=True,
    due=True)
BEFORE_ASKS = Rule(
    "GAT002", Severity.error, "FGDT", "A post outside of a campaign asks for something, and one of DISCOVERY, STRATEGY "
    "and SKILLS is not green: it waits.", "Do what 'drumbeat gates' lists, or make it a give.", all=_gates_for_asks,
    wants=("gates",), acts=True, due=True)
RULES: tuple[Rule, ...] = (UNLAUNCHED, BEFORE_ALL, BEFORE_ASKS)
