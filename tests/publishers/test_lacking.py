"""Permissions without which posts fail are told apart from those that are merely too many."""
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr

from publishers._facebook_account import SCOPES, verified
from publishers._youtube_login import SCOPE
from publishers.base import Connection, Verified
from publishers.mastodon import Mastodon
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.mastodon_twin import MastodonTwin
from publishers.rehearsal.slack_twin import SlackTwin
from publishers.rehearsal.threads_twin import ThreadsTwin
from publishers.rehearsal.x_twin import XTwin
from publishers.rehearsal.youtube_twin import YouTubeTwin
from publishers.slack import Slack
from publishers.threads import Threads
from publishers.x import X
from publishers.youtube import YouTube

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    twins = (MastodonTwin, XTwin, SlackTwin, ThreadsTwin, YouTubeTwin)
    with Rehearsal([twin(lambda: NOON) for twin in twins]) as running:
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


GOOGLE = "https://www.googleapis.com/auth"
TOLD = [
    (Slack, Slack.setup.scopes, (), []),
    (Slack, ("chat:write", "channels:history"), ("files:write", "files:read"), [
        "The app lacks files:write, files:read: add them under OAuth & Permissions, then install the app again."]),
    (Slack, ("files:write", "files:read"), ("chat:write",), [
        "The app lacks chat:write: add it under OAuth & Permissions, then install the app again."]),
    (Slack, (*Slack.setup.scopes, "users:read", "admin"), (), [
        "The app may do more than posting needs (users:read, admin): remove that under OAuth & Permissions, then "
        "install the app again."]),
    (Slack, None, (), [
        "Slack does not say what the app may do: see that OAuth & Permissions lists chat:write, channels:history, "
        "groups:history, files:write, files:read."]),
    (Threads, Threads.setup.scopes, (), []),
    (Threads, Threads.setup.scopes[:1], ("threads_content_publish",), [
        "The token lacks threads_content_publish: connect the account anew, and say yes to all.",
        "The token lacks threads_manage_replies, threads_read_replies, threads_delete; posts go out, but threads may "
        "stay half out, or nothing can be taken back: connect the account anew, and say yes to all."]),
    (Threads, (*Threads.setup.scopes, "threads_keyword_search"), (), [
        "The token may do more than posting needs (threads_keyword_search): take that from the app's use case, then "
        "connect the account anew."]),
    (Threads, None, (), [
        "Threads does not say what the token may do, which it does to testers of the app: make the profile one (App "
        "roles → Roles → Threads testers)."]),
    (YouTube, (SCOPE,), (), []),
    (YouTube, (f"{GOOGLE}/youtube", "openid"), (), []),           # the wider one holds it
    (YouTube, (f"{GOOGLE}/youtube.upload",), (SCOPE,), [
        f"The token lacks {SCOPE}: sign in again, and leave the box ticked."]),
    (YouTube, (SCOPE, f"{GOOGLE}/drive"), (), [
        f"The token may do more than posting needs ({GOOGLE}/drive): remove the app under "
        "myaccount.google.com/connections, then sign in again."]),
    (YouTube, None, (), [
        "Google did not say what the token may do: run this again later, or sign in again."]),
]


@pytest.mark.parametrize(("network", "scopes", "lacks", "warnings"), TOLD)
def test_slack_threads_and_youtube(network: type[Slack | Threads | YouTube], scopes: tuple[str, ...] | None,
                                   lacks: tuple[str, ...], warnings: list[str], networks: Rehearsal) -> None:
    """What is missing, what is too much, and why nothing is told, each with what to do."""
    networks.twin(network.network).scopes = scopes                # type: ignore[attr-defined]
    own = {"channel_id": "@us", "user_id": "@us"}
    fields = {name: SecretStr(own.get(name, "rehearsal:@us")) for name in (*network.needs, "access_token")}

    told: Verified = network(Connection("@us", fields, networks.address(network.network))).verify()

    assert (told.scopes, told.lacks, list(told.warnings)) == (scopes, lacks, warnings)
