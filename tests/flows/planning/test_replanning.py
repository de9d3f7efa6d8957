"""A push costs what it changed: the plan made from the changes is the plan made from the whole."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import publishers
from flows.planning.condensing import Almanac, Card, Line, condense, frame_of
from flows.planning.preparing import NOBODY_ELSE, Others, Prepared, prepare
from flows.planning.reading import is_post
from flows.planning.replanning import Change, replan
from schemas.content import SourceFile
from schemas.hold import Moved
from schemas.ledger import Slot

Sources = Callable[[Mapping[str, str | None]], list[SourceFile]]
NOON = datetime(2027, 1, 4, 12, tzinfo=UTC)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=120)
FRAME = {
    "networks/channels.yaml": "channels:\n"
    '  - {id: a, network: mastodon, handle: "@a@s.example", slots: ["tue 08:45", "thu 12:30"], max_per_day: 2}\n'
    '  - {id: b, network: x, handle: "@b", slots: ["wed 09:00"], timezone: Asia/Tokyo}\n',
    "calendar/blackouts.yaml": "blackouts: [{id: shut, from: 2027-01-21, to: 2027-01-22}]\n",
    "campaigns/c/campaign.yaml": "start: 2027-01-01\nend: 2027-02-20\nmaintenance: {thanks: p1}\n",
    "evergreen/s/series.yaml": "slot: sat 10:00\nmin_repeat: 2w\n",
    "evergreen/s/one.md": "---\n---\nOne.\n",
    "media/a.jpg": "JPEG",
    "media/b.jpg": "JPEG",
}


class Book:
    """A content folder, the plan of all of it in short, and how to think of some of its posts."""

    def __init__(self, sources: Sources) -> None:
        self.sources = sources
        self.resumed: dict[Slot, Moved] = {}
        self.read: list[str] = []

    def files(self, posts: Mapping[str, str]) -> list[SourceFile]:
        return self.sources({**FRAME, **posts})

    def whole(self, posts: Mapping[str, str], kept: Mapping[Slot, datetime], now: datetime) -> dict[str, Card]:
        files = self.files(posts)
        return condense(self.think(files, kept, NOBODY_ELSE, now), [file for file in files if is_post(file.path)])

    def think(
        self, files: Iterable[SourceFile], kept: Mapping[Slot, datetime], others: Others, now: datetime
    ) -> Prepared:
        return prepare(
            files,
            "content",
            "c",
            networks=publishers.available(),
            judge=publishers.judge,
            now=now,
            kept=kept,
            resumed=self.resumed,
            others=others,
        )

    def almanac(self, posts: Mapping[str, str], now: datetime = NOON) -> Almanac:
        files = self.files(posts)
        prepared = self.think(files, {}, NOBODY_ELSE, now)
        made = Almanac("c", frame_of(prepared, [file for file in files if not is_post(file.path)]), {})
        made.fill(condense(prepared, [file for file in files if is_post(file.path)]).items())
        return made

    def pushed(self, almanac: Almanac, before: Mapping[str, str], after: Mapping[str, str], now: datetime) -> None:
        """Brings `almanac` from `before` to `after` by what lies between them."""
        old, new = ({file.path: file for file in self.files(posts)} for posts in (before, after))
        frame = [file for path, file in new.items() if not is_post(path)]
        changes = [
            Change(path, new.get(path))
            for path in sorted({*old, *new})
            if is_post(path) and old.get(path) != new.get(path)
        ]

        def look(paths: Iterable[str]) -> list[SourceFile]:
            self.read += paths
            return [new[path] for path in paths]

        made = replan(
            almanac, changes, look, lambda files, kept, others: self.think([*frame, *files], kept, others, now),
            resumed=self.resumed,
        )
        for path, card in made.cards.items():
            almanac.put(path, card)


days = st.datetimes(datetime.fromisoformat("2027-01-05"), datetime.fromisoformat("2027-02-28"))
texts = st.sampled_from(
    ["Hello there, this is one text that we say.", "Quite another text about a drill.", "Third.", "TODO"]
)
fronts = st.one_of(
    st.just("slot: next\n"),
    st.just("slot: thu 12:30\n"),
    days.map(lambda m: f"at: {m:%Y-%m-%d %H:%M}\n"),
    days.map(lambda m: f"at: {m:%Y-%m-%d}\n"),
    days.map(lambda m: f"slot: next after {m:%Y-%m-%d}\n"),
    days.map(lambda m: f"slot: next\nnot_after: {m:%Y-%m-%d %H:%M}\n"),
    st.just("at: {default: 2027-01-05 09:00, a: soon}\n"),
    st.tuples(st.integers(0, 9), st.sampled_from(["1d", "90m", "1w at 09:30"])).map(
        lambda pair: f"after: p{pair[0]} + {pair[1]}\n"
    ),
    days.map(lambda m: f"every: 2w on tue\nfrom: {m:%Y-%m-%d}\nruns: 3\n"),
    st.just("draft: true\n"),
    st.just("id: p3\nat: 2027-01-12 09:00\n"),
    st.just("nonsense: 1\n"),
    st.just("media: [a.jpg]\nslot: next\n"),
)
posts = st.tuples(fronts, st.sampled_from(["", "channels: [b]\n", "hold: wait\n"]), texts).map(
    lambda parts: f"---\n{parts[0]}{parts[1]}---\n{parts[2]}\n"
)
paths = st.sampled_from(
    [
        *(f"posts/p{n}.md" for n in range(7)),
        "campaigns/c/posts/p1.md",
        "evergreen/s/two.md",
        "posts/2027/p8.md",
        "evergreen/p9.md",
    ]
)
folders = st.dictionaries(paths, posts, max_size=9)
pushes = st.dictionaries(paths, st.none() | posts, min_size=1, max_size=4)
resumes = st.dictionaries(
    st.integers(0, 20),
    st.none() | st.sampled_from(["05 08:45", "06 00:00", "07 12:30", "09 10:00", "12 08:00", "14 13:00"]).map(
        lambda at: datetime.fromisoformat(f"2027-01-{at}").replace(tzinfo=UTC)),
    max_size=3,
)
"""The number of a slot, and its new time."""


def told(cards: Mapping[str, Card], now: datetime) -> dict[str, Card]:
    """The cards; whether what is over still waits is nobody's matter any more."""
    def blurred(line: Line) -> Line:
        end = None if line.at is None else line.at + (line.grace_s if line.goes else 0)
        return line if end is None or end >= now.timestamp() else line._replace(
            goes=False, takes=False, grace_s=0, why="")

    def lines(card: Card) -> tuple[Line, ...]:
        return tuple(sorted(map(blurred, card.lines), key=lambda line: (line.channel, line.run)))

    return {path: card._replace(lines=lines(card)) for path, card in sorted(cards.items())}


def found(cards: Mapping[str, Card]) -> dict[Slot, datetime]:
    return {
        card.slot(line): datetime.fromtimestamp(line.at, UTC)
        for card in cards.values()
        for line in card.lines
        if line.found and line.at is not None
    }


def state(almanac: Almanac) -> dict[str, Any]:
    """All that an almanac holds, in one order."""
    indexes = ("paths", "followers", "media")
    return {
        "cards": dict(sorted(almanac.cards.items())),
        "seekers": almanac.seekers,
        "turns": almanac.turns,
        "taken": {channel: list(times) for channel, times in almanac.taken.items() if times},
        **{
            name: {c: list(times) for c, times in getattr(almanac, name).items() if times} for name in ("found", "said")
        },
        **{name: {key: sorted(held) for key, held in getattr(almanac, name).items()} for name in indexes},
    }


@QUIET
@given(before=folders, push=pushes, later=st.integers(0, 20), late=resumes)
@example(before={f"posts/p{n}.md": "---\nat: 2027-01-05 00:00\n---\nThird.\n" for n in (2, 3)},
         push={"posts/p1.md": None}, later=1, late={})
def test_the_plan_of_the_changes_is_the_plan_of_the_whole(
    before: dict[str, str], push: dict[str, str | None], later: int, late: dict[int, datetime | None], sources: Sources
) -> None:
    """Whatever is added, edited, moved or removed: card for card, and index for index."""
    book, now = Book(sources), NOON + timedelta(days=later)
    almanac = book.almanac(before)
    kept = found(almanac.cards)
    lines = sorted((card.slot(line), line.at) for card in almanac.cards.values() for line in card.lines if line.at)
    book.resumed = {lines[number][0]: Moved(was=datetime.fromtimestamp(lines[number][1], UTC), at=at)
                    for number, at in late.items() if number < len(lines)}
    after = {path: text for path, text in {**before, **push}.items() if text is not None}

    book.pushed(almanac, before, after, now)

    assert told(almanac.cards, now) == told(book.whole(after, kept, now), now)
    anew = Almanac("c", almanac.frame, {})
    anew.fill(almanac.cards.items())
    assert state(almanac) == state(anew)


def test_only_what_is_touched_is_read(sources: Sources) -> None:
    """One edited text in a thousand posts reads that post and those that take turns, and no other."""
    book = Book(sources)
    before = {
        f"posts/p{n}.md": f"---\nat: 2027-{1 + n % 12:02}-{1 + n // 40:02} 09:{n % 60:02}\n---\nText {n}.\n"
        for n in range(1000)
    }
    almanac = book.almanac(before)

    book.pushed(almanac, before, {**before, "posts/p7.md": before["posts/p7.md"] + "More.\n"}, NOON)

    assert len(book.read) < 12
