"""What doctor says of an account's permissions, of networks that are asked on loopback."""
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import SecretStr

import publishers
from flows.check import check
from flows.edges.settings import Settings
from flows.question import _permissions, account
from publishers._youtube_login import SCOPE
from publishers.base import Connection, Publisher, Verified
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.slack_twin import SlackTwin
from publishers.rehearsal.threads_twin import ThreadsTwin
from publishers.rehearsal.youtube_twin import YouTubeTwin
from schemas.channel import Channel

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
REST = ("threads_manage_replies", "threads_read_replies", "threads_delete")
TESTERS = "Make the profile one (App roles → Roles → Threads testers)."


@pytest.fixture(scope="module")
def networks() -> Iterator[Rehearsal]:
    with Rehearsal([twin(lambda: NOON) for twin in (SlackTwin, ThreadsTwin, YouTubeTwin)]) as running:
        yield running


def test_a_permission_too_many_is_not_one_that_is_missing() -> None:
    """`chat:write.public` is another than `chat:write`."""
    verified = Verified(account="us", lacks=("chat:write",), warnings=(
        "the app lacks chat:write: add it", "the app may chat:write.public too: take it away"))

    assert [one.state for one in _permissions(verified)] == ["error", "warning"]


@pytest.mark.parametrize(("network", "scopes", "state", "what", "remedy"), [
    ("slack", ("files:write", "files:read"), "error", "The app lacks chat:write.",
     "Add it under OAuth & Permissions, then install the app again."),
    ("threads", ("threads_basic", *REST), "error", "The token lacks threads_content_publish.",
     "Connect the account anew, and say yes to all."),
    ("threads", None, "warning",
     "Threads does not say what the token may do, which it does to testers of the app.", TESTERS),
    ("youtube", ("openid",), "error", f"The token lacks {SCOPE}.", "Sign in again, and leave the box ticked."),
])
def test_a_missing_permission_is_a_finding_with_what_to_do(
        network: str, scopes: tuple[str, ...] | None, state: str, what: str, remedy: str,
        networks: Rehearsal, content_folder: Callable[..., Any]) -> None:
    """An error where posts would fail, so that a launch waits; and what it may, beside the account."""
    networks.twin(network).scopes = scopes                        # type: ignore[attr-defined]
    folder = content_folder(channels=f"channels:\n  - {{id: us, network: {network}, handle: '@us'}}\n")
    (channel,) = check(folder.path, now=NOON).content.channels.channels

    def connect(_: Channel) -> Publisher:
        made, own = publishers.load(network), {"channel_id": "@us", "user_id": "@us"}
        fields = {name: SecretStr(own.get(name, "rehearsal:@us")) for name in (*made.needs, "access_token")}
        return made(Connection("@us", fields, networks.address(network)))

    first, last = account(channel, check(folder.path, now=NOON), Settings(folder.path, folder.home), store=None,
                          connect=connect, now=NOON, rehearsal=True)

    assert (first.state, first.what, first.remedy) == (state, what, remedy)
    assert (last.state, "; may " in last.what) == ("ok", scopes is not None)
    assert all(scope in last.what for scope in scopes or ())
