"""What only YouTube has: uploads in pieces that are taken up again, a private video made public, its own counting."""
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
from contract_case import FILES, film, message, part, picture
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr
from youtube_case import CAPTIONS, signed, video

from publishers._youtube_text import TAGS, tags_length
from publishers._youtube_uploads import PIECE
from publishers.base import DRAFT, Connection, Sent
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.youtube_twin import YouTubeTwin
from publishers.youtube import YouTube
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEFORE = NOON - timedelta(minutes=5)
TOKEN = "".join(("rehearsal", ":", "@us"))               # so that no source line in a traceback holds it
SESSION = "".join(("upload_id=", "AbCdEf"))
ID = "kettle12345"
DATE = ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")


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
    """An answer; status 0: the connection is closed without one."""

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
                if not said.status:
                    self.close_connection = True
                    return
                self.send_response_only(said.status)
                for name, value in said.headers:
                    self.send_header(name, value.replace("HERE", peer.url))
                words = said.body.encode()
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


def at(address: str | None, **fields: str) -> YouTube:
    given = {"client_id": "kettle", "client_secret": "cold-brew", "refresh_token": "again", "access_token": TOKEN,
             **fields}
    secrets = {name: SecretStr(value) for name, value in given.items() if value}
    return YouTube(Connection("@us", secrets, address, 5.0, 20.0))


def told(said: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in YouTube(Connection("@us")).check(said) if problem.severity == severity]


def tells_nothing(error: BaseException, *secrets: str) -> bool:
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += f"{deeper!r}{deeper.args}"
        deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
    return not any(secret in story for secret in secrets)


def resource(privacy: str = "public", **more: Any) -> Says:
    return Says(200, json.dumps({"id": ID, "status": {"privacyStatus": privacy, "uploadStatus": "processed"}, **more}))


def no(status: int, reason: str, message: str = "No") -> Says:
    return Says(status, json.dumps({"error": {"code": status, "message": message, "errors": [
        {"domain": "youtube", "reason": reason, "message": message}]}}), (DATE,))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def networks(clock) -> Iterator[Rehearsal]:
    with Rehearsal([YouTubeTwin(clock)]) as running:
        yield running


@pytest.fixture
def adapter(networks) -> YouTube:
    return at(networks.address("youtube"), **signed("@us"))


def readied(adapter: YouTube, said: Message) -> Sent:
    outgoing = adapter.compose(said)
    handles = adapter.prepare(outgoing, 0, FILES.__getitem__)
    return Sent(handles={**handles, DRAFT: adapter.draft(outgoing, 0, Sent(handles=handles))})


def send(adapter: YouTube, said: Message) -> PartReceipt:
    return adapter.publish(adapter.compose(said), 0, readied(adapter, said))


def publish(adapter: YouTube, said: Message | None = None) -> PartReceipt:
    """The one call, of a draft that is there."""
    return adapter.publish(adapter.compose(said or video()), 0, Sent(handles={DRAFT: ID}))


def prepare(adapter: YouTube, said: Message | None = None) -> dict[str, str]:
    return adapter.prepare(adapter.compose(said or video()), 0, FILES.__getitem__)


def held(networks: Rehearsal) -> list[dict[str, Any]]:
    posts: list[dict[str, Any]] = httpx.get(f"{networks.url}/_rehearsal/posts").json()
    return posts


def videos(networks: Rehearsal) -> list[dict[str, Any]]:
    """Everything on the channel, private or not."""
    auth = {"Authorization": f"Bearer {TOKEN}"}
    base = f"{networks.address('youtube')}/youtube/v3"
    channel = httpx.get(f"{base}/channels?part=contentDetails&mine=true", headers=auth).json()["items"][0]
    uploads = channel["contentDetails"]["relatedPlaylists"]["uploads"]
    found: list[dict[str, Any]] = httpx.get(f"{base}/playlistItems?maxResults=50&playlistId={uploads}",
                                            headers=auth).json()["items"]
    return found


# --- what is refused --------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("tags", "counted"), [
    ((), 0), (("Foo-Baz",), 7), (("Foo Baz",), 9), (("Foo-Baz", "Foo Baz"), 17), (("a", "b", "c"), 5)])
def test_tags_count_as_documented(tags, counted):
    """Commas between them, and two quotes around one with a space: the examples of the documents."""
    assert tags_length(tags) == counted


@given(some.lists(some.text(alphabet="ab ", min_size=1)))
def test_tags_count_as_they_are_written_in_a_row(tags):
    assert tags_length(tuple(tags)) == len(",".join(f'"{tag}"' if " " in tag else tag for tag in tags))


@pytest.mark.parametrize(("said", "complaint"), [
    (video(), None),
    (video("x" * 5_000), None), (video("x" * 5_001), "5001/5000"),
    (video("é" * 2_500), None), (video("é" * 2_501), "5002/5000"),
    (video("x" * 4_970, card="https://example.org/kettle"), None),
    (video("x" * 4_990, card="https://example.org/kettle"), "/5000"),
    (video(title="x" * 100), None), (video(title="x" * 101), "101/100"),
    (video(title=" "), "wants a title"),
    (video("a < b"), "in a description"), (video("a -> b"), "in a description"),
    (video(title="a < b"), "in a title"),
    (video(options={"tags": ("x" * TAGS,)}), None), (video(options={"tags": ("x" * (TAGS + 1),)}), "501/500"),
    (video(options={"tags": ("x" * 497 + " ",)}), None),
    (video(options={"tags": ("one, two",)}), "in a tag"), (video(options={"tags": ("<b>",)}), "in a tag"),
    (video(options={"category": "howto"}), None), (video(options={"category": "cooking"}), "cannot be cooking"),
    (video(options={"privacy": "private"}), "cannot be private"),
    (video(options={"license": "creativeCommon"}), None),
    (message("youtube", part("A", picture()), title="A", options={"made_for_kids": False}), "has none"),
    (message("youtube", "A", title="A", options={"made_for_kids": False}), "without a picture or video"),
    (video("A", picture("a.png"), picture("b.png")), "2/1 images"),
    (video("A", film("b.mp4", blob="another")), "2/1 videos"),
    (video("A", picture("a.gif")), ".gif"),
    (video("A", picture("a.png", size=50_000_001)), "50,000,000"),
    (video(film=film("a.flv")), ".flv"),
    (video(film=film("a.webm")), None),
    (video(film=film(seconds=43_201.0)), "43200"),
    (video(film=film(captions=CAPTIONS), language="en"), None),
    (video(film=film(captions=CAPTIONS)), "language of subtitles"),
    (video(film=film(captions=CAPTIONS.model_copy(update={"file": "media/kettle.docx"})), language="en"), ".docx"),
    (video(film=film(captions=CAPTIONS.model_copy(update={"size": 100_000_001})), language="en"), "100,000,000"),
])
def test_each_limit_once_inside_and_once_outside(said, complaint):
    complaints = told(said)
    assert complaints == [] if complaint is None else any(complaint in one for one in complaints)


def test_what_nobody_would_see_and_what_is_not_said_are_warnings():
    said = message("youtube", part("A", film()), part("And a word", kind="comment"), title="A", warning="Hot")
    warned = told(said, Severity.warning)
    assert [words for words in ("no content warnings", "made for children", "first comment does not go")
            if not any(words in one for one in warned)] == []


# --- on the wire ------------------------------------------------------------------------------------------------------

def test_the_one_call_says_everything_and_is_the_documented_request():
    """What an update leaves out is taken away: so all that can be set is in it."""
    said = video("With both #Repair", picture("both.jpg"), language="de", hashtags=("Repair",), disclosure="gifted",
                 film=film(ai="edited"), options={"tags": ("how to mend",), "category": "howto", "privacy": "unlisted",
                                                  "made_for_kids": True, "embeddable": False, "public_stats": True,
                                                  "license": "creativeCommon"})
    with peer(resource("unlisted")) as there:
        receipt = publish(at(there.url), said)

    (heard,) = there.heard
    assert (heard.method, heard.path) == (
        "PUT", "/youtube/v3/videos?part=snippet%2Cstatus%2CpaidProductPlacementDetails")
    assert heard.headers["authorization"] == f"Bearer {TOKEN}"
    assert json.loads(heard.body) == {
        "id": ID,
        "snippet": {"title": "A kettle", "description": "With both #Repair", "categoryId": "26",
                    "tags": ["Repair", "how to mend"], "defaultLanguage": "de", "defaultAudioLanguage": "de"},
        "status": {"privacyStatus": "unlisted", "license": "creativeCommon", "selfDeclaredMadeForKids": True,
                   "embeddable": False, "publicStatsViewable": True, "containsSyntheticMedia": True},
        "paidProductPlacementDetails": {"hasPaidProductPlacement": True}}
    assert receipt == PartReceipt(id=ID, url=f"{there.url}/#youtube-{ID}")


def test_what_nobody_said_is_not_sent():
    with peer(resource()) as there:
        publish(at(there.url), message("youtube", part("A", film()), title="A kettle"))
    assert json.loads(there.heard[0].body) == {
        "id": ID, "snippet": {"title": "A kettle", "description": "A", "categoryId": "22"},
        "status": {"privacyStatus": "public", "license": "youtube"}}


def test_an_upload_is_opened_private_and_sent_in_pieces():
    """The film goes up unseen, in pieces whose size is a multiple of 262,144; then its picture and its subtitles."""
    FILES["youtube-long-film"] = FILES["film"] + bytes(PIECE)
    long, size = film(blob="youtube-long-film", captions=CAPTIONS), len(FILES["film"]) + PIECE
    said = video("A", picture("one.png"), film=long, language="en", options={"notify_subscribers": False})
    with peer(Says(200, "", (("Location", f"HERE/session?{SESSION}"),)),
              Says(308, "", (("Range", f"bytes=0-{PIECE - 1}"),)), Says(200, json.dumps({"id": ID})),
              Says(200, "{}")) as there:
        handles = prepare(at(there.url), said)

    assert handles == {"youtube-long-film": ID, "one.png-600x600": ID, "youtube-captions": ID}
    opened, first, last, picture_, captions = there.heard
    assert (opened.method, opened.path) == (
        "POST", "/upload/youtube/v3/videos?uploadType=resumable&part=snippet%2Cstatus&notifySubscribers=false")
    assert (opened.headers["x-upload-content-type"], opened.headers["x-upload-content-length"]) == (
        "video/*", str(size))
    assert json.loads(opened.body) == {
        "snippet": {"title": "A kettle", "description": "A", "categoryId": "22", "defaultLanguage": "en",
                    "defaultAudioLanguage": "en"},
        "status": {"privacyStatus": "private", "license": "youtube", "selfDeclaredMadeForKids": False}}
    assert [one.headers["content-range"] for one in (first, last)] == [
        f"bytes 0-{PIECE - 1}/{size}", f"bytes {PIECE}-{size - 1}/{size}"]
    assert first.body + last.body == FILES["youtube-long-film"]
    assert PIECE % 262_144 == 0
    assert (picture_.method, picture_.path, picture_.headers["content-type"], picture_.body) == (
        "POST", f"/upload/youtube/v3/thumbnails/set?videoId={ID}&uploadType=media", "image/png",
        FILES["one.png-600x600"])
    assert captions.path == "/upload/youtube/v3/captions?part=snippet&uploadType=multipart"
    boundary = captions.headers["content-type"].removeprefix("multipart/related; boundary=")
    assert captions.body == (
        f"--{boundary}\r\nContent-Type: application/json; charset=UTF-8\r\n\r\n"
        f'{{"snippet": {{"videoId": "{ID}", "language": "en", "name": "", "isDraft": false}}}}'
        f"\r\n--{boundary}\r\nContent-Type: application/octet-stream\r\n\r\n").encode() + FILES[
        "youtube-captions"] + f"\r\n--{boundary}--\r\n".encode()


OPENED = Says(200, "", (("Location", f"HERE/session?{SESSION}"),))
WHOLE = Says(200, json.dumps({"id": ID}))


@pytest.mark.parametrize(("answers", "ranges"), [
    ((Says(0), WHOLE), ["bytes 0-{last}/{size}", "bytes */{size}"]),
    ((Says(503), WHOLE), ["bytes 0-{last}/{size}", "bytes */{size}"]),
    ((Says(0), Says(308), WHOLE), ["bytes 0-{last}/{size}", "bytes */{size}", "bytes 0-{last}/{size}"]),
    ((Says(0), Says(308, "", (("Range", "bytes=0-99"),)), WHOLE),
     ["bytes 0-{last}/{size}", "bytes */{size}", "bytes 100-{last}/{size}"]),
    ((Says(0), Says(0), WHOLE), ["bytes 0-{last}/{size}", "bytes */{size}", "bytes */{size}"]),
])
def test_a_lost_answer_is_asked_after_and_no_second_video_is_made(answers, ranges):
    """The address of the upload says how much it has, or that it has all and which video that is."""
    size = len(FILES["film"])
    with peer(OPENED, *answers) as there:
        assert prepare(at(there.url)) == {"film": ID}
    assert [one.headers["content-range"] for one in there.heard[1:]] == [
        one.format(size=size, last=size - 1) for one in ranges]


@pytest.mark.parametrize("answers", [(Says(0),), (Says(308),), (Says(500),), (Says(308, "", (("Range", "what"),)),),
                                     (Says(308, "", (("Range", "bytes=0-99999999999"),)),)])
def test_an_upload_that_gets_nowhere_ends(answers):
    """After a few calls, with an error that does not tell the upload's address."""
    with peer(OPENED, *answers) as there, pytest.raises(Unavailable) as caught:
        prepare(at(there.url))
    assert len(there.heard) < 9
    assert tells_nothing(caught.value, TOKEN, SESSION)


def test_an_upload_whose_address_has_expired_is_begun_anew():
    """404 at the address of an upload says that it is too old; the film is none the worse."""
    with peer(OPENED, no(404, "notFound")) as there, pytest.raises(Unavailable) as caught:
        prepare(at(there.url))
    assert [one.method for one in there.heard] == ["POST", "PUT"]
    assert tells_nothing(caught.value, TOKEN, SESSION)


@pytest.mark.parametrize("said", [video("A", picture("one.png")),
                                  video("A", film=film(alt=None, captions=CAPTIONS), language="en")])
def test_a_video_that_is_not_found_at_once_is_tried_again(said):
    """Its picture or subtitles are refused with 404 in its first seconds: another try may do, and this one goes."""
    with peer(OPENED, WHOLE, no(404, "videoNotFound"), Says(204)) as there, pytest.raises(
            Unavailable, match="videoNotFound"):
        prepare(at(there.url), said)
    assert (there.heard[-1].method, there.heard[-1].path) == ("DELETE", f"/youtube/v3/videos?id={ID}")


def test_a_draft_that_is_not_listed_yet_is_asked_after_later():
    """A list may be behind by some seconds: nothing says that the film was refused."""
    nothing = Says(200, '{"kind": "youtube#videoListResponse", "items": []}')
    plan = at(None).compose(video())
    with peer(nothing) as there, pytest.raises(PublishError) as caught:
        at(there.url).draft(plan, 0, Sent(handles={"film": ID}))
    assert type(caught.value) is Unavailable


def test_no_byte_goes_to_an_address_that_is_not_googles():
    with peer(Says(200)) as stranger:
        with peer(Says(200, "", (("Location", f"{stranger.url}/x"),))) as there, pytest.raises(
                Unavailable, match="not its own"):
            prepare(at(there.url))
        assert stranger.heard == []


@pytest.mark.parametrize("where", ["https://www.googleapis.com.evil.example/x", "http://www.googleapis.com/x",
                                   "https://user@www.googleapis.com/x", "https://www.googleapis.com:444/x", ""])
def test_only_googles_own_hosts_are_sent_to(where):
    from publishers._youtube_uploads import _is_theirs

    assert not _is_theirs(Connection("@us"), where)
    assert _is_theirs(Connection("@us"), "https://www.googleapis.com/upload/youtube/v3/videos?upload_id=x")


def test_a_film_whose_picture_is_refused_does_not_stay(adapter, networks):
    """Else each attempt would leave a private video on the channel."""
    with pytest.raises(Rejected, match="invalidImage"):
        send(adapter, video("A", picture("title.webp")))
    assert videos(networks) == []


# --- the draft --------------------------------------------------------------------------------------------------------

def test_what_is_uploaded_is_not_seen_until_it_is_published(adapter, networks):
    """Prepared and drafted there is no post; the one call makes it one, with the hour of that call."""
    sent = readied(adapter, video())
    assert held(networks) == []
    assert [one["status"]["privacyStatus"] for one in videos(networks)] == ["private"]

    receipt = adapter.publish(adapter.compose(video()), 0, sent)
    assert [post["id"] for post in held(networks)] == [receipt.id] == [sent.handles[DRAFT]]


def test_words_that_changed_after_the_upload_are_the_ones_that_are_seen(adapter, networks):
    """The call that publishes says all of them, so an older upload can be used."""
    sent = readied(adapter, video("Old words", title="Old title"))
    adapter.publish(adapter.compose(video("New words", title="New title")), 0, sent)
    (post,) = held(networks)
    assert post["text"] == "New words"
    assert [one["snippet"]["title"] for one in videos(networks)] == ["New title"]


def test_a_repeat_changes_nothing(adapter, networks):
    sent = readied(adapter, video())
    receipts = [adapter.publish(adapter.compose(video()), 0, sent) for _ in range(3)]
    assert len({receipt.id for receipt in receipts}) == len(held(networks)) == len(videos(networks)) == 1


def test_a_film_that_youtube_cannot_read_is_refused_before_the_call(adapter, networks):
    FILES["youtube-noise"] = bytes(1_000)
    with pytest.raises(Rejected, match="invalidFile"):
        send(adapter, video(film=film(blob="youtube-noise", size=1_000)))
    assert held(networks) == []


def test_a_draft_that_somebody_removed_is_told(adapter, networks):
    outgoing = adapter.compose(video())
    handles = adapter.prepare(outgoing, 0, FILES.__getitem__)
    adapter.withdraw(PartReceipt(id=handles["film"]))
    with pytest.raises(Unavailable, match="removed"):
        adapter.draft(outgoing, 0, Sent(handles=handles))


def test_a_project_that_is_not_audited_is_told(networks):
    """YouTube says yes and keeps the video private: nobody sees it, and the reason is said."""
    adapter = at(networks.address("youtube"), access_token="rehearsal:@unaudited")
    with pytest.raises(Rejected, match="not audited"):
        send(adapter, video())
    assert held(networks) == []


# --- what an answer means ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("answer", "meant", "words"), [
    (no(400, "invalidTitle"), Rejected, "invalidTitle"),
    (no(400, "invalidTags"), Rejected, "invalidTags"),
    (no(404, "videoNotFound"), Rejected, "videoNotFound"),
    (no(403, "forbiddenPrivacySetting"), Rejected, "forbiddenPrivacySetting"),
    (no(401, "authError"), Unauthorized, "authError"),
    (no(403, "forbidden"), Unauthorized, "forbidden"),
    (no(403, "insufficientPermissions"), Unauthorized, "insufficientPermissions"),
    (no(401, "youtubeSignupRequired"), Unauthorized, "youtubeSignupRequired"),
    (no(403, "quotaExceeded"), RateLimited, "California"),
    (no(400, "uploadLimitExceeded"), RateLimited, "uploadLimitExceeded"),
    (no(403, "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
    (no(403, "userRateLimitExceeded"), RateLimited, "userRateLimitExceeded"),
    (no(429, "rateLimitExceeded"), RateLimited, "rateLimitExceeded"),
    (no(409, "conflict"), Unconfirmed, "409"), (no(500, "backendError"), Unconfirmed, "500"),
    (no(503, "backendError"), Unconfirmed, "503"),
    (Says(200, '{"id": "another1234", "status": {"privacyStatus": "public"}}'), Unconfirmed, "not with the video"),
    (Says(200, f'{{"id": "{ID}"}}'), Unconfirmed, "not with the video"),
    (Says(200, f'{{"id": "{ID}", "status": {{"privacyStatus": "unlisted"}}}}'), Unconfirmed, "to others"),
    (Says(200, f'{{"id": "{ID}", "status": {{"privacyStatus": "private"}}}}'), Rejected, "keeps the video private"),
])
def test_each_answer_means_what_the_documents_say(answer, meant, words):
    with peer(answer) as there, pytest.raises(PublishError) as caught:
        publish(at(there.url))
    assert type(caught.value) is meant
    assert words in caught.value.why
    assert tells_nothing(caught.value, TOKEN)
    assert len(there.heard) == 1


@pytest.mark.parametrize(("reason", "date", "until"), [
    ("quotaExceeded", "Sun, 22 Nov 2026 12:00:00 GMT", datetime(2026, 11, 23, 8, tzinfo=UTC)),
    ("quotaExceeded", "Mon, 23 Nov 2026 07:59:00 GMT", datetime(2026, 11, 23, 8, tzinfo=UTC)),
    ("quotaExceeded", "Wed, 01 Jul 2026 12:00:00 GMT", datetime(2026, 7, 2, 7, tzinfo=UTC)),
    ("uploadLimitExceeded", "Sun, 22 Nov 2026 12:00:00 GMT", datetime(2026, 11, 23, 12, tzinfo=UTC)),
])
def test_a_quota_ends_at_midnight_in_california(reason, date, until):
    """Summer time and winter time, by the clock of the answer itself."""
    answer = no(403, reason)._replace(headers=(("Date", date),))
    with peer(answer) as there, pytest.raises(RateLimited) as caught:
        publish(at(there.url))
    assert caught.value.until == until


def test_a_network_that_repeats_a_secret_does_not_get_it_into_the_error():
    with peer(no(400, "bad", f"{TOKEN} cold-brew\x1b[2J")) as there, pytest.raises(Rejected) as caught:
        publish(at(there.url))
    assert tells_nothing(caught.value, TOKEN, "cold-brew")
    assert "\x1b" not in caught.value.why


# --- reading back -----------------------------------------------------------------------------------------------------

def test_a_lost_answer_is_found_without_the_draft_too(adapter, networks):
    """The channel's own list has it, by title, description and hour; private ones and other titles do not count."""
    said = video("The very words")
    readied(adapter, said)                                        # an older upload that nobody took stays private
    send(adapter, video("The very words", title="Another"))
    assert adapter.find(adapter.compose(said), 0, BEFORE, Sent()) == ((), True)

    receipt = send(adapter, said)
    found = adapter.find(adapter.compose(said), 0, BEFORE, Sent())
    assert ([match.id for match in found.matches], found.complete) == ([receipt.id], True)


def test_the_same_video_of_last_week_is_not_this_one(adapter, networks, clock):
    send(adapter, video("The very words"))
    clock.now += timedelta(days=7)
    since = clock.now - timedelta(minutes=5)
    assert adapter.find(adapter.compose(video("The very words")), 0, since, Sent()) == ((), True)


def test_an_unlisted_video_tells_no_hour_so_the_look_is_incomplete(adapter, networks):
    said = video("The very words", options={"privacy": "unlisted"})
    receipt = send(adapter, said)
    found = adapter.find(adapter.compose(said), 0, BEFORE, Sent())
    assert ([match.id for match in found.matches], found.complete) == ([receipt.id], False)
    sent = Sent(handles={DRAFT: receipt.id})
    assert adapter.find(adapter.compose(said), 0, BEFORE, sent).complete


def test_a_list_without_an_end_is_not_complete():
    """A thousand videos were read, and there are more: what was sought may be among them."""
    channel = {"kind": "youtube#channelListResponse", "items": [
        {"id": "UCx", "contentDetails": {"relatedPlaylists": {"uploads": "UUx"}}}]}
    page = {"kind": "youtube#playlistItemListResponse", "items": [], "nextPageToken": "more"}
    plan = at(None).compose(video())
    with peer(Says(200, json.dumps(channel)), Says(200, json.dumps(page))) as there:
        assert at(there.url).find(plan, 0, BEFORE, Sent()) == ((), False)
    assert len(there.heard) == 21


def test_a_draft_is_out_only_when_people_can_see_it():
    """Private, or gone from the list, it is not: it is published again, which changes nothing."""
    plan, sent = at(None).compose(video()), Sent(handles={DRAFT: ID})
    for privacy, is_out in (("public", True), ("unlisted", True), ("private", False)):
        one = {"kind": "youtube#video", "id": ID, "status": {"privacyStatus": privacy}}
        with peer(Says(200, json.dumps({"kind": "youtube#videoListResponse", "items": [one]}))) as there:
            matches, complete = at(there.url).find(plan, 0, BEFORE, sent)
        assert ([match.id for match in matches], complete) == ([ID] if is_out else [], True)


def test_all_pages_of_the_list_are_read(adapter, networks):
    said = video("The first of many")
    receipt = send(adapter, said)
    for number in range(55):
        readied(adapter, video(f"Another, {number}"))
    found = adapter.find(adapter.compose(said), 0, BEFORE, Sent())
    assert ([match.id for match in found.matches], found.complete) == ([receipt.id], True)


@pytest.mark.parametrize("broken", ['{"kind": "youtube#x", "items": [{"id": "UC1"}]}', '{"items": []}', "[]",
                                    '{"kind": "youtube#x", "items": [{"id": "UC1", "contentDetails": 5}]}'])
def test_a_listing_of_another_form_is_no_answer(broken):
    with peer(Says(200, broken)) as there:
        adapter = at(there.url)
        outgoing = adapter.compose(video())
        with pytest.raises(Unavailable):
            adapter.find(outgoing, 0, BEFORE, Sent())


@pytest.mark.parametrize("pasted", [
    ID, f"https://www.youtube.com/watch?v={ID}", f"https://m.youtube.com/watch?v={ID}&t=5s", f"youtu.be/{ID}?si=x",
    f"https://www.youtube.com/shorts/{ID}", f"https://www.youtube.com/embed/{ID}", f"https://youtube.com/live/{ID}",
    f"https://studio.youtube.com/video/{ID}/edit"])
def test_an_address_gives_the_video(pasted):
    assert YouTube(Connection("@us")).receipt_of(pasted) == PartReceipt(
        id=ID, url=f"https://www.youtube.com/watch?v={ID}")


@pytest.mark.parametrize("pasted", ["", "https://www.youtube.com/@devtestco", "https://www.youtube.com/watch?v=short",
                                    f"https://youtube.com.evil.example/watch?v={ID}", f"https://user@youtu.be/{ID}"])
def test_another_address_is_refused_with_what_one_looks_like(pasted):
    with pytest.raises(ValueError, match="eleven characters"):
        YouTube(Connection("@us")).receipt_of(pasted)


# --- who --------------------------------------------------------------------------------------------------------------

def test_a_google_account_without_a_channel_is_told():
    with peer(Says(200, '{"kind": "youtube#channelListResponse"}')) as there, pytest.raises(
            Unauthorized, match="no YouTube channel"):
        at(there.url).account_id()


@pytest.mark.parametrize(("scope", "long", "warnings"), [
    ("https://www.googleapis.com/auth/youtube.force-ssl", "allowed", 0),
    ("https://www.googleapis.com/auth/youtube openid", "allowed", 0),
    ("https://www.googleapis.com/auth/youtube.upload", "allowed", 1),
    ("https://www.googleapis.com/auth/youtube.force-ssl", "eligible", 1),
])
def test_what_a_token_lacks_is_a_warning(scope, long, warnings):
    channel = {"kind": "youtube#channelListResponse", "items": [
        {"id": "UC1", "snippet": {"title": "Kettles"}, "status": {"longUploadsStatus": long}}]}
    with peer(Says(200, json.dumps(channel)), Says(200, json.dumps({"scope": scope}))) as there:
        verified = at(there.url).verify()
    assert (verified.account, verified.account_id, verified.scopes) == ("Kettles", "UC1", tuple(scope.split()))
    assert len(verified.warnings) == warnings
    asked = there.heard[1]
    assert (asked.path, asked.headers["authorization"], asked.body) == ("/tokeninfo", f"Bearer {TOKEN}", b"")


def test_without_a_token_nothing_is_sent():
    adapter = at("http://127.0.0.1:9", access_token="")
    for call in (publish, prepare):
        with pytest.raises(Unauthorized) as caught:
            call(adapter)
        assert caught.value.dead


# --- signing in -------------------------------------------------------------------------------------------------------

def test_the_page_of_the_sign_in_is_the_documented_one():
    """With the challenge of RFC 7636, appendix B, and asking for a token that lasts."""
    page = urlsplit(at(None).authorization("http://127.0.0.1:8765/", "s&t",
                                           "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
    assert f"{page.scheme}://{page.netloc}{page.path}" == "https://accounts.google.com/o/oauth2/v2/auth"
    assert parse_qs(page.query) == {
        "client_id": ["kettle"], "redirect_uri": ["http://127.0.0.1:8765/"], "response_type": ["code"],
        "scope": ["https://www.googleapis.com/auth/youtube.force-ssl"], "state": ["s&t"], "access_type": ["offline"],
        "prompt": ["consent"], "code_challenge": ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"],
        "code_challenge_method": ["S256"]}


def test_a_sign_in_in_rehearsal_ends_with_a_video(networks):
    app = at(networks.address("youtube"), client_id="@us", access_token="", refresh_token="")
    back = httpx.get(app.authorization("http://127.0.0.1:9/", "state", "v")).headers["location"]
    fields = app.exchange(parse_qs(urlsplit(back).query)["code"][0], "http://127.0.0.1:9/", "v")

    assert fields == {"access_token": TOKEN, "refresh_token": TOKEN, "expires_at": "2026-11-22T12:59:59Z"}
    send(at(networks.address("youtube"), **fields), video())
    assert [post["account"] for post in held(networks)] == ["@us"]


def test_a_renewal_is_the_documented_form_and_keeps_the_refresh_token():
    with peer(Says(200, '{"access_token": "new", "expires_in": 3599}', (DATE,))) as there:
        assert at(there.url).refresh() == {"access_token": "new", "expires_at": "2026-11-22T12:59:59Z"}
    (heard,) = there.heard
    assert (heard.method, heard.path) == ("POST", "/token")
    assert parse_qs(heard.body.decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["again"],
                                             "client_id": ["kettle"], "client_secret": ["cold-brew"]}


@pytest.mark.parametrize(("answer", "meant", "dead"), [
    (Says(400, '{"error": "invalid_grant", "error_description": "Token has been expired or revoked."}'),
     Unauthorized, True),
    (Says(401, '{"error": "invalid_client", "error_description": "cold-brew is wrong"}'), Unauthorized, False),
    (Says(400, "<html>"), Unavailable, None), (Says(500, "{}"), Unavailable, None),
    (Says(200, "{}"), Unavailable, None), (Says(429, "{}"), RateLimited, None),
])
def test_a_renewal_that_gives_nothing(answer, meant, dead):
    with peer(answer) as there, pytest.raises(PublishError) as caught:
        at(there.url).refresh()
    assert type(caught.value) is meant
    assert getattr(caught.value, "dead", None) is dead
    assert tells_nothing(caught.value, "cold-brew", TOKEN)


# --- the twin ---------------------------------------------------------------------------------------------------------

def test_the_twin_outlives_a_restart(tmp_path, clock):
    """Private videos and public ones are there again; a draft of before can still be published."""
    with Rehearsal([YouTubeTwin(clock, tmp_path)]) as first:
        adapter = at(first.address("youtube"))
        send(adapter, video("One", picture("one.png")))
        sent = readied(adapter, video("Two"))
        before = held(first)
    with Rehearsal([YouTubeTwin(clock, tmp_path)]) as second:
        assert held(second) == before
        adapter = at(second.address("youtube"))
        adapter.publish(adapter.compose(video("Two")), 0, sent)
        assert [post["text"] for post in held(second)] == ["One", "Two"]


def test_a_video_of_another_channel_cannot_be_touched(adapter, networks):
    receipt = send(adapter, video())
    stranger = at(networks.address("youtube"), **signed("@them"))
    with pytest.raises(Rejected):
        stranger.publish(stranger.compose(video()), 0, Sent(handles={DRAFT: receipt.id}))
    stranger.withdraw(receipt)                                    # 404: not there for them, so as good as gone
    assert [post["id"] for post in held(networks)] == [receipt.id]
