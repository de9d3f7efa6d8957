"""What whoever watches a shift is told of plans and of people who stop things."""
from datetime import UTC, datetime, timedelta
from typing import Any

from flows.planning.noting import accepted, in_force, reason_of, rejected, stopped
from flows.planning.pausing import NOTHING_PAUSED, paused
from schemas.errors import ContentError
from schemas.hold import Hold

TEN = datetime(2027, 1, 5, 10, 0, tzinfo=UTC)
COMMIT = "1a2b3c4d5e6f7a8b9c0d1a2b3c4d5e6f7a8b9c0d"
GOOD = "9f8e7d6c5b" * 4


def record(number: int, kind: str, scope: str = "all", name: str | None = None, **more: Any) -> Hold:
    return Hold(number=number, kind=kind, scope=scope, name=name, at=TEN + timedelta(minutes=number),
                **{"by": "Ilse", "reason": "a storm", **more})


def test_plans() -> None:
    """Which commit, how many posts; and of one that is not taken why, and what to do."""
    assert accepted(COMMIT, 31).text == "plan accepted: commit 1a2b3c4d5e, 31 posts"
    assert accepted(COMMIT, 1).text == "plan accepted: commit 1a2b3c4d5e, 1 post"
    broken = ContentError("content/strategy.yaml cannot be read.", "Mend it and commit.")
    assert rejected(broken, COMMIT)[1:] == (
        "plan rejected: commit 1a2b3c4d5e, content/strategy.yaml cannot be read.", "Mend it and commit.", COMMIT)
    assert rejected(broken, COMMIT, GOOD).text == (
        "plan rejected: commit 1a2b3c4d5e, content/strategy.yaml cannot be read. The plan of commit 9f8e7d6c5b stays "
        "in force.")
    assert rejected(broken, None).text == "plan not taken: content/strategy.yaml cannot be read."


def test_nothing_is_said_twice_of_a_plan_that_is_rejected() -> None:
    """Errors that name the commit, or the plan in force, themselves; another commit at fault is named."""
    unsigned = ContentError("Commit 1a2b3c4d5e: it is not signed", "Sign it.")
    rewritten = ContentError("1a2b3c4d5e does not follow from 9f8e7d6c5b, whose plan is in force.", "Say so.")
    assert rejected(unsigned, COMMIT, GOOD).text == (
        "plan rejected: commit 1a2b3c4d5e, it is not signed. The plan of commit 9f8e7d6c5b stays in force.")
    assert rejected(rewritten, COMMIT, GOOD).text.count("in force") == 1
    assert reason_of(unsigned.what, COMMIT) == "it is not signed"
    assert reason_of(unsigned.what, GOOD) == "Commit 1a2b3c4d5e: it is not signed"


def test_a_hold_and_its_end() -> None:
    """Each is told once: what, by whom, why, and the command that ends it."""
    held = paused([record(1, "hold", "channel", "mastodon")])
    over = paused([record(1, "hold", "channel", "mastodon"),
                   record(2, "resume", "channel", "mastodon", by="Ann", reason="")])

    (told,) = stopped(NOTHING_PAUSED, held)
    assert (told.kind, told.text, told.remedy) == (
        "held", "held: the channel mastodon, by Ilse: a storm",
        "'drumbeat resume --channel mastodon --by NAME' lets it go on.")
    assert [(one.kind, one.text, one.remedy) for one in stopped(held, over)] == [
        ("resumed", "goes on: the channel mastodon, by Ann; held by Ilse: a storm", None)]
    assert stopped(held, held) == stopped(over, over) == ()


def test_what_did_not_last_is_told_too() -> None:
    """A hold that began and ended between two looks; two on the same thing end together, and both are named."""
    both = [record(1, "hold"), record(2, "hold", by="Wren", reason="hacked"),
            record(3, "resume", by="Ann", reason="all is well."), record(4, "hold", "channel", "x")]

    assert [one.text for one in stopped(NOTHING_PAUSED, paused(both))] == [
        "held: everything, by Ilse: a storm", "held: everything, by Wren: hacked",
        "goes on: everything, by Ann: all is well; held by Ilse: a storm; held by Wren: hacked",
        "held: the channel x, by Ilse: a storm"]


def test_who_begins_to_watch_hears_of_what_is_stopped_now() -> None:
    """What ended before is history."""
    said = paused([record(1, "hold"), record(2, "resume"), record(3, "hold", "campaign", "spring")])
    assert [one.text for one in in_force(said)] == ["held: the campaign spring, by Ilse: a storm"]
