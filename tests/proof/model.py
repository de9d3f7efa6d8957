"""The publish protocol as a small world that is explored completely. Its thinking is production's own code.

A state is a ledger (real records, really folded), one network's account, evidence, what each worker has read and is
about to do, and as much of time as decides anything. Workers follow `flows.deliver` step by step: between any two
steps anybody else may act, and any worker may die, sleep, or never learn whether its record was stored. Deaths,
take-overs and lost answers are not counted: they may happen again and again. The exploration still ends, because
states are told apart by what can matter later (`_key`), not by how long their ledgers are.

Looks at the account are promised to be complete (or say that they are not). In a `timely` world, a call is over when
its `sending` record is as old as the protocol waits for; in the others a worker may sleep for any time between its
last check and its call, and a network may take any time (yet no longer than it remembers a key).

Left out: media, other slots on the same account, several accounts, threads that get shorter, a person who says `live`
of what is not there, and looks that are incomplete without saying so.
"""
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, NamedTuple

from flows.planning import deciding, folding
from flows.planning.deciding import (
    LEASE_S,
    LOOK_FOR_S,
    MOST_REPEATS,
    Do,
    OnUnknown,
    Step,
    Turn,
    wait_before_look_s,
)
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import (
    Entry,
    Evidence,
    Found,
    Kind,
    Lookup,
    PartReceipt,
    Pin,
    Record,
    Repeat,
    Slot,
    Standing,
    canonical,
)

SLOT = Slot("posts/hello", "account")
DUE = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
GRACE = timedelta(hours=5)
HOURS = (DUE + timedelta(minutes=5), DUE + timedelta(minutes=30), DUE + timedelta(hours=2), DUE + timedelta(hours=9))
"""Moments at which workers ask: a long wait is not over; every wait is; what was moved is due too; it is too late."""
TRIES = 2
"""So many attempts of one part may be answered with "later" or 401; the third is not."""
OVER = (Kind.published, Kind.failed, Kind.skipped)
LOOKUPS = {
    "K": Lookup(Repeat.keyed, key_lives_s=2_700.0),
    "D": Lookup(Repeat.refused),
    "R": Lookup(Repeat.plain),
    "Z": Lookup(Repeat.blind),
}


class Plan(NamedTuple):
    """What the plan in force wants of the slot. `text` None: nothing, its post is gone."""

    commit: int
    text: str | None
    due: datetime = DUE


FIRST = Plan(0, "a")
PLANS = {"edited": Plan(1, "b"), "gone": Plan(1, None), "moved": Plan(1, "a", DUE + timedelta(hours=1))}


class Rules(NamedTuple):
    """What workers think and keep to. A mutant changes one of them."""

    may_send: Callable[..., Turn] = deciding.may_send
    records_after: Callable[..., tuple[Step, ...]] = deciding.records_after
    by_evidence: Callable[..., Turn | None] = deciding.by_evidence
    after_look: Callable[..., Turn] = deciding.after_look
    advance: Callable[[Standing, Entry], Standing] = folding.advance
    waits: bool = True                  # for the quiet time, before looking
    looks: bool = True                  # really; else it takes every post for absent
    records_first: bool = True          # `sending` is stored before the call
    claims: bool = True                 # a take-over writes a claim; else it goes on with the other's `sending`
    keeps_pin: bool = True              # once a part is live or in doubt
    overwrites: bool = False            # the store lets the last writer of a key win
    late_window: bool = False           # the send window runs from the archive's answer, not from before `sending`
    withdraws_once: bool = True         # whoever holds a slot that nobody wants ends it; else it claims it again


class World(NamedTuple):
    """One configuration to explore."""

    network: str                        # a class of `LOOKUPS`
    on_unknown: OnUnknown = "hold"
    workers: int = 2
    parts: int = 1
    timely: bool = True
    person: str = "right"               # "none", "right", or "wrong": says "absent" of what is there, or yet to come
    plans: tuple[str, ...] = ()         # what may become of the plan, once
    hours: tuple[int, int] = (1, 1)     # where the clock begins, and how far it may go, as indices of HOURS
    deaths: bool = True
    reduced: bool = True                # who can do nothing but be fenced is so at once; see `_reduced`
    rules: Rules = Rules()

    def __str__(self) -> str:
        more = [f"{self.workers} worker{'s' * (self.workers > 1)}", f"{self.parts} part{'s' * (self.parts > 1)}"]
        more += [] if self.timely else ["sleepers"]
        more += [f"person {self.person}"] if self.person != "right" else []
        more += [*self.plans, *(["late"] if self.hours[1] == len(HOURS) - 1 else [])]
        more += [] if self.deaths else ["no deaths"]
        more += [] if self.reduced else ["not reduced"]
        said = self.network == "R" or self.on_unknown == "retry"
        return ", ".join([f"{self.network}({self.on_unknown})" if said else self.network, *more])


class Node:
    """A ledger: its last record, and the ledger before it. `standing` is the fold of all."""

    __slots__ = ("base", "children", "kind", "seen", "standing", "terms")

    def __init__(self, base: "Node | None", standing: Standing) -> None:
        self.base, self.standing, self.kind = base, standing, standing.kind
        self.children: dict[Any, Node] = {}
        self.seen = _seen(standing)
        self.terms: str | None = base.terms if base else None       # when it is due, as the last claim says
        if self.kind is Kind.claim and standing.last:
            self.terms = standing.last.record.detail["due"]


class Call(NamedTuple):
    """A create call, named by the `sending` record it belongs to."""

    part: int
    text: str
    epoch: int
    attempt: int


class Worker(NamedTuple):
    """A process, and where it is in `deliver`. `view`: the ledger as it knows it."""

    name: str
    at: str = "idle"                    # idle, thinking, looking, storing, calling, telling (evidence)
    view: Node | None = None
    plan: Plan = FIRST                  # as it was when the delivery began
    out: str = ""                       # what would go out, a letter for each part
    draft: Node | None = None           # the ledger with the record that it is storing
    stored: bool = False                # it is, but the worker may not know yet
    rest: tuple[Step, ...] = ()         # records to write after that one
    call: Call | None = None
    answer: PartReceipt | PublishError | None = None
    window_over: bool = False           # its send window has passed: it will not call any more
    renewed: bool = False               # the credential was read anew


class State(NamedTuple):
    """Everything there is."""

    ledger: Node
    workers: tuple[Worker, ...]
    live: tuple[tuple[str, ...], ...]           # by part: ids, each `<part><text><number>`
    pending: tuple[Call, ...] = ()              # calls that arrive later
    adrift: tuple[Node, ...] = ()               # records that nobody waits for any more, and that may yet be stored
    evidence: frozenset[tuple[int, str | None, int, int]] = frozenset()     # part, id, epoch, attempt
    quiet: bool = False                         # the `sending` in doubt is as old as the protocol waits for
    key_dead: bool = False                      # the network has forgotten our keys
    plan: Plan = FIRST
    hour: int = 0
    misjudged: bool = False                     # a person called absent what was there, or yet to come


class Edge(NamedTuple):
    """A step in readable words, and where it leads. `state` None: the step itself breaks the promise `broken`."""

    words: str
    state: State | None
    usual: bool = True                          # no: it happens only if the world is unkind, or a person acts
    broken: str = ""


class Explored(NamedTuple):
    """What an exploration came to. `violations`: by promise, the shortest way to break it, a line a step."""

    world: World
    states: int
    edges: int
    seconds: float
    violations: Mapping[str, tuple[str, ...]]
    ends: Mapping[str, int]                     # states that need nothing more, by the last record's kind
    kinds: frozenset[Kind]                      # of all records ever stored
    ways: frozenset[str]                        # how parts became known to be live
    unheeded: int                               # held states that only a person can end, though the answer was kept

    def __str__(self) -> str:
        ends = ", ".join(f"{kind} {count}" for kind, count in sorted(self.ends.items()))
        return f"{self.world}: {self.states} states, {self.edges} edges, {self.seconds:.1f} s; ends: {ends}"

    def told(self) -> str:
        """The numbers, and every violation with its trace."""
        lines = [str(self)]
        for promise, trace in self.violations.items():
            lines += [f"  broken: {promise}", *(f"    {number}. {words}" for number, words in enumerate(trace, 1))]
        return "\n".join(lines)


# --- exploring --------------------------------------------------------------------------------------------------------


class _Explorer:
    """The graph of all states, the nearest first, each with the step that led to it."""

    def __init__(self, world: World) -> None:
        self.model = Model(world)
        self.order = [self.model.first()]
        self.keys = {_key(self.order[0]): 0}
        self.came: list[tuple[int, str]] = [(-1, "")]
        self.usually_from: list[list[int]] = [[]]
        self.broken: dict[str, tuple[str, ...]] = {}
        self.dead: set[int] = set()             # where something is broken: not gone on from
        self.edges = 0

    def run(self, most: int, until_broken: str | None) -> None:
        waiting = deque([0])
        while waiting and until_broken not in self.broken:
            at = waiting.popleft()
            for edge in self.model.steps(self.order[at]):
                self.edges += 1
                if edge.state is None:
                    self.broken.setdefault(edge.broken, (*self.trace(at), edge.words))
                    self.dead.add(at)
                    continue
                key = _key(edge.state)
                number = self.keys.get(key)
                if number is None:
                    number = self._found(key, edge, at)
                    if number > most:
                        raise RuntimeError(f"{self.model.world}: more than {most} states")
                    if number not in self.dead:
                        waiting.append(number)
                if edge.usual:
                    self.usually_from[number].append(at)

    def _found(self, key: Any, edge: Edge, at: int) -> int:
        assert edge.state is not None
        number = self.keys[key] = len(self.order)
        self.order.append(edge.state)
        self.came.append((at, edge.words))
        self.usually_from.append([])
        if (what := wrong_with(edge.state)) is not None:
            self.broken.setdefault(what, self.trace(number))
            self.dead.add(number)
        return number

    def trace(self, number: int) -> tuple[str, ...]:
        words = []
        while number > 0:
            number, word = self.came[number]
            words.append(word)
        return tuple(reversed(words))

    def leading_to(self, goals: Iterable[int]) -> set[int]:
        """The states from which usual steps alone can lead to one of `goals`."""
        reached = set(goals)
        waiting = deque(reached)
        while waiting:
            for number in self.usually_from[waiting.popleft()]:
                if number not in reached:
                    reached.add(number)
                    waiting.append(number)
        return reached


def explore(world: World, *, most: int = 5_000_000, until_broken: str | None = None) -> Explored:
    """Visits every state that `world` can reach. `until_broken`: no further than to a violation of this promise.

    Raises RuntimeError beyond `most` states.
    """
    began, graph = time.monotonic(), _Explorer(world)
    graph.run(most, until_broken)
    ends: dict[str, int] = {}
    goals, published, kept = [], [], []
    for number, state in enumerate(graph.order):
        if (end := _end(state)) is None or number in graph.dead:
            continue
        goals.append(number)
        ends[end] = ends.get(end, 0) + 1
        if state.ledger.kind is Kind.published:
            published.append(number)
        elif state.ledger.kind is Kind.held and any(
                part == len(state.ledger.standing.parts) and one for part, one, *_ in state.evidence):
            kept.append(number)
    unheeded = 0
    if until_broken is None:
        fine = graph.leading_to((*goals, *graph.dead))
        lost = next((number for number in range(len(graph.order)) if number not in fine), None)
        if lost is not None:
            graph.broken["never lost"] = (*graph.trace(lost), "... and no usual step leads to an end any more")
        heeded = graph.leading_to((*published, *graph.dead))
        unheeded = sum(number not in heeded for number in kept)
    lasts = [state.ledger.standing.last.record for state in graph.order if state.ledger.standing.last]
    return Explored(world, len(graph.order), graph.edges, time.monotonic() - began, graph.broken, ends,
                    frozenset(record.kind for record in lasts),
                    frozenset(record.detail["how"] for record in lasts if "how" in record.detail), unheeded)


def reachable(world: World) -> list[State]:
    """One state of each kind that `world` can reach."""
    graph = _Explorer(world)
    graph.run(5_000_000, None)
    return graph.order


def _end(state: State) -> str | None:
    """The last record's kind when the slot needs nothing more, or a person."""
    if state.ledger.kind is None:
        return "nothing" if state.plan.text is None else None
    return str(state.ledger.kind) if state.ledger.kind in (*OVER, Kind.held) else None


def wrong_with(state: State) -> str | None:
    """The promise that this state breaks, or None."""
    standing, live = state.ledger.standing, state.live
    if any(len(ids) > 1 for ids in live):
        return "never twice"
    if any(part.id not in ids for part, ids in zip(standing.parts, live, strict=False)):
        return "no false receipt: an id that is not live"
    if standing.kind is Kind.published and len(standing.parts) != len(live):
        return "no false receipt: published with a part missing"
    if standing.kind in (Kind.failed, Kind.skipped):
        if any(live[len(standing.parts):]):
            return "no false receipt: failed or skipped, and it is live"
        if any(call.part >= len(standing.parts) for call in state.pending):
            return "no false receipt: failed or skipped, and it will be live"
    return None


# --- what is the same -------------------------------------------------------------------------------------------------


def _seen(standing: Standing) -> Any:
    """What production's thinking can read of a standing in this world. Numbers of records and claims make no
    difference, nor does a wait that is over whenever a worker asks, nor attempts beyond TRIES, nor repeats beyond
    MOST_REPEATS."""
    waits = standing.retry_at is not None and standing.retry_at > HOURS[0]
    attempts = min(standing.attempts.get(len(standing.parts), 0), TRIES + 1)
    return (standing.kind, tuple(one.id for one in standing.parts), standing.doubt is None, attempts,
            min(standing.repeats, MOST_REPEATS), waits,
            standing.pin and (standing.pin.payload, standing.pin.commit))


def _matters(state: State, call: Call | None) -> bool:
    """Whether it is the very call that is in doubt: its sender's word then counts."""
    doubt = state.ledger.standing.doubt
    return bool(doubt and call and (doubt.part, doubt.epoch, doubt.attempt) == (call.part, call.epoch, call.attempt))


def _key(state: State) -> Any:
    """What can matter later. Workers are alike, so their order is none; a name matters by whose claims bear it."""
    ledger = state.ledger
    claimers = (ledger.standing.worker, *(node.standing.worker for node in state.adrift))

    def worker_key(worker: Worker) -> Any:
        name, view, draft, answer, call = worker.name, worker.view, worker.draft, worker.answer, worker.call
        late = call and view is not ledger and (worker.at != "storing" or worker.stored)
        return (worker.at, tuple([name == one for one in claimers]), worker.plan, worker.out,
                view and (view is ledger, None if late or view is ledger else view.seen, view.standing.worker == name),
                draft and (draft is ledger, draft.base is ledger, worker.stored, draft.kind if late else draft.seen,
                           draft.terms, draft.standing.worker == name),
                worker.rest and str(worker.rest), call and (call.part, call.text, min(call.attempt, TRIES + 1)),
                _matters(state, call), answer.id if isinstance(answer, PartReceipt) else type(answer),
                worker.window_over, worker.renewed)

    return outside(state), tuple(sorted(map(worker_key, state.workers), key=hash))


def outside(state: State) -> Any:
    """What can matter later of all that is not in a worker's head. Of the calls that evidence speaks of, only whether
    it is the one in doubt."""
    doubt, ledger = state.ledger.standing.doubt, state.ledger
    evidence = frozenset((part, receipt, doubt is not None and (doubt.epoch, doubt.attempt) == (epoch, attempt))
                         for part, receipt, epoch, attempt in state.evidence)
    return (ledger.seen, ledger.terms, state.live, tuple((call.part, call.text) for call in state.pending),
            tuple(node.seen for node in state.adrift), evidence, state.quiet, state.key_dead, state.plan, state.hour,
            state.misjudged)


# --- the steps --------------------------------------------------------------------------------------------------------


class Model:
    """All steps of one world."""

    def __init__(self, world: World) -> None:
        self.world, self.rules, self.lookup = world, world.rules, LOOKUPS[world.network]

    def first(self) -> State:
        workers = tuple(Worker(f"w{number + 1}") for number in range(self.world.workers))
        return State(Node(None, Standing(SLOT)), workers, ((),) * self.world.parts, hour=self.world.hours[0])

    def steps(self, state: State) -> Iterator[Edge]:
        for number, worker in enumerate(state.workers):
            try:
                yield from self._work(state, number, worker)
            except folding.Contradiction as error:
                yield Edge(f"{worker.name} wants to record what no reader accepts: {error.why}", None,
                           broken="the ledger makes sense")
            if self.world.deaths and worker.at != "idle":
                yield from self._deaths(state, number, worker)
        yield from self._surroundings(state)
        yield from self._person(state)

    # --- a worker, as in flows.deliver ---

    def _work(self, state: State, number: int, worker: Worker) -> Iterator[Edge]:
        match worker.at:
            case "idle":
                steps = self._begin(state, worker)
            case "thinking":
                steps = self._think(state, worker)
            case "looking":
                steps = self._look(state, worker)
            case "storing":
                steps = self._store(state, worker)
            case "calling":
                steps = self._call(state, worker)
            case _:
                steps = self._tell(state, worker)
        for words, after, changed, usual in steps:
            gap = "" if words.startswith("'") else " "
            yield Edge(f"{worker.name}{gap}{words}", self._reduced(_with(changed, number, after)), usual)

    def _reduced(self, state: State) -> State:
        """Sends home who has read an older ledger and has no call of its own to make: its next record is fenced, and
        nothing it does before that is seen by anybody."""
        if not self.world.reduced:
            return state
        return state._replace(workers=tuple(self._sent_home(state, worker) for worker in state.workers))

    def _sent_home(self, state: State, worker: Worker) -> Worker:
        if worker.at == "storing":
            assert worker.draft is not None
            if worker.stored:
                late = worker.draft is not state.ledger and worker.draft.kind is not Kind.sending
                return _idle(worker) if late else worker
            return worker if worker.draft.base is state.ledger else self._fenced(worker)
        if worker.at not in ("thinking", "looking"):
            return worker
        fresh = worker.view is state.ledger
        if fresh and worker.at == "thinking" and not worker.renewed and not self.world.plans:
            return _idle(worker)                    # the ledger that it would read now is the one that it knows
        return worker if fresh else _idle(worker)

    def _begin(self, state: State, worker: Worker) -> "Steps":
        """A delivery begins: the plan and the ledger are read."""
        if state.ledger.kind is None and state.plan.text is None:
            return
        fresh = Worker(worker.name, "thinking", state.ledger, state.plan)
        fresh = fresh._replace(out=self._promised(fresh))
        if state.ledger.kind in OVER:
            if self._is_asked_for_anew(fresh):
                yield self._storing(state, fresh, Step(Kind.reopened, {}), "reads the ledger")
            return
        for words, after, changed, usual in self._think(state, fresh):
            if after.at != "idle":
                yield f"reads the ledger, {words}", after, changed, usual

    def _promised(self, worker: Worker) -> str:
        standing = _standing(worker)
        pinned, live = standing.pin.payload if standing.pin else "", len(standing.parts)
        begun = bool(live or standing.doubt) and standing.kind not in (Kind.reopened, *OVER)
        if worker.plan.text is None or (begun and self.rules.keeps_pin):
            return pinned
        asked = worker.plan.text * self.world.parts
        return pinned[:live] + asked[live:] if live and standing.kind is Kind.reopened else asked

    def _is_asked_for_anew(self, worker: Worker) -> bool:
        standing = _standing(worker)
        live, pin = len(standing.parts), standing.pin
        if standing.kind is Kind.published or worker.plan.text is None or pin is None or worker.view is None:
            return False
        asked, same_terms = worker.plan.text * self.world.parts, worker.view.terms == str(worker.plan.due)
        if same_terms and asked == pin.payload:
            return False
        if live and (len(asked) <= live or (same_terms and asked[live:] == pin.payload[live:])):
            return False
        return worker.plan.commit >= int(pin.commit)

    def _think(self, state: State, worker: Worker) -> "Steps":
        standing = _standing(worker)
        ages = (0.0, LEASE_S) if standing.worker == worker.name else (LEASE_S,)     # another's young lease: it waits
        told = set()
        for age in ages:
            turn = self._turn(state, worker, age)
            for words, after, changed, usual in self._obey(state, worker, turn):
                if words not in told:
                    told.add(words)
                    yield words, after, changed, usual

    def _turn(self, state: State, worker: Worker, claim_age_s: float) -> Turn:
        standing, plan, now = _standing(worker), worker.plan, HOURS[state.hour]
        begun = bool(standing.parts or standing.doubt)
        turn = self.rules.may_send(
            standing, total=len(worker.out), now=now, due=plan.due, grace=GRACE, mine=standing.worker == worker.name,
            claim_age_s=None if standing.claim_seq is None else claim_age_s,
            doubt_age_s=self._doubt_age_s(state, worker) if standing.doubt else None, lookup=self.lookup,
            withdrawn=plan.text is None)
        if begun or turn.do in (Do.nothing, Do.leave):
            return turn
        if plan.text is None:
            claims_again = not self.rules.withdraws_once and now > plan.due + GRACE
            return turn._replace(claim_first=True) if claims_again else turn
        if turn.do is Do.go_on and not (standing.pin and standing.pin.payload == worker.out):
            return Turn(Do.claim)
        return turn

    def _doubt_age_s(self, state: State, worker: Worker) -> float:
        doubt, current = _standing(worker).doubt, state.ledger.standing.doubt
        assert doubt is not None
        of_now = current is not None and current.seq == doubt.seq
        old = state.quiet or not of_now or not self.rules.waits
        return wait_before_look_s(doubt, self.lookup) + 1.0 if old else 0.0

    def _obey(self, state: State, worker: Worker, turn: Turn) -> "Steps":
        standing = _standing(worker)
        match turn.do:
            case Do.nothing if standing.kind is Kind.held:
                told = self.rules.by_evidence(standing, _evidence(state.evidence), total=len(worker.out))
                if told is not None:
                    yield self._storing(state, worker, told.step, "reads the evidence")
                else:
                    yield "waits for a person", _idle(worker), state, True
            case Do.reconcile:
                yield from self._settle(state, worker, turn)
            case Do.claim:
                yield from self._claim(state, worker)
            case Do.go_on:
                yield from self._send(state, worker, {})
            case Do.missed | Do.record:
                if turn.claim_first:
                    yield from self._claim(state, worker, ending=True)
                else:
                    yield self._storing(state, worker, turn.step, "ends it")
            case _:
                yield "waits", _idle(worker), state, True

    def _claim(self, state: State, worker: Worker, *, ending: bool = False) -> "Steps":
        standing = _standing(worker)
        going_on = bool(standing.parts or standing.doubt) and standing.kind is not Kind.reopened
        if not ending and not going_on and worker.plan != state.plan:
            yield "sees that the plan changed", _idle(worker), state, True
            return
        pin = standing.pin
        if pin is None or not ((going_on and self.rules.keeps_pin) or worker.plan.text is None):
            pin = Pin(commit=str(worker.plan.commit), blob="", payload=worker.out, account="@us")
        due = str(worker.plan.due) if worker.plan.text is not None or worker.view is None else worker.view.terms
        yield self._storing(state, worker, Step(Kind.claim, {"due": due}), "takes the slot", pin=pin)

    def _settle(self, state: State, worker: Worker, turn: Turn) -> "Steps":
        standing = _standing(worker)
        settled = self.rules.by_evidence(standing, _evidence(state.evidence), total=len(worker.out))
        if settled is None and turn.until is not None:
            yield "waits until the call is over", _idle(worker), state, True
        elif turn.claim_first and (self.rules.claims or standing.kind is not Kind.sending):
            yield from self._claim(state, worker)
        elif settled is None:
            yield "is about to look", worker._replace(at="looking"), state, True
        elif settled.do is Do.go_on:
            yield from self._send(state, worker, settled.step.detail, "reads in the evidence that it did nothing")
        else:
            yield self._storing(state, worker, settled.step, "reads the evidence")

    def _look(self, state: State, worker: Worker) -> "Steps":
        standing = _standing(worker)
        doubt = standing.doubt
        assert doubt is not None
        text, own = worker.out[doubt.part], [one.id for one in standing.parts]
        there = [one for one in state.live[doubt.part] if one[1] == text and one not in own]
        whole = Found(tuple(PartReceipt(id=one) for one in there) if self.rules.looks else (), complete=True)
        old = self._doubt_age_s(state, worker)
        keys = (0.0, self.lookup.key_lives_s) if self.lookup.key_lives_s and not state.key_dead else (
            self.lookup.key_lives_s,)
        choices = [(f"looks and sees {', '.join(there) if whole.matches else 'nothing'}"
                    f"{' (its key lives)' if first_age < self.lookup.key_lives_s else ''}",
                    whole, old, first_age, True) for first_age in keys]
        choices.append(("looks in vain, again and again for a day", None, LOOK_FOR_S, LOOK_FOR_S, False))
        choices.append(("looks and sees half of it", Found((), complete=False), old, keys[0], False))
        for words, found, age, first_age, usual in choices:
            turn = self.rules.after_look(
                standing, found, (), total=len(worker.out), lookup=self.lookup, on_unknown=self.world.on_unknown,
                doubt_age_s=age, first_age_s=first_age, now=HOURS[state.hour])
            if turn.do is Do.wait:
                yield f"{words}: later again", _idle(worker), state, usual
            elif turn.do is Do.go_on:
                for more, after, changed, _ in self._send(state, worker, turn.step.detail):
                    yield f"{words}, {more}", after, changed, usual
            else:
                yield (*self._storing(state, worker, turn.step, words)[:3], usual)

    def _send(self, state: State, worker: Worker, looked: dict[str, Any], why: str = "") -> "Steps":
        standing, rules = _standing(worker), self.rules
        part = len(standing.parts)
        begun = bool(standing.parts or standing.doubt)
        if not begun and worker.plan != state.plan:
            yield self._storing(state, worker, Step(Kind.released, {"reason": "the plan changed"}), "sees a new plan")
            return
        attempt = standing.attempts.get(part, 0) + 1
        call = Call(part, worker.out[part], standing.epoch, attempt)
        if not rules.records_first or (not rules.claims and standing.kind is Kind.sending):
            yield "goes to call at once", worker._replace(at="calling", call=call), state, True
            return
        words, after, _, _ = self._storing(state, worker, Step(Kind.sending, looked), why or "goes on")
        yield words, after._replace(call=call, answer=None, window_over=False), state, True

    def _call(self, state: State, worker: Worker) -> "Steps":
        call = worker.call
        assert call is not None
        if worker.window_over:
            yield self._answered(state, worker, Unavailable("our own window passed"), "finds its send window over")
            return
        arrived, receipt = self._arrive(state, call)
        if receipt is None:
            yield self._answered(state, worker, Unconfirmed("it names no post"), "calls: refused as a repeat")
        else:
            words, after, changed, _ = self._answered(arrived, worker, receipt, f"calls: {receipt.id} is live")
            yield words, after, changed, True
        lost = Unconfirmed("no answer")
        if receipt is not None:
            words = f"calls: {receipt.id} is live, the answer is lost"
            yield (*self._answered(arrived, worker, lost, words)[:3], False)
        later = self._on_the_way(state, call)
        yield (*self._answered(state, worker, lost, "calls: lost on the way, nothing happens")[:3], False)
        yield (*self._answered(later, worker, lost, "calls: no answer; the network takes it up later")[:3], False)
        yield (*self._answered(state, worker, Rejected("422"), "calls: refused")[:3], False)
        if call.attempt <= TRIES:
            hour = RateLimited("429", DUE + timedelta(minutes=20))
            yield (*self._answered(state, worker, Unauthorized("401"), "calls: the credential is refused")[:3], False)
            yield (*self._answered(state, worker, RateLimited("429"), "calls: too many requests")[:3], False)
            yield (*self._answered(state, worker, hour, "calls: too many requests, for long")[:3], False)

    def _on_the_way(self, state: State, call: Call) -> State:
        """The call arrives later. Where the network tells a repeat, one call on the way is as good as many."""
        alike = any((one.part, one.text) == (call.part, call.text) for one in state.pending)
        if alike and self.lookup.repeat in (Repeat.keyed, Repeat.refused):
            return state
        return state._replace(pending=tuple(sorted((*state.pending, call))))

    def _arrive(self, state: State, call: Call) -> tuple[State, PartReceipt | None]:
        """The account after the call's effect, and the network's answer; None: it refuses a repeat, naming nothing."""
        live = state.live[call.part]
        if live and self.lookup.repeat is Repeat.keyed and not state.key_dead:
            return state, PartReceipt(id=live[0])
        if self.lookup.repeat is Repeat.refused and any(one[1] == call.text for one in live):
            return state, None
        new = f"{call.part + 1}{call.text}{len(live) + 1}"
        return state._replace(live=(*state.live[:call.part], (*live, new), *state.live[call.part + 1:])), \
            PartReceipt(id=new)

    def _answered(self, state: State, worker: Worker, answer: PartReceipt | PublishError, words: str) -> "Taken":
        renewable = isinstance(answer, Unauthorized) and not worker.renewed
        called, call = worker, worker.call
        assert call is not None
        first: tuple[Step, ...] = ()
        standing = _standing(worker)
        if standing.doubt is None:                              # the mutant that calls first, and records then
            first = (Step(Kind.sending, {}),)
            standing = self._draft(state, called, first[0]).standing
        steps = (*first, *self.rules.records_after(answer, standing, total=len(worker.out), now=DUE,
                                                   renewable=renewable))
        called = worker._replace(answer=answer, rest=steps[1:], renewed=worker.renewed or renewable, window_over=False)
        return self._storing(state, called, steps[0], words)

    def _tell(self, state: State, worker: Worker) -> "Steps":
        call, answer = worker.call, worker.answer
        assert call is not None
        told = (call.part, answer.id if isinstance(answer, PartReceipt) else None, call.epoch, call.attempt)
        yield "keeps its answer as evidence", _idle(worker), state._replace(evidence=state.evidence | {told}), True

    # --- records ---

    def _draft(self, state: State, worker: Worker, step: Step, pin: Pin | None = None) -> Node:
        """The ledger with one more record, not stored yet. Raises Contradiction."""
        base = worker.view
        assert base is not None
        tag = sum(node.base is base for node in state.adrift)
        key = (worker.name, step.kind, repr(step.detail), pin, tag)
        if key in base.children:
            return base.children[key]
        standing, fields = base.standing, {}
        part, last = len(standing.parts), base.standing.last
        if step.kind is Kind.sending:
            author = worker.name if self.rules.claims else standing.worker
            fields = {"attempt": standing.attempts.get(part, 0) + 1, "send_window_s": 10.0, "request_timeout_s": 60.0}
        else:
            author = worker.name
        about = step.kind not in (Kind.claim, Kind.published, Kind.released, Kind.reopened, Kind.skipped)
        epoch = last.record.epoch if last else 0
        record = Record(
            seq=standing.seq + 1, kind=step.kind, nonce=f"{worker.name}{tag}", worker=author or worker.name,
            epoch=epoch + (step.kind is Kind.claim), prev=standing.seal, at=DUE, pin=pin, part=part if about else None,
            detail=step.detail, **fields)
        node = base.children[key] = Node(base, self.rules.advance(standing, Entry(record, canonical(record))))
        return node

    def _storing(self, state: State, worker: Worker, step: Step | None, why: str, pin: Pin | None = None) -> "Taken":
        assert step is not None
        draft = self._draft(state, worker, step, pin)
        after = worker._replace(at="storing", draft=draft, stored=False)
        return f"{why} and is about to record {_named(step)}", after, state, True

    def _store(self, state: State, worker: Worker) -> "Steps":
        draft = worker.draft
        assert draft is not None
        kind = draft.kind
        if worker.stored:
            yield f"learns that its {kind} is stored", self._learned(worker, draft), state, True
        elif self._fits(state.ledger, draft):
            yield f"'s {kind} is stored", worker._replace(stored=True), _grown(state, draft), True
        else:
            yield f"finds its {kind} fenced", self._fenced(worker), state, True

    def _fenced(self, worker: Worker) -> Worker:
        """What it learned from its call it keeps as evidence; nobody knows more of a call in doubt than the ledger."""
        draft = worker.draft
        assert draft is not None
        first = draft.base is not None and draft.base.kind is Kind.sending          # of the records after the answer
        if worker.answer is not None and first and draft.kind is not Kind.unknown:
            return worker._replace(at="telling", view=None, draft=None, rest=())
        return _idle(worker)

    def _fits(self, ledger: Node, draft: Node) -> bool:
        return draft.base is ledger or (self.rules.overwrites and draft.standing.seq == ledger.standing.seq)

    def _learned(self, worker: Worker, draft: Node) -> Worker:
        known = worker._replace(view=draft, draft=None, stored=False)
        if draft.kind is Kind.sending and not worker.rest:
            return known._replace(at="calling")
        if worker.rest:
            step, *rest = worker.rest
            fake = State(draft, (), ())
            return known._replace(at="storing", draft=self._draft(fake, known, step), rest=tuple(rest))
        if draft.kind is Kind.released and worker.answer is None:
            return _idle(worker)
        return known._replace(at="thinking", call=None, answer=None)

    # --- everybody else ---

    def _deaths(self, state: State, number: int, worker: Worker) -> Iterator[Edge]:
        """Killed anywhere, a new process starts; or the archive does not answer, and the same one begins again."""
        names = {state.ledger.standing.worker, worker.name, *(node.standing.worker for node in state.adrift)}
        stem = worker.name.rstrip("'")
        new = next(name for name in (stem, f"{stem}'", f"{stem}''", f"{stem}\'\'\'") if name not in names)
        yield Edge(f"{worker.name} is killed; {new} starts", _with(state, number, Worker(new)), usual=False)
        if (draft := worker.draft) is None:
            return
        was = "was" if worker.stored else "is not"
        yield Edge(f"{worker.name} gives up on the archive; its {draft.kind} {was} stored",
                   _with(state, number, _idle(worker)), usual=False)
        if not worker.stored and draft.base is state.ledger and not state.adrift:
            late = state._replace(adrift=(draft,))
            yield Edge(f"{worker.name} is killed, its {draft.kind} is still on the way; {new} starts",
                       _with(late, number, Worker(new)), usual=False)
            yield Edge(f"{worker.name} gives up on the archive; its {draft.kind} is still on the way",
                       _with(late, number, _idle(worker)), usual=False)

    def _surroundings(self, state: State) -> Iterator[Edge]:
        for node in state.adrift:
            grown = self._reduced(_grown(state, node))
            yield Edge(f"the {node.kind} that was on the way is stored", grown, usual=False)
        for call in sorted(set(state.pending)):
            rest = list(state.pending)
            rest.remove(call)
            arrived, receipt = self._arrive(state._replace(pending=tuple(rest)), call)
            what = f"{receipt.id} is live" if receipt else "refused as a repeat"
            yield Edge(f"the network takes up an old call: {what}", arrived)
        calling = any(self._may_call(worker) for worker in state.workers)
        if state.ledger.standing.doubt and not state.quiet:
            if not self.world.timely:
                yield Edge("the sending is old enough", state._replace(quiet=True))
            elif not state.pending:
                yield Edge("the sending is old enough", state._replace(
                    quiet=True, workers=tuple(self._aged(worker) for worker in state.workers)))
        forgets = self.lookup.key_lives_s and self.world.timely and not state.key_dead
        if forgets and not state.pending and not calling:
            yield Edge("the network forgets the key", state._replace(key_dead=True), usual=False)
        if state.plan == FIRST:
            for plan in self.world.plans:
                yield Edge(f"the post is {plan}", state._replace(plan=PLANS[plan]), usual=False)
        if state.hour < self.world.hours[1]:
            yield Edge("hours pass", state._replace(hour=state.hour + 1))

    def _aged(self, worker: Worker) -> Worker:
        """The worker when its `sending`, if it is stored, is as old as the protocol waits for."""
        if worker.at == "calling":
            return worker._replace(window_over=True)
        early = not self.rules.late_window and worker.stored and worker.draft and worker.draft.kind is Kind.sending
        return worker._replace(window_over=True) if early else worker

    @staticmethod
    def _may_call(worker: Worker) -> bool:
        """Whether its next call needs no further record."""
        sending = worker.stored and worker.draft is not None and worker.draft.kind is Kind.sending
        return (worker.at == "calling" or sending) and not worker.window_over

    def _person(self, state: State) -> Iterator[Edge]:
        standing, world = state.ledger.standing, self.world
        if standing.kind is not Kind.held or world.person == "none" or standing.doubt is None:
            return
        if self.rules.by_evidence(standing, _evidence(state.evidence), total=world.parts) is not None:
            return
        part = standing.doubt.part
        person, there = Worker("a person", view=state.ledger), state.live[part]
        for one in there:
            said = Step(Kind.resolved, {"verdict": "live", "id": one})
            resolved = _grown(state, self._draft(state, person, said))
            yield Edge(f"a person says that {one} is the post", self._reduced(resolved), usual=False)
        to_come = any(call.part == part for call in state.pending) or any(
            self._may_call(worker) and worker.call and worker.call.part == part for worker in state.workers)
        right = not there and not to_come
        if right or world.person == "wrong":
            said = Step(Kind.resolved, {"verdict": "absent"})
            resolved = self._reduced(_grown(state, self._draft(state, person, said)))
            yield Edge(f"a person says that it is not there{'' if right else ', WRONGLY'}",
                       resolved._replace(misjudged=state.misjudged or not right), usual=False)


Taken = tuple[str, Worker, State, bool]
Steps = Iterator[Taken]


def _standing(worker: Worker) -> Standing:
    assert worker.view is not None
    return worker.view.standing


def _idle(worker: Worker) -> Worker:
    return Worker(worker.name)


def _with(state: State, number: int, worker: Worker) -> State:
    return state._replace(workers=(*state.workers[:number], worker, *state.workers[number + 1:]))


def _grown(state: State, ledger: Node) -> State:
    """One more record is stored. What was adrift comes too late now; a new `sending` is young."""
    quiet = state.quiet and ledger.standing.doubt is not None and ledger.kind is not Kind.sending
    return state._replace(ledger=ledger, adrift=(), quiet=quiet)


def _named(step: Step) -> str:
    extra = step.detail.get("looked") or step.detail.get("how") or step.detail.get("verdict")
    return f"{step.kind} ({extra})" if extra else str(step.kind)


@cache
def _evidence(kept: frozenset[tuple[int, str | None, int, int]]) -> tuple[Evidence, ...]:
    return tuple(Evidence(nonce=str(number), worker="", epoch=epoch, at=DUE, part=part, attempt=attempt,
                          receipt=PartReceipt(id=one) if one else None)
                 for number, (part, one, epoch, attempt) in enumerate(sorted(kept, key=str)))
