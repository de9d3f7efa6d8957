"""Polls, labels, prices, verifying and taking back on X: pure where it can be, else against the twin."""
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from contract_case import FILES, OURS, POST, message, part, picture
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from publishers.base import Connection, Found, Prices, Sent, Verifies, Withdraws
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.x_twin import XTwin
from publishers.x import X
from schemas.errors import Rejected, Unauthorized, Unavailable
from schemas.ledger import PartReceipt
from schemas.message import Message, Poll
from schemas.place import Place
from schemas.problem import Problem, Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HERE = Place(POST, 5)
TOKENS = {"consumer_key": "key-1f", "consumer_secret": "secret-2e", "access_token": "rehearsal:@us",
          "access_token_secret": "secret-3d"}


def adapter(address: str | None = None, token: str = "rehearsal:@us") -> X:
    secrets = {name: SecretStr(value) for name, value in (TOKENS | {"access_token": token}).items()}
    return X(Connection(OURS, secrets, address, request_timeout_s=20.0))


def poll(*answers: str, seconds: int = 86_400) -> Poll:
    return Poll(options=answers or ("Copper", "Enamel"), lasts_s=seconds, place=HERE)


def requests_of(made: Message) -> list[dict[str, Any]]:
    return [piece.request for piece in adapter().compose(made).parts]


def said(made: Message) -> list[tuple[str, Severity, str]]:
    return [(found.code, found.severity, found.message) for found in adapter().check(made)]


@pytest.fixture
def stage() -> Iterator[tuple[XTwin, Rehearsal]]:
    twin = XTwin(lambda: NOON)
    with Rehearsal([twin]) as rehearsal:
        yield twin, rehearsal


# --- polls -----------------------------------------------------------------------------------------------------------

def test_a_poll_stands_in_the_first_post() -> None:
    """As X's description has it, in whole minutes, and in no other part of a thread."""
    made = message("x", "Which kettle next?", "We will tell.", poll=poll("Copper", "Enamel", seconds=86_401))

    assert requests_of(made) == [
        {"text": "Which kettle next?", "poll": {"options": ["Copper", "Enamel"], "duration_minutes": 1441}},
        {"text": "We will tell."}]


@pytest.mark.parametrize(("inside", "outside", "found"), [
    (poll(*"abcd"), poll(*"abcde"), ("TXT001", "5/4 answers of a poll on us.")),
    (poll("a", "x" * 25), poll("a", "x" * 26),
     ("TXT001", f"26/25 characters of an answer on us: {'x' * 26}")),
    (poll(seconds=300), poll(seconds=240), ("TXT006", "A poll on us runs from 5m to 7d, and this one 4m.")),
    (poll(seconds=604_800), poll(seconds=604_860),
     ("TXT006", "A poll on us runs from 5m to 7d, and this one 10081m.")),
    (poll("a", "b"), poll("a"), ("TXT006", "A poll on us has two answers at least, none of them empty.")),
    (poll("a", "b"), poll("a", " "), ("TXT006", "A poll on us has two answers at least, none of them empty.")),
])
def test_each_number_of_a_poll(inside: Poll, outside: Poll, found: tuple[str, str]) -> None:
    """What X just takes passes; the next is an error where the poll stands."""
    wrong = adapter().check(message("x", "Which?", poll=outside))

    assert adapter().check(message("x", "Which?", poll=inside)) == []
    assert [(problem.code, problem.message, problem.place) for problem in wrong] == [(*found, HERE)]


def test_a_poll_with_a_picture_is_refused_and_behind_it_is_not() -> None:
    """X takes the one or the other in one post."""
    both = message("x", part("Which?", picture()), poll=poll())
    apart = message("x", "Which?", part("These two", picture()), poll=poll())

    assert [found[1:] for found in said(both)] == [
        (Severity.error, "us takes a poll or pictures, not both in one post.")]
    assert said(apart) == []


def test_a_poll_is_found_by_being_one(stage: tuple[XTwin, Rehearsal]) -> None:
    """A post with the same words and no poll is another post."""
    twin, rehearsal = stage
    x = adapter(rehearsal.address("x"))
    with_poll, without = (x.compose(message("x", "Which?", poll=asked)) for asked in (poll(), None))
    lone = twin.keep(account=OURS, text="Which?")
    since = NOON - timedelta(minutes=5)

    assert x.find(with_poll, 0, since, Sent()) == Found((), complete=True)
    assert [match.id for match in x.find(without, 0, since, Sent()).matches] == [lone.id]
    twin._lose(lone.id)
    receipt = x.publish(with_poll, 0, Sent())
    assert x.find(with_poll, 0, since, Sent()) == Found((receipt,), complete=True)
    assert x.find(without, 0, since, Sent()) == Found((), complete=True)


# --- what an author may choose ---------------------------------------------------------------------------------------

def test_options_become_fields_of_the_request() -> None:
    """Who may reply is said of the first post alone; labels of each, because each is shown on its own."""
    made = message("x", "One", "Two", part("Three", kind="comment"), options={
        "reply_settings": "mentionedUsers", "made_with_ai": True, "paid_partnership": "true"})

    labels = {"made_with_ai": True, "paid_partnership": True}
    assert requests_of(made) == [{"text": "One", "reply_settings": "mentionedUsers", **labels},
                                 {"text": "Two", **labels}, {"text": "Three", **labels}]
    assert said(made) == []


def test_labels_that_are_off_are_not_sent() -> None:
    """`false` is what X takes for granted."""
    assert requests_of(message("x", "One", options={"made_with_ai": False, "paid_partnership": "false"})) == [
        {"text": "One"}]


@pytest.mark.parametrize(("disclosure", "is_paid"), [
    ("ad", True), ("gifted", True), ("affiliate", True), ("partner", True), ("employee", False), (None, False)])
def test_a_disclosure_is_x_s_own_label(disclosure: str | None, is_paid: bool) -> None:
    """Whoever was paid in money or things says so; an employee is none of X's partners."""
    (request,) = requests_of(message("x", "A kettle", disclosure=disclosure))

    assert request == {"text": "A kettle", **({"paid_partnership": True} if is_paid else {})}


def test_a_generated_picture_labels_its_own_post() -> None:
    """`ai: generated` of a file is said of the post that shows it; an edited picture is not a made one."""
    made = message("x", part("One", picture(ai="edited")), part("Two", picture("two.png", ai="generated")))

    assert requests_of(made) == [{"text": "One"}, {"text": "Two", "made_with_ai": True}]


@pytest.mark.parametrize(("options", "words", "remedy"), [
    ({"reply_settings": "everybody"}, "'reply_settings' cannot be everybody on us.",
     "It may be: following, mentionedUsers, subscribers, verified."),
    ({"reply_settings": ("following", "verified")}, "'reply_settings' cannot be a list on us.",
     "It may be: following, mentionedUsers, subscribers, verified."),
    ({"made_with_ai": "perhaps"}, "'made_with_ai' cannot be perhaps on us.", "It may be: true, false."),
    ({"community": "1"}, "x has no option 'community' (us).",
     "It has: reply_settings, made_with_ai, paid_partnership. See 'drumbeat networks x'."),
])
def test_an_option_that_x_does_not_have(options: dict[str, Any], words: str, remedy: str) -> None:
    """Said where it stands, with what it may be."""
    (found,) = adapter().check(message("x", "Hi", options=options))

    assert found == Problem("SUP003", Severity.error, Place(POST, 7), words, remedy, "posts/kettle", "us")


def test_a_content_warning_has_no_place_on_x() -> None:
    """The post goes out without it, and the author is told."""
    assert said(message("x", "Hot", warning="Steam")) == [
        ("SUP002", Severity.warning, "us has no content warnings: the post goes out without it there.")]


def test_labels_reach_the_network(stage: tuple[XTwin, Rehearsal]) -> None:
    """What is composed is what X is told, beside media and reply."""
    twin, rehearsal = stage
    x = adapter(rehearsal.address("x"))
    outgoing = x.compose(message("x", part("One", picture(ai="generated")), "Two", disclosure="ad",
                                 options={"reply_settings": "verified"}))
    first = x.publish(outgoing, 0, Sent((), x.prepare(outgoing, 0, FILES.__getitem__)))
    x.publish(outgoing, 1, Sent((first,)))

    assert [(post.extra, post.parent) for post in twin.posts] == [
        ({"reply_settings": "verified", "made_with_ai": True, "paid_partnership": True}, None),
        ({"paid_partnership": True}, first.id)]


# --- what it costs ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("made", "usd"), [
    (message("x", "Plain"), 0.015),
    (message("x", "See https://example.org"), 0.2),
    (message("x", "Card", card="https://example.org"), 0.2),
    (message("x", "See README.md"), 0.2),
    (message("x", "See README\u2060.md"), 0.015),
    (message("x", "Mail me@example.org, v1.2"), 0.015),
    (message("x", "One", "Two https://a.org https://b.org", part("Three", kind="comment")), 0.23),
    (message("x", part("Two pictures", picture(), picture("two.png", alt=""))), 0.02),
])
def test_price(made: Message, usd: float) -> None:
    """A post with a link costs 0.20, one without 0.015, an alt text 0.005; a bare name counts as a link."""
    x = adapter()

    assert isinstance(x, Prices)
    assert x.price(x.compose(made)) == usd


NAMES = st.from_regex(r"[a-z]{1,12}", fullmatch=True)


@given(name=NAMES, end=st.sampled_from(["md", "py", "rs", "sh", "zip", "mov"]),
       before=st.sampled_from(["", "See ", "日"]))
def test_the_remedy_for_a_link_nobody_meant_always_helps(name: str, end: str, before: str) -> None:
    """With a word joiner or a space before the dot there is no link, no warning, and the post costs a post."""
    x, text = adapter(), f"{before}{name}.{end}"
    (found,) = x.check(message("x", text))

    assert (found.code, found.severity) == ("TXT005", Severity.warning)
    assert found.message == (f"X makes a link of {name}.{end} on us: it counts 23, and the post costs 0.20 USD, "
                             "not 0.015.")
    assert x.length(text) - x.length(before) == 23
    for joint in ("\u2060.", " ."):
        mended = message("x", f"{before}{name}{joint}{end}")
        assert x.check(mended) == []
        assert x.price(x.compose(mended)) == 0.015


@given(text=st.text(max_size=400), card=st.sampled_from([None, "https://example.org/a"]))
def test_composing_never_raises_and_prices_never_vary(text: str, card: str | None) -> None:
    """Any text is a payload, and one that was read back from the archive costs the same."""
    x = adapter()
    made = message("x", text or "x", card=card)
    outgoing = x.compose(made)

    assert x.price(outgoing) in (0.015, 0.2)
    assert x.price(outgoing) == x.price(type(outgoing).model_validate_json(outgoing.canonical())) or re.search(
        "[\ud800-\udfff]", text)


@pytest.mark.parametrize("text", ["a." * 32_768, "$A " * 21_845, "#a" * 32_768, "#" * 65_536, "http://" * 9_362,
                                  "README.md " * 6_553, "\u2060." * 32_768, "$" * 65_536])
def test_hostile_text_is_judged_to_its_end(text: str) -> None:
    """64 kB of what looks like links, cashtags and hashtags: judged, composed and priced."""
    x = adapter()
    made = message("x", text)

    assert Severity.error in {problem.severity for problem in x.check(made)}
    assert x.price(x.compose(made)) in (0.015, 0.2)


# --- whose credentials, and taking back ------------------------------------------------------------------------------

@pytest.mark.parametrize(("token", "scopes", "warns"), [
    ("rehearsal:@us", ("read-write",), ()), ("read-only", ("read",), ("The app may only read",))])
def test_verify_says_what_the_app_may(stage: tuple[XTwin, Rehearsal], token: str, scopes: tuple[str, ...],
                                      warns: tuple[str, ...]) -> None:
    """The account, its id, the level that X names in a header, and what to do about one that is too weak."""
    x = adapter(stage[1].address("x"), token)
    verified = x.verify()

    assert isinstance(x, Verifies)
    assert (verified.account_id, verified.scopes) == (x.account_id(), scopes)
    assert verified.account == ("@us" if token == "rehearsal:@us" else f"@{XTwin.account_of(token)}")
    assert [warning.startswith(start) for warning, start in zip(verified.warnings, warns, strict=True)] == [True] * len(
        warns)


def test_verify_refuses_a_dead_credential(stage: tuple[XTwin, Rehearsal]) -> None:
    """HTTP 401: no call is possible with it."""
    with pytest.raises(Unauthorized) as caught:
        adapter(stage[1].address("x"), "expired").verify()
    assert caught.value.dead


def test_a_post_is_taken_back(stage: tuple[XTwin, Rehearsal]) -> None:
    """It is gone; gone is gone the second time; what was never there counts as gone too."""
    twin, rehearsal = stage
    x = adapter(rehearsal.address("x"))
    receipt = x.publish(x.compose(message("x", "Hi")), 0, Sent())

    assert isinstance(x, Withdraws)
    for gone in (receipt, receipt, PartReceipt(id="99")):
        x.withdraw(gone)
    assert twin.posts == []


def test_the_post_of_another_is_not_taken_back(stage: tuple[XTwin, Rehearsal]) -> None:
    """X refuses, and the post stays."""
    twin, rehearsal = stage
    theirs = adapter(rehearsal.address("x"), "rehearsal:@them")
    receipt = theirs.publish(theirs.compose(message("x", "Hi")), 0, Sent())

    with pytest.raises(Rejected, match="not authorized to delete"):
        adapter(rehearsal.address("x")).withdraw(receipt)
    assert [post.id for post in twin.posts] == [receipt.id]


@pytest.mark.parametrize("id", ["", "../users/me", "17/..", "12345678901234567890", "１７"])
def test_what_is_no_id_is_not_deleted(id: str) -> None:
    """Nothing but a number of X gets into a path; nothing is sent."""
    with pytest.raises(Rejected, match="nothing was deleted"):
        adapter("http://127.0.0.1:9/x").withdraw(PartReceipt(id=id))


@pytest.mark.parametrize("fault", ["500 before effect", "500 after effect", "hang up after effect", "truncate",
                                   "not JSON", "503"])
def test_taking_back_may_be_repeated(stage: tuple[XTwin, Rehearsal], fault: str) -> None:
    """Whatever happens to the call: Unavailable, and the next one finds it gone or takes it away."""
    twin, rehearsal = stage
    x = adapter(rehearsal.address("x"))
    receipt = x.publish(x.compose(message("x", "Hi")), 0, Sent())
    httpx.put(f"{rehearsal.url}/_rehearsal/faults", json=[
        {"fault": fault, "match": "DELETE /2/tweets/[0-9]+"}]).raise_for_status()

    with pytest.raises(Unavailable):
        x.withdraw(receipt)
    x.withdraw(receipt)
    assert twin.posts == []
