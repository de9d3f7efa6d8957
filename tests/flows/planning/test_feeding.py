"""What calendars read back from a feed is what the plan says, whatever the posts say."""
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pytest
import vobject
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import publishers
from flows.edges.repository import working_tree
from flows.planning.feeding import LENGTH, Event, events, feed
from flows.planning.preparing import Prepared, prepare
from schemas.content import SourceFile
from schemas.ledger import PartReceipt, Slot, Standing, State

Make = Callable[..., Prepared]
NOW = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
NOON = datetime(2027, 3, 2, 12, 0, tzinfo=UTC)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
SAMPLE = Path(__file__).parents[3] / "content"


def post(text: str, front: str = "at: 2027-03-02 12:00\n") -> str:
    return f"---\n{front}---\n{text}\n"


def fed(prepared: Prepared, standings: dict[Slot, Standing] | None = None, now: datetime = NOW) -> bytes:
    return feed(events(prepared.plan.everything(), prepared, standings or {}, now=now), "Ours", now=now)


def read(data: bytes) -> list[Any]:
    """The events of a feed as vobject reads them: a reader that shares no line with what wrote it."""
    return list(vobject.readOne(data.decode()).contents.get("vevent", []))


def an_event(text: str = "Hello", **more: Any) -> Event:
    return Event(**{"uid": "posts.hello~mastodon~1@drumbeat", "at": NOON, "summary": f"mastodon: {text}",
                    "description": text, "channel": "mastodon", **more})


def seen(text: str) -> str:
    """What people can see of a text, said once more and otherwise: no controls, no turning, one kind of line break."""
    for line_end in ("\r\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"):
        text = text.replace(line_end, "\n")
    gone = {*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000),
            0xFFFE, 0xFFFF} - {9, 10}
    return "".join(" " if char == "\t" else char for char in text if ord(char) not in gone)


# --- read back --------------------------------------------------------------------------------------------------------


def test_every_item_of_the_sample_is_read_back() -> None:
    """Each slot that has a time is one event at its time in UTC, with its words, its channel and its state."""
    now = datetime(2026, 10, 1, tzinfo=UTC)
    made = prepare(working_tree(SAMPLE), "content", "working tree", networks=publishers.available(),
                   judge=publishers.judge, now=now)
    timed = {str(one.slot): one for one in made.plan.everything() if one.at is not None}

    found = read(fed(made, now=now))

    by_slot = {re.search(r"^Slot: (\S+)$", event.description.value, re.MULTILINE)[1]: event for event in found}  # type: ignore[index]
    assert len(found) == len(by_slot) == len({event.uid.value for event in found}) == len(timed) > 30
    assert by_slot.keys() == timed.keys()
    for slot, one in timed.items():
        event = by_slot[slot]
        assert (event.dtstart.value, event.dtend.value - event.dtstart.value) == (one.at, LENGTH)
        assert event.dtstamp.value == now
        assert event.categories.value == [one.channel.id]
        assert event.status.value == ("CONFIRMED" if one in made.plan.items else "TENTATIVE")
        assert event.transp.value == "TRANSPARENT"
        if one.slot in made.messages:
            text = made.messages[one.slot].parts[0].text
            assert event.description.value.startswith(text)
            assert event.summary.value.startswith(f"{one.channel.id}: {' '.join(text.split())[:30]}")


def test_two_readers_see_the_same(prepared: Make) -> None:
    """The icalendar package and vobject find the same events at the same times, and no error."""
    made = prepared({"posts/a.md": post("Hello, you; there\\"), "posts/b.md": post("Two\n\nlines", "slot: next\n")})
    data = fed(made)

    calendar = icalendar.Calendar.from_ical(data)
    theirs = {str(event["UID"]): event.decoded("DTSTART") for event in calendar.walk("VEVENT")}

    assert theirs == {event.uid.value: event.dtstart.value for event in read(data)}
    assert len(theirs) == 2
    assert not calendar.errors
    assert not any(event.errors for event in calendar.walk("VEVENT"))
    assert str(calendar["X-WR-CALNAME"]) == "Ours"
    assert calendar["METHOD"] == "PUBLISH"
    assert calendar.decoded("REFRESH-INTERVAL") == timedelta(hours=1)


def test_a_network_that_is_not_supported_yet_shows_its_words(prepared: Make) -> None:
    """What waits for a network is tentative, says why, and still tells what it will say."""
    channels = 'channels:\n  - {id: blue, network: hashnode, handle: us}\n'
    made = prepared({"networks/channels.yaml": channels, "posts/a.md": post("Hello there")})

    (event,) = read(fed(made))

    assert (event.status.value, event.summary.value) == ("TENTATIVE", "blue: Hello there")
    assert "Why: hashnode is not supported yet" in event.description.value


def test_what_is_published_has_its_address(prepared: Make) -> None:
    """A published slot tells when it was sent, and links to it."""
    made = prepared({"posts/a.md": post("Hello")})
    slot, sent = Slot("posts/a", "mastodon"), datetime(2027, 3, 2, 12, 0, 1, tzinfo=UTC)
    receipt = PartReceipt(id="1", url="https://social.example/@us/1")
    standing = Standing(slot, state=State.published, parts=(receipt,), published_at=sent, reason="sent in one go")

    (event,) = read(fed(made, {slot: standing}))

    assert event.url.value == "https://social.example/@us/1"
    assert event.status.value == "CONFIRMED"
    assert "State: published" in event.description.value
    assert "Sent: Tue 2027-03-02 12:00:01 (Europe/Dublin)" in event.description.value


def test_what_has_no_time_is_no_event(prepared: Make) -> None:
    """A slot without a time is in no calendar."""
    channels = 'channels:\n  - {id: mastodon, network: mastodon, handle: "@us@x.example"}\n'
    made = prepared({"networks/channels.yaml": channels, "posts/a.md": post("Hello", "slot: next\n")})

    assert [one.at for one in made.plan.everything()] == [None]
    assert read(fed(made)) == []


# --- nothing gets out of its line -------------------------------------------------------------------------------------

HOSTILE = "Hello\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\r\nSUMMARY:evil"


@given(text=st.text(st.characters(codec=None), max_size=300))
@example(text=HOSTILE)
@example(text="C:\\New \\n \\, \\; \\")
@example(text="a" * 61 + "\n" * 20)
@example(text="é" * 40 + "👩‍💻" * 30)
@example(text="x\x85END:VEVENT\u2028END:VCALENDAR\x0bEND:VEVENT\x1cEND:VEVENT")
@settings(deadline=None, max_examples=300)
def test_any_text_stays_one_value_of_one_event(text: str) -> None:
    """Whatever a post says, the feed holds one event, and readers see the very text."""
    data = feed([an_event(text)], f"Ours {text}", now=NOW)

    (event,) = read(data)
    assert event.description.value == seen(text)
    assert event.summary.value == f"mastodon: {seen(text)}"
    assert event.uid.value == "posts.hello~mastodon~1@drumbeat"
    assert data.count(b"\r\nBEGIN:VEVENT\r\n") == data.count(b"\r\nEND:VEVENT\r\n") == 1


@given(text=st.text(st.characters(codec=None), max_size=400))
@example(text="a" * 61 + "\n" * 20)
@example(text="\\" * 200)
@example(text="ab€" * 60)
@settings(deadline=None, max_examples=300)
def test_lines_are_never_longer_than_75_octets_nor_cut_inside_a_character(text: str) -> None:
    """Every line ends in CRLF, holds 75 octets at most, is UTF-8 by itself, and cuts no escape in two."""
    data = feed([an_event(text)], "Ours", now=NOW)

    assert data.endswith(b"\r\n")
    lines = data[:-2].split(b"\r\n")
    for line, following in zip(lines, [*lines[1:], b""], strict=True):
        assert len(line) <= 75
        assert re.fullmatch("[^\x00-\x08\x0a-\x1f\x7f]*", line.decode())
        assert re.match(rb"[A-Z-]+[;:]| ", line)
        if following.startswith(b" "):
            assert (len(line) - len(line.rstrip(b"\\"))) % 2 == 0, "a fold between \\ and what it escapes"


@given(url=st.text(st.characters(codec=None), max_size=60).map(lambda tail: f"https://x.example/{tail}"))
@example(url="https://x.example/\r\nEND:VEVENT")
@settings(deadline=None)
def test_an_address_never_leaves_its_line(url: str) -> None:
    """An address with spaces, controls or other alphabets is left out; any other is there unchanged."""
    slot = Slot("posts/a", "mastodon")
    made = prepare(_files(post("Hello")), "content", "t", networks=("mastodon",), judge=lambda _: [], now=NOW)
    standing = Standing(slot, state=State.published, parts=(PartReceipt(id="1", url=url),), reason="sent")

    (event,) = read(fed(made, {slot: standing}))

    is_plain = all("!" <= char <= "~" for char in url)
    assert [one.value for one in event.contents.get("url", [])] == ([url] if is_plain else [])


def test_a_hostile_post_stays_one_event(prepared: Make) -> None:
    """A post and a strategy that try to break out of their lines change nothing but their own words."""
    strategy = 'strategy: mend\ntitle: "T\\r\\nEND:VCALENDAR\\r\\nX"\nstart: 2026-09-01\ntimezone: Europe/Dublin\n'
    body = "Hi\nEND:VEVENT\nBEGIN:VEVENT\n\nATTENDEE:mailto:evil@x.example"
    made = prepared({"strategy.yaml": strategy, "posts/a.md": post(body), "posts/b.md": post("Good")})
    data = feed(events(made.plan.everything(), made, {}, now=NOW), made.content.entry("strategy").title, now=NOW)

    assert [event.summary.value for event in read(data)] == [
        "mastodon: Hi END:VEVENT BEGIN:VEVENT ATTENDEE:mailto:evil@x.example", "mastodon: Good"]
    assert not any("attendee" in event.contents for event in read(data))
    assert vobject.readOne(data.decode()).contents["x-wr-calname"][0].value == "T END:VCALENDAR X"


def test_a_secret_is_masked(prepared: Make) -> None:
    """A feed is read by many: what looks like a secret shows its first characters only."""
    secret = "ghp_" + "a1B2" * 9
    data = fed(prepared({"posts/a.md": post(f"Look: {secret}")}))

    assert secret.encode() not in data.replace(b"\r\n ", b"")
    assert "ghp_…" in data.decode()


def test_a_long_text_is_cut(prepared: Make) -> None:
    """A description stays below the 8,192 characters that Google takes, and still names slot and file."""
    channels = "channels:\n  - {id: page, network: facebook_page, handle: us}\n"
    made = prepared({"networks/channels.yaml": channels, "posts/a.md": post("Long words. " * 3000)})

    (event,) = read(fed(made))

    assert 7_900 < len(event.description.value) < 8_192
    assert "Slot: posts/a@page#1\nFile: content/posts/a.md" in event.description.value


def test_signs_that_mean_something_are_escaped() -> None:
    """Commas, semicolons, backslashes and line breaks stand as RFC 5545 (3.3.11) has them."""
    data = feed([an_event("a, b; c\\ d\ne")], "N" * 300, now=NOW)

    assert b"\r\nDESCRIPTION:a\\, b\\; c\\\\ d\\ne\r\n" in data
    assert vobject.readOne(data.decode()).contents["x-wr-calname"][0].value == "N" * 255


# --- the same, again --------------------------------------------------------------------------------------------------


def test_the_same_plan_gives_the_same_bytes(prepared: Make) -> None:
    """Neither the order of files nor that of items shows; another moment changes the stamps only."""
    files = {f"posts/p{n}.md": post(f"Hello {n}", f"at: 2027-03-0{n + 1} 12:00\n") for n in range(5)}
    one, other = prepared(files), prepared(dict(reversed(files.items())))

    assert fed(one) == fed(other)
    shuffled = feed(events(reversed(one.plan.everything()), one, {}, now=NOW), "Ours", now=NOW)
    assert shuffled == fed(one)
    later = fed(one, now=NOW + timedelta(hours=1))
    changed = {line.split(b":")[0] for line, then in zip(later.split(b"\r\n"), fed(one).split(b"\r\n"), strict=True)
               if line != then}
    assert changed == {b"DTSTAMP", b"LAST-MODIFIED", b"SEQUENCE"}


def test_a_later_feed_is_a_later_revision(prepared: Make) -> None:
    """SEQUENCE grows with time and fits 32 bits for a thousand years: calendars take the newer feed for newer."""
    made = prepared({"posts/a.md": post("Hello")})
    moments = [datetime(2026, 1, 1, tzinfo=UTC), NOW, NOW + timedelta(minutes=1), datetime(2999, 1, 1, tzinfo=UTC)]

    numbers = [int(read(fed(made, now=now))[0].sequence.value) for now in moments]

    assert numbers == sorted(set(numbers))
    assert max(numbers) < 2**31


@given(first=st.text("abc xyz.", min_size=1, max_size=30), second=st.text("abc xyz.", min_size=1, max_size=30),
       day=st.integers(1, 28))
@QUIET
def test_a_uid_never_changes_with_time_or_text(first: str, second: str, day: int) -> None:
    """The same slot is the same event, whenever it goes out and whatever it says."""
    made = [prepare(_files(post(f"T {text}", f"at: 2027-03-{on:02d} 12:00\n")), "content", "t",
                    networks=("mastodon",), judge=lambda _: [], now=NOW) for text, on in ((first, 1), (second, day))]

    assert len({read(fed(one))[0].uid.value for one in made}) == 1


def test_uids_differ_where_slots_or_accounts_do(prepared: Make) -> None:
    """Each run on each channel has a UID of its own, and the same names of another organisation have others."""
    channels = ('channels:\n  - {{id: a, network: mastodon, handle: "@{0}@x.example"}}\n'
                '  - {{id: b, network: mastodon, handle: "@{0}b@x.example"}}\n')
    repeating = post("Hi\n## or\nHo", "every: 5w at 12:00\nfrom: 2027-03-01\nruns: 3\n")

    def uids(who: str) -> set[str]:
        made = prepared({"networks/channels.yaml": channels.format(who), "evergreen/e.md": repeating,
                         "posts/a.md": post("Hello")})
        return {event.uid.value for event in read(fed(made))}

    ours, theirs = uids("us"), uids("them")
    assert len(ours) == len(theirs) == 8
    assert not ours & theirs
    assert all(len(uid.encode()) <= 202 and re.fullmatch(r"[a-z0-9.~-]+@drumbeat", uid) for uid in ours)


def test_the_longest_slot_fits_outlook(prepared: Make) -> None:
    """The longest names that are allowed give a UID of at most 202 bytes, which Outlook can tell apart."""
    channels = f'channels:\n  - {{id: {"c" * 60}, network: mastodon, handle: "@us@x.example"}}\n'
    made = prepared({"networks/channels.yaml": channels, f"posts/{'p' * 60}.md": post("Hello")})

    (event,) = read(fed(made))
    assert len(event.uid.value) <= 202


@pytest.mark.parametrize(("state", "status"), [(State.missed, "TENTATIVE"), (State.failed, "TENTATIVE"),
                                               (State.publishing, "CONFIRMED"), (State.held, "TENTATIVE")])
def test_what_did_not_go_out_is_not_confirmed(prepared: Make, state: State, status: str) -> None:
    """Missed, failed and held slots are tentative and say so."""
    slot = Slot("posts/a", "mastodon")

    (event,) = read(fed(prepared({"posts/a.md": post("Hello")}), {slot: Standing(slot, state=state, reason="because")}))

    assert event.status.value == status
    assert f"State: {state.value}" in event.description.value


def _files(text: str) -> list[SourceFile]:
    channels = b'channels:\n  - {id: mastodon, network: mastodon, handle: "@us@x.example"}\n'
    return [SourceFile(path, "1" * 40, len(data), "file", data) for path, data in (
        ("networks/channels.yaml", channels), ("posts/a.md", text.encode()))]
