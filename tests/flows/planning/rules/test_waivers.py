"""RUL001: an exception to a rule is dated, reasoned, signed by somebody who may, and goes when nobody needs it."""
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from types import MappingProxyType

import pytest

from flows.edges.repository import working_tree
from flows.planning.rules import RULES, times, waivers
from flows.planning.rules.book import BOOK
from flows.planning.rules.ruling import Facts, Homes, excuses
from schemas.place import Place
from schemas.problem import Problem, Severity
from schemas.rulebook import Waiver

Of = Callable[..., Facts]
Lines = Callable[..., list[str]]
SAMPLE = Path(__file__).parents[4] / "content"
TEAM = ("people:\n  - {id: ilse, roles: [sponsor]}\n  - {id: odile, roles: [approver, author]}\n"
        "  - {id: wren, roles: [social_manager]}\n")
CHANNELS = ("channels:\n  - {id: one, network: mastodon, handle: us}\n"
            "  - {id: two, network: mastodon, handle: us2}\n")
EVERY = (*RULES, *BOOK)
SIGNED = "until: 2027-01-04, by: odile, reason: rest"
FIRED = Problem("SCH007", Severity.warning, Place("content/networks/channels.yaml", 2, 5), "one is empty.", "Plan.",
                channel="one")


@pytest.fixture
def idle(facts: Of) -> Callable[..., list[Problem]]:
    """What is said of one waiver on 2027-01-04, where SCH007 fired for channel one."""

    def of(waiver: str, raw: Iterable[Problem] = (FIRED,), lacking: Collection[str] = (), team: str = TEAM,
           more: Mapping[str, str] = MappingProxyType({})) -> list[Problem]:
        known = facts({"rules.yaml": f"waivers:\n  - {{{waiver}}}\n", "people/team.yaml": team,
                       "networks/channels.yaml": CHANNELS, **more})
        return list(waivers.idle_waivers(known.content, tuple(raw), known.today(), lacking, EVERY))

    return of


Idle = Callable[..., list[Problem]]


@pytest.mark.rule("RUL001", "fires")
def test_a_waiver_that_ended(idle: Idle, lines: Lines) -> None:
    """RUL001: the day after its last one."""
    assert lines(idle("rule: SCH007, where: one, until: 2027-01-03, by: odile, reason: rest")) == [
        "rules.yaml:2:32: RUL001 warning: Waiver for SCH007 can go: it ended on 2027-01-03. Remove it, or have it "
        "signed again with a later until:."
    ]


def test_a_waiver_that_nobody_needs(idle: Idle, lines: Lines) -> None:
    """RUL001: its rule does not fire, or not where it excuses."""
    assert lines(idle(f"rule: TXT002, where: two, {SIGNED}")) == [
        "rules.yaml:2:5: RUL001 warning: Waiver for TXT002 can go: TXT002 says nothing about two today. Remove it."
    ]
    assert lines(idle(f"rule: SCH005, {SIGNED}")) == [
        "rules.yaml:2:5: RUL001 warning: Waiver for SCH005 can go: SCH005 says nothing today. Remove it."
    ]


@pytest.mark.rule("RUL001", "near")
def test_a_waiver_that_is_needed(idle: Idle) -> None:
    """RUL001: on its last day, where its rule fires, and everywhere."""
    assert idle(f"rule: SCH007, where: one, {SIGNED}") == []
    assert idle(f"rule: SCH007, {SIGNED}") == []


@pytest.mark.rule("RUL001", "missing")
def test_what_nobody_judged_may_be_needed(idle: Idle, facts: Of) -> None:
    """RUL001: a waiver for a rule that is not evaluated today, that asks the clock and may speak again tomorrow, for a
    line of a gate, or for what is found elsewhere, only ends; without rules.yaml there is none.
    """
    assert len(idle(f"rule: TXT002, where: one, {SIGNED}", ())) == 1
    assert idle(f"rule: TXT002, where: one, {SIGNED}", (), {"TXT002"}) == []
    for rule in ("SCH007", "LAUNCH-base", "REF003", "CMP006", "CON001"):
        assert idle(f"rule: {rule}, {SIGNED}", ()) == []
    assert [one.message for one in idle("rule: LAUNCH-base, until: 2027-01-03, by: ilse, reason: rest", ())] == [
        "Waiver for LAUNCH-base can go: it ended on 2027-01-03."]
    for files in ({}, {"rules.yaml": "waivers: ]"}, {"rules.yaml": "profile: strict\n"}):
        known = facts(files)
        assert waivers.idle_waivers(known.content, (FIRED,), known.today(), (), EVERY) == ()


def test_a_waiver_for_no_rule(idle: Idle, lines: Lines) -> None:
    """RUL001: a slip in the code waives nothing; nor does a waiver for what nobody waives."""
    assert lines(idle(f"rule: SHC007, {SIGNED}")) == [
        "rules.yaml:2:6: RUL001 warning: There is no rule SHC007, so this waives nothing. Did you mean SCH007?"
    ]
    assert lines(idle(f"rule: everything, {SIGNED}")) == [
        "rules.yaml:2:6: RUL001 warning: There is no rule everything, so this waives nothing. 'drumbeat explain --all' "
        "lists the rules."
    ]
    assert lines(idle(f"rule: SYN007, {SIGNED}")) == [
        "rules.yaml:2:6: RUL001 warning: Waiver for SYN007 can go: nobody waives this rule. Remove it."
    ]


@pytest.mark.parametrize(
    ("waiver", "said"),
    [
        ("by: odile, reason: rest", "Waiver for SCH007 has no until, and does not count. Add until: to it."),
        ("until: 2027-01-04, by: odile", "Waiver for SCH007 has no reason. Add reason: to it."),
        ("until: 2027-01-04, reason: rest",
         "Waiver for SCH007 has no by, and does not count. Add by: to it; ilse or odile may sign."),
        ("where: one", "Waiver for SCH007 has no until, by and reason, and does not count. Add until:, by: and reason: "
         "to it; ilse or odile may sign."),
    ],
)
def test_a_waiver_is_dated_signed_and_reasoned(waiver: str, said: str, idle: Idle) -> None:
    """RUL001: what is missing is said."""
    assert [f"{one.message} {one.remedy}" for one in idle(f"rule: SCH007, {waiver}")] == [said]


def test_who_may_sign(idle: Idle, lines: Lines) -> None:
    """RUL001: somebody who is neither sponsor nor approver waives nothing, and nothing more is said of it then."""
    signed = "until: 2027-01-04, by: wren, reason: rest"

    assert lines(idle(f"rule: SCH007, {signed}", ())) == [
        "rules.yaml:2:39: RUL001 warning: Waiver for SCH007 does not count: wren is neither sponsor nor approver. Have "
        "ilse or odile sign it, under by:."
    ]
    assert idle(f"rule: SCH007, {signed}", team="people:\n  - {id: wren}\n") == []


@pytest.mark.parametrize(
    ("by", "team", "counts"),
    [
        ("ilse", TEAM, True),
        ("odile", TEAM, True),
        ("wren", TEAM, False),
        ("nobody", TEAM, False),
        (None, TEAM, False),
        ("wren", "people:\n  - {id: wren, roles: [author]}\n", True),
        (None, "people:\n  - {id: wren, roles: [author]}\n", False),
        ("wren", "people: ]", True),
    ],
)
def test_whose_waiver_counts(by: str | None, team: str, counts: bool, facts: Of) -> None:
    """The sponsor's or an approver's; anybody's where nobody has these roles; never one without a last day."""
    content = facts({"people/team.yaml": team}).content

    assert waivers.is_valid(Waiver(rule="SCH007", until=date(2027, 1, 4), by=by), content) is counts
    assert not waivers.is_valid(Waiver(rule="SCH007", by=by), content)


@pytest.mark.parametrize("rule", ["INT001", "CMP006", "GAT002", "LAUNCH-base", "CRI001"])
def test_who_guards_asks_needs_a_role(rule: str, facts: Of, idle: Idle, lines: Lines) -> None:
    """Where nobody is sponsor or approver, nobody waives what guards asks and campaigns; and that is said."""
    alone = "people:\n  - {id: wren, roles: [author]}\n"
    until = date(2027, 1, 4)

    assert not waivers.is_valid(Waiver(rule=rule, until=until, by="wren"), facts({"people/team.yaml": alone}).content)
    assert waivers.is_valid(Waiver(rule=rule, until=until, by="odile"), facts({"people/team.yaml": TEAM}).content)
    [said] = lines(idle(f"rule: {rule}, until: 2027-01-04, by: wren, reason: rest", (), (), alone))
    assert said.endswith(f"Waiver for {rule} does not count: wren is neither sponsor nor approver. Give somebody the "
                         "role sponsor or approver in people/team.yaml, and have them sign it.")


def test_the_waiver_of_the_sample_is_needed(sample: Facts) -> None:
    """Instagram is empty for a while on the day of the sample, as its waiver says."""
    raw = tuple(times.SILENT.all(sample)) if times.SILENT.all is not None else ()

    assert [one.channel for one in raw] == ["instagram"]
    assert waivers.idle_waivers(sample.content, raw, sample.today(), (), EVERY) == ()
    assert all(waivers.is_valid(one, sample.content) for one in sample.content.rulebook().waivers)


def test_the_waiver_of_the_sample_ends(facts: Of) -> None:
    """The day after, it can go."""
    known = facts({file.path: file for file in working_tree(SAMPLE)}, now=datetime(2027, 4, 13, 9, 0, tzinfo=UTC))

    assert [one.message for one in waivers.idle_waivers(known.content, (), known.today(), (), EVERY)] == [
        "Waiver for SCH007 can go: it ended on 2027-04-12."]


# --- where: -----------------------------------------------------------------------------------------------------------


def found(file: str, post: str | None = None, channel: str | None = None) -> Problem:
    return Problem("X", Severity.error, Place(f"content/{file}", 2, 5), "So.", "Do.", post, channel)


ASK = found("campaigns/mend/posts/ask.md", "mend/ask")
OTHERS = (found("posts/ask-more.md", "posts/ask-more"), found("strategy.yaml"), found("networks/channels.yaml"),
          found("campaigns/mend-more/campaign.yaml"), found("campaigns/mend-more/posts/b.md", "mend-more/b", "one"))
HOMES = Homes("content", {"ours": "strategy.yaml", "spring": "campaigns/mend", "crisis-plan": "crisis/plan.yaml"})


@pytest.mark.parametrize("problem_and_names", [
    (ASK, ("mend/ask", "ask", "mend", "campaigns", "campaigns/mend", "campaigns/mend/", "content/campaigns/mend",
           "campaigns/mend/posts", "campaigns/mend/posts/ask.md", "campaigns/mend/posts/ask", " mend ", "spring")),
    (found("campaigns/mend/campaign.yaml"), ("mend", "spring", "campaigns/mend/campaign.yaml", "./campaigns/mend")),
    (found("campaigns/mend/reviews/2027-03-16-offer.md"), ("mend", "2027-03-16-offer")),
    (found("media/library.yaml", "mend/ask"), ("mend", "ask", "campaigns/mend", "library", "media")),
    (found("posts/2027/tip.md", "posts/tip", "two"), ("posts/tip", "tip", "posts", "posts/2027", "two")),
    (found("evergreen/screws/loose.md", "evergreen/loose"), ("evergreen/loose", "loose", "screws", "evergreen")),
    (found("strategy.yaml"), ("ours", "strategy", "strategy.yaml")),
    (found("strategies/north.yaml"), ("north", "strategies", "strategies/north.yaml")),
    (found("audiences/flat-dwellers.yaml"), ("flat-dwellers", "audiences/flat-dwellers")),
    (found("crisis/plan.yaml"), ("crisis-plan", "crisis/plan.yaml", "crisis")),
])
def test_what_a_waiver_may_name(problem_and_names: tuple[Problem, tuple[str, ...]]) -> None:
    """A post, channel, campaign, strategy, folder or file, in every way to write it; and nothing beside it."""
    problem, names = problem_and_names
    for name in names:
        waiver = Waiver(rule="X", where=name)
        assert excuses(waiver, problem, HOMES), name
        others = [one for one in OTHERS if one.place != problem.place]
        assert name in ("campaigns", "posts") or not any(excuses(waiver, one, HOMES) for one in others), name


@pytest.mark.parametrize("name", ["", " ", "/", "posts", "2027", "mend/as", "campaigns/men", "ask.md", "campaign",
                                  "campaign.yaml", "reviews", "one", "en", "yaml", "campaigns/mend/posts/as"])
def test_a_waiver_excuses_no_more_than_it_says(name: str) -> None:
    """The folder `posts` is that of always-on posts, what is left empty names nothing, and half a name is none."""
    for problem in (ASK, found("campaigns/mend/campaign.yaml"), found("campaigns/mend/posts/2027/x.md", "mend/x")):
        assert not excuses(Waiver(rule="X", where=name), problem, HOMES)


def test_another_rule_is_not_excused() -> None:
    """A waiver is for one rule; without `where` for all of it."""
    assert excuses(Waiver(rule="X"), ASK)
    assert not excuses(Waiver(rule="Y"), ASK)
    assert not excuses(Waiver(rule="Y", where="ask"), ASK)


def test_the_folder_may_be_called_from_afar() -> None:
    """Messages name the folder as it was given; what lies above it is no name of a campaign."""
    afar = Homes("mend/content", {})
    problem = found("")._replace(place=Place("mend/content/posts/a.md"), post="posts/a")

    assert excuses(Waiver(rule="X", where="posts"), problem, afar)
    assert excuses(Waiver(rule="X", where="mend/content/posts/a.md"), problem, afar)
    assert not excuses(Waiver(rule="X", where="mend"), problem, afar)


def test_ids_are_known_by_their_files(facts: Of) -> None:
    """A strategy by its own id, a campaign by its own and by its folder."""
    content = facts({"strategy.yaml": "strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n",
                     "strategies/north.yaml": "strategy: north-27\nstart: 2026-01-01\ntimezone: UTC\n",
                     "campaigns/mend/campaign.yaml": "campaign: spring\n", "campaigns/b/campaign.yaml": "title: B\n"}
                    ).content

    made = waivers.homes(content)

    assert made.root == "content"
    assert {id: made.files[id] for id in ("ours", "north-27", "spring", "b")} == {
        "ours": "strategy.yaml", "north-27": "strategies/north.yaml", "spring": "campaigns/mend", "b": "campaigns/b"}


def test_a_waiver_for_what_is_not_there(idle: Idle, lines: Lines) -> None:
    """RUL001: a slip in the name excuses nothing, whatever the rule; not told while a file cannot be read."""
    slip = f"rule: SCH007, where: tow, {SIGNED}"

    assert lines(idle(slip)) == [
        "rules.yaml:2:20: RUL001 warning: Waiver for SCH007: nothing here is called tow, so it excuses nothing. Did "
        "you mean two?"
    ]
    assert [one.remedy for one in idle(slip.replace("tow", "somewhere-else"))] == [
        "Name a post, a channel, a campaign, a strategy, a folder or a file."]
    assert idle(slip, more={"pillars.yaml": "pillars: ]"}) == []
    for name in ("two", "networks", "networks/channels.yaml", "content/people", "team", "posts/tip", "tip", "posts"):
        assert idle(slip.replace("tow", name), more={"posts/tip.md": "---\nslot: next\n---\nOil it.\n"}) == []


def test_a_waiver_for_two_posts_of_one_name(idle: Idle, lines: Lines) -> None:
    """RUL001: a bare name is for one post; a campaign or a channel of that name is meant before a post."""
    post = "---\nslot: next\n---\nThank you.\n"
    both = {"posts/thanks.md": post, "campaigns/mend/posts/thanks.md": post}
    waiver = f"rule: SCH007, where: thanks, {SIGNED}"

    assert lines(idle(waiver, more=both)) == [
        "rules.yaml:2:20: RUL001 warning: Waiver for SCH007: thanks is mend/thanks and posts/thanks, and it excuses "
        "them all. Write the whole id of the one that it is for."
    ]
    assert idle(waiver, more={"posts/thanks.md": post}) == []
    assert idle(waiver.replace("thanks", "mend/thanks"), more=both) == []
    assert idle(waiver, more={**both, "campaigns/thanks/campaign.yaml": "title: Thanks\n"}) == []


def test_a_waiver_for_an_empty_place(idle: Idle, lines: Lines) -> None:
    """RUL001: a field that was left empty excuses everything or nothing, and that is said."""
    assert lines(idle(f"rule: SCH007, where: null, {SIGNED}")) == [
        "rules.yaml:2:20: RUL001 warning: Waiver for SCH007 has an empty where:, so it excuses everything. Write what "
        "it is for, or take where: out of it."
    ]
    assert [one.message for one in idle(f"rule: SCH007, where: ' ', {SIGNED}")] == [
        "Waiver for SCH007 has an empty where:, so it excuses nothing."]
