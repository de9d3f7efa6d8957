"""CMP010 to CMP016: a campaign meets people where they are, is ready in time, leaves room for others, and is closed."""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from flows.planning.rules import preparations, saturation
from schemas.ledger import Slot
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
FILE = "campaigns/spring/campaign.yaml"
DAYS = "start: 2027-03-02\nend: 2027-04-12\n"


def folder(text: str = DAYS, **more: str | bytes | None) -> dict[str, Any]:
    return {FILE: text, **more}


def post(at: str, more: str = "") -> str:
    return f"---\nat: {at}\n{more}---\nWhat is broken at home?\n"


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=UTC)


def test_the_sample_is_prepared(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample campaign is where people are, was ready and briefed, knows its partner, and leaves room for others."""
    assert of_sample(preparations.RULES) == []


# --- CMP010 -----------------------------------------------------------------------------------------------------------

HERE = f"{DAYS}audiences: [renters]\nchannels: [mastodon]\n"


def gathers(where: str) -> dict[str, str]:
    return {"audiences/renters.yaml": f"audience: renters\ngathers_at: [{where}]\n"}


@pytest.mark.rule("CMP010", "fires")
def test_an_audience_that_is_elsewhere_is_told(judged: Judged, lines: Lines) -> None:
    """CMP010: with where they are; where nobody knows, that is told."""
    remedy = "Go where they are: add a channel there, or leave this audience out."

    assert lines(judged([preparations.ELSEWHERE], folder(HERE, **gathers("instagram, the notice board")))) == [
        "campaigns/spring/campaign.yaml:3:13: CMP010 warning: renters gather at instagram and the notice board, not on "
        f"mastodon. {remedy}"
    ]
    assert lines(judged([preparations.ELSEWHERE], folder(HERE, **gathers("")))) == [
        "campaigns/spring/campaign.yaml:3:13: CMP010 warning: Nobody has written down where renters gather. "
        "Add gathers_at: in content/audiences/renters.yaml: networks, groups, places."
    ]


@pytest.mark.rule("CMP010", "near")
@pytest.mark.parametrize("where", ["mastodon", "instagram, Mastodon", '"groups on Mastodon, mostly"', "Mastodon."])
def test_one_channel_where_they_are_is_enough(where: str, judged: Judged) -> None:
    """CMP010: written in whatever words, among other places."""
    assert judged([preparations.ELSEWHERE], folder(HERE, **gathers(where))) == []


@pytest.mark.rule("CMP010", "missing")
def test_an_unknown_audience_is_not_judged(judged: Judged) -> None:
    """CMP010: no audience of that name, an unreadable one, no channels: others say that."""
    assert judged([preparations.ELSEWHERE], folder(HERE)) == []
    assert judged([preparations.ELSEWHERE], folder(HERE, **{"audiences/renters.yaml": "audience: [\n"})) == []
    assert judged([preparations.ELSEWHERE], folder(f"{DAYS}audiences: [renters]\n", **gathers("instagram"))) == []


@pytest.mark.parametrize(
    ("network", "where", "many"),
    [
        ("facebook_page", "Facebook", 0), ("x", "Twitter", 0), ("x", "X (the young ones)", 0), ("x", "Xing", 1),
        ("devto", "dev.to", 0), ("mail", "our newsletter", 0), ("linkedin", "ours", 0), ("linkedin", "mastodon", 1),
    ],
)
def test_a_channel_is_meant_by_its_network_or_its_id(network: str, where: str, many: int, judged: Judged) -> None:
    """CMP010: whole words, in capitals or not; `ours` is the channel's id."""
    channels = f"channels:\n  - {{id: ours, network: {network}}}\n"
    text = f"{DAYS}audiences: [renters]\nchannels: [ours]\n"
    files = folder(text, **gathers(where), **{"networks/channels.yaml": channels})

    assert len(judged([preparations.ELSEWHERE], files)) == many


def test_what_is_over_is_not_prepared(judged: Judged) -> None:
    """CMP010 to CMP013, CMP015: told on the last day, not on the day after."""
    rules = [preparations.ELSEWHERE, preparations.UNREADY, preparations.UNBRIEFED, preparations.UNLEARNED,
             preparations.STRANGERS]
    text = f'{HERE}assets: {{needed: [a.jpg], ready_by: 2027-02-01}}\ninfluencers: [{{handle: "@p"}}]\n'
    files = folder(text, **gathers("instagram"))

    assert {one.code for one in judged(rules, files, now=at("2027-04-12"))} == {
        "CMP010", "CMP011", "CMP012", "CMP013", "CMP015"}
    assert judged(rules, files, now=at("2027-04-13")) == []


# --- CMP011 -----------------------------------------------------------------------------------------------------------

APPROVED = "approved_by: [wren]\n"


def posts(approved: int, others: int, *, drafts: int = 0) -> dict[str, str]:
    names = [f"campaigns/spring/posts/p{number}.md" for number in range(approved + others + drafts)]
    heads = [APPROVED] * approved + [""] * others + [f"{APPROVED}draft: true\n"] * drafts
    return {name: post("2027-03-05 12:30", head) for name, head in zip(names, heads, strict=True)}


@pytest.mark.rule("CMP011", "fires")
@pytest.mark.parametrize(
    ("made", "said"),
    [
        (posts(2, 3), "2 of 5 posts are ready, and it starts on 2027-03-02. Finish 1 more"),
        (posts(2, 0, drafts=3), "2 of 5 posts are ready, and it starts on 2027-03-02. Finish 1 more"),
        (posts(0, 10), "0 of 10 posts are ready, and it starts on 2027-03-02. Finish 6 more"),
    ],
)
@pytest.mark.parametrize("today", ["2027-02-16", "2027-03-02"])
def test_too_few_posts_are_ready(
    made: dict[str, str], said: str, today: str, judged: Judged, lines: Lines
) -> None:
    """CMP011: from two weeks before the start to the day itself; drafts are not ready, whoever approved them."""
    assert lines(judged([preparations.UNREADY], folder(**made), now=at(today))) == [
        f"campaigns/spring/campaign.yaml:1:1: CMP011 warning: {said} and have them approved (approved_by:), or start "
        "later."
    ]


@pytest.mark.rule("CMP011", "fires")
def test_a_file_that_was_due_and_is_not_there(judged: Judged, lines: Lines) -> None:
    """CMP011: the day after it was to be ready."""
    text = "start: 2027-06-02\nassets: {needed: [a.jpg, b.jpg], ready_by: 2027-02-16}\n"
    files = folder(text, **{"media/a.jpg": b"\xff\xd8\xff"})

    assert lines(judged([preparations.UNREADY], files, now=at("2027-02-17"))) == [
        "campaigns/spring/campaign.yaml:2:26: CMP011 warning: b.jpg was to be ready by 2027-02-16, and is not there. "
        "Put the file into media/, or plan without it."
    ]


@pytest.mark.rule("CMP011", "near")
def test_enough_is_ready_in_time(judged: Judged) -> None:
    """CMP011: three of five; before two weeks are left; after the start; a file on its day."""
    asset = "start: 2027-06-02\nassets: {needed: [b.jpg], ready_by: 2027-02-16}\n"

    assert judged([preparations.UNREADY], folder(**posts(3, 2)), now=at("2027-02-16")) == []
    assert judged([preparations.UNREADY], folder(**posts(2, 3)), now=at("2027-02-15")) == []
    assert judged([preparations.UNREADY], folder(**posts(2, 3)), now=at("2027-03-03")) == []
    assert judged([preparations.UNREADY], folder(asset), now=at("2027-02-16")) == []


@pytest.mark.parametrize(
    ("approval", "told"),
    [("{need: 0}", 0), ("{need: 1, from: [wren]}", 0), ("{need: 1, from: [ilse]}", 1), ("{need: 2}", 1),
     ("{from: [wren]}", 0)],
)
def test_ready_is_what_the_campaign_asks_for(approval: str, told: int, judged: Judged) -> None:
    """CMP011: as many approvals as it needs, by those whom it names; none where it needs none."""
    files = folder(f"{DAYS}approval: {approval}\n", **posts(3, 2))

    assert len(judged([preparations.UNREADY], files, now=at("2027-02-16"))) == told


def test_where_nobody_has_to_approve_every_post_is_ready(judged: Judged) -> None:
    """CMP011: two people who approve nothing, and say so once for all campaigns."""
    files = folder(**posts(0, 3), **{"rules.yaml": "knobs: {need: 0}\n"})

    assert judged([preparations.UNREADY], files, now=at("2027-02-16")) == []


@pytest.mark.rule("CMP011", "missing")
def test_a_campaign_without_posts_is_told(judged: Judged, lines: Lines) -> None:
    """CMP011: nothing is not enough; without a start nobody knows by when; what cannot be read is not ready."""
    unread = {"campaigns/spring/posts/p9.md": "---\nat: [\n---\n"}
    now = at("2027-02-16")

    assert lines(judged([preparations.UNREADY], folder(), now=now)) == [
        "campaigns/spring/campaign.yaml:1:1: CMP011 warning: There is no post yet, and it starts on 2027-03-02. "
        "Write its posts in campaigns/spring/posts/ and have them approved."
    ]
    assert judged([preparations.UNREADY], folder("title: Spring\nassets: {needed: [b.jpg]}\n"), now=now) == []
    assert [one.message for one in judged([preparations.UNREADY], folder(**posts(1, 0), **unread), now=now)] == [
        "1 of 2 posts are ready, and it starts on 2027-03-02."
    ]


@pytest.mark.parametrize(("knob", "many"), [("0.4", 0), ("0.41", 1), ("7", 1), (".inf", 1), ("most", 1)])
def test_the_share_that_is_ready_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """CMP011: rules.yaml may ask for less; what is no share leaves it at 0.6."""
    files = folder(**posts(2, 3), **{"rules.yaml": f"knobs: {{ready_share: {knob}}}\n"})

    assert len(judged([preparations.UNREADY], files, now=at("2027-02-16"))) == many


# --- CMP012 -----------------------------------------------------------------------------------------------------------


def team(session: str, headcount: str = "headcount: 20\n") -> dict[str, str]:
    people = f"{headcount}people: [{{id: wren}}, {{id: pip}}]\n"
    return {"people/team.yaml": f"{people}sessions: [{{id: briefing, {session}}}]\n"}


FOR_ALL = "group: everyone, campaign: spring"
UNTOLD = (
    "campaigns/spring/campaign.yaml:1:1: CMP012 error: Nobody briefed everybody in the 30 days before the start on "
    "2027-03-02. Brief the whole team before launch, and add it to sessions: in people/team.yaml, with group: "
    "everyone, campaign: spring and headcount."
)


@pytest.mark.rule("CMP012", "fires")
@pytest.mark.parametrize(
    "session",
    [
        f"date: 2027-01-30, {FOR_ALL}, headcount: 20",                       # 31 days before the start
        f"date: 2027-03-03, {FOR_ALL}, headcount: 20",
        "date: 2027-02-17, group: executives, campaign: spring, headcount: 20",
        "date: 2027-02-17, group: everyone, headcount: 20",
        f"{FOR_ALL}, headcount: 20",
    ],
)
def test_everybody_is_briefed_before_the_start(session: str, judged: Judged, lines: Lines) -> None:
    """CMP012: everybody, for this campaign, within 30 days; told from those days on."""
    files = folder(**team(session))

    assert lines(judged([preparations.UNBRIEFED], files, now=at("2027-01-31"))) == [UNTOLD]
    assert lines(judged([preparations.UNBRIEFED], files, now=at("2027-03-05"))) == [UNTOLD]
    assert judged([preparations.UNBRIEFED], files, now=at("2027-01-30")) == []


@pytest.mark.rule("CMP012", "fires")
@pytest.mark.parametrize(
    ("came", "place", "said"),
    [
        ("headcount: 15", "3:80", "15 of 20 people came to the briefing for spring. Brief 1 more"),
        ("attended: [wren, pip, wren]", "3:80", "2 of 20 people came to the briefing for spring. Brief 14 more"),
        ("attended: [wren]", "3:80", "1 of 20 people came to the briefing for spring. Brief 15 more"),
    ],
)
def test_most_of_them_have_to_come(came: str, place: str, said: str, judged: Judged, lines: Lines) -> None:
    """CMP012: less than 80%, told at the session; a number, or names."""
    files = folder(**team(f"date: 2027-02-17, {FOR_ALL}, {came}"))

    assert lines(judged([preparations.UNBRIEFED], files, now=at("2027-02-17"))) == [
        f"people/team.yaml:{place}: CMP012 error: {said} before the launch on 2027-03-02."
    ]


@pytest.mark.rule("CMP012", "near")
@pytest.mark.parametrize("day", ["2027-01-31", "2027-03-02"])
def test_sixteen_of_twenty_are_enough(day: str, judged: Judged) -> None:
    """CMP012: 80% exactly, on the first and the last day that count; the fullest of two briefings counts."""
    session = f"date: {day}, {FOR_ALL}, headcount: 16}}, {{id: more, date: {day}, {FOR_ALL}, headcount: 3"

    assert judged([preparations.UNBRIEFED], folder(**team(session)), now=at("2027-03-02")) == []


@pytest.mark.rule("CMP012", "missing")
def test_without_a_team_nobody_is_briefed(judged: Judged, lines: Lines) -> None:
    """CMP012: no team; nobody knows how many; an unreadable team has a problem of its own; no start, no launch."""
    now = at("2027-02-20")
    uncounted = folder(**team(f"date: 2027-02-17, {FOR_ALL}, headcount: 20", ""))

    assert lines(judged([preparations.UNBRIEFED], {**folder(), "people/team.yaml": None}, now=now)) == [UNTOLD]
    assert lines(judged([preparations.UNBRIEFED], uncounted, now=now)) == [
        "people/team.yaml:1:1: CMP012 error: Nobody can tell whether the briefing reached everybody: how many work "
        "here is not written down. Add headcount: with the number of all of them."
    ]
    assert judged([preparations.UNBRIEFED], folder(**{"people/team.yaml": "people: [\n"}), now=now) == []
    assert judged([preparations.UNBRIEFED], folder("title: Spring\n"), now=now) == []


def test_a_briefing_that_is_planned_is_still_to_come(judged: Judged, lines: Lines) -> None:
    """CMP012: it did not happen yet, so it is no pass; and no error, for there is nothing to mend."""
    files = folder(**team(f"date: 2027-02-17, {FOR_ALL}, headcount: 20"))

    assert lines(judged([preparations.UNBRIEFED], files, now=at("2027-02-16"))) == [
        "campaigns/spring/campaign.yaml:1:1: CMP012 warning: The briefing of everybody is still to come, on "
        "2027-02-17. Write down in people/team.yaml who came, once it was held."
    ]
    assert judged([preparations.UNBRIEFED], files, now=at("2027-02-17")) == []


@pytest.mark.parametrize(("knob", "many"), [("0.5", 0), ("0.51", 1), ("-1", 1), ("all", 1)])
def test_the_share_that_is_briefed_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """CMP012: rules.yaml may ask for less; what is no share leaves it at 0.8."""
    files = folder(**team(f"date: 2027-02-17, {FOR_ALL}, headcount: 10"), **{
        "rules.yaml": f"knobs: {{briefed_share: {knob}}}\n"})

    assert len(judged([preparations.UNBRIEFED], files, now=at("2027-02-20"))) == many


# --- CMP013 -----------------------------------------------------------------------------------------------------------

THREE = "risks: [{what: Rain, answer: a tent}, {what: A queue, answer: tickets}, {what: Noise, answer: hours}]\n"
LEARNED = "learned: [{text: People like toasters, used: every post has one}]\n"


@pytest.mark.rule("CMP013", "fires")
def test_too_few_thoughts_are_told(judged: Judged, lines: Lines) -> None:
    """CMP013: two risks; a risk without an answer; a lesson that is not used."""
    text = "risks: [{what: Rain}, {what: A queue, answer: tickets}]\nlearned: [{text: People like toasters}]\n"

    assert lines(judged([preparations.UNLEARNED], folder(text))) == [
        "campaigns/spring/campaign.yaml:1:1: CMP013 warning: 2 things that people may do with it are written down; 3 "
        "are the least. List under risks: what may happen, and the answer to each.",
        "campaigns/spring/campaign.yaml:1:9: CMP013 warning: There is no answer yet to 'Rain'. Add answer: with what "
        "we do then.",
        "campaigns/spring/campaign.yaml:2:11: CMP013 warning: What was learned is not used: 'People like toasters'. "
        "Add used: with what the campaign makes of it.",
    ]


@pytest.mark.rule("CMP013", "near")
def test_three_risks_and_a_lesson_are_enough(judged: Judged) -> None:
    """CMP013: each with its answer, and used."""
    assert judged([preparations.UNLEARNED], folder(THREE + LEARNED)) == []


@pytest.mark.rule("CMP013", "missing")
def test_no_thoughts_at_all_are_told(judged: Judged, lines: Lines) -> None:
    """CMP013: both are told at the top of the file; without a campaign there is nothing to think of."""
    risks = "Nobody has written down what people may do with it; 3 are the least."
    learned = "What groundwork taught is not written down."

    assert lines(judged([preparations.UNLEARNED], folder(DAYS + LEARNED))) == [
        f"campaigns/spring/campaign.yaml:1:1: CMP013 warning: {risks} List under risks: what may happen, and the "
        "answer to each."
    ]
    assert lines(judged([preparations.UNLEARNED], folder(DAYS + THREE))) == [
        f"campaigns/spring/campaign.yaml:1:1: CMP013 warning: {learned} List it under learned: what it was, and how it "
        "is used."
    ]
    assert judged([preparations.UNLEARNED], {}) == []


# --- CMP014 -----------------------------------------------------------------------------------------------------------

MONDAY = date(2027, 3, 1)
ON_MASTODON = "title: Spring\nchannels: [mastodon]\n"


def calendar(days: str, *, start: date = MONDAY, campaign: str = "spring") -> dict[str, str]:
    """A post on each day: `c` of the campaign, `o` of others, `.` none, `2` one of each."""
    made: dict[str, str] = {}
    for number, sign in enumerate(days):
        day = start + timedelta(days=number)
        if sign in "c2":
            made[f"campaigns/{campaign}/posts/{campaign}-{day}.md"] = post(f"{day} 12:30")
        if sign in "o2":
            made[f"posts/other-{day}.md"] = post(f"{day} 18:30")
    return made


@pytest.mark.rule("CMP014", "fires")
def test_a_channel_that_is_all_campaign_is_told(judged: Judged, lines: Lines) -> None:
    """CMP014: four of five posts within seven days; the fullest of the windows that overlap is told, once."""
    remedy = "Put something else between them, a tip or an answer, or spread them over more days."

    assert lines(judged([saturation.SATURATED], folder(ON_MASTODON, **calendar("oc.cc.c")))) == [
        "campaigns/spring/campaign.yaml:2:12: CMP014 warning: mastodon is all campaign: 4 of 5 posts from 2027-03-01 "
        f"to 2027-03-07. {remedy} channel=mastodon"
    ]
    assert lines(judged([saturation.SATURATED], folder(ON_MASTODON, **calendar("occcoccccc")))) == [
        "campaigns/spring/campaign.yaml:2:12: CMP014 warning: mastodon is all campaign: 5 of 5 posts from 2027-03-06 "
        f"to 2027-03-10. {remedy} channel=mastodon"
    ]


@pytest.mark.rule("CMP014", "near")
@pytest.mark.parametrize(
    "days",
    [
        "oc.oc.c",                # three of five
        "cc.cc",                  # four posts
        "oc.cc..c",               # the fifth on the eighth day
        "2c.2.oc",                # four of seven
    ],
)
def test_three_of_five_leave_room(days: str, judged: Judged) -> None:
    """CMP014: 60% exactly; four posts; five in eight days."""
    assert judged([saturation.SATURATED], folder(ON_MASTODON, **calendar(days))) == []


@pytest.mark.rule("CMP014", "missing")
def test_without_a_campaign_nothing_is_saturated(judged: Judged) -> None:
    """CMP014: no campaign.yaml, none that can be read; no posts."""
    assert judged([saturation.SATURATED], calendar("ccccccc")) == []
    assert judged([saturation.SATURATED], folder("title: [\n", **calendar("ccccccc"))) == []
    assert judged([saturation.SATURATED], folder(ON_MASTODON)) == []


def test_stretches_apart_are_told_apart(judged: Judged) -> None:
    """CMP014: two full weeks with a pause between them; on each channel by itself."""
    channels = (
        "channels:\n"
        '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
        "  - {id: two, network: linkedin}\n"
    )
    files = folder("channels: [one, two]\n", **calendar("ccccc" + "." * 14 + "ccccc"),
                   **{"networks/channels.yaml": channels, "posts/x.md": post("2027-03-02 18:30", "channels: [two]\n"),
                      "posts/y.md": post("2027-03-03 18:30", "channels: [two]\n"),
                      "posts/z.md": post("2027-03-04 18:30", "channels: [two]\n"),
                      "posts/w.md": post("2027-03-05 18:30", "channels: [two]\n")})
    found = judged([saturation.SATURATED], files)

    assert [(one.channel, one.message.rpartition(":")[2], one.place.column) for one in found] == [
        ("one", " 5 of 5 posts from 2027-03-01 to 2027-03-05.", 12),
        ("one", " 5 of 5 posts from 2027-03-20 to 2027-03-24.", 12),
        ("two", " 5 of 5 posts from 2027-03-20 to 2027-03-24.", 17),
    ]


def test_days_that_are_over_are_not_told(judged: Judged) -> None:
    """CMP014: until the seven days have passed something can still be put between."""
    files = folder(ON_MASTODON, **calendar("ccccc"))

    assert len(judged([saturation.SATURATED], files, now=at("2027-03-07"))) == 1
    assert judged([saturation.SATURATED], files, now=at("2027-03-08")) == []


def test_campaigns_count_together(judged: Judged) -> None:
    """CMP014: people see one channel; the campaign that says most is told, where it names the channel or begins. A
    folder without a campaign.yaml is none.
    """
    files = folder("title: Spring\n", **calendar("cc"), **{"campaigns/autumn/campaign.yaml": "title: Autumn\n"})
    files |= calendar("ccc", start=MONDAY + timedelta(days=2), campaign="autumn")
    found = judged([saturation.SATURATED], files)

    assert [str(one.place) for one in found] == ["content/campaigns/autumn/campaign.yaml:1:1"]
    assert judged([saturation.SATURATED], {**files, "campaigns/autumn/campaign.yaml": None}) == []


def test_days_are_those_of_the_strategy(judged: Judged) -> None:
    """CMP014: half an hour after midnight in Dublin (in summer, UTC is an hour behind) is the eighth day."""
    days = [f"2027-06-0{day} 12:30" for day in (1, 2, 3, 4)]
    made = {f"campaigns/spring/posts/p{number}.md": post(day) for number, day in enumerate([*days, "2027-06-08 00:30"])}

    assert judged([saturation.SATURATED], folder(ON_MASTODON, **made)) == []
    assert len(judged([saturation.SATURATED], folder(ON_MASTODON, **{
        **made, "campaigns/spring/posts/p4.md": post("2027-06-07 23:30")}))) == 1


@pytest.mark.parametrize(("knob", "many"), [("0.8", 0), ("0.79", 1), ("1", 0), ("3", 1), ("x", 1)])
def test_saturation_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """CMP014: rules.yaml may allow more; what is no share leaves it at 0.6."""
    files = folder(ON_MASTODON, **calendar("oc.cc.c"), **{"rules.yaml": f"knobs: {{saturation: {knob}}}\n"})

    assert len(judged([saturation.SATURATED], files)) == many


# --- CMP015 -----------------------------------------------------------------------------------------------------------


def helper(said: str) -> dict[str, Any]:
    return folder(f'start: 2027-03-02\ninfluencers: [{{handle: "@pike", kind: partner, {said}}}]\n')


@pytest.mark.rule("CMP015", "fires")
@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "since: 2027-02-01, gave: a talk, terms: none",
            "48: CMP015 error: We know @pike since 2027-02-01, less than 30 days before the start. Know them before "
            "you ask: leave them out, or start on 2027-03-03 or later.",
        ),
        (
            "gave: a talk, terms: none",
            "15: CMP015 error: Since when we know @pike is not written down. Add since: with the day you first spoke.",
        ),
        (
            "since: 2026-11-09, terms: none",
            "15: CMP015 error: What we gave @pike is not written down. Give first, then ask; add gave: with what it "
            "was.",
        ),
        (
            "since: 2026-11-09, gave: a talk",
            "15: CMP015 error: The terms with @pike are not written down. Add terms: none, gifted or paid.",
        ),
        (
            "since: 2026-11-09, gave: a talk, terms: paid",
            "15: CMP015 error: @pike is paid, and nothing says how they label it. Add disclosure: with the label, such "
            "as Ad, and have them begin with it.",
        ),
        (
            "since: 2026-11-09, gave: a talk, terms: gifted",
            "15: CMP015 error: @pike is given something, and nothing says how they label it. Add disclosure: with the "
            "label, such as Ad, and have them begin with it.",
        ),
    ],
)
def test_who_is_to_help_is_known_and_labelled(said: str, told: str, judged: Judged, lines: Lines) -> None:
    """CMP015: each thing that is wrong, at its field."""
    assert lines(judged([preparations.STRANGERS], helper(said))) == [f"campaigns/spring/campaign.yaml:2:{told}"]


@pytest.mark.rule("CMP015", "near")
@pytest.mark.parametrize("terms", ["none", "gifted, disclosure: Ad (gift)", "paid, disclosure: Ad"])
def test_thirty_days_and_a_gift_of_ours_are_enough(terms: str, judged: Judged) -> None:
    """CMP015: known for exactly thirty days, and labelled where something was given."""
    assert judged([preparations.STRANGERS], helper(f"since: 2027-01-31, gave: a talk, terms: {terms}")) == []


@pytest.mark.rule("CMP015", "missing")
def test_nobody_to_help_is_nobody_to_know(judged: Judged) -> None:
    """CMP015: no influencers; without a start nobody can be too new, and what is missing is told all the same."""
    found = judged([preparations.STRANGERS], folder("influencers: [{since: 2027-02-01, terms: none}]\n"))

    assert judged([preparations.STRANGERS], folder()) == []
    assert [one.message for one in found] == ["What we gave somebody without a handle is not written down."]


# --- CMP016 -----------------------------------------------------------------------------------------------------------

CLOSED = f"title: Spring Mend\n{DAYS}maintenance: {{thanks: thanks}}\n"
THANKS = {"campaigns/spring/posts/thanks.md": post("2027-04-12 17:15")}
FINAL = {"campaigns/spring/reviews/2027-04-20-final.md": "---\nkind: final\ndate: 2027-04-20\n---\n"}
REVIEW = (
    "campaigns/spring/campaign.yaml:3:1: CMP016 warning: Spring Mend ended on 2027-04-12, and there is no final review "
    "of it. Write campaigns/spring/reviews/2027-04-27-final.md with kind: final, its date, and what came of each goal."
)
SAY_THANKS = "Thank people now: publish a post that does, and name it as thanks: under maintenance:."


@pytest.mark.rule("CMP016", "fires")
def test_a_campaign_that_is_over_is_looked_back_at(judged: Judged, lines: Lines) -> None:
    """CMP016: on the fifteenth day without a final review; another kind is none, nor is one of tomorrow."""
    others = {"campaigns/spring/reviews/a.md": "---\nkind: mid\ndate: 2027-04-20\n---\n",
              "campaigns/spring/reviews/b.md": "---\nkind: final\ndate: 2027-04-28\n---\n"}

    assert lines(judged([preparations.UNCLOSED], folder(CLOSED, **THANKS, **others), now=at("2027-04-27"))) == [REVIEW]


@pytest.mark.rule("CMP016", "fires")
@pytest.mark.parametrize(
    ("text", "thanks", "sent", "why"),
    [
        (CLOSED, THANKS, {}, "4:15: thanks is not published"),
        (CLOSED, THANKS, {Slot("posts/thanks", "mastodon"): None}, "4:15: thanks is not published"),
        (CLOSED, {}, None, "4:15: thanks does not go out"),
        (CLOSED, {"campaigns/spring/posts/thanks.md": post("2027-04-12 17:15", "draft: true\n")}, None,
         "4:15: thanks does not go out"),
        (CLOSED, {"campaigns/spring/posts/thanks.md": post("2027-04-20 12:30")}, None,
         "4:15: thanks goes out only on 2027-04-20"),
        (f"title: Spring Mend\n{DAYS}", THANKS, None, "1:1: no post that thanks people is named"),
    ],
)
def test_people_are_thanked_within_a_week(
    text: str,
    thanks: dict[str, str],
    sent: Mapping[Slot, datetime | None] | None,
    why: str,
    judged: Judged,
    lines: Lines,
) -> None:
    """CMP016: on the eighth day without thanks; by the archive where somebody looked, else by the plan."""
    place, _, reason = why.partition(": ")

    assert lines(judged([preparations.UNCLOSED], folder(text, **thanks), now=at("2027-04-20"), sent=sent)) == [
        f"campaigns/spring/campaign.yaml:{place}: CMP016 warning: Spring Mend ended on 2027-04-12, and {reason}. "
        f"{SAY_THANKS}"
    ]


@pytest.mark.rule("CMP016", "near")
def test_what_is_closed_in_time_is_closed(judged: Judged) -> None:
    """CMP016: the seventh day for thanks, the fourteenth for the review; thanks planned a week after the end."""
    last = {"campaigns/spring/posts/thanks.md": post("2027-04-19 12:30")}
    published = {Slot("spring/thanks", "mastodon"): None}

    assert judged([preparations.UNCLOSED], folder(DAYS), now=at("2027-04-19")) == []
    assert judged([preparations.UNCLOSED], folder(CLOSED, **last), now=at("2027-04-26")) == []
    assert judged([preparations.UNCLOSED], folder(CLOSED, **FINAL), now=at("2027-05-26"), sent=published) == []


@pytest.mark.rule("CMP016", "missing")
def test_what_cannot_be_read_is_not_told_to_be_missing(judged: Judged) -> None:
    """CMP016: an unreadable review may be the final one, an unreadable post the thanks; without an end nothing is over.
    """
    now = at("2027-05-26")
    unread = {"campaigns/spring/posts/thanks.md": "---\nat: [\n---\n"}

    assert judged([preparations.UNCLOSED], folder(CLOSED, **THANKS, **{
        "campaigns/spring/reviews/x.md": "---\nkind: [\n---\n"}), now=now) == []
    assert judged([preparations.UNCLOSED], folder(CLOSED, **unread, **FINAL), now=now) == []
    assert judged([preparations.UNCLOSED], folder("start: 2026-03-02\n"), now=now) == []


def test_thanks_of_its_own_come_before_others_of_that_name(judged: Judged) -> None:
    """CMP016: `thanks` is the campaign's own post; a whole id, or a name that only another folder has, will do too."""
    now, other = at("2027-05-26"), {"posts/thanks.md": post("2027-04-13 12:30")}
    late = {"campaigns/spring/posts/thanks.md": post("2027-04-20 12:30")}
    by_id = CLOSED.replace("thanks: thanks", "thanks: posts/thanks")

    assert len(judged([preparations.UNCLOSED], folder(CLOSED, **FINAL, **other, **late), now=now)) == 1
    assert judged([preparations.UNCLOSED], folder(CLOSED, **FINAL, **other), now=now) == []
    assert judged([preparations.UNCLOSED], folder(by_id, **FINAL, **other, **late), now=now) == []
