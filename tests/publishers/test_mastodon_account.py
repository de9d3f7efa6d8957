"""What else is done with a Mastodon account: taking a post back, looking at credentials, saying yes in a browser."""
import base64
import hashlib
import json
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publishers import base
from publishers._mastodon_server import limit_warnings, scope_warnings, scopes_in
from publishers._mastodon_text import LIMITS
from publishers.mastodon import Mastodon
from publishers.rehearsal._twin import Refusal, Rehearsal, Twin
from publishers.rehearsal.mastodon_twin import MastodonTwin
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from schemas.ledger import PartReceipt, Slot
from schemas.message import Message, Part
from schemas.place import Place

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN, SECRET = "".join(("rehearsal", ":", "@mill-tools")), "".join(("client-", "secret-", "8f1c"))
BACK = "http://127.0.0.1:8931/answer"
VERIFIER = "v" * 43


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    with Rehearsal([MastodonTwin(lambda: NOON)]) as running:
        yield running


@pytest.fixture
def twin(networks) -> Any:
    return networks.twin("mastodon")


@pytest.fixture
def adapter(networks) -> Mastodon:
    return at(networks.address("mastodon"))


def at(address: str | None, **credentials: str) -> Mastodon:
    given = {"access_token": TOKEN, "base_url": "https://tools.social.example", "client_id": "@mill-tools",
             "client_secret": SECRET, **credentials}
    return Mastodon(base.Connection("@mill-tools", {name: SecretStr(value) for name, value in given.items()}, address,
                                    2.0, 5.0))


def posted(adapter: Mastodon, text: str, post: str = "posts/a") -> PartReceipt:
    plan = adapter.compose(Message(slot=Slot(post, "mastodon"), network="mastodon", account="@mill-tools",
                                   parts=(Part(text=text, place=Place("a.md")),)))
    return adapter.publish(plan, 0, base.Sent())


class Saying(Twin):
    """A server that answers each path, or "METHOD path", as it is told, and anything else with 404 in JSON."""

    network = "mastodon"
    creates = ()

    def __init__(self, answers: dict[str, Refusal]) -> None:
        super().__init__(lambda: NOON)
        self.answers = answers

    def routes(self) -> list[Route]:
        async def say(request: Request) -> Response:
            path, gone = request.path_params["path"], Refusal(404, {"error": "Record not found"})
            raise self.answers.get(f"{request.method} {path}", self.answers.get(path, gone))
        return [Route("/{path:path}", say, methods=["GET", "POST", "DELETE"])]


def answering(answers: dict[str, Refusal], call: Callable[[Mastodon], Any]) -> Any:
    with Rehearsal([Saying(answers)]) as running:
        return call(at(running.address("mastodon")))


def tells_nothing(error: BaseException) -> bool:
    story = "".join(traceback.format_exception(error))
    return TOKEN not in story and SECRET not in story and VERIFIER not in story


# --- taking back -----------------------------------------------------------------------------------------------------

def test_a_post_is_deleted_and_its_thread_stays(adapter, twin):
    """Only the post that is named goes; once it is gone, saying so again is no error."""
    gone, stays = posted(adapter, "one"), posted(adapter, "two", "posts/b")

    adapter.withdraw(gone)
    adapter.withdraw(gone)

    assert [post.id for post in twin.posts] == [stays.id]


@pytest.mark.parametrize(("answer", "error"), [
    (Refusal(401, {"error": "The access token is invalid"}), Unauthorized),
    (Refusal(403, {"error": "This action is outside the authorized scopes"}), Unauthorized),
    (Refusal(429, {"error": "Too many requests"}), RateLimited), (Refusal(500, {"error": "Oops"}), Unavailable),
    (Refusal(404, "<h1>no such page</h1>"), Unavailable), (Refusal(302, ""), Unavailable),
    (Refusal(422, {"error": "No"}), Rejected),
])
def test_a_post_that_was_not_deleted_is_never_called_gone(answer, error):
    """Only the server's own 404 counts as gone; a page of something in between does not."""
    with pytest.raises(PublishError) as caught:
        answering({"api/v1/statuses/17": answer}, lambda adapter: adapter.withdraw(PartReceipt(id="17")))

    assert type(caught.value) is error
    assert tells_nothing(caught.value)


@pytest.mark.parametrize(("shown", "error"), [
    (Refusal(200, {"id": "17"}), Rejected), (Refusal(500, ""), Unavailable), (Refusal(429, ""), RateLimited),
    (Refusal(401, {"error": "The access token is invalid"}), Unauthorized)])
def test_another_accounts_post_is_not_called_gone(shown, error):
    """The server says 404 of what is not ours to delete; it is gone only if it is not to be seen either."""
    with pytest.raises(PublishError) as caught:
        answering({"GET api/v1/statuses/17": shown}, lambda adapter: adapter.withdraw(PartReceipt(id="17")))

    assert type(caught.value) is error


def test_an_id_cannot_name_another_path():
    """Whatever an id holds, it is one piece of the path."""
    with pytest.raises(Unavailable):
        answering({"api/v1/statuses/1/../../accounts": Refusal(500, "")},
                  lambda adapter: adapter.withdraw(PartReceipt(id="1/../../accounts")))


# --- looking at the credentials --------------------------------------------------------------------------------------

NEEDED = ("read:accounts", "read:statuses", "write:statuses", "write:media")


def test_it_says_whose_token_it_is_and_what_it_may_do(adapter, networks, twin):
    """The handle with the server's name, the id, the permissions; on a server like most, nothing to complain of."""
    assert adapter.verify() == base.Verified(f"@mill-tools@{urlsplit(networks.url).netloc}", adapter.account_id(),
                                             NEEDED)


def test_it_says_where_the_server_is_stricter(adapter, twin):
    """Numbers below ours are named with what to write; larger ones are no concern."""
    twin.configuration["statuses"] |= {"max_characters": 400, "max_media_attachments": 16}
    twin.configuration["media_attachments"] |= {"video_size_limit": 41_943_040}

    assert adapter.verify().warnings == (
        "The server takes 400 characters of text, fewer than the 500 that are counted with: write text: 400 under "
        "'limits:' of the channel.",
        "The server takes 41,943,040 bytes of a video, fewer than the 103,809,024 that are counted with: write "
        "video_bytes: 41943040 under 'limits:' of the channel.")


@pytest.mark.parametrize(("configuration", "begins"), [
    ({"statuses": {"characters_reserved_per_url": 30}}, ["The server counts a link as 30 characters, not as 23"]),
    ({"polls": {"max_options": 2, "max_characters_per_option": 25}},
     ["The server takes 2 answers of a poll", "The server takes 25 characters of an answer"]),
    ({"polls": {"max_expiration": 604_800}}, ["A poll on the server runs from None to 604800 seconds"]),
    ({"media_attachments": {"video_matrix_limit": 2_304_000}}, ["The server takes videos of 2,304,000 pixels"]),
    ({"media_attachments": {"description_limit": 500, "image_size_limit": 10_485_760}},
     ["The server takes 500 characters of alt text", "The server takes 10,485,760 bytes of a picture"]),
    ({"statuses": {"max_characters": 5000, "characters_reserved_per_url": 23}}, []),
    ({"statuses": {"max_characters": "400"}, "polls": []}, []), ({"statuses": None}, []), ([], []), (None, []),
])
def test_each_number_of_a_server_is_compared(configuration, begins):
    """What is stricter is said once each; what cannot be read is nothing."""
    told = list(limit_warnings({"configuration": configuration}, LIMITS))

    assert [one[:len(start)] for one, start in zip(told, begins, strict=True)] == begins


@pytest.mark.parametrize(("scopes", "begins"), [
    (NEEDED, []), (("profile", *NEEDED), []),
    (("read", "write"), ["The application may do more than posting needs (read, write)"]),
    (("read:accounts", "write:statuses"), ["The application lacks read:statuses, write:media"]),
    ((*NEEDED, "follow", "admin:read"), ["The application may do more than posting needs (follow, admin:read)"]),
])
def test_missing_and_needless_permissions_are_said(scopes, begins):
    """`read` holds `read:statuses`; more than is needed is more than a thief should get."""
    told = list(scope_warnings(scopes, Mastodon.setup.scopes))

    assert [one[:len(start)] for one, start in zip(told, begins, strict=True)] == begins


@pytest.mark.parametrize(("told", "scopes"), [
    ({"scopes": ["read", "write"]}, ("read", "write")), ({"scopes": "read write"}, ("read", "write")), ({}, None),
    ({"scopes": []}, None), ({"scopes": [7]}, None), ({"scopes": None}, None)])
def test_scopes_are_what_the_server_says(told, scopes):
    """A server that does not tell is not taken for one that allows nothing."""
    assert scopes_in(told) == scopes


def test_an_older_server_is_asked_the_older_way():
    """Version 1 of the instance, no scopes: told is what is known."""
    answers = {"api/v1/accounts/verify_credentials": Refusal(200, {"id": "7", "acct": "mill"}),
               "api/v1/instance": Refusal(200, {"uri": "https://old.example", "configuration": {}})}

    assert answering(answers, Mastodon.verify) == base.Verified("@mill@old.example", "7")


def test_a_server_that_hides_its_limits_says_so():
    """The account is known all the same."""
    answers = {"api/v1/accounts/verify_credentials": Refusal(200, {"id": "7", "username": "mill"}),
               "api/v2/instance": Refusal(500, {"error": "Oops"})}

    assert answering(answers, Mastodon.verify) == base.Verified(
        "@mill", "7", warnings=("The server does not tell its limits (the server answered 500: Oops): compare them "
                                "yourself.",))


@pytest.mark.parametrize(("answer", "error"), [
    (Refusal(401, {"error": "The access token is invalid"}), Unauthorized),
    (Refusal(429, {"error": "Too many requests"}), RateLimited), (Refusal(200, "<h1>"), Unavailable),
    (Refusal(200, {"error": "no id"}), Unavailable), (Refusal(200, "[]"), Unavailable), (Refusal(503, ""), Unavailable),
])
def test_credentials_that_cannot_be_looked_at_are_said_to_be(answer, error):
    """A dead token is dead; a server that makes no sense is tried again."""
    with pytest.raises(PublishError) as caught:
        answering({"api/v1/accounts/verify_credentials": answer}, Mastodon.verify)

    assert type(caught.value) is error
    assert tells_nothing(caught.value)


# --- saying yes in a browser -----------------------------------------------------------------------------------------

def test_the_page_to_open_is_the_servers_own():
    """Exactly the permissions that are needed, our state, and the challenge of RFC 7636; never the client's secret."""
    page = urlsplit(at(None).authorization(BACK, "state-1", VERIFIER))
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")

    assert (page.scheme, page.netloc, page.path) == ("https", "tools.social.example", "/oauth/authorize")
    assert parse_qs(page.query) == {
        "response_type": ["code"], "client_id": ["@mill-tools"], "redirect_uri": [BACK], "scope": [" ".join(NEEDED)],
        "state": ["state-1"], "code_challenge": [challenge], "code_challenge_method": ["S256"]}


def agreed(adapter: Mastodon) -> str:
    """The code that the page sends back."""
    answer = httpx.get(adapter.authorization(BACK, "state-1", VERIFIER))
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert told["state"] == ["state-1"]
    return told["code"][0]


def test_a_code_buys_a_token_that_posts(networks, twin):
    """What the exchange gives is a credential field, and with it a post goes out in the account's name."""
    adapter = at(networks.address("mastodon"), access_token="unset")
    fields = adapter.exchange(agreed(adapter), BACK, VERIFIER)

    posted(at(networks.address("mastodon"), **fields), "hello")

    assert list(fields) == ["access_token"]
    assert [post.account for post in twin.posts] == ["@mill-tools"]


def test_a_code_is_good_once_for_who_asked(networks):
    """A second time, another verifier, another redirect: the server refuses, and the error tells no secret."""
    adapter = at(networks.address("mastodon"))
    used = agreed(adapter)
    adapter.exchange(used, BACK, VERIFIER)
    for code, redirect, verifier in ((used, BACK, VERIFIER), (agreed(adapter), BACK, "w" * 43),
                                     (agreed(adapter), "http://127.0.0.1:1/", VERIFIER), ("made up", BACK, VERIFIER)):
        with pytest.raises(Unauthorized, match="authorization grant is invalid") as caught:
            adapter.exchange(code, redirect, verifier)
        assert tells_nothing(caught.value)


@pytest.mark.parametrize(("answer", "error"), [
    (Refusal(401, {"error": "invalid_client", "error_description": f"unknown {SECRET}"}), Unauthorized),
    (Refusal(400, {"error": "invalid_grant"}), Unauthorized), (Refusal(200, {"token_type": "Bearer"}), Unavailable),
    (Refusal(200, {"access_token": ""}), Unavailable), (Refusal(200, {"access_token": 7}), Unavailable),
    (Refusal(200, json.dumps([TOKEN])), Unavailable), (Refusal(500, ""), Unavailable), (Refusal(429, ""), RateLimited),
])
def test_an_exchange_that_gives_nothing_raises(answer, error):
    """No answer is taken for a token that holds none."""
    with pytest.raises(PublishError) as caught:
        answering({"oauth/token": answer}, lambda adapter: adapter.exchange("code", BACK, VERIFIER))

    assert type(caught.value) is error
    assert tells_nothing(caught.value)


def test_it_has_the_powers_it_says_it_has():
    """Whoever looks for a power finds it by its protocol."""
    assert all(isinstance(at(None), power)
               for power in (base.Prepares, base.Withdraws, base.Verifies, base.Authorizes, base.Identifies))
