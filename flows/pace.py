"""Who may send now: the flood fuse and the distance between posts, for all threads of one publisher together."""
import threading
from datetime import datetime, timedelta

from flows.edges.clock import Clock
from flows.edges.ledger import Done, Ledger
from flows.planning.pacing import LATE, Brake, blown, too_close
from publishers.base import Publisher
from schemas.ledger import Slot, State
from schemas.notation import span
from schemas.plan import Item


class Traffic:
    """What went out lately, on every channel. `most_per_hour`: on all of them together."""

    def __init__(self, ledger: Ledger, clock: Clock, most_per_hour: int) -> None:
        self._ledger, self._clock, self._most_per_hour = ledger, clock, most_per_hour
        self._went: dict[str, dict[Slot, datetime | None]] = {}   # by channel; None: yesterday or today, some time
        self._one_at_a_time = threading.Lock()

    def begin(self, ended: list[Done]) -> None:
        """What the index of the archive knows; when exactly is asked only if a limit is near."""
        yesterday = (self._clock.now() - timedelta(days=1)).date()
        with self._one_at_a_time:
            for done in ended:
                if done.state is State.published and done.due >= yesterday:
                    self._went.setdefault(done.slot.channel, {}).setdefault(done.slot, None)

    def let_go(self, item: Item, publisher: Publisher, min_gap: str) -> Brake | None:
        """None: the post may go, and counts from now on. Else why it may not yet."""
        now, channel = self._clock.now(), item.channel
        limits = publisher.limits.with_overrides(channel.limits)
        with self._one_at_a_time:
            self._went.get(channel.id, {}).pop(item.slot, None)   # an earlier try of its own is no reason
            needs_times = now - item.at > LATE or limits.pace_s > 0
            mine = self._times(channel.id, 0 if needs_times else limits.per_hour)
            rest = self._times(None, self._most_per_hour)
            brake = (
                blown(channel.id, mine, limits.per_hour, now=now,
                      setting=f"'limits: {{per_hour: …}}' of {channel.id} in networks/channels.yaml")
                or blown("all accounts together", rest, self._most_per_hour, now=now,
                         setting="'most_per_hour' in drumbeat.toml")
                or too_close(channel.id, mine, now=now, due=item.at, pace_s=limits.pace_s, min_gap=span(min_gap)))
            if brake is None:
                self._went.setdefault(channel.id, {})[item.slot] = now
        return brake

    def ended(self, slot: Slot, sent_at: datetime | None) -> None:
        """When a post that was let go went out; None: it did not, and counts no more."""
        with self._one_at_a_time:
            line = self._went.setdefault(slot.channel, {})
            if sent_at is not None:
                line[slot] = sent_at
            else:
                line.pop(slot, None)

    def _times(self, channel: str | None, limit: int) -> list[datetime]:
        """When posts went out; none where even all that are known are fewer than `limit`."""
        lines = [self._went.get(channel, {})] if channel is not None else list(self._went.values())
        if sum(len(line) for line in lines) < limit:
            return []
        if any(at is None for line in lines for at in line.values()):
            today = self._clock.now().date()
            for day in (today - timedelta(days=1), today):
                for slot, receipt in self._ledger.receipts(day).items():
                    line = self._went.get(slot.channel, {})
                    if slot in line and line[slot] is None:
                        line[slot] = receipt.at
            for line in lines:                                    # of an earlier day by now: nobody is asked again
                for slot in [slot for slot, at in line.items() if at is None]:
                    del line[slot]
        return [at for line in lines for at in line.values() if at is not None]
