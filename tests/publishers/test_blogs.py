"""What the blogs share: names of drafts, where credentials go, what errors say; and their doubles forget nothing."""
import re
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from contract_case import OURS, Case, message
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

import publishers
from publishers._blogs import article, base_of, is_web, own_slug, said
from publishers.base import DRAFT, Connection, Sent
from publishers.rehearsal._twin import Rehearsal
from schemas.errors import Unauthorized
from schemas.ledger import Slot

NETWORKS = ("devto", "ghost", "wordpress")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_double_outlives_a_restart(network, tmp_path):
    """Drafts, what was published and what was taken back are as they were; new posts get ids of their own."""
    case: Case = import_module(f"{network}_case").CASE
    twin = import_module(f"publishers.rehearsal.{network}_twin").TWIN

    def rehearsal() -> Rehearsal:
        return Rehearsal([twin(lambda: NOON, tmp_path)])

    def adapter(running: Rehearsal) -> Any:
        secrets = {name: SecretStr(value) for name, value in case.credentials.items()}
        return publishers.load(network)(Connection(OURS, secrets, running.address(network)))

    plan, next_plan = (publishers.load(network)(Connection(OURS)).compose(made)
                       for made in (case.goes["plain"], message(network, "Next", title="Next", post="posts/next")))
    with rehearsal() as running:
        draft = adapter(running).draft(plan, 0, Sent())
    sent = Sent(handles={DRAFT: draft})
    with rehearsal() as running:
        assert adapter(running).find(plan, 0, NOON, sent) == ((), True)
        assert adapter(running).draft(plan, 0, Sent()).partition(" ")[0] == draft.partition(" ")[0]
        receipt = adapter(running).publish(plan, 0, sent)
    with rehearsal() as running:
        assert [match.id for match in adapter(running).find(plan, 0, NOON, sent).matches] == [receipt.id]
        assert adapter(running).publish(plan, 0, sent).id == receipt.id
        second = adapter(running).draft(next_plan, 0, Sent())
        assert second.partition(" ")[0] != receipt.id
        adapter(running).withdraw(receipt)
    with rehearsal() as running:
        assert adapter(running).find(plan, 0, NOON, sent) == ((), True)
        assert running.twin(network).posts == []


@given(post=st.from_regex(r"[a-z0-9]([a-z0-9/-]{0,200}[a-z0-9])?", fullmatch=True), account=st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_slug_of_ours_is_always_one(post, account):
    """Small letters, digits and hyphens, never too long, and the same each time."""
    made = message("ghost", "x", title="x").model_copy(update={"slot": Slot(post, "us"), "account": account})
    plan = publishers.load("ghost")(Connection(account)).compose(made)
    slug = own_slug(plan, 0)
    assert re.fullmatch(r"[a-z0-9-]{12,120}", slug)
    assert slug == own_slug(plan.model_copy(deep=True), 0)


@given(st.text(max_size=600), st.text(min_size=1, max_size=20))
@settings(max_examples=200, deadline=None)
def test_what_a_server_says_holds_no_secret(words, secret):
    """A server that repeats a credential is quoted without it; what is quoted can be printed, and is short."""
    quoted = said(f"{words}{secret}{words}", secret)
    assert len(quoted) <= 302
    assert quoted.isprintable()
    assert len(secret) < 4 or secret not in quoted


@pytest.mark.parametrize("words", [None, 17, "", " \n", ["x"]])
def test_a_server_that_says_nothing_is_not_quoted(words):
    assert said(words) == ""


@given(st.text(alphabet="htps:/.[]@#?a1 \"'<>\\\n\u202e", max_size=30))
@settings(max_examples=400, deadline=None)
def test_a_credential_goes_to_https_or_nowhere(address):
    """Whatever stands in `base_url`: https, or this machine, or nothing is sent."""
    connection = Connection(OURS, {"base_url": SecretStr(address)})
    try:
        base = base_of(connection, "base_url")
    except Unauthorized:
        return
    assert base.startswith("https://") or re.match(r"http://(127\.0\.0\.1|localhost|\[::1\])", base)


@pytest.mark.parametrize(("address", "is_one"), [
    ("https://a.example/b?c=d#e", True), ("http://127.0.0.1:1/x", True), ("javascript:alert(1)", False),
    ("data:image/png;base64,AA", False), ("//a.example", False), ("/a", False), ("https://", False), ("", False),
    ("https://a.example/\"onload=", False), ("https://a.example/a b", False), ("https://a.example/<b>", False),
    ("http://[::1", False), ("https://a.example/\u202e", False)])
def test_what_may_stand_in_an_attribute(address, is_one):
    """A whole address of the web, with nothing in it that ends an attribute."""
    assert is_web(address) is is_one


def test_an_empty_message_is_an_empty_article():
    """Nothing to show is no error here: the check says it."""
    empty = message("ghost", title="x").model_copy(update={"parts": ()})
    assert article(empty)[:3] == ("", "", ())
    assert article(message("ghost", "a", "b", title="x", card="https://a.example/")).markdown == (
        "a\n\nb\n\n<https://a.example/>")
