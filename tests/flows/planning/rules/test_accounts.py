"""NET001 to NET004: each account has a reason, came after the goals, answers, and looks as we want to be seen."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from flows.planning.rules import accounts
from flows.planning.rules.ruling import Facts
from schemas.history import History
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import Trial, World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
Of = Callable[..., Facts]
NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
FULL = ("{id: one, network: mastodon, handle: us, connection: ONE, owner: wren, responders: [wren], audiences: [all], "
        "goals: [more], evidence: 14 of 48 use it")
AIMLESS = FULL.replace(" goals: [more],", "")


def folder(channel: str = FULL, **more: str) -> dict[str, str]:
    """A folder with one channel; `channel` without its last brace."""
    return {"networks/channels.yaml": f"channels:\n  - {channel}}}\n", **more}


# --- NET001 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("NET001", "fires")
def test_a_channel_says_why_it_exists(judged: Judged, lines: Lines) -> None:
    """NET001: all that is missing is told at once, as a step of the strategy."""
    found = judged([accounts.REASONED], folder("{id: one, network: mastodon, owner: wren, goals: [more]"))

    assert lines(found) == [
        "networks/channels.yaml:2:5: NET001 error: Why one? It has no audience, no evidence and no responder. "
        "Add audiences:, evidence: and responders: to it. channel=one"
    ]
    assert found[0].gate == "STRATEGY"
    assert found[0].post is None


@pytest.mark.rule("NET001", "near")
def test_a_channel_with_its_five_reasons(judged: Judged) -> None:
    """NET001: audience, goal, evidence, owner and responder are enough; a channel that does not speak needs none."""
    assert judged([accounts.REASONED], folder()) == []
    assert judged([accounts.REASONED], folder("{id: one, network: mastodon, status: listening")) == []
    assert judged([accounts.REASONED], folder("{id: one, network: mastodon, status: retired")) == []


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("audiences: [all]", "Why one? It has no audience. Add audiences: to it."),
        ("goals: [more]", "Why one? It has no goal. Add goals: to it."),
        ("evidence: 14 of 48 use it", "Why one? It has no evidence. Add evidence: to it."),
        ("owner: wren", "Why one? It has no owner. Add owner: to it."),
        ("responders: [wren]", "Why one? It has no responder. Add responders: to it."),
    ],
)
def test_each_reason_is_missed_by_itself(field: str, said: str, judged: Judged, lines: Lines) -> None:
    """NET001: one field away from complete."""
    without = folder(FULL.replace(f", {field}", ""))

    assert lines(judged([accounts.REASONED], without)) == [
        f"networks/channels.yaml:2:5: NET001 error: {said} channel=one"
    ]


def test_an_empty_reason_is_told_where_it_stands(judged: Judged, lines: Lines) -> None:
    """NET001: blanks are no evidence; an empty list names nobody."""
    blank = folder('{id: one, network: x, owner: wren, responders: [], audiences: [a], goals: [b], evidence: " "')

    assert lines(judged([accounts.REASONED], blank)) == [
        "networks/channels.yaml:2:84: NET001 error: Why one? It has no evidence and no responder. "
        "Add evidence: and responders: to it. channel=one"
    ]


@pytest.mark.rule("NET001", "missing")
def test_no_channels_file_no_channel(judged: Judged) -> None:
    """NET001: a file that is missing, or cannot be read, has a problem of its own."""
    assert judged([accounts.REASONED], {"networks/channels.yaml": None}) == []
    assert judged([accounts.REASONED], {"networks/channels.yaml": "channels: ]"}) == []


# --- NET002 -----------------------------------------------------------------------------------------------------------


def since(**first: datetime) -> World:
    """Git's answer: when `channel_one` and `social_goal_more` came first."""
    entities = {(name.rpartition("_")[0], name.rpartition("_")[2]): at for name, at in first.items()}
    return World(history=History({}, entities, {}))


@pytest.mark.rule("NET002", "fires")
def test_networks_come_after_goals(judged: Judged, lines: Lines) -> None:
    """NET002: a channel that was committed before the earliest goal, in days of the strategy's zone."""
    world = since(channel_one=datetime(2026, 9, 1, 23, 30, tzinfo=UTC), social_goal_more=NOON,
                  social_goal_less=NOON - DAY)

    found = judged([accounts.AFTER_GOALS], folder(AIMLESS), world=world)

    assert lines(found) == [
        "networks/channels.yaml:2:6: NET002 warning: one was there on 2026-09-02, before the first goal (less, "
        "2027-01-03): networks come after goals. Check which goal needs it, and name it under goals:. If none does, "
        "retire it. channel=one"
    ]
    assert found[0].gate == "STRATEGY"


@pytest.mark.rule("NET002", "near")
def test_a_channel_may_come_with_the_first_goal(judged: Judged) -> None:
    """NET002: in the same commit, or later; a channel that does not speak, or names its goals by now, may be there."""
    early = since(channel_one=NOON - MINUTE, social_goal_more=NOON)

    assert judged([accounts.AFTER_GOALS], folder(AIMLESS), world=since(channel_one=NOON, social_goal_more=NOON)) == []
    assert judged([accounts.AFTER_GOALS], folder(f"{AIMLESS}, status: listening"), world=early) == []
    assert judged([accounts.AFTER_GOALS], folder(), world=early) == []
    assert len(judged([accounts.AFTER_GOALS], folder(AIMLESS), world=early)) == 1


@pytest.mark.rule("NET002", "missing")
def test_without_git_nobody_knows_what_came_first(judged: Judged, facts: Of) -> None:
    """NET002: not evaluated without the history; without a committed goal, or for a new channel, nothing is before."""
    assert facts(folder(AIMLESS)).lacks(accounts.AFTER_GOALS) == ("history",)
    assert judged([accounts.AFTER_GOALS], folder(AIMLESS)) == []
    assert judged([accounts.AFTER_GOALS], folder(AIMLESS), world=since(channel_one=NOON)) == []
    assert judged([accounts.AFTER_GOALS], folder(AIMLESS), world=since(social_goal_more=NOON)) == []


# --- NET003 -----------------------------------------------------------------------------------------------------------


def tried(at: datetime, why: str | None = None) -> World:
    return World(trials={"one": Trial(at, why)})


def post_at(at: str) -> dict[str, str]:
    return folder(**{"campaigns/c/campaign.yaml": "start: 2027-01-02\nend: 2027-02-02\n",
                     "campaigns/c/posts/a.md": f"---\nat: {at}\nchannels: [one]\n---\nHello.\n"})


@pytest.mark.rule("NET003", "fires")
def test_a_connection_that_does_not_answer(judged: Judged, lines: Lines) -> None:
    """NET003: a failed test is told whether or not a post is due; it stops no post by itself."""
    found = judged([accounts.ANSWERS], folder(), world=tried(NOON - MINUTE, "The token has expired."))

    assert lines(found) == [
        "networks/channels.yaml:2:46: NET003 error: ONE does not answer: The token has expired (tested 2027-01-04 "
        "11:59). Set it up again with 'drumbeat connect mastodon --channel one', or wait until the network is back. "
        "channel=one"
    ]
    assert found[0].post is None


def test_an_old_test_before_a_post(judged: Judged, lines: Lines) -> None:
    """NET003: a test of more than 24 hours ago, and a campaign's post within the next 24."""
    old = tried(NOON - DAY - MINUTE)

    assert lines(judged([accounts.ANSWERS], post_at("2027-01-05 12:00"), world=old)) == [
        "networks/channels.yaml:2:46: NET003 warning: ONE was last tested on 2027-01-03 11:59, and a post of a "
        "campaign is due on 2027-01-05 12:00. Run 'drumbeat connect mastodon --channel one --test'. channel=one"
    ]


def test_a_channel_that_was_never_tested(judged: Judged) -> None:
    """NET003: nothing is known of it here, though others were tested; nor of posts outside of campaigns."""
    always = folder(**{"posts/a.md": "---\nat: 2027-01-05 09:30\n---\nHello.\n"})

    assert judged([accounts.ANSWERS], post_at("2027-01-05 09:30"), world=World(trials={"two": Trial(NOON)})) == []
    assert judged([accounts.ANSWERS], always, world=tried(NOON - DAY - MINUTE)) == []


def test_a_channel_that_posted_since_answers(judged: Judged) -> None:
    """NET003: a failed test says nothing more once a post went out; where nobody looked, the test stands."""
    files, sent = post_at("2027-01-04 10:00"), {Slot("c/a", "one"): NOON - 60 * MINUTE}

    assert judged([accounts.ANSWERS], files, world=tried(NOON - 90 * MINUTE, "no"), sent=sent) == []
    assert len(judged([accounts.ANSWERS], files, world=tried(NOON - 60 * MINUTE, "no"), sent=sent)) == 1
    assert len(judged([accounts.ANSWERS], files, world=tried(NOON - 90 * MINUTE, "no"))) == 1
    assert len(judged([accounts.ANSWERS], files, world=tried(NOON - 90 * MINUTE, "no"), sent={})) == 1


@pytest.mark.rule("NET003", "near")
def test_a_test_of_a_day_ago_is_fresh(judged: Judged) -> None:
    """NET003: exactly 24 hours count as fresh; a post later than in 24 hours needs no test yet."""
    old = tried(NOON - DAY - MINUTE)

    assert judged([accounts.ANSWERS], post_at("2027-01-05 12:00"), world=tried(NOON - DAY)) == []
    assert judged([accounts.ANSWERS], post_at("2027-01-05 12:01"), world=old) == []
    assert judged([accounts.ANSWERS], folder(f"{FULL}, status: retired"), world=tried(NOON, "Gone")) == []


def test_what_is_out_or_too_late_needs_no_test(judged: Judged) -> None:
    """NET003: a post is due as long as it may still go out: two hours, and not after it was sent."""
    old = tried(NOON - DAY - MINUTE)
    late = post_at("2027-01-04 10:00")

    assert len(judged([accounts.ANSWERS], late, world=old)) == 1
    assert judged([accounts.ANSWERS], late, world=old, now=NOON + MINUTE) == []
    assert judged([accounts.ANSWERS], late, world=old, sent={Slot("c/a", "one"): None}) == []


@pytest.mark.rule("NET003", "missing")
def test_nobody_tried(judged: Judged, facts: Of) -> None:
    """NET003: not evaluated without tests; a rehearsal needs no real connection."""
    assert facts(folder()).lacks(accounts.ANSWERS) == ("trials",)
    assert judged([accounts.ANSWERS], post_at("2027-01-05 09:30")) == []
    rehearsed = tried(NOON, "Gone")._replace(rehearsal=True)
    assert judged([accounts.ANSWERS], post_at("2027-01-05 09:30"), world=rehearsed) == []


# --- NET004 -----------------------------------------------------------------------------------------------------------

REMEDY = ("See that name, picture, links and pinned post still hold, and write profile_checked: 2027-01-04. "
          "channel=one")
CAMPAIGN = "start: 2026-11-01\nend: 2026-12-27\n"


@pytest.mark.rule("NET004", "fires")
def test_a_profile_nobody_looked_at_for_long(judged: Judged, lines: Lines) -> None:
    """NET004: more than 90 days after the last look; it is no mere to-do, for it was looked at once."""
    found = judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2026-10-05"))

    assert lines(found) == [
        "networks/channels.yaml:2:156: NET004 warning: Look at the profile and the pinned post of one: the last look "
        f"was on 2026-10-05, 91 days ago. {REMEDY}"
    ]
    assert found[0].gate == ""


@pytest.mark.rule("NET004", "near")
def test_ninety_days_are_in_time(judged: Judged) -> None:
    """NET004: the ninetieth day, and today; and channels that do not speak."""
    assert judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2027-01-04")) == []
    assert judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2026-10-06")) == []
    assert judged([accounts.KEMPT], folder(f"{FULL}, status: listening")) == []


def test_the_knob_of_the_look(judged: Judged) -> None:
    """NET004: profile_days."""
    rules = {"rules.yaml": "knobs: {profile_days: 30}\n"}

    assert len(judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2026-12-04", **rules))) == 1
    assert judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2026-12-05", **rules)) == []


@pytest.mark.parametrize(
    ("campaign", "checked", "said"),
    [
        ("channels: [one]\n", "2026-12-26", "the last look was on 2026-12-26"),
        ("channels: [one]\n", "", "nobody has since"),
        ("", "2026-12-26", "the last look was on 2026-12-26"),
    ],
)
def test_the_end_of_a_campaign_asks_for_a_look(
    campaign: str, checked: str, said: str, judged: Judged, lines: Lines
) -> None:
    """NET004: eight days after the end, on its channels: those it names, else those of its posts."""
    files = folder(FULL + (f", profile_checked: {checked}" if checked else ""), **{
        "campaigns/mend/campaign.yaml": CAMPAIGN + campaign,
        "campaigns/mend/posts/a.md": "---\nat: 2026-12-01 09:30\n---\nHello.\n"})

    found = judged([accounts.KEMPT], files)

    assert [line.partition("NET004 ")[2] for line in lines(found)] == [
        f"warning: Look at the profile and the pinned post of one: mend ended on 2026-12-27, and {said}. {REMEDY}"
    ]
    assert found[0].gate == ""


def test_a_look_on_the_last_day_is_enough(judged: Judged) -> None:
    """NET004: seven days after the end nobody is late yet; a look on the last day or later counts."""
    ends = {"campaigns/mend/campaign.yaml": f"{CAMPAIGN}channels: [one]\n"}
    a_day_more = {"campaigns/mend/campaign.yaml": f"{CAMPAIGN}channels: [one]\n".replace("12-27", "12-28")}
    elsewhere = {"campaigns/mend/campaign.yaml": f"{CAMPAIGN}channels: []\n"}

    assert judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2026-12-27", **ends)) == []
    assert judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2026-12-26", **a_day_more)) == []
    assert judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2026-12-26", **elsewhere)) == []


def test_who_leaves_says_so(judged: Judged, lines: Lines) -> None:
    """NET004: a retired channel tells its readers where people are now."""
    assert lines(judged([accounts.KEMPT], folder(f"{FULL}, status: retired"))) == [
        "networks/channels.yaml:2:156: NET004 warning: one is retired, and its readers were not told. Say there where "
        "people find you now, and write that text under closing_notice:. channel=one"
    ]
    assert judged([accounts.KEMPT], folder(f"{FULL}, status: retired, closing_notice: Find us next door")) == []


@pytest.mark.rule("NET004", "missing")
def test_a_beginner_has_a_first_look_to_come(judged: Judged, lines: Lines) -> None:
    """NET004: a channel that nobody looked at yet is a to-do; so is one with a look on a day to come."""
    found = judged([accounts.KEMPT], folder())

    assert lines(found) == [
        "networks/channels.yaml:2:5: NET004 warning: Look at the profile and the pinned post of one: nobody has "
        f"written down a look at it. {REMEDY}"
    ]
    assert found[0].gate == "MAINTENANCE"
    assert [one.gate for one in judged([accounts.KEMPT], folder(f"{FULL}, profile_checked: 2027-01-05"))] == [
        "MAINTENANCE"]
    assert judged([accounts.KEMPT], {"networks/channels.yaml": "channels: ]"}) == []


def test_who_speaks_in_execution_is_no_beginner(judged: Judged) -> None:
    """NET004: the first look is no to-do any more once a post is out and the strategy is in execution."""
    speaks = {"posts/a.md": "---\nat: 2027-01-04 11:30\n---\nHello.\n"}

    def gates(phase: str, **more: str) -> list[str]:
        strategy = f"strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\nphases: {{{phase}}}\n"
        return [one.gate for one in judged([accounts.KEMPT], folder(**{"strategy.yaml": strategy, **more}))]

    assert gates("execution: [2027-01-04, null]", **speaks) == [""]
    assert gates("maintenance: [2027-01-04, null]", **speaks) == [""]
    assert gates("execution: [2027-01-05, null]", **speaks) == ["MAINTENANCE"]
    assert gates("skills: [2026-10-01, null]", **speaks) == ["MAINTENANCE"]
    assert gates("execution: [2027-01-04, null]") == ["MAINTENANCE"]


def test_the_sample_keeps_its_accounts(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here."""
    assert of_sample(accounts.RULES) == []
