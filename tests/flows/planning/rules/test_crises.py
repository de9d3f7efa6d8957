"""CRI001 to CRI005: a plan that is ready, a queue that stops, a word that comes in time, and one that comes after."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from flows.planning.rules import crises, readiness
from flows.planning.rules.ruling import FIXED, Facts
from schemas.inbox import InboxItem
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
Of = Callable[..., Facts]
NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)

# --- CRI001 -----------------------------------------------------------------------------------------------------------

LEVELS = ("levels:\n  - {id: watch, publishing: hold-asks, acknowledge: 4h, update_every: 1d}\n"
          "  - {id: issue, publishing: hold-all, statement: sorry, acknowledge: 1h, update_every: 12h}\n"
          "  - {id: talk, publishing: continue}\n")
PLAN = ("plan: crisis-plan\nversion: 3\napproved: {by: ilse, on: 2027-01-04}\nreview_by: 2027-01-04\n"
        "rehearsed: [{date: 2026-01-04}, {date: 2025-01-01}]\nroles: {decides: [ilse, wren], posts: [wren]}\n" + LEVELS)
SORRY = ("---\nstatement: sorry\napproved: {by: ilse, on: 2027-01-04}\nexpires: 2027-01-04\nfill: [what, when]\n---\n"
         "We have heard that {{what}} on {{ when }}. {{what}}.\n")
TEAM = ("people:\n  - {id: ilse}\n  - {id: wren}\n"
        "acknowledged:\n  crisis-plan@3: {ilse: 2027-01-04, wren: 2026-12-01}\n")


def ready(plan: str = PLAN, statement: str | None = SORRY, team: str = TEAM) -> dict[str, str | None]:
    return {"crisis/plan.yaml": plan, "crisis/holding/sorry.md": statement, "people/team.yaml": team}


@pytest.mark.rule("CRI001", "fires")
def test_a_plan_that_is_not_ready(judged: Judged, lines: Lines) -> None:
    """CRI001: each reason by itself, where it is to be mended, as a step of LAUNCH."""
    found = judged([readiness.READY], ready(f"plan: crisis-plan\nroles: {{decides: [ilse]}}\n{LEVELS}", None))

    assert lines(found) == [
        "crisis/plan.yaml:1:1: CRI001 error: The crisis plan is not ready: it was never rehearsed. Play a scenario "
        "through with everybody in it, and write it under rehearsed:.",
        "crisis/plan.yaml:1:1: CRI001 error: The crisis plan is not ready: no day is given for its review. Go through "
        "it again, and write a new review_by:.",
        "crisis/plan.yaml:1:1: CRI001 error: The crisis plan is not ready: nobody has approved it. Have it approved, "
        "and write approved: {by: …, on: …}.",
        "crisis/plan.yaml:5:39: CRI001 error: The crisis plan is not ready: level issue holds all posts, and 'sorry' "
        "is no statement. Write what is said first in crisis/holding/<name>.md, have it approved, and name it under "
        "statement:.",
        "people/team.yaml:4:1: CRI001 error: The crisis plan is not ready: ilse has not acknowledged crisis-plan@1. "
        "Have them read it, and write the day under acknowledged: crisis-plan@1.",
    ]
    assert {one.gate for one in found} == {"LAUNCH"}


@pytest.mark.rule("CRI001", "near")
def test_a_plan_that_is_just_ready(judged: Judged) -> None:
    """CRI001: approved, acknowledged, to be reviewed and to expire today, rehearsed 365 days ago."""
    assert judged([readiness.READY], ready()) == []
    assert judged([readiness.READY], ready(PLAN.replace("2026-01-04", "2027-01-04"))) == []


@pytest.mark.rule("CRI001", "missing")
def test_there_is_no_plan(judged: Judged, lines: Lines) -> None:
    """CRI001: that is an error of its own; a plan that cannot be read has another one."""
    assert lines(judged([readiness.READY], {})) == [
        "crisis/plan.yaml:1:1: CRI001 error: The crisis plan is not ready: there is none. Write crisis/plan.yaml: "
        "levels, who decides, speaks, posts and listens; and have it approved."
    ]
    assert judged([readiness.READY], ready("plan: ]")) == []
    assert judged([readiness.READY], ready(statement="---\nfill: ]\n---\nSorry.\n")) == []
    assert judged([readiness.READY], ready(team="people: ]")) == []


@pytest.mark.parametrize(
    ("written", "instead", "why"),
    [
        ("by: ilse, ", "", "nobody has approved it"),
        (", on: 2027-01-04", "", "ilse approved it, and nothing says when"),
        ("on: 2027-01-04", "on: 2027-01-05", "it will be approved only on 2027-01-05"),
        ("review_by: 2027-01-04", "review_by: 2027-01-03", "its review was due by 2027-01-03"),
        ("2026-01-04", "2026-01-03", "the last rehearsal was on 2026-01-03, 366 days ago"),
        ("2026-01-04", "2027-01-05", "the last rehearsal was on 2025-01-01, 733 days ago"),
        ("{decides: [ilse, wren], posts: [wren]}", "{}", "nobody has a part in it"),
        ("version: 3", "version: 4", "ilse and wren have not acknowledged crisis-plan@4"),
        ("posts: [wren]", "listens: [odile]", "odile has not acknowledged crisis-plan@3"),
        (", statement: sorry", "", "level issue holds all posts, and it has no statement"),
        ("publishing: hold-all, statement: sorry, ", "", "level issue holds all posts, and it has no statement"),
    ],
)
def test_each_reason_of_the_plan(written: str, instead: str, why: str, judged: Judged) -> None:
    """CRI001: one word away from ready."""
    assert PLAN.count(written) == 1

    assert [one.message for one in judged([readiness.READY], ready(PLAN.replace(written, instead)))] == [
        f"The crisis plan is not ready: {why}."]


def test_a_plan_without_levels(judged: Judged) -> None:
    """CRI001: then nobody knows what waits and how fast one answers."""
    assert [one.message for one in judged([readiness.READY], ready(PLAN.replace(LEVELS, "")))] == [
        "The crisis plan is not ready: it has no levels."]


@pytest.mark.parametrize(
    ("written", "instead", "why"),
    [
        ("by: ilse, ", "", "nobody has approved it"),
        ("expires: 2027-01-04", "expires: 2027-01-03", "it expired on 2027-01-03"),
        ("expires: 2027-01-04\n", "", "nothing says until when it holds"),
        ("[what, when]", "[what]", "its text has {{when}}, and fill: does not"),
        ("[what, when]", "[what, when, next]", "fill: has next, and its text does not"),
        ("We have heard that {{what}} on {{ when }}. {{what}}.", "", "it has no text"),
    ],
)
def test_each_reason_of_a_statement(written: str, instead: str, why: str, judged: Judged) -> None:
    """CRI001: told once, however many levels use it, at the statement."""
    assert SORRY.count(written) == 1
    plan = PLAN.replace("{id: talk, publishing: continue}", "{id: worst, publishing: hold-all, statement: sorry}")

    found = judged([readiness.READY], ready(plan, SORRY.replace(written, instead)))

    assert [(one.message, one.place.file) for one in found] == [
        (f"The crisis plan is not ready: statement sorry: {why}.", "content/crisis/holding/sorry.md")]


def test_who_left_need_not_read_it(judged: Judged) -> None:
    """CRI001: of those with a part in it, only those who are here are asked."""
    team = TEAM.replace("{id: wren}", "{id: wren, active: false}").replace(", wren: 2026-12-01", "")

    assert judged([readiness.READY], ready(team=team)) == []
    late = TEAM.replace("wren: 2026-12-01", "wren: 2027-01-05")
    assert [one.message for one in judged([readiness.READY], ready(team=late))] == [
        "The crisis plan is not ready: wren has not acknowledged crisis-plan@3."]


@pytest.mark.parametrize(("days", "is_told"), [("99999999999", False), (".inf", False), ("0", True), ("-1", True),
                                               ("often", False), ("[1]", False), ("true", True)])
def test_odd_knobs_of_the_rehearsal(days: str, is_told: bool, judged: Judged) -> None:
    """CRI001: any number does, what is none is the default, and nothing breaks."""
    files = {**ready(), "rules.yaml": f"knobs: {{rehearse_days: {days}}}\n"}

    assert bool(judged([readiness.READY], files)) is is_told


def test_the_knob_of_the_rehearsal(judged: Judged) -> None:
    """CRI001: rehearse_days."""
    knob = {"rules.yaml": "knobs: {rehearse_days: 364}\n"}

    assert len(judged([readiness.READY], {**ready(), **knob})) == 1


# --- CRI002 -----------------------------------------------------------------------------------------------------------

TWO = ("channels:\n  - {id: one, network: mastodon, handle: us}\n  - {id: two, network: mastodon, handle: us2}\n")
NAME = "crisis/incidents/2027-01-03-saw.yaml"
OPEN = "level: issue\nopened: 2027-01-04 12:00\nstatus: open\n"
END = "When it is over, write status: closed, closed: and resume_by: in content/crisis/incidents/2027-01-03-saw.yaml."


def post(front: str = "", at: str = "2027-03-04 09:30") -> str:
    return f"---\nat: {at}\n{front}---\nHello.\n"


def incident(text: str | None = OPEN, front: str = "", **more: str | None) -> dict[str, str | None]:
    return {"networks/channels.yaml": TWO, "crisis/plan.yaml": PLAN, NAME: text, "posts/a.md": post(front), **more}


@pytest.mark.rule("CRI002", "fires")
def test_an_incident_holds_the_queue(judged: Judged, lines: Lines) -> None:
    """CRI002: every post that is still to go out, and what ends it is said."""
    found = judged([crises.HELD], incident())

    assert lines(found) == [f"posts/a.md:2:1: CRI002 error: Held by incident 2027-01-03-saw (issue). {END}"]
    assert [(one.post, one.channel, one.gate) for one in found] == [("posts/a", None, "")]
    assert "CRI002" in FIXED


@pytest.mark.rule("CRI002", "near")
def test_an_incident_begins_when_it_is_opened(judged: Judged) -> None:
    """CRI002: at that minute, on the wall of the strategy; a level that lets everything go on holds nothing."""
    assert len(judged([crises.HELD], incident())) == 1
    assert judged([crises.HELD], incident(), now=NOON - MINUTE) == []
    assert judged([crises.HELD], incident(OPEN.replace("12:00", "13:00+01:00")), now=NOON - MINUTE) == []
    assert judged([crises.HELD], incident(OPEN.replace("issue", "talk"))) == []


@pytest.mark.rule("CRI002", "missing")
def test_what_nobody_knows_holds_everything(judged: Judged, lines: Lines) -> None:
    """CRI002: a level that is missing or unknown, a plan or an incident that is missing or cannot be read."""
    name = "Held by incident 2027-01-03-saw"
    first = "Name a level of crisis/plan.yaml under level:."

    def said(files: dict[str, str | None]) -> list[str]:
        return [line.removeprefix("posts/a.md:2:1: CRI002 error: ") for line in lines(judged([crises.HELD], files))]

    assert said(incident("{}")) == [
        f"{name} (no level): nothing says what may go on, so everything waits. {first} {END}"]
    unknown = f"{name} (issues): the crisis plan has no such level, so everything waits. {first} {END}"
    assert said(incident(OPEN.replace("issue", "issues"))) == [unknown]
    for plan in (None, "plan: ]"):
        found = said({**incident(), "crisis/plan.yaml": plan})
        assert found == [unknown.replace("issues", "issue")]
    silent = PLAN.replace("publishing: hold-all, ", "")
    assert said(incident(OPEN, **{"crisis/plan.yaml": silent})) == [
        f"{name} (issue): nothing says what may go on, so everything waits. {END}"]
    assert said(incident("level: ]")) == [
        f"{name}: its file cannot be read, so everything waits. Mend content/{NAME}."]
    assert said(incident(None)) == []


def test_asks_alone_are_held_at_a_lower_level(judged: Judged) -> None:
    """CRI002: hold-asks."""
    watch = OPEN.replace("issue", "watch")

    assert judged([crises.HELD], incident(watch)) == []
    assert [one.message for one in judged([crises.HELD], incident(watch, "intent: ask\n"))] == [
        "Held by incident 2027-01-03-saw (watch)."]


def test_only_its_channels_are_held(judged: Judged) -> None:
    """CRI002: a post for others goes out; one for both is held on one; an empty list means all, to be safe."""
    on_two = OPEN + "channels: [two]\n"

    assert judged([crises.HELD], incident(on_two, "channels: [one]\n")) == []
    assert [one.channel for one in judged([crises.HELD], incident(on_two))] == ["two"]
    assert [one.channel for one in judged([crises.HELD], incident(on_two, "channels: [two]\n"))] == [None]
    assert [one.channel for one in judged([crises.HELD], incident(OPEN + "channels: []\n"))] == [None]


def test_what_the_incident_says_itself_goes_out(judged: Judged) -> None:
    """CRI002: posts under updates, by id or by the last part of it."""
    assert judged([crises.HELD], incident(f"{OPEN}updates: [{{post: posts/a}}]\n")) == []
    assert judged([crises.HELD], incident(f"{OPEN}updates: [{{at: 2027-01-04 12:30, post: a}}]\n")) == []
    assert len(judged([crises.HELD], incident(f"{OPEN}updates: [{{post: posts/b}}]\n"))) == 1


OTHER = "crisis/incidents/2027-01-04-fire.yaml"


def test_one_incident_silences_no_other(judged: Judged) -> None:
    """CRI002: what one that runs says under its updates goes out while another holds everything; the rest waits."""
    says = f"{OPEN}updates: [{{post: posts/a}}]\n"

    assert judged([crises.HELD], incident(**{OTHER: says})) == []
    assert judged([crises.HELD], incident(says, **{OTHER: "level: ]"})) == []
    assert [one.post for one in judged([crises.HELD], incident(**{OTHER: says, "posts/b.md": post()}))] == ["posts/b"]
    watch = says.replace("issue", "talk")
    assert judged([crises.HELD], incident(**{OTHER: watch})) == []
    over = says.replace("status: open", "status: closed\nclosed: 2027-01-04 12:00\nresume_by: wren")
    to_come = says.replace("12:00", "12:01")
    for other in (over, to_come):
        assert [one.message for one in judged([crises.HELD], incident(**{OTHER: other}))] == [
            "Held by incident 2027-01-03-saw (issue)."]


def test_several_incidents_hold_what_each_may(judged: Judged) -> None:
    """CRI002: asks by one, a channel by another; each post is told once a channel, and closing one frees its own."""
    asks, two = OPEN.replace("issue", "watch"), OPEN + "channels: [two]\n"
    files = incident(asks, "intent: ask\n", **{OTHER: two, "posts/b.md": post()})

    def said(more: dict[str, str | None]) -> list[tuple[str | None, str | None, str]]:
        return [(one.post, one.channel, one.message) for one in judged([crises.HELD], {**files, **more})]

    saw, fire = "Held by incident 2027-01-03-saw (watch).", "Held by incident 2027-01-04-fire (issue)."
    assert said({}) == [("posts/a", None, saw), ("posts/b", "two", fire)]
    ended = "status: closed\nclosed: 2027-01-04 12:00\nresume_by: ilse"
    assert said({NAME: asks.replace("status: open", ended)}) == [("posts/a", "two", fire), ("posts/b", "two", fire)]
    assert said({OTHER: two.replace("status: open", ended)}) == [("posts/a", None, saw)]


def test_a_name_of_two_posts_lets_neither_out(judged: Judged) -> None:
    """CRI002: an update by a bare name that two posts have; by its whole id it is one of them."""
    files = {"campaigns/c/posts/a.md": post()}

    assert len(judged([crises.HELD], incident(f"{OPEN}updates: [{{post: a}}]\n", **files))) == 2
    assert [one.post for one in judged([crises.HELD], incident(f"{OPEN}updates: [{{post: c/a}}]\n", **files))] == [
        "posts/a"]


def test_a_channel_that_there_is_not(judged: Judged, lines: Lines) -> None:
    """CRI002: a slip in the name of a channel frees none of them."""
    assert lines(judged([crises.HELD], incident(OPEN + "channels: [tow]\n"))) == [
        "posts/a.md:2:1: CRI002 error: Held by incident 2027-01-03-saw (issue): there is no channel tow, so it counts "
        f"for all. Name channels of networks/channels.yaml under channels:. {END}"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (OPEN.replace("open\n", "monitoring\n"), ""),
        (OPEN.replace("status: open\n", ""), ""),
        (OPEN.replace("opened: 2027-01-04 12:00\n", ""), ""),
        (OPEN.replace("status: open", "status: closed"), ": it is closed, and not since when"),
        (OPEN.replace("status: open", "status: closed\nresume_by: wren"), ": it is closed, and not since when"),
        (OPEN.replace("status: open", "status: closed\nclosed: 2027-01-04 12:01\nresume_by: wren"),
         ": it is closed, and not since when"),
        (OPEN.replace("status: open", "status: closed\nclosed: 2027-01-04 12:00"),
         ": it is closed, and nobody has said that posting may go on"),
    ],
)
def test_an_incident_is_over_when_somebody_says_so(text: str, said: str, judged: Judged) -> None:
    """CRI002: closed, since when, and who lets posting go on; until then it holds."""
    assert [one.message for one in judged([crises.HELD], incident(text))] == [
        f"Held by incident 2027-01-03-saw (issue){said}."]


def test_an_incident_that_is_over_holds_nothing(judged: Judged) -> None:
    """CRI002: from the minute of closed: on."""
    over = OPEN.replace("status: open", "status: closed\nclosed: 2027-01-04 12:00\nresume_by: wren")

    assert judged([crises.HELD], incident(over)) == []


def test_who_decides_ends_it(judged: Judged, lines: Lines) -> None:
    """CRI002: where the crisis plan names who decides, nobody else lets posting go on."""
    over = OPEN.replace("status: open", "status: closed\nclosed: 2027-01-04 12:00\nresume_by: tobin")

    assert lines(judged([crises.HELD], incident(over))) == [
        "posts/a.md:2:1: CRI002 error: Held by incident 2027-01-03-saw (issue): it is closed, and tobin is not among "
        "those who decide by the crisis plan. Write closed: with its time and resume_by: with ilse or wren, in "
        "content/crisis/incidents/2027-01-03-saw.yaml."]
    undecided = PLAN.replace("decides: [ilse, wren], ", "")
    assert judged([crises.HELD], incident(over, **{"crisis/plan.yaml": undecided})) == []


def test_what_is_out_or_too_late_is_not_told(judged: Judged) -> None:
    """CRI002: nobody is helped by hearing that last month's post is held; a post within its two hours is."""
    a = {"posts/a.md": post("channels: [one]\n", "2027-01-04 10:00")}

    assert len(judged([crises.HELD], incident(**a))) == 1
    assert judged([crises.HELD], incident(**a), now=NOON + MINUTE) == []
    assert judged([crises.HELD], incident(**a), sent={Slot("posts/a", "one"): None}) == []


def test_all_runs_of_a_repeat_are_held(judged: Judged) -> None:
    """CRI002: with one problem."""
    repeat = {"posts/a.md": "---\nevery: 4w at 09:30\nfrom: 2026-12-01\nruns: 5\n---\nHello.\n"}

    assert [(one.channel, one.run) for one in judged([crises.HELD], incident(**repeat))] == [(None, None)]


# --- CRI003 -----------------------------------------------------------------------------------------------------------

SAY = "Say what you know, even if it is little, and write it under updates: with its time and its post."


def saying(updates: str = "", opened: str = "2027-01-04 11:00", level: str = "issue") -> dict[str, str | None]:
    return incident(f"level: {level}\nopened: {opened}\nstatus: open\n{f'updates: [{updates}]' if updates else ''}\n")


@pytest.mark.rule("CRI003", "fires")
def test_nobody_goes_silent(judged: Judged, lines: Lines) -> None:
    """CRI003: the next word is due so long after the last one as the level says."""
    old = saying("{at: 2027-01-03 20:00}, {at: 2027-01-03 23:59}, {at: 2027-01-04 13:00}, {post: posts/a}",
                 "2027-01-03 19:00")

    assert lines(judged([crises.SPOKEN], old)) == [
        f"{NAME}:4:1: CRI003 error: Do not go silent: update due 2027-01-04 11:59. The last was on 2027-01-03 23:59. "
        f"{SAY}"
    ]


def test_the_first_word_is_due_sooner(judged: Judged, lines: Lines) -> None:
    """CRI003: as fast as the level says that we acknowledge."""
    assert lines(judged([crises.SPOKEN], saying(opened="2027-01-04 10:59"))) == [
        f"{NAME}:1:1: CRI003 error: Do not go silent: update due 2027-01-04 11:59. Nothing was said yet. {SAY}"
    ]


@pytest.mark.rule("CRI003", "near")
def test_a_word_in_the_last_minute_is_in_time(judged: Judged) -> None:
    """CRI003: exactly then; and an incident that is monitored or closed needs no more."""
    late = saying("{at: 2027-01-03 23:59}")

    assert judged([crises.SPOKEN], saying()) == []
    assert judged([crises.SPOKEN], saying("{at: 2027-01-04 00:00}", "2027-01-03 19:00")) == []
    assert judged([crises.SPOKEN], saying("{at: 2027-01-04 12:00}", "2027-01-04 10:59")) == []
    assert len(judged([crises.SPOKEN], late)) == 1
    for status in ("monitoring", "closed"):
        text = (late[NAME] or "").replace("status: open", f"status: {status}")
        assert judged([crises.SPOKEN], incident(text)) == []


@pytest.mark.rule("CRI003", "missing")
def test_without_a_level_nobody_knows_how_often(judged: Judged) -> None:
    """CRI003: nor without a time of opening, nor where the level says nothing; an incident to come is silent yet."""
    assert judged([crises.SPOKEN], saying(level="worst")) == []
    assert judged([crises.SPOKEN], saying(level="talk", opened="2026-01-01 00:00")) == []
    assert judged([crises.SPOKEN], incident("level: issue\nstatus: open\n")) == []
    assert judged([crises.SPOKEN], saying(opened="2027-01-05 00:00")) == []
    assert judged([crises.SPOKEN], incident(None)) == []


def test_an_update_without_a_time_was_made_when_its_post_went_out(judged: Judged) -> None:
    """CRI003: as the archive knows, or as it was planned where nobody looked; what did not go out was not said."""
    files = {**saying("{post: posts/a}", "2027-01-03 19:00"), "posts/a.md": post(at="2027-01-04 01:00")}
    out = {Slot("posts/a", channel): datetime(2027, 1, 4, 1, 0, tzinfo=UTC) for channel in ("one", "two")}

    assert judged([crises.SPOKEN], files, sent=out) == []
    assert judged([crises.SPOKEN], files) == []
    assert [one.message for one in judged([crises.SPOKEN], files, sent=out, now=NOON + 2 * 60 * MINUTE)] == [
        "Do not go silent: update due 2027-01-04 13:00. The last was on 2027-01-04 01:00."]
    assert [one.message for one in judged([crises.SPOKEN], files, sent={})] == [
        "Do not go silent: update due 2027-01-03 20:00. Nothing was said yet."]


def test_a_level_without_acknowledge(judged: Judged) -> None:
    """CRI003: then the first word is due like each further one; months are months of the calendar."""
    slow = {"crisis/plan.yaml": "plan: p\nlevels: [{id: issue, update_every: 1mo}]\n"}

    def due(opened: str) -> list[str]:
        return [one.message for one in judged([crises.SPOKEN], {**saying(opened=opened), **slow})]

    assert due("2026-12-04 12:00") == []
    assert due("2026-12-04 11:59") == ["Do not go silent: update due 2027-01-04 11:59. Nothing was said yet."]
    endless = {"crisis/plan.yaml": "plan: p\nlevels: [{id: issue, update_every: 99999mo}]\n"}
    assert judged([crises.SPOKEN], {**saying(opened="2026-12-04 11:59"), **endless}) == []


# --- CRI004 -----------------------------------------------------------------------------------------------------------


def negative(new: int, before: int, at: datetime = NOON) -> World:
    """`new` negative messages in the last 24 hours, `before` in the 28 days before; the oldest of each just counts."""
    times = [at] * (new - 1) + [NOON - DAY + MINUTE] * (new > 0)
    times += [NOON - DAY] * (before - 1) + [NOON - 29 * DAY + MINUTE] * (before > 0)
    kind = InboxItem("item-1", "one", "mention", NOON, negative=True)
    return World(inbox=tuple(kind._replace(at=time) for time in times))


QUIET: dict[str, str | None] = {"crisis/plan.yaml": PLAN}


@pytest.mark.rule("CRI004", "fires")
def test_a_backlash_may_be_starting(judged: Judged, lines: Lines) -> None:
    """CRI004: three times as many as a usual day brings, and ten at least."""
    assert lines(judged([crises.BACKLASH], QUIET, world=negative(12, 112))) == [
        "crisis/plan.yaml:7:1: CRI004 warning: A backlash may be starting: 12 negative messages in the last 24 hours; "
        "4.0 a day are usual. Open an incident? If it is one, write crisis/incidents/2027-01-04-<name>.yaml with its "
        "level; it holds the queue."
    ]
    assert [str(one.place) for one in judged([crises.BACKLASH], {}, world=negative(10, 0))] == [
        "content/crisis/plan.yaml:1:1"]


@pytest.mark.rule("CRI004", "near")
def test_a_bad_day_is_no_backlash(judged: Judged) -> None:
    """CRI004: one less than three times as many, or one less than ten; what is friendly, old or to come counts not."""
    assert judged([crises.BACKLASH], QUIET, world=negative(11, 112)) == []
    assert judged([crises.BACKLASH], QUIET, world=negative(9, 0)) == []
    assert len(judged([crises.BACKLASH], QUIET, world=negative(10, 93))) == 1
    assert judged([crises.BACKLASH], QUIET, world=negative(10, 94)) == []
    ten = negative(10, 0).inbox or ()
    for other in (ten[0]._replace(negative=False), ten[0]._replace(at=NOON - DAY), ten[0]._replace(at=NOON + MINUTE)):
        assert judged([crises.BACKLASH], QUIET, world=World(inbox=(other, *ten[1:]))) == []


def test_an_older_message_is_not_usual(judged: Judged) -> None:
    """CRI004: the usual day is one of the 28 before."""
    world = negative(10, 94)
    old = [one._replace(at=NOON - 29 * DAY) if one.at == NOON - 29 * DAY + MINUTE else one for one in world.inbox or ()]

    assert len(judged([crises.BACKLASH], QUIET, world=World(inbox=tuple(old)))) == 1


def test_an_incident_that_runs_is_enough(judged: Judged) -> None:
    """CRI004: open or monitoring; not one that is closed or to come."""
    world = negative(10, 0)

    for status in ("open", "monitoring"):
        assert judged([crises.BACKLASH], incident(OPEN.replace("open\n", f"{status}\n")), world=world) == []
    over = OPEN.replace("status: open", "status: closed\nclosed: 2027-01-04 12:00")
    assert len(judged([crises.BACKLASH], incident(over), world=world)) == 1
    assert len(judged([crises.BACKLASH], incident(OPEN.replace("01-04 12:00", "01-05 12:00")), world=world)) == 1


def test_the_knobs_of_a_backlash(judged: Judged) -> None:
    """CRI004: spike and spike_min."""
    knobs: dict[str, str | None] = {**QUIET, "rules.yaml": "knobs: {spike: 1.5, spike_min: 2}\n"}

    assert len(judged([crises.BACKLASH], knobs, world=negative(3, 56))) == 1
    assert judged([crises.BACKLASH], knobs, world=negative(2, 56)) == []
    assert judged([crises.BACKLASH], knobs, world=negative(1, 0)) == []


@pytest.mark.rule("CRI004", "missing")
def test_without_an_inbox_nobody_hears_it(judged: Judged, facts: Of) -> None:
    """CRI004: not evaluated without inboxes."""
    assert facts({}).lacks(crises.BACKLASH) == ("inbox",)
    assert judged([crises.BACKLASH], QUIET) == []


# --- CRI005 -----------------------------------------------------------------------------------------------------------


def closed(on: str, more: str = "after_action: We lock the saw now.\n") -> str:
    return f"level: issue\nopened: 2026-12-01 12:00\nstatus: closed\nclosed: {on} 12:00\nresume_by: wren\n{more}"


STATEMENT = "updates: [{at: 2026-12-20 09:30, post: posts/a}]\n"
OUT = {Slot("posts/a", channel): datetime(2026, 12, 20, 9, 30, tzinfo=UTC) for channel in ("one", "two")}
AFTER = "after_action: We lock the saw now.\n"


@pytest.mark.rule("CRI005", "fires")
def test_nothing_was_learned(judged: Judged, lines: Lines) -> None:
    """CRI005: fourteen days after an incident was closed."""
    assert lines(judged([crises.FINISHED], incident(closed("2026-12-21", "")))) == [
        f"{NAME}:1:1: CRI005 warning: 2027-01-03-saw was closed on 2026-12-21, and nothing says what was learned. "
        "Write after_action: what happened, what you did, and what changes."
    ]
    assert len(judged([crises.FINISHED], incident(closed("2026-12-21", 'after_action: " "\n')))) == 1


def test_a_statement_is_not_the_last_word(judged: Judged, lines: Lines) -> None:
    """CRI005: seven days after an incident was closed, each of its channels has said something since."""
    files = incident(closed("2026-12-28", STATEMENT + AFTER + "channels: [two]\n"),
                     **{"posts/a.md": post(at="2026-12-20 09:30")})

    assert lines(judged([crises.FINISHED], files, sent=OUT)) == [
        f"{NAME}:6:1: CRI005 warning: The statement stands alone on two: nothing was said there since 2026-12-20. Say "
        "there what you did, in a post of its own. channel=two"
    ]


@pytest.mark.rule("CRI005", "near")
def test_there_is_time_to_learn_and_to_speak(judged: Judged) -> None:
    """CRI005: a minute before the fourteen and the seven days are over; while it runs; after another post."""
    fresh = closed("2026-12-21", "")
    alone = incident(closed("2026-12-28", STATEMENT + AFTER), **{"posts/a.md": post(at="2026-12-20 09:30")})
    told = {**alone, "posts/b.md": post(at="2026-12-30 09:30")}
    both = {**OUT, **{Slot("posts/b", one): datetime(2026, 12, 30, 9, 30, tzinfo=UTC) for one in ("one", "two")}}

    assert judged([crises.FINISHED], incident(fresh), now=NOON - MINUTE) == []
    assert judged([crises.FINISHED], incident(fresh.replace("status: closed", "status: monitoring"))) == []
    assert judged([crises.FINISHED], incident(closed("2026-12-21"))) == []
    assert judged([crises.FINISHED], alone, sent=OUT, now=NOON - MINUTE) == []
    assert len(judged([crises.FINISHED], alone, sent=OUT)) == 2
    assert len(judged([crises.FINISHED], {**alone, "posts/b.md": post()}, sent=OUT)) == 2
    assert judged([crises.FINISHED], told, sent=both) == []


@pytest.mark.rule("CRI005", "missing")
def test_without_the_archive_nobody_knows_the_last_word(judged: Judged) -> None:
    """CRI005: what the file says is judged without it; the last word is not, nor an incident that does not say when
    it was closed.
    """
    alone = incident(closed("2026-12-21", STATEMENT), **{"posts/a.md": post(at="2026-12-20 09:30")})

    assert [one.place.line for one in judged([crises.FINISHED], alone)] == [1]
    assert len(judged([crises.FINISHED], alone, sent=OUT)) == 3
    assert judged([crises.FINISHED], alone, sent={}) == judged([crises.FINISHED], alone)
    assert judged([crises.FINISHED], incident("status: closed\n")) == []
    assert judged([crises.FINISHED], incident(None)) == []


def test_the_sample_is_ready(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here."""
    assert of_sample(crises.RULES) == []
