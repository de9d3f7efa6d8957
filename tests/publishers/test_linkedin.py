"""What only LinkedIn has: its `little` text, the wire format of each call, refusals, repeats, signing in."""
import io
import json
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from contract_case import FILES, drawn, message, part, picture
from hypothesis import given
from hypothesis import strategies as some
from linkedin_case import FILM, PAPER, poll, signed
from PIL import Image
from pydantic import SecretStr

from publishers._linkedin_text import length, little, plain, seen, shown
from publishers.base import Connection, Sent
from publishers.linkedin import LinkedIn
from publishers.rehearsal._little import read_little
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.linkedin_twin import LinkedInTwin
from schemas.content import Probe
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEFORE = NOON - timedelta(minutes=5)
TOKEN = "".join(("rehearsal", ":", "@us"))               # so that no source line in a traceback holds it
CODE = "".join(("knock-", "knock"))
PAGE = "urn:li:organization:2414183"
SHARE = "urn:li:share:7123456789012345678"
RESERVED = "\\|{}@[]()<>#*_~"


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Heard(NamedTuple):
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Says(NamedTuple):
    status: int
    body: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class Peer:
    """A server that hears each request whole, and says what it was told to, the last answer again and again."""

    def __init__(self, *says: Says) -> None:
        self.says, self.heard = list(says), list[Heard]()
        peer = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                peer.heard.append(Heard(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                said = peer.says.pop(0) if len(peer.says) > 1 else peer.says[0]
                self.send_response_only(said.status)
                for name, value in said.headers:
                    self.send_header(name, value.replace("HERE", peer.url))
                words = said.body.replace("HERE", peer.url).encode()
                self.send_header("Content-Length", str(len(words)))
                self.end_headers()
                self.wfile.write(words)

            do_GET = do_POST = do_PUT = do_DELETE = answer

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@contextmanager
def peer(*says: Says) -> Iterator[Peer]:
    made = Peer(*says)
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield made
    finally:
        made.server.shutdown()
        thread.join()
        made.server.server_close()


def at(address: str | None, **fields: str) -> LinkedIn:
    given = {"access_token": TOKEN, "author": PAGE, "client_id": "86kettle", "client_secret": "cold-brew", **fields}
    secrets = {name: SecretStr(value) for name, value in given.items() if value}
    return LinkedIn(Connection("@us", secrets, address, 5.0, 20.0))


def told(message: Message) -> list[str]:
    return [problem.message for problem in LinkedIn(Connection("@us")).check(message)
            if problem.severity == Severity.error]


def warned(message: Message) -> list[str]:
    return [problem.message for problem in LinkedIn(Connection("@us")).check(message)
            if problem.severity == Severity.warning]


def tells_nothing(error: BaseException, *secrets: str) -> bool:
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += f"{deeper!r}{deeper.args}"
        deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
    return not any(secret in story for secret in secrets)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def networks(clock) -> Iterator[Rehearsal]:
    with Rehearsal([LinkedInTwin(clock)]) as running:
        yield running


@pytest.fixture
def adapter(networks) -> LinkedIn:
    secrets = {name: SecretStr(value) for name, value in signed("@us").items()}
    return LinkedIn(Connection("@us", secrets, networks.address("linkedin"), 5.0, 20.0))


def send(adapter: LinkedIn, said: Message) -> tuple[PartReceipt, ...]:
    outgoing, parts = adapter.compose(said), tuple[PartReceipt, ...]()
    for number in range(len(outgoing.parts)):
        sent = Sent(parts, adapter.prepare(outgoing, number, FILES.__getitem__))
        parts += (adapter.publish(outgoing, number, sent),)
    return parts


def publish(linkedin: LinkedIn) -> PartReceipt:
    """A post of one letter."""
    return linkedin.publish(linkedin.compose(message("linkedin", "A")), 0, Sent())


def held(networks: Rehearsal) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = httpx.get(f"{networks.url}/_rehearsal/posts").json()
    return posts


# --- little text ------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "sent"), [
    ("Hello World", "Hello World"),
    (RESERVED, "".join(f"\\{letter}" for letter in RESERVED)),
    ("5*3 = 15_000 (about)", r"5\*3 = 15\_000 \(about\)"),
    ("#Repair and #Mend2", "#Repair and #Mend2"),
    ("#Größe!", "#Größe!"),
    ("#tag_me", r"#tag\_me"),
    ("C# is no tag, nor is a#b, ##double, #1 or # alone",
     r"C\# is no tag, nor is a\#b, \#\#double, \#1 or \# alone"),
    ("https://example.org/a_b?c=(d)#top", r"https://example.org/a\_b?c=\(d\)\#top"),
    ("Thanks @[Devtestco](urn:li:organization:2414183)!", "Thanks @[Devtestco](urn:li:organization:2414183)!"),
    ("@[A (B)](urn:li:person:1_2)", r"@[A \(B\)](urn:li:person:1_2)"),
    ("@[Nobody](urn:li:company:1)", r"\@\[Nobody\]\(urn:li:company:1\)"),
    ("@handle", r"\@handle"),
    (r"a\(b", r"a\\\(b"),
])
def test_each_reserved_character_is_escaped_once(text, sent):
    """Escaped as documented; hashtags and mentions stay elements; what was escaped already is not spared."""
    assert little(text) == sent
    assert read_little(sent)[0] == shown(text)


def test_a_mention_is_seen_as_its_name():
    assert shown("Thanks @[Devtestco](urn:li:organization:2414183)!") == "Thanks Devtestco!"
    assert length("@[Devtestco](urn:li:organization:2414183)") == len("Devtestco")


@pytest.mark.parametrize(("given", "read"), [
    (r"Edited {hashtag|\#|DataOps} now", "Edited #DataOps now"),
    ("Edited {hashtag|#|DataOps} now", "Edited #DataOps now"),
    (r"{hashtag|\#|tag\_me}", "#tag_me"),
    (r"@[A \(B\)](urn:li:person:x)", "A (B)"),
    ("left [as] it is", "left [as] it is"),
])
def test_what_the_api_gives_back_is_read_as_people_see_it(given, read):
    assert seen(given) == read


@given(some.text(alphabet=some.one_of(some.sampled_from(RESERVED + "aé1 \nA:/.u"), some.characters(codec="utf-8"))))
def test_readers_always_see_what_was_written(text):
    """LinkedIn's own parser, as the twin has it, gives every text back: nothing is cut off or escaped twice."""
    sent = little(text)
    visible, stored = read_little(sent)

    assert visible == shown(text)
    assert seen(stored) == shown(text) == seen(sent)


@given(some.text(alphabet=some.sampled_from(RESERVED + "ab1")))
def test_no_reserved_character_is_ever_left_bare(text):
    """Behind its backslash pairs, hashtags and mentions taken away, no reserved character stands."""
    sent, at = little(text), 0
    while at < len(sent):
        if sent[at] == "\\":
            assert sent[at + 1] in RESERVED
            at += 2
        else:
            assert sent[at] not in RESERVED or (sent[at] == "#" and sent[at + 1:at + 2].isalnum())
            at += 1


@pytest.mark.parametrize("nasty", ["#" * 65_536, "@[" * 32_768, "{hashtag|#|" * 6_000, "\\" * 65_536, "#1" * 32_768,
                                   "@[a](" * 13_000, "https://" * 8_192, "#" + "1" * 65_535, "@[" + "a" * 65_534])
def test_a_hostile_text_is_read_in_bounded_steps(nasty):
    """64 kB of the beginnings of elements: escaped, and read back as they were."""
    assert seen(little(nasty)) == shown(nasty) == nasty


def test_a_text_that_is_not_escaped_is_cut_off_by_linkedin():
    """So the twin: what the adapter must never send."""
    assert read_little("Kettles (mended) here")[0] == "Kettles "


# --- what is refused --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("said", "complaint"), [
    (message("linkedin", "x" * 3_000), None),
    (message("linkedin", "😀" * 1_500), None),
    (message("linkedin", "😀" * 1_501), "3002/3000"),
    (message("linkedin", "x" * 2_999 + "@[Devtestco](urn:li:organization:2414183)"), "3008/3000"),
    (message("linkedin", "*" * 3_000), None),
    (message("linkedin", "One", part("x" * 1_250, kind="comment")), None),
    (message("linkedin", "One", part("x" * 1_251, kind="comment")), "1251/1250"),
    (message("linkedin", "One", part("Look", picture(), kind="comment")), "text and nothing else"),
    (message("linkedin", part("A", picture(alt="x" * 4_086))), None),
    (message("linkedin", part("A", picture(alt="x" * 4_087))), "4087/4086"),
    (message("linkedin", part("A", picture("a.gif", probe=Probe("gif", 9, 9, frames=250)))), None),
    (message("linkedin", part("A", picture("a.gif", probe=Probe("gif", 9, 9, frames=251)))), "251/250 frames"),
    (message("linkedin", part("A", FILM)), None),
    (message("linkedin", part("A", FILM.model_copy(update={"size": 74_999}))), "75,000"),
    (message("linkedin", part("A", FILM.model_copy(update={"size": 500_000_001}))), "500,000,000"),
    (message("linkedin", part("A", FILM, picture())), "not both"),
    (message("linkedin", part("A", PAPER, PAPER.model_copy(update={"blob": "another"}))), "2/1 documents"),
    (message("linkedin", "Which?", poll=poll("a" * 30, "b")), None),
    (message("linkedin", "Which?", poll=poll("a" * 31, "b")), "31/30"),
    (message("linkedin", "Which?", poll=poll("a")), "two answers"),
    (message("linkedin", "Which?", poll=poll(*"abcd")), None),
    (message("linkedin", "Which?", poll=poll(*"abcde")), "5/4"),
    (message("linkedin", "Which?", poll=poll(days=14)), None),
    (message("linkedin", "Which?", poll=poll(days=2)), "1, 3, 7 or 14 days"),
    (message("linkedin", "q" * 141, poll=poll()), "141/140"),
    (message("linkedin", "q" * 141, poll=poll(), options={"poll_question": "q" * 140}), None),
    (message("linkedin", part("Which?", picture()), poll=poll()), "a poll or pictures"),
    (message("linkedin", "A", options={"visibility": "friends"}), "cannot be friends"),
    (message("linkedin", "@Dev", options={"mentions": ("Dev=urn:li:organization:5",)}), None),
    (message("linkedin", "@Dev", options={"mentions": ("Dev=https://linkedin.com/company/dev",)}), "mentions nobody"),
    (message("linkedin", "A", card="https://example.org", title="T" * 400), None),
    (message("linkedin", "A", card="https://example.org", options={"card_title": "T" * 401}), "401/400"),
    (message("linkedin", part("A", picture("a.png"), picture("b.png")), card="https://example.org", title="T",
             options={"card_picture": True}), "one picture"),
])
def test_each_limit_once_inside_and_once_outside(said, complaint):
    complaints = told(said)
    assert complaints == [] if complaint is None else any(complaint in one for one in complaints)


def test_what_nobody_would_see_is_a_warning():
    said = message("linkedin", "A", card="https://www.example.org/kettle", warning="Hot")
    assert [words for words in ("no content warnings", "no title but 'example.org'")
            if not any(words in one for one in warned(said))] == []


# --- on the wire ------------------------------------------------------------------------------------------------------

YES = Says(201, "", (("x-restli-id", SHARE),))


def posted(said: Message, handles: dict[str, str] | None = None) -> Heard:
    """The one request that a post is."""
    with peer(YES) as there:
        linkedin = at(there.url)
        receipt = linkedin.publish(linkedin.compose(said), 0, Sent(handles=handles or {}))
    assert receipt == PartReceipt(id=SHARE, url=f"{there.url}/#linkedin-{SHARE}")
    (heard,) = there.heard
    return heard


def test_a_post_is_the_documented_request_whole():
    heard = posted(message("linkedin", "A kettle (mended) #Repair"))

    assert (heard.method, heard.path) == ("POST", "/rest/posts")
    assert {name: heard.headers[name] for name in ("authorization", "linkedin-version", "x-restli-protocol-version",
                                                   "content-type")} == {
        "authorization": f"Bearer {TOKEN}", "linkedin-version": "202607", "x-restli-protocol-version": "2.0.0",
        "content-type": "application/json"}
    assert json.loads(heard.body) == {
        "author": PAGE, "commentary": r"A kettle \(mended\) #Repair", "visibility": "PUBLIC",
        "distribution": {"feedDistribution": "MAIN_FEED", "targetEntities": [], "thirdPartyDistributionChannels": []},
        "lifecycleState": "PUBLISHED", "isReshareDisabledByAuthor": False}


@pytest.mark.parametrize(("said", "handles", "content"), [
    (message("linkedin", part("A", picture())), {"kettle.jpg-600x600": "urn:li:image:1"},
     {"media": {"id": "urn:li:image:1", "altText": "A kettle"}}),
    (message("linkedin", part("A", picture(alt=None))), {"kettle.jpg-600x600": "urn:li:image:1"},
     {"media": {"id": "urn:li:image:1"}}),
    (message("linkedin", part("A", picture("a.png"), picture("b.png", ""))),
     {"a.png-600x600": "urn:li:image:1", "b.png-600x600": "urn:li:image:2"},
     {"multiImage": {"images": [{"altText": "A kettle", "id": "urn:li:image:1"}, {"id": "urn:li:image:2"}]}}),
    (message("linkedin", part("A", FILM), title="It boils"), {"linkedin-film": "urn:li:video:1"},
     {"media": {"title": "It boils", "id": "urn:li:video:1"}}),
    (message("linkedin", part("A", PAPER)), {"linkedin-pdf": "urn:li:document:1"},
     {"media": {"title": "kettle", "id": "urn:li:document:1"}}),
    (message("linkedin", "A", card="https://example.org/k", title="The kettle",
             options={"card_description": "Mended"}), {},
     {"article": {"source": "https://example.org/k", "title": "The kettle", "description": "Mended"}}),
    (message("linkedin", part("A", picture()), card="https://example.org/k", title="The kettle",
             options={"card_picture": True}), {"kettle.jpg-600x600": "urn:li:image:1"},
     {"article": {"source": "https://example.org/k", "title": "The kettle", "thumbnail": "urn:li:image:1"}}),
    (message("linkedin", "Copper?\nOr steel?", poll=poll("Copper", "Steel", days=3)), {},
     {"poll": {"question": "Copper?", "options": [{"text": "Copper"}, {"text": "Steel"}],
               "settings": {"duration": "THREE_DAYS"}}}),
])
def test_each_kind_of_content_is_the_documented_one(said, handles, content):
    assert json.loads(posted(said, handles).body)["content"] == content


def test_a_link_beside_pictures_stands_in_the_text():
    """A post holds one thing beside its text, and a picture wins."""
    body = json.loads(posted(message("linkedin", part("A", picture()), card="https://example.org/k_1", title="T"),
                             {"kettle.jpg-600x600": "urn:li:image:1"}).body)
    assert body["commentary"] == "A\n\nhttps://example.org/k\\_1"
    assert "article" not in body["content"]


def test_a_mention_is_made_of_a_name_and_an_option():
    """Only whole names, the longer one first; readers see the names, and those are counted and looked for."""
    said = message("linkedin", "Thanks @Dev Co, @Dev and @Devil (all)", options={
        "mentions": ("Dev=urn:li:person:a_1", "Dev Co=urn:li:organization:5")})
    assert json.loads(posted(said).body)["commentary"] == (
        r"Thanks @[Dev Co](urn:li:organization:5), @[Dev](urn:li:person:a_1) and \@Devil \(all\)")
    (made,) = at(None).compose(said).parts
    assert made.text == "Thanks Dev Co, Dev and @Devil (all)"


def test_options_are_sent():
    body = json.loads(posted(message("linkedin", "A", options={"visibility": "connections", "reshares": False})).body)
    assert (body["visibility"], body["isReshareDisabledByAuthor"]) == ("CONNECTIONS", True)


@pytest.mark.parametrize("answer", [
    Says(201, '{"id": "77", "commentUrn": "urn:li:comment:(urn:li:activity:5,77)"}', (("x-restli-id", "77"),)),
    Says(201, "", (("x-restli-id", "77"),)),
])
def test_a_first_comment_is_a_call_of_its_own(answer):
    with peer(answer) as there:
        linkedin = at(there.url)
        outgoing = linkedin.compose(message("linkedin", "One", part("And a (word)", kind="comment")))
        receipt = linkedin.publish(outgoing, 1, Sent((PartReceipt(id=SHARE),)))

    (heard,) = there.heard
    assert (heard.method, heard.path) == ("POST", "/rest/socialActions/urn%3Ali%3Ashare%3A7123456789012345678/comments")
    assert json.loads(heard.body) == {"actor": PAGE, "object": SHARE, "message": {"text": "And a (word)"}}
    assert receipt.id in ("urn:li:comment:(urn:li:activity:5,77)", f"urn:li:comment:({SHARE},77)")


def test_an_image_goes_up_in_two_calls():
    value = {"value": {"uploadUrl": "HERE/dms-uploads/1", "image": "urn:li:image:C5"}}
    with peer(Says(200, json.dumps(value)), Says(201), Says(200, '{"status": "AVAILABLE"}')) as there:
        linkedin = at(there.url)
        outgoing = linkedin.compose(message("linkedin", part("A", picture())))
        handles = linkedin.prepare(outgoing, 0, FILES.__getitem__)

    assert handles == {"kettle.jpg-600x600": "urn:li:image:C5"}
    assert [(one.method, one.path) for one in there.heard] == [
        ("POST", "/rest/images?action=initializeUpload"), ("PUT", "/dms-uploads/1"),
        ("GET", "/rest/images/urn%3Ali%3Aimage%3AC5")]
    assert json.loads(there.heard[0].body) == {"initializeUploadRequest": {"owner": PAGE}}
    assert there.heard[1].body == FILES["kettle.jpg-600x600"]


def test_a_video_goes_up_piece_by_piece_and_is_closed_with_its_tags():
    pieces = [{"uploadUrl": "HERE/a", "firstByte": 0, "lastByte": 49_999},
              {"uploadUrl": "HERE/b", "firstByte": 50_000, "lastByte": 80_011}]
    value = {"value": {"video": "urn:li:video:C5", "uploadToken": "t", "uploadInstructions": pieces}}
    with peer(Says(200, json.dumps(value)), Says(200, "", (("ETag", '"one"'),)), Says(200, "", (("ETag", "two"),)),
              Says(200), Says(200, '{"status": "PROCESSING"}')) as there:
        linkedin = at(there.url)
        outgoing = linkedin.compose(message("linkedin", part("A", FILM)))
        handles = linkedin.prepare(outgoing, 0, FILES.__getitem__)

    assert handles == {"linkedin-film": "processing:urn:li:video:C5"}
    assert json.loads(there.heard[0].body) == {"initializeUploadRequest": {
        "owner": PAGE, "fileSizeBytes": 80_012, "uploadCaptions": False, "uploadThumbnail": False}}
    assert there.heard[1].body + there.heard[2].body == FILES["linkedin-film"]
    assert json.loads(there.heard[3].body) == {"finalizeUploadRequest": {
        "video": "urn:li:video:C5", "uploadToken": "t", "uploadedPartIds": ["one", "two"]}}


def test_no_byte_goes_to_an_address_that_is_not_linkedins():
    """An upload address of another host: nothing is sent there, least of all the token."""
    with peer(YES) as stranger:
        value = {"value": {"uploadUrl": f"{stranger.url}/x", "image": "urn:li:image:C5"}}
        with peer(Says(200, json.dumps(value))) as there:
            linkedin = at(there.url)
            outgoing = linkedin.compose(message("linkedin", part("A", picture())))
            with pytest.raises(Unavailable, match="not its own"):
                linkedin.prepare(outgoing, 0, FILES.__getitem__)
        assert stranger.heard == []


@pytest.mark.parametrize(("status", "meant"), [
    ("AVAILABLE", None), ("PROCESSING", Unavailable), ("WAITING_UPLOAD", Unavailable), ("PROCESSING_FAILED", Rejected)])
def test_a_file_that_is_still_worked_on_is_asked_after(status, meant):
    """Before the create call, and without one while it is not ready."""
    with peer(Says(200, json.dumps({"status": status})), YES) as there:
        linkedin = at(there.url)
        outgoing = linkedin.compose(message("linkedin", part("A", FILM)))
        sent = Sent(handles={"linkedin-film": "processing:urn:li:video:C5"})
        if meant is None:
            assert linkedin.publish(outgoing, 0, sent).id == SHARE
        else:
            with pytest.raises(meant):
                linkedin.publish(outgoing, 0, sent)
    assert [one.method for one in there.heard] == (["GET", "POST"] if meant is None else ["GET"])


def test_a_file_that_a_members_token_may_not_read_is_taken_for_ready():
    """Their tokens may write files and not read them."""
    denied = Says(403, '{"status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions to access: GET"}')
    with peer(denied, YES) as there:
        linkedin = at(there.url)
        outgoing = linkedin.compose(message("linkedin", part("A", FILM)))
        sent = Sent(handles={"linkedin-film": "processing:urn:li:video:C5"})
        assert linkedin.publish(outgoing, 0, sent).id == SHARE


# --- what an answer means ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("answer", "meant", "words"), [
    (Says(426, '{"status": 426, "code": "NONEXISTENT_VERSION", "message": "Requested version 20230101 is not active"}'),
     Unauthorized, "version 202607"),
    (Says(426, "<html>"), Unauthorized, "'version'"),
    (Says(401, '{"status": 401, "code": "EXPIRED_ACCESS_TOKEN", "message": "expired"}'), Unauthorized, "EXPIRED"),
    (Says(401, '{"status": 401, "code": "REVOKED_ACCESS_TOKEN", "message": "revoked"}'), Unauthorized, "REVOKED"),
    (Says(403, '{"status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions to access: posts.CREATE"}'),
     Unauthorized, "permission"),
    (Says(403, '{"status": 403, "message": "The content is forbidden"}'), Rejected, "forbidden"),
    (Says(400, '{"status": 400, "code": "INVALID_VALUE_FOR_FIELD", "message": "no"}'), Rejected, "INVALID_VALUE"),
    (Says(422, '{"status": 422, "code": "FIELD_LENGTH_TOO_LONG", "message": "too long"}'), Rejected, "too long"),
    (Says(429, '{"status": 429, "message": "DAY limit"}'), RateLimited, "midnight UTC"),
    (Says(409, '{"status": 409, "message": "Conflict"}'), Unconfirmed, "409"),
    (Says(500, '{"status": 500, "message": "Internal"}'), Unconfirmed, "500"),
    (Says(200, '{"id": "urn:li:share:1"}'), Unconfirmed, "did not name"),
    (Says(201, "", (("x-restli-id", "urn:li:activity:1"),)), Unconfirmed, "did not name"),
    (Says(201, "<html>", (("x-restli-id", SHARE),)), Unconfirmed, "did not name"),
])
def test_each_answer_means_what_the_documents_say(answer, meant, words):
    with peer(answer) as there, pytest.raises(PublishError) as caught:
        publish(at(there.url))
    assert type(caught.value) is meant
    assert words in caught.value.why
    assert tells_nothing(caught.value, TOKEN)
    assert len(there.heard) == 1


@pytest.mark.parametrize(("message_", "headers", "until"), [
    ("Resource level throttle APPLICATION_AND_MEMBER DAY limit for calls to this resource is reached.", {},
     datetime(2026, 11, 23, tzinfo=UTC)),
    ("Resource level throttle APPLICATION DAY limit", {"Retry-After": "60"}, NOON + timedelta(minutes=1)),
    ("Too many requests", {}, None),
])
def test_a_days_quota_ends_at_midnight(message_, headers, until):
    """Else all tries would be used up long before; another throttle says nothing of its end."""
    answer = Says(429, json.dumps({"status": 429, "message": message_}),
                  (("Date", "Sun, 22 Nov 2026 12:00:00 GMT"), *headers.items()))
    with peer(answer) as there, pytest.raises(RateLimited) as caught:
        publish(at(there.url))
    assert caught.value.until == until


def test_a_comment_under_a_post_that_is_not_found_yet_is_tried_again():
    """A post that has just come out may not be found for a moment: there is no comment, and nothing is lost."""
    gone = Says(404, '{"status": 404, "code": "NOT_FOUND", "message": "no such entity"}')
    said = message("linkedin", "One", part("Two", kind="comment"))
    for answer, meant in ((gone, Unavailable), (Says(404, "<html>"), Unconfirmed),
                          (Says(422, '{"status": 422, "message": "no"}'), Rejected)):
        plan = at(None).compose(said)
        with peer(answer) as there, pytest.raises(PublishError) as caught:
            at(there.url).publish(plan, 1, Sent((PartReceipt(id=SHARE),)))
        assert (type(caught.value), len(there.heard)) == (meant, 1)


def test_only_a_dead_token_is_dead():
    for answer, dead in ((Says(401, "{}"), True), (Says(426, "{}"), False)):
        with peer(answer) as there, pytest.raises(Unauthorized) as caught:
            publish(at(there.url))
        assert caught.value.dead is dead


@pytest.mark.parametrize("body", [
    '{"errorDetailType":"com.linkedin.common.error.BadRequest","message":"com.linkedin.content.common.exception.'
    'BadRequestResponseException: Content is a duplicate of urn:li:share:7141138937766391808","errorDetails":'
    '{"inputErrors":[{"description":"Duplicate post is detected","input":{},"code":"DUPLICATE_POST"}]},"status":422}',
    '{"message": "Content is a duplicate of urn:li:ugcPost:7141138937766391808", "status": 422}',
    '{"message": "Duplicate post is detected", "status": 422}',
])
def test_a_repeat_is_never_taken_for_our_own_post(body):
    """LinkedIn names a post: it may be last week's, or none that exists. So it is doubt, and somebody looks."""
    with peer(Says(422, body)) as there, pytest.raises(Unconfirmed, match="repeat"):
        publish(at(there.url))


def test_the_same_words_a_week_ago_are_not_found_as_this_post(adapter, networks, clock):
    """A person posted them before; ours is refused as a repeat; the look says that ours is not there."""
    send(adapter, message("linkedin", "The very same words"))
    clock.now += timedelta(hours=23)
    outgoing = adapter.compose(message("linkedin", "The very same words"))

    with pytest.raises(Unconfirmed):
        adapter.publish(outgoing, 0, Sent())

    assert adapter.find(outgoing, 0, clock.now - timedelta(minutes=5), Sent()) == ((), True)
    assert len(held(networks)) == 1


def test_a_network_that_repeats_a_secret_does_not_get_it_into_the_error():
    body = json.dumps({"status": 400, "message": f"bad {TOKEN} and cold-brew\x1b[2J", "code": "X"})
    with peer(Says(400, body)) as there, pytest.raises(Rejected) as caught:
        publish(at(there.url))
    assert tells_nothing(caught.value, TOKEN, "cold-brew")
    assert "\x1b" not in caught.value.why


# --- reading back -----------------------------------------------------------------------------------------------------

def listed(*elements: dict[str, Any]) -> Says:
    return Says(200, json.dumps({"elements": elements, "paging": {"start": 0, "count": 100}}))


def entry(text: str = "A", minutes: float = 0, **more: Any) -> dict[str, Any]:
    made = int((NOON + timedelta(minutes=minutes)).timestamp() * 1000)
    return {"id": SHARE, "author": PAGE, "commentary": text, "createdAt": made, "lastModifiedAt": made,
            "lifecycleState": "PUBLISHED", "lifecycleStateInfo": {"isEditedByAuthor": False}, **more}


def looked(said: Message, *answers: Says, **fields: str) -> tuple[list[str], bool, list[Heard]]:
    with peer(*answers, listed()) as there:
        linkedin = at(there.url, **fields)
        found = linkedin.find(linkedin.compose(said), 0, BEFORE, Sent())
    return [match.id for match in found.matches], found.complete, there.heard


def test_the_list_is_asked_for_as_documented():
    ids, complete, heard = looked(message("linkedin", "A"), listed(entry()))
    assert (ids, complete) == ([SHARE], True)
    assert [one.path for one in heard] == [
        "/rest/posts?q=author&author=urn%3Ali%3Aorganization%3A2414183"
        f"&start={start}&count=100&sortBy=LAST_MODIFIED" for start in (0, 100)]
    assert {one.headers["x-restli-method"] for one in heard} == {"FINDER"}


@pytest.mark.parametrize(("shown_as", "ids", "complete"), [
    (entry(r"Mend it {hashtag|\#|Repair} \(now\)"), [SHARE], True),
    (entry("Mend it"), [], True),
    (entry("Mend it", lifecycleStateInfo={"isEditedByAuthor": True}), [], False),
    (entry(r"Mend it #Repair \(now\)", author="urn:li:organization:1"), [], True),
    (entry(r"Mend it #Repair \(now\)", minutes=-10), [], True),
    (entry(r"Mend it #Repair \(now\)", content={"media": {"id": "urn:li:image:1"}}), [], True),
    (entry(r"Mend it #Repair \(now\)", lifecycleState="DRAFT"), [], True),
    (entry(r"Mend it #Repair \(now\)", lifecycleState="PUBLISH_FAILED"), [], True),
    (entry(r"Mend it #Repair \(now\)", lifecycleState="PUBLISH_REQUESTED"), [SHARE], True),
])
def test_a_post_is_known_by_its_author_time_text_and_files(shown_as, ids, complete):
    assert looked(message("linkedin", "Mend it #Repair (now)"), listed(shown_as))[:2] == (ids, complete)


def test_a_short_page_does_not_end_the_look_and_an_old_one_does():
    """LinkedIn filters pages after it has counted them."""
    other = entry("B", id="urn:li:share:1")
    assert looked(message("linkedin", "A"), listed(other), listed(entry()))[:2] == ([SHARE], True)
    old = entry("B", minutes=-60)
    ids, complete, heard = looked(message("linkedin", "A"), listed(old), listed(entry()))
    assert (ids, complete, len(heard)) == ([], True, 1)


def test_a_member_cannot_be_read_back_and_says_so():
    """403 to the list is no fault of the credential for a member, and one for a page."""
    denied = Says(403, '{"status": 403, "code": "ACCESS_DENIED", "message": "Not enough permissions to access"}')
    assert looked(message("linkedin", "A"), denied, author="urn:li:person:abc")[:2] == ([], False)
    with pytest.raises(Unauthorized):
        looked(message("linkedin", "A"), denied)


def test_a_listing_of_another_form_is_no_answer():
    for broken in ({"id": SHARE}, entry(createdAt="yesterday"), entry(id=7), entry(content={"multiImage": 5})):
        with pytest.raises(Unavailable):
            looked(message("linkedin", "A"), listed(broken))


def test_a_comment_is_found_under_its_post(adapter, networks):
    said = message("linkedin", "One", part("A (word)", kind="comment"))
    parts = send(adapter, said)
    found = adapter.find(adapter.compose(said), 1, BEFORE, Sent(parts[:1]))
    assert ([match.id for match in found.matches], found.complete) == ([parts[1].id], True)
    assert adapter.find(adapter.compose(message("linkedin", "One", part("Another", kind="comment"))), 1, BEFORE,
                        Sent(parts[:1])) == ((), True)


COMMENTED = "urn:li:comment:(urn:li:activity:7123456789012345678,6636062862760562688)"


def comment(text: str = "A (word)", minutes: float = 0, edited: float = 0, **more: Any) -> dict[str, Any]:
    made = int((NOON + timedelta(minutes=minutes)).timestamp() * 1000)
    return {"id": COMMENTED[-20:-1], "commentUrn": COMMENTED, "actor": PAGE,
            "object": "urn:li:activity:7123456789012345678", "created": {"actor": PAGE, "time": made},
            "message": {"attributes": [], "text": text},
            "lastModified": {"actor": PAGE, "time": made + int(edited * 60_000)}, **more}


@pytest.mark.parametrize(("shown_as", "ids", "complete"), [
    (comment(), [COMMENTED], True),
    (comment("A  (word)\n"), [COMMENTED], True),
    (comment(edited=1), [COMMENTED], True),
    (comment("A word"), [], True),
    (comment("A word", edited=1), [], False),
    (comment(actor="urn:li:person:abc"), [], True),
    (comment(minutes=-10), [], True),
    (comment("A word", minutes=-10, edited=12), [], True),
])
def test_a_comment_is_known_by_its_author_time_and_text(shown_as, ids, complete):
    """Another's with the same words is none, nor an older one; one that was edited since may have been it."""
    outgoing = at(None).compose(message("linkedin", "One", part("A (word)", kind="comment")))
    other = comment("Other", commentUrn=COMMENTED.replace("663", "664"))
    with peer(listed(other), listed(shown_as), listed()) as there:
        found = at(there.url).find(outgoing, 1, BEFORE, Sent((PartReceipt(id=SHARE),)))
    assert ([match.id for match in found.matches], found.complete) == (ids, complete)
    assert [one.path for one in there.heard] == [
        f"/rest/socialActions/{SHARE.replace(':', '%3A')}/comments?start={start}&count=100" for start in (0, 100, 200)]


def test_a_second_comment_stands_under_the_post_too():
    """And is looked for there, not under the first comment."""
    plan = at(None).compose(message("linkedin", "One", part("A", kind="comment"), part("B", kind="comment")))
    so_far = Sent((PartReceipt(id=SHARE), PartReceipt(id=COMMENTED)))
    with peer(Says(201, json.dumps({"commentUrn": COMMENTED})), listed()) as there:
        at(there.url).publish(plan, 2, so_far)
        at(there.url).find(plan, 2, BEFORE, so_far)
    assert {urlsplit(one.path).path for one in there.heard} == {
        f"/rest/socialActions/{SHARE.replace(':', '%3A')}/comments"}
    assert json.loads(there.heard[0].body)["object"] == SHARE


def test_a_list_without_an_end_is_not_complete():
    """Two thousand entries were read, and there are more: what was sought may be among them."""
    plan = at(None).compose(message("linkedin", "A", part("A (word)", kind="comment")))
    for number, one in ((0, entry("B")), (1, comment("Other"))):
        with peer(listed(one)) as there:
            found = at(there.url).find(plan, number, BEFORE, Sent((PartReceipt(id=SHARE),)))
        assert (found, len(there.heard)) == (((), False), 20)


def test_a_comment_is_taken_back_alone(adapter, networks):
    parts = send(adapter, message("linkedin", "One", part("A word", kind="comment")))
    adapter.withdraw(parts[1])
    adapter.withdraw(parts[1])
    assert [post["id"] for post in held(networks)] == [parts[0].id]


def test_an_edited_post_makes_the_look_incomplete(adapter, networks, clock):
    """A person changed the words in LinkedIn: it may have been this one."""
    (receipt,) = send(adapter, message("linkedin", "The first words"))
    clock.now += timedelta(minutes=2)
    there = f"{networks.address('linkedin')}/rest/posts/{receipt.id.replace(':', '%3A')}"
    httpx.post(there, json={"patch": {"$set": {"commentary": "Other words"}}}, headers={
        "Authorization": f"Bearer {TOKEN}", "LinkedIn-Version": "202607", "X-Restli-Protocol-Version": "2.0.0",
        "X-RestLi-Method": "PARTIAL_UPDATE"}).raise_for_status()

    assert adapter.find(adapter.compose(message("linkedin", "The first words")), 0, BEFORE, Sent()) == ((), False)


# --- addresses --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("pasted", "id"), [
    (SHARE, SHARE),
    (f"https://www.linkedin.com/feed/update/{SHARE}/", SHARE),
    (f"www.linkedin.com/feed/update/{SHARE.replace(':', '%3A')}?utm_source=share", SHARE),
    (f"https://www.linkedin.com/embed/feed/update/{SHARE}", SHARE),
    ("https://de.linkedin.com/posts/devtestco_a-kettle-mended-share-7123456789012345678-AbC_", SHARE),
    ("https://www.linkedin.com/posts/devtestco_repair-ugcPost-7123456789012345678-x1",
     "urn:li:ugcPost:7123456789012345678"),
    ("https://www.linkedin.com/feed/update/urn:li:activity:5/?commentUrn=urn%3Ali%3Acomment%3A%28urn%3Ali%3Aactivity"
     "%3A5%2C77%29", "urn:li:comment:(urn:li:activity:5,77)"),
])
def test_an_address_gives_the_posts_own_id(pasted, id):
    receipt = LinkedIn(Connection("@us")).receipt_of(pasted)
    assert receipt.id == id
    assert (receipt.url or "").startswith("https://www.linkedin.com/feed/update/urn:li:")


@pytest.mark.parametrize("pasted", [
    "7123456789012345678", "https://www.linkedin.com/feed/update/urn:li:activity:7123456789012345678/",
    "https://www.linkedin.com/posts/devtestco_x-activity-7123456789012345678-x1", "https://linkedin.com.evil.example/"
    f"feed/update/{SHARE}", f"https://user@www.linkedin.com/feed/update/{SHARE}", "", "https://www.linkedin.com/",
    "-share-" * 9_000,
])
def test_another_address_is_refused_with_what_one_looks_like(pasted):
    with pytest.raises(ValueError, match="Embed this post"):
        LinkedIn(Connection("@us")).receipt_of(pasted)


# --- who --------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("author", ["", "me", "devtestco", "urn:li:company:5", "urn:li:organization:5 ",
                                    "urn:li:organization:../5"])
def test_an_author_that_is_no_urn_is_told_before_anything_is_sent(author):
    linkedin = at(None, author=author)
    with pytest.raises(Unauthorized, match="nothing was sent"):
        publish(linkedin)


@pytest.mark.parametrize(("version", "sent"), [("", "202607"), ("202511", "202511"), ("202508.02", "202508.02")])
def test_the_version_is_the_connections_or_ours(version, sent):
    with peer(YES) as there:
        linkedin = at(there.url, version=version)
        publish(linkedin)
    assert there.heard[0].headers["linkedin-version"] == sent


def test_a_version_that_is_no_month_is_told():
    linkedin = at("http://127.0.0.1:9", version="latest")
    with pytest.raises(Unauthorized, match="month"):
        publish(linkedin)


def test_a_sunset_version_is_refused_in_words(networks):
    linkedin = at(networks.address("linkedin"), version="202401", author="rehearsal:@us")
    with pytest.raises(Unauthorized, match="version 202401"):
        send(linkedin, message("linkedin", "A"))
    assert held(networks) == []


def test_without_a_token_nothing_is_sent():
    linkedin = at("http://127.0.0.1:9", access_token="")
    with pytest.raises(Unauthorized) as caught:
        publish(linkedin)
    assert caught.value.dead


def test_the_member_of_the_token_must_be_the_author():
    with peer(Says(200, '{"sub": "abc", "name": "A. Kettle"}')) as there:
        assert at(there.url, author="urn:li:person:abc").account_id() == "urn:li:person:abc"
        assert at(there.url, author="urn:li:person:abc").verify().account == "A. Kettle"
        with pytest.raises(Unauthorized, match="urn:li:person:abc"):
            at(there.url, author="urn:li:person:xyz").account_id()


@pytest.mark.parametrize(("roles", "warnings"), [
    ([{"role": "CONTENT_ADMINISTRATOR", "organization": PAGE, "state": "APPROVED"}], 0),
    ([{"role": "ANALYST", "organization": PAGE, "state": "APPROVED"}], 1),
    ([{"role": "ADMINISTRATOR", "organization": "urn:li:organization:1", "state": "APPROVED"}], 1),
])
def test_a_role_that_may_not_post_is_a_warning(roles, warnings):
    with peer(listed(), listed(*roles)) as there:
        assert len(at(there.url).verify().warnings) == warnings


# --- signing in -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("author", "scope"), [
    (PAGE, "w_organization_social r_organization_social w_organization_social_feed r_organization_social_feed "
           "rw_organization_admin"),
    ("me", "openid profile w_member_social"), ("", "openid profile w_member_social"),
    ("urn:li:person:abc", "openid profile w_member_social"),
])
def test_only_the_permissions_of_the_author_are_asked_for(author, scope):
    page = urlsplit(at(None, author=author).authorization("http://127.0.0.1:8765/", "s&t", "v"))
    assert f"{page.scheme}://{page.netloc}{page.path}" == "https://www.linkedin.com/oauth/v2/authorization"
    assert parse_qs(page.query) == {
        "response_type": ["code"], "client_id": ["86kettle"], "redirect_uri": ["http://127.0.0.1:8765/"],
        "state": ["s&t"], "scope": [scope]}


def test_a_sign_in_in_rehearsal_ends_with_a_post(networks):
    """The page is opened, the code exchanged, 'me' becomes the member's URN, and with all that a post goes out."""
    app = at(networks.address("linkedin"), client_id="@us", author="me", access_token="")
    back = httpx.get(app.authorization("http://127.0.0.1:9/", "state", "v")).headers["location"]
    answer = parse_qs(urlsplit(back).query)
    assert answer["state"] == ["state"]

    fields = app.exchange(answer["code"][0], "http://127.0.0.1:9/", "v")

    assert fields == {"access_token": TOKEN, "refresh_token": TOKEN, "author": "urn:li:person:-us",
                      "expires_at": "2027-01-21T12:00:00Z"}
    send(at(networks.address("linkedin"), **fields), message("linkedin", "Signed in"))
    assert [post["account"] for post in held(networks)] == ["@us"]


@pytest.mark.parametrize(("answer", "meant"), [
    (Says(400, f'{{"error": "invalid_request", "error_description": "code verifier {CODE}"}}'), Unauthorized),
    (Says(500, "{}"), Unavailable), (Says(200, "{}"), Unavailable), (Says(200, '{"access_token": " "}'), Unavailable),
    (Says(429, "{}"), RateLimited),
])
def test_a_code_that_buys_nothing(answer, meant):
    with peer(answer) as there, pytest.raises(PublishError) as caught:
        at(there.url).exchange(CODE, "http://127.0.0.1:9/", "v")
    assert type(caught.value) is meant
    assert tells_nothing(caught.value, CODE, "cold-brew", TOKEN)


def test_a_renewal_is_the_documented_form_and_tells_its_end():
    answer = Says(200, '{"access_token": "new", "expires_in": 5184000}', (("Date", "Sun, 22 Nov 2026 12:00:00 GMT"),))
    with peer(answer) as there:
        assert at(there.url, refresh_token="again").refresh() == {
            "access_token": "new", "expires_at": "2027-01-21T12:00:00Z"}
    (heard,) = there.heard
    assert (heard.method, heard.path) == ("POST", "/oauth/v2/accessToken")
    assert {name: values[0] for name, values in parse_qs(heard.body.decode()).items()} == {
        "grant_type": "refresh_token", "refresh_token": "again", "client_id": "86kettle",
        "client_secret": "cold-brew"}


def test_without_a_refresh_token_a_person_is_asked_for():
    with pytest.raises(Unauthorized, match="sign in again"):
        at(None).refresh()


# --- the twin ---------------------------------------------------------------------------------------------------------

def test_the_twin_outlives_a_restart(tmp_path, clock):
    """Posts, edits, files under their own numbers: all there again, and no id given twice."""
    with Rehearsal([LinkedInTwin(clock, tmp_path)]) as first:
        linkedin = at(first.address("linkedin"), author="rehearsal:@us")
        send(linkedin, message("linkedin", part("A picture", picture())))
        before = held(first)
    with Rehearsal([LinkedInTwin(clock, tmp_path)]) as second:
        assert held(second) == before
        linkedin = at(second.address("linkedin"), author="rehearsal:@us")
        send(linkedin, message("linkedin", part("Another", picture("b.png"))))
        assert len({post["id"] for post in held(second)}) == 2


def test_a_token_posts_for_nobody_else(networks):
    linkedin = at(networks.address("linkedin"), author="urn:li:organization:-them")
    with pytest.raises(Unauthorized):
        publish(linkedin)


@pytest.mark.parametrize(("frames", "goes"), [(250, True), (251, False)])
def test_an_animation_of_too_many_frames_is_refused_by_linkedin(adapter, frames, goes):
    """What the twin makes of the bytes, whatever `check` knew of them."""
    first, *others = [Image.new("L", (2, 2), number) for number in range(frames)]
    made = io.BytesIO()
    first.save(made, "GIF", save_all=True, append_images=others)
    FILES["many frames"] = made.getvalue()
    said = message("linkedin", part("It turns", picture("turns.gif", blob="many frames", size=len(made.getvalue()))))
    if goes:
        assert len(send(adapter, said)) == 1
    else:
        with pytest.raises(Rejected):
            send(adapter, said)


def test_a_picture_that_is_too_large_is_refused_by_check_and_by_linkedin(adapter):
    """36,152,320 pixels are one too many."""
    FILES["linkedin-large"] = drawn("large.png", 6_016, 6_010)
    large = picture("large.png", blob="linkedin-large", width=6_016, height=6_010)
    assert any("pixels" in one for one in told(message("linkedin", part("A", large))))
    with pytest.raises(Rejected):
        send(adapter, message("linkedin", part("A", large)))
    assert plain("a  b\n") == "a b"
