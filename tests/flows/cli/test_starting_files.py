"""`drumbeat new`: files to begin with. Each parses, is no error by itself, and says what belongs where."""
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

NEW = (("audience", "Renters in small flats"), ("discovery",), ("policy", "House rules"), ("crisis-plan",),
       ("campaign", "Autumn repairs", "--anyway"), ("idea", "Why: \"kettles\" hum"))


@pytest.fixture
def begun(drumbeat: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """A command in a folder that was just begun."""
    assert drumbeat("init", cwd=tmp_path).code == 0
    return lambda *words: drumbeat(*words, cwd=tmp_path)


@pytest.mark.parametrize("words", NEW, ids=lambda words: words[0])
def test_a_new_file_parses_and_stands_once(begun: Callable[..., Any], words: tuple[str, ...]) -> None:
    """It is written, named, read without a problem of form, and never overwritten."""
    made = begun("new", *words)
    told = begun("check", "--json").json

    assert made.code == 0, made.err
    for path in made.out.split():
        assert Path(path).is_file()
    assert [one for one in told["problems"] if one["code"].startswith(("SYN", "REF00", "SUP")) and
            one["severity"] != "advice"] == []
    again = begun("new", *words)
    assert (again.code, "exists already" in again.err) == (2, True)


def test_a_starting_file_can_be_shown(begun: Callable[..., Any], tmp_path: Path) -> None:
    """--print shows it and writes nothing."""
    shown = begun("new", "discovery", "--print")

    assert shown.code == 0
    assert "listening: []" in shown.out
    assert not (tmp_path / "content/discovery.yaml").exists()


def test_an_incident_holds_from_the_start(begun: Callable[..., Any]) -> None:
    """The first post waits; the message says how it ends."""
    begun("new", "crisis-plan")
    made = begun("new", "incident", "Injury at the bench", "--level", "crisis")
    told = begun("check", "--json")

    assert "commit it now" in made.err
    [held] = [one for one in told.json["problems"] if one["code"] == "CRI002"]
    assert re.fullmatch(r"Held by incident \d{4}-\d\d-\d\d-injury-at-the-bench \(crisis\)\.", held["message"])
    assert told.code == 1


def test_a_campaign_begins_with_what_is_missing(begun: Callable[..., Any], tmp_path: Path) -> None:
    """Without a strategy nothing is written: the steps are told, and the earliest day."""
    done = begun("new", "campaign", "Big sale")

    assert done.code == 1
    assert "STRATEGY: " in done.err
    assert "an executive sponsor: " in done.err
    assert re.search(r"A campaign can start on \d{4}-\d\d-\d\d at the earliest: six months of giving", done.err)
    assert not (tmp_path / "content/campaigns").exists()


def test_a_campaign_that_is_ready_is_written(drumbeat: Callable[..., Any], sample: Path) -> None:
    """With the sample's strategy, from the earliest day on; an earlier one only anyway."""
    now = ("--now", "2027-05-01")
    early = drumbeat("new", "campaign", "Summer", "--start", "2027-05-05", *now, cwd=sample)
    made = drumbeat("new", "campaign", "Summer", "--start", "2027-06-07", *now, cwd=sample)
    text = (sample / "content/campaigns/summer/campaign.yaml").read_text()

    assert early.code == 1
    assert "2027-05-05 is too early" in early.err
    assert made.code == 0, made.err
    for line in ("owner: wren", "start: 2027-06-07", "end: 2027-07-19", "goals: [{goal: new-members}]"):
        assert line in text


def test_what_is_alike_on_several_channels_is_told_once(drumbeat: Callable[..., Any], sample: Path) -> None:
    """As text: one line for three channels. As JSON: each by itself, without a key of its own."""
    (sample / "content/posts/too-soon.md").write_text(
        "---\nat: 2026-11-10 12:30\nintent: ask\ngoal: new-members\nchannels: [mastodon, bluesky, linkedin]\n---\n"
        "Become a member today.\n")
    now = ("--now", "2026-11-01")

    shown = drumbeat("check", *now, cwd=sample).out.splitlines()
    told = drumbeat("check", "--json", *now, cwd=sample).json["problems"]

    locked = [line for line in shown if "[INT003]" in line]
    assert len(locked) == 1
    assert "Too early to ask on bluesky, linkedin and mastodon: " in locked[0]
    assert len([one for one in told if one["code"] == "INT003"]) == 3
    assert all("channel" not in one for one in told)


def test_relaxed_reports_and_holds_nothing(drumbeat: Callable[..., Any], sample: Path) -> None:
    """The same ask under profile relaxed: warnings, and it is planned."""
    rules = sample / "content/rules.yaml"
    rules.write_text(rules.read_text().replace("profile: guided", "profile: relaxed"))
    (sample / "content/posts/too-soon.md").write_text(
        "---\nat: 2026-11-10 12:30\nintent: ask\nchannels: [mastodon]\n---\nBecome a member today.\n")
    now = ("--now", "2026-11-01")

    told = [one for one in drumbeat("check", "--json", *now, cwd=sample).json["problems"] if "too-soon" in one["file"]]
    items = drumbeat("plan", "--json", *now, cwd=sample).json["items"]

    assert {one["code"]: one["severity"] for one in told if one["code"].startswith("INT")} == {
        "INT001": "warning", "INT002": "warning", "INT003": "warning", "INT005": "warning"}
    assert [item["state"] for item in items if item["post"] == "posts/too-soon"] == ["planned"]
