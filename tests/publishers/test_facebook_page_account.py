"""What else is done with a page: taking a post back, looking at its token, saying yes in a browser."""
import json
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from publishers import base
from publishers._facebook_account import SCOPES, next_in, page_in, verified
from publishers.facebook_page import FacebookPage
from publishers.rehearsal._twin import Refusal, Rehearsal, Twin
from publishers.rehearsal.facebook_page_twin import FacebookPageTwin
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from schemas.ledger import PartReceipt, Slot
from schemas.message import Message, Part
from schemas.place import Place

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN, SECRET = "".join(("rehearsal", ":", "mill")), "".join(("app-", "secret-", "8f1c"))
BACK, VERIFIER = "http://127.0.0.1:8931/answer", "v" * 43


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    with Rehearsal([FacebookPageTwin(lambda: NOON)]) as running:
        yield running


@pytest.fixture
def twin(networks) -> Any:
    return networks.twin("facebook_page")


@pytest.fixture
def adapter(networks) -> FacebookPage:
    return at(networks.address("facebook_page"))


def at(address: str | None, **credentials: str) -> FacebookPage:
    given = {"page_id": "mill", "page_access_token": TOKEN, "app_id": "mill", "app_secret": SECRET, **credentials}
    return FacebookPage(base.Connection("@mill", {name: SecretStr(value) for name, value in given.items() if value},
                                        address, 2.0, 5.0))


def posted(adapter: FacebookPage, *texts: str, kind: Any = "comment") -> tuple[PartReceipt, ...]:
    """A post, and comments under it."""
    parts = tuple(Part(kind=kind if number else "post", text=text, place=Place("a.md"))
                  for number, text in enumerate(texts))
    plan = adapter.compose(Message(slot=Slot("posts/a", "fb"), network="facebook_page", account="@mill", parts=parts))
    made: tuple[PartReceipt, ...] = ()
    for number in range(len(plan.parts)):
        made += (adapter.publish(plan, number, base.Sent(made)),)
    return made


class Saying(Twin):
    """A Graph API that answers "METHOD path" as it is told, one answer after the other."""

    network = "facebook_page"
    creates = ()

    def __init__(self, answers: dict[str, list[Refusal]]) -> None:
        super().__init__(lambda: NOON)
        self.answers = answers
        self.asked: list[str] = []

    def routes(self) -> list[Route]:
        async def say(request: Request) -> Response:
            name = f"{request.method} {request.path_params['path']}"
            self.asked.append(name)
            raise self.answers[name].pop(0)
        return [Route("/v25.0/{path:path}", say, methods=["GET", "POST", "DELETE"])]


def no(code: int, status: int = 400, **more: object) -> Refusal:
    return Refusal(status, {"error": {"message": f"No, {TOKEN}, {SECRET}", "code": code, **more}})


GONE, YES = no(100, error_subcode=33), Refusal(200, {"success": True})


def tells_nothing(error: BaseException) -> bool:
    story = "".join(traceback.format_exception(error))
    return TOKEN not in story and SECRET not in story


# --- taking back -----------------------------------------------------------------------------------------------------

def test_a_post_goes_with_its_comments_and_others_stay(adapter, twin):
    """What is withdrawn is gone, a second time is no error, and nothing else is touched."""
    post, _ = posted(adapter, "one", "below")
    (other,) = posted(adapter, "two")

    adapter.withdraw(post)
    adapter.withdraw(post)

    assert [kept.id for kept in twin.posts] == [other.id]


def test_a_comment_goes_alone(adapter, twin):
    """A first comment is taken back by itself."""
    post, below = posted(adapter, "one", "below")

    adapter.withdraw(below)

    assert [kept.id for kept in twin.posts] == [post.id]


@pytest.mark.parametrize(("answers", "error"), [
    ({"DELETE 1_2": [no(190)]}, Unauthorized), ({"DELETE 1_2": [no(10)]}, Unauthorized),
    ({"DELETE 1_2": [no(32, 403)]}, RateLimited), ({"DELETE 1_2": [no(2, 500)]}, Unavailable),
    ({"DELETE 1_2": [Refusal(404, "<html>")]}, Unavailable), ({"DELETE 1_2": [Refusal(200, {"success": False})]},
                                                              Unavailable),
    ({"DELETE 1_2": [Refusal(200, {"id": "1_2"})]}, Unavailable), ({"DELETE 1_2": [no(100)]}, Rejected),
    ({"DELETE 1_2": [GONE], "GET 1_2": [Refusal(200, {"id": "1_2"})]}, Rejected),
    ({"DELETE 1_2": [GONE], "GET 1_2": [GONE], "GET mill/published_posts": [no(10)]}, Unauthorized),
    ({"DELETE 1_2": [GONE], "GET 1_2": [GONE], "GET mill/published_posts": [GONE]}, Rejected),
], ids=["dead", "may not", "wait", "broken", "page", "no", "odd", "refused", "still there", "cannot see", "no page"])
def test_a_post_that_was_not_deleted_is_never_called_gone(answers, error):
    """One code means both "gone" and "not for your eyes": it counts as gone only where the token sees the page."""
    twin = Saying({name: list(given) for name, given in answers.items()})
    with Rehearsal([twin]) as running, pytest.raises(PublishError) as caught:
        at(running.address("facebook_page")).withdraw(PartReceipt(id="1_2"))

    assert type(caught.value) is error
    assert tells_nothing(caught.value)
    assert twin.asked == list(answers)


def test_what_is_gone_already_counts_as_gone():
    """Neither to be deleted nor to be seen, while the page's posts are: it is gone."""
    twin = Saying({"DELETE 1_2": [GONE], "GET 1_2": [GONE], "GET mill/published_posts": [Refusal(200, {"data": []})]})
    with Rehearsal([twin]) as running:
        at(running.address("facebook_page")).withdraw(PartReceipt(id="1_2"))

    assert len(twin.asked) == 3


# --- looking at the token --------------------------------------------------------------------------------------------

@pytest.mark.parametrize("app", [{}, {"app_id": "", "app_secret": ""}], ids=["asked by the app", "asked by itself"])
def test_it_says_whose_token_it_is_and_what_it_may_do(networks, app):
    """The page by name and number, the permissions, no end; nothing is missing."""
    one = at(networks.address("facebook_page"), **app)

    assert one.verify() == base.Verified("mill", one.account_id(), SCOPES)


def test_where_facebook_tells_nothing_the_page_is_known(adapter, twin):
    """Debugging a token is for the app and its developers; whose token it is, everybody is told."""
    twin.login.token = None

    assert adapter.verify() == base.Verified("mill", adapter.account_id())


PAGE = {"id": "104729", "name": "Mill"}


@pytest.mark.parametrize(("token", "page", "begins"), [
    ({"type": "PAGE", "scopes": list(SCOPES), "expires_at": 0}, "104729", []),
    ({"type": "PAGE", "scopes": list(SCOPES)}, "999", ["The token is that of Mill (104729), and page_id says 999"]),
    ({"type": "USER", "scopes": list(SCOPES)}, None, ["It is a token of the kind USER, not a page's own"]),
    ({"scopes": [SCOPES[0], SCOPES[3]]}, None, ["The token lacks pages_read_engagement, pages_show_list"]),
    ({"scopes": list(SCOPES[:3])}, None, ["The token lacks pages_manage_engagement: posts go out, first comments do"]),
    ({"scopes": [*SCOPES, "public_profile", "ads_management"]}, None,
     ["The token may do more than posting needs (ads_management)"]),
    ({"expires_at": 1_795_348_800}, None, ["The token was made from one that lives for hours only"]),
    ({}, "104729", []), (None, "104729", []),
])
def test_what_is_wrong_with_a_token_is_said(token, page, begins):
    """The wrong page, the wrong kind, permissions too few and too many, an end: each with what to do."""
    told = verified(PAGE, token, page).warnings

    assert [one[:len(start)] for one, start in zip(told, begins, strict=True)] == begins


def test_the_end_of_a_token_is_told():
    """As a moment in UTC; 0 means never."""
    assert verified(PAGE, {"expires_at": int(NOON.timestamp())}, None).expires_at == NOON
    assert verified(PAGE, {"expires_at": 0}, None).expires_at is None


ANYTHING = some.recursive(some.none() | some.booleans() | some.integers() | some.text(),
                          lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner))


@given(token=some.dictionaries(some.sampled_from(["type", "scopes", "expires_at", "is_valid", "error"]), ANYTHING),
       me=some.dictionaries(some.sampled_from(["id", "name"]), ANYTHING))
def test_whatever_facebook_says_of_a_token_is_read_or_refused(token, me):
    """No answer breaks the reader in any other way."""
    try:
        told = verified(me, token, "104729")
    except (Unauthorized, Unavailable):
        return
    assert told.account
    assert told.account_id == me["id"]


@pytest.mark.parametrize(("answers", "error"), [
    ({"GET me": [no(190)]}, Unauthorized), ({"GET me": [no(2, 500)]}, Unavailable),
    ({"GET me": [Refusal(200, {"name": "Mill"})], "GET debug_token": [no(100)]}, Unavailable),
    ({"GET me": [Refusal(200, PAGE)], "GET debug_token": [no(4, 403)]}, RateLimited),
    ({"GET me": [Refusal(200, PAGE)], "GET debug_token": [Refusal(200, {"data": {"is_valid": False}})]}, Unauthorized),
])
def test_a_token_that_cannot_be_looked_at_is_said_to_be(answers, error):
    """A dead token is dead; what makes no sense is tried again; no secret is told."""
    with Rehearsal([Saying({name: list(given) for name, given in answers.items()})]) as running, \
            pytest.raises(PublishError) as caught:
        at(running.address("facebook_page")).verify()

    assert type(caught.value) is error
    assert tells_nothing(caught.value)


# --- saying yes in a browser -----------------------------------------------------------------------------------------

def test_the_page_to_open_is_facebooks_own():
    """The dialog of the version that is used, with exactly the permissions that are needed; never the secret."""
    page = urlsplit(at(None).authorization(BACK, "state-1", VERIFIER))

    assert (page.scheme, page.netloc, page.path) == ("https", "www.facebook.com", "/v25.0/dialog/oauth")
    assert parse_qs(page.query) == {"client_id": ["mill"], "redirect_uri": [BACK], "state": ["state-1"],
                                    "response_type": ["code"], "scope": [",".join(SCOPES)]}


def agreed(adapter: FacebookPage) -> str:
    answer = httpx.get(adapter.authorization(BACK, "state-1", VERIFIER))
    told = parse_qs(urlsplit(answer.headers["location"]).query)
    assert told["state"] == ["state-1"]
    return told["code"][0]


def test_a_code_buys_the_pages_own_token(networks, twin):
    """What the exchange gives are credential fields that need no person any more; with them a post goes out."""
    asking = at(networks.address("facebook_page"), page_id="", page_access_token="")
    fields = asking.exchange(agreed(asking), BACK, VERIFIER)

    posted(at(networks.address("facebook_page"), **fields), "hello")

    assert set(fields) == {"page_id", "page_access_token"}
    assert [post.account for post in twin.posts] == [fields["page_id"]]


def some_pages(twin: Any, many: int, tasks: tuple[str, ...] = ("CREATE_CONTENT",)) -> None:
    twin.login.pages = [{"id": str(n), "name": f"Page {n}", "access_token": f"rehearsal:{n}", "tasks": list(tasks)}
                        for n in range(1, many + 1)]


@pytest.mark.parametrize("wanted", ["250", "Page 250"])
def test_the_page_that_is_named_is_found_among_many(networks, twin, wanted):
    """By number or by name, and on a later page of the list too."""
    some_pages(twin, 260)
    asking = at(networks.address("facebook_page"), page_id=wanted)

    assert asking.exchange(agreed(asking), BACK, VERIFIER) == {"page_id": "250", "page_access_token": "rehearsal:250"}


@pytest.mark.parametrize(("paging", "after"), [
    ({"cursors": {"after": "x"}, "next": "https://"}, "x"), ({"cursors": {"after": "x"}}, None), ({"next": "x"}, None),
    ({"cursors": [], "next": "x"}, None), ({"cursors": {"after": 7}, "next": "x"}, None), ([], None), (None, None)])
def test_a_list_goes_on_only_where_it_says_so(paging, after):
    """A cursor counts with `next`, whose address is never followed."""
    assert next_in({"paging": paging}) == after


@pytest.mark.parametrize(("many", "wanted", "tasks", "said"), [
    (2, "", ("MANAGE",), r"looks after: Page 1 \(1\), Page 2 \(2\)\. Set page_id"),
    (2, "7", ("MANAGE",), "which page is it"), (1, "1", ("ANALYZE", "MODERATE"), "may not create content on Page 1"),
])
def test_a_page_that_cannot_be_posted_on_is_no_credential(networks, twin, many, wanted, tasks, said):
    """Which page is asked back; a person without the task is told who must allow it."""
    some_pages(twin, many, tasks)
    asking = at(networks.address("facebook_page"), page_id=wanted)

    with pytest.raises(Unauthorized, match=said):
        asking.exchange(agreed(asking), BACK, VERIFIER)


@pytest.mark.parametrize("tasks", [["MANAGE"], ["PROFILE_PLUS_CREATE_CONTENT"], ["PROFILE_PLUS_FULL_CONTROL"], None])
def test_tasks_of_either_kind_of_page_count(tasks):
    """Pages of the newer kind have names of their own; where no tasks are told, none is missing."""
    page = {"id": "7", "name": "Mill", "access_token": "t", "tasks": tasks}

    assert page_in([page], "") == {"page_id": "7", "page_access_token": "t"}


@pytest.mark.parametrize("page", [{"id": "7", "name": "Mill"}, {"id": "7", "access_token": ""},
                                  {"id": "7", "access_token": 7}, {"access_token": "t"}])
def test_a_page_without_a_token_is_none(page):
    """A person who did not tick the page gets it listed without a token."""
    with pytest.raises(Unauthorized, match="gave no token"):
        page_in([page], "")


def test_a_code_is_good_once_for_who_asked(networks):
    """A second time, or with another redirect, it is refused: the person says yes once more."""
    asking = at(networks.address("facebook_page"))
    used = agreed(asking)
    asking.exchange(used, BACK, VERIFIER)

    for code, redirect in ((used, BACK), (agreed(asking), "http://127.0.0.1:1/"), ("made up", BACK)):
        with pytest.raises(Unauthorized, match="subcode 36008") as caught:
            asking.exchange(code, redirect, VERIFIER)
        assert tells_nothing(caught.value)


SOLD = Refusal(200, {"access_token": "user"})


@pytest.mark.parametrize(("answers", "error"), [
    ([no(101)], Unauthorized), ([no(190)], Unauthorized), ([Refusal(200, {})], Unavailable),
    ([Refusal(200, {"access_token": 7})], Unavailable), ([Refusal(500, "")], Unavailable),
    ([Refusal(200, json.dumps([SECRET]))], Unavailable), ([SOLD, no(190)], Unauthorized), ([SOLD, SOLD], Unauthorized),
])
def test_an_exchange_that_gives_nothing_raises(answers, error):
    """No answer is taken for a token that holds none, and no error tells the secret."""
    twin = Saying({"GET oauth/access_token": list(answers), "GET me/accounts": [Refusal(200, {"data": "none"})]})
    with Rehearsal([twin]) as running, pytest.raises(PublishError) as caught:
        at(running.address("facebook_page")).exchange("code", BACK, VERIFIER)

    assert type(caught.value) is error
    assert tells_nothing(caught.value)


def test_it_has_the_powers_it_says_it_has():
    """Whoever looks for a power finds it by its protocol."""
    assert all(isinstance(at(None), power)
               for power in (base.Prepares, base.Withdraws, base.Verifies, base.Authorizes, base.Identifies))
