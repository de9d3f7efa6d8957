"""What Instagram's adapter says on the wire, and what it makes of each documented answer, against a scripted peer."""
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from contract_case import OURS, film, message, part, picture
from pydantic import SecretStr

from publishers._container_calls import read
from publishers._containers import Draft
from publishers._http import Answer
from publishers.base import DRAFT, Connection, Sent
from publishers.instagram import Instagram
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import Found, PartReceipt

TOKEN = "".join(("IGAA", "planted8f1c"))
USER = "17841400008460056"
CONTAINER, MEDIA = "17889455560051444", "17899506308402767"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
ALL = message("instagram", part("A kettle is mended.", picture()))


class Peer:
    """A port that gives the scripted answers in order, each with the moment NOON, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, Any]] = []
        self.heard: list[tuple[str, str, dict[str, str]]] = []
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
                where = urlsplit(self.path)
                fields = dict(parse_qsl(where.query, keep_blank_values=True) + parse_qsl(body, keep_blank_values=True))
                peer.heard.append((self.command, where.path, fields))
                status, said = peer.answers.pop(0)
                data = (said if isinstance(said, str) else json.dumps(said)).encode()
                self.send_response_only(status)
                self.send_header("Date", "Sun, 22 Nov 2026 12:00:00 GMT")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = do

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def asked(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.heard]


@pytest.fixture
def peer() -> Iterator[Peer]:
    made = Peer()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.01,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


def adapter(peer: Peer | None = None, **more: str) -> Instagram:
    given = {"access_token": TOKEN, "user_id": USER, **more}
    return Instagram(Connection(OURS, {name: SecretStr(value) for name, value in given.items()},
                                peer.url if peer else None, connect_timeout_s=2.0, request_timeout_s=10.0))


QUOTA = (200, {"data": [{"quota_usage": 3, "config": {"quota_total": 50, "quota_duration": 86_400}}]})
FINISHED = (200, {"id": CONTAINER, "status_code": "FINISHED", "status": "Finished"})
WAITING = (200, {"id": CONTAINER, "status_code": "IN_PROGRESS", "status": "In progress"})
PUBLISHED = (200, {"id": CONTAINER, "status_code": "PUBLISHED", "status": "Published"})
EXPIRED = (200, {"id": CONTAINER, "status_code": "EXPIRED", "status": "Expired"})
MADE = (200, {"id": CONTAINER})
HANDLE = f"{CONTAINER}@{int(NOON.timestamp())}"


def no(code: int, subcode: int | None = None, status: int = 400, **more: object) -> tuple[int, Any]:
    return status, {"error": {"message": "No", "code": code, **({"error_subcode": subcode} if subcode else {}), **more}}


def shown(text: str = "A kettle is mended.", id: str = MEDIA, at: str = "2026-11-22T12:00:03+0000",
          **more: object) -> dict[str, Any]:
    return {"id": id, "caption": text, "timestamp": at, "permalink": f"https://www.instagram.com/p/{id}/",
            "media_type": "IMAGE", **more}


# --- what is said ----------------------------------------------------------------------------------------------------

def test_a_picture_is_one_container_with_everything_in_it(peer) -> None:
    """The quota first, then the container with caption, address and alt text, then its state; the handle tells when."""
    peer.answers = [QUOTA, MADE, FINISHED]
    outgoing = adapter(peer).compose(message("instagram", part("A kettle is mended.", picture()),
                                             options={"collaborators": ("@tea", "pots"), "location_id": "7640348500"}))
    handles = adapter(peer).fetch(outgoing, 0, lambda blob: f"https://files.example/{blob}?sign=1")

    handle = adapter(peer).draft(outgoing, 0, Sent(handles=handles))

    (blob,) = outgoing.parts[0].media
    assert handle == HANDLE
    assert peer.heard == [
        ("GET", f"/v25.0/{USER}/content_publishing_limit", {"fields": "quota_usage,config", "access_token": TOKEN}),
        ("POST", f"/v25.0/{USER}/media", {
            "caption": "A kettle is mended.", "alt_text": "A kettle", "collaborators": '["tea", "pots"]',
            "location_id": "7640348500", "image_url": f"https://files.example/{blob}?sign=1", "access_token": TOKEN}),
        ("GET", f"/v25.0/{CONTAINER}", {"fields": "status_code,status", "access_token": TOKEN})]


def test_a_reel_names_its_kind_and_its_cover(peer) -> None:
    """A video alone is a reel: its address, its options, and no alt text, which reels do not take."""
    peer.answers = [QUOTA, MADE, WAITING]
    outgoing = adapter(peer).compose(message("instagram", part("It boils", film()),
                                             options={"share_to_feed": True, "thumb_offset": 1500}))

    handle = adapter(peer).draft(outgoing, 0, Sent(handles={"film": "https://files.example/film.mp4"}))

    assert handle == f"processing:{HANDLE}"
    assert peer.heard[1][2] == {"media_type": "REELS", "caption": "It boils", "share_to_feed": "true",
                                "thumb_offset": "1500", "video_url": "https://files.example/film.mp4",
                                "access_token": TOKEN}


def test_a_carousel_has_children_and_only_then_a_container(peer) -> None:
    """Each file is a container without a caption; the carousel names them in order, and asks after unready ones."""
    outgoing = adapter(peer).compose(message("instagram", part("Two", picture("one.jpg"), film())))
    peer.answers = [(200, {"id": "11"}), (200, {"status_code": "FINISHED"}), (200, {"id": "12"}),
                    (200, {"status_code": "IN_PROGRESS"})]
    handles = adapter(peer).fetch(outgoing, 0, lambda blob: f"https://files.example/{blob}")
    said = [fields for method, _, fields in peer.heard if method == "POST"]
    assert list(handles.values()) == [f"11@{HANDLE.partition('@')[2]}", f"processing:12@{HANDLE.partition('@')[2]}"]
    assert said == [{"is_carousel_item": "true", "image_url": "https://files.example/one.jpg-600x600",
                     "alt_text": "A kettle", "access_token": TOKEN},
                    {"is_carousel_item": "true", "media_type": "VIDEO", "video_url": "https://files.example/film",
                     "access_token": TOKEN}]

    peer.answers, peer.heard = [QUOTA, (200, {"status_code": "FINISHED"}), MADE, FINISHED], []
    adapter(peer).draft(outgoing, 0, Sent(handles=handles))
    assert peer.asked() == [f"GET /v25.0/{USER}/content_publishing_limit", "GET /v25.0/12",
                            f"POST /v25.0/{USER}/media", f"GET /v25.0/{CONTAINER}"]
    assert peer.heard[2][2] == {"media_type": "CAROUSEL", "caption": "Two", "children": "11,12", "access_token": TOKEN}


def test_publishing_names_the_container_and_nothing_else(peer) -> None:
    """One call; the address of the post is not asked for."""
    peer.answers = [(200, {"id": MEDIA})]
    receipt = adapter(peer).publish(adapter(peer).compose(ALL), 0, Sent(handles={DRAFT: HANDLE}))

    assert receipt == PartReceipt(id=MEDIA)
    assert peer.heard == [("POST", f"/v25.0/{USER}/media_publish", {"creation_id": CONTAINER, "access_token": TOKEN})]


def test_a_first_comment_is_a_call_of_its_own(peer) -> None:
    """It needs no container, stands under the post, and a look that does not see it is not complete."""
    outgoing = adapter(peer).compose(message("instagram", part("One", picture()), part("Below", kind="comment")))
    so_far = Sent((PartReceipt(id=MEDIA),), {DRAFT: adapter(peer).draft(outgoing, 1, Sent((PartReceipt(id=MEDIA),)))})
    assert peer.heard == []
    who = (200, {"user_id": USER, "username": "us"})
    below = {"id": "17870913679156914", "text": "Below", "timestamp": "2026-11-22T12:00:00+0000", "username": "us"}
    theirs, nobodys = {**below, "id": "8", "username": "them"}, {**below, "id": "9", "username": None}
    peer.answers = [(200, {"id": "17870913679156914"}), who, (200, {"data": [theirs, nobodys]}), who,
                    (200, {"data": [theirs, below]})]

    assert adapter(peer).publish(outgoing, 1, so_far) == PartReceipt(id="17870913679156914")
    assert adapter(peer).find(outgoing, 1, NOON, so_far) == Found((), False)
    assert adapter(peer).find(outgoing, 1, NOON, so_far) == Found((PartReceipt(id="17870913679156914"),), True)
    assert peer.heard[0] == ("POST", f"/v25.0/{MEDIA}/comments", {"message": "Below", "access_token": TOKEN})


def test_a_second_comment_stands_under_the_post_too(peer) -> None:
    """Not under the first comment, which takes none this way."""
    outgoing = adapter(peer).compose(message("instagram", part("One", picture()), part("A", kind="comment"),
                                             part("B", kind="comment")))
    peer.answers = [(200, {"id": "19"}), (200, {"user_id": USER, "username": "us"}), (200, {"data": []})]
    so_far = Sent((PartReceipt(id=MEDIA), PartReceipt(id="18")))
    adapter(peer).publish(outgoing, 2, so_far)
    adapter(peer).find(outgoing, 2, NOON, so_far)
    assert peer.asked() == [f"POST /v25.0/{MEDIA}/comments", "GET /v25.0/me", f"GET /v25.0/{MEDIA}/comments"]


@pytest.mark.parametrize("refusal", [no(100, 33), no(24, 2207006)])
def test_a_comment_under_a_post_that_is_not_found_yet_is_tried_again(peer, refusal) -> None:
    """A post that has just come out may not be found for a moment: there is no comment, and nothing is lost."""
    outgoing = adapter(peer).compose(message("instagram", part("One", picture()), part("Below", kind="comment")))
    peer.answers = [refusal]
    with pytest.raises(PublishError) as caught:
        adapter(peer).publish(outgoing, 1, Sent((PartReceipt(id=MEDIA),)))
    assert (type(caught.value), len(peer.heard)) == (Unavailable, 1)


@pytest.mark.parametrize("refusal", [no(24, 2207006), no(100, 33)])
def test_children_that_are_not_found_yet_make_no_end(peer, refusal) -> None:
    """A carousel of containers that have just been made may find none: it is made later."""
    outgoing = adapter(peer).compose(message("instagram", part("Two", picture("one.jpg"), picture("two.jpg"))))
    peer.answers = [QUOTA, refusal]
    with pytest.raises(PublishError) as caught:
        adapter(peer).draft(outgoing, 0, Sent(handles=dict.fromkeys(outgoing.parts[0].media, HANDLE)))
    assert type(caught.value) is Unavailable


# --- what comes back -------------------------------------------------------------------------------------------------

def test_a_container_that_is_not_ready_stops_the_call_before_it_leaves(peer) -> None:
    """Still processing, or failed or expired where another container may do, is Unavailable; nothing is published.

    Rejected is only what is wrong with the file.
    """
    outgoing, sent = adapter(peer).compose(ALL), Sent(handles={DRAFT: f"processing:{HANDLE}"})
    for state, error in ((WAITING, Unavailable), (EXPIRED, Unavailable),
                         ((200, {"status_code": "ERROR", "status": "Error: … error code 2207026"}), Rejected),
                         ((200, {"status_code": "ERROR", "status": "Error: … error code 2207053"}), Unavailable),
                         ((200, {}), Unavailable), ((500, "<html>"), Unavailable)):
        peer.answers, peer.heard = [state], []
        with pytest.raises(PublishError) as caught:
            adapter(peer).publish(outgoing, 0, sent)
        assert type(caught.value) is error
        assert peer.asked() == [f"GET /v25.0/{CONTAINER}"]

    peer.answers, peer.heard = [FINISHED, (200, {"id": MEDIA})], []
    assert adapter(peer).publish(outgoing, 0, sent).id == MEDIA


@pytest.mark.parametrize(("state", "error"), [
    (("ERROR", "Error: Media upload has failed with error code 2207026"), Rejected),
    (("ERROR", "Error: Media upload has failed with error code 2207053"), Unavailable),
    (("EXPIRED", ""), Unavailable), (("NEW", ""), Unavailable),
])
def test_a_container_that_fails_at_once_is_no_draft(peer, state, error) -> None:
    """Where another container may do it is Unavailable, where the file is to blame Rejected."""
    peer.answers = [QUOTA, MADE, (200, {"status_code": state[0], "status": state[1]})]
    outgoing = adapter(peer).compose(ALL)
    with pytest.raises(PublishError) as caught:
        adapter(peer).draft(outgoing, 0, Sent(handles=dict.fromkeys(outgoing.parts[0].media, "https://files.example")))
    assert type(caught.value) is error


def test_a_container_that_is_not_found_at_once_is_asked_after_later(peer) -> None:
    """A known fault of the Graph API (100/33 on a fresh container) makes no second container, and no error."""
    outgoing = adapter(peer).compose(ALL)
    sent = Sent(handles=dict.fromkeys(outgoing.parts[0].media, "https://files.example"))
    peer.answers = [QUOTA, MADE, no(100, 33), no(100, 33)]
    handle = adapter(peer).draft(outgoing, 0, sent)
    assert handle == f"processing:{HANDLE}"
    with pytest.raises(PublishError) as caught:
        adapter(peer).publish(outgoing, 0, Sent(handles={DRAFT: handle}))
    assert type(caught.value) is Unavailable


def test_a_full_day_makes_nothing(peer) -> None:
    """With the account's posts used up there is no container; numbers that cannot be read stop nobody."""
    outgoing = adapter(peer).compose(ALL)
    sent = Sent(handles=dict.fromkeys(outgoing.parts[0].media, "https://files.example"))
    peer.answers = [(200, {"data": [{"quota_usage": 50, "config": {"quota_total": 50}}]})]
    with pytest.raises(RateLimited) as caught:
        adapter(peer).draft(outgoing, 0, sent)
    assert (len(peer.heard), caught.value.until) == (1, NOON + timedelta(hours=1))

    peer.answers = [no(9, 2207042)]
    with pytest.raises(RateLimited) as caught:
        adapter(peer).publish(outgoing, 0, Sent(handles={DRAFT: HANDLE}))
    assert caught.value.until == NOON + timedelta(hours=1)

    for odd in ({"data": []}, {"data": [{"quota_usage": "50", "config": {"quota_total": 50}}]}, {"data": [{}]},
                {"data": [{"quota_usage": 50, "config": {"quota_total": 0}}]}, {"data": 7}):
        peer.answers = [(200, odd), MADE, FINISHED]
        assert adapter(peer).draft(outgoing, 0, sent) == HANDLE


@pytest.mark.parametrize(("answer", "error"), [
    (no(9, 2207042), RateLimited), (no(4, status=403), RateLimited), (no(80002), RateLimited),
    (no(4, 2207051), Unauthorized), (no(25, 2207050), Unauthorized), (no(190, 463), Unauthorized),
    (no(10), Unauthorized), (no(-1, 2207001), Unconfirmed), (no(-1, 2207032), Unconfirmed), (no(1), Unconfirmed),
    (no(2, status=500), Unconfirmed),
    (no(36004, 2207010), Rejected), (no(100), Rejected), (no(506), Unconfirmed),
    ((200, {"id": 17}), Unconfirmed), ((200, {"id": "m_17"}), Unconfirmed), ((200, {"success": True}), Unconfirmed),
])
def test_each_answer_to_the_publication_means_one_thing(peer, answer, error) -> None:
    """The codes of the documented list, one call each; what may have left a post is in doubt."""
    peer.answers = [answer]
    with pytest.raises(PublishError) as caught:
        adapter(peer).publish(adapter(peer).compose(ALL), 0, Sent(handles={DRAFT: HANDLE}))
    assert type(caught.value) is error
    assert len(peer.heard) == 1


@pytest.mark.parametrize(("answer", "error"), [
    (no(-2, 2207003), Unavailable), (no(-2, 2207020), Unavailable), (no(9004, 2207052), Unavailable),
    (no(-1, 2207053), Unavailable), (no(9007, 2207027), Unavailable), (no(1), Unavailable),
    ((502, "<html>"), Unavailable),
    (no(36000, 2207004), Rejected), (no(36001, 2207005), Rejected), (no(36003, 2207009), Rejected),
    (no(36004, 2207010), Rejected), (no(352, 2207026), Rejected), (no(24, 2207006), Rejected),
    (no(25, 2207050), Unauthorized), (no(9, 2207042), RateLimited), ((200, {}), Unavailable),
])
def test_each_answer_to_a_container_means_one_thing(peer, answer, error) -> None:
    """Never in doubt: nobody sees a container."""
    outgoing = adapter(peer).compose(ALL)
    peer.answers = [QUOTA, answer]
    with pytest.raises(PublishError) as caught:
        adapter(peer).draft(outgoing, 0, Sent(handles=dict.fromkeys(outgoing.parts[0].media, "https://files.example")))
    assert type(caught.value) is error


@pytest.mark.parametrize("refusal", [no(24, 2207008), no(24, 2207006), no(9007, 2207027), no(100, 33)])
def test_a_refused_repeat_is_looked_up(peer, refusal) -> None:
    """Published before: the post is named by caption and time. Not published: nothing exists. Unknown: in doubt."""
    outgoing, sent = adapter(peer).compose(ALL), Sent(handles={DRAFT: HANDLE})
    older = shown(id="16", at="2026-11-22T11:58:59+0000")

    peer.answers = [refusal, PUBLISHED, (200, {"data": [shown("Other", "18"), shown(), older]})]
    assert adapter(peer).publish(outgoing, 0, sent) == PartReceipt(id=MEDIA,
                                                                   url=f"https://www.instagram.com/p/{MEDIA}/")

    for rest, error in (([FINISHED], Unavailable), ([WAITING], Unconfirmed), ([EXPIRED], Unavailable),
                        ([no(1, status=500)], Unconfirmed), ([PUBLISHED, (200, {"data": [older]})], Unconfirmed),
                        ([PUBLISHED, (200, {"data": [shown(), shown(id="18")]})], Unconfirmed),
                        ([PUBLISHED, (503, "")], Unconfirmed)):
        peer.answers, peer.heard = [refusal, *rest], []
        with pytest.raises(PublishError) as caught:
            adapter(peer).publish(outgoing, 0, sent)
        assert type(caught.value) is error
        assert [line for line in peer.asked() if line.startswith("POST")] == [f"POST /v25.0/{USER}/media_publish"]


@pytest.mark.parametrize(("answers", "found"), [
    ([FINISHED], Found((), True)), ([WAITING], Found((), False)),
    ([EXPIRED, (200, {"data": []})], Found((), True)),
    ([EXPIRED, (200, {"data": [shown()]})],
     Found((PartReceipt(id=MEDIA, url=f"https://www.instagram.com/p/{MEDIA}/"),), True)),
    ([PUBLISHED, (200, {"data": []})], Found((), False)),
    ([PUBLISHED, (200, {"data": [shown("A  kettle is\nmended.")]})],
     Found((PartReceipt(id=MEDIA, url=f"https://www.instagram.com/p/{MEDIA}/"),), True)),
    ([PUBLISHED, (200, {"data": [shown(at="2026-11-22T11:00:00+0000")]})], Found((), False)),
    ([PUBLISHED, (200, {"data": [shown(children={"data": [{"id": "1"}, {"id": "2"}]})]})], Found((), False)),
    ([no(100, 33), (200, {"data": [shown()]})],
     Found((PartReceipt(id=MEDIA, url=f"https://www.instagram.com/p/{MEDIA}/"),), False)),
    ([no(100, 33), (200, {"data": []})], Found((), False)),
])
def test_find_believes_the_container_first(peer, answers, found) -> None:
    """Not published is absent for certain, on its way is not; published is complete only when it is in the list."""
    peer.answers = list(answers)
    assert adapter(peer).find(adapter(peer).compose(ALL), 0, NOON, Sent(handles={DRAFT: HANDLE})) == found


def test_a_list_is_read_to_the_moment_asked_for(peer) -> None:
    """Page by page with its cursor, empty ones too, and no further than needed; more without a way to it is no whole.

    A list in no known form is Unavailable.
    """
    page = {"data": [shown("Other", "19")], "paging": {"next": "https://elsewhere.example/?token",
                                                       "cursors": {"after": "QVE"}}}
    old = {"data": [shown(at="2026-11-21T12:00:00+0000")], "paging": page["paging"]}
    peer.answers = [PUBLISHED, (200, page), (200, old)]
    assert adapter(peer).find(adapter(peer).compose(ALL), 0, NOON, Sent(handles={DRAFT: HANDLE})) == Found((), False)
    assert peer.heard[2][2]["after"] == "QVE"

    for first in ({"data": [shown("Other", "19")], "paging": {"next": "https://elsewhere.example/?token"}},
                  {"data": [], "paging": {"next": "https://elsewhere.example/?token", "cursors": {}}}):
        peer.answers = [EXPIRED, (200, first)]
        found = adapter(peer).find(adapter(peer).compose(ALL), 0, NOON, Sent(handles={DRAFT: HANDLE}))
        assert found == Found((), False)
    peer.answers = [PUBLISHED, (200, {**page, "data": []}), (200, {"data": [shown()]})]
    assert adapter(peer).find(adapter(peer).compose(ALL), 0, NOON, Sent(handles={DRAFT: HANDLE})).complete

    for odd in ({"data": 7}, {"data": [7]}, {"data": [{"id": "1", "timestamp": "noon"}]}, {"x": 1},
                {"data": [{"id": "1", "timestamp": "2026-11-22T12:00:00"}]}, {"data": [shown()], "paging": 7}):
        peer.answers = [PUBLISHED, (200, odd)]
        with pytest.raises(Unavailable):
            adapter(peer).find(adapter(peer).compose(ALL), 0, NOON, Sent(handles={DRAFT: HANDLE}))


def test_a_signed_address_stands_in_no_error(peer) -> None:
    """The network quotes the address that it could not fetch; its query is its signature."""
    quoted = f"The media could not be fetched from this URI: https://files.example/a.jpg?X-Sign=abc&t={TOKEN}."
    for code, subcode in ((9004, 2207052), (100, None), (1, None)):
        peer.answers = [QUOTA, no(code, subcode, error_user_msg=quoted)]
        outgoing = adapter(peer).compose(ALL)
        with pytest.raises(PublishError) as caught:
            adapter(peer).draft(outgoing, 0, Sent(handles=dict.fromkeys(outgoing.parts[0].media, "https://f.example")))
        assert "X-Sign" not in f"{caught.value!r}"
        assert TOKEN not in f"{caught.value!r}"
        assert "https://files.example/a.jpg" in caught.value.why


def test_hostile_words_of_the_network_are_read_in_time_that_grows_with_them() -> None:
    """Five megabytes of half addresses are an error like any other."""
    body = json.dumps({"error": {"message": "http://" * 700_000, "code": 100}})
    with pytest.raises(Rejected) as caught:
        read(Answer(400, {}, body), TOKEN, creating=True)
    assert len(caught.value.why) < 400


def test_a_handle_is_read_as_it_was_written() -> None:
    """With and without its moment, ready and not; what was never one is refused before anything is sent."""
    for handle in (HANDLE, f"processing:{HANDLE}", CONTAINER, f"processing:{CONTAINER}"):
        assert Draft.of(handle).handle == handle
    for other in ("", "comment", "https://files.example", f"{CONTAINER}@", f"{CONTAINER}@1@2"):
        with pytest.raises(Rejected):
            Draft.of(other)


# --- tokens ----------------------------------------------------------------------------------------------------------

def test_a_token_is_renewed_with_its_end(peer) -> None:
    """Without a version in the address, by the network's clock; an answer without a token is Unavailable."""
    peer.answers = [(200, {"access_token": "IGAAnew", "token_type": "bearer", "expires_in": 5_184_000}),
                    (200, {"access_token": "IGAAnew"}), (200, {"access_token": " "})]
    assert adapter(peer).refresh() == {"access_token": "IGAAnew", "expires_at": "2027-01-21T12:00:00Z"}
    assert adapter(peer).refresh() == {"access_token": "IGAAnew"}
    with pytest.raises(Unavailable):
        adapter(peer).refresh()
    assert peer.heard[0] == ("GET", "/refresh_access_token", {"grant_type": "ig_refresh_token", "access_token": TOKEN})


def test_a_code_buys_a_token_of_sixty_days_and_the_account(peer) -> None:
    """Code, token of an hour, token of 60 days, whose it is: in this order, and the mark behind the code is cut off."""
    app = {"app_id": "990602627938098", "app_secret": "planted-secret"}
    peer.answers = [(200, {"data": [{"access_token": "IGshort", "user_id": "1", "permissions": "a"}]}),
                    (200, {"access_token": "IGlong", "token_type": "bearer", "expires_in": 5_183_944}),
                    (200, {"user_id": USER, "username": "kettles", "id": "1"})]

    fields = adapter(peer, **app).exchange("AQBx-hBsH3#_", "https://us.example/back", "unused")

    assert fields == {"access_token": "IGlong", "user_id": USER, "expires_at": "2027-01-21T11:59:04Z"}
    assert peer.heard == [
        ("POST", "/oauth/access_token", {"client_id": "990602627938098", "client_secret": "planted-secret",
                                         "grant_type": "authorization_code", "redirect_uri": "https://us.example/back",
                                         "code": "AQBx-hBsH3"}),
        ("GET", "/access_token", {"grant_type": "ig_exchange_token", "client_secret": "planted-secret",
                                  "access_token": "IGshort"}),
        ("GET", "/v25.0/me", {"fields": "user_id,username,account_type", "access_token": "IGlong"})]


@pytest.mark.parametrize(("answer", "error"), [
    ((400, {"error_type": "OAuthException", "code": 400, "error_message": "no AQcode planted-secret"}), Unauthorized),
    ((500, "<html>"), Unavailable), ((200, {"data": []}), Unavailable), ((200, []), Unavailable),
    ((200, {"access_token": 7}), Unavailable), ((302, ""), Unavailable),
])
def test_a_code_that_buys_nothing_is_told_without_secrets(peer, answer, error) -> None:
    """Neither the code nor the app's secret is in the error."""
    peer.answers = [answer]
    with pytest.raises(error) as caught:
        adapter(peer, app_id="9", app_secret="planted-secret").exchange("AQcode", "https://us.example/back", "")
    assert not {"AQcode", "planted-secret"} & set(caught.value.why.split())


def test_the_secret_of_the_app_is_taken_out_of_what_the_network_says(peer) -> None:
    """An error that quotes the secret is told without it."""
    peer.answers = [(200, {"access_token": "IGshort", "user_id": 1}), no(101, error_user_msg="wrong: planted-secret")]
    with pytest.raises(PublishError) as caught:
        adapter(peer, app_id="9", app_secret="planted-secret").exchange("AQ", "https://us.example/back", "")
    assert "planted-secret" not in caught.value.why


def test_without_a_token_nothing_is_asked(peer) -> None:
    """No token at all is a dead one."""
    lost = Instagram(Connection(OURS, {"user_id": SecretStr(USER)}, peer.url))
    for call in (lost.refresh, lost.account_id, lost.verify):
        with pytest.raises(Unauthorized) as caught:
            call()
        assert caught.value.dead
    assert peer.heard == []


def test_the_page_to_say_yes_on_names_all_that_is_needed() -> None:
    """Instagram's own host, the scopes of publishing and commenting, our state, and no secret."""
    app = adapter(app_id="990602627938098", app_secret="s3cret")
    where = app.authorization("https://us.example/back", "st&te", "v")
    parts = urlsplit(where)
    assert (parts.scheme, parts.netloc, parts.path) == ("https", "www.instagram.com", "/oauth/authorize")
    assert dict(parse_qsl(parts.query)) == {
        "client_id": "990602627938098", "redirect_uri": "https://us.example/back", "response_type": "code",
        "scope": "instagram_business_basic,instagram_business_content_publish,instagram_business_manage_comments",
        "state": "st&te"}


def test_verifying_says_what_is_amiss(peer) -> None:
    """A personal account, another account's number, a day that is almost full."""
    who = (200, {"user_id": 178, "username": "kettles", "account_type": "PERSONAL"})
    peer.answers = [who, (200, {"data": [{"quota_usage": 41, "config": {"quota_total": 50}}]})]
    told = adapter(peer).verify()
    assert (told.account, told.account_id, len(told.warnings)) == ("kettles", "178", 3)

    peer.answers = [(200, {"user_id": USER, "username": "kettles", "account_type": "MEDIA_CREATOR"}), QUOTA]
    assert adapter(peer).verify().warnings == ()

    for odd in ({}, {"user_id": None}, {"user_id": "kettles"}):
        peer.answers = [(200, odd or {"id": "1"})]
        with pytest.raises(Unavailable):
            adapter(peer).account_id()


def test_files_are_fetched_from_https_only() -> None:
    """Outside a rehearsal an address without TLS is refused before anything is asked; so is an odd version."""
    outgoing = adapter().compose(ALL)
    with pytest.raises(Unavailable):
        adapter().fetch(outgoing, 0, lambda blob: f"http://files.example/{blob}")
    with pytest.raises(Unauthorized):
        adapter(graph_version="v25.0/../me").account_id()
