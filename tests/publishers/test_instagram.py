"""Instagram: what its check refuses and warns of, and its containers from draft to post, against the twin."""
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from contract_case import FILES, OURS, THEIRS, film, message, part, picture
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from publishers.base import (
    DRAFT,
    Authorizes,
    Connection,
    Drafts,
    Fetches,
    Publisher,
    Refreshes,
    Sent,
    Verifies,
    Withdraws,
)
from publishers.instagram import Instagram
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.instagram_twin import InstagramTwin, seconds_of
from schemas.content import Probe
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable
from schemas.ledger import Found, PartReceipt
from schemas.message import Message, Poll
from schemas.place import Place
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SINCE = NOON - timedelta(minutes=5)


def found(message: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in Instagram(Connection(OURS)).check(message) if problem.severity == severity]


def post(text: str = "A kettle", *media: Any, **more: Any) -> Message:
    return message("instagram", part(text, *(media or (picture(),))), **more)


class Scene:
    """The twin on a port, with a clock to turn, and the adapter of an account."""

    def __init__(self, folder: Path | None = None) -> None:
        self.now = NOON
        self.twin = InstagramTwin(lambda: self.now, folder)
        self.running = Rehearsal([self.twin])

    def adapter(self, account: str = OURS, **more: str) -> Instagram:
        given = {"access_token": f"rehearsal:{account}", "user_id": account, **more}
        return Instagram(Connection(account, {name: SecretStr(value) for name, value in given.items()},
                                    self.running.address("instagram"), request_timeout_s=20.0))

    def address(self, blob: str) -> str:
        there = f"{self.running.url}/_rehearsal/shared/{hashlib.sha256(FILES[blob]).hexdigest()}"
        httpx.put(there, content=FILES[blob]).raise_for_status()
        return there

    def drafted(self, message: Message, account: str = OURS) -> tuple[Any, Sent]:
        adapter = self.adapter(account)
        outgoing = adapter.compose(message)
        handles = adapter.fetch(outgoing, 0, self.address)
        return outgoing, Sent(handles={**handles, DRAFT: adapter.draft(outgoing, 0, Sent(handles=handles))})


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    with made.running:
        yield made


# --- thinking --------------------------------------------------------------------------------------------------------

def test_it_has_the_powers_of_its_api() -> None:
    """Files are fetched, posts drafted, tokens renewed and bought; nothing is taken back."""
    made = Instagram(Connection(OURS))
    assert all(isinstance(made, power) for power in (Publisher, Fetches, Drafts, Refreshes, Authorizes, Verifies))
    assert not isinstance(made, Withdraws)


def test_a_check_loads_neither_http_nor_pictures() -> None:
    """`check` and `compose` import nothing that takes long."""
    code = ("import sys; from publishers.base import Connection\nfrom publishers.instagram import Instagram as I\n"
            "from schemas.message import Message, Part\nfrom schemas.ledger import Slot\n"
            "from schemas.place import Place\n"
            "m = Message(slot=Slot('posts/a', 'ig'), network='instagram', account='a', parts=(Part(text='x', "
            "place=Place('a.md')),))\ni = I(Connection('a')); i.check(m); i.compose(m)\n"
            "print(sorted({'httpx', 'starlette', 'PIL', 'regex'} & set(sys.modules)))")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize(("inside", "outside"), [
    (post("x" * 2_200), post("x" * 2_201)),
    (post("é" * 2_200), post("é" * 2_201)),
    (post(" ".join(f"#t{n}" for n in range(30))), post(" ".join(f"#t{n}" for n in range(31)))),
    (post(" ".join(f"@t{n}" for n in range(20))), post(" ".join(f"@t{n}" for n in range(21)))),
    (post("a", *(picture(f"{n}.jpg") for n in range(10))), post("a", *(picture(f"{n}.jpg") for n in range(11)))),
    (post("a", *(picture(f"{n}.jpg") for n in range(9)), film()),
     post("a", *(picture(f"{n}.jpg") for n in range(10)), film())),
    (post("a", picture(alt="x" * 1_000)), post("a", picture(alt="x" * 1_001))),
    (post("a", picture("a.jpg", size=8_000_000)), post("a", picture("a.jpg", size=8_000_001))),
    (post("a", picture(probe=Probe("jpeg", 1080, 1350))), post("a", picture(probe=Probe("jpeg", 1080, 1351)))),
    (post("a", picture(probe=Probe("jpeg", 191, 100))), post("a", picture(probe=Probe("jpeg", 192, 100)))),
    (post("a", picture("a.jpeg")), post("a", picture("a.png"))),
    (post("a", film(probe=Probe("mp4", 720, 1280, 3.0))), post("a", film(probe=Probe("mp4", 720, 1280, 2.9)))),
    (post("a", film(probe=Probe("mp4", 720, 1280, 900.0))), post("a", film(probe=Probe("mp4", 720, 1280, 900.1)))),
    (post("a", film(size=300_000_000)), post("a", film(size=300_000_001))),
    (post("a", film("a.mov")), post("a", film("a.webm"))),
    (post("a", film(probe=Probe("mp4", 720, 1280, 60.0)), options={"story": True}),
     post("a", film(probe=Probe("mp4", 720, 1280, 60.1)), options={"story": True})),
    (post("", film(size=100_000_000), options={"story": True}),
     post("", film(size=100_000_001), options={"story": True})),
    (post("", picture("s.jpg", probe=Probe("jpeg", 1080, 1920)), options={"story": True}),
     post("", picture("s.jpg", probe=Probe("jpeg", 1080, 1920)))),
    (post("", picture(), options={"story": True}), post("", picture(), picture("b.jpg"), options={"story": True})),
    (post(), message("instagram", "Words alone")),
    (message("instagram", part("a", picture()), part("Below", kind="comment")),
     message("instagram", part("a", picture()), part(" ", kind="comment"))),
    (message("instagram", part("a", picture()), part("x" * 2_200, kind="comment")),
     message("instagram", part("a", picture()), part("x" * 2_201, kind="comment"))),
    (message("instagram", part("a", picture()), part("Below", kind="comment")),
     message("instagram", part("a", picture()), part("Below", picture("b.jpg"), kind="comment"))),
    (message("instagram", part("a", picture()), part("Below", kind="comment")),
     message("instagram", part("", picture()), part("Below", kind="comment"), options={"story": True})),
    (post(options={"collaborators": ("a", "b", "c")}), post(options={"collaborators": ("a", "b", "c", "d")})),
    (post(options={"location_id": "7640348500"}), post(options={"location_id": "Berlin"})),
    (post("a", film(), options={"thumb_offset": 1500}), post("a", film(), options={"thumb_offset": "1.5 s"})),
    (post(options={"story": False}), post(options={"story": "maybe"})),
    (post(), post(options={"quote": "x"})),
])
def test_each_limit_holds_on_its_side(inside, outside) -> None:
    """The last that goes has no error, the first that does not has exactly one."""
    assert found(inside) == []
    assert len(found(outside)) == 1


@pytest.mark.parametrize("message", [
    post("See https://example.org"), post("See www.example.org"), post(card="https://example.org"),
    post(" ".join(f"#t{n}" for n in range(6))), post(warning="The end"),
    post(poll=Poll(options=("a", "b"), lasts_s=3_600, place=Place("a.md"))), post("Words", options={"story": True}),
    message("instagram", part("a", picture()), part("x" * 301, kind="comment")),
])
def test_what_readers_would_not_get_is_a_warning(message) -> None:
    """It goes out, and the author is told what is lost: no error, one warning."""
    assert found(message) == []
    assert len(found(message, Severity.warning)) == 1


def test_a_channels_own_numbers_win() -> None:
    """`limits:` of the channel hold for text, hashtags in the text, and pictures."""
    assert found(post("x" * 101, limits={"text": 100})) == ["101/100 on us."]
    assert found(post("#a #b #c", limits={"hashtags": 2})) == ["3/2 hashtags on us."]


def test_a_thread_is_one_caption() -> None:
    """Parts stand one below the other, each file is there once, the comment keeps its own call."""
    outgoing = Instagram(Connection(OURS)).compose(message(
        "instagram", part("One", picture()), part("Two", picture(), picture("b.jpg")), part("Below", kind="comment")))
    assert [(made.kind, made.text, len(made.media)) for made in outgoing.parts] == [("post", "One\n\nTwo", 2),
                                                                                   ("comment", "Below", 0)]
    assert outgoing.parts[0].request == {"caption": "One\n\nTwo", "media_type": "CAROUSEL"}
    assert outgoing.parts[1].request == {"message": "Below"}


@given(text=st.text(max_size=60))
def test_any_caption_is_sent_as_written(text) -> None:
    """What is composed is the text itself: nothing is escaped, cut or counted away."""
    (made,) = Instagram(Connection(OURS)).compose(post(text)).parts
    assert made.request.get("caption", "") == made.text == Instagram(Connection(OURS)).compose(post(text)).parts[0].text
    assert text.strip() in made.text or not text.strip()


@pytest.mark.parametrize("text", ["#" * 65_536, "@" * 65_536, "#a" * 32_768, "www." * 16_384, "https://" * 8_192,
                                  "a." * 32_768])
def test_hostile_text_is_judged_all_the_same(text) -> None:
    """Sixty-four kilobytes of signs are too long, and that is found in a moment."""
    assert found(post(text))


def test_an_address_tells_no_id() -> None:
    """A permalink is refused with what to give instead; an id, also at the end of the twin's address, is taken."""
    made = Instagram(Connection(OURS))
    for address in ("https://www.instagram.com/p/DRx1abc/", "instagram.com/reel/DRx1abc",
                    "https://www.instagram.com/us/p/D/"):
        with pytest.raises(ValueError, match="does not tell its id"):
            made.receipt_of(address)
    for other in ("https://x.com/us/status/17", "kettle", "", "17899506308402767/"):
        with pytest.raises(ValueError, match="GET /me/media"):
            made.receipt_of(other)
    assert made.receipt_of(" 17899506308402767 ") == PartReceipt(id="17899506308402767")


# --- containers ------------------------------------------------------------------------------------------------------

def test_nobody_sees_a_draft(scene) -> None:
    """Containers and children are no posts; the one that is published is there once, in the account's name."""
    outgoing, sent = scene.drafted(post("Two", picture(), picture("b.jpg")))
    assert (scene.twin.posts, len(scene.twin.containers)) == ([], 3)
    assert scene.adapter().find(outgoing, 0, SINCE, sent) == Found((), True)

    receipt = scene.adapter().publish(outgoing, 0, sent)

    (made,) = scene.twin.posts
    assert (made.id, made.account, made.text, made.extra["form"]) == (receipt.id, OURS, "Two", "CAROUSEL")
    matches, complete = scene.adapter().find(outgoing, 0, SINCE, sent)
    assert ([match.id for match in matches], complete) == ([receipt.id], True)
    assert matches[0].url == f"{scene.running.url}/instagram/#instagram-{receipt.id}"


def test_publishing_twice_makes_one_post(scene) -> None:
    """The second call is refused by the network, and the container says which post it became."""
    outgoing, sent = scene.drafted(post())
    first = scene.adapter().publish(outgoing, 0, sent)
    again = scene.adapter().publish(outgoing, 0, sent)
    assert (again.id, len(scene.twin.posts)) == (first.id, 1)
    assert scene.twin.calls[f"container {sent.handles[DRAFT].partition('@')[0]}"] == 2


def test_an_older_post_with_the_same_words_is_no_match(scene) -> None:
    """A repeat of last week's caption is told from last week's post by when the container was made."""
    outgoing, sent = scene.drafted(post())
    scene.adapter().publish(outgoing, 0, sent)
    scene.now += timedelta(days=7)
    outgoing, sent = scene.drafted(post())
    second = scene.adapter().publish(outgoing, 0, sent)
    assert scene.adapter().publish(outgoing, 0, sent).id == second.id


def test_a_film_that_is_processed_slowly_is_waited_for(scene) -> None:
    """Unavailable, with no create call, until the container is ready; then the same draft goes out."""
    scene.twin.looks_at_video = 4
    outgoing, sent = scene.drafted(post("It boils", film()))
    assert sent.handles[DRAFT].startswith("processing:")
    for _ in range(3):
        with pytest.raises(Unavailable):
            scene.adapter().publish(outgoing, 0, sent)
    assert sum(scene.twin.calls.values()) == 0
    scene.adapter().publish(outgoing, 0, sent)
    assert len(scene.twin.posts) == 1


def test_children_that_are_processed_slowly_stop_the_draft(scene) -> None:
    """No carousel is made of a film that is not ready; the same children do later."""
    scene.twin.looks_at_video = 3
    adapter = scene.adapter()
    outgoing = adapter.compose(post("Two", picture(), film()))
    handles = adapter.fetch(outgoing, 0, scene.address)
    for _ in range(2):
        with pytest.raises(Unavailable):
            adapter.draft(outgoing, 0, Sent(handles=handles))
    draft = adapter.draft(outgoing, 0, Sent(handles=handles))
    adapter.publish(outgoing, 0, Sent(handles={**handles, DRAFT: draft}))
    assert [len(made.media) for made in scene.twin.posts] == [2]


def test_a_container_is_good_for_a_day(scene) -> None:
    """After that nothing can come of it: absent for certain; another one may do."""
    outgoing, sent = scene.drafted(post())
    scene.now += timedelta(hours=24, seconds=1)
    assert scene.adapter().find(outgoing, 0, SINCE, sent) == Found((), True)
    with pytest.raises(PublishError) as caught:
        scene.adapter().publish(outgoing, 0, sent)
    assert (type(caught.value), scene.twin.posts) == (Unavailable, [])


def test_a_film_that_is_none_is_refused(scene) -> None:
    """The bytes are judged, not the name, and it is told before anything is published."""
    FILES["no film"] = b"<html>" * 40
    outgoing, sent = scene.drafted(post("It boils", film(blob="no film")))
    with pytest.raises(Rejected, match="2207026"):
        scene.adapter().publish(outgoing, 0, sent)
    assert sum(scene.twin.calls.values()) == 0


@pytest.mark.parametrize(("data", "subcode"), [
    (b"\x89PNG\r\n\x1a\n" + bytes(40), 2207005), (b"\xff\xd8\xffnot a picture", 2207005), (b"", 2207005),
])
def test_a_picture_is_judged_by_its_bytes(scene, data, subcode) -> None:
    """Whatever its name says."""
    FILES["odd"] = data
    with pytest.raises(Rejected, match=str(subcode)):
        scene.drafted(post("a", picture(blob="odd")))


def test_the_twin_fetches_from_this_machine_only(scene) -> None:
    """An address of the world, or one with nothing behind it, is what the network cannot fetch: try later."""
    adapter = scene.adapter()
    outgoing = adapter.compose(post())
    (blob,) = outgoing.parts[0].media
    for address in ("https://example.org/a.jpg?sign=1", "http://127.0.0.1:9/a.jpg",
                    f"{scene.running.url}/_rehearsal/shared/00"):
        with pytest.raises(Unavailable) as caught:
            adapter.draft(outgoing, 0, Sent(handles={blob: address}))
        assert "sign=1" not in caught.value.why


def test_the_days_posts_are_counted(scene) -> None:
    """With all of them made there is no draft, and a draft from before is not published; a day later both go."""
    scene.twin.quota = 1
    waiting, ready = scene.drafted(post("Second"))
    outgoing, sent = scene.drafted(post("First"))
    scene.adapter().publish(outgoing, 0, sent)
    with pytest.raises(RateLimited):
        scene.drafted(post("Third"))
    with pytest.raises(RateLimited):
        scene.adapter().publish(waiting, 0, ready)
    assert scene.adapter().verify().warnings
    scene.drafted(post("Theirs"), THEIRS)


def test_another_accounts_container_is_not_ours(scene) -> None:
    """The network refuses it, and the look finds it unpublished: nothing exists."""
    outgoing, sent = scene.drafted(post(), THEIRS)
    with pytest.raises(PublishError):
        scene.adapter().publish(outgoing, 0, sent)
    assert scene.twin.posts == []


def test_a_story_is_found_among_stories(scene) -> None:
    """It is in no other list; one that went out at the same moment as another leaves two to choose from."""
    outgoing, sent = scene.drafted(post("", picture("s.jpg", width=540, height=960), options={"story": True}))
    receipt = scene.adapter().publish(outgoing, 0, sent)
    assert [match.id for match in scene.adapter().find(outgoing, 0, SINCE, sent).matches] == [receipt.id]
    plain, other = scene.drafted(post())
    assert scene.adapter().find(plain, 0, SINCE, other) == Found((), True)


def test_containers_outlive_a_restart(tmp_path) -> None:
    """A twin that keeps a folder knows its containers again, and which were published."""
    first = Scene(tmp_path)
    with first.running:
        outgoing, sent = first.drafted(post())
        later, waiting = first.drafted(post("Later"))
        receipt = first.adapter().publish(outgoing, 0, sent)
    second = Scene(tmp_path)
    with second.running:
        assert second.adapter().publish(outgoing, 0, sent).id == receipt.id
        second.adapter().publish(later, 0, waiting)
        assert len({made.id for made in second.twin.posts}) == 2


def test_the_browsers_way_ends_with_a_token_that_works(scene) -> None:
    """The page, the code in the address it leads back to, the token: it is of the account that said yes."""
    app = scene.adapter(app_id=OURS, app_secret="rehearsal:@us")
    page = httpx.get(app.authorization("http://127.0.0.1:9/back", "our state", "v"))
    back = urlsplit(page.headers["location"])
    code, state = (parse_qs(back.query)[name][0] for name in ("code", "state"))
    assert (back.fragment, state) == ("_", "our state")

    fields = app.exchange(code, "http://127.0.0.1:9/back", "v")

    assert set(fields) == {"access_token", "user_id", "expires_at"}
    assert fields["expires_at"] == "2027-01-21T12:00:00Z"
    assert scene.adapter(access_token=fields["access_token"], user_id=fields["user_id"]).verify().account == "us"
    with pytest.raises(Unauthorized):
        app.exchange(code, "http://127.0.0.1:9/back", "v")


def test_a_film_tells_how_long_it_is() -> None:
    """By its header, and nothing for what has none."""
    film()
    assert seconds_of(FILES["film"]) == 12.0
    for odd in (b"", b"mvhd", b"....ftyp....mvhd", bytes(100)):
        assert seconds_of(odd) is None
