"""The protocol in every order of events, for small worlds (see `model`), and what an exploration must catch.

`DRUMBEAT_MODEL=large` explores more: three workers, threads with two workers, every plan change; it takes a while.
`pytest -s` shows the number of states and steps of each world.
"""
import importlib.util
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.planning import deciding, folding
from schemas.errors import Unavailable, Unconfirmed
from schemas.ledger import Entry, Kind, Standing

_SPEC = importlib.util.spec_from_file_location("drumbeat_model", Path(__file__).with_name("model.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
model: Any = importlib.util.module_from_spec(_SPEC)
sys.modules["drumbeat_model"] = model
_SPEC.loader.exec_module(model)
World, Rules, explore = model.World, model.Rules, model.explore

LARGE = os.environ.get("DRUMBEAT_MODEL") == "large"
MOST = 5_000_000 if LARGE else 250_000      # beyond that something grows without end
CHANGES = {"plans": tuple(model.PLANS), "hours": (0, 3)}
ALONE = {"person": "none"}                  # nobody resolves what is held: many fewer states

SAFE = [
    World("R", "hold"),
    World("R", "retry", **ALONE),
    World("K", deaths=False, **ALONE),
    World("K", workers=1),
    World("D", **ALONE),
    World("D", "retry", workers=1),
    World("Z", **ALONE),
    World("R", "hold", parts=2, deaths=False, **ALONE),
    World("R", "retry", workers=1, parts=2),
    World("R", "hold", timely=False),       # `hold` needs no timing, nor does what cannot be read back
    World("Z", timely=False, **ALONE),
    World("K", timely=False, deaths=False, **ALONE),            # nor a network that itself tells a repeat
    World("D", "retry", timely=False, deaths=False, **ALONE),
    World("R", "hold", workers=1, **CHANGES, **ALONE),
    World("R", "hold", workers=1, parts=2, plans=("edited",), **ALONE),
    World("K", workers=1, plans=("edited", "gone"), **ALONE),
]
LARGER = [
    World("R", "retry"),
    World("K"),
    World("D"),
    World("D", "retry"),
    World("Z"),
    World("R", "hold", parts=2),
    World("R", "retry", parts=2, **ALONE),
    World("K", parts=2, workers=1),
    World("R", "hold", parts=3, workers=1),
    World("R", "hold", parts=2, timely=False, **ALONE),
    World("K", timely=False, **ALONE),
    World("D", "retry", timely=False, **ALONE),
    World("R", "hold", workers=1, parts=2, **CHANGES),
    World("R", "retry", workers=1, **CHANGES),
    World("K", workers=1, **CHANGES),
    World("R", "hold", **CHANGES, **ALONE),
    World("R", "retry", plans=("edited",), **ALONE),
    World("R", "hold", workers=3, **ALONE),
    World("R", "hold", workers=3, timely=False, **ALONE),
    World("R", "retry", workers=3, deaths=False, **ALONE),
    World("K", workers=3, deaths=False, **ALONE),
    World("R", "retry", reduced=False, deaths=False, **ALONE),
]


@pytest.mark.parametrize("world", SAFE + LARGER * LARGE, ids=str)
def test_never_twice_never_lost_and_no_false_receipt(world):
    """Whatever happens in whatever order: no part is live twice, every id is real, `failed` and `skipped` are true,
    the ledger always makes sense, and from everywhere usual steps lead to an end or to a person."""
    explored = explore(world, most=MOST)
    print(explored)

    assert not explored.violations, explored.told()
    assert explored.unheeded == 0, explored.told()


def test_exploration_sees_everything_that_can_be_recorded():
    """Together the worlds reach every kind of record, every end, and every way to learn that a part is live."""
    small = [explore(World("R", "hold", deaths=False)), explore(World("R", "hold", workers=1, **CHANGES, **ALONE)),
             explore(World("R", "hold", workers=1, parts=2))]

    assert frozenset().union(*(one.kinds for one in small)) == frozenset(Kind)
    assert frozenset().union(*(one.ways for one in small)) == {"answer", "evidence", "readback", "resolved"}
    assert frozenset().union(*(one.ends for one in small)) == {"published", "failed", "skipped", "held", "nothing"}


def test_sending_the_fenced_home_early_hides_nothing():
    """The reduction is only that: the same ledgers, accounts and evidence are reached as without it."""
    worlds = [World("R", "hold", deaths=False, reduced=reduced, **ALONE) for reduced in (True, False)]
    reached = [{model.outside(state) for state in model.reachable(world)} for world in worlds]

    assert reached[0] == reached[1]


# --- what must be caught ----------------------------------------------------------------------------------------------


def doubt_is_absence(answer: Any, standing: Standing, **more: Any) -> Any:
    """A lost answer taken for a refused connection."""
    return deciding.records_after(Unavailable(answer.why) if isinstance(answer, Unconfirmed) else answer, standing,
                                  **more)


def half_a_look_is_enough(standing: Standing, found: Any, taken: Any, **more: Any) -> Any:
    """A look at the account that was not complete, taken for a complete one."""
    return deciding.after_look(standing, found and found._replace(complete=True), taken, **more)


def any_word_counts(standing: Standing, evidence: Any, **more: Any) -> Any:
    """The word of any sender of the part taken for the word of the sender in doubt."""
    doubt = standing.doubt
    if doubt is None:
        return None
    said = [one.model_copy(update={"epoch": doubt.epoch, "attempt": doubt.attempt}) for one in evidence]
    return deciding.by_evidence(standing, said, **more)


def refused_is_absent(answer: Any, standing: Standing, **more: Any) -> Any:
    """A refused repeat taken for the end, though nobody answered the first call."""
    return deciding.records_after(answer, standing._replace(repeats=0), **more)


def no_word_counts(*_args: Any, **_more: Any) -> None:
    """Evidence is never read."""


def any_pin_will_do(standing: Standing, entry: Entry) -> Standing:
    """A fold that lets a claim promise something else while a part is in doubt."""
    if entry.record.kind is Kind.claim and standing.doubt:
        standing = standing._replace(pin=entry.record.pin)
    return folding.advance(standing, entry)


EDITED = {"workers": 1, "plans": ("edited",), **ALONE}
MUTANTS = {
    "no quiet time": (World("R", "retry", **ALONE, rules=Rules(waits=False)), "never twice"),
    "no read-back": (World("R", "retry", **ALONE, rules=Rules(looks=False)), "never twice"),
    "half a read-back": (World("R", "retry", **ALONE, rules=Rules(after_look=half_a_look_is_enough)), "never twice"),
    "no sending record before the call": (World("R", "hold", workers=1, rules=Rules(records_first=False)),
                                          "never twice"),
    "take-over without a record": (World("R", "retry", **ALONE, rules=Rules(claims=False)), "never twice"),
    "doubt is absence": (World("R", "hold", workers=1, rules=Rules(records_after=doubt_is_absence)), "never twice"),
    "a refused repeat is the end": (World("K", timely=False, deaths=False, **ALONE, rules=Rules(
        records_after=refused_is_absent)), "no false receipt: failed or skipped, and it will be live"),
    "overwriting store": (World("R", "hold", **ALONE, reduced=False, rules=Rules(overwrites=True)), "never twice"),
    "evidence of another call": (World("R", "hold", **ALONE, rules=Rules(by_evidence=any_word_counts)), "never twice"),
    "another pin while in doubt": (World("R", "retry", **EDITED, rules=Rules(
        keeps_pin=False, advance=any_pin_will_do)), "never twice"),
    "another pin while in doubt, and production's fold": (World("R", "retry", **EDITED, rules=Rules(keeps_pin=False)),
                                                          "the ledger makes sense"),
    "send window from the archive's answer": (World("R", "retry", **ALONE, rules=Rules(late_window=True)),
                                              "never twice"),
    "withdrawn is claimed again and again": (World("R", "hold", **{**EDITED, "plans": ("gone",), "hours": (0, 3)},
                                                   rules=Rules(withdraws_once=False)), "never lost"),
    "sleepers and `retry`": (World("R", "retry", timely=False, **ALONE), "never twice"),
    "a person who is wrong": (World("R", "hold", workers=1, person="wrong"), "never twice"),
}


@pytest.mark.parametrize("name", MUTANTS)
def test_every_part_of_the_protocol_is_needed(name):
    """Without this part, or without what it assumes, a promise is broken; the trace shows how."""
    world, promise = MUTANTS[name]
    explored = explore(world, most=MOST, until_broken=None if promise == "never lost" else promise)
    trace = explored.violations.get(promise, ())
    print(f"{name}: {promise} is broken after {explored.states} states", *trace, sep="\n    ")

    assert trace, explored.told()


def test_evidence_only_spares_a_person():
    """Without evidence nothing is twice, lost or false: slots wait for a person though the answer was kept."""
    explored = explore(World("R", "hold", deaths=False, rules=Rules(by_evidence=no_word_counts)))

    assert not explored.violations, explored.told()
    assert explored.unheeded > 0
