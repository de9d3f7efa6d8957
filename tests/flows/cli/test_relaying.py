"""What the terminal of `up` says while it runs."""
from typing import Any

from flows.cli.relaying import Relay
from flows.planning.noting import accepted, rejected
from schemas.errors import ContentError
from schemas.report import Note

FIRST, SECOND = "1" * 40, "2" * 40
BROKEN = ContentError("content/strategy.yaml cannot be read.", "Mend it and commit.")
HELD = Note("held", "held: everything, by Ilse: a storm", "'drumbeat resume --all --by NAME' lets it go on.", "1")
ON = Note("resumed", "goes on: everything, by Ann; held by Ilse: a storm", about="1")


def outcome(slot: str, state: str = "published", **more: Any) -> dict[str, Any]:
    return {"slot": slot, "state": state, "at": "2027-03-01T12:30:00Z", "sent_at": None, "url": None, "reason": None,
            "file": None, "next": None, "zone": "Europe/Dublin", "network": "x", "channel": "x", "campaign": None,
            "unable": False, **more}


def said(*lines: dict[str, Any], by_month: bool = False) -> list[str]:
    heard: list[str] = []
    relay = Relay(heard.append, by_month=by_month)
    for line in lines:
        relay.hear(line)
    return heard


def test_one_line_each() -> None:
    """A plan that is taken, one that is not, a hold and its end: what, why, and what to do."""
    assert said(*(note.as_dict() for note in (accepted(FIRST, 31), rejected(BROKEN, SECOND), HELD, ON))) == [
        "plan accepted: commit 1111111111, 31 posts",
        "plan rejected: commit 2222222222, content/strategy.yaml cannot be read. Mend it and commit.",
        "held: everything, by Ilse: a storm. 'drumbeat resume --all --by NAME' lets it go on.",
        "goes on: everything, by Ann; held by Ilse: a storm"]


def test_what_every_shift_tells_anew_is_said_once() -> None:
    """The plan in force, what is held, and a commit that is still rejected; what comes later is news again."""
    shift = [rejected(BROKEN, SECOND), accepted(FIRST, 31), HELD]
    assert len(said(*(note.as_dict() for note in (*shift, *shift)))) == 3
    again = [accepted("3" * 40, 30), rejected(BROKEN, SECOND), accepted(FIRST, 31)]
    assert len(said(*(note.as_dict() for note in (*shift, *again)))) == 6


def test_what_was_learned_otherwise_is_not_said() -> None:
    heard: list[str] = []
    relay = Relay(heard.append, by_month=False)
    relay.learn(accepted(FIRST, 31))
    relay.hear(accepted(FIRST, 31).as_dict())
    assert heard == []


def test_outcomes() -> None:
    """A line each, the month ahead on a fast clock; what to do below, once where it is the same for the next."""
    todo = {"state": "failed", "reason": "refused", "next": "Renew it; see drumbeat why {}"}
    bad = [outcome(slot, **{**todo, "next": todo["next"].format(slot)}) for slot in ("posts/a@x#1", "posts/b@x#1")]
    assert said(outcome("posts/hello@x#1", url="https://x.example/1"), *bad, by_month=True) == [
        "── March 2027",
        "  Mon 2027-03-01 12:30 (Europe/Dublin)  published posts/hello@x#1  https://x.example/1",
        "  Mon 2027-03-01 12:30 (Europe/Dublin)  failed    posts/a@x#1  refused",
        "    next: Renew it; see drumbeat why posts/a@x#1",
        "  Mon 2027-03-01 12:30 (Europe/Dublin)  failed    posts/b@x#1  refused"]


def test_who_cannot_is_known_until_they_can() -> None:
    relay = Relay(lambda _: None, by_month=False)
    relay.hear(outcome("posts/a@x#1", "waiting", unable=True))
    relay.hear(outcome("posts/b@x#1", "waiting", unable=True))
    relay.hear(outcome("posts/a@x#1"))
    assert relay.unable == {"posts/b@x#1"}
