"""Videos, moving GIFs and subtitles on X: in pieces, without sleeping, against the twin over real loopback HTTP."""
import io
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from contract_case import FILES, OURS, POST, film, message, part, picture
from PIL import Image
from pydantic import SecretStr

from publishers._x_files import SEGMENT_BYTES
from publishers.base import Connection, Found, Outgoing, Sent
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.x_twin import XTwin
from publishers.x import X
from schemas.content import Probe
from schemas.errors import Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Media, Message
from schemas.place import Place
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKENS = {"consumer_key": "key-1f", "consumer_secret": "secret-2e", "access_token": "rehearsal:@us",
          "access_token_secret": "secret-3d"}
WORDS = b"1\n00:00:00,000 --> 00:00:04,000\nThe kettle boils.\n"


def gif(frames: int) -> bytes:
    made = io.BytesIO()
    first, *more = [Image.new("RGB", (20, 20), (shade * 40, 90, 90)) for shade in range(frames)]
    first.save(made, "GIF", save_all=True, append_images=more)
    return made.getvalue()


FILES.update({"moving": gif(3), "still": gif(1), "words": WORDS, "x-noise": b"no film at all",
              "x-large": film() and FILES["film"] + bytes(2 * SEGMENT_BYTES)})


def moving(**more: Any) -> Media:
    return Media(**{"file": "content/media/spin.gif", "blob": "moving", "size": len(FILES["moving"]), "alt": "It spins",
                    "place": Place(POST, 4), "probe": Probe("gif", 20, 20, None, 3), **more})


def subtitles(name: str = "kettle.srt") -> Media:
    return Media(file=f"content/media/{name}", blob="words", size=len(WORDS), alt=None, place=Place(POST, 4))


def adapter(address: str | None = None, token: str = "rehearsal:@us") -> X:
    secrets = {name: SecretStr(value) for name, value in (TOKENS | {"access_token": token}).items()}
    return X(Connection(OURS, secrets, address, request_timeout_s=20.0))


def composed(*files: Media, **more: Any) -> Outgoing:
    return adapter().compose(message("x", part("A kettle boils", *files), **more))


def said(*files: Media, **more: Any) -> list[tuple[Severity, str]]:
    problems = adapter().check(message("x", part("A kettle boils", *files), **more))
    return [(problem.severity, problem.message) for problem in problems]


class Stage:
    """The twin on a port of its own."""

    def __init__(self, rehearsal: Rehearsal, twin: XTwin) -> None:
        self.url, self.twin, self.address = rehearsal.url, twin, rehearsal.address("x")

    def x(self, token: str = "rehearsal:@us") -> X:
        return adapter(self.address, token)

    def script(self, **fault: Any) -> None:
        httpx.put(f"{self.url}/_rehearsal/faults", json=[fault]).raise_for_status()

    def kept(self, id: str) -> bytes:
        return self.twin.bytes_of(self.twin.media[id].sha256)


@pytest.fixture
def stage() -> Iterator[Stage]:
    twin = XTwin(lambda: NOON)
    with Rehearsal([twin]) as rehearsal:
        yield Stage(rehearsal, twin)


def handles_of(stage: Stage, outgoing: Outgoing, token: str = "rehearsal:@us") -> dict[str, str]:
    return stage.x(token).prepare(outgoing, 0, FILES.__getitem__)


# --- as it goes out --------------------------------------------------------------------------------------------------

def test_a_video_goes_out_with_its_subtitles(stage: Stage) -> None:
    """The film arrives whole, its subtitles hang on it in their language, and the post names the film alone."""
    outgoing = composed(film(captions=subtitles()), language="de-AT")
    handles = handles_of(stage, outgoing)
    receipt = stage.x().publish(outgoing, 0, Sent((), handles))

    assert outgoing.parts[0].names == ("kettle.mp4", "kettle.de.srt")
    assert outgoing.parts[0].alts == ("", "")
    (post,) = stage.twin.posts
    assert (post.id, [stage.kept(id) for id in post.media]) == (receipt.id, [FILES["film"]])
    assert stage.twin.subtitles == {post.media[0]: {
        "id": handles["words"], "language_code": "DE", "display_name": "Deutsch"}}
    assert stage.kept(handles["words"]) == WORDS


@pytest.mark.parametrize(("name", "language", "sent", "told"), [
    ("kettle.srt", "en", "kettle.en.srt", {"language_code": "EN", "display_name": "English"}),
    ("kettle.fr.vtt", "en", "kettle.fr.vtt", {"language_code": "FR", "display_name": "Français"}),
    ("kettle.pt-BR.srt", None, "kettle.pt-BR.srt", {"language_code": "PT", "display_name": "Português"}),
    ("kettle.srt", "eo", "kettle.eo.srt", {"language_code": "EO", "display_name": "EO"}),
    ("kettle.srt", None, "kettle.srt", {}), ("kettle.srt", "tlh", "kettle.srt", {}),
])
def test_the_language_of_subtitles(stage: Stage, name: str, language: str | None, sent: str,
                                   told: dict[str, str]) -> None:
    """What their own name says, else the message's language, else X is told none."""
    outgoing = composed(film(captions=subtitles(name)), language=language)
    handles = handles_of(stage, outgoing)

    assert outgoing.parts[0].names[1] == sent
    assert stage.twin.subtitles[handles["film"].removeprefix("processing:")] == {"id": handles["words"], **told}


def test_a_large_video_goes_up_in_pieces(stage: Stage) -> None:
    """More than one segment: what X has in the end is the file, byte by byte."""
    outgoing = composed(film(blob="x-large", size=len(FILES["x-large"])))
    handles = handles_of(stage, outgoing)

    assert len(FILES["x-large"]) > 2 * SEGMENT_BYTES
    assert stage.kept(handles["x-large"].removeprefix("processing:")) == FILES["x-large"]
    assert stage.x().publish(outgoing, 0, Sent((), handles)).id == stage.twin.posts[0].id


def test_a_gif_that_moves_is_no_picture(stage: Stage) -> None:
    """By its content, whether anybody probed it or not: one with frames goes up as a GIF, with its alt text."""
    unprobed = moving(probe=None)
    still = picture("still.gif", alt="Still", blob="still")
    handles = {**handles_of(stage, composed(moving())), **handles_of(stage, composed(still))}
    again = handles_of(stage, composed(unprobed))

    spinning, standing = (stage.twin.media[handles[blob].removeprefix("processing:")] for blob in ("moving", "still"))
    assert (spinning.name, spinning.mime, spinning.alt) == ("tweet_gif", "image/gif", "It spins")
    assert (standing.mime, standing.alt) == (None, "Still")
    assert stage.twin.media[again["moving"].removeprefix("processing:")].name == "tweet_gif"
    for outgoing, blob in ((composed(moving()), "moving"), (composed(still), "still")):
        stage.x().publish(outgoing.model_copy(update={"parts": (outgoing.parts[0].model_copy(
            update={"request": {"text": blob}}),)}), 0, Sent((), handles))
    assert [len(post.media) for post in stage.twin.posts] == [1, 1]


# --- while X works ---------------------------------------------------------------------------------------------------

def test_nobody_waits_for_a_video(stage: Stage) -> None:
    """While X works on it nothing is posted or uploaded anew; as soon as it is done, the same handle serves."""
    outgoing = composed(film())
    handles = handles_of(stage, outgoing)
    id = handles["film"].removeprefix("processing:")
    stage.twin._looks[id] = 2
    before = len(stage.twin.media)
    for _ in range(2):
        with pytest.raises(Unavailable, match="still working"):
            stage.x().publish(outgoing, 0, Sent((), handles))

    assert (handles["film"], stage.twin.posts, sum(stage.twin.calls.values())) == (f"processing:{id}", [], 0)
    assert stage.x().publish(outgoing, 0, Sent((), handles)).id == stage.twin.posts[0].id
    assert len(stage.twin.media) == before


def test_a_file_that_is_ready_at_once_is_not_asked_after(stage: Stage) -> None:
    """A handle without a mark is a media id: no call goes before the create call."""
    outgoing = composed(film())
    id = handles_of(stage, outgoing)["film"].removeprefix("processing:")
    stage.twin._looks[id] = 0
    stage.script(fault="500 before effect", match="GET /2/media/upload")

    stage.x().publish(outgoing, 0, Sent((), {"film": id}))

    assert len(stage.twin.posts) == 1


def test_what_x_cannot_use_is_rejected(stage: Stage) -> None:
    """Processing that failed is a refusal, whoever asks: with a way out, and without a post."""
    outgoing = composed(film(blob="x-noise", size=14))
    handles = handles_of(stage, outgoing)

    with pytest.raises(Rejected, match="save it anew"):
        stage.x().publish(outgoing, 0, Sent((), handles))
    assert stage.twin.posts == []


STEPS = ("POST /2/media/upload/initialize", "POST /2/media/upload/[0-9]+/append",
         "POST /2/media/upload/[0-9]+/finalize", "POST /2/media/subtitles")


@pytest.mark.parametrize("fault", ["500 before effect", "500 after effect", "hang up after effect", "truncate",
                                   "not JSON", "503"])
@pytest.mark.parametrize("step", STEPS)
def test_an_upload_that_breaks_off_may_be_repeated(stage: Stage, step: str, fault: str) -> None:
    """Nobody sees it: Unavailable at every step, and a new try goes through."""
    outgoing = composed(film(captions=subtitles()))
    stage.script(fault=fault, match=step)

    with pytest.raises(Unavailable):
        handles_of(stage, outgoing)

    assert set(handles_of(stage, outgoing)) == {"film", "words"}


@pytest.mark.parametrize("fault", ["429", "500 before effect", "hang up before", "truncate", "not JSON", "503"])
def test_a_question_that_fails_uploads_nothing_anew(stage: Stage, fault: str) -> None:
    """A film that is up stays up: it is asked after again before the post."""
    outgoing = composed(film())
    stage.script(fault=fault, match="GET /2/media/upload")
    handles = handles_of(stage, outgoing)
    stage.twin._looks.clear()

    assert handles["film"].startswith("processing:")
    stage.x().publish(outgoing, 0, Sent((), handles))
    assert (len(stage.twin.media), len(stage.twin.posts)) == (1, 1)


@pytest.mark.parametrize("fault", ["500 before effect", "hang up before", "truncate", "not JSON", "503"])
def test_asking_after_a_video_casts_no_doubt(stage: Stage, fault: str) -> None:
    """What breaks before the create call left no post: Unavailable, not Unconfirmed, and no create call."""
    outgoing = composed(film())
    handles = handles_of(stage, outgoing)
    stage.script(fault=fault, match="GET /2/media/upload")

    with pytest.raises(Unavailable):
        stage.x().publish(outgoing, 0, Sent((), handles))

    assert sum(stage.twin.calls.values()) == 0


def test_a_lost_answer_about_a_video_is_found(stage: Stage) -> None:
    """A post with a film and subtitles has one file for readers, and is found by that."""
    outgoing = composed(film(captions=subtitles()))
    so_far = Sent((), handles_of(stage, outgoing))
    stage.script(fault="hang up after effect")

    with pytest.raises(Unconfirmed):
        stage.x().publish(outgoing, 0, so_far)

    (post,) = stage.twin.posts
    assert stage.x().find(outgoing, 0, NOON - timedelta(minutes=5), so_far) == Found(
        (PartReceipt(id=post.id, url=f"{stage.address}/i/status/{post.id}"),), complete=True)


def test_a_weak_credential_uploads_nothing(stage: Stage) -> None:
    """Read-only is said at the first step."""
    with pytest.raises(Unauthorized, match="oauth1 app permissions"):
        handles_of(stage, composed(film()), "read-only")
    assert stage.twin.media == {}


def test_an_upload_of_others_cannot_be_gone_on_with(stage: Stage) -> None:
    """The twin lets nobody add to, close or use a file of another account."""
    outgoing = composed(film())
    handles = handles_of(stage, outgoing)

    with pytest.raises(Rejected, match="Could not find media"):
        stage.x("rehearsal:@them").publish(outgoing, 0, Sent((), handles))


# --- what X would refuse ---------------------------------------------------------------------------------------------

def video(width: int | None = 1280, height: int | None = 720, seconds: float = 12.0, **more: Any) -> Media:
    return film(probe=Probe("mp4", width, height, seconds), **more)


JUDGED: dict[str, tuple[Media, Media, str]] = {
    "shortest": (video(seconds=0.5), video(seconds=0.4),
                 "0.4 s of video, 0.5 s at least on us: content/media/kettle.mp4."),
    "longest": (video(seconds=1_200), video(seconds=1_200.1),
                "1200.1 s of video, 1200 s at most on us: content/media/kettle.mp4."),
    "largest": (video(size=512_000_000), video(size=512_000_001),
                "512,000,001/512,000,000 bytes on us: content/media/kettle.mp4."),
    "flattest": (video(900, 300), video(903, 300),
                 "X takes no video of 903 × 300 on us: content/media/kettle.mp4."),
    "tallest": (video(300, 900), video(300, 903),
                "X takes no video of 300 × 903 on us: content/media/kettle.mp4."),
    "smallest": (video(32, 32), video(31, 32), "X takes no video of 31 × 32 on us: content/media/kettle.mp4."),
    "kind": (film("kettle.mov"), film("kettle.webm"), "us does not take .webm files: content/media/kettle.webm."),
    "subtitles": (film(captions=subtitles("a.vtt")), film(captions=subtitles("a.ttml")),
                  "X takes no such subtitles on us: content/media/a.ttml."),
    "largest GIF": (moving(size=15_000_000), moving(size=15_000_001),
                    "15,000,001/15,000,000 bytes on us: content/media/spin.gif."),
    "still GIF": (moving(size=5_000_000, probe=Probe("gif", 20, 20)),
                  moving(size=5_000_001, probe=Probe("gif", 20, 20)),
                  "5,000,001/5,000,000 bytes on us: content/media/spin.gif."),
}


@pytest.mark.parametrize("number", JUDGED)
def test_each_number_once_inside_and_once_outside(number: str) -> None:
    """What X just takes passes; the next is an error with number, limit and file."""
    inside, outside, words = JUDGED[number]

    assert (said(inside), said(outside)) == ([], [(Severity.error, words)])


@pytest.mark.parametrize(("file", "words"), [
    (video(1920, 1080), "1920 × 1080 is more than the 1280 × 1024"),
    (video(1080, 1920), "1080 × 1920 is more than the 1280 × 1024"),
    (moving(probe=Probe("gif", 20, 20, None, 351)), "351/350 frames"),
    (moving(probe=Probe("gif", 1281, 20, None, 2)), "1281 × 20 with 2 frames"),
    (moving(probe=Probe("gif", 1280, 1080, None, 218)), "1280 × 1080 with 218 frames"),
])
def test_what_x_may_refuse_is_a_warning(file: Media, words: str) -> None:
    """Beyond what its documents are sure of."""
    ((severity, told),) = said(file)

    assert severity == Severity.warning
    assert told.startswith(words)


def test_what_x_documents_of_gifs_passes() -> None:
    """Its largest sides, its most frames."""
    assert said(moving(probe=Probe("gif", 1280, 1080, None, 217))) == []
    assert said(moving(probe=Probe("gif", 20, 20, None, 350))) == []


def test_an_account_that_pays_films_for_longer() -> None:
    """Who may write more than 280 characters may film 125 minutes, in 1080p; more bytes are the channel's to set."""
    paying = {"limits": {"text": 25_000}}

    assert said(video(1920, 1080, 7_500.0), **paying) == []
    assert said(video(seconds=7_501.0), **paying) == [
        (Severity.error, "7501.0 s of video, 7500 s at most on us: content/media/kettle.mp4.")]
    assert said(video(size=4_000_000_000), limits={"video_bytes": 8_000_000_000}) == []


@pytest.mark.parametrize(("files", "words"), [
    ((video(), video(blob="other")), ["2/1 videos on us."]),
    ((video(), picture()), ["us takes images or a video, not both in one post."]),
    ((moving(), picture()), ["X takes a moving GIF alone on us: content/media/spin.gif."]),
    ((moving(), moving(blob="other")), ["X takes a moving GIF alone on us: content/media/spin.gif."]),
])
def test_one_video_or_one_gif_or_four_pictures(files: tuple[Media, ...], words: list[str]) -> None:
    """Nothing stands beside a video or a moving GIF."""
    assert said(*files) == [(Severity.error, text) for text in words]


def test_a_video_nobody_looked_at_passes() -> None:
    """Without a probe its numbers are unknown: X itself will say."""
    assert said(film(probe=None)) == []
    assert said(video(None, None)) == []


# --- the twin --------------------------------------------------------------------------------------------------------

def test_the_twin_refuses_what_does_not_add_up(stage: Stage) -> None:
    """Missing pieces, a wrong size, a number beyond the last, an alt text for a film: as X's documents have it."""
    header = {"Authorization": ('OAuth oauth_consumer_key="a", oauth_nonce="n", oauth_timestamp="1", oauth_token="t", '
                                'oauth_signature="c2lnbmF0dXJlc2lnbmF0dXJlc2k%3D", oauth_signature_method="HMAC-SHA1"')}

    def call(path: str, **body: Any) -> tuple[int, dict[str, Any]]:
        answer = httpx.post(stage.address + path, json=body, headers=header)
        return answer.status_code, answer.json()

    film_ = {"media_category": "tweet_video", "media_type": "video/mp4", "total_bytes": 8}
    id = call("/2/media/upload/initialize", **film_)[1]["data"]["id"]
    refused = [
        call("/2/media/upload/initialize", **film_ | {"total_bytes": 0}),
        call("/2/media/upload/initialize", **film_ | {"media_type": "image/png"}),
        call("/2/media/upload/initialize", **film_ | {"colour": "red"}),
        call("/2/media/upload/initialize", **film_ | {"total_bytes": 8 * 1024 ** 3 + 1}),
        call(f"/2/media/upload/{id}/append", media="AAAA", segment_index=1000),
        call(f"/2/media/upload/{id}/append", media="?", segment_index=0),
        call(f"/2/media/upload/{id}/finalize"),
        call("/2/media/metadata", id=id, metadata={"alt_text": {"text": "A film"}}),
        call("/2/tweets", text="Hi", media={"media_ids": [id]}),
        call("/2/media/subtitles", id=id, media_category="tweet_video", subtitles={}),
    ]

    assert [status for status, _ in refused] == [400] * len(refused)
    assert stage.twin.posts == []


def test_the_twin_keeps_films_and_subtitles_over_a_restart(tmp_path: Any) -> None:
    """What was uploaded in pieces is there whole after a restart."""
    twin = XTwin(lambda: NOON, tmp_path)
    with Rehearsal([twin]) as rehearsal:
        handles = handles_of(Stage(rehearsal, twin), composed(film(captions=subtitles()), language="en"))
    id = handles["film"].removeprefix("processing:")
    again = XTwin(lambda: NOON, tmp_path)

    assert again.bytes_of(again.media[id].sha256) == FILES["film"]
    assert again.subtitles == {id: {"id": handles["words"], "language_code": "EN", "display_name": "English"}}
    assert replace(again.media[id], sha256="") == replace(twin.media[id], sha256="")


def test_a_thread_may_have_a_video_in_each_post(stage: Stage) -> None:
    """Limits are those of one post."""
    made: Message = message("x", part("One", film()), part("Two", film("two.mp4", blob="x-large")))
    outgoing, so_far = adapter().compose(made), Sent()
    for number in range(2):
        handles = stage.x().prepare(outgoing, number, FILES.__getitem__)
        so_far = Sent((*so_far.parts, stage.x().publish(outgoing, number, Sent(so_far.parts, handles))))

    assert adapter().check(made) == []
    assert [post.parent for post in stage.twin.posts] == [None, stage.twin.posts[0].id]
