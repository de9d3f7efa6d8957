"""`drumbeat calendar`: a feed on disk that another program's calendar reads, and that is always whole."""
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import vobject

NOW = ("--now", "2026-10-01 12:00")


def read(data: str) -> list[Any]:
    """The events of a feed as vobject reads them."""
    return list(vobject.readOne(data).contents.get("vevent", []))


def test_the_feed_holds_the_plan(drumbeat: Callable[..., Any], sample: Path) -> None:
    """Every slot of `plan --json` that has a time is in the feed at that time, and nothing else is."""
    done = drumbeat("calendar", "--ics", "all.ics", *NOW, cwd=sample)
    planned = drumbeat("plan", "--json", *NOW, cwd=sample).json["items"]

    found = read((sample / "all.ics").read_bytes().decode())

    told = {re.search(r"^Slot: (\S+)$", event.description.value, re.MULTILINE)[1]: event for event in found}  # type: ignore[index]
    timed = {item["slot"]: item for item in planned if item["at"]}
    assert (done.code, done.out, done.err) == (0, "", f"{len(timed)} events written to all.ics.\n")
    assert told.keys() == timed.keys()
    for slot, item in timed.items():
        assert told[slot].dtstart.value == datetime.fromisoformat(item["at"]).astimezone(UTC)
        assert told[slot].status.value == ("CONFIRMED" if item["state"] == "planned" else "TENTATIVE")
        assert told[slot].summary.value.startswith(f"{item['channel']}: ")


def test_the_feed_goes_to_standard_output(drumbeat: Callable[..., Any], sample: Path) -> None:
    """`--ics -` prints the very bytes that a file would hold."""
    drumbeat("calendar", "--ics", "all.ics", *NOW, cwd=sample)

    done = drumbeat("calendar", "--ics", "-", *NOW, cwd=sample)

    assert done.out.encode() == (sample / "all.ics").read_bytes().replace(b"\r\n", b"\n")     # text mode of the test
    assert (done.code, done.err) == (0, "")


def test_a_feed_of_one_channel_or_campaign(drumbeat: Callable[..., Any], sample: Path) -> None:
    """--channel, --campaign, --from and --to narrow the feed, and its name says of what it is."""
    def feed(*words: str) -> str:
        return str(drumbeat("calendar", "--ics", "-", *words, *NOW, cwd=sample).out)

    channel, campaign = feed("--channel", "mastodon"), feed("--campaign", "spring-mend", "--channel", "x")
    day = feed("--from", "2027-03-02", "--to", "2027-03-02")

    assert {event.categories.value[0] for event in read(channel)} == {"mastodon"}
    assert "\nX-WR-CALNAME:Mend before you spend: mastodon\n" in channel
    assert all(event.uid.value.startswith("spring-mend.") for event in read(campaign))
    assert "\nX-WR-CALNAME:Mend before you spend: spring-mend: x\n" in campaign
    assert {f"{event.dtstart.value:%Y-%m-%d}" for event in read(day)} == {"2027-03-02"}


def test_the_same_again_is_the_same_file(drumbeat: Callable[..., Any], sample: Path) -> None:
    """The same content at the same time gives the same bytes, whatever the machine's own zone is."""
    for name, zone, seed in (("one.ics", "UTC", "1"), ("two.ics", "Pacific/Kiritimati", "2")):
        drumbeat("calendar", "--ics", name, *NOW, cwd=sample, env={"TZ": zone, "PYTHONHASHSEED": seed})

    assert (sample / "one.ics").read_bytes() == (sample / "two.ics").read_bytes()


def test_a_new_feed_replaces_the_old_one_whole(drumbeat: Callable[..., Any], sample: Path) -> None:
    """Who has the old file open goes on reading the old one; nothing is left beside it; others may read it."""
    file = sample / "all.ics"
    file.write_text("what stood here before")
    with file.open() as reader:
        done = drumbeat("calendar", "--ics", "all.ics", *NOW, cwd=sample)
        assert reader.read() == "what stood here before"

    assert done.code == 0
    assert file.read_bytes().startswith(b"BEGIN:VCALENDAR\r\n")
    assert [path.name for path in sample.iterdir() if "ics" in path.name] == ["all.ics"]
    assert file.stat().st_mode & 0o044 == 0o044 & ~_umask()


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


@pytest.mark.parametrize("file", ["missing/all.ics", "content"])
def test_a_file_that_cannot_be_written(drumbeat: Callable[..., Any], sample: Path, file: str) -> None:
    """A folder that is not there, or a name that is one, is refused in words."""
    done = drumbeat("calendar", "--ics", file, *NOW, cwd=sample)

    assert done.code in (2, 3)
    assert file in done.err
    assert "Traceback" not in done.err


def test_a_feed_needs_a_file_and_names_that_exist(drumbeat: Callable[..., Any], sample: Path) -> None:
    """Without --ics, or with a channel that is none, the command says what it takes."""
    assert drumbeat("calendar", cwd=sample).code == 2
    refused = drumbeat("calendar", "--ics", "-", "--channel", "mastdon", cwd=sample)
    assert (refused.code, refused.out) == (2, "")
    assert "Did you mean mastodon?" in refused.err


def test_what_is_out_links_to_it(content_folder: Any, drumbeat: Callable[..., Any]) -> None:
    """A published post is in the feed with its address; one that is held is tentative; one without a time is absent."""
    folder = content_folder()
    folder.post("out", "Hello, you; there.", at=datetime(2027, 3, 2, 12, tzinfo=UTC))
    folder.post("held", "Wait.", at=datetime(2027, 3, 3, 12, tzinfo=UTC), more="hold: Nell is asked first\n")
    folder.write("posts/never.md", "---\nslot: next\nchannels: [x]\n---\nNo slots.\n")
    folder.commit()
    assert drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-02 12:00", cwd=folder.home).code == 0

    done = drumbeat("calendar", "--ics", "-", "--now", "2027-03-02 13:00", cwd=folder.home)

    out, held = read(done.out)
    assert (out.summary.value, out.status.value) == ("mastodon: Hello, you; there.", "CONFIRMED")
    assert out.url.value.startswith("http://127.0.0.1:")
    assert (held.summary.value, held.status.value) == ("mastodon: Wait.", "TENTATIVE")
    assert "Why: held by its author: Nell is asked first" in held.description.value
    assert "1 error in the content: run 'drumbeat check'." in done.err
    assert done.code == 0


def test_a_hostile_post_stays_one_event(content_folder: Any, drumbeat: Callable[..., Any]) -> None:
    """Text, reason and title that try to end the event or begin another do neither."""
    folder = content_folder()
    evil = "END:VEVENT\\r\\nBEGIN:VEVENT\\r\\nUID:evil"
    folder.write("strategy.yaml", f'strategy: ours\ntitle: "{evil}"\nstart: 2026-01-01\ntimezone: UTC\n')
    folder.post("bad", "Hi\n\nEND:VEVENT\n\nBEGIN:VEVENT", at=datetime(2027, 3, 2, 12, tzinfo=UTC),
                more=f'hold: "{evil}"\n')
    folder.post("good", "Hello.", at=datetime(2027, 3, 2, 13, tzinfo=UTC))

    done = drumbeat("calendar", "--ics", "-", *NOW, cwd=folder.home)

    bad, good = read(done.out)
    assert bad.description.value.startswith("Hi\n\nEND:VEVENT\n\nBEGIN:VEVENT")
    assert good.summary.value == "mastodon: Hello."
    assert not any(event.uid.value == "evil" for event in (bad, good))


def test_nothing_planned_is_an_empty_feed(content_folder: Any, drumbeat: Callable[..., Any]) -> None:
    """A folder without posts gives a feed without events, which calendars read."""
    done = drumbeat("calendar", "--ics", "-", *NOW, cwd=content_folder().home)

    assert done.code == 0
    assert read(done.out) == []
