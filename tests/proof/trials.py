"""What one trial is, all of it derived from its name: the post, the places, the faults, and who is killed where."""
import random
from itertools import product
from typing import Any, Literal, NamedTuple

CLASSES = {"x": "D", "facebook_page": "R", "mastodon": "K"}
NETWORKS = tuple(CLASSES)
COMMENTS = "POST /v[0-9.]+/[^/]+/comments"
UPLOADS = r"POST /(2/media/upload|v[0-9.]+/[^/]+/photos|api/v2/media)"
READS = "GET .*"
LOOKS = "GET /(2/users/[0-9]+/tweets|v[0-9.]+/[^/]+/(published_posts|comments)|api/v1/accounts/[0-9]+/statuses)"
LATE_S = 0.9                    # well within a call's time-out and the quiet time after it
DOUBTFUL = ("500 before effect", "500 after effect", "hang up before", "hang up after effect", "stall",
            "stall after effect", "truncate", "not JSON", "late effect")
FAULTS = (*DOUBTFUL, "429", "401", "503", "slow")
S3_FAULTS = ("lost answer", "409", "412 after write", "500 after write", "503", "hang before", "hang after write")
DIR_FAULTS = ("disk full", "refused", "sync fails after write")
RECORDS = ("claim", "sending", "sent", "published", "notsent", "unknown")
WRITES = (*RECORDS, "payload", "media", "done")
POINTS = tuple(f"{when} {what}" for what, when in product(
    (*(f"create {what}" for what in WRITES), "list ledger", "get ledger", "age ledger", "get payload", "list evidence",
     "list plan", "list done", "now", "probe", "account_id", "prepare", "publish", "find"), ("before", "after")))
_BEFORE_ITS_BYTES = ("after create sending", "before publish")
WHOLE = ", whole"
_ONCE = ("create published", "create done", "create payload", "list plan", "list done", "now", "probe", "account_id")
ANY = "*"                       # a strike at the n-th point of whatever kind


class Strike(NamedTuple):
    """A worker signals itself when it passes `point` for the `nth` time, and `then` is its next strike."""

    point: str
    nth: int
    how: Literal["kill", "stop"] = "kill"
    then: "Strike | None" = None


class Unit(NamedTuple):
    """One thing that is to exist on the network, once. `words` stand in its text and in no other's."""

    words: tuple[str, ...]
    parent: int | None
    images: int


class Trial(NamedTuple):
    """One slot and what befalls it. `rounds`: the strikes of each worker, in the first start, the second, …"""

    name: str
    network: str = "mastodon"
    store: Literal["dir", "s3"] = "dir"
    parts: int = 1
    image: bool = False
    comment: bool = False
    retry: bool = False                             # the channel says `on_unknown: retry`
    workers: int = 1
    foreign: bool = False                           # workers call themselves another machine's: only the lease counts
    faults: tuple[dict[str, Any], ...] = ()         # the networks' script
    fault_later: bool = False                       # … which begins once the first part is recorded as live
    store_fault: tuple[str, str, int] | None = None  # which, at what, how often
    rounds: tuple[tuple[Strike | None, ...], ...] = ()
    kill_after_s: float | None = None               # the first worker is killed then, from outside
    stop_on_effect: bool = False                    # the first worker is stopped, from outside, once its post exists
    mutant: str | None = None

    @property
    def token(self) -> str:
        return "".join(letter for letter in self.name.replace("-", "q") if letter.isalnum())

    @property
    def handle(self) -> str:
        return f"{'@' if self.network == 'mastodon' else ''}mill{self.token}"

    @property
    def stops(self) -> bool:
        return self.stop_on_effect or any(s is not None and s.how == "stop" for start in self.rounds for s in start)

    def strikes_of(self, start: int) -> tuple[Strike | None, ...]:
        """One entry for each worker of the `start`-th start."""
        planned = self.rounds[start] if start < len(self.rounds) else ()
        number = self.workers if start == 0 else max(1, len(planned))
        return (*planned, *(None,) * number)[:number]

    def units(self) -> tuple[Unit, ...]:
        """What is to exist in the end, in order: Facebook makes one post of a thread, X replies to the last post."""
        words = [f"Tool night {self.token}q{number}:" for number in range(self.parts + self.comment)]
        images = int(self.image)
        if self.network == "facebook_page":
            posts = [Unit(tuple(words[:self.parts]), None, images)]
        else:
            posts = [Unit((word,), number - 1 if number else None, 0 if number else images)
                     for number, word in enumerate(words[:self.parts])]
        return (*posts, Unit((words[-1],), len(posts) - 1, 0)) if self.comment else tuple(posts)

    def files(self, at: str, picture: bytes) -> dict[str, bytes]:
        """The content folder. `at`: when the post is due."""
        words = [f"Tool night {self.token}q{number}: bring what is broken." for number in range(self.parts)]
        body = "\n\n***\n\n".join(words)
        if self.comment:
            body += f"\n\n## first comment\nTool night {self.token}q{self.parts}: the hall is open from six."
        media = "media: [{file: bench.png, alt: A bench}]\n" if self.image else ""
        unknown = ", on_unknown: retry" if self.retry else ""
        channel = f'{{id: ours, network: {self.network}, handle: "{self.handle}"{unknown}}}'
        files = {"networks/channels.yaml": f"stagger: 1m\nchannels:\n  - {channel}\n".encode(),
                 "strategy.yaml": b"strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n",
                 "posts/night.md": f"---\nat: {at}\nchannels: [ours]\n{media}---\n{body}\n".encode()}
        return files | ({"media/bench.png": picture} if self.image else {})


def _comments(fault: str) -> dict[str, Any]:
    """Facebook refuses the last post again, but takes the same comment twice: the place where a mistake shows."""
    return {"fault": fault, "network": "facebook_page", "match": COMMENTS,
            **({"seconds": LATE_S} if fault == "late effect" else {})}


_PAGE = Trial("", network="facebook_page", comment=True)
_LOST = (_comments("hang up after effect"),)
SLEEPER = "retry and a sleeper"      # no mutant: what `on_unknown: retry` cannot promise, and the manual says so
MUTANTS: dict[str, tuple[str, Trial]] = {
    "no quiet time": ("looks, and sends again, at once",
                      _PAGE._replace(retry=True, faults=(_comments("late effect"),))),
    "no read-back": ("finds nothing, whatever there is", _PAGE._replace(retry=True, faults=_LOST)),
    "no sending record": ("stores it only with the answer", _PAGE._replace(rounds=((Strike("after publish", 2),),))),
    "overwriting store": ("a rival's record is replaced", _PAGE._replace(workers=3, foreign=True)),
    "doubt is absence": ("an unconfirmed call counts as not made", _PAGE._replace(faults=_LOST)),
    SLEEPER: ("none, but `retry` on class R, asleep between its record and its bytes (a known hazard)",
              _PAGE._replace(retry=True, rounds=((Strike("before publish", 2, "stop"),),))),
}


def planned(name: str, store: str = "both") -> Trial:
    """The trial called `name`: `<seed>-<number>`, or `<seed>-<number>-<mutant>`. Same name, same trial.

    `<mutant>, whole`: what befalls the mutant befalls a publisher that is none.

    Numbers go round every point of a kill, every stop and every fault before they repeat; chance does the rest.
    """
    seed, number, *mutant = name.split("-", 2)
    if mutant:
        known = mutant[0].removesuffix(WHOLE)
        return MUTANTS[known][1]._replace(name=name, mutant=known if known == mutant[0] else None)
    chance = random.Random(name)
    place: Any = {"both": "s3" if chance.random() < 0.35 else "dir"}.get(store, store)
    trial = Trial(name, chance.choice(NETWORKS), place, parts=chance.choice((1, 1, 3)), image=chance.random() < 0.3,
                  comment=chance.random() < 0.3, retry=chance.random() < 0.3, workers=chance.choice((1, 1, 2, 3)),
                  foreign=chance.random() < 0.3)
    turn = int(number) + random.Random(seed).randrange(1_000)
    trial = trial._replace(faults=_faults(chance, turn), store_fault=_store_fault(chance, trial.store, turn),
                           fault_later=chance.random() < 0.3)
    return _with_strikes(trial, chance, turn)


def _faults(chance: random.Random, turn: int) -> tuple[dict[str, Any], ...]:
    if chance.random() < 0.2:
        return ()
    match chance.random():
        case low if low < 0.12:
            return ({"fault": chance.choice(("429", "500 before effect", "hang up before", "truncate")),
                     "match": UPLOADS, "retry_after": 1},)
        case low if low < 0.2:
            return (_on_reads(READS, chance),)
    lost = _on_creates(FAULTS[turn % len(FAULTS)], chance)
    return (lost, _on_reads(LOOKS, chance)) if chance.random() < 0.3 else (lost,)


def _on_reads(match: str, chance: random.Random) -> dict[str, Any]:
    return {"fault": chance.choice(("500 before effect", "hang up before", "stall", "not JSON", "429", "truncate")),
            "match": match, "times": chance.choice((1, 2)), "retry_after": 1}


def _on_creates(fault: str, chance: random.Random) -> dict[str, Any]:
    seconds = {"slow": chance.choice((0.5, 3.0)), "late effect": LATE_S}.get(fault)
    times = chance.choice((1, 1, 2))
    # a second 401 puts a thread back for a quarter of an hour, which no trial waits for
    line = {"fault": fault, "times": 1 if fault == "401" else times, "retry_after": 1}
    return line | ({"seconds": seconds} if seconds else {})


def _store_fault(chance: random.Random, store: str, turn: int) -> tuple[str, str, int] | None:
    if chance.random() < 0.5:
        return None
    kinds = S3_FAULTS if store == "s3" else DIR_FAULTS
    what = chance.choice((*RECORDS[:4], "payload", "media", "done"))
    return kinds[turn % len(kinds)], what, chance.choice((1, 1, 2, 12))


def _with_strikes(trial: Trial, chance: random.Random, turn: int) -> Trial:
    """Out of every twelve: eight kills at a point, one at any point or moment, two stops, one left alone."""
    lap, hour = divmod(turn, 12)
    if hour < 8:
        return _reached(trial, POINTS[(lap * 8 + hour) % len(POINTS)], chance)
    match hour:
        case 8 if chance.random() < 0.4:
            return _reached(trial, ANY, chance)
        case 8:
            return trial._replace(kill_after_s=chance.uniform(0.02, 1.5))
        case 9:         # `retry` on class R promises nothing to a worker that sleeps before its write (section 8)
            nth = 2 if len(trial.units()) > 1 and chance.random() < 0.4 else 1
            point = "before publish" if chance.random() < 0.6 else chance.choice(POINTS)
            retry = trial.retry and not (trial.network == "facebook_page" and point in _BEFORE_ITS_BYTES)
            then = Strike(f"{chance.choice(('before', 'after'))} create evidence", 1) if chance.random() < 0.3 else None
            return trial._replace(rounds=((Strike(point, nth, "stop", then),),), workers=1, retry=retry,
                                  foreign=False)
        case 10:
            slowed = chance.choice(({"fault": "slow", "seconds": 0.7}, {"fault": "stall after effect"}))
            return trial._replace(stop_on_effect=True, workers=1, faults=(slowed,), fault_later=False, foreign=False)
    return trial


def _reached(trial: Trial, point: str, chance: random.Random) -> Trial:
    """`trial` with a kill at `point`, and with what it takes to come there."""
    what = point.split(" ", 1)[-1]
    nth = chance.choice((1, 1, 2)) if what != ANY else chance.randrange(1, 60)
    strikes: tuple[Strike | None, ...] = (Strike(point, nth),)
    if trial.workers > 1 and chance.random() < 0.4:
        strikes = (*strikes, Strike(ANY, chance.randrange(1, 60)))
    rounds: tuple[tuple[Strike | None, ...], ...] = (strikes,)
    match what:
        case "create media" | "prepare":
            trial = trial._replace(image=True)
            rounds = ((Strike(point, 1), *strikes[1:]),)
        case "create sent":
            trial = trial._replace(comment=True)
            rounds = ((Strike(point, 1), *strikes[1:]),)
        case "create unknown" | "find" | "list evidence" | "get payload":
            trial = trial._replace(faults=(_on_creates(chance.choice(DOUBTFUL), chance),), fault_later=False)
            rounds = ((Strike(point, 1), *strikes[1:]),)
        case "create notsent":
            trial = trial._replace(faults=(_on_creates("429", chance),), fault_later=False)
        case "get ledger":
            rounds = ((Strike("after create claim", 1), *strikes[1:]), (Strike(point, 1),))
        case _ if what in _ONCE:
            rounds = ((Strike(point, 1), *strikes[1:]),)
    if len(rounds) == 1 and chance.random() < 0.35:
        rounds = (*rounds, (Strike(chance.choice(POINTS), 1),))
    return trial._replace(rounds=rounds)
