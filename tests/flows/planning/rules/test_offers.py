"""CMP007 to CMP009: an offer that is worth it for those who are asked, and is looked at again before the next ask."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.planning.rules import offers
from flows.planning.rules.ruling import Facts
from schemas.history import Edit, FileHistory, History
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
FILE = "campaigns/spring/campaign.yaml"
FRAME = "start: 2027-03-02\nend: 2027-04-12\naudiences: [renters, fixers]\nchannels: [mastodon]\n"
SAYS = "  text: A month free\n  value_to_reader: A mended toaster\n  value_to_us: A member\n  url: https://ours.example\n"
ASKED = (
    "  validated:\n"
    "    - {audience: renters, date: 2027-02-03, by: wren, method: interviews, finding: 9 of 12 would come}\n"
    "    - {audience: fixers, date: 2027-03-09, by: wren, method: a poll, finding: 17 of 22 would come}\n"
)
OFFER = f"offer:\n{SAYS}  event: signup\n{ASKED}"
AGAIN = "  reassess: [2027-03-16, 2027-03-30]\n"


def post(at: str, more: str = "intent: ask\n") -> str:
    return f"---\nat: {at} 12:30\n{more}---\nJoin us.\n"


def folder(text: str = FRAME + OFFER + AGAIN, **more: str | bytes | None) -> dict[str, Any]:
    """A campaign with an ask on the 9th of March and one on the 6th of April."""
    return {
        FILE: text,
        "campaigns/spring/posts/first.md": post("2027-03-09"),
        "campaigns/spring/posts/last.md": post("2027-04-06"),
        **more,
    }


def review(day: str, kind: str = "offer", decision: str = "keep") -> dict[str, str]:
    text = f"---\nkind: {kind}\ndate: {day}\ndecision: {decision}\n---\nWhy.\n"
    return {f"campaigns/spring/reviews/{day}-{kind}.md": text}


def at(day: str) -> datetime:
    return datetime.fromisoformat(f"{day} 12:00").replace(tzinfo=UTC)


def test_the_offer_of_the_sample_is_sound(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample's offer was validated for both audiences, and looked at again on its day."""
    assert of_sample(offers.RULES) == []


# --- CMP007 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("CMP007", "fires")
def test_an_offer_says_what_it_is_worth_to_whom(judged: Judged, lines: Lines) -> None:
    """CMP007: each field that is missing or empty, at the offer."""
    text = f'{FRAME}offer:\n  value_to_us: A member\n  url: ""\n{ASKED}'

    assert lines(judged([offers.UNPROVEN], folder(text), now=at("2027-03-09"))) == [
        "campaigns/spring/campaign.yaml:5:1: CMP007 error: The offer does not say what it is. Add text: under offer:.",
        "campaigns/spring/campaign.yaml:5:1: CMP007 error: The offer does not say what the reader gets out of it. "
        "Add value_to_reader: under offer:.",
        "campaigns/spring/campaign.yaml:5:1: CMP007 error: The offer does not say which event counts as a yes. "
        "Add event: under offer:.",
        "campaigns/spring/campaign.yaml:7:3: CMP007 error: The offer does not say where people take it up. "
        "Add url: under offer:.",
    ]


@pytest.mark.rule("CMP007", "fires")
def test_an_audience_is_asked_before_it_is_asked_for_something(judged: Judged, lines: Lines) -> None:
    """CMP007: who was never asked, and who was asked a day after the first ask."""
    validated = "  validated: [{audience: fixers, date: 2027-03-10, by: wren, method: a poll, finding: 17 of 22}]\n"
    files = folder(f"{FRAME}offer:\n{SAYS}  event: signup\n{validated}")

    never = ("campaigns/spring/campaign.yaml:11:3: CMP007 error: Nobody asked renters before 2027-03-09 whether the "
             "offer is worth it. Ask some of them first, and write it under offer: validated: (audience, date, by, "
             "method, finding).")
    late = ("campaigns/spring/campaign.yaml:11:34: CMP007 error: fixers: asked whether the offer is worth it on "
            "2027-03-10, after the first ask to them on 2027-03-09.")
    assert lines(judged([offers.UNPROVEN], files)) == [
        never, f"{late} Ask some of them before, or move the ask to 2027-03-10 or later."
    ]
    assert lines(judged([offers.UNPROVEN], files, now=at("2027-03-12"))) == [
        never, f"{late} The ask is out: have the sponsor sign a waiver for CMP007 in rules.yaml, with the reason."
    ]


@pytest.mark.rule("CMP007", "near")
def test_asked_on_the_day_of_the_first_ask_is_in_time(judged: Judged) -> None:
    """CMP007: the fixers were asked on that very day; a later answer of theirs changes nothing."""
    more = "    - {audience: fixers, date: 2027-03-20, by: wren, method: a poll, finding: still}\n"

    assert judged([offers.UNPROVEN], folder(FRAME + OFFER + more), now=at("2027-03-09")) == []


@pytest.mark.rule("CMP007", "fires")
def test_a_day_on_which_people_are_to_be_asked_is_still_to_come(judged: Judged, lines: Lines) -> None:
    """CMP007: what is written for tomorrow has not happened; on the day itself it has."""
    assert lines(judged([offers.UNPROVEN], folder(), now=at("2027-03-08"))) == [
        "campaigns/spring/campaign.yaml:13:26: CMP007 advice: fixers: to be asked whether the offer is worth it on "
        "2027-03-09, which is still to come. Once they were asked, write down what they said; if the day changes, "
        "change it."
    ]
    assert judged([offers.UNPROVEN], folder(), now=at("2027-03-09")) == []


def test_an_ask_that_never_went_out_was_not_the_first(judged: Judged) -> None:
    """CMP007: by the archive the ask of the 2nd was missed, so the one of the 9th is the first to the fixers."""
    missed = {"campaigns/spring/posts/missed.md": post("2027-03-02")}
    now = at("2027-03-10")

    assert len(judged([offers.UNPROVEN], folder(**missed), now=now)) == 1
    assert judged([offers.UNPROVEN], folder(**missed), now=now, sent={Slot("spring/first", "mastodon"): None}) == []


@pytest.mark.rule("CMP007", "missing")
def test_a_campaign_that_asks_without_an_offer_is_told_once(judged: Judged, lines: Lines) -> None:
    """CMP007: no offer at all; and no asks, no offer needed."""
    gives = {f"campaigns/spring/posts/{name}.md": post("2027-03-09", "intent: give\n") for name in ("first", "last")}
    draft = {**gives, "campaigns/spring/posts/first.md": post("2027-03-09", "intent: ask\ndraft: true\n")}

    assert lines(judged([offers.UNPROVEN], folder(FRAME))) == [
        "campaigns/spring/campaign.yaml:1:1: CMP007 error: The campaign asks for something, and has no offer. Add "
        "offer: with text, value_to_reader, value_to_us, url and event, and with validated: for each audience."
    ]
    assert judged([offers.UNPROVEN], folder(FRAME, **gives)) == []
    assert judged([offers.UNPROVEN], folder(FRAME, **draft)) == []
    assert judged([offers.UNPROVEN], folder("start: [\n")) == []


def test_an_audience_that_is_not_asked_needs_no_answer(judged: Judged) -> None:
    """CMP007: each ask counts for the audience that it names, or for all of the campaign's; unscheduled ones too."""
    asks = {f"campaigns/spring/posts/{name}.md": post("2027-03-09", "intent: ask\naudience: neighbours\n")
            for name in ("first", "last")}
    text = f"{FRAME}offer:\n{SAYS}  event: signup\n"

    assert [one.message for one in judged([offers.UNPROVEN], folder(text, **asks))] == [
        "Nobody asked neighbours before 2027-03-09 whether the offer is worth it."
    ]
    waiting = {path: text.replace("at: 2027-03-09 12:30", "after: nobody + 2d") for path, text in asks.items()}
    assert [one.message for one in judged([offers.UNPROVEN], folder(text, **waiting))] == [
        "Nobody asked neighbours whether the offer is worth it."
    ]


def test_an_answer_that_nobody_can_follow_is_a_warning(judged: Judged, lines: Lines) -> None:
    """CMP007: a validation without method or finding counts, and is told; without a date it does not count."""
    validated = (
        "  validated:\n"
        "    - {audience: renters, date: 2027-02-03, by: wren}\n"
        "    - {audience: fixers, by: wren, method: a poll, finding: 17 of 22}\n"
    )
    found = judged([offers.UNPROVEN], folder(f"{FRAME}offer:\n{SAYS}  event: signup\n{validated}"),
                   now=at("2027-02-10"))

    assert lines(found) == [
        "campaigns/spring/campaign.yaml:11:3: CMP007 error: Nobody asked fixers before 2027-03-09 whether the offer is "
        "worth it. Ask some of them first, and write it under offer: validated: (audience, date, by, method, finding).",
        "campaigns/spring/campaign.yaml:12:7: CMP007 warning: What people said of the offer has no method and finding. "
        "Add method: and finding:, so that others can see how it came about.",
        "campaigns/spring/campaign.yaml:13:7: CMP007 warning: What people said of the offer has no date. "
        "Add date:, so that others can see how it came about.",
    ]


def test_an_offer_that_is_over_is_not_judged(judged: Judged) -> None:
    """CMP007, CMP008: the day after the end there is nobody left to ask."""
    assert len(judged([offers.UNPROVEN, offers.STALE], folder(FRAME), now=at("2027-04-12"))) == 2
    assert judged([offers.UNPROVEN, offers.STALE], folder(FRAME), now=at("2027-04-13")) == []


# --- CMP008 -----------------------------------------------------------------------------------------------------------

HELD = (
    "campaigns/spring/posts/last.md:2:1: CMP008 error: On mastodon, 2027-04-06: the offer was to be looked at again on "
    "2027-03-16, and there is no review of it. Re-assess it before asking again: write "
    "campaigns/spring/reviews/{today}-offer.md with kind: offer and its date. channel=mastodon"
)


@pytest.mark.rule("CMP008", "fires")
def test_asks_wait_for_a_review_that_is_overdue(judged: Judged, lines: Lines) -> None:
    """CMP008: on the fourth day after the reassess day each ask to come is held, on its channel; gives are not."""
    give = {"campaigns/spring/posts/give.md": post("2027-04-05", "intent: give\n")}
    found = judged([offers.STALE], folder(**give), now=at("2027-03-20"))

    assert lines(found) == [HELD.format(today="2027-03-20")]
    assert [(one.post, one.channel, one.acts) for one in found] == [("spring/last", "mastodon", True)]
    assert offers.STALE.due


@pytest.mark.rule("CMP008", "near")
@pytest.mark.parametrize(
    ("today", "held"),
    [("2027-03-19", {}), ("2027-03-20", review("2027-03-09")), ("2027-03-20", review("2027-03-20", "mid"))],
)
def test_three_days_of_grace_or_a_review_let_asks_go(today: str, held: dict[str, str], judged: Judged) -> None:
    """CMP008: within three days; with a review a week before the day, or today."""
    assert judged([offers.STALE], folder(**held), now=at(today)) == []


@pytest.mark.rule("CMP008", "missing")
def test_no_day_to_look_again_is_told_of_the_campaign(judged: Judged, lines: Lines) -> None:
    """CMP008: of the campaign, and no post is named; without asks there is nothing to look at."""
    said = ("The campaign asks for something, and no day is set to look at its offer again. Add reassess: under "
            "offer:, with a day after each ask but the last.")
    found = judged([offers.STALE], folder(FRAME + OFFER))
    gives = {f"campaigns/spring/posts/{name}.md": post("2027-03-09", "intent: give\n") for name in ("first", "last")}

    assert lines(found) == [f"campaigns/spring/campaign.yaml:5:1: CMP008 error: {said}"]
    assert lines(judged([offers.STALE], folder(FRAME))) == [f"campaigns/spring/campaign.yaml:1:1: CMP008 error: {said}"]
    assert [(one.post, one.acts) for one in found] == [(None, True)]
    assert judged([offers.STALE], folder(FRAME + OFFER, **gives)) == []


@pytest.mark.parametrize(
    "held",
    [
        review("2027-03-08"),                      # eight days early: of another time
        review("2027-03-16", "final"),
        review("2027-03-21"),                      # not held yet
        {"campaigns/spring/reviews/x.md": "---\nkind: offer\n---\n"},
        {"campaigns/autumn/reviews/2027-03-16-offer.md": "---\nkind: offer\ndate: 2027-03-16\n---\n"},
    ],
)
def test_not_every_review_lets_asks_go(held: dict[str, str], judged: Judged, lines: Lines) -> None:
    """CMP008: another kind, another time, another campaign."""
    assert lines(judged([offers.STALE], folder(**held), now=at("2027-03-20"))) == [HELD.format(today="2027-03-20")]


def test_a_review_that_cannot_be_read_has_a_problem_of_its_own(judged: Judged) -> None:
    """CMP008: it may be the one that is looked for."""
    unread = {"campaigns/spring/reviews/2027-03-16-offer.md": "---\nkind: [\n---\n"}

    assert judged([offers.STALE], folder(**unread), now=at("2027-03-20")) == []


def test_each_day_wants_a_review(judged: Judged) -> None:
    """CMP008: the first review answers for the first day; one in the week before the second answers for both."""
    now = at("2027-04-03")
    found = judged([offers.STALE], folder(**review("2027-03-16")), now=now)

    assert [one.message for one in found] == [
        "On mastodon, 2027-04-06: the offer was to be looked at again on 2027-03-30, and there is no review of it."
    ]
    assert judged([offers.STALE], folder(**review("2027-03-23")), now=now) == []
    assert len(judged([offers.STALE], folder(**review("2027-03-22")), now=now)) == 1


@pytest.mark.parametrize(
    ("now", "sent", "many"),
    [
        (datetime(2027, 4, 6, 13, 30, tzinfo=UTC), None, 1),                                      # within its grace
        (datetime(2027, 4, 6, 13, 31, tzinfo=UTC), None, 0),
        (datetime(2027, 4, 6, 11, 0, tzinfo=UTC), {}, 1),
        (datetime(2027, 4, 6, 11, 0, tzinfo=UTC), {Slot("spring/last", "mastodon"): None}, 0),
    ],
)
def test_what_is_out_or_too_late_is_not_held(
    now: datetime, sent: Mapping[Slot, datetime | None] | None, many: int, judged: Judged
) -> None:
    """CMP008: an ask is held until its grace is over (12:30 in Dublin and two hours), unless it is out."""
    assert len(judged([offers.STALE], folder(), now=now, sent=sent)) == many


def test_every_slot_of_an_ask_is_held_by_itself(judged: Judged, lines: Lines) -> None:
    """CMP008: each channel, and each run of one that comes back."""
    channels = (
        "channels:\n"
        '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
        "  - {id: two, network: linkedin}\n"
    )
    again = "---\nevery: 1w at 12:30\nfrom: 2027-03-25\nruns: 2\nintent: ask\nchannels: [one]\n---\nJoin us.\n"
    files = folder(FRAME.replace("[mastodon]", "[one, two]") + OFFER + AGAIN,
                   **{"networks/channels.yaml": channels, "campaigns/spring/posts/again.md": again})
    found = judged([offers.STALE], files, now=at("2027-03-20"))

    assert [(one.post, one.channel, one.run) for one in found] == [
        ("spring/again", "one", "20270325"), ("spring/again", "one", "20270401"),
        ("spring/last", "one", None), ("spring/last", "two", None),
    ]


@pytest.mark.parametrize(("knob", "many"), [("1w", 0), ("4d", 0), ("96h", 0), ("73h", 0), ("72h", 1), ("soon", 1)])
def test_the_grace_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """CMP008: rules.yaml may give more days; what is no duration leaves three."""
    files = folder(**{"rules.yaml": f"knobs: {{reassess_grace: {knob}}}\n"})

    assert len(judged([offers.STALE], files, now=at("2027-03-20"))) == many


# --- CMP009 -----------------------------------------------------------------------------------------------------------


def world(**last: str) -> World:
    """When the text of each post changed last, by its name."""
    made = {}
    for name, day in last.items():
        edit = Edit("c0ffee", at(day), "wren@ours.example")
        made[f"campaigns/spring/posts/{name}.md"] = FileHistory(edit, edit)
    return World(history=History(made, {}, {}))


@pytest.mark.rule("CMP009", "fires")
@pytest.mark.parametrize(
    ("decision", "remedy"),
    [
        ("change", "Change their texts as the review says, or take them out."),
        ("stop", "Take them out, or write a new review that says why to go on."),
    ],
)
def test_a_review_changes_the_asks_to_come(decision: str, remedy: str, judged: Judged, lines: Lines) -> None:
    """CMP009: an ask after the review whose text is older than it; the one before the review is not told."""
    files = folder(**review("2027-03-16", decision=decision))
    found = judged([offers.UNCHANGED], files, now=at("2027-03-17"), world=world(first="2027-02-01", last="2027-03-15"))

    assert lines(found) == [
        "campaigns/spring/reviews/2027-03-16-offer.md:4:1: CMP009 warning: The review of 2027-03-16 said "
        f"{decision}, and spring/last is as before. {remedy}"
    ]


@pytest.mark.rule("CMP009", "near")
def test_a_text_changed_on_the_day_of_the_review_is_changed(judged: Judged) -> None:
    """CMP009: the same day will do; a review that says keep wants nothing."""
    changed = folder(**review("2027-03-16", decision="change"))
    kept = folder(**review("2027-03-16", decision="keep"))
    now = at("2027-03-17")

    assert judged([offers.UNCHANGED], changed, now=now, world=world(last="2027-03-16")) == []
    assert judged([offers.UNCHANGED], kept, now=now, world=world(last="2027-03-01")) == []


@pytest.mark.rule("CMP009", "missing")
def test_without_history_a_change_is_not_evaluated(facts: Callable[..., Facts], judged: Judged) -> None:
    """CMP009: nobody looked into Git; a file that lies changed is not in it; no review."""
    files = folder(**review("2027-03-16", decision="change"))
    now = at("2027-03-17")

    assert facts(files, now=now).lacks(offers.UNCHANGED) == ("history",)
    assert judged([offers.UNCHANGED], files, now=now) == []
    assert judged([offers.UNCHANGED], files, now=now, world=world()) == []
    assert judged([offers.UNCHANGED], folder(), now=now, world=world(last="2027-03-01")) == []


def test_the_newest_review_counts(judged: Judged) -> None:
    """CMP009: a later keep lets the asks be; one that is still to come says nothing yet."""
    asks = world(last="2027-03-01")
    both = folder(**review("2027-03-16", decision="change"), **review("2027-03-17", "mid", "keep"))

    assert judged([offers.UNCHANGED], both, now=at("2027-03-17"), world=asks) == []
    assert len(judged([offers.UNCHANGED], both, now=at("2027-03-16"), world=asks)) == 1
    assert judged([offers.UNCHANGED], both, now=at("2027-03-15"), world=asks) == []


def test_asks_that_are_out_or_over_are_not_told(judged: Judged) -> None:
    """CMP009: what has gone out cannot be changed; what goes out on the day of the review may be what it looked at."""
    files = folder(**review("2027-03-16", decision="change"))
    that_day = folder(**review("2027-04-06", decision="change"))
    sent = {Slot("spring/last", "mastodon"): None}

    assert judged([offers.UNCHANGED], files, now=at("2027-03-17"), sent=sent, world=world(last="2027-03-01")) == []
    assert judged([offers.UNCHANGED], files, now=at("2027-04-07"), world=world(last="2027-03-01")) == []
    assert judged([offers.UNCHANGED], that_day, now=at("2027-04-06"), world=world(last="2027-03-01")) == []


def test_many_asks_are_one_problem(judged: Judged) -> None:
    """CMP009: three are named, the others counted."""
    names = ("a", "b", "c", "d", "e")
    more = {f"campaigns/spring/posts/{name}.md": post("2027-04-05") for name in names}
    files = folder(**review("2027-03-16", decision="change"), **more)
    found = judged([offers.UNCHANGED], files, now=at("2027-03-17"), world=world(**dict.fromkeys(names, "2027-03-01")))

    assert [one.message for one in found] == [
        "The review of 2027-03-16 said change, and spring/a, spring/b, spring/c and 2 more are as before."
    ]
