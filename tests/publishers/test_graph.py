"""What answers of the Graph API mean."""
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from publishers._graph import is_gone, listing, understood, wait_until
from publishers._http import Answer
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

TOKEN = "EAAplanted%2F+token"
JSON = {"content-type": "application/json"}
DATE = "Sun, 22 Nov 2026 12:00:00 GMT"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def fault(code: object, **more: object) -> str:
    return json.dumps({"error": {"message": "words", "type": "OAuthException", "code": code, **more}})


ANSWERS = [     # status, body, what it means for a create call, what for one that may be repeated
    *((403, fault(code), RateLimited, RateLimited) for code in (4, 17, 32, 341, 613, 80001, 80002)),
    *((400, fault(code), Unauthorized, Unauthorized) for code in (3, 10, 102, 104, 190, 200, 230, 299)),
    (401, fault(190, error_subcode=460), Unauthorized, Unauthorized),
    (400, fault(100), Rejected, Rejected),
    (400, fault(368, error_subcode=1390008), Rejected, Rejected),
    (400, fault(1609005), Rejected, Rejected),
    (400, fault(300), Rejected, Rejected),
    (400, fault(506), Unconfirmed, Rejected),
    (500, fault(1), Unconfirmed, Unavailable),
    (400, fault(2), Unconfirmed, Unavailable),
    (400, fault(9999, is_transient=True), Unconfirmed, Unavailable),
    (500, fault(100), Unconfirmed, Unavailable),
    (200, fault(100), Unconfirmed, Unavailable),
    (429, fault(9999), RateLimited, RateLimited),
    (429, '{"oops": 1}', RateLimited, RateLimited),
    (429, "<html>slow down</html>", RateLimited, RateLimited),
    (400, fault(["not", "a", "number"]), Rejected, Rejected),
    (400, '{"error": "a string"}', Unconfirmed, Unavailable),
    (500, fault(4), Unconfirmed, Unavailable),
    (200, fault(190), Unconfirmed, Unavailable),
    (408, fault(100), Unconfirmed, Unavailable),
    (425, fault(100), Unconfirmed, Unavailable),
    (401, "<html>who are you</html>", Unauthorized, Unauthorized),
    (500, '{"oops": 1}', Unconfirmed, Unavailable),
    (500, '{"id": "1_2"}', Unconfirmed, Unavailable),
    (302, "", Unconfirmed, Unavailable),
    (403, "<html>blocked</html>", Unconfirmed, Unavailable),
    (200, "<html>hello</html>", Unconfirmed, Unavailable),
    (200, '{"id": "1_', Unconfirmed, Unavailable),
    (200, "[" * 100_000, Unconfirmed, Unavailable),
    (200, "[]", Unconfirmed, Unavailable),
    (200, "null", Unconfirmed, Unavailable),
    (200, "", Unconfirmed, Unavailable),
]


@pytest.mark.parametrize("creating", [True, False])
@pytest.mark.parametrize(("status", "body", "creates", "repeats"), ANSWERS, ids=lambda value: str(value)[:60])
def test_each_answer_has_one_meaning(
        status: int, body: str, creates: type[PublishError], repeats: type[PublishError], creating: bool) -> None:
    """A refusal that proves absence is that; whatever may have left a post is Unconfirmed for a create call alone."""
    with pytest.raises(PublishError) as caught:
        understood(Answer(status, JSON, body), TOKEN, creating=creating)

    assert type(caught.value) is (creates if creating else repeats)


def test_no_answer_is_in_doubt() -> None:
    """A create call without an answer is Unconfirmed."""
    with pytest.raises(Unconfirmed):
        understood(None, TOKEN, creating=True)


def test_a_yes_is_its_object() -> None:
    """A 2xx with a JSON object is that object."""
    assert understood(Answer(200, JSON, '{"id": "1_2"}'), TOKEN, creating=True) == {"id": "1_2"}


def test_the_networks_words_are_quoted_in_part() -> None:
    """A refusal quotes the network on one line, cut, and with the token taken out."""
    body = fault(100, message=f"Bad\nvalue {TOKEN} " + "x" * 500)

    with pytest.raises(Rejected) as caught:
        understood(Answer(400, JSON, body), TOKEN, creating=True)

    assert caught.value.why == "the network refused it (code 100): " + ("Bad value [token] " + "x" * 500)[:200]


@given(status=st.integers(100, 599), code=st.one_of(st.integers(0, 600), st.none(), st.text()), token=st.just(TOKEN),
       words=st.text(), transient=st.booleans(), creating=st.booleans())
def test_no_error_ever_holds_the_token(
        status: int, code: object, token: str, words: str, transient: bool, creating: bool) -> None:
    """Whatever the network says about a token, no error of ours repeats it."""
    body = fault(code, message=f"{words}{token}{words}", error_user_msg=f"{token}{words}", is_transient=transient)

    with pytest.raises(PublishError) as caught:
        understood(Answer(status, JSON, body), token, creating=creating)

    assert token not in str(caught.value) + caught.value.why + repr(caught.value)


@given(status=st.integers(100, 599), body=st.one_of(st.text(), st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(
        st.sampled_from(["error", "id", "code", "message", "data"]), inner)).map(json.dumps)))
def test_any_answer_is_understood_or_a_publish_error(status: int, body: str) -> None:
    """No answer makes the reader fail in any other way."""
    try:
        understood(Answer(status, JSON, body), TOKEN, creating=True)
    except PublishError:
        assert True


def usage(*minutes: object) -> str:
    return json.dumps({"115": [{"type": "pages", "estimated_time_to_regain_access": m} for m in minutes]})


@pytest.mark.parametrize(("headers", "until"), [
    ({"date": DATE, "x-business-use-case-usage": usage(0, 19)}, NOON + timedelta(minutes=19)),
    ({"date": DATE, "retry-after": "90"}, NOON + timedelta(seconds=90)),
    ({"date": DATE, "retry-after": "90", "x-business-use-case-usage": usage(5)}, NOON + timedelta(minutes=5)),
    ({"retry-after": "Sun, 22 Nov 2026 12:07:00 GMT"}, NOON + timedelta(minutes=7)),
    ({"x-business-use-case-usage": usage(19)}, None),
    ({"date": DATE, "x-business-use-case-usage": usage(0)}, None),
    ({"date": DATE, "x-business-use-case-usage": usage(10 ** 400)}, None),
    ({"date": DATE, "x-business-use-case-usage": "not JSON"}, None),
    ({"date": DATE}, None),
    ({"date": "once upon a time", "retry-after": "90"}, None),
    ({}, None),
])
def test_the_wait_counts_from_the_networks_own_clock(headers: Mapping[str, str], until: datetime | None) -> None:
    """The end of a wait is the answer's `Date` plus the longest wait it names, or unknown."""
    assert wait_until(headers) == until


@given(st.dictionaries(st.sampled_from(["date", "retry-after", "x-business-use-case-usage"]),
                       st.one_of(st.text(), st.just(DATE), st.integers().map(str), st.floats().map(usage),
                                 st.integers().map(usage))))
def test_no_header_breaks_the_wait(headers: dict[str, str]) -> None:
    """Any header gives a moment in UTC within a week of the network's clock, or None."""
    until = wait_until(headers)

    assert until is None or until.tzinfo is not None


@pytest.mark.parametrize("body", [{}, {"data": 7}, {"data": [{"id": 7}]}, {"data": [{"id": "1", "created_time": "x"}]},
                                  {"data": [{"id": "1", "created_time": "2026-11-22T12:00:00"}]}])
def test_a_list_that_cannot_be_read_is_unavailable(body: dict[str, object]) -> None:
    """A list with missing or odd fields is never taken for an empty one."""
    with pytest.raises(Unavailable) as caught:
        listing(body)

    assert caught.value.__context__ is None


def test_photos_are_counted_below_an_album() -> None:
    """An album counts the photos below it, a single photo is itself, a link card is none."""
    entries = [{"id": "1", "created_time": "2026-11-22T12:00:00+0000", "attachments": {"data": attached}}
               for attached in ([{"media_type": "album", "subattachments": {"data": [{"media_type": "photo"}] * 3}}],
                                [{"media_type": "photo"}], [{"media_type": "link"}])]

    assert [entry.photos for entry in listing({"data": entries}).data] == [3, 1, 0]


@pytest.mark.parametrize(("status", "body", "gone"), [
    (400, fault(100, error_subcode=33), True), (404, fault(100, error_subcode=33), True),
    (400, fault(100), False), (400, fault(100, error_subcode=34), False), (500, fault(100, error_subcode=33), False),
    (200, fault(100, error_subcode=33), False), (404, "<html>", False), (404, "", False), (200, '{"id": "1"}', False),
    (400, '{"error": "gone"}', False), (400, "[]", False),
])
def test_gone_is_what_the_network_calls_gone(status: int, body: str, gone: bool) -> None:
    """Only its own code for an object that is not there counts; a page of a gate does not."""
    assert is_gone(Answer(status, JSON, body)) is gone


def test_no_answer_is_not_gone() -> None:
    """What nobody answered proves nothing."""
    assert not is_gone(None)


def test_other_secrets_are_not_quoted_either() -> None:
    """An app's secret and a code that is repeated in a refusal are taken out, however they are written."""
    body = fault(100, message=f"Bad app%2Fsecret, app/secret, and the code {TOKEN}")

    with pytest.raises(Rejected) as caught:
        understood(Answer(400, JSON, body), "", creating=False, secrets=["app/secret", "", TOKEN])

    assert caught.value.why == "the network refused it (code 100): Bad [token], [token], and the code [token]"
