"""Permissions without which posts fail are told apart from those that are merely too many."""
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from publishers._facebook_account import SCOPES, verified
from publishers.base import Connection
from publishers.mastodon import Mastodon
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.mastodon_twin import MastodonTwin
from publishers.rehearsal.x_twin import XTwin
from publishers.x import X

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    with Rehearsal([MastodonTwin(lambda: NOON), XTwin(lambda: NOON)]) as running:
        yield running


@pytest.mark.parametrize(("scopes", "lacks"), [
    (Mastodon.setup.scopes, ()),
    (("read", "write"), ()),
    (("read", "write:statuses", "follow"), ("write:media",)),
    (None, ()),
])
def test_mastodon(scopes: tuple[str, ...] | None, lacks: tuple[str, ...], networks: Rehearsal) -> None:
    """A wide scope holds the narrow ones; a server that does not tell lacks nothing that is known."""
    networks.twin("mastodon").scopes = scopes                     # type: ignore[attr-defined]
    fields = {"access_token": SecretStr("rehearsal:@mill"), "base_url": SecretStr("https://m.example")}

    told = Mastodon(Connection("@mill", fields, networks.address("mastodon"))).verify()

    assert told.lacks == lacks
    assert all(any(scope in said for said in told.warnings) for scope in lacks)


@pytest.mark.parametrize(("token", "lacks"), [("rehearsal:@us", ()), ("read-only", X.setup.scopes)])
def test_x(token: str, lacks: tuple[str, ...], networks: Rehearsal) -> None:
    """An app that may only read cannot post."""
    told = X(Connection("@us", dict.fromkeys(X.needs, SecretStr(token)), networks.address("x"))).verify()

    assert told.lacks == lacks
    assert all(any(scope in said for said in told.warnings) for scope in lacks)


@pytest.mark.parametrize(("scopes", "lacks"), [
    (SCOPES, ()), (SCOPES[:3], ()), ((*SCOPES, "ads_management"), ()), (SCOPES[1:], SCOPES[:1])])
def test_facebook(scopes: tuple[str, ...], lacks: tuple[str, ...]) -> None:
    """Without the right to comment posts still go out; what is too much is nothing that lacks."""
    told = verified({"id": "1", "name": "mill"}, {"is_valid": True, "type": "PAGE", "scopes": list(scopes)}, "1")

    assert told.lacks == lacks
    assert all(any(scope in said for said in told.warnings) for scope in lacks)
