"""Content as a large organisation would have it: posts of four years, on fifty channels, in a dozen languages.

The same count and seed give the same bytes. Everything is made up; addresses are of example.org (RFC 2606). What the
organisation is, and how it speaks, stands in `organisation.yaml`.
"""
import os
import struct
import subprocess
import zlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import yaml

FIRST, LAST = date(2025, 7, 1), date(2029, 6, 30)
CLOCKS = tuple(time(hour, minute) for hour in range(8, 20, 3) for hour, minute in ((hour, 0), (hour + 1, 30)))
"""When fixed posts go out, on a wall: every ninety minutes. The free slots of the channels lie between."""
SLOTS = {network: [f"{day} {clock}" for day in ("mon", "tue", "wed", "thu", "fri", "sat") for clock in clocks]
         for network, clocks in (("mastodon", ("08:47", "11:47", "14:47")), ("x", ("08:55", "11:55", "14:55")),
                                 ("facebook", ("09:03", "12:03", "15:03")))}
MOST_WEIGHT = 262
"""Of a text with its hashtags and link: X takes 280, and `push` writes a little more into some."""
LINK_WEIGHT = 25
DAY = timedelta(days=1)
WHO = {f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER") for what, value in
       (("NAME", "Wren"), ("EMAIL", "wren@menders.example.org"), ("DATE", "1767225600 +0000"))}


class City(NamedTuple):
    """A place and its accounts: one on Mastodon (m), on X (x), a Facebook Page (f)."""

    id: str
    zone: str
    language: str
    networks: str

    def channels(self) -> tuple[str, ...]:
        return tuple(f"{'facebook' if n == 'f' else 'x' if n == 'x' else 'mastodon'}-{self.id}" for n in self.networks)


class Seat(NamedTuple):
    """A post that is still to be written: where and when. `after`: what it follows, and by how many days."""

    number: int
    city: City
    channels: tuple[str, ...]
    form: str
    at: datetime
    campaign: str | None = None
    after: str = ""

    @property
    def stem(self) -> str:
        return f"{self.city.id}-{self.number:06d}"

    @property
    def path(self) -> str:
        if self.form in ("every", "series"):
            return f"evergreen/{'little-tips/' if self.form == 'series' else ''}{self.stem}.md"
        home = f"campaigns/{self.campaign}/posts" if self.campaign else f"posts/{self.at:%Y/%m}"
        return f"{home}/{self.stem}.md"


_OURS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("organisation.yaml").read_text(encoding="utf-8"))
CITIES = tuple(City(*city) for city in _OURS["cities"])
CAMPAIGNS = {f"mend-{n:02d}": (FIRST + (60 + 84 * n) * DAY, FIRST + (115 + 84 * n) * DAY, CITIES[n % 3::3])
             for n in range(16)}
FORMS = {"at": 72, "map": 6, "date": 4, "next": 6, "next after": 3, "weekly": 3, "after": 5, "every": 0.4}
EMOJI = (" 🔧", " 🪛", " 🫖", " 👩\u200d🔧", " 👏🏽", " 🚲 ♻️",
         " 🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f")
PICTURES = tuple(f"bench-{number:02d}.png" for number in range(1, 13))


def posts(count: int, seed: int = 1) -> dict[str, str]:
    """`count` posts by their path in the content folder."""
    random = Random(seed)
    seats = list(_seats(count, random))
    asking = _asking(seats, random)
    return {seat.path: _post(seat, seat.number in asking, random) for seat in seats}


def folder(count: int, seed: int = 1) -> dict[str, str]:
    """The text files of a content folder with `count` posts; the pictures that they name are in `pictures()`."""
    channels = "".join(_OURS["channel"].format(
        id=id, city=city, connection=id.upper().replace("-", "_"), slots=", ".join(SLOTS[id.split("-")[0]]),
        network="facebook_page" if id.startswith("facebook") else id.split("-")[0],
        handle=f"@menders@{city.id}.example.org" if id.startswith("mastodon") else f"menders_{number}",
    ) for number, city in enumerate(CITIES) for id in city.channels())
    files: dict[str, str] = dict(_OURS["files"])
    files["networks/channels.yaml"] = f"stagger: 10m\nmin_gap: 25m\nchannels:\n{channels}"
    files["media/library.yaml"] = "".join(_OURS["picture"].format(name=name) for name in PICTURES)
    for number, (id, (start, end, cities)) in enumerate(CAMPAIGNS.items(), 1):
        files[f"campaigns/{id}/campaign.yaml"] = _OURS["campaign"].format(
            id=id, number=number, start=start, end=end, asked=start - 30 * DAY, middle=start + 28 * DAY,
            until=end + 120 * DAY, channels=", ".join(channel for city in cities for channel in city.channels()))
    return files | posts(count, seed)


def pictures() -> dict[str, bytes]:
    """The pictures that posts name, by path: PNG files of one grey, 320 by 180 pixels."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 320, 180, 8, 0, 0, 0, 0))
    return {f"media/{name}": head + chunk(b"IDAT", zlib.compress(bytes([0] + [90 + 10 * n] * 320) * 180))
            + chunk(b"IEND", b"") for n, name in enumerate(PICTURES)}


def written(home: Path, count: int, seed: int = 1, commit: bool = False) -> None:
    """Writes the folder to `home`; with `commit`, the folder around it becomes a Git repository that holds it."""
    files = {path: text.encode() for path, text in folder(count, seed).items()} | pictures()
    for parent in {(home / path).parent for path in files}:
        parent.mkdir(parents=True, exist_ok=True)
    for path, data in files.items():
        (home / path).write_bytes(data)
    if commit:
        stream = [b"commit refs/heads/main\ncommitter Wren <wren@menders.example.org> 1767225600 +0000\n"
                  b"data 9\nAll posts\n"]
        for path, data in files.items():
            stream.append(b"M 100644 inline %s\ndata %d\n%s\n" % (f"{home.name}/{path}".encode(), len(data), data))
        _git(home.parent, "init", "--quiet", "--initial-branch=main")
        _git(home.parent, "fast-import", "--quiet", stdin=b"".join(stream))
        _git(home.parent, "read-tree", "HEAD")
        _git(home.parent, "update-index", "-q", "--refresh")


def push(repository: Path, changed: int = 10, seed: int = 1) -> str:
    """Commits a change to `changed` posts of what `written` made, edits first, and returns the commit.

    Of ten, five get another text, two another day, two are new, one is gone.
    """
    random = Random(seed)
    listed = [path for path in _git(repository, "ls-files", "*.md").decode().splitlines() if "/posts/" in path]
    free = [path for path in listed if path[-4] not in "05"]      # nothing waits for posts with such numbers
    touched = random.sample(free, changed)
    for number, path in enumerate(touched):
        file = repository / path
        head, _, body = file.read_text(encoding="utf-8").partition("\n---\n")
        if number % 10 == 9:
            file.unlink()
        elif number % 10 in (4, 8):
            file = file.with_stem(f"late-{seed}-{number}")
            signed = "approved_by: [ilse]\n" if "campaigns" in file.parts else ""
            text = f"---\nslot: next\nchannels: [mastodon-dublin]\n{signed}---\n{body}"
            file.write_text(text, encoding="utf-8")
        elif number % 10 in (2, 6) and "\nat: 20" in head:
            day = head.split("\nat: ", 1)[1][:10]
            head = head.replace(day, str(date.fromisoformat(day) + DAY), 1)
            file.write_text(f"{head}\n---\n{body}", encoding="utf-8")
        else:
            first, _, rest = body.partition("\n")
            file.write_text(f"{head}\n---\n{first} (2)\n{rest}", encoding="utf-8")
    _git(repository, "add", "--all", "--", *sorted({str(Path(path).parent) for path in touched}))
    _git(repository, "commit", "--quiet", "--message", f"Change {changed} posts")
    return _git(repository, "rev-parse", "HEAD").decode().strip()


# --- where and when ------------------------------------------------------------------------------------------------


def _seats(count: int, random: Random) -> Iterator[Seat]:
    taken: set[tuple[str, datetime]] = set()
    anchors: dict[str, list[Seat]] = defaultdict(list)
    for number in range(count):
        city = random.choice(CITIES)
        form = random.choices(list(FORMS), list(FORMS.values()))[0] if number >= min(12, count // 20) else "series"
        channels = tuple(c for c in city.channels() if random.random() < 0.6) or city.channels()[:1]
        campaign, others, after, first, last = None, [], "", FIRST, LAST
        if form in ("at", "map") and random.random() < 0.15:
            campaign = random.choice([id for id, (_, _, cities) in CAMPAIGNS.items() if city in cities])
            first, last, _ = CAMPAIGNS[campaign]
            first += DAY                                          # its first day has begun everywhere by then
        clocks = (time(),) if form == "date" else CLOCKS          # one such post a day: it takes a free slot
        at = _free(city, first, (last - first).days, clocks, taken, random)
        if form == "after" and (anchor := random.choice(anchors[city.id] or [None])) is not None:
            days = next((days for days in range(1, 90) if (city.id, anchor.at + days * DAY) not in taken), 90)
            at, channels = anchor.at + days * DAY, tuple(c for c in anchor.channels if c in city.channels())
            name = f"{anchor.campaign or 'posts'}/{anchor.stem}" if random.random() < 0.5 else anchor.stem
            after = f"{name} + {days}d"
        elif form == "after":
            form = "next"
        elif form == "weekly":
            channels = channels[:2]
        if form == "at" and campaign is None and random.random() < 0.05:
            others = [c for c in random.sample(CITIES, 2) if c != city and (c.id, at) not in taken]
            channels += tuple(c.channels()[0] for c in others)
        if form in ("at", "map", "date", "after"):
            taken |= {(c.id, at) for c in (city, *others)}
        seat = Seat(number, city, channels, form, at, campaign, after)
        if form == "at" and number % 5 == 0:
            anchors[city.id].append(seat)
        yield seat


def _free(city: City, first: date, days: int, clocks: tuple[time, ...], taken: set[tuple[str, datetime]],
          random: Random) -> datetime:
    """A time on a working day at which nothing else goes out in `city`, if a hundred tries find one."""
    for _ in range(100):
        day = first + random.randrange(days) * DAY
        at = datetime.combine(day - DAY if day.weekday() == 6 and day > first else day, random.choice(clocks))
        if (city.id, at) not in taken:
            break
    return at


def _asking(seats: list[Seat], random: Random) -> set[int]:
    """The posts of campaigns that ask for something: seldom, and only where much was given before."""
    asking: set[int] = set()
    given: dict[str, int] = defaultdict(int)
    last: dict[str, datetime] = {}
    for seat in sorted((s for s in seats if s.form in ("at", "map", "date")), key=lambda s: (s.at, s.number)):
        ready = all(given[channel] >= 14 and seat.at > last[channel] for channel in seat.channels)
        if seat.campaign and ready and random.random() < 0.6:
            asking.add(seat.number)
            given.update(dict.fromkeys(seat.channels, 0))
            last.update(dict.fromkeys(seat.channels, seat.at + 6 * DAY))
        else:
            for channel in seat.channels:
                given[channel] += 1
                last.setdefault(channel, seat.at + 100 * DAY)
    return asking


# --- what it says --------------------------------------------------------------------------------------------------


def _post(seat: Seat, asks: bool, random: Random) -> str:
    chance = random.random
    voice = _OURS["voices"][seat.city.language]
    link = asks or chance() < 0.35
    tags = random.sample(voice["tags"], min(len(voice["tags"]), random.choice((1, 1, 2)))) if chance() < 0.55 else []
    intent = "ask" if asks else random.choices(("", "give", "inform", "respond"), (45, 25, 18, 12))[0]
    head = [_time(seat, random)]
    if seat.form != "series":
        head.append(f"channels: [{', '.join(seat.channels)}]")
    if intent:
        head.append(f"intent: {intent}")
    if asks:
        head += ["tactic: asks", "goal: new-members"]
    elif intent in ("", "give") and chance() < 0.5:
        head.append(f"tactic: {random.choice(('fix-tips', 'open-questions'))}")
    if link:
        head.append(f"link: https://menders.example.org/{seat.city.language}/{'join' if asks else seat.stem}")
    if chance() < 0.25:
        names = random.sample(PICTURES, random.choice((1, 1, 1, 2, 4)))
        head.append(f"media: [{', '.join(names)}]" if chance() < 0.7 else
                    f"media:\n  - file: {names[0]}\n    alt: Hands hold a lamp open above bench {seat.number % 9 + 1}.")
    if tags:
        head.append(f"hashtags: [{', '.join(tags)}]")
    approved = ("approved_by: [ilse]", 1.0) if seat.campaign else ("approved_by: [odile]", 0.3)
    for line, share in (("audience: menders", 0.2), ("pillar: community", 0.1), ("author: wren", 0.2), approved,
                        ("grace: 4h", 0.02), (f"language: {seat.city.language}", 0.1),
                        ("x-desk: seen on Monday", 0.03)):
        if chance() < share:
            head.append(line)
    if seat.number % 5 and chance() < 0.025:                      # others may wait for every fifth post
        head.append(random.choice(("draft: true", "draft: true", "draft: true", "hold: waiting for the photographer")))
    if seat.form == "next" and chance() < 0.1:
        head.append("timezone: Europe/Dublin")
    if seat.form == "at" and chance() < 0.03:
        head.append(f"not_after: {seat.at + DAY:%Y-%m-%d %H:%M}")
    room = MOST_WEIGHT - (LINK_WEIGHT if link else 0) - sum(_weight(tag) + 2 for tag in tags)
    body = _body(seat, asks, voice, room, random)
    return "---\n" + "\n".join(line for line in head if line) + f"\n---\n{body}\n"


def _time(seat: Seat, random: Random) -> str:
    at = f"{seat.at:%Y-%m-%d %H:%M}"
    match seat.form:
        case "at":
            return f"at: {at}"
        case "map":
            own = f"{seat.at + timedelta(minutes=random.choice((30, 35, 40))):%Y-%m-%d %H:%M}"
            return f"at:\n  default: {at}\n  {seat.channels[-1]}: {own}"
        case "date":
            return f"at: {at[:10]}"
        case "next after":
            return f"slot: next after {at[:10]}"
        case "weekly":
            network = seat.channels[0].split("-")[0]
            return f"slot: {random.choice(SLOTS[network])}"
        case "after":
            return f"after: {seat.after}"
        case "every":
            return f"every: 4w on sunday at {at[11:]}\nfrom: {at[:10]}\nruns: {random.randrange(2, 9)}"
        case "series":
            return ""
    return "slot: next"


def _body(seat: Seat, asks: bool, voice: dict[str, Any], room: int, random: Random) -> str:
    chance = random.random
    emoji = random.choice(EMOJI) if chance() < 0.4 else ""
    room -= _weight(emoji)
    words = "Mend one thing with us, and your first month is free: join today." if asks else ""
    short = f"{_text(voice, room, random, words)}{emoji}"
    xs = [channel for channel in seat.channels if channel.startswith("x-")]
    sections = [short]
    if chance() < 0.04:
        sections = ["\n\n***\n\n".join([short, *(_text(voice, room, random) for _ in range(random.randrange(1, 4)))])]
    elif chance() < 0.25:
        long = f"{_text(voice, 190, random, words)}\n\n{_text(voice, 190, random)}"
        if chance() < 0.2:
            long += "\n\n" + "\n".join(f"- {thing}" for thing in voice["things"][:3])
        sections = [long, *([f"## on {', '.join(xs)}\n{short}"] if xs else [])]
    if seat.form == "every":
        sections += [f"## or\n{_text(voice, room, random)}" for _ in range(random.randrange(1, 3))]
    if any(channel.startswith("facebook") for channel in seat.channels) and chance() < 0.03:
        page = next(channel for channel in seat.channels if channel.startswith("facebook"))
        sections.append(f"## first comment on {page}\n{_text(voice, 120, random)}")
    if chance() < 0.05:
        sections.append("## notes\nAsk Maren whether the picture may be used again.")
    if chance() < 0.02:
        sections[0] += "\n\n<!-- the numbers are from Thursday's list -->"
    return "\n\n".join(sections)


def _text(voice: dict[str, Any], room: int, random: Random, words: str = "") -> str:
    """Sentences that weigh `room` at most; some end with a question. As long as people write: seldom all of it."""
    room = min(room, random.choice((90, 140, 200, 280)))
    lines = random.sample(voice["lines"], min(len(voice["lines"]), 5))
    if random.random() < 0.45:
        lines.insert(random.randrange(1, 3), random.choice(voice["questions"]))
    for line in lines:
        more = line.format(thing=random.choice(voice["things"]), n=random.randrange(2, 60))
        if words and _weight(words) + 1 + _weight(more) > room:
            break
        words += (voice["joint"] if words else "") + more
    return words


def _weight(text: str) -> int:
    """What X counts for `text`, or a little more."""
    return sum(1 if ord(character) < 0x1100 else 2 for character in text)


def _git(home: Path, *words: str, stdin: bytes | None = None) -> bytes:
    environment = os.environ | WHO | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *words], cwd=home, env=environment, input=stdin, capture_output=True, check=True)
    return done.stdout
