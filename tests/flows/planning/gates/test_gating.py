"""The six gates as a whole: which there are, what opens a line, what a waiver does, what is said in one line."""
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.planning.rules.launches import open_lines
from schemas.gate import Gate, GateLine, Light
from schemas.inbox import InboxItem
from schemas.place import Place
from schemas.problem import Problem, Severity
from schemas.world import World

Sample = Callable[..., dict[str, Gate]]
Folder = Callable[..., dict[str, Gate]]
Look = Callable[..., Any]
Told = Callable[[Gate, str], tuple[str, str, str, str | None]]
LAUNCH, EXECUTION = "LAUNCH of spring-mend", "EXECUTION of spring-mend"
CAMPAIGN = "campaigns/spring-mend/campaign.yaml"
SECOND = {"campaigns/autumn/campaign.yaml":
          "campaign: autumn\nstart: 2027-09-01\nend: 2027-10-01\nowner: odile\nchannels: [linkedin]\n"}


def problem(code: str, file: str) -> Problem:
    return Problem(code, Severity.error, Place(f"content/{file}", 6, 1), "It is not so.", "Make it so.")


# --- which gates there are --------------------------------------------------------------------------------------------

DAYS = (
    ("2026-09-15", (LAUNCH,), 1),
    ("2027-03-01", (LAUNCH,), 1),
    ("2027-03-02", (LAUNCH, EXECUTION), 1),
    ("2027-04-12", (LAUNCH, EXECUTION), 1),
    ("2027-04-13", (EXECUTION,), 7),
)


@pytest.mark.parametrize(("day", "of_campaign", "maintained"), DAYS)
def test_gates_of_a_day(sample_gates: Sample, day: str, of_campaign: tuple[str, ...], maintained: int) -> None:
    """LAUNCH until the last day, EXECUTION from the first day on, MAINTENANCE in full once a campaign has ended."""
    gates = sample_gates(day)

    assert tuple(gates) == ("DISCOVERY", "STRATEGY", "SKILLS", *of_campaign, "MAINTENANCE")
    assert len(gates["MAINTENANCE"].lines) == maintained


def test_the_smallest_folder_has_four_gates(folder_gates: Folder) -> None:
    """Without a campaign the gates are the list of what is to do before one."""
    gates = folder_gates({})

    assert {name: (gate.state.value, len(gate.lines)) for name, gate in gates.items()} == {
        "DISCOVERY": ("red", 7), "STRATEGY": ("red", 9), "SKILLS": ("red", 5), "MAINTENANCE": ("amber", 1)}


def test_an_empty_folder_has_gates_too(folder_gates: Folder) -> None:
    """Nothing at all is no reason to fail."""
    gates = folder_gates({"strategy.yaml": None, "people/team.yaml": None, "networks/channels.yaml": None})

    (line,) = gates["STRATEGY"].lines
    assert line == GateLine(Light.red, "STRATEGY-files", "a strategy written", "there is no strategy.yaml",
                            "Write strategy.yaml: what you want for whom, and why; 'drumbeat init' shows the frame.")


def test_a_campaign_of_two_words_has_gates_too(folder_gates: Folder) -> None:
    """A campaign that says nearly nothing crashes nothing: every line says what is missing."""
    gates = folder_gates({"campaigns/spring/campaign.yaml": "title: Spring\n"})

    gate = gates["LAUNCH of spring"]
    assert {line.key: line.evidence for line in gate.lines if line.state is Light.red} == {
        "LAUNCH-gates": "DISCOVERY red, STRATEGY red, SKILLS red", "CMP001": "it has no first day",
        "LAUNCH-connections": "the campaign names no channel", "CRI001": "there is none",
        "LAUNCH-policies": "nothing covers blogging, texting, messaging and social yet",
        "LAUNCH-acknowledged": "nobody is author or responder", "CMP012": "no briefing of everyone is written down",
        "CMP011": "no post is planned", "CMP005": "nothing is written"}
    assert "EXECUTION of spring" not in gates


def test_two_strategies_are_told_apart(folder_gates: Folder) -> None:
    """Each strategy has a STRATEGY of its own, its evidence begins with its id, and a campaign looks at its own."""
    gates = folder_gates({
        "strategy.yaml": None,
        "strategies/mend.yaml": "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\nmission: Mend.\n",
        "strategies/lend.yaml": "strategy: lend\nstart: 2026-10-01\ntimezone: Europe/Dublin\nmission: Lend.\n",
        "campaigns/spring/campaign.yaml": "strategy: lend\nstart: 2027-04-01\nend: 2027-05-01\n"})

    assert gates["STRATEGY"].lines[0].evidence == "mend: nobody is the sponsor"
    (lead,) = [line for line in gates["LAUNCH of spring"].lines if line.key == "CMP001"]
    assert lead.evidence == "groundwork since 2026-10-01, long enough on 2027-04-01; the campaign starts on 2027-04-01"
    assert lead.state is Light.green


UNREAD = (
    ("discovery.yaml", "DISCOVERY", ("DISCOVERY-audience", "DISCOVERY-files")),
    ("people/team.yaml", "SKILLS", ("SKILLS-files",)),
    ("strategy.yaml", "STRATEGY", ("STRATEGY-files",)),
    (CAMPAIGN, LAUNCH, ("LAUNCH-files",)),
)


@pytest.mark.parametrize(("path", "gate", "keys"), UNREAD)
def test_a_file_that_cannot_be_read(sample_gates: Sample, path: str, gate: str, keys: tuple[str, ...]) -> None:
    """Nobody knows what it says, so nothing of it is called missing: one red line names the file."""
    lines = sample_gates(edits={path: "a: [\n"})[gate].lines

    assert tuple(line.key for line in lines) == keys
    assert (lines[-1].state, lines[-1].evidence) == (Light.red, f"{path} cannot be read")
    assert lines[-1].remedy == "Run 'drumbeat check', and mend what it says about the file."


def test_a_crisis_plan_that_cannot_be_read(sample_gates: Sample, told_line: Told) -> None:
    """It is not called missing."""
    gate = sample_gates(edits={"crisis/plan.yaml": "a: [\n"})[LAUNCH]

    assert told_line(gate, "CRI001")[:2] == ("red", "crisis/plan.yaml cannot be read")


# --- what rules make of a line ----------------------------------------------------------------------------------------


def test_a_problem_of_another_campaign_does_not_count(sample_gates: Sample, told_line: Told) -> None:
    """A problem stands in the folder of its campaign; one that stands elsewhere concerns every campaign."""
    own = sample_gates(edits=SECOND, problems=[problem("CMP005", CAMPAIGN)])
    everyone = sample_gates(edits=SECOND, problems=[problem("CMP012", "people/team.yaml")])
    other = sample_gates(edits=SECOND, problems=[problem("CMP005", "campaigns/autumn/campaign.yaml")])

    assert told_line(own[LAUNCH], "CMP005") == ("red", "It is not so", "Make it so.", "odile")
    assert told_line(everyone[LAUNCH], "CMP012")[::2] == ("red", "Make it so.")
    assert told_line(other[LAUNCH], "CMP005")[0] == "green"


def test_a_rule_that_says_nothing_is_not_enough(sample_look: Look) -> None:
    """After all rules were asked, the sample has no red line on its day, and amber ones only for want of data."""
    gates, _ = sample_look()

    assert {line.key for gate in gates.values() for line in gate.lines if line.state is not Light.green} == {
        "STR002", "LAUNCH-gates", "LAUNCH-connections", "LAUNCH-rehearsal", "LAUNCH-followers", "LAUNCH-regulars",
        "EXECUTION-end", "MAINTENANCE-begun"}
    assert all(line.state is not Light.red for gate in gates.values() for line in gate.lines)


def test_a_channel_that_fell_silent(sample_look: Look, sample_gates: Sample, told_line: Told) -> None:
    """Without the archive nobody can tell; a channel the rule names is told in its words, and its owner is asked."""
    unknown, _ = sample_look("2027-04-20")
    quiet = problem("MNT001", "networks/channels.yaml")._replace(message="Quiet on linkedin.", channel="linkedin")

    silent = sample_gates("2027-04-20", problems=[quiet])["MAINTENANCE"]

    assert told_line(unknown["MAINTENANCE"], "MNT001") == (
        "amber", "last heard 2027-04-12 on mastodon, bluesky, linkedin, instagram and 2 more; no archive was named "
        "(--archive)", "Name the archive with --archive.", "wren")
    assert told_line(silent, "MNT001") == ("red", "Quiet on linkedin", "Make it so.", "odile")


LEADS = (
    ((), "green", "0 leads, none waits"),
    ((InboxItem("item-1", "mastodon", "lead", datetime(2027, 3, 4, tzinfo=UTC)),), "green", "1 lead, none waits"),
    ((InboxItem("item-2", "mastodon", "lead", datetime(2027, 3, 4, tzinfo=UTC),
                consent_at=datetime(2027, 3, 5, tzinfo=UTC)),
      InboxItem("item-3", "mastodon", "lead", datetime(2027, 3, 4, tzinfo=UTC),
                consent_at=datetime(2027, 3, 5, tzinfo=UTC), handed_over_at=datetime(2027, 3, 6, tzinfo=UTC)),
      InboxItem("item-4", "instagram", "lead", datetime(2027, 3, 4, tzinfo=UTC),
                consent_at=datetime(2027, 3, 5, tzinfo=UTC)),
      InboxItem("item-5", "mastodon", "lead", datetime(2027, 3, 1, tzinfo=UTC),
                consent_at=datetime(2027, 3, 5, tzinfo=UTC))),
     "red", "1 of 2 leads agreed and wait: item-2"),
)


@pytest.mark.parametrize(("inbox", "state", "evidence"), LEADS)
def test_leads_are_handed_over(sample_gates: Sample, told_line: Told, inbox: tuple[InboxItem, ...], state: str,
                               evidence: str) -> None:
    """Those of the campaign's channels since its start; who did not agree is not handed over, and does not wait."""
    told = told_line(sample_gates("2027-04-20", world=World(inbox=inbox))[EXECUTION], "EXECUTION-leads")

    assert told[:2] == (state, evidence)
    assert told[3] == "tobin"


# --- waivers ----------------------------------------------------------------------------------------------------------

WAIVED = "until 2027-03-30 by ilse: The numbers come on Monday"
WAIVERS = (
    ("rule: LAUNCH-followers, until: 2027-03-30, by: ilse", "2027-03-30", WAIVED),
    ("rule: LAUNCH-followers, where: spring-mend, until: 2027-03-30, by: ilse", "2027-03-17", WAIVED),
    ("rule: LAUNCH-followers, where: millrace-2027, until: 2027-03-30, by: ilse", "2027-03-17", WAIVED),
    ("rule: LAUNCH-followers, until: 2027-03-30, by: ilse", "2027-03-31", None),
    ("rule: LAUNCH-followers, until: 2027-03-30, by: tobin", "2027-03-17", None),
    ("rule: LAUNCH-followers, where: autumn, until: 2027-03-30, by: ilse", "2027-03-17", None),
    ("rule: LAUNCH-regulars, until: 2027-03-30, by: ilse", "2027-03-17", None),
    ("rule: LAUNCH-followers, by: ilse", "2027-03-17", None),
)


@pytest.mark.parametrize(("waiver", "day", "waived"), WAIVERS)
def test_waivers_of_a_line(sample_gates: Sample, waiver: str, day: str, waived: str | None) -> None:
    """A waiver counts on its last day, for its line, signed by a sponsor or approver, here or everywhere; else not."""
    rules = f"waivers:\n  - {{{waiver}, reason: The numbers come on Monday}}\n"

    gate = sample_gates(day, {"rules.yaml": rules})[LAUNCH]

    (line,) = [line for line in gate.lines if line.key == "LAUNCH-followers"]
    assert (line.waived, line.shut) == (waived, waived is None)


def test_a_waiver_may_name_a_rule_of_the_line(sample_gates: Sample, told_line: Told) -> None:
    """INT003 and one channel: only the line of that channel is waived."""
    waiver = "waivers:\n  - {rule: INT003, where: mastodon, until: 2027-03-30, by: odile, reason: We know them}\n"

    gate = sample_gates("2026-11-30", {"rules.yaml": waiver})[LAUNCH]

    assert [line.what for line in gate.lines if line.waived is not None] == ["base on mastodon"]


def test_a_gate_whose_open_lines_are_waived_is_green(sample_gates: Sample) -> None:
    """Waived lines stay what they are, and keep nothing shut; a green line has no waiver."""
    keys = ("LAUNCH-connections", "LAUNCH-rehearsal", "LAUNCH-followers", "LAUNCH-regulars", "CRI001")
    waivers = "".join(f"  - {{rule: {key}, until: 2027-03-30, by: ilse, reason: Known}}\n" for key in keys)

    gate = sample_gates(edits={"rules.yaml": f"waivers:\n{waivers}"})[LAUNCH]

    assert gate.state is Light.green
    assert [line.key for line in gate.lines if line.shut] == []
    assert {line.key: line.state.value for line in gate.lines if line.waived} == dict.fromkeys(keys[:4], "amber")


# --- in one line ------------------------------------------------------------------------------------------------------


def test_open_lines_are_named_with_what_shows_them(sample_gates: Sample) -> None:
    """Those that make the gate's colour, each with the last of what shows it."""
    edits = {"crisis/plan.yaml": None, "people/team.yaml": ("headcount: 21", "headcount: 18")}

    launch = sample_gates(edits=edits)[LAUNCH]
    maintenance = sample_gates()["MAINTENANCE"]

    assert open_lines(launch) == (
        "2 lines are open: crisis plan ready (there is none); whole team briefed (18 of 23 people on 2027-02-17)")
    assert open_lines(maintenance) == "1 line is open: maintenance begun (it begins on 2027-04-13)"


def test_no_secret_is_told(sample_gates: Sample, told_line: Told) -> None:
    """What looks like a credential is cut wherever evidence quotes the content."""
    token = "ghp_" + "a1B2" * 9
    edits: Mapping[str, tuple[str, str]] = {CAMPAIGN: (
        "url: https://millracetools.example/spring-mend\n    live", f"url: https://ours.example/?t={token}\n    live")}

    evidence = told_line(sample_gates(edits=edits)[LAUNCH], "LNK002")[1]

    assert token not in evidence
    assert evidence.startswith("https://ours.example/?t=ghp_…: live 2027-01-18")
