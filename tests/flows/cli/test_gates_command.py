"""gates: what a sponsor reads, whole; what a program gets; and what is said when something is wrong."""
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

import publishers
from flows.cli.gauging import Part, gates_command, told
from flows.edges.repository import working_tree
from flows.planning.preparing import prepare
from schemas.gate import Gate, GateLine, Light
from schemas.history import Edit, History
from schemas.world import Trial, World

HERE = Path(__file__).parent
SAMPLE = Path(__file__).parents[3] / "content"
CHANGED = Edit("c0ffee", datetime(2026, 10, 29, 12, 0, tzinfo=UTC), "wren@millracetools.example")
HISTORY = History({}, {("campaign", "spring-mend"): datetime(2026, 11, 20, tzinfo=UTC)}, {"millrace-2027": CHANGED})


def plain(lines: Iterable[tuple[Part, ...]]) -> str:
    """Lines as they are printed where there are no colours."""
    return "".join("  ".join(part.words for part in line).rstrip() + "\n" for line in lines)


def page(day: str, world: World) -> str:
    """What the command prints of the sample content on a day, nobody having looked into an archive."""
    now = datetime.fromisoformat(f"{day} 09:00+00:00")
    made = prepare(working_tree(SAMPLE), "content", "working tree", networks=publishers.available(),
                   judge=publishers.judge, now=now, know=lambda _: world)
    return plain(told(made.gates))


NOON = datetime(2027, 3, 17, 8, 0, tzinfo=UTC)
TRIED = {"mastodon": Trial(NOON), "bluesky": Trial(NOON), "archive": Trial(NOON),
         "linkedin": Trial(NOON - timedelta(days=3)), "CRM": Trial(NOON, "it asks for a new password.")}
WORLDS = (
    ("2026-09-15", World()),
    ("2027-03-17", World(HISTORY, trials=TRIED, dry_runs={"spring-mend": datetime(2027, 2, 20, tzinfo=UTC)})),
    ("2027-04-20", World(HISTORY)),
)


@pytest.mark.parametrize(("day", "world"), WORLDS, ids=[day for day, _ in WORLDS])
def test_the_gates_of_the_sample(day: str, world: World) -> None:
    """Before the base is built, in the middle of the campaign, and a week after its end: every word."""
    assert page(day, world) == (HERE / "gates" / f"{day}.txt").read_text(encoding="utf-8")


def test_the_gates_of_a_small_folder(drumbeat: Callable[..., Any], tmp_path: Path) -> None:
    """A folder of three files: the gates are the list of what is to do; the exit code is 0."""
    content = tmp_path / "content"
    for path, text in {
        "strategy.yaml": "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n",
        "people/team.yaml": "people:\n  - {id: wren, name: Wren C., roles: [social_manager, author]}\n",
        "networks/channels.yaml": "channels:\n  - {id: mastodon, network: mastodon, handle: \"@us@ours.example\"}\n",
    }.items():
        (content / path).parent.mkdir(parents=True, exist_ok=True)
        (content / path).write_text(text)

    done = drumbeat("gates", "--now", "2026-10-01", cwd=tmp_path)

    assert done.code == 0
    assert done.out == (HERE / "gates" / "small.txt").read_text(encoding="utf-8")
    assert done.err == "4 gates: 0 green, 1 amber, 3 red; 22 lines open.\n"


def test_waived_lines_say_so() -> None:
    """The mark is the waiver's, and what the line would be stands beside who signed it."""
    line = GateLine(Light.red, "CRI001", "crisis plan ready", "not rehearsed yet", "Play it through.", "ilse",
                    "until 2027-03-30 by ilse: the drill is on Monday")
    gate = Gate("LAUNCH", (line, GateLine(Light.green, "CMP005", "maintenance planned", "odile, 105 hours")), "spring")

    assert plain(told([gate])).splitlines() == [
        "LAUNCH of spring  green  1 of 2 lines green, 1 waived",
        "  waived  crisis plan ready    not rehearsed yet",
        "          red, but waived until 2027-03-30 by ilse: the drill is on Monday",
        "  green   maintenance planned  odile, 105 hours"]


def test_a_line_that_is_nobodys_asks_nobody() -> None:
    """Without an owner the remedy stands alone."""
    gate = Gate("SKILLS", (GateLine(Light.amber, "SKILLS-training", "training valid", "nobody knows", "Write it."),))

    assert plain(told([gate])).splitlines()[-1] == "          → Write it."


def test_one_campaign(drumbeat: Callable[..., Any], sample: Path) -> None:
    """--campaign shows the gates of that campaign and no others."""
    done = drumbeat("gates", "--campaign", "spring-mend", "--now", "2027-03-17 09:00", cwd=sample)

    heads = [line.split("  ")[0] for line in done.out.splitlines() if line and not line.startswith(" ")]
    assert (done.code, heads) == (0, ["LAUNCH of spring-mend", "EXECUTION of spring-mend"])
    assert re.fullmatch(r"2 gates: 0 green, \d amber, \d red; \d+ lines open\.\n", done.err)


def test_json(drumbeat: Callable[..., Any], sample: Path) -> None:
    """The same as data: gates in order, each line with state, evidence, remedy and owner."""
    words = ("gates", "--now", "2027-03-17 09:00")

    done, text = drumbeat(*words, "--json", cwd=sample), drumbeat(*words, cwd=sample)

    gates = done.json["gates"]
    assert (done.code, set(done.json)) == (0, {"gates"})
    assert [gate["gate"] for gate in gates] == [
        "DISCOVERY", "STRATEGY", "SKILLS", "LAUNCH", "EXECUTION", "MAINTENANCE"]
    assert [set(gate) for gate in gates] == [
        {"gate", "campaign", "state", "lines", *(("earliest", "waiting_adds") if gate["gate"] == "LAUNCH" else ())}
        for gate in gates]
    assert all(set(line) == {"state", "what", "evidence", "remedy", "owner", "key", "waived"}
               for gate in gates for line in gate["lines"])
    assert all(line["what"] in text.out and line["evidence"] in text.out for gate in gates for line in gate["lines"])


def test_an_unknown_campaign(drumbeat: Callable[..., Any], sample: Path) -> None:
    """Exit 2, with the closest name."""
    done = drumbeat("gates", "--campaign", "sprng-mend", cwd=sample)

    assert (done.code, done.out) == (2, "")
    assert done.err == "error: There is no campaign 'sprng-mend'.\n  remedy: Did you mean spring-mend?\n"


def test_a_file_that_cannot_be_read(drumbeat: Callable[..., Any], sample: Path) -> None:
    """Exit 1, the file is named, and the gates are shown all the same."""
    (sample / "content/discovery.yaml").write_text("people: [\n")

    done = drumbeat("gates", "--now", "2027-03-17 09:00", cwd=sample)

    assert done.code == 1
    assert "discovery.yaml cannot be read: run 'drumbeat check'." in done.err
    assert done.out.startswith("DISCOVERY  red  1 of 2 lines green\n")


def test_no_content_at_all(drumbeat: Callable[..., Any], tmp_path: Path) -> None:
    """A refusal with a remedy, and nothing on stdout."""
    done = drumbeat("gates", cwd=tmp_path)

    assert (done.code, done.out) == (1, "")
    assert "remedy: " in done.err


@pytest.mark.parametrize(("no_color", "coloured"), [(None, True), ("1", False)])
def test_colours_only_where_people_look(sample: Path, monkeypatch: pytest.MonkeyPatch, no_color: str | None,
                                        coloured: bool) -> None:
    """On a terminal the states are coloured, and without colours the words are the same; NO_COLOR leaves them out."""
    if no_color is None:
        monkeypatch.delenv("NO_COLOR", raising=False)
    else:
        monkeypatch.setenv("NO_COLOR", no_color)
    words = ["--content", str(sample / "content"), "--now", "2027-03-17 09:00"]

    terminal = CliRunner().invoke(gates_command, words, color=True).stdout
    pipe = CliRunner().invoke(gates_command, words).stdout

    assert ("\x1b[32m" in terminal) is coloured
    assert "\x1b" not in pipe
    assert click.unstyle(terminal) == pipe


def test_content_cannot_steer_the_terminal(drumbeat: Callable[..., Any], sample: Path) -> None:
    """A control character in a name is written out, in text and in JSON."""
    team = sample / "content/people/team.yaml"
    team.write_text(team.read_text().replace("Ilse M.", '"Ilse\\e[2J"'))

    done = drumbeat("gates", "--now", "2027-03-17 09:00", cwd=sample)
    data = drumbeat("gates", "--now", "2027-03-17 09:00", "--json", cwd=sample)

    assert "\x1b" not in done.out + data.out
    assert "ilse (Ilse\\x1b[2J) is the sponsor" in done.out
    assert json.loads(data.out)["gates"][1]["lines"][0]["evidence"] == "ilse (Ilse\x1b[2J) is the sponsor"
