"""Connections are tried before a launch needs them, at networks that answer; nothing is sent, and nothing stops it."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from flows.check import check
from flows.edges.clock import RealClock
from flows.edges.trials import Kept
from flows.probe import EVERY, probe, to_probe
from schemas.channel import Channel
from schemas.content import Content
from schemas.errors import SettingsError, StoreError
from schemas.world import Trial

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
CHANNELS = """\
channels:
  - {id: mastodon, network: mastodon, handle: "@mill"}
  - {id: x, network: x, handle: mill}
  - {id: facebook, network: facebook_page, handle: mill}
  - {id: hook, network: webhook, handle: mill}
  - {id: old, network: bluesky, handle: mill.example, status: retired}
  - {id: odd, network: nonesuch, handle: mill}
"""


@pytest.fixture
def content(content_folder: Callable[..., Any]) -> Callable[..., Content]:
    """A folder with campaigns, as it lies there."""

    def made(*campaigns: str, zone: str = "UTC") -> Content:
        folder = content_folder(channels=CHANNELS)
        folder.write("strategy.yaml", f"strategy: ours\nstart: 2026-01-01\ntimezone: {zone}\n")
        for number, text in enumerate(campaigns):
            folder.write(f"campaigns/c{number}/campaign.yaml", text)
        return check(folder.path, now=NOON).content

    return made


Of = Callable[..., Content]


def names(channels: list[Channel]) -> list[str]:
    return [channel.id for channel in channels]


def running(channels: str = "[mastodon, x]", start: str = "2027-03-01", end: str = "2027-04-01") -> str:
    return f"start: {start}\nend: {end}\nchannels: {channels}\n"


# --- which ------------------------------------------------------------------------------------------------------------


def test_the_channels_of_a_campaign_that_runs(content: Of) -> None:
    """In the order of channels.yaml; retired ones and those of no network that we know are left out."""
    assert names(to_probe(content(running("[x, mastodon, old, odd]")), {}, NOON)) == ["mastodon", "x"]
    assert names(to_probe(content(running("[x]"), running("[facebook, x]")), {}, NOON)) == ["x", "facebook"]


@pytest.mark.parametrize(("start", "end", "is_tried"), [
    ("2027-03-01", "2027-03-01", True),
    ("2027-03-02", "2027-04-01", True),
    ("2027-03-03", "2027-04-01", False),
    ("2027-02-01", "2027-02-28", False),
    ("null", "2027-04-01", False),
    ("2027-02-01", "null", True),
])
def test_a_campaign_that_begins_within_a_day_or_runs(start: str, end: str, is_tried: bool, content: Of) -> None:
    """Its first and its last day count; one without an end has not ended, one without a start has not begun."""
    assert bool(to_probe(content(running(start=start, end=end)), {}, NOON)) is is_tried


def test_days_are_those_of_the_strategy(content: Of) -> None:
    """At noon in London it is the next day in Auckland, and so the day before a launch on the day after."""
    there = content(running(start="2027-03-03"), zone="Pacific/Auckland")

    assert names(to_probe(there, {}, NOON)) == ["mastodon", "x"]
    assert to_probe(there, {}, NOON - 61 * MINUTE) == []
    over = content(running(end="2027-03-01"), zone="Pacific/Auckland")
    assert to_probe(over, {}, NOON) == []


def test_a_campaign_that_names_no_channels(content: Of) -> None:
    """Then its posts may go anywhere: every active channel is tried; an empty list is none."""
    anywhere = "start: 2027-03-01\nend: 2027-04-01\n"

    assert names(to_probe(content(anywhere), {}, NOON)) == ["mastodon", "x", "facebook", "hook"]
    assert to_probe(content(f"{anywhere}channels: []\n"), {}, NOON) == []
    assert to_probe(content(), {}, NOON) == []


def test_what_was_tried_lately_is_left_alone(content: Of) -> None:
    """For six hours, whether it passed or not; what a wrong clock says of a time to come is no test."""
    there = content(running())

    def tried(at: datetime, why: str | None = None) -> list[str]:
        return names(to_probe(there, {"mastodon": Trial(at, why)}, NOON))

    assert tried(NOON) == ["x"]
    assert tried(NOON - EVERY + MINUTE) == ["x"]
    assert tried(NOON - MINUTE, "no") == ["x"]
    assert tried(NOON - EVERY) == ["mastodon", "x"]
    assert tried(NOON + MINUTE) == ["mastodon", "x"]


# --- how --------------------------------------------------------------------------------------------------------------


def channels_of(stage: Any, ids: str = "[mastodon, x, facebook, hook]") -> list[Channel]:
    """The channels of a campaign that runs; the stage's folder has no other campaign."""
    stage.folder.write("networks/channels.yaml", CHANNELS)
    stage.folder.write("campaigns/c/campaign.yaml", running(ids))
    return to_probe(check(stage.folder.path, now=NOON).content, {}, NOON)


def requests(stage: Any) -> list[str]:
    """Create calls that the networks heard."""
    return [post["text"] for post in httpx.get(f"{stage.networks.url}/_rehearsal/posts").json()]


def test_a_network_that_answers(stage: Any, tmp_path: Path) -> None:
    """The test passed, at the time of the clock; one that answers no question was not tested; nothing was sent."""
    trials = Kept(tmp_path)

    probe(channels_of(stage), stage.opened(), lambda: NOON, trials.record)

    assert trials.recorded() == dict.fromkeys(["mastodon", "x", "facebook"], Trial(NOON))
    assert requests(stage) == []


@pytest.mark.parametrize("fault", ["401", "429", "503", "hang up before", "truncate", "not JSON"])
def test_a_network_that_does_not_answer(fault: str, stage: Any, tmp_path: Path, heard: Any) -> None:
    """The reason is kept and logged, and the next channel is tried; the next test replaces it."""
    trials, channels = Kept(tmp_path), channels_of(stage, "[mastodon, x]")
    stage.script({"fault": fault, "network": "mastodon", "match": ".*", "times": 40})

    probe(channels, stage.opened(), lambda: NOON, trials.record)
    failed = trials.recorded()
    stage.script()
    probe(channels, stage.opened(), lambda: NOON + MINUTE, trials.record)

    assert failed["x"] == Trial(NOON)
    assert failed["mastodon"].why
    assert heard.lines == [f"connection test failed channel=mastodon why={failed['mastodon'].why}"]
    assert trials.recorded() == dict.fromkeys(["mastodon", "x"], Trial(NOON + MINUTE))


def test_credentials_that_nobody_set(stage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A channel that cannot be opened at all has failed its test, in the words of the settings."""
    trials = Kept(tmp_path)
    for name in ("MASTODON", "X"):
        monkeypatch.delenv(f"DRUMBEAT_{name}_ACCESS_TOKEN", raising=False)

    connect = stage.opened(RealClock(), real=True)                # a pretend clock opens no real account
    probe(channels_of(stage, "[mastodon]"), connect, lambda: NOON, trials.record)

    [why] = [trial.why for trial in trials.recorded().values()]
    assert why is not None
    assert why.startswith("mastodon has no ")


class Broken:
    """An adapter with a fault of its own."""

    def verify(self) -> None:
        raise KeyError("rate")


@pytest.mark.parametrize(("error", "why"), [
    (SettingsError("mastodon has no token.", "Set it."), "mastodon has no token."),
    (StoreError("the archive does not answer", "Wait."), "the archive does not answer"),
    (None, "the adapter broke off with KeyError"),
])
def test_whatever_breaks_is_a_test_that_failed(
        error: Exception | None, why: str, stage: Any, tmp_path: Path) -> None:
    """Neither an adapter nor the archive stops the tests of the others."""
    trials, opened = Kept(tmp_path), stage.opened()

    def connect(channel: Channel) -> Any:
        if channel.id != "mastodon":
            return opened(channel)
        if error is not None:
            raise error
        return Broken()

    probe(channels_of(stage, "[mastodon, x]"), connect, lambda: NOON, trials.record)

    assert trials.recorded() == {"mastodon": Trial(NOON, why), "x": Trial(NOON)}
