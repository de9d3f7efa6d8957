"""CMP006 and GAT: what gates keep back, by profile; what waits in the plan, and what a waiver lets through."""
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import publishers
from flows.edges.repository import working_tree
from flows.planning.preparing import Prepared, prepare
from flows.planning.rules import launches
from flows.planning.rules.ruling import Facts
from schemas.content import SourceFile
from schemas.gate import Gate, GateLine, Light
from schemas.ledger import Slot
from schemas.problem import Problem, Severity
from schemas.world import World

Make = Callable[..., Prepared]
Lines = Callable[..., list[str]]
SAMPLE = Path(__file__).parents[4] / "content"
LAUNCH_DAY = datetime(2027, 3, 2, 7, 0, tzinfo=UTC)
CAMPAIGN = {
    "campaigns/c/campaign.yaml": "campaign: c\nstart: 2027-01-04\nend: 2027-02-02\n",
    "campaigns/c/posts/launch.md": "---\nat: 2027-01-04 13:30\nintent: inform\n---\nIt begins.\n",
    "posts/gift.md": "---\nat: 2027-01-04 15:00\n---\nA tip for you.\n",
}
ASK = {"posts/ask.md": "---\nat: 2027-01-04 13:30\nintent: ask\n---\nCome.\n",
       "campaigns/old/campaign.yaml": "campaign: old\nstart: 2026-11-02\nend: 2026-12-02\n"}
SEE = "'drumbeat gates' says what each needs"


@pytest.fixture
def prepared(prepared: Make) -> Make:
    """With all that strategy, campaigns and people lack."""
    return partial(prepared, strategic=True)


def of(made: Prepared, *codes: str) -> list[Problem]:
    return [one for one in made.problems if one.code in codes]


def waiting(made: Prepared) -> dict[str, str]:
    """Why each slot waits that a gate keeps back."""
    return {str(one.slot): one.why for one in made.plan.waiting if SEE in one.why}


def gate(name: str, state: Light, campaign: str | None = None, lines: int = 1) -> Gate:
    return Gate(name, tuple(GateLine(state, f"{name}-{n}", f"line {n}", "seen", "Do it.") for n in range(lines)),
                campaign)


def sample_with(swaps: dict[str, tuple[str, str] | None]) -> list[SourceFile]:
    """The sample's files; `swaps`: a text and what stands there instead, None: the file is gone."""
    files = []
    for file in working_tree(SAMPLE):
        if file.path in swaps:
            swap = swaps[file.path]
            if swap is None:
                continue
            assert file.data is not None
            text = file.data.decode()
            assert swap[0] in text
            file = file._replace(data=text.replace(*swap).encode())
        files.append(file)
    return files


def source(path: str, text: str) -> SourceFile:
    return SourceFile(path, f"{len(path):040x}", len(text), "file", text.encode())


def sample(now: datetime, swaps: dict[str, tuple[str, str] | None] | None = None, *,
           also: Mapping[str, str] | None = None, **more: Any) -> Prepared:
    files = [*sample_with(swaps or {}), *(source(path, text) for path, text in (also or {}).items())]
    return prepare(files, "content", "working tree", networks=publishers.available(),
                   judge=publishers.judge, now=now, **more)


# --- CMP006 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("CMP006", "fires")
def test_a_launch_that_is_held(prepared: Make, lines: Lines) -> None:
    """CMP006: from the first day on, once for the campaign; its posts wait, and gives go out."""
    made = prepared(CAMPAIGN)

    [said] = lines(of(made, "CMP006"))
    assert said.startswith("campaigns/c/campaign.yaml:2:1: CMP006 error: The launch of c is held: ")
    assert said.endswith(" more. 'drumbeat gates' says what each needs and whom to ask; its posts wait until then.")
    assert list(waiting(made)) == ["c/launch@mastodon#1"]
    assert waiting(made)["c/launch@mastodon#1"].startswith("LAUNCH of c is not green: ")
    assert [str(item.slot) for item in made.plan.items] == ["posts/gift@mastodon#1"]


@pytest.mark.rule("CMP006", "near")
def test_a_launch_that_is_not_held() -> None:
    """CMP006: the sample launches; on the day before a launch nothing is told of it."""
    assert of(sample(LAUNCH_DAY), "CMP006") == []
    assert waiting(sample(LAUNCH_DAY)) == {}
    without = sample(datetime(2027, 3, 1, 20, 0, tzinfo=UTC), {"crisis/plan.yaml": None})
    assert of(without, "CMP006") == []


@pytest.mark.rule("CMP006", "missing")
def test_what_nobody_can_tell_holds_a_launch_where_it_is_in_earnest(facts: Callable[..., Facts]) -> None:
    """CMP006: not evaluated before there are gates. An amber gate holds only what is real, and only until it began."""
    known = facts(CAMPAIGN)
    assert known.lacks(launches.UNLAUNCHED) == ("gates",)
    amber = gate("LAUNCH", Light.amber, "c")
    [slot] = [item.slot for item in known.plan.items if item.post.post.campaign]

    assert not launches.is_shut(amber, known)
    assert launches.is_shut(amber, known._replace(sent={}))
    assert not launches.is_shut(amber, known._replace(sent={}, world=World(rehearsal=True)))
    assert not launches.is_shut(amber, known._replace(sent={slot: None}))
    assert launches.is_shut(amber, known._replace(sent={Slot("posts/gift", "mastodon", "1"): None}))
    assert launches.is_shut(gate("LAUNCH", Light.red, "c"), known._replace(sent={slot: None}))


def test_a_launch_that_would_be_held_waits_before() -> None:
    """Half a year ahead the sample's campaign is planned; without a crisis plan it waits, for it would be held."""
    early = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)

    assert waiting(sample(early)) == {}
    late = waiting(sample(early, {"crisis/plan.yaml": None}))
    assert {slot.split("/")[0] for slot in late} == {"spring-mend"}
    assert all("crisis plan ready" in why for why in late.values())
    strict = waiting(sample(early, {"rules.yaml": ("profile: guided", "profile: strict")}))
    assert {slot.split("/")[0] for slot in strict} >= {"spring-mend", "posts", "evergreen"}


@pytest.mark.parametrize(("profile", "severity", "held"), [("relaxed", "warning", 0), ("guided", "error", 1),
                                                           ("strict", "error", 2)])
def test_the_profile_decides(prepared: Make, profile: str, severity: str, held: int) -> None:
    """relaxed says it and holds nothing; guided holds the campaign; strict everything."""
    made = prepared({**CAMPAIGN, "rules.yaml": f"profile: {profile}\n"})

    assert [one.severity for one in of(made, "CMP006")] == [severity]
    assert len(waiting(made)) == held


@pytest.mark.parametrize(("profile", "severity", "held"), [("guided", "off", 0), ("guided", "warning", 0),
                                                           ("guided", "error", 1), ("relaxed", "error", 1)])
def test_a_severity_of_ones_own_decides_what_waits(prepared: Make, profile: str, severity: str, held: int) -> None:
    """A rule that is less than an error here keeps nothing back; one that is an error does."""
    made = prepared({**CAMPAIGN, "rules.yaml": f"profile: {profile}\nseverity: {{CMP006: {severity}}}\n"})

    assert len(waiting(made)) == held


@pytest.mark.parametrize("where", ["c", "campaigns/c", "campaigns/c/posts/launch.md", "launch", "mastodon"])
def test_a_waiver_may_name_what_it_is_for_in_any_way(prepared: Make, where: str) -> None:
    """The campaign, its folder, the post's file or name, the channel; another name lets nothing through."""
    def held(where: str) -> int:
        signed = f"{{rule: CMP006, where: {where}, until: 2027-01-10, by: ilse, reason: seen}}"
        return len(waiting(prepared({**CAMPAIGN, "rules.yaml": f"waivers: [{signed}]\n", "people/team.yaml":
                                     "people:\n  - {id: ilse, roles: [sponsor], executive: true}\n  - {id: wren}\n"})))

    assert (held(where), held("other")) == (0, 1)


def test_a_waiver_lets_a_launch_through_and_is_seen(prepared: Make) -> None:
    """The problem is gone, the posts go out, and each says by whose word."""
    signed = "{rule: CMP006, where: c, until: 2027-01-10, by: ilse, reason: the sponsor saw it}"
    team = "people:\n  - {id: ilse, roles: [sponsor], executive: true}\n  - {id: wren}\n"
    made = prepared({**CAMPAIGN, "people/team.yaml": team, "rules.yaml": f"waivers: [{signed}]\n"})

    assert of(made, "CMP006") == []
    assert waiting(made) == {}
    [launch] = [item for item in made.plan.items if item.slot.post == "c/launch"]
    assert launch.note == ("LAUNCH of c is not green; a waiver lets it through until 2027-01-10, by ilse: the sponsor "
                           "saw it")
    unsigned = prepared({**CAMPAIGN, "people/team.yaml": team,
                         "rules.yaml": f"waivers: [{signed.replace('by: ilse', 'by: wren')}]\n"})
    assert len(waiting(unsigned)) == 1


# --- GAT --------------------------------------------------------------------------------------------------------------


@pytest.mark.rule("GAT001", "fires")
def test_strict_waits_for_the_strategy(prepared: Make, lines: Lines) -> None:
    """GAT001: told once, at the profile."""
    made = prepared({**CAMPAIGN, "rules.yaml": "profile: strict\n"})

    [said] = lines(of(made, "GAT001"))
    assert said.startswith("rules.yaml:1:1: GAT001 error: Every post waits for STRATEGY: ")
    assert said.endswith(" more. 'drumbeat gates' lists all; 'profile: guided' lets gives go out meanwhile.")
    assert waiting(made)["posts/gift@mastodon#1"].startswith("STRATEGY is not green: ")


@pytest.mark.rule("GAT001", "near")
def test_guided_does_not_wait_for_the_strategy(prepared: Make) -> None:
    """GAT001: under guided gives go out."""
    made = prepared(CAMPAIGN)

    assert of(made, "GAT001") == []
    assert "posts/gift@mastodon#1" not in waiting(made)


@pytest.mark.rule("GAT001", "missing")
def test_strict_without_gates(facts: Callable[..., Facts], prepared: Make) -> None:
    """GAT001: not evaluated before there are gates; a folder that holds nothing back has nothing to tell."""
    assert facts(CAMPAIGN).lacks(launches.BEFORE_ALL) == ("gates",)
    assert of(prepared({"rules.yaml": "profile: strict\n"}), "GAT001") == []


@pytest.mark.rule("GAT002", "fires")
def test_asks_wait_for_the_work_before_them(prepared: Make, lines: Lines) -> None:
    """GAT002: an ask outside of a campaign, after one: told at the first, and it waits."""
    made = prepared(ASK)

    [said] = lines(of(made, "GAT002"))
    assert said.startswith("posts/ask.md:3:1: GAT002 error: Asks wait for DISCOVERY, STRATEGY and SKILLS: ")
    assert said.endswith("'drumbeat gates' lists all; make it a give meanwhile.")
    asks = [one for one in made.plan.waiting if one.slot.post == "posts/ask"]
    assert len(asks) == 1


@pytest.mark.rule("GAT002", "near")
def test_gives_wait_for_no_gate(prepared: Make) -> None:
    """GAT002: a give, and an ask of a campaign, which waits for its LAUNCH."""
    give = {**ASK, "posts/ask.md": ASK["posts/ask.md"].replace("intent: ask", "intent: give")}
    inside = {**CAMPAIGN, "campaigns/c/posts/launch.md": CAMPAIGN["campaigns/c/posts/launch.md"].replace(
        "intent: inform", "intent: ask")}

    assert of(prepared(give), "GAT002") == []
    assert of(prepared(inside), "GAT002") == []


@pytest.mark.rule("GAT002", "missing")
def test_asks_without_gates(facts: Callable[..., Facts]) -> None:
    """GAT002: not evaluated before there are gates; gates that are green hold no ask."""
    known = facts(ASK)
    green = tuple(gate(name, Light.green) for name in launches.FOR_ASKS)

    assert known.lacks(launches.BEFORE_ASKS) == ("gates",)
    assert launches.BEFORE_ASKS.all is not None
    assert list(launches.BEFORE_ASKS.all(known._replace(gates=green))) == []


AFTER = datetime(2027, 5, 3, 9, 0, tzinfo=UTC)
FREELY = {"rules.yaml": ("waivers:\n", "severity: {INT002: off, INT003: off, INT005: off}\nwaivers:\n")}
LATE_ASK = ("---\nat: 2027-05-04 12:30\nintent: ask\nchannels: [mastodon]\ngoal: GOAL\napproved_by: [ilse]\n---\n"
            "Come to the evening.\n")
BARE = ("strategy: lend\nstart: 2027-04-01\ntimezone: Europe/Dublin\n"
        "social_goals: [{id: more-loans, text: More loans}]\n")


ALONE = ("posts/ask.md", "campaigns/lost/posts/ask.md", "campaigns/spring-mend/posts/thanks.md")


@pytest.mark.parametrize("path", ALONE)
def test_an_ask_that_no_launch_holds_waits_for_the_others(path: str) -> None:
    """In no campaign, in a folder that no file describes, or after the end: it waits for what every ask needs."""
    text = LATE_ASK.replace("GOAL", "new-members")
    gone: dict[str, tuple[str, str] | None] = {path: None} if path.endswith("thanks.md") else {}
    made = sample(AFTER, {**FREELY, **gone, "strategy.yaml": ("sponsor:", "x-sponsor:")}, also={path: text})

    slot = f"{'/'.join(one for one in path.removesuffix('.md').split('/') if one != 'campaigns').replace('/posts', '')}"
    assert waiting(made)[f"{slot}@mastodon#1"].startswith("STRATEGY is not green: ")
    assert len(of(made, "GAT002")) == 1


def test_an_ask_waits_for_its_own_strategy() -> None:
    """Of two strategies the one that it works for; an ask that says nothing of it waits for both."""
    posts = {f"posts/{name}.md": LATE_ASK.replace("GOAL", goal).replace("12:30", at)
             for name, goal, at in (("ours", "new-members", "09:30"), ("theirs", "more-loans", "12:30"))}
    posts["posts/anyones.md"] = LATE_ASK.replace("goal: GOAL\n", "").replace("12:30", "15:30")

    made = sample(AFTER, FREELY, also={**posts, "strategies/lend.yaml": BARE})

    assert set(waiting(made)) == {"posts/theirs@mastodon#1", "posts/anyones@mastodon#1"}
    assert all("(lend: " in why for why in waiting(made).values())
    [said] = of(made, "GAT002")
    assert said.message.startswith("Asks wait for STRATEGY: ")
    assert said.place.file == "content/posts/theirs.md"


def test_strict_waits_for_the_posts_own_strategy() -> None:
    """Under strict a post waits for the strategy that it works for, and one of nobody's for all."""
    gives = {f"posts/{name}.md": LATE_ASK.replace("intent: ask\n", "").replace("GOAL", goal).replace("12:30", at)
             for name, goal, at in (("ours", "new-members", "09:30"), ("theirs", "more-loans", "12:30"))}

    made = sample(AFTER, {"rules.yaml": ("profile: guided", "profile: strict")},
                  also={**gives, "strategies/lend.yaml": BARE})

    assert "posts/theirs@mastodon#1" in waiting(made)
    assert "posts/ours@mastodon#1" not in waiting(made)


def test_a_campaign_without_its_first_day_has_not_begun() -> None:
    """A half-written campaign beside one to come: what that one will have done in time stays a step to come."""
    early = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)
    half = {"campaigns/autumn/campaign.yaml": "campaign: autumn\nchannels: [linkedin]\n",
            "campaigns/autumn/posts/ask.md": "---\nat: 2027-09-02 12:30\nintent: ask\n---\nCome.\n"}

    made = sample(early, also=half)

    assert {one.severity for one in of(made, "CRI001", "PPL002")} == {Severity.advice}


def test_what_ends_within_a_campaign_is_told_before(lines: Lines) -> None:
    """CMP006, a warning: the review of the crisis plan falls into the campaign. After the last day it is no matter."""
    def told(review_by: str, now: datetime = datetime(2026, 9, 15, 9, 0, tzinfo=UTC)) -> list[str]:
        swaps = {"crisis/plan.yaml": ("review_by: 2027-06-04", f"review_by: {review_by}")}
        return lines(of(sample(now, swaps), "CMP006"))

    said = ["campaigns/spring-mend/campaign.yaml:7:1: CMP006 warning: By 2027-04-12, the last day of spring-mend, "
            "LAUNCH will be red again as things stand: crisis plan ready (its review was due by 2027-03-20). Go "
            "through it again, and write a new review_by:."]
    assert told("2027-03-20") == said
    assert told("2027-03-20", datetime(2027, 3, 17, 9, 0, tzinfo=UTC)) == said
    assert told("2027-04-12") == []


def test_open_lines_are_named_and_counted() -> None:
    """Those that make the gate's colour: three by name, with the last that shows it; the others by number."""
    mixed = Gate("LAUNCH", (GateLine(Light.amber, "A", "a", "nobody knows"), GateLine(Light.green, "B", "b", "all"),
                            GateLine(Light.red, "C", "c", "approved by ilse; never rehearsed"),
                            GateLine(Light.red, "D", "d", "", waived="until then")))

    assert launches.open_lines(mixed) == "1 line is open: c (never rehearsed)"
    assert launches.open_lines(gate("LAUNCH", Light.red, lines=5)) == (
        "5 lines are open: line 0 (seen); line 1 (seen); line 2 (seen); 2 more")
    assert launches.open_lines(gate("LAUNCH", Light.red)) == "1 line is open: line 0 (seen)"
