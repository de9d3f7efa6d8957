"""A connection that was really tested leaves word of it for the gates; nothing else does."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flows.edges.trials import recorded
from publishers.rehearsal._twin import Rehearsal

FEED = "destination=dir:{}\nsite_url=https://club.example/\nself_url=https://club.example/rss.xml\ntitle=Club\n"


def test_a_connection_that_works_is_recorded(drumbeat: Callable[..., Any], sample: Path, tmp_path: Path) -> None:
    """By `connect` and by `connect --test`, each time with the time it was."""
    (tmp_path / "web").mkdir()
    before = datetime.now(UTC) - timedelta(seconds=1)

    done = drumbeat("connect", "feed", "--stdin", cwd=sample, stdin=FEED.format(tmp_path / "web"))
    connected = recorded(sample)["feed"]
    tested = drumbeat("connect", "feed", "--test", cwd=sample)
    again = recorded(sample)["feed"]

    assert (done.code, tested.code) == (0, 0), done.err + tested.err
    assert before < connected.at < again.at < datetime.now(UTC)
    assert (connected.why, again.why) == (None, None)


def test_a_test_that_fails_is_recorded(drumbeat: Callable[..., Any], sample: Path, tmp_path: Path) -> None:
    """With the reason; also where there is nothing to test with. What was typed and not kept was no test."""
    (tmp_path / "web").mkdir()
    drumbeat("connect", "feed", "--stdin", cwd=sample, stdin=FEED.format(tmp_path / "web"))
    kept = recorded(sample)
    drumbeat("connect", "feed", "--stdin", cwd=sample, stdin="title=Club\n")
    drumbeat("connect", "mastodon", "--stdin", cwd=sample, stdin="base_url=https://m.example\n")
    assert recorded(sample) == kept

    done = drumbeat("connect", "mastodon", "--test", cwd=sample)

    assert done.code == 3
    assert recorded(sample)["mastodon"].why == "mastodon has no access_token, base_url."


def test_a_rehearsal_tests_nothing(drumbeat: Callable[..., Any], sample: Path, networks: Rehearsal) -> None:
    """Credentials for rehearsal networks say nothing of the real ones, whether they work or not."""
    words = ("connect", "mastodon", "--rehearse-at", networks.url)
    good = drumbeat(*words, "--stdin", cwd=sample, stdin="base_url=https://m.example\naccess_token=rehearsal:@mill\n")
    bad = drumbeat("connect", "bluesky", "--rehearse-at", networks.url, "--test", cwd=sample)

    assert (good.code, bad.code) == (0, 3)
    assert recorded(sample) == {}


def test_a_network_that_nobody_can_ask_was_not_tested(drumbeat: Callable[..., Any], sample: Path) -> None:
    """Its credentials are kept, and whether they work is not known."""
    done = drumbeat("connect", "webhook", "--stdin", cwd=sample,
                    stdin="url=https://hook.example/x\nsecret=0123456789abcdef0123456789abcdef\n")

    assert done.code == 0, done.err
    assert recorded(sample) == {}
