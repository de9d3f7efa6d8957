"""What an operator reads at night: the whole printed story of a slot after everything that can become of it."""
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from textwrap import fill
from typing import Any

import httpx
import pytest

from flows.cli.outcomes import exit_code, next_lines
from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal
from schemas.ledger import State
from schemas.report import Row

DUE, TOO_EARLY, OVER = "2027-07-01 11:30", "2027-07-01 11:31", "2027-07-01 11:34"     # 12:30, 12:31, 12:34 in Dublin
ZONE = "strategy: ours\nstart: 2026-01-01\ntimezone: Europe/Dublin\n"
PATIENCE_S = 30.0
MASKS = ((r"127\.0\.0\.1:\d+", "127.0.0.1:PORT"), (r"#mastodon-\d+(\d\d)\b", r"#mastodon-ID\1"),
         (r"/status/\d+(\d\d)\b", r"/status/ID\1"), (r"\bcommit [0-9a-f]{10}", "commit COMMIT"),
         (r"\bpayload [0-9a-f]{10}", "payload HASH"),
         (r"(by|to) \S+, process \d+", r"\1 HOST, process PID"), (r"account \(?\d{9,}\)?", "account NUMBER"))
JARGON = re.compile(r"fenced|epoch|nonce|lease|\bfold|\bpin|ledger|\bclaim|\bclass [KDRZ]\b|Unconfirmed|evidence", re.I)


class Night:
    """A club with a publisher, rehearsal networks, and a clock that stands where each command says."""

    def __init__(self, folder: Any, run: Callable[..., Any]) -> None:
        self.folder, self.run, self.moment = folder, run, datetime.fromisoformat(f"{DUE}+00:00")
        folder.write("strategy.yaml", ZONE)

    def post(self, text: str = "Hello!", *, at: str = "2027-07-01 12:30", channel: str = "mastodon",
             name: str = "hello") -> None:
        """Commits `posts/<name>.md`, due at `at` in Dublin."""
        self.folder.write(f"posts/{name}.md", f"---\nat: {at}\nchannels: [{channel}]\n---\n{text}\n")
        self.folder.commit()

    def script(self, fault: str, **more: Any) -> None:
        httpx.put(f"{self.url}/_rehearsal/faults", json=[{"fault": fault, **more}]).raise_for_status()

    def at(self, moment: str, *words: str) -> Any:
        """A command at that time (UTC); the networks tell the same time."""
        self.moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        to = ("--rehearse-at", self.url) if words[0] in ("publish", "reconcile") else ()
        once = ("--once",) if words[0] == "publish" else ()
        return self.run(*words, *once, *to, "--now", moment, cwd=self.folder.home)

    def seen(self, moment: str, slot: str) -> str:
        """What `why` prints, then what `status` prints, masked where runs differ. `--json` says the same."""
        told, table, data = (self.at(moment, *words) for words in (
            ("why", slot), ("status",), ("status", "--json")))
        assert (told.code, table.code, data.code) == (0, 0, 0), told.err + table.err
        talk = [line for line in table.err.splitlines() if not line.startswith("Nothing was published for real")]
        row = next(row for row in data.json["slots"] if row["slot"] == slot)
        assert [row["slot"], row["state"]] in [line.split()[:2] for line in table.out.splitlines()]
        for words in (row["reason"] if row["state"] != "published" else row["url"], row["next"]):
            assert words is None or words.rstrip(".") in table.out + table.err
        text = "\n".join([told.out.rstrip(), "", *(re.sub("  +", "  ", one) for one in table.out.splitlines()), *talk])
        assert "Traceback" not in text
        assert JARGON.findall(text) == []
        for pattern, mask in MASKS:
            text = re.sub(pattern, mask, text)
        return "\n".join(fill(line, 112, subsequent_indent=" " * 8, break_long_words=False, break_on_hyphens=False)
                         for line in text.splitlines())


@pytest.fixture
def night(content_folder, drumbeat) -> Iterator[Night]:
    stage = Night(content_folder(), drumbeat)
    with Rehearsal([twin(lambda: stage.moment) for twin in twins().values()]) as networks:
        stage.url = networks.url
        yield stage


HELLO, ON_X = "posts/hello@mastodon#1", "posts/hello@x#1"


def test_a_lost_answer_is_waited_for(night):
    """Right after a lost answer: what is known, until when the call may still work, and that nobody has to act."""
    night.post()
    night.script("hang up after effect")
    assert night.at(DUE, "publish").code == 5

    assert night.seen(TOO_EARLY, HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether it arrived: 127.0.0.1: the connection was closed before the
        answer was complete, or it was no HTTP
  State: unknown.
  Next: Wait. The call may still take effect until about Thu 2027-07-01 12:33:10 (Europe/Dublin); after that a
        running publisher looks at the account by itself, and so does 'drumbeat reconcile'. Nothing is sent
        before it is known.

slot  state  due  where, or why not
posts/hello@mastodon#1  unknown  Thu 2027-07-01 12:30 (Europe/Dublin)  nobody knows whether it arrived:
        127.0.0.1: the connection was closed before the answer was complete, or it was no HTTP
next for posts/hello@mastodon#1: Wait: some minutes after the call a running publisher looks at the account by
        itself, and so does 'drumbeat reconcile'. Nothing is sent before it is known.
1 unknown."""


def test_a_lost_answer_is_found(night):
    """The look at the account found the post: the story says how it is known to be live."""
    night.post()
    night.script("hang up after effect")
    assert night.at(DUE, "publish").code == 5
    assert night.at(OVER, "reconcile").code == 0

    assert night.seen(OVER, HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether it arrived: 127.0.0.1: the connection was closed before the
        answer was complete, or it was no HTTP
  Thu 2027-07-01 12:34:00  looked for by HOST, process PID
  Thu 2027-07-01 12:34:00  published: http://127.0.0.1:PORT/mastodon/#mastodon-ID01, found on the account
  State: published.

slot  state  due  where, or why not
posts/hello@mastodon#1  published  Thu 2027-07-01 12:30 (Europe/Dublin)
        http://127.0.0.1:PORT/mastodon/#mastodon-ID01
1 published."""


def test_a_truncated_answer(night):
    """Half an answer is no answer; long after the call the story says what to run if no publisher runs."""
    night.post(channel="x")
    night.script("truncate")
    assert night.at(DUE, "publish").code == 5

    assert night.seen(OVER, ON_X) == """\
posts/hello@x#1
  content/posts/hello.md:2:1 says so; it goes to x (x, mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether it arrived: 127.0.0.1:PORT may have taken the request: its
        answer was cut short.
  State: unknown.
  Next: A running publisher looks at the account by itself. If none runs: drumbeat reconcile

slot  state  due  where, or why not
posts/hello@x#1  unknown  Thu 2027-07-01 12:30 (Europe/Dublin)  nobody knows whether it arrived: 127.0.0.1:PORT
        may have taken the request: its answer was cut short.
next for posts/hello@x#1: Wait: some minutes after the call a running publisher looks at the account by itself,
        and so does 'drumbeat reconcile'. Nothing is sent before it is known.
1 unknown."""


def test_too_many_requests(night):
    """Asked to wait: the network's own words, and when it is tried again."""
    night.post()
    night.script("429", retry_after=600)
    assert night.at(DUE, "publish").code == 0

    assert night.seen(TOO_EARLY, HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  not sent: the server answered 429: Too many requests; it is tried again at Thu
        2027-07-01 12:40 (Europe/Dublin)
  State: waiting.
  Next: Nothing to do: it is tried again at Thu 2027-07-01 12:40 (Europe/Dublin).

slot  state  due  where, or why not
posts/hello@mastodon#1  waiting  Thu 2027-07-01 12:30 (Europe/Dublin)  the server answered 429: Too many
        requests; the next try is at Thu 2027-07-01 12:40 (Europe/Dublin)
1 waiting."""


def test_too_many_requests_for_long(night):
    """Asked to wait for half an hour; then it goes out with the second try."""
    night.post()
    night.script("429", retry_after=1800)
    assert night.at(DUE, "publish").code == 0
    assert night.at("2027-07-01 12:00", "publish").code == 0

    assert night.seen("2027-07-01 12:00", HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  not sent: the server answered 429: Too many requests; it is tried again at Thu
        2027-07-01 13:00 (Europe/Dublin)
  Thu 2027-07-01 13:00:00  taken again by HOST, process PID
  Thu 2027-07-01 13:00:00  sending, try 2
  Thu 2027-07-01 13:00:00  published: http://127.0.0.1:PORT/mastodon/#mastodon-ID01
  State: published.

slot  state  due  where, or why not
posts/hello@mastodon#1  published  Thu 2027-07-01 12:30 (Europe/Dublin)
        http://127.0.0.1:PORT/mastodon/#mastodon-ID01
1 published."""


def test_a_refused_token(night):
    """A credential that is valid no more: tried twice, then failed, with what to renew."""
    night.post()
    night.script("401", times=2)
    assert night.at(DUE, "publish").code == 4

    assert night.seen(TOO_EARLY, HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  not sent: the server answered 401: The access token is invalid
  Thu 2027-07-01 12:30:00  sending, try 2
  Thu 2027-07-01 12:30:00  failed: the server answered 401: The access token is invalid
  State: failed.
  Next: Renew the credentials of mastodon (drumbeat connect mastodon --channel mastodon), or do what the reason
        names; then give the post a new time and commit: it is tried again.

slot  state  due  where, or why not
posts/hello@mastodon#1  failed  Thu 2027-07-01 12:30 (Europe/Dublin)  the server answered 401: The access token
        is invalid
next for posts/hello@mastodon#1: Renew the credentials of mastodon (drumbeat connect mastodon --channel
        mastodon), or do what the reason names; then give the post a new time and commit: it is tried again.
1 failed."""


def test_changed_after_a_failure(night):
    """What failed goes out once its post is changed: the story tells both."""
    night.post()
    night.script("401", times=2)
    assert night.at(DUE, "publish").code == 4
    night.post("Hello again!")
    assert night.at("2027-07-01 11:40", "publish").code == 0

    assert night.seen("2027-07-01 11:40", HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  not sent: the server answered 401: The access token is invalid
  Thu 2027-07-01 12:30:00  sending, try 2
  Thu 2027-07-01 12:30:00  failed: the server answered 401: The access token is invalid
  Thu 2027-07-01 12:40:00  open again: its post has changed (commit COMMIT)
  Thu 2027-07-01 12:40:00  taken again by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:40:00  sending, try 1
  Thu 2027-07-01 12:40:00  published: http://127.0.0.1:PORT/mastodon/#mastodon-ID01
  State: published.

slot  state  due  where, or why not
posts/hello@mastodon#1  published  Thu 2027-07-01 12:30 (Europe/Dublin)
        http://127.0.0.1:PORT/mastodon/#mastodon-ID01
1 published."""


def test_an_answer_that_came_late(night, start):
    """A publisher stood still during its call and another one took over: its late word is told, and by whom."""
    night.post()
    night.script("slow", seconds=2.0)
    publisher = start("publish", "--once", "--rehearse-at", night.url, "--now", DUE, cwd=night.folder.home)
    until_posted(night.url)
    os.kill(publisher.process.pid, signal.SIGSTOP)
    make_older(night.folder.home)
    assert night.at(OVER, "reconcile").code == 0
    publisher.end(signal.SIGCONT)

    assert night.seen(OVER, HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:34:00  looked for by HOST, process PID: its publisher ended or hangs during the call, so
        nobody knows whether it arrived
  Thu 2027-07-01 12:30:00  the answer came late to HOST, process PID: it is live:
        http://127.0.0.1:PORT/mastodon/#mastodon-ID01
  Thu 2027-07-01 12:34:00  published: http://127.0.0.1:PORT/mastodon/#mastodon-ID01, found on the account
  State: published.

slot  state  due  where, or why not
posts/hello@mastodon#1  published  Thu 2027-07-01 12:30 (Europe/Dublin)
        http://127.0.0.1:PORT/mastodon/#mastodon-ID01
1 published."""


def until_posted(url: str) -> None:
    """Returns when the networks hold a post."""
    for _ in range(int(PATIENCE_S * 20)):
        if httpx.get(f"{url}/_rehearsal/posts").json():
            return
        threading.Event().wait(0.05)
    raise AssertionError("nothing was posted")


def make_older(home: Path) -> None:
    """Five minutes pass for every record of the archive."""
    for file in (home / ".drumbeat/rehearsal/archive/v1/ledger").rglob("*.json"):
        before = file.stat().st_mtime - 300
        os.utime(file, (before, before))


def test_held_for_a_person(night):
    """Nobody can know: the commands for both answers are printed as they can be pasted."""
    night.post(channel="x")
    night.script("hang up before")
    assert night.at(DUE, "publish").code == 5
    assert night.at(OVER, "reconcile").code == 5

    assert night.seen(OVER, ON_X) == """\
posts/hello@x#1
  content/posts/hello.md:2:1 says so; it goes to x (x, mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether it arrived: 127.0.0.1:PORT may have taken the request: the
        connection broke before a whole answer.
  Thu 2027-07-01 12:34:00  looked for by HOST, process PID
  Thu 2027-07-01 12:34:00  waits for a person: the answer was lost, and the account does not show the post; it
        is not sent again unless you say that it is not there
  State: held.
  Next: Look at the account mill on x: is the post there?
    It is: drumbeat resolve posts/hello@x#1 --live ADDRESS --by "YOUR NAME"
    It is not: drumbeat resolve posts/hello@x#1 --absent --by "YOUR NAME"

slot  state  due  where, or why not
posts/hello@x#1  held  Thu 2027-07-01 12:30 (Europe/Dublin)  the answer was lost, and the account does not show
        the post; it is not sent again unless you say that it is not there
next for posts/hello@x#1: Look at the account mill on x: is the post there?  It is: drumbeat resolve
        posts/hello@x#1 --live ADDRESS --by "YOUR NAME"  It is not: drumbeat resolve posts/hello@x#1 --absent
        --by "YOUR NAME"
1 held."""


def test_resolved_as_live(night):
    """Whoever looked found it: name and reason are told, and it is published."""
    night.post(channel="x")
    night.script("hang up before")
    night.at(DUE, "publish")
    night.at(OVER, "reconcile")
    done = night.at("2027-07-01 11:38", "resolve", ON_X, "--live", f"{night.url}/x/i/status/115000000000000042",
                    "--by", "Wren", "--reason", "an hour late on the timeline")
    assert done.code == 0, done.err

    assert night.seen("2027-07-01 11:40", ON_X) == """\
posts/hello@x#1
  content/posts/hello.md:2:1 says so; it goes to x (x, mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether it arrived: 127.0.0.1:PORT may have taken the request: the
        connection broke before a whole answer.
  Thu 2027-07-01 12:34:00  looked for by HOST, process PID
  Thu 2027-07-01 12:34:00  waits for a person: the answer was lost, and the account does not show the post; it
        is not sent again unless you say that it is not there
  Thu 2027-07-01 12:38:00  Wren says that it is live: http://127.0.0.1:PORT/x/i/status/ID42: an hour late on the
        timeline
  Thu 2027-07-01 12:38:00  published: http://127.0.0.1:PORT/x/i/status/ID42, as Wren said
  State: published.

slot  state  due  where, or why not
posts/hello@x#1  published  Thu 2027-07-01 12:30 (Europe/Dublin)  http://127.0.0.1:PORT/x/i/status/ID42
1 published."""


def test_resolved_as_absent(night):
    """Whoever looked did not find it: the publisher sends it next, and the story says on whose word."""
    night.post(channel="x")
    night.script("hang up before")
    night.at(DUE, "publish")
    night.at(OVER, "reconcile")
    done = night.at("2027-07-01 11:38", "resolve", ON_X, "--absent", "--by", "Wren", "--reason", "not on the timeline")
    assert done.code == 0, done.err

    assert night.seen("2027-07-01 11:40", ON_X) == """\
posts/hello@x#1
  content/posts/hello.md:2:1 says so; it goes to x (x, mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether it arrived: 127.0.0.1:PORT may have taken the request: the
        connection broke before a whole answer.
  Thu 2027-07-01 12:34:00  looked for by HOST, process PID
  Thu 2027-07-01 12:34:00  waits for a person: the answer was lost, and the account does not show the post; it
        is not sent again unless you say that it is not there
  Thu 2027-07-01 12:38:00  Wren says that it is not there: not on the timeline
  State: waiting.
  Next: Nothing to do: the publisher sends it, unless it is too late by then.

slot  state  due  where, or why not
posts/hello@x#1  waiting  Thu 2027-07-01 12:30 (Europe/Dublin)  Wren says that it is not there; the publisher
        goes on with it
1 waiting."""


def test_sent_after_a_verdict(night):
    """What a person called absent goes out, and is published."""
    night.post(channel="x")
    night.script("hang up before")
    night.at(DUE, "publish")
    night.at(OVER, "reconcile")
    night.at("2027-07-01 11:38", "resolve", ON_X, "--absent", "--by", "Wren")
    assert night.at("2027-07-01 11:40", "publish").code == 0

    assert night.seen("2027-07-01 11:40", ON_X) == """\
posts/hello@x#1
  content/posts/hello.md:2:1 says so; it goes to x (x, mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether it arrived: 127.0.0.1:PORT may have taken the request: the
        connection broke before a whole answer.
  Thu 2027-07-01 12:34:00  looked for by HOST, process PID
  Thu 2027-07-01 12:34:00  waits for a person: the answer was lost, and the account does not show the post; it
        is not sent again unless you say that it is not there
  Thu 2027-07-01 12:38:00  Wren says that it is not there
  Thu 2027-07-01 12:40:00  taken again by HOST, process PID
  Thu 2027-07-01 12:40:00  sending, try 1
  Thu 2027-07-01 12:40:00  published: http://127.0.0.1:PORT/x/i/status/ID01
  State: published.

slot  state  due  where, or why not
posts/hello@x#1  published  Thu 2027-07-01 12:30 (Europe/Dublin)  http://127.0.0.1:PORT/x/i/status/ID01
1 published."""


def test_missed(night):
    """Too late: not sent, and what to change."""
    night.post()
    assert night.at("2027-07-01 14:30", "publish").code == 4

    assert night.seen("2027-07-01 14:31", HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 15:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 15:30:00  missed: it was more than 2 h past its time before it could go out; nothing is sent
        late by itself
  State: missed.
  Next: Give the post a new time and commit, if it should still go out.

slot  state  due  where, or why not
posts/hello@mastodon#1  missed  Thu 2027-07-01 12:30 (Europe/Dublin)  it was more than 2 h past its time before
        it could go out; nothing is sent late by itself
next for posts/hello@mastodon#1: Give the post a new time and commit, if it should still go out.
1 missed."""


def test_missed_and_given_a_new_time(night):
    """With a new time it goes out then."""
    night.post()
    assert night.at("2027-07-01 14:30", "publish").code == 4
    night.post(at="2027-07-01 17:00")
    assert night.at("2027-07-01 16:00", "publish").code == 0

    assert night.seen("2027-07-01 16:00", HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 17:00 (Europe/Dublin).
  Thu 2027-07-01 15:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 15:30:00  missed: it was more than 2 h past its time before it could go out; nothing is sent
        late by itself
  Thu 2027-07-01 17:00:00  open again: its post has changed (commit COMMIT)
  Thu 2027-07-01 17:00:00  taken again by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 17:00:00  sending, try 1
  Thu 2027-07-01 17:00:00  published: http://127.0.0.1:PORT/mastodon/#mastodon-ID01
  State: published.

slot  state  due  where, or why not
posts/hello@mastodon#1  published  Thu 2027-07-01 17:00 (Europe/Dublin)
        http://127.0.0.1:PORT/mastodon/#mastodon-ID01
1 published."""


def test_withdrawn(night):
    """Its file is gone while it waited: it ends, and the commit that had it is named."""
    night.post()
    night.script("429", retry_after=600)
    night.at(DUE, "publish")
    (night.folder.path / "posts/hello.md").unlink()
    night.post("Tomorrow.", at="2027-07-02 12:30", name="tomorrow")
    assert night.at("2027-07-01 11:41", "publish").code == 0

    assert night.seen("2027-07-01 11:41", HELLO) == """\
posts/hello@mastodon#1
  No file of the content has this slot now; commit COMMIT had it. Times are UTC.
  Thu 2027-07-01 11:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 11:30:00  sending, try 1
  Thu 2027-07-01 11:30:00  not sent: the server answered 429: Too many requests; it is tried again at Thu
        2027-07-01 11:40 (UTC)
  Thu 2027-07-01 11:41:00  taken again by HOST, process PID
  Thu 2027-07-01 11:41:00  not sent: withdrawn: its post is a draft now, names another channel, or is gone
  State: skipped.
  Next: Nothing to do. To send it after all, commit its post with another text or time.

slot  state  due  where, or why not
posts/tomorrow@mastodon#1  planned  Fri 2027-07-02 12:30 (Europe/Dublin)
posts/hello@mastodon#1  skipped  -  withdrawn: its post is a draft now, names another channel, or is gone
1 planned, 1 skipped."""


def test_half_a_thread_without_a_credential(night):
    """One part is live and the token is valid no more: the rest waits for a new one, and the exit code is 4."""
    night.post("One.\n\n***\n\nTwo.", channel="x")
    night.script("401", after=1, times=2)
    assert night.at(DUE, "publish").code == 4

    assert night.seen(TOO_EARLY, ON_X) == """\
posts/hello@x#1
  content/posts/hello.md:2:1 says so; it goes to x (x, mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending part 1, try 1
  Thu 2027-07-01 12:30:00  part 1 is live: http://127.0.0.1:PORT/x/i/status/ID01
  Thu 2027-07-01 12:30:00  sending part 2, try 1
  Thu 2027-07-01 12:30:00  part 2 not sent: X does not accept the connection's credentials (401): Unauthorized
  Thu 2027-07-01 12:30:00  sending part 2, try 2
  Thu 2027-07-01 12:30:00  part 2 not sent: X does not accept the connection's credentials (401): Unauthorized;
        it is tried again at Thu 2027-07-01 12:45 (Europe/Dublin)
  State: waiting.
  Next: Renew the credentials of x (drumbeat connect x --channel x), or do what the reason names: the rest of
        the thread goes out with the next try.

slot  state  due  where, or why not
posts/hello@x#1  waiting  Thu 2027-07-01 12:30 (Europe/Dublin)  X does not accept the connection's credentials
        (401): Unauthorized; the next try is at Thu 2027-07-01 12:45 (Europe/Dublin); live already:
        http://127.0.0.1:PORT/x/i/status/ID01
next for posts/hello@x#1: Renew the credentials of x (drumbeat connect x --channel x), or do what the reason
        names: the rest of the thread goes out with the next try.
1 waiting."""


def test_half_a_thread_refused(night):
    """One part is live and the second refused for good: what is live, the network's words, and how it goes on."""
    night.post("One.\n\n***\n\nTwo.")
    night.script("401", after=1, times=2)
    night.at(DUE, "publish")
    (first,) = httpx.get(f"{night.url}/_rehearsal/posts").json()
    httpx.delete(f"{night.url}/mastodon/api/v1/statuses/{first['id']}",
                 headers={"Authorization": "Bearer rehearsal:@mill"}).raise_for_status()
    assert night.at("2027-07-01 11:45", "publish").code == 4

    assert night.seen("2027-07-01 11:45", HELLO) == """\
posts/hello@mastodon#1
  content/posts/hello.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending part 1, try 1
  Thu 2027-07-01 12:30:00  part 1 is live: http://127.0.0.1:PORT/mastodon/#mastodon-ID01
  Thu 2027-07-01 12:30:00  sending part 2, try 1
  Thu 2027-07-01 12:30:00  part 2 not sent: the server answered 401: The access token is invalid
  Thu 2027-07-01 12:30:00  sending part 2, try 2
  Thu 2027-07-01 12:30:00  part 2 not sent: the server answered 401: The access token is invalid; it is tried
        again at Thu 2027-07-01 12:45 (Europe/Dublin)
  Thu 2027-07-01 12:45:00  taken again by HOST, process PID
  Thu 2027-07-01 12:45:00  sending part 2, try 3
  Thu 2027-07-01 12:45:00  part 2 failed: the server answered 404: The post you are trying to reply to does not
        appear to exist.
  State: failed.
  Next: 1 part is live already and stays. Mend what the reason names, change the other parts or the time, and
        commit: the thread then goes on after what is live.

slot  state  due  where, or why not
posts/hello@mastodon#1  failed  Thu 2027-07-01 12:30 (Europe/Dublin)  the server answered 404: The post you are
        trying to reply to does not appear to exist; live already: http://127.0.0.1:PORT/mastodon/#mastodon-ID01
next for posts/hello@mastodon#1: 1 part is live already and stays. Mend what the reason names, change the other
        parts or the time, and commit: the thread then goes on after what is live.
1 failed."""


def test_half_a_thread_in_doubt(night):
    """The answer to the second part was lost and it is not there: the question is about that part."""
    night.post("One.\n\n***\n\nTwo.", channel="x")
    night.script("hang up before", after=1)
    assert night.at(DUE, "publish").code == 5
    assert night.at(OVER, "reconcile").code == 5

    assert night.seen(OVER, ON_X) == """\
posts/hello@x#1
  content/posts/hello.md:2:1 says so; it goes to x (x, mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending part 1, try 1
  Thu 2027-07-01 12:30:00  part 1 is live: http://127.0.0.1:PORT/x/i/status/ID01
  Thu 2027-07-01 12:30:00  sending part 2, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether part 2 arrived: 127.0.0.1:PORT may have taken the request: the
        connection broke before a whole answer.
  Thu 2027-07-01 12:34:00  looked for by HOST, process PID
  Thu 2027-07-01 12:34:00  part 2 waits for a person: the answer was lost, and the account does not show the
        post; it is not sent again unless you say that it is not there
  State: held.
  Next: Look at the account mill on x: is part 2 there?
    It is: drumbeat resolve posts/hello@x#1 --live ADDRESS --by "YOUR NAME"
    It is not: drumbeat resolve posts/hello@x#1 --absent --by "YOUR NAME"

slot  state  due  where, or why not
posts/hello@x#1  held  Thu 2027-07-01 12:30 (Europe/Dublin)  the answer was lost, and the account does not show
        the post; it is not sent again unless you say that it is not there; live already:
        http://127.0.0.1:PORT/x/i/status/ID01
next for posts/hello@x#1: Look at the account mill on x: is part 2 there?  It is: drumbeat resolve
        posts/hello@x#1 --live ADDRESS --by "YOUR NAME"  It is not: drumbeat resolve posts/hello@x#1 --absent
        --by "YOUR NAME"
1 held."""


def test_credentials_of_another_account(night):
    """Nothing is sent to a stranger's account; the publisher says whose it is, and status that nothing was tried."""
    night.post()
    night.at(DUE, "publish")
    channels = (night.folder.path / "networks/channels.yaml").read_text()
    night.folder.write("networks/channels.yaml", channels.replace('"@mill"', '"@other"'))
    night.post("The second.", at="2027-07-01 13:00", name="second")
    done = night.at("2027-07-01 12:00", "publish")

    assert done.code == 3
    assert "mastodon was @mill until now" in done.out
    assert "nothing is sent. Put the right credentials back" in done.out
    assert night.seen("2027-07-01 12:10", "posts/second@mastodon#1") == """\
posts/second@mastodon#1
  content/posts/second.md:2:1 says so; it goes to mastodon (mastodon, @other).
  Due Thu 2027-07-01 13:00 (Europe/Dublin).
  State: planned. Nothing was tried yet.
  Next: Either no publisher runs (drumbeat up), or one runs and keeps it back: credentials, or the wrong
        account. What it prints says which.

slot  state  due  where, or why not
posts/hello@mastodon#1  published  Thu 2027-07-01 12:30 (Europe/Dublin)
        http://127.0.0.1:PORT/mastodon/#mastodon-ID01
posts/second@mastodon#1  planned  Thu 2027-07-01 13:00 (Europe/Dublin)  it is due, and nothing was tried yet
next for posts/second@mastodon#1: Either no publisher runs (drumbeat up), or one runs and keeps it back:
        credentials, or the wrong account. What it prints says which.
1 planned, 1 published."""


def test_the_flood_fuse(night):
    """Too many at once: the publisher, why and status say which limit, how to raise it, and when its turn is."""
    channels = (night.folder.path / "networks/channels.yaml").read_text()
    night.folder.write("networks/channels.yaml", channels.replace('"@mill"}', '"@mill", limits: {per_hour: 1}}'))
    night.post("One.", name="one")
    night.post("Two.", name="two")
    done = night.at(DUE, "publish")

    assert done.code == 0
    assert "the flood fuse of mastodon has blown: 1 post went out in the last hour, and it allows 1." in done.out
    assert "raise 'limits: {per_hour: …}' of mastodon in networks/channels.yaml" in done.out
    assert night.seen("2027-07-01 11:40", "posts/two@mastodon#1") == """\
posts/two@mastodon#1
  content/posts/two.md:2:1 says so; it goes to mastodon (mastodon, @mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  kept back: the flood fuse of mastodon has blown: 1 post went out in the last hour,
        and it allows 1. See why so many are due at once. If they are meant, raise 'limits: {per_hour: …}' of
        mastodon in networks/channels.yaml; else they go on one by one, and what is too late by then is missed;
        its turn is at about Thu 2027-07-01 13:30 (Europe/Dublin)
  State: waiting.

slot  state  due  where, or why not
posts/one@mastodon#1  published  Thu 2027-07-01 12:30 (Europe/Dublin)
        http://127.0.0.1:PORT/mastodon/#mastodon-ID01
posts/two@mastodon#1  waiting  Thu 2027-07-01 12:30 (Europe/Dublin)  the flood fuse of mastodon has blown: 1
        post went out in the last hour, and it allows 1. See why so many are due at once. If they are meant,
        raise 'limits: {per_hour: …}' of mastodon in networks/channels.yaml; else they go on one by one, and
        what is too late by then is missed; its turn is at about Thu 2027-07-01 13:30 (Europe/Dublin)
1 waiting, 1 published."""


def test_many_looks_are_one_line(night):
    """While the account cannot be read, each look in vain does not get a line of its own."""
    night.post(channel="x")
    night.script("hang up before")
    night.at(DUE, "publish")
    night.script("500 before effect", match="GET /2/users/[0-9]+/tweets", times=20)
    for minute in range(35, 40):
        assert night.at(f"2027-07-01 11:{minute}", "reconcile").code == 5

    assert night.seen("2027-07-01 11:40", ON_X) == """\
posts/hello@x#1
  content/posts/hello.md:2:1 says so; it goes to x (x, mill).
  Due Thu 2027-07-01 12:30 (Europe/Dublin).
  Thu 2027-07-01 12:30:00  taken by HOST, process PID, as commit COMMIT has it, payload HASH
  Thu 2027-07-01 12:30:00  sending, try 1
  Thu 2027-07-01 12:30:00  nobody knows whether it arrived: 127.0.0.1:PORT may have taken the request: the
        connection broke before a whole answer.
  Thu 2027-07-01 12:35:00  looked for by HOST, process PID
  Thu 2027-07-01 12:39:00  looked for 4 times more, last by HOST, process PID
  State: unknown.
  Next: A running publisher looks at the account by itself. If none runs: drumbeat reconcile

slot  state  due  where, or why not
posts/hello@x#1  unknown  Thu 2027-07-01 12:30 (Europe/Dublin)  nobody knows whether it arrived: 127.0.0.1:PORT
        may have taken the request: the connection broke before a whole answer.
next for posts/hello@x#1: Wait: some minutes after the call a running publisher looks at the account by itself,
        and so does 'drumbeat reconcile'. Nothing is sent before it is known.
1 unknown."""


def test_status_as_data(night):
    """`status --json` after a lost answer, whole."""
    night.post()
    night.script("hang up after effect")
    night.at(DUE, "publish")

    told = night.at(TOO_EARLY, "status", "--json").json
    assert told == {
        "slots": [{
            "slot": HELLO, "state": "unknown", "at": "2027-07-01T11:30:00Z", "sent_at": None, "url": None,
            "reason": "nobody knows whether it arrived: 127.0.0.1: the connection was closed before the answer was "
                      "complete, or it was no HTTP",
            "file": "content/posts/hello.md:2:1",
            "next": "Wait: some minutes after the call a running publisher looks at the account by itself, and so does "
                    "'drumbeat reconcile'. Nothing is sent before it is known."}],
        "counts": {"unknown": 1}, "holds": [], "rejected": None, "in_force": told["in_force"],
        "unreachable": None, "reachable": None}


def a_row(number: int, state: State, advice: str | None) -> Row:
    slot = f"posts/p{number}@x#1"
    return Row(slot, state, None, None, None, None, None, advice and advice.format(slot))


def test_equal_advice_is_said_once():
    """A whole season missed is one line; what waits for a person comes first, and a single slot is named."""
    rows = [a_row(1, State.published, None), *(a_row(n, State.missed, "Give it a new time.") for n in range(2, 32)),
            a_row(40, State.failed, "Mend {}."), *(a_row(n, State.held, "Settle {}.") for n in (50, 51))]

    assert next_lines(rows) == [
        "next for 2 held slots: Settle SLOT.", "next for posts/p40@x#1: Mend posts/p40@x#1.",
        "next for 30 missed slots: Give it a new time."]


@pytest.mark.parametrize(("states", "unable", "code"), [
    ((State.published, State.waiting, State.skipped, State.planned), False, 0), ((State.published,), True, 3),
    ((State.failed,), True, 4), ((State.missed, State.published), False, 4), ((State.held, State.failed), True, 5),
    ((State.unknown,), False, 5)])
def test_exit_codes(states, unable, code):
    """5 before 4 before 3: the outcome that needs somebody most decides."""
    assert exit_code([a_row(n, state, None) for n, state in enumerate(states)], unable=unable) == code


def test_half_a_thread_that_waits_for_a_credential_is_not_published():
    """It is tried again by itself, and will not work before somebody renews the credential: exit code 4."""
    assert exit_code([a_row(1, State.waiting, "Renew the credentials.")]) == 4
