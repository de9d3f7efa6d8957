"""INT001–INT003, INT005, INT006: gives come before asks, asks come seldom, and each leads somewhere."""

import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from flows.planning.rules import asking
from flows.planning.rules.asking import EARNED, GIVES_ONLY, SELDOM
from flows.planning.rules.balances import GIVEN_FIRST, UNLOCKED
from flows.planning.rules.ruling import Facts
from schemas.figure import Figure
from schemas.ledger import Slot
from schemas.place import Place
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
Folder = dict[str, Any]
SAMPLE = Path(__file__).parents[4] / "content"
EARLY = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
TWO = (
    "channels:\n"
    '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
    '  - {id: two, network: mastodon, handle: "@two@social.example"}\n'
)
CAMPAIGN = (
    "campaign: mend\nstart: 2027-03-02\nend: 2027-04-12\ngoals: [{goal: members}]\n"
    "offer: {text: Free month, url: https://ours.example/mend, event: signup}\n"
)
STRATEGY = (
    "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n"
    "social_goals: [{id: members, text: More members}, {id: shares, text: More shares}]\n"
)


def ask(at: str = "2027-03-09 12:30", more: str = "goal: members\n", body: str = "Mend one thing with us.") -> str:
    return f"---\nat: {at}\nintent: ask\n{more}---\n{body}\n"


def timeline(*intents: str, first: str = "2026-09-01", apart: int = 7, channels: str = "") -> Folder:
    """A post for each intent, so many days after one another at 12:30, in order: posts/p000.md and on."""
    day = datetime.fromisoformat(first)
    made: Folder = {"strategy.yaml": STRATEGY}
    for number, intent in enumerate(intents):
        at = f"{day + timedelta(days=apart * number):%Y-%m-%d} 12:30"
        made[f"posts/p{number:03d}.md"] = f"---\nat: {at}\nintent: {intent}\ngoal: members\n{channels}---\nHello.\n"
    return made


# --- INT001 -----------------------------------------------------------------------------------------------------------

NOT_YET = (
    "INT001 error: Not yet: on {} it asks for something, and groundwork asks for nothing. "
    "Make it a give (intent: give), or move it into a campaign."
)
IDLE = (
    "INT001 warning: It asks for something on {}, outside of any campaign. "
    "Make it a give (intent: give), or move it into a campaign."
)


@pytest.mark.rule("INT001", "fires")
def test_groundwork_asks_for_nothing(judged: Judged, lines: Lines) -> None:
    """INT001: an ask before any campaign is an error about the whole post, told once."""
    found = judged([GIVES_ONLY], {"networks/channels.yaml": TWO, "posts/a.md": ask()})

    assert lines(found) == [f"posts/a.md:3:1: {NOT_YET.format('2027-03-09')}"]
    assert [(p.post, p.channel, p.run, p.acts) for p in found] == [("posts/a", None, None, True)]


@pytest.mark.rule("INT001", "fires")
@pytest.mark.parametrize(
    ("day", "said"), [("2027-04-13", IDLE), ("2027-03-01", NOT_YET), ("2027-04-12", NOT_YET), ("2027-03-09", NOT_YET)]
)
def test_an_always_on_ask_is_in_no_campaign(day: str, said: str, judged: Judged, lines: Lines) -> None:
    """INT001: a post outside of a campaign asks too early until one has ended; after that it is a warning."""
    files = {"posts/a.md": ask(f"{day} 12:30"), "campaigns/mend/campaign.yaml": CAMPAIGN}

    assert lines(judged([GIVES_ONLY], files)) == [f"posts/a.md:3:1: {said.format(day)}"]


@pytest.mark.rule("INT001", "near")
@pytest.mark.parametrize("day", ["2027-03-02", "2027-04-12"])
def test_a_campaign_may_ask_on_its_first_and_last_day(day: str, judged: Judged) -> None:
    """INT001: within the days of its campaign a post may ask, both days included; gives may be at any time."""
    files = {
        "campaigns/mend/campaign.yaml": CAMPAIGN,
        "campaigns/mend/posts/a.md": ask(f"{day} 12:30"),
        "posts/b.md": "---\nat: 2027-02-02 12:30\n---\nHello.\n",
    }

    assert judged([GIVES_ONLY], files) == []


@pytest.mark.rule("INT001", "near")
def test_a_second_campaign_covers_always_on_asks(judged: Judged) -> None:
    """INT001: once a campaign has ended, an ask on a day of another one is in a campaign's days."""
    files = {
        "campaigns/old/campaign.yaml": "campaign: old\nstart: 2026-10-01\nend: 2026-11-01\n",
        "campaigns/mend/campaign.yaml": CAMPAIGN,
        "posts/a.md": ask("2027-03-02 12:30"),
    }

    assert judged([GIVES_ONLY], files) == []


@pytest.mark.rule("INT001", "missing")
@pytest.mark.parametrize(
    ("campaign", "said"),
    [
        (
            "campaign: mend\nstart: 2027-03-02\n",
            [
                "campaigns/mend/posts/a.md:3:1: INT001 error: Not yet: on 2027-03-09 it asks for something, and "
                "groundwork asks for nothing. Make it a give (intent: give), or write start and end in "
                "campaigns/mend/campaign.yaml."
            ],
        ),
        ("campaign: [mend\n", []),  # it cannot be read, which is told already
    ],
)
def test_a_campaign_without_days_is_none(campaign: str, said: list[str], judged: Judged, lines: Lines) -> None:
    """INT001: without an end nobody knows that it is time to ask; what cannot be read is not judged."""
    files = {"campaigns/mend/campaign.yaml": campaign, "campaigns/mend/posts/a.md": ask()}

    assert lines(judged([GIVES_ONLY], files)) == said


@pytest.mark.rule("INT001", "missing")
def test_a_post_without_a_time_is_in_no_stage(judged: Judged) -> None:
    """INT001: what has no time asks at none."""
    files = {"networks/channels.yaml": TWO, "posts/a.md": ask().replace("at: 2027-03-09 12:30", "slot: next")}

    assert judged([GIVES_ONLY], files) == []


@pytest.mark.rule("INT001", "missing")
def test_where_a_campaign_cannot_be_read_nobody_knows_what_has_ended(judged: Judged, lines: Lines) -> None:
    """INT001: it may have ended before; so it is a warning."""
    files = {"campaigns/mend/campaign.yaml": "campaign: [mend\n", "posts/a.md": ask()}

    assert lines(judged([GIVES_ONLY], files)) == [f"posts/a.md:3:1: {IDLE.format('2027-03-09')}"]


def test_outside_its_own_days_another_rule_says_so(judged: Judged) -> None:
    """INT001: a post outside the days of its campaign is SCH004's, and told once."""
    files = {"campaigns/mend/campaign.yaml": CAMPAIGN, "campaigns/mend/posts/a.md": ask("2027-03-01 12:30")}

    assert judged([GIVES_ONLY], files) == []


def test_only_the_runs_in_groundwork_are_stopped(judged: Judged, lines: Lines) -> None:
    """INT001: of a repeating ask each run before the end of the first campaign is an error, the rest is told once."""
    repeat = "---\nevery: 4w on friday at 17:15\nfrom: 2027-03-05\nruns: 4\nintent: ask\n---\nHello.\n## or\nHi.\n"
    files = {"campaigns/mend/campaign.yaml": CAMPAIGN, "posts/a.md": repeat}

    assert lines(judged([GIVES_ONLY], files)) == [
        f"posts/a.md:5:1: {IDLE.format('2027-04-30')}",
        f"posts/a.md:5:1: {NOT_YET.format('2027-03-05')} run=20270305",
        f"posts/a.md:5:1: {NOT_YET.format('2027-04-02')} run=20270402",
    ]


def test_only_the_channel_in_groundwork_is_stopped(judged: Judged, lines: Lines) -> None:
    """INT001: where the channels of a post differ, the error is about those that are too early."""
    files = {
        "networks/channels.yaml": TWO,
        "campaigns/mend/campaign.yaml": CAMPAIGN,
        "posts/a.md": ask("{one: 2027-04-01 12:30, two: 2027-04-20 12:30}"),
    }

    assert lines(judged([GIVES_ONLY], files)) == [
        f"posts/a.md:3:1: {IDLE.format('2027-04-20')}",
        f"posts/a.md:3:1: {NOT_YET.format('2027-04-01')} channel=one",
    ]


@pytest.mark.parametrize(
    ("knob", "severity"), [("warning", "warning"), ("error", "error"), ("off", "error"), ("7", "error")]
)
def test_how_severe_it_is_is_a_knob(knob: str, severity: str, judged: Judged) -> None:
    """INT001: the knob says what an ask in groundwork is, where it says error or warning."""
    files = {"posts/a.md": ask(), "rules.yaml": f'knobs: {{ask_outside: "{knob}"}}\n'}

    assert [problem.severity.value for problem in judged([GIVES_ONLY], files)] == [severity]


def test_what_is_over_or_withdrawn_is_not_told(judged: Judged) -> None:
    """INT001: nothing is said of what went out, is too late to go out, or is withdrawn."""
    late = datetime(2027, 3, 9, 15, 0, tzinfo=UTC)

    assert judged([GIVES_ONLY], {"posts/a.md": ask()}, now=late) == []
    assert judged([GIVES_ONLY], {"posts/a.md": ask()}, sent={Slot("posts/a", "mastodon"): None}) == []
    assert judged([GIVES_ONLY], {"posts/a.md": ask(more="withdraw: true\n")}) == []


def test_an_ask_that_waits_is_judged_all_the_same(judged: Judged) -> None:
    """INT001: a hold does not make it a give."""
    assert len(judged([GIVES_ONLY], {"posts/a.md": ask(more="hold: not sure\n")})) == 1


# --- INT002 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("INT002", "fires")
def test_an_ask_needs_four_gives(judged: Judged, lines: Lines) -> None:
    """INT002: three gives are one too few."""
    found = judged([GIVEN_FIRST], timeline("give", "give", "respond", "ask"), now=EARLY)

    assert lines(found) == [
        "posts/p003.md:3:1: INT002 error: 3 gives for 1 ask on mastodon, in all it says until then; each ask needs 4. "
        "Give 1 more first: plan it on mastodon before this ask. channel=mastodon"
    ]
    assert [(p.post, p.acts) for p in found] == [("posts/p003", True)]


@pytest.mark.rule("INT002", "near")
@pytest.mark.parametrize(
    "intents",
    [
        ["give", "give", "respond", "give", "ask"],
        ["give"] * 8 + ["ask", "ask"],
        ["ask"] + ["give"] * 11 + ["ask"],  # the first one has left the window
        ["give"] * 4 + ["inform"] * 7 + ["ask"],
        ["give"] * 3 + ["inform"],
    ],
)
def test_four_gives_are_enough(intents: list[str], judged: Judged) -> None:
    """INT002: four gives an ask, among the twelve that end with it."""
    found = judged([GIVEN_FIRST], timeline(*intents), now=EARLY)

    assert [problem for problem in found if problem.post == f"posts/p{len(intents) - 1:03d}"] == []


@pytest.mark.rule("INT002", "fires")
@pytest.mark.parametrize(
    ("intents", "said", "remedy"),
    [
        (["ask"], "0 gives for 1 ask on mastodon, in all it says until then", "Give 4 more first: plan them"),
        (["give"] * 7 + ["ask", "ask"], "7 gives for 2 asks on mastodon, in all it says until then",
         "Give 1 more first: plan it"),
        (["ask"] + ["give"] * 7 + ["ask"], "7 gives for 2 asks on mastodon, in all it says until then",
         "Give 1 more first: plan it"),
        (["give"] * 4 + ["inform"] * 8 + ["ask"],
         "3 gives for 1 ask on mastodon, among its last 12 posts with this one", "Give 4 more first: plan them"),
        (["give"] * 9 + ["ask", "ask", "ask"],
         "9 gives for 3 asks on mastodon, among its last 12 posts with this one", "Give 10 more first: plan them"),
    ],
)
def test_the_window_decides(intents: list[str], said: str, remedy: str, judged: Judged, lines: Lines) -> None:
    """INT002: news is neither, older posts leave the window, and so many more gives are really enough."""
    last = f"posts/p{len(intents) - 1:03d}"
    found = [problem for problem in judged([GIVEN_FIRST], timeline(*intents), now=EARLY) if problem.post == last]

    assert lines(found) == [f"{last}.md:3:1: INT002 error: {said}; each ask needs 4. {remedy} on mastodon before this "
                            "ask. channel=mastodon"]


@pytest.mark.parametrize("intents", [["ask"], ["give"] * 9 + ["ask"] * 3, ["give"] * 4 + ["inform"] * 8 + ["ask"],
                                     ["ask"] * 5, ["give", "ask", "inform", "inform", "ask"]])
def test_as_many_gives_as_it_says_are_enough_and_one_fewer_is_not(intents: list[str], judged: Judged) -> None:
    """INT002: the number in the remedy is exact."""

    def more(added: int) -> list[str]:
        files = timeline(*intents[:-1], *["give"] * added, intents[-1], apart=3)
        last = f"posts/p{len(intents) + added - 1:03d}"
        return [problem.remedy for problem in judged([GIVEN_FIRST], files, now=EARLY) if problem.post == last]

    needed = int(more(0)[0].split()[1])
    assert more(needed) == []
    assert more(needed - 1) != []


@pytest.mark.rule("INT002", "missing")
def test_what_should_be_out_and_is_not_gave_nothing(judged: Judged) -> None:
    """INT002: by the archive nothing went out, so the gives that were planned do not count; without it they do."""
    files = timeline("give", "give", "give", "give", "ask", first="2026-12-01", apart=8)
    late = datetime(2027, 1, 2, 12, 29, tzinfo=UTC)
    out: dict[Slot, datetime | None] = {Slot(f"posts/p{number:03d}", "mastodon"): None for number in range(4)}

    assert len(judged([GIVEN_FIRST], files, now=late, sent={})) == 1
    assert judged([GIVEN_FIRST], files, now=late, sent=out) == []
    assert judged([GIVEN_FIRST], files, now=late) == []


def test_it_is_judged_when_its_hour_has_come(judged: Judged) -> None:
    """INT002 and INT003: an ask that is due, and not out yet, is judged by what is out; afterwards it is not."""
    files = timeline("give", "give", "give", "give", "ask", first="2026-12-01", apart=8)
    due = datetime(2027, 1, 2, 12, 30, tzinfo=UTC)
    three: dict[Slot, datetime | None] = {Slot(f"posts/p{number:03d}", "mastodon"): None for number in range(3)}

    found = judged([GIVEN_FIRST, UNLOCKED], files, now=due, sent=three)

    assert [(problem.code, problem.post) for problem in found] == [("INT002", "posts/p004"), ("INT003", "posts/p004")]
    assert (GIVEN_FIRST.due, UNLOCKED.due) == (True, True)
    assert judged([GIVEN_FIRST], files, now=due, sent={**three, Slot("posts/p004", "mastodon"): due}) == []


def test_a_give_that_went_out_while_the_ask_waited_counts(facts: Callable[..., Facts]) -> None:
    """INT002: an ask is late, and so is the last give; what is out by now came before what is still to come."""
    files = timeline("give", "give", "give", "give", "ask")
    due = datetime(2026, 9, 29, 11, 30, tzinfo=UTC)
    gone: dict[Slot, datetime | None] = {Slot(f"posts/p{number:03d}", "mastodon"): None for number in range(3)}
    late = {**gone, Slot("posts/p003", "mastodon"): due + timedelta(minutes=20)}

    def found(sent: dict[Slot, datetime | None]) -> list[Problem]:
        known = facts(files, now=due + timedelta(minutes=30), sent=sent)
        return [] if GIVEN_FIRST.all is None else list(GIVEN_FIRST.all(known))

    assert len(found(gone)) == 1
    assert found(late) == []


def test_a_give_that_is_late_is_none_until_it_is_out(facts: Callable[..., Facts]) -> None:
    """INT002: an ask whose hour has come does not overtake the give that pays for it; one of tomorrow may rely on it.
    """
    files = timeline("give", "give", "give", "ask")
    files |= {"posts/p002.md": files["posts/p002.md"].replace("2026-09-15 12:30", "2026-09-22 11:30")}
    rules = {"rules.yaml": "knobs: {give_per_ask: 3}\n"}
    due = datetime(2026, 9, 22, 11, 30, tzinfo=UTC)                # 12:30 in Dublin
    gone: dict[Slot, datetime | None] = {Slot(f"posts/p{number:03d}", "mastodon"): None for number in range(2)}

    def found(now: datetime, sent: dict[Slot, datetime | None]) -> list[Problem]:
        known = facts({**files, **rules}, now=now, sent=sent)
        return [] if GIVEN_FIRST.all is None else list(GIVEN_FIRST.all(known))

    assert len(found(due, gone)) == 1
    assert found(due, {**gone, Slot("posts/p002", "mastodon"): due}) == []
    assert found(due - timedelta(minutes=30), gone) == []


def test_a_large_window_is_counted_at_once(judged: Judged) -> None:
    """INT002: a knob of thousands costs no more than one of twelve, and the answer is the same."""
    files = timeline(*["ask"] * 300, apart=1)
    rules = {"rules.yaml": "knobs: {window_posts: 36500, give_per_ask: 100}\n"}
    begun = time.process_time()
    found = judged([GIVEN_FIRST], {**files, **rules}, now=EARLY)

    assert found[-1].remedy.startswith("Give 30000 more first:")
    assert time.process_time() - begun < 5


def test_each_channel_has_its_own_balance(judged: Judged) -> None:
    """INT002: gives on one channel pay for no ask on another; each run of a repeat counts and is told."""
    gives = timeline(*["give"] * 4, channels="channels: [one]\n")
    files = {**gives, "networks/channels.yaml": TWO, "posts/z.md": ask()}
    repeat = "---\nevery: 4w at 12:30\nfrom: 2027-02-01\nruns: 2\nintent: ask\n---\nHello.\n## or\nHi.\n"

    assert [problem.channel for problem in judged([GIVEN_FIRST], files, now=EARLY)] == ["two"]
    again = judged([GIVEN_FIRST], {**files, "posts/z.md": repeat}, now=EARLY)
    assert [(problem.channel, problem.run) for problem in again] == [
        ("two", "20270201"), ("two", "20270301"), ("one", "20270301")]


@pytest.mark.parametrize(
    ("knobs", "intents", "many"),
    [
        ("give_per_ask: 2", ["give", "give", "ask"], 0),
        ("give_per_ask: 2.5", ["give", "give", "ask"], 1),
        ("give_per_ask: 0", ["ask"], 0),
        ("give_per_ask: -3", ["give"] * 3 + ["ask"], 1),  # no number of gives
        ("give_per_ask: .nan", ["give"] * 3 + ["ask"], 1),
        ("give_per_ask: many", ["give"] * 3 + ["ask"], 1),
        ("window_posts: 5", ["give"] * 4 + ["inform", "ask"], 1),
        ("window_posts: 6", ["give"] * 4 + ["inform", "ask"], 0),
        ("window_posts: 5", ["ask"] + ["give"] * 4 + ["ask"], 1),  # only the first
        ("window_posts: 0, give_per_ask: 0", ["ask"], 0),
    ],
)
def test_balance_knobs(knobs: str, intents: list[str], many: int, judged: Judged) -> None:
    """INT002: how many gives, and among how many posts, is the content's to say; what is no number changes nothing."""
    files = {**timeline(*intents), "rules.yaml": f"knobs: {{{knobs}}}\n"}

    assert len(judged([GIVEN_FIRST], files, now=EARLY)) == many


def test_a_window_that_is_too_small_is_said(judged: Judged) -> None:
    """INT002: where no number of gives helps, the remedy is another window."""
    files = {**timeline("give", "ask"), "rules.yaml": "knobs: {window_posts: 4}\n"}

    assert [problem.remedy for problem in judged([GIVEN_FIRST], files, now=EARLY)] == [
        "4 posts cannot hold 4 gives and an ask: raise window_posts in rules.yaml."]


# --- INT003 -----------------------------------------------------------------------------------------------------------


def unlocking(gives: int, asked: str, first: str = "2026-10-01", apart: int = 7) -> Folder:
    return {**timeline(*["give"] * gives, first=first, apart=apart), "posts/z.md": ask(asked)}


@pytest.mark.rule("INT003", "fires")
@pytest.mark.parametrize(
    ("gives", "asked", "said"),
    [
        (
            6,
            "2026-12-29 12:30",
            "Too early to ask on mastodon: 6 of 6 gives before this ask, and 89 of 90 days since the first "
            "(2026-10-01). Unlocks on 2026-12-30: ask then or later.",
        ),
        (
            5,
            "2027-02-01 12:30",
            "Too early to ask on mastodon: 5 of 6 gives before this ask, and 123 of 90 days since the first "
            "(2026-10-01). Plan 1 more give there; unlocks on 2026-12-30 at the earliest.",
        ),
        (
            0,
            "2027-02-01 12:30",
            "Too early to ask on mastodon: nothing was given there before. "
            "Plan 6 gives first; 90 days after the first of them it unlocks.",
        ),
    ],
)
def test_a_channel_unlocks_by_gives_and_days(gives: int, asked: str, said: str, judged: Judged, lines: Lines) -> None:
    """INT003: six gives and ninety days, and what is lacking is said."""
    found = judged([UNLOCKED], unlocking(gives, asked), now=EARLY)

    assert lines(found) == [f"posts/z.md:3:1: INT003 error: {said} channel=mastodon"]
    assert [(p.post, p.acts) for p in found] == [("posts/z", True)]


@pytest.mark.rule("INT003", "fires")
def test_gives_to_come_say_when_it_unlocks(judged: Judged, lines: Lines) -> None:
    """INT003: the sixth give is planned after the ask; then the channel unlocks on its day."""
    files = unlocking(6, "2027-02-20 12:30", apart=30)  # the sixth comes on 2027-02-28

    assert lines(judged([UNLOCKED], files, now=EARLY)) == [
        "posts/z.md:3:1: INT003 error: Too early to ask on mastodon: 5 of 6 gives before this ask, and 142 of 90 days "
        "since the first (2026-10-01). Unlocks on 2027-02-28, with 6 gives out: ask then or later. channel=mastodon"
    ]


@pytest.mark.rule("INT003", "near")
@pytest.mark.parametrize("asked", ["2026-12-30 08:00", "2027-02-01 12:30"])
def test_on_the_ninetieth_day_it_is_unlocked(asked: str, judged: Judged) -> None:
    """INT003: days count as days, whatever the hour; so do six gives."""
    assert judged([UNLOCKED], unlocking(6, asked), now=EARLY) == []


def test_every_ask_before_that_is_told(judged: Judged) -> None:
    """INT003: not only the first ask of the channel; none of those that come later, and news gives nothing."""
    news = "---\nat: 2026-06-01 12:30\nintent: inform\n---\nNews.\n"
    files = {**unlocking(6, "2026-12-01 12:30"), "posts/y.md": ask("2026-11-20 12:30"),
             "posts/x.md": ask("2027-01-20 12:30"), "posts/w.md": news}

    assert [problem.post for problem in judged([UNLOCKED], files, now=EARLY)] == ["posts/y", "posts/z"]


@pytest.mark.rule("INT003", "missing")
def test_gives_that_the_archive_does_not_have_unlock_nothing(judged: Judged) -> None:
    """INT003: with an archive that has none of them, what was planned gave nothing; without one it counts."""
    files = unlocking(6, "2027-02-01 12:30")
    now = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)

    assert [problem.message for problem in judged([UNLOCKED], files, now=now, sent={})] == [
        "Too early to ask on mastodon: nothing was given there before."]
    assert judged([UNLOCKED], files, now=now) == []


@pytest.mark.parametrize(
    ("knobs", "gives", "asked", "many"),
    [
        ("unlock_gives: 2, unlock_days: 8", 2, "2026-10-09 09:00", 0),
        ("unlock_gives: 2, unlock_days: 9", 2, "2026-10-09 09:00", 1),
        ("unlock_gives: 3, unlock_days: 8", 2, "2026-10-09 09:00", 1),
        ("unlock_gives: 0, unlock_days: 0", 0, "2026-10-09 09:00", 0),
        ("unlock_gives: 0", 0, "2026-10-09 09:00", 1),
        ("unlock_gives: 1, unlock_days: 0", 1, "2026-10-01 12:31", 0),
        ("unlock_gives: 1, unlock_days: 0", 1, "2026-10-01 12:29", 1),
        ("unlock_days: .inf", 6, "2027-02-01 12:30", 0),
        ("unlock_days: 36500", 6, "2027-02-01 12:30", 1),
    ],
)
def test_unlock_knobs(knobs: str, gives: int, asked: str, many: int, judged: Judged) -> None:
    """INT003: both numbers are the content's to say."""
    files = {**unlocking(gives, asked), "rules.yaml": f"knobs: {{{knobs}}}\n"}

    assert len(judged([UNLOCKED], files, now=EARLY)) == many


# --- INT005 -----------------------------------------------------------------------------------------------------------


def two_asks(second: str, first: str = "2027-03-09 12:30") -> Folder:
    return {"strategy.yaml": STRATEGY, "networks/channels.yaml": TWO, "posts/a.md": ask(first),
            "posts/b.md": ask(second)}


@pytest.mark.rule("INT005", "fires")
def test_asks_need_five_days_between_them(judged: Judged, lines: Lines) -> None:
    """INT005: a minute less than five days is too close; the later one is told once for all its channels."""
    found = judged([SELDOM], two_asks("2027-03-14 12:29"))

    assert lines(found) == [
        "posts/b.md:2:1: INT005 warning: Too close to posts/a of 2027-03-09: one and two would ask twice within 5 "
        "days. Move it to 2027-03-14 12:30 or later."
    ]


@pytest.mark.rule("INT005", "near")
@pytest.mark.parametrize("second", ["2027-03-14 12:30", "2027-03-20 09:00"])
def test_five_days_are_enough(second: str, judged: Judged) -> None:
    """INT005: exactly five days apart is not too close, nor are gives in between."""
    files = {**two_asks(second), "posts/c.md": "---\nat: 2027-03-10 12:30\n---\nHello.\n"}

    assert judged([SELDOM], files) == []


@pytest.mark.rule("INT005", "fires")
def test_an_ask_without_a_goal_is_an_error(judged: Judged, lines: Lines) -> None:
    """INT005: an ask serves a goal; without one the post is stopped, and the goals there are are named."""
    found = judged([SELDOM], {"strategy.yaml": STRATEGY, "posts/a.md": ask(more="")})

    assert lines(found) == ["posts/a.md:1:1: INT005 error: It asks for something, and serves no goal. "
                            "Write 'goal:' with one of members, shares."]
    assert [(problem.post, problem.channel) for problem in found] == [("posts/a", None)]


@pytest.mark.rule("INT005", "fires")
@pytest.mark.parametrize("offer", ["", "offer: {text: Free month, url: https://ours.example/mend}\n"])
def test_an_ask_that_nobody_can_count_is_an_error(offer: str, judged: Judged, lines: Lines) -> None:
    """INT005: in a campaign whose offer names no event, or that has no offer, every ask is stopped."""
    files = {
        "strategy.yaml": STRATEGY,
        "campaigns/mend/campaign.yaml": f"campaign: mend\nstart: 2027-03-02\nend: 2027-04-12\n{offer}",
        "campaigns/mend/posts/a.md": ask(),
    }

    assert lines(judged([SELDOM], files)) == [
        "campaigns/mend/posts/a.md:3:1: INT005 error: It asks for something, and nobody can count who does it: the "
        "offer of mend names no event. Write 'event:' under offer in campaigns/mend/campaign.yaml, one of crm: events "
        "of the strategy."
    ]


@pytest.mark.rule("INT005", "near")
@pytest.mark.parametrize(
    ("campaign", "post"),
    [
        (CAMPAIGN, ask(more="")),  # its campaign's first goal
        (CAMPAIGN, ask()),
        (CAMPAIGN.replace("goals: [{goal: members}]\n", ""), ask()),
        (CAMPAIGN.replace("event: signup", ""), ask().replace("intent: ask", "intent: give")),
    ],
)
def test_an_ask_with_a_goal_and_an_event_leads_somewhere(campaign: str, post: str, judged: Judged) -> None:
    """INT005: the goal may be inherited; gives need neither."""
    files = {"strategy.yaml": STRATEGY, "campaigns/mend/campaign.yaml": campaign, "campaigns/mend/posts/a.md": post}

    assert judged([SELDOM], files) == []


@pytest.mark.rule("INT005", "missing")
@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"posts/a.md": ask(more="")},  # no goals at all
            ["posts/a.md:1:1: INT005 error: It asks for something, and serves no goal. Write social_goals in "
             "strategy.yaml, then 'goal:' with the id of one here."],
        ),
        ({"strategy.yaml": "strategy: [mend\n", "posts/a.md": ask(more="tactic: asks\n")}, []),
        ({"campaigns/mend/campaign.yaml": "campaign: [mend\n", "campaigns/mend/posts/a.md": ask(more="")}, []),
    ],
)
def test_what_cannot_be_read_is_not_missing(
    files: Mapping[str, str], said: list[str], judged: Judged, lines: Lines
) -> None:
    """INT005: goals and events that stand in a file nobody can read are not reported as missing."""
    assert lines(judged([SELDOM], files)) == said


@pytest.mark.parametrize(
    ("knob", "second", "many"),
    [("2d", "2027-03-11 12:29", 1), ("2d", "2027-03-11 12:30", 0), ("36h", "2027-03-11 00:29", 1),
     ("1w", "2027-03-16 12:29", 1), ("1mo", "2027-03-14 12:29", 1), ("soon", "2027-03-14 12:30", 0),
     ("7", "2027-03-14 12:30", 0)],
)
def test_the_gap_is_a_knob(knob: str, second: str, many: int, judged: Judged) -> None:
    """INT005: how many days lie between asks; what is no fixed length changes nothing."""
    files = {**two_asks(second), "rules.yaml": f"knobs: {{ask_gap: {knob}}}\n"}

    assert len(judged([SELDOM], files)) == many


def test_only_asks_to_come_are_told_and_past_ones_count(judged: Judged) -> None:
    """INT005: an ask that is out is a neighbour, and nothing is said of it; runs of a repeat are neighbours too."""
    out: dict[Slot, datetime | None] = {Slot("posts/b", "one"): None, Slot("posts/b", "two"): None}
    repeat = "---\nevery: 3d at 12:30\nfrom: 2027-03-09\nruns: 2\nintent: ask\ngoal: members\n---\nHello.\n## or\nHi.\n"

    assert judged([SELDOM], two_asks("2027-03-10 12:30"), sent=out) == []
    assert [problem.post for problem in judged([SELDOM], two_asks("2027-03-07 12:30"), sent=out)] == ["posts/a"]
    again = judged([SELDOM], {"strategy.yaml": STRATEGY, "posts/a.md": repeat})
    assert [(problem.message, problem.run) for problem in again] == [
        ("Too close to its own run of 2027-03-09: mastodon would ask twice within 5 days.", "20270312")]


# --- INT006 -----------------------------------------------------------------------------------------------------------

SHARE = "Mend one thing with us. Please share this with friends."


def figure(day: str, value: float = 1.1, channel: str = "all", metric: str = "amplification_rate") -> Figure:
    return Figure(datetime.fromisoformat(day).date(), metric, channel, value, "platform", Place("measures/2027.csv"))


def shared(facts: Callable[..., Facts], figures: list[Figure] | None, body: str = SHARE) -> Facts:
    known = facts({"networks/channels.yaml": TWO, "strategy.yaml": STRATEGY, "campaigns/mend/campaign.yaml": CAMPAIGN,
                   "campaigns/mend/posts/a.md": ask(body=body)})
    return known._replace(content=known.content._replace(figures=None if figures is None else tuple(figures)))


def told(known: Facts, lines: Lines) -> list[str]:
    assert EARNED.all is not None
    return lines(EARNED.all(known))


UNEARNED = (
    "campaigns/mend/posts/a.md:6:25: INT006 warning: 'Please share': no figure shows that anybody shared a post on {} "
    "before 2027-03-02. Earn it first: leave it out, or enter amplification_rate in measures/*.csv."
)


@pytest.mark.rule("INT006", "fires")
@pytest.mark.parametrize(
    "figures",
    [
        [],
        [figure("2027-03-02")],  # the campaign's own first day
        [figure("2027-02-01", 0)],
        [figure("2027-02-01", metric="applause_rate")],
    ],
)
def test_shares_are_earned_in_groundwork(figures: list[Figure], facts: Callable[..., Facts], lines: Lines) -> None:
    """INT006: an ask to share, and no figure of a share before the campaign."""
    assert told(shared(facts, figures), lines) == [UNEARNED.format("one and two")]


@pytest.mark.rule("INT006", "fires")
def test_shares_elsewhere_do_not_count(facts: Callable[..., Facts], lines: Lines) -> None:
    """INT006: what people shared on another channel is none of this one."""
    figures = [figure("2027-02-01", channel="two")]

    assert told(shared(facts, figures), lines) == [f"{UNEARNED.format('one')} channel=one"]


@pytest.mark.rule("INT006", "near")
@pytest.mark.parametrize(
    ("figures", "body"),
    [
        ([figure("2027-03-01", 0.1)], SHARE),
        ([figure("2026-03-01", channel="one"), figure("2026-03-01", channel="two")], SHARE),
        ([], "Mend one thing with us. Share the bench with a friend of yours."),
    ],
)
def test_one_figure_of_a_share_is_enough(
    figures: list[Figure], body: str, facts: Callable[..., Facts], lines: Lines
) -> None:
    """INT006: any share before the first day will do; and who does not ask for shares needs none."""
    assert told(shared(facts, figures, body), lines) == []


@pytest.mark.rule("INT006", "missing")
def test_without_measures_nobody_knows_of_shares(facts: Callable[..., Facts], judged: Judged) -> None:
    """INT006: where there are no figures it is not evaluated."""
    assert shared(facts, None).lacks(EARNED) == ("measures",)
    assert judged([EARNED], {"strategy.yaml": STRATEGY, "posts/a.md": ask(body=SHARE)}) == []


def test_an_ask_of_no_campaign_looks_at_what_came_before_the_first(facts: Callable[..., Facts], lines: Lines) -> None:
    """INT006: groundwork ends with the first campaign; where there is none, today."""
    files = {"strategy.yaml": STRATEGY, "posts/a.md": ask(body=SHARE)}
    alone = facts(files)
    before = facts({**files, "campaigns/mend/campaign.yaml": CAMPAIGN})
    figures = (figure("2027-02-01"),)

    assert len(told(alone._replace(content=alone.content._replace(figures=figures)), lines)) == 1  # today is in January
    assert told(before._replace(content=before.content._replace(figures=figures)), lines) == []


# --- all of them ------------------------------------------------------------------------------------------------------


def test_the_sample_asks_well(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives, then asks: nothing to say."""
    assert of_sample(asking.RULES) == []


@pytest.mark.parametrize("day", [datetime(2026, 10, 1, tzinfo=UTC), datetime(2027, 3, 9, 9, 0, tzinfo=UTC)])
def test_the_sample_asks_well_on_any_day(day: datetime, judged: Judged) -> None:
    """Nor is there before any of its asks is out: 8 gives for the first, 4.5 for each of two."""
    files = {path.relative_to(SAMPLE).as_posix(): path.read_bytes() for path in SAMPLE.rglob("*") if path.is_file()}

    assert judged(asking.RULES, files, now=day) == []


def test_an_empty_folder_asks_for_nothing(judged: Judged) -> None:
    """The smallest folder, and one without channels or strategy, crash no rule."""
    assert judged(asking.RULES, {}) == []
    assert judged(asking.RULES, {"strategy.yaml": None, "networks/channels.yaml": None, "posts/a.md": ask()}) == []
    assert judged(asking.RULES, {"networks/channels.yaml": None, "campaigns/mend/posts/a.md": ask()}) == []
