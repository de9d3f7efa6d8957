"""What a soak plays: who writes, edits, removes, breaks and holds what on which day. All of it follows from a seed."""
import random
import struct
import zlib
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from trials import Trial

HANDLES = {"mastodon": "@mill", "x": "mill", "facebook_page": "mill"}
CHANNELS = {"mastodon": "mastodon", "x": "x", "facebook": "facebook_page"}
# a fast clock runs hours on between two looks of a shift, so what is resumed must not be too late by then
FRAME = {"networks/channels.yaml": "stagger: 1m\nchannels:\n" + "".join(
            f'  - {{id: {id}, network: {network}, handle: "{HANDLES[network]}", grace: 5d}}\n'
            for id, network in CHANNELS.items()),
         "strategy.yaml": "strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n"}
BROKEN = {"networks/channels.yaml": "stagger: 1m\nchannels: [\n"}
WRITTEN_AHEAD, EDITED_AHEAD = 4, 2      # days, at least: a shift needs a second or two to see a commit, that is a day
_FIRST_HOUR, _LAST_HOUR = 6, 22
_SIDE = 180                             # pixels; noise, so about 97 kB a picture
# on a fast clock a late effect lands hours after its call: past the quiet time, and past the hour in which Mastodon
# knows our key. X refuses what it has had within a day; what the others make of it, `kill` tries by the real clock
_LATE_ON = ("x",)
_FAULTS: tuple[dict[str, Any], ...] = (
    {"fault": "429", "seconds": 0.5, "retry_after": 1_800}, {"fault": "500 before effect", "times": 2},
    {"fault": "500 after effect", "times": 2}, {"fault": "hang up before", "times": 1},
    {"fault": "hang up after effect", "times": 2}, {"fault": "slow", "times": 2, "seconds": 0.4},
    {"fault": "not JSON", "times": 2}, {"fault": "truncate", "times": 1}, {"fault": "503", "times": 3},
    {"fault": "late effect", "times": 1, "seconds": 0.3})


class SoakTrial(Trial):
    """One slot as the judge takes it; here slots share accounts."""

    @property
    def handle(self) -> str:
        return HANDLES[self.network]


class Note(NamedTuple):
    """One post of the season."""

    number: int
    day: int
    at: datetime
    channels: tuple[str, ...]
    parts: int
    picture: bool
    comment: bool
    edited: bool
    removed: bool

    @property
    def path(self) -> str:
        return f"posts/n{self.number:05}.md"

    @property
    def slots(self) -> dict[str, str]:
        """Each slot, and its channel."""
        return {f"posts/n{self.number:05}@{channel}#1": channel for channel in self.channels}

    @property
    def token(self) -> str:
        return f"soak{self.number:05}"

    def trial(self, channel: str) -> SoakTrial:
        return SoakTrial(self.token, CHANNELS[channel], parts=self.parts, image=self.picture, comment=self.comment)

    def edition(self, *, last: bool) -> str:
        return f"{'Second' if last and self.edited else 'First'} edition."

    def files(self, *, last: bool) -> dict[str, str | bytes]:
        """The post, and its picture. `last`: as it is after it was edited, if it is."""
        words = [f"Tool night {self.token}q{part}: bring what is broken." for part in range(self.parts)]
        words[0] += f" {self.edition(last=last)}"
        body = "\n\n***\n\n".join(words)
        if self.comment:
            body += f"\n\n## first comment\nTool night {self.token}q{self.parts}: the hall is open from six."
        media = f"media: [{{file: {self.token}.png, alt: A bench}}]\n" if self.picture else ""
        head = f"at: {self.at:%Y-%m-%d %H:%M}\nchannels: [{', '.join(self.channels)}]\n{media}"
        files: dict[str, str | bytes] = {self.path: f"---\n{head}---\n{body}\n"}
        return files | ({f"media/{self.token}.png": picture(self.number)} if self.picture else {})


class Pause(NamedTuple):
    """A person holds, and resumes some hours later. `channel` None: everything."""

    begins: datetime
    ends: datetime
    channel: str | None
    late: str


class Season(NamedTuple):
    """A number of days from `begins` on (a midnight, UTC). `ahead`: so many days before its own a post is written."""

    seed: int
    days: int
    posts_per_day: int
    begins: datetime
    stalls: bool = True     # a minute of real time each
    ahead: int = WRITTEN_AHEAD

    @property
    def ends(self) -> datetime:
        return self.begins + timedelta(days=self.days)

    def notes(self) -> tuple[Note, ...]:
        """Every post, by its time."""
        chance, made = random.Random(f"notes {self.seed}"), list[Note]()
        for day in range(self.days):
            minutes = sorted(chance.randrange(_FIRST_HOUR * 60, _LAST_HOUR * 60) for _ in range(self.posts_per_day))
            for minute in minutes:
                fate = chance.random() if day >= WRITTEN_AHEAD else 1.0
                made.append(Note(
                    len(made), day, self.begins + timedelta(days=day, minutes=minute),
                    tuple(sorted(chance.sample(list(CHANNELS), chance.choice((1, 1, 2))))),
                    chance.choice((1, 1, 1, 1, 3)), chance.random() < 0.2, chance.random() < 0.15,
                    edited=0.05 <= fate < 0.25, removed=fate < 0.05))
        return tuple(made)

    def faults(self, day: int) -> list[dict[str, Any]]:
        """The networks' script for a day: two or three faults, and once a week a call that hangs for a minute."""
        chance = random.Random(f"faults {self.seed} {day}")
        script = [{**fault, "network": chance.choice(_LATE_ON if fault["fault"] == "late effect" else tuple(HANDLES)),
                   "after": chance.randrange(4)} for fault in chance.sample(_FAULTS, chance.choice((2, 3)))]
        if self.stalls and day % 7 == 5:
            script.append({"fault": "stall" if day % 14 == 5 else "stall after effect", "network": "mastodon"})
        return script

    def pauses(self) -> tuple[Pause, ...]:
        """Every fourth day from ten to four: all, then one channel; sent late, left out, moved."""
        found = []
        for number, day in enumerate(range(1, self.days, 4)):
            noon = self.begins + timedelta(days=day, hours=10)
            channel = (None, *CHANNELS)[number % (len(CHANNELS) + 1)]
            found.append(Pause(noon, noon + timedelta(hours=6), channel, ("send", "skip", "reschedule")[number % 3]))
        return tuple(found)

    def is_broken(self, day: int) -> bool:
        """Whether somebody commits a list of channels that nobody can read, and mends it the next midnight."""
        return day % 7 == 4 and day < self.days - 1


def picture(number: int) -> bytes:
    """A PNG of noise; another number, other noise."""
    noise = random.Random(number).randbytes(3 * _SIDE * _SIDE)
    rows = b"".join(b"\0" + noise[3 * _SIDE * row:3 * _SIDE * (row + 1)] for row in range(_SIDE))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))
