"""reconcile and resolve: what they say, what they record, what they refuse, and their exit codes."""
import os
import shlex
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal

DUE, OVER, LATER = "2027-03-01 12:00", "2027-03-01 12:04", "2027-03-01 12:10"
HELLO, ON_X = "posts/hello@mastodon#1", "posts/hello@x#1"
LOST = ("reconcile", "publish")
PATIENCE_S = 30.0


class Club:
    """A content folder, rehearsal networks, and a clock that stands where each command says."""

    def __init__(self, folder: Any, run: Callable[..., Any]) -> None:
        self.folder, self.run, self.moment = folder, run, datetime(2027, 3, 1, 12, tzinfo=UTC)

    def post(self, text: str = "Hello!", *, channels: str = "mastodon", name: str = "hello") -> None:
        self.folder.post(name, text, channels=channels)
        self.folder.commit()

    def script(self, *faults: dict[str, Any]) -> None:
        httpx.put(f"{self.url}/_rehearsal/faults", json=list(faults)).raise_for_status()

    def at(self, moment: str, *words: str) -> Any:
        """A command at that time; the networks tell the same time."""
        self.moment = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        to = ("--rehearse-at", self.url) if words[0] in LOST else ()
        once = ("--once",) if words[0] == "publish" else ()
        return self.run(*words, *once, *to, "--now", moment, cwd=self.folder.home)

    def hold(self, text: str = "Hello!", **fault: Any) -> None:
        """`posts/hello` on X: its answer was lost, the look did not find it, so it waits for a person."""
        self.post(text, channels="x")
        self.script({"fault": "hang up before", **fault})
        assert self.at(DUE, "publish").code == 5
        done = self.at(OVER, "reconcile", "--json")
        assert (done.code, [one["state"] for one in done.json["outcomes"]]) == (5, ["held"])

    def resolve(self, *words: str, moment: str = LATER, by: str = "Wren") -> Any:
        return self.at(moment, "resolve", ON_X, *words, "--by", by)

    def posts(self) -> list[dict[str, Any]]:
        made: list[dict[str, Any]] = httpx.get(f"{self.url}/_rehearsal/posts").json()
        return made

    def address(self, slot: str, number: int) -> str:
        """Where the network shows the post that it got as that one."""
        id = self.posts()[number]["id"]
        return f"{self.url}/x/i/status/{id}" if slot == ON_X else f"{self.url}/mastodon/#mastodon-{id}"

    def told(self, slot: str, moment: str = LATER) -> str:
        return str(self.at(moment, "why", slot).out)

    def records(self, slot: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.at(LATER, "why", slot, "--json").json["records"]
        return found

    def make_older(self) -> None:
        """Five minutes pass for every record of the archive."""
        for file in (self.folder.home / ".drumbeat/rehearsal/archive/v1/ledger").rglob("*.json"):
            before = file.stat().st_mtime - 300
            os.utime(file, (before, before))


@pytest.fixture
def club(content_folder, drumbeat) -> Iterator[Club]:
    made = Club(content_folder(), drumbeat)
    with Rehearsal([twin(lambda: made.moment) for twin in twins().values()]) as networks:
        made.url = networks.url
        yield made


def outcome(done: Any) -> tuple[int, str, str]:
    """Exit code, state and reason of the only outcome."""
    [one] = done.json["outcomes"]
    return done.code, one["state"], one["reason"]


# --- reconcile --------------------------------------------------------------------------------------------------------

def test_nothing_in_doubt(club):
    """After a good day there is nothing to look up."""
    club.post()
    club.at(DUE, "publish")

    said, data = club.at(OVER, "reconcile"), club.at(OVER, "reconcile", "--json")

    assert (said.code, said.out, said.err.splitlines()[-1]) == (0, "", "Nothing is in doubt.")
    assert (data.code, data.json) == (0, {"outcomes": []})


def test_no_archive_yet(club, tmp_path):
    """Before anything was published nothing is in doubt, and looking makes no archive."""
    club.post()

    done = club.run("reconcile", cwd=club.folder.home)
    named = club.run("reconcile", "--archive", f"dir:{tmp_path / 'nowhere'}", cwd=club.folder.home)

    assert (done.code, done.out) == (0, "")
    assert done.err.startswith("Nothing is in doubt: ")
    assert named.code == 3
    assert not (club.folder.home / ".drumbeat").exists()


def test_too_early_to_look(club):
    """While the call may still take effect, reconcile says from when it looks, and exits with 5."""
    club.post()
    club.script({"fault": "hang up after effect"})
    club.at(DUE, "publish")

    done = club.at("2027-03-01 12:01", "reconcile")

    assert done.code == 5
    assert "the account is looked at from Mon 2027-03-01 12:03:10 (UTC) on" in done.out
    assert done.err.splitlines()[-1] == (
        f"next for {HELLO}: A running publisher goes on by itself; if none runs, later again: drumbeat reconcile")


def test_found(club):
    """What is there is published, with its own address; nothing is sent."""
    club.post()
    club.script({"fault": "hang up after effect"})
    club.at(DUE, "publish")

    done = club.at(OVER, "reconcile", "--json")

    assert (done.code, [post["calls"] for post in club.posts()]) == (0, [1])
    assert done.json == {"outcomes": [
        {"slot": HELLO, "state": "published", "url": club.address(HELLO, 0), "reason": None, "next": None}]}


def test_absent_on_mastodon_is_sent_again(club):
    """Mastodon knows our key: reconcile only says that it is not there, the publisher then sends it once."""
    club.post()
    club.script({"fault": "hang up before"})
    club.at(DUE, "publish")

    looked, again = club.at(OVER, "reconcile", "--json"), club.at(LATER, "publish", "--json")

    assert outcome(looked) == (5, "unknown", "it is not there; the publisher sends it again")
    assert [outcome(again)[:2], len(club.posts())] == [(0, "published"), 1]
    keys = {record["key"] for record in club.records(HELLO) if record["kind"] == "sending"}
    assert len(keys) == 1


@pytest.mark.parametrize(("channel", "slot"), [("x", ON_X), ("facebook", "posts/hello@facebook#1")])
def test_absent_where_nobody_can_know(club, channel, slot):
    """Where a repeat could post twice it is held for a person, exit 5; later commands say so again."""
    club.post(channels=channel)
    club.script({"fault": "hang up before"})
    club.at(DUE, "publish")

    done, again = club.at(OVER, "reconcile", "--json"), club.at(LATER, "publish", "--json")

    assert outcome(done)[:2] == (5, "held")
    assert f"drumbeat resolve {slot} --absent --by" in done.json["outcomes"][0]["next"]
    assert (outcome(again)[:2], club.posts()) == ((5, "held"), [])


def test_several_matches(club):
    """Two posts that say the same: held, with the address of each, and a command for each."""
    club.post(channels="mastodon")
    club.script({"fault": "hang up after effect"})
    club.at(DUE, "publish")
    httpx.post(f"{club.url}/mastodon/api/v1/statuses", json={"status": "Hello!"},
               headers={"Authorization": "Bearer rehearsal:@mill"}).raise_for_status()
    addresses = [club.address(HELLO, 0), club.address(HELLO, 1)]

    done = club.at(OVER, "reconcile", "--json")

    assert (len(club.posts()), outcome(done)[:2]) == (2, (5, "held"))
    for address in addresses:
        assert f'drumbeat resolve {HELLO} --live "{address}" --by "YOUR NAME"' in done.json["outcomes"][0]["next"]
        assert f'  This one: drumbeat resolve {HELLO} --live "{address}" --by "YOUR NAME"' in club.told(HELLO)
    pasted = next(line for line in club.told(HELLO).splitlines() if addresses[1] in line and "drumbeat" in line)
    words = shlex.split(pasted.partition("drumbeat ")[2])
    assert club.at(LATER, *words).code == 0
    assert f"published: {addresses[1]}, as YOUR NAME said" in club.told(HELLO)


def test_an_account_that_does_not_answer(club):
    """A failed look settles nothing: still unknown, exit 5, and the next look finds it."""
    club.post()
    club.script({"fault": "hang up after effect"})
    club.at(DUE, "publish")
    club.script({"fault": "500 before effect", "match": "GET .*", "times": 5})

    done = club.at(OVER, "reconcile", "--json")
    club.script()

    assert outcome(done)[:2] == (5, "unknown")
    assert outcome(club.at(LATER, "reconcile", "--json"))[:2] == (0, "published")


def test_one_slot_only(club):
    """--slot looks up that one and leaves the other; a slot that nobody knows is a usage error."""
    club.post()
    club.post("The other.", name="other")
    club.script({"fault": "hang up after effect", "times": 2})
    club.at(DUE, "publish")

    done = club.at(OVER, "reconcile", "--slot", HELLO, "--json")

    assert [(one["slot"], one["state"]) for one in done.json["outcomes"]] == [(HELLO, "published")]
    assert "State: unknown." in club.told("posts/other@mastodon#1")
    settled = club.at(OVER, "reconcile", "--slot", HELLO)
    assert (settled.code, settled.err.splitlines()[-1]) == (0, f"{HELLO} is not in doubt.")
    assert club.at(OVER, "reconcile", "--slot", "posts/nobody@x#1").code == 2


def test_a_real_archive_needs_credentials(club, drumbeat):
    """Without credentials nothing can be looked up: exit 3, with what to set."""
    club.post()
    archive = club.folder.home / "kept"
    club.script({"fault": "hang up after effect"})
    drumbeat("publish", "--once", "--rehearse-at", club.url, "--now", DUE, "--archive", f"dir:{archive}",
             cwd=club.folder.home)
    (archive / "v1/kind").write_bytes(b"real\n")

    done = drumbeat("reconcile", "--archive", f"dir:{archive}", cwd=club.folder.home)

    assert done.code == 3, done.out + done.err
    assert "DRUMBEAT_MASTODON_ACCESS_TOKEN" in done.out + done.err


def test_the_printed_command_works_in_a_rehearsal(content_folder, drumbeat, start, free_port):
    """`drumbeat reconcile`, pasted as `why` prints it, looks at the rehearsal when the archive is one."""
    folder = content_folder()
    folder.post("hello", "Hello!", at=datetime.now(UTC) - timedelta(minutes=10))
    folder.commit()
    networks = start("rehearsal", "--port", str(free_port()), cwd=folder.home)
    url = networks.wait_for(r"^all: (http://\S+)")[1]
    httpx.put(f"{url}/_rehearsal/faults", json=[{"fault": "hang up after effect"}]).raise_for_status()
    drumbeat("publish", "--once", "--rehearse-at", url, cwd=folder.home)
    networks.end()

    early = drumbeat("reconcile", cwd=folder.home)
    Club.make_older(Club(folder, drumbeat))
    done = drumbeat("reconcile", cwd=folder.home)

    assert (early.code, done.code) == (5, 0), early.err + done.err
    assert f"{HELLO}  published" in done.out


# --- resolve ----------------------------------------------------------------------------------------------------------

def test_live_by_address(club):
    """Found at an address: published there, and name and reason are kept."""
    club.hold()
    address = f"{club.url}/x/i/status/115000000000000042"

    done = club.resolve("--live", address, "--reason", "it came an hour late")

    assert (done.code, done.out.split()) == (0, [ON_X, "published"])
    assert f"Wren says that it is live: {address}: it came an hour late" in club.told(ON_X)
    assert f"published: {address}, as Wren said" in club.told(ON_X)
    assert club.at(LATER, "publish").code == 0
    assert club.posts() == []


def test_live_by_bare_id(club):
    """The network's own id is enough; a rehearsal then claims no address of the real network."""
    club.hold()

    done = club.resolve("--live", "115000000000000042")
    record = club.records(ON_X)[-1]

    assert (done.code, record["kind"]) == (0, "published")
    assert record["detail"]["parts"] == [{"id": "115000000000000042", "url": None}]
    assert "published: 115000000000000042, as Wren said" in club.told(ON_X)


def test_absent_within_grace(club):
    """Not there, and not too late: the next publish sends it, once."""
    club.hold()

    done = club.resolve("--absent", "--reason", "not on the timeline")
    sent = club.at("2027-03-01 12:20", "publish", "--json")

    assert (done.code, done.err.splitlines()[-1]) == (0, "The publisher sends it, unless it is too late by then.")
    assert (outcome(sent)[:2], len(club.posts())) == ((0, "published"), 1)
    assert "Wren says that it is not there: not on the timeline" in club.told(ON_X, "2027-03-01 12:20")


def test_absent_too_late(club):
    """Not there, and too late by now: it becomes missed, and is not sent."""
    club.hold()

    done = club.resolve("--absent", moment="2027-03-01 15:00")
    after = club.at("2027-03-01 15:00", "publish", "--json")

    assert done.code == 0
    assert done.err.splitlines()[-1].startswith("It is too late to send it by itself: it becomes missed.")
    assert (outcome(after)[:2], club.posts()) == ((4, "missed"), [])


def test_the_commands_of_why_can_be_pasted(club):
    """The line for "it is not there" works as it is printed."""
    club.hold()
    line = next(one for one in club.told(ON_X).splitlines() if "--absent" in one)
    before, _, words = line.partition("drumbeat ")

    done = club.at(LATER, *shlex.split(words))

    assert (before.strip(), done.code) == ("It is not:", 0)


def test_live_in_the_middle_of_a_thread(club):
    """The second of three parts is there: the third goes out as a reply to it, the second is not sent again."""
    club.post("One.\n\n***\n\nTwo.\n\n***\n\nThree.", channels="x")
    club.script({"fault": "hang up after effect", "after": 1},
                {"fault": "500 before effect", "match": "GET /2/users/[0-9]+/tweets", "times": 9})
    assert club.at(DUE, "publish").code == 5
    assert outcome(club.at("2027-03-02 13:00", "reconcile", "--json"))[:2] == (5, "held")

    done = club.resolve("--live", club.address(ON_X, 1), moment="2027-03-02 13:05")
    sent = club.at("2027-03-02 13:10", "publish", "--json")

    assert (done.code, done.out.split()) == (0, [ON_X, "live"])
    assert done.err.splitlines()[-1] == "The publisher sends the last part."
    assert outcome(sent)[:2] == (0, "published")
    first, second, third = club.posts()
    assert [post["text"] for post in club.posts()] == ["One.", "Two.", "Three."]
    assert (second["parent"], third["parent"]) == (first["id"], second["id"])


@pytest.mark.parametrize(("address", "words"), [
    ("{url}/mastodon/#mastodon-115000000000000042", "an address of X looks like"),
    ("https://social.example/@mill/115000000000000042", "an address of X looks like"),
    ("not an address", "an address of X looks like"),
])
def test_an_address_that_is_none_of_this_network(club, address, words):
    """Another network's address is refused, with what one looks like; nothing is recorded."""
    club.hold()
    before = club.records(ON_X)

    done = club.resolve("--live", address.format(url=club.url))

    assert (done.code, done.out) == (2, "")
    assert words in done.err
    assert club.records(ON_X) == before


def test_an_address_of_another_slot(club):
    """A post that another slot's receipt names is not this one, be it a week older."""
    club.folder.post("before", "Last week.", at=datetime(2027, 2, 22, 12, tzinfo=UTC), channels="x")
    club.folder.commit()
    assert club.at("2027-02-22 12:00", "publish").code == 0
    club.hold()

    done = club.resolve("--live", club.address(ON_X, 0))

    assert done.code == 2
    assert "is posts/before@x#1." in done.err


def test_an_address_of_another_part(club):
    """A part that is known to be live is not the one that is looked for."""
    club.hold("One.\n\n***\n\nTwo.", after=1)

    done = club.resolve("--live", club.posts()[0]["id"])

    assert done.code == 2
    assert f"is another part of {ON_X}." in done.err


@pytest.mark.parametrize(("fault", "words"), [
    (None, "is published: http://127.0.0.1:"),
    ({"fault": "hang up after effect"}, "is not held yet: the account is looked at first"),
    ({"fault": "401", "times": 2}, "is failed; nobody has to say whether it is there."),
    ({"fault": "429", "retry_after": 600}, "is waiting; nobody has to say whether it is there."),
])
def test_what_is_not_held_needs_no_verdict(club, fault, words):
    """Published, still unknown, failed, waiting: refused, each with its own reason."""
    club.post(channels="x")
    club.script(*([fault] if fault else []))
    club.at(DUE, "publish")

    done = club.resolve("--absent")

    assert (done.code, done.out) == (2, "")
    assert words in done.err


def test_what_was_never_tried_needs_no_verdict(club):
    """A planned slot, and one that nobody knows: nothing was tried, and what to ask instead."""
    club.post(channels="x, mastodon")
    club.at(DUE, "publish", "--slot", HELLO)

    for slot in (ON_X, "posts/nobody@x#1"):
        done = club.at(LATER, "resolve", slot, "--absent", "--by", "Wren")
        assert (done.code, done.err.splitlines()[-2:]) == (2, [
            f"error: Nothing was ever tried for {slot}.",
            "  remedy: 'drumbeat status --state held' lists what waits for you."])


@pytest.mark.parametrize(("words", "error"), [
    ((ON_X, "--by", "Wren"), "say either --live ADDRESS or --absent."),
    ((ON_X, "--absent", "--live", "1", "--by", "Wren"), "say either --live ADDRESS or --absent."),
    ((ON_X, "--absent", "--by", "  "), "--by is the name of the person who looked"),
    ((ON_X, "--absent", "--by", "W" * 81), "--by is the name of the person who looked"),
    ((ON_X, "--absent"), "--by"),
])
def test_wrong_use(club, words, error):
    """Both verdicts or none, nobody's name, no slot: usage errors."""
    done = club.run("resolve", *words, cwd=club.folder.home)

    assert (done.code, done.out) == (2, "")
    assert error in done.err


def test_no_archive(club):
    """Where nothing was ever published there is nothing to settle: exit 3."""
    done = club.run("resolve", ON_X, "--absent", "--by", "Wren", cwd=club.folder.home)

    assert done.code == 3
    assert "There is no archive at" in done.err


def test_pretend_time_is_for_rehearsals(club, drumbeat):
    """A verdict on a real post is given at the real time."""
    club.hold()
    archive = club.folder.home / ".drumbeat/rehearsal/archive"
    (archive / "v1/kind").write_bytes(b"real\n")

    done = club.run("resolve", ON_X, "--absent", "--by", "Wren", "--now", LATER, "--archive", f"dir:{archive}",
                    cwd=club.folder.home)

    assert done.code == 2
    assert "--now is pretend time, and this archive is real." in done.err


def test_the_answer_itself_arrived_meanwhile(club, start):
    """A publisher woke up with the network's yes: no verdict is taken, and reconcile records what it said."""
    club.post(channels="x")
    club.script({"fault": "slow", "seconds": 2.0},
                {"fault": "500 before effect", "match": "GET /2/users/[0-9]+/tweets", "times": 9})
    publisher = start("publish", "--once", "--rehearse-at", club.url, "--now", DUE, cwd=club.folder.home)
    until(club.posts)
    os.kill(publisher.process.pid, signal.SIGSTOP)
    club.make_older()
    held = club.at("2027-03-02 13:00", "reconcile", "--json")
    publisher.end(signal.SIGCONT)

    refused = club.resolve("--absent", moment="2027-03-02 13:01")
    settled = club.at("2027-03-02 13:02", "reconcile", "--json")

    assert outcome(held)[:2] == (5, "held")
    assert refused.code == 2
    assert "the answer itself has arrived, and the post is live" in refused.err
    assert (outcome(settled)[:2], len(club.posts())) == ((0, "published"), 1)


def test_two_people_at_once(club):
    """Six verdicts at the same moment: one is kept, the others are told that something else was recorded."""
    club.hold()
    done: list[Any] = []
    people = [threading.Thread(target=lambda n=n: done.append(club.resolve("--absent", by=f"Person {n}")))
              for n in range(6)]
    for person in people:
        person.start()
    for person in people:
        person.join()

    assert sorted(one.code for one in done) == [0, 2, 2, 2, 2, 2]
    assert all("was recorded for" in one.err or "nobody has to say" in one.err for one in done if one.code)
    assert [record["kind"] for record in club.records(ON_X)].count("resolved") == 1


def test_a_verdict_as_data(club):
    """--json: the slot, where it stands, and its address."""
    club.hold()
    address = f"{club.url}/x/i/status/115000000000000042"

    done = club.resolve("--live", address, "--json")

    assert (done.code, done.json) == (0, {"slot": ON_X, "state": "published", "url": address})


def until(there: Callable[[], Any]) -> None:
    """Returns when `there` gives something."""
    for _ in range(int(PATIENCE_S * 20)):
        if there():
            return
        threading.Event().wait(0.05)
    raise AssertionError("it never came")
