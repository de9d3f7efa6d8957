"""IDE001: people who gave an idea hear what became of it, and are asked before they are named."""
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from flows.planning.rules import ideas
from schemas.ledger import Slot
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
NOON = datetime(2027, 3, 17, 12, 0, tzinfo=UTC)
ANSWER = "Answer whoever gave it, and write status: shortlisted, planned or declined."
CROWD = "title: Why?\nfrom: crowd\nstatus: planned\nsource: {channel: mastodon, ref: item-8821, credit: ask}\n"


def idea(front: str) -> dict[str, str]:
    return {"ideas/kettle.md": f"---\n{front}---\nThree people asked.\n"}


@pytest.mark.rule("IDE001", "fires")
def test_an_idea_that_nobody_looked_at_is_told(judged: Judged, lines: Lines) -> None:
    """IDE001: new for 15 days, by its status or because it has none."""
    assert lines(judged(ideas.RULES, idea("title: Why?\nstatus: new\nfiled: 2027-03-02\n"), now=NOON)) == [
        "ideas/kettle.md:3:1: IDE001 warning: The idea kettle has been new for 15 days, since 2027-03-02. " + ANSWER]
    assert lines(judged(ideas.RULES, idea("filed: 2027-03-02\n"), now=NOON)) == [
        "ideas/kettle.md:1:1: IDE001 warning: The idea kettle has been new for 15 days, since 2027-03-02. " + ANSWER]


@pytest.mark.parametrize("why", ["", 'declined_why: " "\n'])
@pytest.mark.rule("IDE001", "fires")
def test_a_no_without_a_reason_is_told(why: str, judged: Judged, lines: Lines) -> None:
    """IDE001: declined, and nothing says why."""
    assert lines(judged(ideas.RULES, idea(f"status: declined\n{why}"), now=NOON)) == [
        "ideas/kettle.md:2:1: IDE001 warning: The idea kettle was declined, and nothing says why. Write declined_why:, "
        "and tell whoever gave it."]


@pytest.mark.rule("IDE001", "fires")
def test_an_idea_that_is_out_without_asking_is_told(judged: Judged, lines: Lines) -> None:
    """IDE001: of the crowd or a customer, published while it still says ask."""
    ask = "name them if they like, and write credit: yes or no."

    assert lines(judged(ideas.RULES, idea(CROWD.replace("planned", "published")), now=NOON)) == [
        "ideas/kettle.md:5:45: IDE001 warning: The idea kettle of the crowd is published, and nobody has asked whose "
        f"name may stand there. Ask under item-8821, {ask}"]
    assert lines(judged(ideas.RULES, idea("from: customer\nstatus: published\nsource: {credit: ask}\n"), now=NOON)) == [
        "ideas/kettle.md:4:10: IDE001 warning: The idea kettle of a customer is published, and nobody has asked whose "
        f"name may stand there. Ask, {ask}"]


@pytest.mark.parametrize(
    "front",
    [
        "status: new\nfiled: 2027-03-03\n",                       # 14 days
        "status: shortlisted\nfiled: 2027-01-01\n",
        "status: declined\ndeclined_why: Too hot.\n",
        CROWD,
        CROWD.replace("planned", "published").replace("ask", "yes"),
        CROWD.replace("planned", "published").replace("ask", "no"),
        CROWD.replace("planned", "published").replace("crowd", "team"),
    ],
)
@pytest.mark.rule("IDE001", "near")
def test_an_idea_that_is_looked_after_is_not_told(front: str, judged: Judged) -> None:
    """IDE001: two weeks are allowed; a reason, a yes, a no, or an idea of our own needs no more."""
    assert judged(ideas.RULES, idea(front), now=NOON) == []


@pytest.mark.parametrize(
    "front",
    ["status: new\n", "filed: 2027-04-01\n", "from: crowd\nstatus: published\n",
     "status: published\nsource: {credit: ask}\n", "from: crowd\nstatus: published\nsource: {ref: item-1}\n"],
)
@pytest.mark.rule("IDE001", "missing")
def test_what_is_not_written_is_not_judged(front: str, judged: Judged) -> None:
    """IDE001: without the day it was filed nothing is late, without a source nobody is to be asked; no ideas, no word.
    """
    assert judged(ideas.RULES, idea(front), now=NOON) == []
    assert judged(ideas.RULES, {}, now=NOON) == []


@pytest.mark.parametrize("became", ["posts/seen-inside", "seen-inside"])
@pytest.mark.parametrize(
    ("at", "known", "many"),
    [
        ("2027-03-16 09:30", None, 1),                            # out, as far as files tell
        ("2027-03-18 09:30", None, 0),
        ("2027-03-16 09:30", {}, 0),                              # the archive knows that it is not
        ("2027-03-16 09:30", {Slot("posts/seen-inside", "mastodon"): None}, 1),
    ],
)
def test_the_post_that_it_became_tells_that_it_is_out(
    became: str, at: str, known: dict[Slot, datetime | None] | None, many: int, judged: Judged
) -> None:
    """IDE001: whatever its status says, an idea is published when the post is that it became."""
    files = {**idea(f"{CROWD}became: {became}\n"), "posts/seen-inside.md": f"---\nat: {at}\n---\nHere it is.\n"}

    assert len(judged(ideas.RULES, files, now=NOON, sent=known)) == many


def test_a_post_may_name_its_idea(judged: Judged) -> None:
    """IDE001: what a post says of its idea counts as what the idea says of its post; other posts do not."""
    files = {**idea(CROWD), "posts/a.md": "---\nat: 2027-03-16 09:30\nidea: kettle\n---\nHere it is.\n"}
    other = {**idea(CROWD), "posts/a.md": "---\nat: 2027-03-16 09:30\n---\nHere it is.\n"}

    assert len(judged(ideas.RULES, files, now=NOON)) == 1
    assert judged(ideas.RULES, other, now=NOON) == []


def test_the_sample_answers_everybody(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here: its idea is planned, and there is still time to ask."""
    assert of_sample(ideas.RULES) == []
