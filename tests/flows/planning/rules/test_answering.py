"""ENG: whoever writes to us is answered in time and in public, critics stay, and somebody is there after a post."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.planning.rules import answering
from flows.planning.rules.answering import LEADS, SILENCED, UNSPOKEN
from flows.planning.rules.attending import TALKING_AT, UNATTENDED
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.waiting import COMPLAINTS, UNANSWERED
from schemas.inbox import InboxItem, MessageKind
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
FRIDAY = datetime(2027, 3, 19, 12, 0, tzinfo=UTC)                   # noon, in Dublin too
PLAYBOOK = (
    "sla: {question: 24h, complaint: 4h, lead: 1d}\n"
    'working_hours: "mon-sat 09:00-18:00"\n'
    "routes: {question: maren, complaint: odile, lead: tobin}\n"
    "moderation: {policy: social-media, remove_for: [abuse, spam], never_remove_for: [criticism]}\n"
    "crm_handoff: {when: lead, needs_consent: true, fields: [handle_ref]}\n"
)
TEAM = (
    "people:\n"
    "  - {id: wren, name: Wren C, roles: [responder]}\n"
    "  - {id: maren, name: Maren O, roles: [responder]}\n"
    "  - {id: tobin, name: Tobin V, roles: [author]}\n"
)
TWO = (
    "channels:\n"
    '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
    '  - {id: two, network: mastodon, handle: "@two@social.example"}\n'
)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2027-{text}").replace(tzinfo=UTC)


def item(when: str, kind: MessageKind = "question", id: str = "item-1", channel: str = "one", **more: Any) -> InboxItem:
    return InboxItem(id, channel, kind, at(when), **more)


def many(number: int, when: str = "03-15 10:00", kind: MessageKind = "question", **more: Any) -> list[InboxItem]:
    """So many messages, a minute after one another: item-1 and on."""
    first = item(when, kind, **more)
    return [first._replace(id=f"item-{n + 1}", at=first.at + timedelta(minutes=n)) for n in range(number)]


def folder(**more: str | None) -> dict[str, Any]:
    return {"networks/channels.yaml": TWO, "people/team.yaml": TEAM, "engagement/playbook.yaml": PLAYBOOK, **more}


@pytest.fixture
def said(judged: Judged, lines: Lines) -> Callable[..., list[str]]:
    """What a rule says of an inbox, as lines."""

    def of(rule: Rule, inbox: list[InboxItem], files: dict[str, Any] | None = None) -> list[str]:
        return lines(judged([rule], files or folder(), now=FRIDAY, world=World(inbox=tuple(inbox))))

    return of


Said = Callable[..., list[str]]


@pytest.mark.rule("ENG001", "missing")
@pytest.mark.rule("ENG004", "missing")
@pytest.mark.rule("ENG005", "missing")
@pytest.mark.rule("ENG006", "missing")
@pytest.mark.rule("ENG007", "missing")
def test_without_inboxes_nothing_is_judged(facts: Callable[..., Facts], judged: Judged) -> None:
    """ENG001, ENG004–ENG007: where nobody reads inboxes they are not evaluated, and do not pass."""
    rules = [UNANSWERED, COMPLAINTS, SILENCED, UNSPOKEN, LEADS]

    assert [facts(folder()).lacks(rule) for rule in rules] == [("inbox",)] * 5
    assert judged(rules, folder()) == []


def test_an_empty_inbox_is_no_problem(judged: Judged) -> None:
    """ENG: nobody wrote, nobody waits, with or without a playbook and a team."""
    for files in (folder(), {"people/team.yaml": None}, {"networks/channels.yaml": None, "strategy.yaml": None}):
        assert judged(answering.RULES, files, world=World(inbox=())) == []


# --- ENG001 -----------------------------------------------------------------------------------------------------------

# Friday noon is 3 hours after opening: 24 working hours before it is Tuesday 15:00, 72 before it Wednesday week 12:00.


@pytest.mark.rule("ENG001", "fires")
def test_a_question_past_its_time_is_told(said: Said) -> None:
    """ENG001: one line for a channel, with how many wait, how long, and who is on duty."""
    inbox = [
        item("03-16 14:59", id="item-1"), item("03-15 12:00", id="item-2"),
        item("03-16 15:01", id="item-3"), item("03-16 10:00", id="item-4", channel="two"),
    ]

    assert said(UNANSWERED, inbox) == [
        "engagement/playbook.yaml:1:7: ENG001 warning: 1 question waits on two, the oldest for 3 days; an answer takes "
        "24h of working time at most. Maren O is on duty: answer item-4 first.",
        "engagement/playbook.yaml:1:7: ENG001 warning: 2 questions wait on one, the oldest for 4 days; an answer takes "
        "24h of working time at most. Maren O is on duty: answer item-2 first.",
    ]


@pytest.mark.rule("ENG001", "fires")
@pytest.mark.parametrize(("when", "severity"), [("03-10 12:01", "warning"), ("03-10 12:00", "error")])
def test_three_times_its_time_is_an_error(when: str, severity: str, said: Said) -> None:
    """ENG001: exactly three times the time that an answer may take makes it an error."""
    assert [line.split()[2] for line in said(UNANSWERED, [item(when)])] == [f"{severity}:"]


@pytest.mark.rule("ENG001", "near")
@pytest.mark.parametrize(
    "question",
    [
        item("03-16 15:00"),  # exactly its time
        item("03-10 12:00", answered_at=at("03-18 12:00")),
        item("03-10 12:00", closed_at=at("03-18 12:00")),
        item("03-10 12:00", removed_for="spam"),
        item("03-10 12:00", "praise"),
        item("03-20 12:00"),  # not written yet
    ],
)
def test_a_question_in_time_or_answered_is_none(question: InboxItem, said: Said) -> None:
    """ENG001: up to its time, answered, closed or removed, or no question at all."""
    assert said(UNANSWERED, [question]) == []


@pytest.mark.rule("ENG001", "missing")
def test_where_nobody_says_how_soon_that_is_told(said: Said) -> None:
    """ENG001: without a time in the playbook an open question cannot be in time; an unreadable one is told already."""
    no_time = folder(**{"engagement/playbook.yaml": "routes: {question: maren}\n"})
    lost = folder(**{"engagement/playbook.yaml": "sla: [\n"})

    assert said(UNANSWERED, many(2), no_time) == [
        "engagement/playbook.yaml:1:1: ENG001 warning: 2 questions wait, and nobody says how soon one is answered. "
        "Write 'sla: {question: 24h}' in engagement/playbook.yaml."
    ]
    assert said(UNANSWERED, many(1), folder(**{"engagement/playbook.yaml": None})) == [
        "engagement/playbook.yaml:1:1: ENG001 warning: 1 question waits, and nobody says how soon one is answered. "
        "Write 'sla: {question: 24h}' in engagement/playbook.yaml."
    ]
    assert said(UNANSWERED, many(1), lost) == []
    assert said(UNANSWERED, [item("03-15 10:00", answered_at=at("03-15 11:00"))], no_time) == []


@pytest.mark.parametrize(
    ("rota", "routes", "who"),
    [
        ("on_call: {2027-W11: wren, 2027-W12: maren}\n", "routes: {question: maren}\n", "Wren C is on duty"),
        ("on_call: {2027-W12: wren}\n", "routes: {question: maren}\n", "Maren O is on duty"),
        ("", "routes: {question: nell}\n", "nell is on duty"),
        ("", "routes: {lead: maren}\n", "Nobody is on duty: write who is under on_call in people/team.yaml, and"),
        ("", "", "Nobody is on duty: write who is under on_call in people/team.yaml, and"),
    ],
)
def test_it_says_who_is_on_duty(rota: str, routes: str, who: str, said: Said) -> None:
    """ENG001: the rota of this week, else the playbook's route, else nobody."""
    files = folder(**{"people/team.yaml": TEAM + rota, "engagement/playbook.yaml": f"sla: {{question: 1h}}\n{routes}"})

    assert f" {who}" in said(UNANSWERED, many(1), files)[0]


@pytest.mark.parametrize(
    ("written", "when", "late"),
    [
        ("", "03-18 11:59", True),  # round the clock
        ("", "03-18 12:00", False),
        ("working_hours: whenever\n", "03-18 11:59", True),
        ('working_hours: "mon-fri 09:00-18:00"\n', "03-15 12:00", True),
        ('working_hours: "sun 09:00-18:00"\n', "03-01 12:00", False),
    ],
)
def test_only_working_hours_count(written: str, when: str, late: bool, said: Said) -> None:
    """ENG001: without hours, or with hours that cannot be read, every hour counts."""
    files = folder(**{"engagement/playbook.yaml": f"sla: {{question: 24h}}\n{written}"})

    assert bool(said(UNANSWERED, [item(when)], files)) is late


def test_more_months_than_a_calendar_has_are_never_over(said: Said) -> None:
    """ENG001: a slip in the time for an answer breaks nothing, and nobody is late by it."""
    files = folder(**{"engagement/playbook.yaml": PLAYBOOK.replace("24h", "99999mo")})

    assert said(UNANSWERED, [item("01-20 12:00")], files) == []


@pytest.mark.parametrize(
    ("when", "severity"), [("02-19 12:00", []), ("02-18 12:00", ["warning"]), ("01-20 12:00", ["warning"])]
)
def test_months_are_calendar_months(when: str, severity: list[str], said: Said) -> None:
    """ENG001: a time of a month is a month of the calendar, whatever the working hours."""
    files = folder(**{"engagement/playbook.yaml": PLAYBOOK.replace("24h", "1mo")})

    assert [line.split()[2].rstrip(":") for line in said(UNANSWERED, [item(when)], files)] == severity
    assert [line.split()[2] for line in said(UNANSWERED, [item("01-20 12:00")._replace(at=FRIDAY.replace(
        year=2026, month=12))], files)] == ["error:"]


@pytest.mark.parametrize(
    ("when", "age"),
    [("03-19 11:30", "30 minutes"), ("03-19 11:00", "1 hour"), ("03-17 12:01", "47 hours"), ("03-17 12:00", "2 days")],
)
def test_ages_are_told_in_words(when: str, age: str, said: Said) -> None:
    """ENG001: minutes, hours, then days."""
    files = folder(**{"engagement/playbook.yaml": "sla: {question: 10m}\n"})

    assert f"the oldest for {age};" in said(UNANSWERED, [item(when)], files)[0]


# --- ENG002 -----------------------------------------------------------------------------------------------------------

TALKS = "Flat back first."
ASKS = "Which tool of yours is blunt?"


def row(*bodies: str, front: str = "", first: str = "2027-03-01") -> dict[str, Any]:
    """A post for each body, a day apart at 12:30, on channel one."""
    day = datetime.fromisoformat(first)
    made = folder()
    for number, body in enumerate(bodies):
        when = f"{day + timedelta(days=number):%Y-%m-%d} 12:30"
        made[f"posts/p{number:02d}.md"] = f"---\nat: {when}\nchannels: [one]\n{front}---\n{body}\n"
    return made


@pytest.mark.rule("ENG002", "fires")
def test_a_channel_that_asks_nothing_talks_at_people(judged: Judged, lines: Lines) -> None:
    """ENG002: ten of twelve posts invite nobody; the next one to come that does not is named."""
    found = judged([TALKING_AT], row(ASKS, ASKS, *[TALKS] * 10), now=at("03-08 09:00"))

    assert lines(found) == [
        "networks/channels.yaml:2:6: ENG002 warning: one talks at people: of 12 posts up to 2027-03-12, 10 invite no "
        "answer and answer nobody. Ask something in posts/p11, or answer somebody there. channel=one"
    ]


@pytest.mark.rule("ENG002", "near")
@pytest.mark.parametrize(
    ("bodies", "front"),
    [
        ([ASKS, ASKS, ASKS, *[TALKS] * 9], ""),  # exactly three quarters
        ([TALKS] * 11, ""),  # too few to tell
        ([TALKS] * 12, "intent: respond\n"),
        ([TALKS] * 12, "invites_reply: true\n"),
        (["Which one is blunt？"] * 12, ""),
        ([TALKS, *[ASKS] * 3, *[TALKS] * 9], ""),  # the first has left the window
    ],
)
def test_three_quarters_are_not_too_many(bodies: list[str], front: str, judged: Judged) -> None:
    """ENG002: nine of the last twelve may only tell; answers and questions do not."""
    assert judged([TALKING_AT], row(*bodies, front=front), now=at("03-08 09:00")) == []


def test_the_mark_in_an_address_is_no_question(judged: Judged) -> None:
    """ENG002: `?` before a query asks nobody anything; behind the address it does."""
    link = "See https://ours.example/a?b=1 for more."
    now = at("03-08 09:00")

    assert len(judged([TALKING_AT], row(ASKS, ASKS, *[link] * 10), now=now)) == 1
    assert judged([TALKING_AT], row(*["Seen [it](https://ours.example/a)?"] * 12), now=now) == []


@pytest.mark.rule("ENG002", "missing")
def test_what_did_not_go_out_was_not_said(judged: Judged) -> None:
    """ENG002: by the archive nothing went out, so there are not twelve posts; with all of them there are."""
    files, now = row(*[TALKS] * 12), at("03-20 09:00")
    sent = {Slot(f"posts/p{number:02d}", "one"): None for number in range(12)}

    assert judged([TALKING_AT], files, now=now, sent={}) == []
    assert [problem.remedy for problem in judged([TALKING_AT], files, now=now, sent=sent)] == [
        "Ask something in the next one, or answer somebody."]


def test_posts_of_the_next_four_weeks_count(judged: Judged) -> None:
    """ENG002: the twelfth post counts when it is planned within 28 days, to the minute; retired channels do not."""
    files = row(*[TALKS] * 12)                                                     # the last on 2027-03-12 12:30
    retired = {**files, "networks/channels.yaml": TWO.replace("mastodon,", "mastodon, status: retired,", 1)}

    assert len(judged([TALKING_AT], files, now=at("02-12 12:30"))) == 1
    assert judged([TALKING_AT], files, now=at("02-12 12:29")) == []
    assert judged([TALKING_AT], retired, now=at("03-08 09:00")) == []


@pytest.mark.parametrize(("knob", "told"), [("0.9", 0), ("0.83", 1), ("1", 0), ("most", 1), (".nan", 1), ("75", 1)])
def test_how_much_is_too_much_is_a_knob(knob: str, told: int, judged: Judged) -> None:
    """ENG002: the share that may only tell is the content's to say."""
    files = {**row(ASKS, ASKS, *[TALKS] * 10), "rules.yaml": f"knobs: {{broadcast_max: {knob}}}\n"}

    assert len(judged([TALKING_AT], files, now=at("03-08 09:00"))) == told


# --- ENG003 -----------------------------------------------------------------------------------------------------------

# Friday 2027-03-19 is in W11; 14 days later, 2027-04-02, is in W13.
FULL = "on_call: {2027-W11: wren, 2027-W12: maren, 2027-W13: wren}\n"
SUNDAY = datetime(2027, 3, 14, 22, 0, tzinfo=UTC)                    # in W10; 14 days later it is 23:00 in Dublin, W12
THREE = "on_call: {2027-W10: wren, 2027-W11: wren, 2027-W12: wren}\n"


def rota(written: str, **posts: str) -> dict[str, Any]:
    made = {f"posts/{name}.md": f"---\nat: {when}\nchannels: [one]\n---\nHello.\n" for name, when in posts.items()}
    return folder(**{"people/team.yaml": TEAM + written, **made})


@pytest.mark.rule("ENG003", "fires")
def test_a_hole_in_the_rota_is_told(judged: Judged, lines: Lines) -> None:
    """ENG003: a week without anybody, the posts that it leaves alone, and who could do it."""
    found = judged([UNATTENDED], rota("on_call: {2027-W11: wren, 2027-W13: wren}\n", a="2027-03-25 12:30",
                                      b="2027-03-24 12:30", c="2027-03-29 12:30"), now=FRIDAY)

    assert lines(found) == [
        "people/team.yaml:5:1: ENG003 warning: Nobody is on call in 2027-W12 (from 2027-03-22): nobody can answer "
        "after posts/b (2027-03-24 12:30) and 1 more post. Write '2027-W12:' with one of wren, maren under on_call in "
        "people/team.yaml."
    ]
    assert [problem.gate for problem in found] == ["LAUNCH"]


@pytest.mark.rule("ENG003", "fires")
def test_the_hours_after_a_post_may_be_in_another_week(judged: Judged, lines: Lines) -> None:
    """ENG003: whoever is on call on Sunday night is not on Monday morning."""
    files = rota("on_call: {2027-W11: wren, 2027-W12: wren}\n", a="2027-03-28 21:00")

    assert lines(judged([UNATTENDED], files, now=at("03-14 21:00"))) == [
        "people/team.yaml:5:1: ENG003 warning: Nobody is on call in 2027-W10 (from 2027-03-08). Write '2027-W10:' with "
        "one of wren, maren under on_call in people/team.yaml.",
        "people/team.yaml:5:1: ENG003 warning: Nobody is on call in 2027-W13 (from 2027-03-29): nobody can answer "
        "after posts/a (2027-03-28 21:00). Write '2027-W13:' with one of wren, maren under on_call in "
        "people/team.yaml.",
    ]


@pytest.mark.rule("ENG003", "near")
@pytest.mark.parametrize("when", ["2027-03-28 19:59", "2027-04-04 20:00"])
def test_a_full_rota_is_enough(when: str, judged: Judged) -> None:
    """ENG003: every week of the next 14 days has a responder; posts after that are not looked at yet."""
    assert judged([UNATTENDED], rota(FULL, a=when), now=FRIDAY) == []
    assert judged([UNATTENDED], rota(THREE, a="2027-03-28 19:59"), now=SUNDAY) == []
    assert len(judged([UNATTENDED], rota(THREE, a="2027-03-28 20:00"), now=SUNDAY)) == 1


@pytest.mark.rule("ENG003", "missing")
def test_where_no_rota_is_kept_there_is_no_hole(judged: Judged) -> None:
    """ENG003: a small team that keeps none is left alone, as is one without a file, or with people nobody knows."""
    assert judged([UNATTENDED], rota("", a="2027-03-24 12:30"), now=FRIDAY) == []
    assert judged([UNATTENDED], folder(**{"people/team.yaml": None}), now=FRIDAY) == []
    assert judged([UNATTENDED], rota(FULL.replace("maren", "nell")), now=FRIDAY) == []


@pytest.mark.parametrize(
    ("person", "said"),
    [
        ("tobin, name: Tobin V, roles: [author]", "Tobin V is on call in 2027-W12, and is no responder"),
        ("tobin, roles: [responder], active: false", "tobin is on call in 2027-W12, and is not active any more"),
        ("tobin, roles: [responder], external: {until: 2027-03-21}",
         "tobin is on call in 2027-W12, and is here until 2027-03-21"),
        ("tobin, roles: [responder], external: {until: 2027-03-22}", None),
    ],
)
def test_who_is_on_call_can_answer(person: str, said: str | None, judged: Judged) -> None:
    """ENG003: a responder, active, and still here when the week begins."""
    team = f"people:\n  - {{id: wren, roles: [responder]}}\n  - {{id: {person}}}\n{FULL.replace('maren', 'tobin')}"

    found = judged([UNATTENDED], folder(**{"people/team.yaml": team}), now=FRIDAY)

    assert [problem.message for problem in found] == ([f"{said} (from 2027-03-22)."] if said else [])


@pytest.mark.parametrize(("knob", "many"), [("3h", 0), ("181m", 1), ("4h", 1), ("1mo", 1), ("20d", 1), ("7", 1)])
def test_how_long_somebody_stays_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """ENG003: the hours after a post; what is no length of less than two weeks changes nothing."""
    files = {**rota(THREE, a="2027-03-28 20:59"), "rules.yaml": f"knobs: {{attend: {knob}}}\n"}

    assert len(judged([UNATTENDED], files, now=SUNDAY)) == many


# --- ENG004 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("ENG004", "fires")
def test_a_complaint_that_waits_is_told(said: Said) -> None:
    """ENG004: all that wait longer than their time, the oldest first."""
    inbox = [item("03-18 16:59", "complaint", "item-1"), item("03-15 09:00", "complaint", "item-2")]

    assert said(COMPLAINTS, inbox) == [
        "engagement/playbook.yaml:1:22: ENG004 warning: 2 complaints wait longer than 4h: item-2 and item-1. "
        "Follow up item-2 first: odile is on duty."
    ]


@pytest.mark.rule("ENG004", "fires")
def test_a_closed_complaint_is_followed_up(said: Said) -> None:
    """ENG004: a minute more than three days after it was closed."""
    closed = item("03-15 09:00", "complaint", answered_at=at("03-15 10:00"), closed_at=at("03-16 11:59"))

    assert said(COMPLAINTS, [closed]) == [
        "engagement/playbook.yaml:1:22: ENG004 warning: 1 complaint closed more than 3 days ago without a follow-up: "
        "item-1. Follow up item-1: ask whether all is well now."
    ]


@pytest.mark.rule("ENG004", "near")
@pytest.mark.parametrize(
    "complaint",
    [
        item("03-18 17:00", "complaint"),  # exactly four working hours
        item("03-15 09:00", "complaint", answered_at=at("03-15 10:00")),
        item("03-15 09:00", "complaint", closed_at=at("03-16 12:00")),
        item("03-15 09:00", "complaint", closed_at=at("03-15 12:00"), followed_up_at=at("03-19 11:00")),
        item("03-15 09:00", "complaint", closed_at=at("03-15 12:00"), removed_for="abuse"),
        item("03-15 09:00", "question", closed_at=at("03-15 12:00")),
    ],
)
def test_a_complaint_in_time_is_none(complaint: InboxItem, said: Said) -> None:
    """ENG004: up to its time, answered, followed up, or removed for a house rule."""
    assert said(COMPLAINTS, [complaint]) == []


@pytest.mark.rule("ENG004", "missing")
def test_complaints_without_a_time_are_told(said: Said) -> None:
    """ENG004: nobody says how soon, which is told; follow-ups need no playbook."""
    files = folder(**{"engagement/playbook.yaml": None})
    closed = item("03-15 09:00", "complaint", "item-9", closed_at=at("03-15 12:00"))

    assert said(COMPLAINTS, [*many(1, kind="complaint"), closed], files) == [
        "engagement/playbook.yaml:1:1: ENG004 warning: 1 complaint closed more than 3 days ago without a follow-up: "
        "item-9. Follow up item-9: ask whether all is well now.",
        "engagement/playbook.yaml:1:1: ENG004 warning: 1 complaint waits, and nobody says how soon one is answered. "
        "Write 'sla: {complaint: 4h}' in engagement/playbook.yaml.",
    ]


def test_many_are_not_all_named(said: Said) -> None:
    """ENG004: the five oldest, and how many more."""
    assert "7 complaints wait longer than 4h: item-1, item-2, item-3, item-4, item-5 and 2 more." in said(
        COMPLAINTS, many(7, kind="complaint"))[0]


# --- ENG005 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("ENG005", "fires")
def test_criticism_stays(said: Said) -> None:
    """ENG005: what was removed for no house rule, reason by reason."""
    inbox = [item("03-15 09:00", "mention", "item-1", removed_for="criticism"),
             *[one._replace(removed_for="rude") for one in many(2)]]

    assert said(SILENCED, inbox) == [
        "engagement/playbook.yaml:4:36: ENG005 error: 2 messages were removed for 'rude', which is no house rule: "
        "item-1 and item-2. Criticism stays: restore them, or write the house rule under remove_for in "
        "engagement/playbook.yaml.",
        "engagement/playbook.yaml:4:63: ENG005 error: 1 message was removed for 'criticism', which is never a reason: "
        "item-1. Criticism stays: restore it.",
    ]


@pytest.mark.rule("ENG005", "near")
@pytest.mark.parametrize("reason", ["abuse", "spam", None])
def test_house_rules_may_remove(reason: str | None, said: Said) -> None:
    """ENG005: a reason of the house rules is one."""
    assert said(SILENCED, [item("03-15 09:00", removed_for=reason)]) == []


@pytest.mark.rule("ENG005", "missing")
def test_without_house_rules_nothing_may_go(said: Said) -> None:
    """ENG005: no playbook, no reason to remove; one that cannot be read is told already."""
    removed = [item("03-15 09:00", removed_for="spam")]

    assert said(SILENCED, removed, folder(**{"engagement/playbook.yaml": None})) == [
        "engagement/playbook.yaml:1:1: ENG005 error: 1 message was removed for 'spam', which is no house rule: item-1. "
        "Criticism stays: restore it, or write the house rule under remove_for in engagement/playbook.yaml."
    ]
    assert said(SILENCED, removed, folder(**{"engagement/playbook.yaml": "sla: [\n"})) == []


def test_never_wins_over_a_house_rule(said: Said) -> None:
    """ENG005: a reason that stands in both lists is never one."""
    files = folder(**{"engagement/playbook.yaml": PLAYBOOK.replace("[abuse, spam]", "[criticism]")})

    assert "which is never a reason" in said(SILENCED, [item("03-15 09:00", removed_for="criticism")], files)[0]


def test_comments_are_not_closed(said: Said) -> None:
    """ENG005: a post that takes no comments is stopped, where its network knows of that."""
    post = "---\nat: 2027-03-24 12:30\nchannels: [one]\noptions: {one: {comments: %s}}\n---\nHello.\n"

    assert said(SILENCED, [], folder(**{"posts/a.md": post % "closed"})) == [
        "posts/a.md:4:17: ENG005 error: Nobody may comment on it. Criticism stays: leave comments open, and moderate "
        "by the house rules."
    ]
    assert said(SILENCED, [], folder(**{"posts/a.md": post % "open"})) == []


# --- ENG006 -----------------------------------------------------------------------------------------------------------


def answer(when: str, front: str = "", intent: str = "respond") -> str:
    return f"---\nat: {when}\nintent: {intent}\nchannels: [one]\n{front}---\nYou asked.\n"


@pytest.mark.rule("ENG006", "fires")
def test_five_questions_want_a_public_answer(said: Said) -> None:
    """ENG006: on a topic, wherever they came; and on a channel, where nobody sorted them."""
    topic = [*many(3, topic="Opening hours"), *many(2, channel="two", topic="opening  hours")]

    assert said(UNSPOKEN, topic) == [
        "networks/channels.yaml:2:6: ENG006 warning: 5 questions about opening hours in 28 days, and no post answers "
        "them. Answer opening hours in public: a post with 'intent: respond' and 'answers: [item-1, item-2, item-3]'."
    ]
    assert said(UNSPOKEN, many(6, channel="two")) == [
        "networks/channels.yaml:3:6: ENG006 warning: 6 questions on two in 28 days, and no post answers them. Answer "
        "the most common one in public: a post with 'intent: respond' and 'answers: [item-1, item-2, item-3]'."
    ]


@pytest.mark.rule("ENG006", "near")
@pytest.mark.parametrize(
    ("inbox", "post"),
    [
        (many(4), None),
        ([*many(4), *many(1, topic="hours")], None),
        ([*many(4), *many(1, channel="two")], None),
        ([*many(4), *many(1, when="02-19 12:00")], None),  # 28 days ago
        ([*many(4), *many(1, kind="praise")], None),
        ([*many(4), *many(1, removed_for="spam")], None),
        (many(5), answer("2027-03-24 12:30")),
        (many(5), answer("2027-03-01 12:30")),
        (many(5, topic="hours"), answer("2027-03-24 12:30", "answers: [item-0, item-5]\n")),
    ],
)
def test_four_questions_or_an_answer_are_fine(inbox: list[InboxItem], post: str | None, said: Said) -> None:
    """ENG006: fewer, older, other or removed messages; or a post that responds, lately or soon."""
    assert said(UNSPOKEN, inbox, folder(**({"posts/a.md": post} if post else {}))) == []


@pytest.mark.parametrize(
    "post",
    [
        answer("2027-03-24 12:30", "answers: [item-77]\n"),  # it answers somebody else
        answer("2027-02-19 11:00"),  # before they asked
        answer("2027-04-16 13:30"),  # in more than 28 days
        answer("2027-03-24 12:30", intent="give"),
        answer("2027-03-24 12:30").replace("[one]", "[two]"),
    ],
)
def test_other_posts_answer_nothing(post: str, said: Said) -> None:
    """ENG006: a post for others, elsewhere, too early, too late or of another intent is no answer."""
    assert len(said(UNSPOKEN, many(5), folder(**{"posts/a.md": post}))) == 1


@pytest.mark.rule("ENG006", "fires")
def test_regulars_are_thanked(said: Said) -> None:
    """ENG006: who wrote three times in 28 days and was never acknowledged."""
    inbox = [*many(3, kind="mention", person="p1"), *many(4, kind="praise", person="p2", channel="two")]

    assert said(UNSPOKEN, inbox[:3]) == [
        "networks/channels.yaml:2:6: ENG006 warning: 1 regular wrote 3 times or more in 28 days and was never thanked. "
        "Thank this one: begin with item-1."
    ]
    assert said(UNSPOKEN, inbox) == [
        "networks/channels.yaml:3:6: ENG006 warning: 2 regulars wrote 3 times or more in 28 days and were never "
        "thanked. Thank them: begin with item-1."
    ]


@pytest.mark.rule("ENG006", "near")
@pytest.mark.parametrize(
    "inbox",
    [
        many(2, kind="mention", person="p1"),
        many(3, kind="mention"),  # nobody knows who
        [*many(2, kind="mention", person="p1"), *many(1, when="02-19 12:00", person="p1")],
        [*many(3, kind="mention", person="p1"), item("01-15 12:00", person="p1", acknowledged_at=at("01-16 12:00"))],
    ],
)
def test_two_messages_make_no_regular(inbox: list[InboxItem], said: Said) -> None:
    """ENG006: too few, too old, of nobody known, or thanked before."""
    assert said(UNSPOKEN, inbox) == []


def test_a_channel_that_nobody_knows_is_told_all_the_same(said: Said) -> None:
    """ENG006: questions on an account that has no file yet."""
    assert said(UNSPOKEN, many(5, channel="three"))[0].startswith("networks/channels.yaml:1:1: ENG006 warning: 5 ")


# --- ENG007 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("ENG007", "fires")
@pytest.mark.parametrize("consent", [None, at("03-16 10:01")])
def test_no_consent_no_crm(consent: datetime | None, said: Said) -> None:
    """ENG007: handed over without a yes, or before it."""
    assert said(LEADS, [item("03-15 09:00", "lead", handed_over_at=at("03-16 10:00"), consent_at=consent)]) == [
        "engagement/playbook.yaml:5:27: ENG007 error: 1 lead was handed over without consent: item-1. No consent, no "
        "CRM: delete what was handed over, and ask first."
    ]


@pytest.mark.rule("ENG007", "fires")
def test_a_lead_that_waits_is_told(said: Said) -> None:
    """ENG007: longer than its time, in working hours; one day is 24 of them."""
    inbox = [item("03-16 14:59", "lead"), item("03-16 14:58", "lead", "item-2", consent_at=at("03-16 16:00"))]

    assert said(LEADS, inbox) == [
        "engagement/playbook.yaml:1:37: ENG007 warning: 2 leads wait longer than 1d for the CRM: item-2 and item-1. "
        "Tobin V: hand over item-2 first."
    ]
    assert said(LEADS, inbox[:1])[0].endswith("Tobin V: hand over item-1 first, once there is consent.")


@pytest.mark.rule("ENG007", "near")
@pytest.mark.parametrize(
    "lead",
    [
        item("03-15 09:00", "lead", handed_over_at=at("03-16 10:00"), consent_at=at("03-16 10:00")),
        item("03-16 15:00", "lead"),  # exactly 24 working hours
        item("03-01 09:00", "lead", closed_at=at("03-02 09:00")),
        item("03-01 09:00", "lead", removed_for="spam"),
        item("03-01 09:00", "question", handed_over_at=at("03-02 09:00"), answered_at=at("03-02 09:00")),
    ],
)
def test_a_lead_with_a_yes_in_time_is_fine(lead: InboxItem, said: Said) -> None:
    """ENG007: consent first, within its time; closed and removed ones wait for nothing."""
    assert said(LEADS, [lead]) == []


@pytest.mark.rule("ENG007", "missing")
def test_without_a_crm_no_lead_waits(said: Said) -> None:
    """ENG007: nobody hands over where there is no CRM; consent is needed all the same, where nobody says otherwise."""
    none = folder(**{"engagement/playbook.yaml": None})
    taken = item("03-01 09:00", "lead", handed_over_at=at("03-02 09:00"))
    strategy = "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\ncrm: {system: members, connection: CRM}\n"

    assert said(LEADS, [item("03-01 09:00", "lead")], none) == []
    assert len(said(LEADS, [taken], none)) == 1
    assert said(LEADS, [item("03-01 09:00", "lead")], {**none, "strategy.yaml": strategy}) == [
        "engagement/playbook.yaml:1:1: ENG007 warning: 1 lead waits, and nobody says how soon one is answered. "
        "Write 'sla: {lead: 1d}' in engagement/playbook.yaml."
    ]
    assert said(LEADS, [taken], folder(**{"engagement/playbook.yaml": PLAYBOOK.replace("true", "false")})) == []
    assert said(LEADS, [taken], folder(**{"engagement/playbook.yaml": "sla: [\n"})) == []


# --- all of them ------------------------------------------------------------------------------------------------------


def test_the_sample_answers(of_sample: Callable[..., list[Problem]], sample: Facts) -> None:
    """The sample content gives nothing to say here; what needs an inbox is not evaluated."""
    assert of_sample(answering.RULES) == []
    assert [rule.code for rule in answering.RULES if sample.lacks(rule)] == [
        "ENG001", "ENG004", "ENG005", "ENG006", "ENG007"]
