"""A thousand posts of fifty accounts, all due within one minute: written, and judged afterwards from outside."""
import hashlib
import json
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any, NamedTuple

from judging import Verdict, judge
from shelf import Shelf
from trials import NETWORKS, Trial

Post = dict[str, Any]
Ledgers = Mapping[str, Sequence[bytes]]
"""The raw records of every slot, by its folder, in order."""
ACCOUNTS, EACH, SPREAD_S = 50, 20, 60.0
_TOKEN = re.compile(r"\b(c\d+qp\d+)q0:")
_SENT = ("sent", "published")
_LEDGERS = "v1/ledger/"


class Piece(Trial):
    """One post of one account, called `c07-p13`."""

    @property
    def channel(self) -> str:
        return self.name.partition("-")[0]

    @property
    def handle(self) -> str:
        return f"{'@' if self.network == 'mastodon' else ''}mill{self.channel}"

    @property
    def slot(self) -> str:
        return f"posts/{self.name}@{self.channel}#1"

    @property
    def folder(self) -> str:
        return f"v1/ledger/posts.{self.name}/{self.channel}/1"


class Crowd(NamedTuple):
    """`minute`: what the content says of all; `due`: the second of each, which a minute of `at:` cannot tell."""

    minute: datetime
    due: Mapping[Piece, datetime]

    @property
    def pieces(self) -> Sequence[Piece]:
        return list(self.due)

    def of(self, channels: Iterable[str]) -> list[Piece]:
        known = set(channels)
        return [piece for piece in self.due if piece.channel in known]

    def files(self) -> dict[str, str]:
        """The content folder."""
        now = self.minute
        quiet = (now - timedelta(hours=6)).strftime("%H:%M")      # there must be some: a minute of another time
        until = (now - timedelta(hours=6) + timedelta(minutes=1)).strftime("%H:%M")
        channels = dict.fromkeys((piece.channel, piece.network, piece.handle) for piece in self.due)
        lines = [f'  - {{id: {id}, network: {network}, handle: "{handle}", max_per_day: 200, '
                 'limits: {per_hour: 200}}' for id, network, handle in channels]
        files = {"networks/channels.yaml": f'stagger: 1m\nmin_gap: 1m\nquiet_hours: "{quiet}-{until}"\nchannels:\n'
                                           + "\n".join(lines) + "\n",
                 "strategy.yaml": f"strategy: ours\nstart: {now - timedelta(days=365):%Y-%m-%d}\ntimezone: UTC\n"}
        for piece in self.due:
            files[f"posts/{piece.name}.md"] = (
                f"---\nat: {now:%Y-%m-%d %H:%M}\nchannels: [{piece.channel}]\n---\n"
                f"{piece.units()[0].words[0]} bring what is broken.\n")
        return files

    def moves(self) -> dict[str, dict[str, str]]:
        """The second of each slot, as a resume gives it: content knows only minutes."""
        return {piece.slot: {"was": self.minute.isoformat(), "at": at.isoformat()} for piece, at in self.due.items()}


def crowd(minute: datetime, *, accounts: int = ACCOUNTS, each: int = EACH, spread_s: float = SPREAD_S,
          seed: int = 7) -> Crowd:
    """Accounts of every class of network in turn; each post at a time of its own within the minute, by chance."""
    chance = random.Random(seed)
    return Crowd(minute, {
        Piece(f"c{account:02d}-p{number:02d}", NETWORKS[account % len(NETWORKS)]):
            minute + timedelta(seconds=round(chance.uniform(0.0, spread_s), 3))
        for account in range(accounts) for number in range(each)})


# --- the judgement ----------------------------------------------------------------------------------------------------


class Judged(NamedTuple):
    """What became of the posts that were asked about. Lateness is in seconds, by the record of the networks."""

    ends: dict[str, int]
    duplicates: list[str]
    lost: list[str]
    wrong: list[str]
    lateness: dict[Piece, float]

    def told(self) -> dict[str, Any]:
        return {"ends": self.ends, "duplicates": self.duplicates, "lost": self.lost, "wrong": self.wrong,
                "lateness": spread(self.lateness.values())}


def judged(ledgers: Ledgers, posts: Sequence[Post], crowd: Crowd, *, pieces: Iterable[Piece] | None = None,
           due: Mapping[Piece, datetime] | None = None) -> Judged:
    """Every post against its raw records. `pieces`: those that must be out by now; None: all."""
    live, foreign = _by_piece(posts, crowd.pieces)
    ends, duplicates, lost, wrong = Counter[str](), list[str](), list[str](), foreign
    late = dict[Piece, float]()
    for piece in crowd.pieces if pieces is None else pieces:
        verdict = judge(piece, ledgers.get(piece.folder, ()), live[piece])
        ends[verdict.end] += 1
        duplicates += [f"{piece.slot}: {what}" for what in verdict.duplicates]
        lost += [f"{piece.slot}: {what}" for what in _lost(verdict, live[piece])]
        wrong += [f"{piece.slot}: {what}" for what in (*verdict.false, *verdict.held_wrongly)]
        if live[piece]:
            came = min(datetime.fromisoformat(post["created_at"]) for post in live[piece])
            late[piece] = (came - (due or crowd.due)[piece]).total_seconds()
    return Judged(dict(ends), duplicates, lost, wrong, late)


def _lost(verdict: Verdict, live: Sequence[Post]) -> list[str]:
    """Nothing kept them from going out: whatever is not published, or not there, is lost."""
    if verdict.lost:
        return list(verdict.lost)
    if verdict.end != "published":
        return [f"it ended as {verdict.end} ({verdict.reason})"]
    return [] if live else ["it is published, and not there"]


def said_sent(ledgers: Ledgers, posts: Sequence[Post], crowd: Crowd) -> list[str]:
    """Slots that some record calls sent, of which the network has nothing."""
    live, _ = _by_piece(posts, crowd.pieces)
    return [piece.slot for piece in crowd.pieces if not live[piece]
            and any(json.loads(raw)["kind"] in _SENT for raw in ledgers.get(piece.folder, ()))]


def _by_piece(posts: Sequence[Post], pieces: Iterable[Piece]) -> tuple[dict[Piece, list[Post]], list[str]]:
    """What the networks hold of each, and what they hold that nobody wrote."""
    known = {piece.token: piece for piece in pieces}
    live, foreign = defaultdict[Piece, list[Post]](list), list[str]()
    for post in posts:
        match = _TOKEN.search(post["text"])
        piece = known.get(match[1]) if match else None
        if piece is None or (post["network"], post["account"]) != (piece.network, piece.handle):
            foreign.append(f"{post['id']} of {post['account']} says what nobody wrote there: {post['text']!r}")
        else:
            live[piece].append(post)
    return live, foreign


def ledgers_of(shelf: Shelf) -> Ledgers:
    """Everything that lies there now."""
    found = defaultdict[str, list[bytes]](list)
    for key, raw in shelf.read(shelf.keys(_LEDGERS)).items():
        found[key.rpartition("/")[0]].append(raw)
    return found


def published(shelf: Shelf) -> int:
    """How many ledgers end with `published`."""
    last = {key.rpartition("/")[0]: key for key in shelf.keys(_LEDGERS)}
    return sum(json.loads(raw)["kind"] == "published" for raw in shelf.read(last.values()).values())


def spread(seconds: Iterable[float]) -> dict[str, float]:
    """How many, the middle, and the ends, in seconds."""
    values = sorted(seconds)
    if len(values) < 2:
        return {"count": len(values), **({"max": values[0]} if values else {})}
    cuts = quantiles(values, n=100, method="inclusive")
    return {"count": len(values), "min": round(values[0], 3), "p50": round(cuts[49], 3), "p90": round(cuts[89], 3),
            "p99": round(cuts[98], 3), "max": round(values[-1], 3)}


def share_of(channel: str, of: int) -> int:
    """Whose account it is, counted from 1: the rule of `schemas.shard`, written down a second time on purpose."""
    return int.from_bytes(hashlib.sha256(channel.encode()).digest()[:8], "big") % of + 1


def closest(times: Mapping[Piece, datetime]) -> float | None:
    """The shortest distance between two posts of one account, in seconds; None where no account has two."""
    lines = defaultdict[str, list[datetime]](list)
    for piece, at in times.items():
        lines[piece.channel].append(at)
    gaps = [(after - before).total_seconds() for line in lines.values()
            for before, after in zip(sorted(line), sorted(line)[1:], strict=False)]
    return min(gaps, default=None)


def now() -> datetime:
    """By this computer's clock, as networks and workers have it."""
    return datetime.now(UTC)
