"""Pictures beyond a network's numbers: said before anything is sent, and refused by the twin in the network's words."""
import io
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from PIL import Image

import publishers
from publishers._media import beyond
from publishers.base import Connection, Limits
from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal
from schemas.content import Probe
from schemas.ledger import Slot
from schemas.message import Media, Message, Part
from schemas.place import Place
from schemas.problem import Problem, Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PLACE = Place("content/posts/hello.md", 4, 9)
NETWORKS = ("facebook_page", "mastodon", "x")


def media(width: int, height: int, name: str = "saw.png", frames: int = 1, blob: str = "b1", **more: Any) -> Media:
    kind = {"jpg": "jpeg"}.get(name.rpartition(".")[2], name.rpartition(".")[2])
    probe = Probe(kind, width, height, None, frames, **more)
    return Media(file=f"media/{name}", blob=blob, size=4_000, alt="A saw", place=PLACE, probe=probe)


def judged(network: str, *files: Media, limits: dict[str, int] | None = None) -> list[Problem]:
    message = Message(slot=Slot("posts/hello", "ours"), network=network, account="@mill", limits=limits or {},
                      parts=(Part(text="Hello!", media=files, place=PLACE),))
    return publishers.load(network)(Connection("@mill")).check(message)


def said(code: str, message: str, remedy: str) -> Problem:
    return Problem(code, Severity.error, PLACE, message, remedy, "posts/hello", "ours")


TOO_MUCH = {
    "a picture for Mastodon": ("mastodon", media(7680, 4320), media(7681, 4320), said(
        "TXT001", "7681 × 4320 is 33,181,920/33,177,600 pixels on ours: media/saw.png.",
        "Make it at most 7680 px wide and 4319 px high.")),
    "a GIF for Mastodon": ("mastodon", media(1280, 720, "saw.gif"), media(1280, 721, "saw.gif", 9), said(
        "TXT001", "1280 × 721 is 922,880/921,600 pixels on ours: media/saw.gif.",
        "Make it at most 1279 px wide and 720 px high.")),
}


@pytest.mark.parametrize("what", TOO_MUCH)
def test_the_last_pixel_counts(what):
    """What a network just takes passes; one pixel or frame more is said with number, limit, file and remedy."""
    network, inside, outside, problem = TOO_MUCH[what]

    assert (judged(network, inside), judged(network, outside)) == ([], [problem])


@pytest.mark.parametrize("network", NETWORKS)
def test_a_channel_sets_its_own_numbers(network):
    """`limits:` of a channel wins for pictures too, wherever the network itself has no such number."""
    assert judged(network, media(5000, 100), limits={"image_side": 4096}) == [said(
        "TXT001", "5000/4096 pixels on a side on ours: media/saw.png.",
        "Make it at most 4096 px wide and 81 px high.")]
    assert judged(network, media(4096, 100), limits={"image_side": 4096}) == []
    assert len(judged(network, media(101, 100), limits={"image_pixels": 10_000})) == 1


@pytest.mark.parametrize("network", NETWORKS)
def test_only_numbers_can_be_overridden(network):
    """A channel cannot put a number where a limit is none: such a name is ignored."""
    nonsense = {"image_types": 3, "image_ratio": 2, "source": 1, "read": 1, "unit": 1, "nobody": 1}

    assert judged(network, media(100, 100), limits=nonsense) == []


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("unknown", [None, Probe("png"), Probe("mp4", 40_000, None)])
def test_what_nobody_knows_is_not_judged(network, unknown):
    """A file whose header was not read, or does not say, breaks no limit of pixels."""
    file = media(1, 1).model_copy(update={"probe": unknown})

    assert judged(network, file) == []


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_wrong_anywhere_is_said_elsewhere(network):
    """A file that is wrong for every network is no network's matter: it is said once for the post."""
    assert judged(network, media(10, 10, why="saw.png is a JPEG, whatever its name says.", remedy="Rename it.")) == []


@pytest.mark.parametrize("network", NETWORKS)
def test_each_file_is_judged_once(network):
    """The same file twice is one problem, another file another."""
    files = (media(5000, 10), media(5000, 10), media(5000, 10, "other.png", blob="b2"))

    found = judged(network, *files, limits={"image_side": 4096})

    assert [problem.message.rpartition(" ")[2] for problem in found] == ["media/saw.png.", "media/other.png."]


def test_a_network_may_have_a_ratio():
    """Where a network takes only some shapes, a wider and a taller picture are both told what would fit."""
    limits = Limits(text=2200, unit="characters", images=10, image_bytes=8_000_000, image_types=("jpg",),
                    image_ratio=(0.8, 1.91), source="developers.facebook.com, Instagram content publishing",
                    read=date(2026, 11, 22))
    message = Message(slot=Slot("posts/hello", "ours"), network="instagram", account="@mill", parts=())
    shapes = [media(width, 500, blob=f"{width}") for width in (400, 399, 955, 960)]

    assert [(problem.message, problem.remedy) for problem in beyond(message, shapes, limits)] == [
        ("399 × 500 is too tall (0.80, at least 0.8) on ours: media/saw.png.",
         "Make it at most 498 px high, by cutting or with a border."),
        ("960 × 500 is too wide (1.92, at most 1.91) on ours: media/saw.png.",
         "Make it at most 955 px wide, by cutting or with a border.")]


# --- the doubles ------------------------------------------------------------------------------------------------------

def drawn(kind: str, width: int, height: int, frames: int = 1) -> bytes:
    file = io.BytesIO()
    shades = [Image.new("L", (width, height), 9 * n) for n in range(frames)]
    shades[0].save(file, kind, **({"save_all": True, "append_images": shades[1:]} if frames > 1 else {}))
    return file.getvalue()


@pytest.fixture
def upload(tmp_path) -> Any:
    """Uploads a file to a twin as its adapter would; the answer's status and words."""
    with Rehearsal([twin(lambda: NOON) for twin in twins().values()]) as networks:
        def send(network: str, data: bytes, name: str, mime: str) -> tuple[int, str]:
            url = f"{networks.url}/{network}" + ("/api/v2/media" if network == "mastodon" else "/2/media/upload")
            headers = {"Authorization": "Bearer rehearsal:@mill"} if network == "mastodon" else {
                "Authorization": 'OAuth oauth_consumer_key="c", oauth_nonce="n", oauth_signature="MTIzNDU2Nzg5MDEyMzQ1N'
                                 'jc4OTA=", oauth_timestamp="1", oauth_signature_method="HMAC-SHA1", oauth_token="t"'}
            field = "file" if network == "mastodon" else "media"
            answer = httpx.post(url, headers=headers, files={field: (name, data, mime)},
                                data={"media_category": "tweet_image"})
            return answer.status_code, answer.text
        yield send


REFUSED: dict[str, tuple[str, Callable[[], bytes], str, str, int, str]] = {
    "a picture just large enough": ("mastodon", lambda: drawn("PNG", 7680, 4320), "a.png", "image/png", 200, "id"),
    "a picture too large for Mastodon": ("mastodon", lambda: drawn("PNG", 7681, 4320), "a.png", "image/png", 422,
                                         "7681x4320 images are not supported"),
    "a bomb": ("mastodon", lambda: drawn("PNG", 14_000, 14_000), "a.png", "image/png", 422, "images are not supported"),
    "a GIF too large for Mastodon": ("mastodon", lambda: drawn("GIF", 1280, 721), "a.gif", "image/gif", 422,
                                     "1280x721 GIF files are not supported"),
    "a still GIF for X": ("x", lambda: drawn("GIF", 20, 20), "a.gif", "image/gif", 200, "media_key"),
    "a moving GIF for X": ("x", lambda: drawn("GIF", 20, 20, 3), "a.gif", "image/gif", 400, "tweet_gif"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_the_twin_refuses_what_the_network_refuses(upload, what):
    """In rehearsal a picture meets the very limits that check knows, should one slip past it."""
    network, make, name, mime, status, words = REFUSED[what]

    code, text = upload(network, make(), name, mime)

    assert (code, words in text) == (status, True), text
