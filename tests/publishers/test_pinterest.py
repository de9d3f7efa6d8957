"""What only Pinterest has: pins and carousels by address, boards read whole, Trial access, signing in."""
import base64
import hashlib
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from chat_peer import Peer, Told
from contract_case import FILES, OURS, film, part, picture
from pinterest_case import BOARD, kettles, pin, signed
from pydantic import SecretStr

from publishers import pinterest
from publishers.base import Connection, Sent
from publishers.pinterest import Pinterest
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.pinterest_twin import PinterestTwin
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEFORE = NOON - timedelta(minutes=5)
DATE = ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")
TOKEN = "".join(("pina_", "planted8f1c"))                # so that no source line in a traceback holds it
SECRET = "".join(("app-", "planted77aa"))
WHERE = "https://files.example/"
PLAIN = pin(part("A kettle is mended. #mill", picture("kettle.jpg", "A kettle")), title="A kettle",
            link="https://example.org/kettle?utm_source=pinterest")
YES = Told(201, {"id": "813744226420795884", "created_at": "2026-11-22T12:00:00"})


def at(address: str | None, **fields: str) -> Pinterest:
    given = {"client_id": "1494227", "client_secret": SECRET, "access_token": TOKEN, **fields}
    secrets = {name: SecretStr(value) for name, value in given.items() if value}
    return Pinterest(Connection(OURS, secrets, address, 5.0, 20.0))


def told(said: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in at(None).check(said) if problem.severity == severity]


def handles(said: Message) -> Sent:
    media = at(None).compose(said).parts[0].media
    return Sent(handles={blob: f"{WHERE}{number}.jpg" for number, blob in enumerate(media)})


def publish(made: Pinterest, said: Message = PLAIN) -> PartReceipt:
    return made.publish(made.compose(said), 0, handles(said))


def form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def tells_nothing(error: BaseException) -> bool:
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += f"{deeper!r}{deeper.args}"
        deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
    return TOKEN not in story and SECRET not in story


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    with Rehearsal([PinterestTwin(lambda: NOON)]) as running:
        yield running


# --- the wire --------------------------------------------------------------------------------------------------------

def test_a_pin_is_one_call_whole() -> None:
    """What leaves is the documented body, its picture by address, and nothing that is empty."""
    with Peer(YES) as peer:
        receipt = publish(at(peer.address))
    (heard,) = peer.heard
    assert (heard.method, heard.path, heard.headers["authorization"]) == ("POST", "/v5/pins", f"Bearer {TOKEN}")
    assert heard.json == {
        "board_id": BOARD, "title": "A kettle", "description": "A kettle is mended. #mill", "alt_text": "A kettle",
        "link": "https://example.org/kettle?utm_source=pinterest",
        "media_source": {"source_type": "image_url", "url": f"{WHERE}0.jpg"}}
    assert receipt.id == "813744226420795884"


def test_a_carousel_names_each_picture_in_order() -> None:
    """Two to five addresses; the pin's one alt text says what all of them show."""
    with Peer(YES) as peer:
        publish(at(peer.address), pin(part("Before and after", *kettles(2)), title="Two", options={"section": "17"}))
    assert peer.heard[0].json == {
        "board_id": BOARD, "board_section_id": "17", "title": "Two", "description": "Before and after",
        "alt_text": "Kettle 0; Kettle 1", "media_source": {"source_type": "multiple_image_urls", "items": [
            {"url": f"{WHERE}0.jpg"}, {"url": f"{WHERE}1.jpg"}]}}


def test_receipts_lead_to_the_pin() -> None:
    """The address of a pin, as Pinterest shows it."""
    assert at(None).receipt_of("813744226420795884").url == "https://www.pinterest.com/pin/813744226420795884/"


def test_pictures_need_an_open_address() -> None:
    """The handle of a picture is its address; one that is no https is refused before anything is sent."""
    made, outgoing = at(None), at(None).compose(PLAIN)
    blob = outgoing.parts[0].media[0]
    assert made.fetch(outgoing, 0, lambda sha256: f"{WHERE}{sha256}") == {blob: f"{WHERE}{blob}"}
    with pytest.raises(Unavailable):
        made.fetch(outgoing, 0, lambda sha256: f"http://files.example/{sha256}")


def test_what_cannot_be_pinned_never_leaves() -> None:
    """Films and comments are refused in the check, and by `publish` too."""
    for said in (pin(part("It boils", film())), pin("Words", part("And more", kind="comment"))):
        assert told(said) != []
        number = len(at(None).compose(said).parts) - 1
        with Peer(YES) as peer, pytest.raises(Rejected):
            at(peer.address).publish(at(None).compose(said), number, handles(said))
        assert peer.heard == []


# --- thinking --------------------------------------------------------------------------------------------------------

def test_limits_once_inside_and_once_outside() -> None:
    """800 letters of text, 100 of title, 500 of alt text, 2,048 of link, five pictures, 20 MB."""
    home = "https://example.org/"
    for inside, outside in (
            (pin(part("x" * 800, picture())), pin(part("x" * 801, picture()))),
            (pin(part("x", picture()), title="t" * 100), pin(part("x", picture()), title="t" * 101)),
            (pin(part("x", picture(alt="a" * 500))), pin(part("x", picture(alt="a" * 501)))),
            (pin(part("x", picture("a.png", "a" * 248), picture("b.png", "b" * 250))),
             pin(part("x", picture("a.png", "a" * 249), picture("b.png", "b" * 250)))),
            (pin(part("x", picture()), link=home + "k" * (2_048 - len(home))),
             pin(part("x", picture()), link=home + "k" * (2_049 - len(home)))),
            (pin(part("x", *kettles(5))), pin(part("x", *kettles(6)))),
            (pin(part("x", picture("big.jpg", size=20_000_000, blob="kettle.jpg-600x600"))),
             pin(part("x", picture("big.jpg", size=20_000_001, blob="kettle.jpg-600x600"))))):
        assert told(inside) == []
        assert len(told(outside)) == 1


@pytest.mark.parametrize(("more", "words"), [
    ({"board": ""}, "which board"), ({"board": "Kettles"}, "'board' cannot be"),
    ({"options": {"section": "top"}}, "'section' cannot be"), ({"link": "example.org"}, "whole address"),
    ({"link": "javascript:alert(1)"}, "whole address")])
def test_what_an_author_can_get_wrong_is_said(more, words) -> None:
    """A board is a number, a link a whole address."""
    (said,) = told(pin(part("A kettle", picture()), **more))
    assert words in said


def test_uneven_carousels_are_a_warning() -> None:
    """Pictures of two shapes are cut by Pinterest; those nearly alike are not worth a word."""
    tall, taller, wide = (picture(f"{height}.png", "K", width=600, height=height) for height in (900, 905, 600))
    assert told(pin(part("x", tall, taller)), Severity.warning) == []
    (said,) = told(pin(part("x", tall, wide)), Severity.warning)
    assert "differ in shape" in said


@pytest.mark.parametrize("said", [
    "https://www.pinterest.com/pin/813744226420795884/", "pinterest.com/pin/813744226420795884",
    "https://de.pinterest.com/pin/813744226420795884/?utm=x", "https://www.pinterest.co.uk/pin/813744226420795884/",
    "https://www.pinterest.com/pin/a-mended-kettle--813744226420795884/", " 813744226420795884 "])
def test_addresses_that_people_paste(said) -> None:
    """Each usual address of a pin, in any country, gives its number."""
    assert at(None).receipt_of(said).id == "813744226420795884"


@pytest.mark.parametrize("said", [
    "https://pin.it/4abcDEF", "https://www.pinterest.com/us/kettles/", "https://www.pinterest.evil/pin/81374422642/",
    "https://pinterest.com.evil.example/pin/81374422642/", "https://x.com/us/status/81374422642", "", "pin",
    "https://www.pinterest.com/pin/", "https://www.pinterest.com:8443/pin/81374422642/"])
def test_other_addresses_are_refused(said) -> None:
    """What names no pin is said to be none, with an example."""
    with pytest.raises(ValueError, match="looks like"):
        at(None).receipt_of(said)


# --- answers ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("answer", "error", "until"), [
    (Told(400, {"code": 1, "message": "Invalid request"}), Rejected, None),
    (Told(403, {"code": 29, "message": "Apps with Trial access may not create Pins in production"}), Unauthorized,
     None),
    (Told(403, {"code": 3, "message": "Authorization failed."}), Unauthorized, None),
    (Told(403, {"code": 7, "message": "Your application consumer type is not supported"}), Unauthorized, None),
    (Told(403, {"code": 7, "message": "missing scope: ['pins:write']"}), Unauthorized, None),
    (Told(403, {"code": 236, "message": "The Pin's image is too small, too large or is broken"}), Rejected, None),
    (Told(404, {"code": 40, "message": "Board not found."}), Rejected, None),
    (Told(429, {"code": 8, "message": "rate limit"}, (DATE, ("X-RateLimit-Reset", "90"))), RateLimited,
     timedelta(seconds=90)),
    (Told(429, {"code": 8}, (DATE, ("X-RateLimit-Reset", "999999"))), RateLimited, None),
    (Told(429, {"code": 8}, (("X-RateLimit-Reset", "90"),)), RateLimited, None),
    (Told(500, {"code": 0, "message": "Something went wrong on our end."}), Unconfirmed, None),
    (Told(201, {"id": 813744226420795884}), Unconfirmed, None),
    (Told(201, {"id": "../pins"}), Unconfirmed, None),
], ids=str)
def test_each_answer_means_one_thing(answer, error, until) -> None:
    """Pinterest's own codes, each as what it proves."""
    with Peer(answer) as peer, pytest.raises(PublishError) as caught:
        publish(at(peer.address))
    assert type(caught.value) is error
    assert len(peer.heard) == 1
    assert tells_nothing(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.until == (NOON + until if until else None)


def test_trial_access_is_explained(networks) -> None:
    """An app with Trial access pins nothing in public: the refusal says what to do, and so does the set-up."""
    who = "@trial"
    secrets = {name: SecretStr(value) for name, value in signed(who).items()}
    made = Pinterest(Connection(who, secrets, networks.address("pinterest"), 5.0, 20.0))
    with pytest.raises(Unauthorized) as caught:
        made.publish(made.compose(PLAIN), 0, handles(PLAIN))
    assert "api-sandbox.pinterest.com" in caught.value.why
    assert "Trial access" in Pinterest.setup.review


def test_the_sandbox_is_another_host_and_no_third_is_taken() -> None:
    """`api_host` chooses between two; with any other one nothing leaves."""
    with pytest.raises(Unauthorized, match="api_host"):
        publish(at(None, api_host="api.evil.example"))
    assert at(None, api_host=pinterest.API_HOSTS[1])._url("/pins") == "https://api-sandbox.pinterest.com/v5/pins"
    assert at(None)._url("/pins") == "https://api.pinterest.com/v5/pins"


# --- reading back ----------------------------------------------------------------------------------------------------

def row(**more: Any) -> dict[str, Any]:
    return {"id": "81374422", "created_at": "2026-11-22T12:00:00", "title": "A kettle",
            "media": {"media_type": "image"}, "description": "A kettle is mended. #mill",
            "link": "https://example.org/kettle?utm_source=pinterest", **more}


def page(*rows: dict[str, Any], bookmark: str | None = None) -> Told:
    return Told(200, {"items": list(rows), "bookmark": bookmark})


@pytest.mark.parametrize(("rows", "ids", "complete"), [
    ([row()], ["81374422"], True),
    ([row(description="A kettle  is mended. #mill ")], ["81374422"], True),
    ([row(created_at="2026-11-22T11:54:59")], [], True),
    ([row(created_at="2026-11-22T12:54:59+01:00")], [], True),
    ([row(title="Another", description="Others")], [], True),
    ([row(title="Another")], [], False),
    ([row(description=None)], [], False),
    ([row(link=None)], [], False),
    ([row(media={"media_type": "multiple_images", "items": [{}, {}]})], [], False),
    ([row(media=None)], ["81374422"], True),
    ([row(), row(id="2")], ["81374422", "2"], True),
    ([row(), row()], ["81374422"], True),
])
def test_a_look_judges_each_pin(rows, ids, complete) -> None:
    """Same title, text, link and pictures; one with its title or text alone may have been edited."""
    with Peer(page(*rows)) as peer:
        found = at(peer.address).find(at(None).compose(PLAIN), 0, BEFORE, Sent())
    assert ([match.id for match in found.matches], found.complete) == (ids, complete)
    assert [heard.path for heard in peer.heard] == [f"/v5/boards/{BOARD}/pins?page_size=250"]


def test_a_look_reads_the_whole_board() -> None:
    """Pins stand in any order: an old page is no end; a board without an end is incomplete; sections have a list."""
    old = row(id="7", created_at="2020-01-01T00:00:00")
    outgoing = at(None).compose(PLAIN)
    with Peer(page(old, bookmark="b1"), page(row())) as peer:
        assert [match.id for match in at(peer.address).find(outgoing, 0, BEFORE, Sent()).matches] == ["81374422"]
    assert peer.heard[1].path.endswith("?page_size=250&bookmark=b1")
    with Peer(page(old, bookmark="b1")) as peer:
        assert at(peer.address).find(outgoing, 0, BEFORE, Sent()) == ((), False)
    assert len(peer.heard) == pinterest.MOST_PAGES
    with Peer(page()) as peer:
        inside = at(None).compose(pin(part("x", picture()), options={"section": "17"}))
        assert at(peer.address).find(inside, 0, BEFORE, Sent()) == ((), True)
    assert peer.heard[0].path == f"/v5/boards/{BOARD}/sections/17/pins?page_size=250"


@pytest.mark.parametrize("odd", [page(row(created_at=17)), page(row(id=17)), page({"title": "A kettle"}),
                                 Told(200, {"items": [1]}), Told(200, {"items": {}, "bookmark": 3})])
def test_a_list_in_another_form_is_no_answer(odd) -> None:
    """What is not documented proves nothing."""
    outgoing = at(None).compose(PLAIN)
    with Peer(odd) as peer, pytest.raises(Unavailable):
        at(peer.address).find(outgoing, 0, BEFORE, Sent())


# --- accounts --------------------------------------------------------------------------------------------------------

def test_tokens_are_renewed_and_the_new_refresh_token_is_kept() -> None:
    """One form, signed with the app's own name; what is not told is not kept."""
    yes = {"access_token": "new", "refresh_token": "newer", "expires_in": 2_592_000, "scope": "pins:read"}
    with Peer(Told(200, yes, (DATE,)), Told(200, {"access_token": "n"})) as peer:
        assert at(peer.address, refresh_token="old").refresh() == {
            "access_token": "new", "refresh_token": "newer", "expires_at": "2026-12-22T12:00:00Z"}
        assert at(peer.address, refresh_token="old").refresh() == {"access_token": "n"}
    assert peer.heard[0].path == "/v5/oauth/token"
    assert peer.heard[0].headers["authorization"] == f"Basic {base64.b64encode(f'1494227:{SECRET}'.encode()).decode()}"
    assert form(peer.heard[0].body) == {"grant_type": "refresh_token", "refresh_token": "old"}
    with pytest.raises(Unauthorized):
        at(None).refresh()


def test_a_refresh_token_that_ended_needs_a_person() -> None:
    """Refused for good, without a word of what was sent."""
    answer = Told(401, {"code": 2, "message": f"Authentication failed for {TOKEN}"})
    with Peer(answer) as peer, pytest.raises(Unauthorized) as caught:
        at(peer.address, refresh_token=TOKEN).refresh()
    assert "connect the account again" in caught.value.why
    assert tells_nothing(caught.value)


def test_a_person_says_yes_in_a_browser(networks) -> None:
    """The page asks for what is needed and no more; its code buys both tokens."""
    made = Pinterest(Connection(OURS, {"client_id": SecretStr(OURS), "client_secret": SecretStr("rehearsal:x")},
                                networks.address("pinterest")))
    seen = made.authorization("http://127.0.0.1:8976/", "st4te", "verifier")
    assert dict(parse_qsl(urlsplit(seen).query)) == {
        "client_id": OURS, "redirect_uri": "http://127.0.0.1:8976/", "response_type": "code", "state": "st4te",
        "scope": "boards:read,boards:write,pins:read,pins:write,user_accounts:read"}
    assert at(None).authorization("http://127.0.0.1:8976/", "s", "v").startswith("https://www.pinterest.com/oauth/?")
    back = dict(parse_qsl(urlsplit(httpx.get(seen).headers["location"]).query))
    fields = made.exchange(back["code"], "http://127.0.0.1:8976/", "verifier")
    assert set(fields) == {"access_token", "refresh_token", "expires_at"}


def test_verify_names_the_boards(networks) -> None:
    """People need a board's number, which Pinterest shows nowhere: it is told here."""
    secrets = {name: SecretStr(value) for name, value in signed(OURS).items()}
    verified = Pinterest(Connection(OURS, secrets, networks.address("pinterest"), 5.0, 20.0)).verify()
    assert verified.account == "@us"
    assert f"Kettles = {BOARD}" in verified.warnings[-1]


def test_verify_says_what_is_missing() -> None:
    """No board, no permission to list them, the sandbox: each with what to do."""
    me = Told(200, {"id": "17", "username": "us"})
    with Peer(me, page()) as peer:
        assert "no board" in at(peer.address).verify().warnings[0]
    with Peer(me, Told(403, {"code": 3, "message": "missing scope"})) as peer:
        sandboxed = at(peer.address, api_host="api-sandbox.pinterest.com").verify().warnings
    assert ["sandbox" in sandboxed[0], "say yes to all" in sandboxed[1]] == [True, True]


def test_withdrawing_counts_what_is_gone_as_gone() -> None:
    """204, and Pinterest's own 404; a page from something between is neither."""
    for answer in (Told(204), Told(404, {"code": 50, "message": "Pin not found."})):
        with Peer(answer) as peer:
            at(peer.address).withdraw(PartReceipt(id="81374422"))
        assert (peer.heard[0].method, peer.heard[0].path) == ("DELETE", "/v5/pins/81374422")
    with Peer(Told(404, "<html>")) as peer, pytest.raises(Unavailable):
        at(peer.address).withdraw(PartReceipt(id="81374422"))


def test_a_picture_that_cannot_be_fetched_is_refused(networks) -> None:
    """Pinterest fetches while it makes the pin: a dead address, or what is no picture, makes none."""
    secrets = {name: SecretStr(value) for name, value in signed(OURS).items()}
    made = Pinterest(Connection(OURS, secrets, networks.address("pinterest"), 5.0, 20.0))
    outgoing = made.compose(PLAIN)
    shared = f"{networks.url}/_rehearsal/shared/"
    FILES["text"] = b"no picture"
    there = shared + hashlib.sha256(FILES["text"]).hexdigest()
    httpx.put(there, content=FILES["text"]).raise_for_status()
    for address in ("https://elsewhere.example/k.jpg", shared + "0" * 64, there):
        with pytest.raises(Rejected):
            made.publish(outgoing, 0, Sent(handles={outgoing.parts[0].media[0]: address}))
    assert networks.twin("pinterest").posts == []
