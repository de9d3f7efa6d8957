"""INT002 and INT003: an ask is paid for in advance, by gives on the same channel and by the time they took."""
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from itertools import accumulate
from math import ceil
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over
from flows.planning.tallying import Said
from schemas.ledger import Slot
from schemas.plan import Item
from schemas.problem import Problem, Severity

_MOST = 36_500
"""No knob here means more: a hundred years of days."""


class Balance:
    """What one channel said and will say, counted: `gives[n]` and `asks[n]` of the sayings before the n-th.

    What is late goes out now at the earliest: what went out while it waited came before it. A give that is late itself
    is none yet for an ask that is due; for asks to come it will be one.
    """

    def __init__(self, said: Sequence[Said], now: datetime) -> None:
        self._now = now
        self.said = said = sorted(said, key=self._turn)
        self._numbers = {one.slot: number for number, one in enumerate(said)}
        self.gives = [0, *accumulate(one.gives for one in said)]
        self.asks = [0, *accumulate(one.intent == "ask" for one in said)]
        self.given = [number for number, one in enumerate(said) if one.gives]

    def before(self, item: Item) -> int:
        """How many sayings come before a slot, whether or not it is one of them."""
        number = self._numbers.get(item.slot)
        if number is not None:
            return number
        return bisect_left(self.said, self._turn(Said(item.at, item.slot, item.post.intent, False)), key=self._turn)

    def _turn(self, one: Said) -> tuple[datetime, int, datetime, Slot]:
        if one.is_out:
            return one.at, 0, one.at, one.slot
        is_late = one.at <= self._now
        return (self._now if is_late else one.at), (2 if is_late and one.gives else 1), one.at, one.slot


class _Window(NamedTuple):
    """The sayings that end with an ask, itself counted."""

    gives: int
    asks: int
    many: int


def asks_to_come(facts: Facts) -> Iterator[tuple[Item, Balance]]:
    """Each ask of the plan that is not out, and what its channel says, where that is known."""
    balances: dict[str, Balance] = {}
    for item in facts.plan.items:
        if item.post.intent == "ask" and not is_over(item, facts) and item.channel.id not in facts.unsure:
            channel = item.channel.id
            if channel not in balances:
                balances[channel] = Balance(facts.said.get(channel, ()), facts.now)
            yield item, balances[channel]


def told_of(rule: Rule, item: Item, message: str, remedy: str) -> Problem:
    """A problem of one ask on one channel."""
    return rule.at(item.post.post.place("intent"), message, remedy, item.post.id, item.channel.id,
                   None if item.slot.run == "1" else item.slot.run)


# --- INT002 -----------------------------------------------------------------------------------------------------------


def _unpaid(facts: Facts) -> Iterator[Problem]:
    """An ask that ends a window with too few gives for its asks. Fewer posts than a window are all there is."""
    per_ask = _knob(facts, GIVEN_FIRST, "give_per_ask")
    window = max(1, int(_knob(facts, GIVEN_FIRST, "window_posts")))
    for item, balance in asks_to_come(facts):
        at, channel = balance.before(item), item.channel.id
        seen = _window(balance, at, window)
        if seen.gives >= per_ask * seen.asks:
            continue
        more = 1 + bisect_left(range(1, window), True, key=partial(_is_paid_by, balance, at, window, per_ask))
        remedy = (f"Give {more} more first: plan {'it' if more == 1 else 'them'} on {channel} before this ask."
                  if more < window else
                  f"{window} posts cannot hold {per_ask:g} gives and an ask: raise window_posts in rules.yaml.")
        among = "in all it says until then" if seen.many < window else f"among its last {window} posts with this one"
        yield told_of(GIVEN_FIRST, item, f"{_many(seen.gives, 'give')} for {_many(seen.asks, 'ask')} on {channel}, "
                      f"{among}; each ask needs {per_ask:g}.", remedy)


def _window(balance: Balance, at: int, window: int, more: int = 0) -> _Window:
    """What the window of the ask at `at` holds, were there so many more gives right before it."""
    first = max(0, at - (window - 1 - more))
    return _Window(balance.gives[at] - balance.gives[first] + more, balance.asks[at] - balance.asks[first] + 1,
                   at - first + more + 1)


def _is_paid_by(balance: Balance, at: int, window: int, per_ask: float, more: int) -> bool:
    """Whether so many more gives would do. If some do, more of them do as well."""
    seen = _window(balance, at, window, more)
    return seen.gives >= per_ask * seen.asks


# --- INT003 -----------------------------------------------------------------------------------------------------------


def _locked(facts: Facts) -> Iterator[Problem]:
    """An ask before its channel has given often and long enough. Days are counted in the strategy's zone."""
    need = ceil(_knob(facts, UNLOCKED, "unlock_gives"))
    days = ceil(_knob(facts, UNLOCKED, "unlock_days"))
    zone = ZoneInfo(facts.content.timezone)
    for item, balance in asks_to_come(facts):
        given, asked = balance.gives[balance.before(item)], _day(item.at, zone)
        first = _day(balance.said[balance.given[0]].at, zone) if balance.given else None
        opens = None if first is None else _later(first, days)
        if given >= need and (days == 0 or (given and opens is not None and asked >= opens)):
            continue
        channel = item.channel.id
        if not given or first is None:
            message = f"Too early to ask on {channel}: nothing was given there before."
        else:
            message = (f"Too early to ask on {channel}: {given} of {need} gives before this ask, and "
                       f"{max(0, (asked - first).days)} of {days} days since the first ({first}).")
        yield told_of(UNLOCKED, item, message, _when(balance, need, days, opens, zone))


def _when(balance: Balance, need: int, days: int, opens: date | None, zone: ZoneInfo) -> str:
    """From which day on the channel may ask, as far as the plan tells."""
    lacking = need - len(balance.given)
    if opens is None:
        return f"Plan {_many(max(need, 1), 'give')} first; {days} days after the first of them it unlocks."
    if lacking > 0:
        return f"Plan {lacking} more {'give' if lacking == 1 else 'gives'} there; unlocks on {opens} at the earliest."
    enough = _day(balance.said[balance.given[max(need, 1) - 1]].at, zone)
    given = f", with {_many(need, 'give')} out" if enough >= opens else ""
    return f"Unlocks on {max(opens, enough)}{given}: ask then or later."


def _later(day: date, days: int) -> date:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max


def _day(at: datetime, zone: ZoneInfo) -> date:
    return at.astimezone(zone).date()


def _knob(facts: Facts, rule: Rule, name: str) -> float:
    """A number that can be counted with; else the default."""
    value: float = facts.knob(rule, name)
    return value if 0 <= value <= _MOST else float(str(rule.knobs[name]))


def _many(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


GIVEN_FIRST = Rule(
    "INT002", Severity.error, "FD",
    "On a channel there are fewer than four gives (intent give or respond) for each ask among the twelve posts that "
    "end with this ask. News (inform) is neither; where fewer posts exist, those count. Judged again when the ask "
    "is due.",
    "Give more on that channel first.", all=_unpaid, knobs={"give_per_ask": 4, "window_posts": 12}, acts=True, due=True)
UNLOCKED = Rule(
    "INT003", Severity.error, "FD",
    "A channel asks before it has given six times, and for 90 days since its first give. It is judged again when the "
    "ask is due.",
    "Give more on that channel, or ask on the day that the message names.", all=_locked,
    knobs={"unlock_gives": 6, "unlock_days": 90}, acts=True, due=True)
