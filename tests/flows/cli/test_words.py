"""The words of the command line: every help text ends with an example that runs, and every --json can be relied on."""
import json
import re
import shlex
import shutil
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import click
import httpx
import pytest

import publishers
from flows.cli import commands
from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal


def every_command(group: click.Group = commands,
                  words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command with the words that call it, groups too."""
    yield words, group
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every_command(command, (*words, name))
        else:
            yield (*words, name), command


COMMANDS = dict(every_command())


@pytest.fixture(scope="module")
def played(tmp_path_factory, sample_copy, drumbeat):
    """The sample content after its first post: something to look at for every command that looks."""
    home = sample_copy(tmp_path_factory.mktemp("played") / "club")
    done = drumbeat("publish", "--once", "--rehearse", "--now", "2026-11-05 14:00", cwd=home)
    assert done.code == 0, done.err
    return home


@pytest.fixture(scope="module")
def held_once(tmp_path_factory, sample_copy, drumbeat):
    """The sample content after a lost answer: its first post waits for a person on x, and is out elsewhere."""
    home, clock = sample_copy(tmp_path_factory.mktemp("held") / "club"), [datetime(2026, 11, 5, 13, 30, tzinfo=UTC)]
    with Rehearsal([twin(lambda: clock[0]) for twin in twins().values()]) as networks:
        fault = {"network": "x", "fault": "hang up before"}
        httpx.put(f"{networks.url}/_rehearsal/faults", json=[fault]).raise_for_status()
        words = ("publish", "--once", "--rehearse-at", networks.url, "--now")
        lost = drumbeat(*words, "2026-11-05 13:30", cwd=home)
        clock[0] += timedelta(minutes=4)
        done = drumbeat(*words, "2026-11-05 13:34", "--json", cwd=home)
    assert (lost.code, done.code) == (5, 5), done.err
    assert {one["slot"]: one["state"] for one in done.json["outcomes"]}["posts/sharpen-a-chisel@x#1"] == "held"
    return home


@pytest.fixture
def held(held_once, tmp_path):
    """A copy of it, for a command that changes it."""
    return shutil.copytree(held_once, tmp_path / "held")


@pytest.fixture
def stopped(sample, drumbeat):
    """The sample content, and everything held."""
    assert drumbeat("hold", "--all", "--by", "Ilse", "--reason", "a storm", cwd=sample).code == 0
    return sample


def example(words: tuple[str, ...]) -> str:
    (last,) = re.findall(r"Example: (drumbeat .+)\Z", (COMMANDS[words].help or "").strip())
    return last


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words) or "drumbeat")
def test_every_help_text_ends_with_an_example(drumbeat, tmp_path, words):
    """--help works anywhere, without content, and shows the example."""
    done = drumbeat(*words, "--help", cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert example(words) in done.out
    assert example(words).startswith(f"drumbeat {' '.join(words)}".strip()) or isinstance(COMMANDS[words], click.Group)


EXAMPLES = sorted({example(words) for words in COMMANDS})
GO_ON = ("up", "rehearsal", "connect", "withdraw", "web")     # have tests of their own
HOMES = {"init": "tmp_path", "why": "played", "status": "played", "archive": "played", "audit": "played",
         "resolve": "held", "reconcile": "held", "resume": "stopped"}
EXITS = {"reconcile": 5, "serve": 3}        # somebody has to look, and no server is named: that is what they say


@pytest.mark.parametrize("line", [line for line in EXAMPLES if line.split()[1] not in GO_ON])
def test_every_example_runs(drumbeat, request, line):
    """Each example ends with 0 without a crash, on the sample content as it is, after its first post, or in trouble."""
    word = line.split()[1]
    home = request.getfixturevalue(HOMES.get(word, "sample"))

    done = drumbeat(*shlex.split(line)[1:], cwd=home)

    assert done.code == EXITS.get(word, 0), done.err
    assert "Traceback" not in done.err


def test_the_example_of_up_is_the_one_that_is_played(season_words):
    """What test_up runs, with a faster clock and another port, is the example of the help text."""
    assert shlex.split(example(("up",))) == ["drumbeat", *season_words]


def test_the_example_of_rehearsal_runs(start, sample, free_port):
    """The rehearsal says where each network is, and goes on until it is told to stop."""
    running = start(*shlex.split(example(("rehearsal",)))[1:], "--port", str(free_port()), cwd=sample)
    for name in ("all", "facebook_page", "mastodon", "x"):
        running.wait_for(rf"^{name}: http://127\.0\.0\.1:\d+")

    assert running.end(signal.SIGINT, patience_s=10).code in (0, 130, -signal.SIGINT)


def test_no_command_is_unknown_to_the_first_page(drumbeat, tmp_path):
    """`drumbeat --help` lists every command with one line each."""
    done = drumbeat("--help", cwd=tmp_path)

    listed = re.findall(r"^  ([a-z]+)  +\S", done.out[done.out.index("Commands:"):], re.MULTILINE)
    assert listed == [words[0] for words in COMMANDS if len(words) == 1]


# --- JSON -------------------------------------------------------------------------------------------------------------

SLOT = {"slot", "state", "at", "sent_at", "url", "reason", "file", "next"}
PROBLEM = {"code", "severity", "file", "line", "column", "message", "remedy"}


def test_check_json(drumbeat, sample):
    """check: problems with all their fields, and how many of each."""
    (sample / "content/posts/bad.md").write_text("---\nat: never\n---\nBad.\n")
    done = drumbeat("check", "--json", cwd=sample)

    assert done.code == 1
    assert set(done.json) >= {"problems", "counts"}
    assert set(done.json["counts"]) == {"errors", "warnings", "advice", "posts"}
    assert all(set(problem) - {"gate"} == PROBLEM for problem in done.json["problems"])
    assert all(problem["severity"] == "advice" for problem in done.json["problems"] if "gate" in problem)
    assert done.json["counts"]["errors"] == sum(p["severity"] == "error" for p in done.json["problems"]) > 0
    assert drumbeat("check", "--format", "json", cwd=sample).json == done.json


def test_preview_json(drumbeat, sample):
    """preview: each message's slot, channel, network, parts with length and limit, media, link, problems."""
    done = drumbeat("preview", "launch", "--json", cwd=sample)

    assert done.code == 0, done.err
    assert {m["slot"] for m in done.json["messages"]} >= {"spring-mend/launch@mastodon#1", "spring-mend/launch@x#1"}
    for message in done.json["messages"]:
        assert set(message) >= {"slot", "channel", "network", "parts", "media", "link", "problems"}
        assert all(set(part) >= {"text", "length", "limit"} for part in message["parts"])
        assert all(part["limit"] is None or part["length"] <= part["limit"] for part in message["parts"])


def test_plan_json(drumbeat, sample):
    """plan: one object per slot, times in RFC 3339 UTC and as the clock on the wall shows them."""
    done = drumbeat("plan", "--json", cwd=sample)

    assert done.code == 0, done.err
    items = done.json["items"]
    assert all(set(item) == {"slot", "post", "channel", "network", "at", "local", "zone", "intent", "stage", "campaign",
                             "state", "why"} for item in items)
    launch = next(item for item in items if item["slot"] == "spring-mend/launch@mastodon#1")
    assert (launch["at"], launch["local"], launch["zone"]) == (
        "2027-03-02T08:45:00Z", "2027-03-02 08:45", "Europe/Dublin")
    summer = next(item for item in items if item["slot"] == "spring-mend/thanks@mastodon#1")
    assert (summer["at"], summer["local"]) == ("2027-04-12T16:15:00Z", "2027-04-12 17:15")
    assert all(item["why"] for item in items if item["state"] == "waiting")


def test_publish_json(drumbeat, sample):
    """publish: one outcome per slot that was looked at."""
    done = drumbeat("publish", "--once", "--rehearse", "--now", "2026-11-05 14:00", "--json", cwd=sample)

    assert done.code == 0, done.err
    assert [set(outcome) for outcome in done.json["outcomes"]] == [{"slot", "state", "url", "reason"}] * 5


def test_status_json(drumbeat, played):
    """status: every slot of plan and archive, and how many are in each state; --state narrows it down."""
    done = drumbeat("status", "--json", cwd=played)
    published = drumbeat("status", "--state", "published", "--json", cwd=played)

    assert (done.code, published.code) == (0, 0)
    assert all(set(slot) == SLOT for slot in done.json["slots"])
    assert sum(done.json["counts"].values()) == len(done.json["slots"])
    assert published.json["counts"] == {"published": 5}
    assert re.fullmatch(r"2026-11-05T\d\d:\d\d:\d\dZ", published.json["slots"][0]["sent_at"])


def test_why_json(drumbeat, played):
    """why: the slot's row, and every record of its ledger."""
    done = drumbeat("why", "posts/sharpen-a-chisel@mastodon#1", "--json", cwd=played)

    assert done.code == 0, done.err
    assert set(done.json) == SLOT | {"records"}
    assert [record["kind"] for record in done.json["records"]] == ["claim", "sending", "published"]


def test_why_tells_the_story(drumbeat, played):
    """why, for people: the file and line, the time, every step, and where it is now."""
    done = drumbeat("why", "sharpen-a-chisel@mastodon", cwd=played)

    assert done.code == 0, done.err
    assert done.out.startswith("posts/sharpen-a-chisel@mastodon#1\n  content/posts/sharpen-a-chisel.md:2:")
    for words in ("Due Thu 2026-11-05 12:30 (Europe/Dublin).", "taken by", "sending, try 1",
                  "published: http://127.0.0.1:", "State: published."):
        assert words in done.out


def test_reconcile_json(drumbeat, held):
    """reconcile: one outcome per slot that is in doubt or waits for a person, each with what to do."""
    done = drumbeat("reconcile", "--json", cwd=held)

    assert done.code == 5, done.err
    assert [set(outcome) for outcome in done.json["outcomes"]] == [{"slot", "state", "url", "reason", "next"}]


def test_resolve_json(drumbeat, held):
    """resolve: the slot, where it stands now, and its address if it is live."""
    done = drumbeat("resolve", "posts/sharpen-a-chisel@x#1", "--absent", "--by", "Wren", "--json", cwd=held)

    assert (done.code, done.json) == (0, {"slot": "posts/sharpen-a-chisel@x#1", "state": "waiting", "url": None})


def test_archive_verify_json(drumbeat, played):
    """archive verify: whether it holds, and what it found."""
    done = drumbeat("archive", "verify", "--json", cwd=played)

    assert (done.code, done.json["ok"], done.json["findings"]) == (0, True, [])
    assert (done.json["slots"], done.json["records"]) == (5, 15)


def test_networks_json(drumbeat, tmp_path):
    """networks: each with its limits, their source and date, and the credentials it needs."""
    done = drumbeat("networks", "--json", cwd=tmp_path)

    assert done.code == 0, done.err
    assert [network["network"] for network in done.json["networks"]] == list(publishers.available())
    fields = {"needs", "text", "unit", "images", "source", "read", "powers", "options", "setup", "repeat"}
    assert all(set(network) >= fields for network in done.json["networks"])


def test_rehearsal_json(start, sample, free_port):
    """rehearsal: one object with the address of each network, as soon as they listen."""
    port = free_port()
    running = start("rehearsal", "--json", "--port", str(port), cwd=sample)
    text = ""
    for line in running.process.stdout:
        text += line
        if line == "}\n":
            break

    url = f"http://127.0.0.1:{port}"
    assert json.loads(text) == {"url": url, **{name: f"{url}/{name}/" for name in publishers.available()}}
    running.end()


@pytest.mark.slow
def test_up_json(content_folder, drumbeat, prefect_server, free_port):
    """up --until: the same object as status, and nothing else on stdout."""
    folder = content_folder()
    folder.post("hello", "Hello!", at=datetime(2027, 3, 1, 12, tzinfo=UTC))
    folder.commit()

    done = drumbeat("up", "--rehearse", "--until", "2027-03-02", "--speed", "2000000", "--port", str(free_port()),
                    "--json", cwd=folder.home, env=prefect_server.environment)

    assert (done.code, done.err) == (0, "")
    assert set(done.json) == {"slots", "counts", "holds", "rejected", "in_force", "unreachable", "reachable"}
    assert [set(slot) for slot in done.json["slots"]] == [SLOT]
    assert done.json["counts"] == {"published": 1}
    again = drumbeat("status", "--json", "--now", "2027-03-02", cwd=folder.home)
    assert again.json == done.json
