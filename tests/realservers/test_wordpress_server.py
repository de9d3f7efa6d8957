"""The WordPress adapter against a WordPress that we did not write (Debian's package)."""
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from publishers.base import DRAFT, Connection, Found, Outgoing, Sent
from publishers.wordpress import WordPress
from schemas.errors import Rejected, Unauthorized
from schemas.ledger import PartReceipt, Slot
from schemas.message import Media, Message, Part
from schemas.place import Place

pytestmark = pytest.mark.realservers
PLACE = Place("content/posts/launch.md", 7)


@pytest.fixture(scope="module")
def server(start) -> dict[str, Any]:
    return start("wordpress")


@pytest.fixture
def adapter(server) -> WordPress:
    return WordPress(connection(server, server["application_password"]))


def connection(server: dict[str, Any], password: str) -> Connection:
    return Connection("@mill", {"base_url": SecretStr(server["url"]), "username": SecretStr(server["user"]),
                                "application_password": SecretStr(password)})


def message(post: str, text: str, *media: Media, title: str | None = "The mill opens", **more: Any) -> Message:
    part = Part(text=text, markdown=text, media=media, place=PLACE)
    return Message(slot=Slot(post, "blog"), network="wordpress", account="@mill", parts=(part,), title=title, **more)


def picture(name: str, alt: str) -> Media:
    return Media(file=f"media/{name}", blob=name, size=len(a_picture(name)), alt=alt, place=PLACE)


def a_picture(name: str) -> bytes:
    """A PNG of one pixel, another one for each name."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0\x0a\x78" + name[:1].encode())) + chunk(b"IEND", b""))


def ready(adapter: WordPress, plan: Outgoing) -> Sent:
    handles = adapter.prepare(plan, 0, a_picture)
    return Sent(handles={**handles, DRAFT: adapter.draft(plan, 0, Sent(handles=handles))})


def call(server: dict[str, Any], path: str, **asked: str) -> Any:
    """What the site's owner sees."""
    answer = httpx.get(f"{server['api']}{path}", auth=(server["user"], server["application_password"]), timeout=30,
                       params={"context": "edit", **asked})
    answer.raise_for_status()
    return answer.json()


def posts(server: dict[str, Any]) -> set[int]:
    return {post["id"] for post in call(server, "/posts", per_page="100", _fields="id",
                                        status="publish,future,draft,pending,private,trash")}


def seen(url: str | None) -> str:
    """The page that readers get."""
    assert url is not None
    answer = httpx.get(url, timeout=30, follow_redirects=True)
    answer.raise_for_status()
    return answer.text


def just_before() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)


def test_a_draft_is_unseen_and_published_it_is_whole(server, adapter):
    """Title, text, tags, category, excerpt, pictures and their alt texts arrive; nothing is seen before it is out."""
    text = "Opening at **dawn** & after, [see](https://mill.example/a?b=c&d=e).\n\n- flour\n- [gallery] & <b>bran</b>"
    plan = adapter.compose(message(
        "posts/picture", text, picture("dawn.png", 'The "mill" at dawn'), picture("noon.png", "At <noon> & later"),
        title='Dawn & <noon> [caption] \\ "x"', hashtags=("Mill", "Müller"),
        options={"excerpt": "Flour & more", "categories": ("uncategorized",), "caption": "Seen from the east"}))
    sent = ready(adapter, plan)

    (draft,) = [call(server, f"/posts/{sent.handles[DRAFT]}")]
    assert draft["status"] == "draft"
    assert adapter.find(plan, 0, just_before(), sent) == Found((), complete=True)
    assert draft["slug"] not in httpx.get(f"{server['api']}/posts", timeout=30).text

    receipt = adapter.publish(plan, 0, sent)

    post = call(server, f"/posts/{receipt.id}")
    assert (post["status"], post["link"], post["slug"]) == ("publish", receipt.url, draft["slug"])
    assert post["title"]["raw"] == 'Dawn &amp; &lt;noon&gt; [caption] \\ "x"'
    assert post["excerpt"]["raw"] == "Flour &amp; more"
    assert {tag["name"] for tag in call(server, "/tags", post=receipt.id)} == {"Mill", "Müller"}
    assert [one["slug"] for one in call(server, "/categories", post=receipt.id)] == ["uncategorized"]
    featured = call(server, f"/media/{post['featured_media']}")
    assert (featured["alt_text"], featured["caption"]["raw"]) == ('The "mill" at dawn', "Seen from the east")
    assert httpx.get(featured["source_url"]).content == a_picture("dawn.png")
    page = seen(receipt.url)
    assert "<strong>dawn</strong> &#038; after" in page or "<strong>dawn</strong> &amp; after" in page
    assert 'href="https://mill.example/a?b=c&amp;d=e"' in page
    assert "gallery" in page.partition("<li>flour</li>")[2][:40]
    assert "<b>bran" not in page
    assert 'alt="At &lt;noon&gt; &amp; later"' in page
    assert adapter.find(plan, 0, just_before(), sent) == Found((receipt,), complete=True)


def told(server, id: str) -> dict[str, Any]:
    """What the server says of a post, but for when it was last written: a repeat writes the same again."""
    return {name: value for name, value in call(server, f"/posts/{id}").items() if not name.startswith("modified")}


def test_a_repeat_makes_no_second_post(server, adapter):
    """Publishing again changes nothing; making the draft again, before and after, finds the same post."""
    plan = adapter.compose(message("posts/once", "Only once"))
    sent = ready(adapter, plan)
    before = posts(server)
    assert adapter.draft(plan, 0, Sent()) == sent.handles[DRAFT]

    first = adapter.publish(plan, 0, sent)
    as_it_was = told(server, first.id)
    again = adapter.publish(plan, 0, sent)

    assert (again, posts(server)) == (first, before)
    assert adapter.draft(plan, 0, Sent()) == sent.handles[DRAFT]
    assert told(server, first.id) == as_it_was
    assert adapter.find(plan, 0, just_before(), Sent()) == Found((first,), complete=True)


def test_a_draft_that_is_made_again_says_what_is_said_now(server, adapter):
    """A retry after the text was changed publishes the new text, in the same post."""
    old, new = (adapter.compose(message("posts/changed", text)) for text in ("Old words", "New words"))
    first = ready(adapter, old)
    sent = ready(adapter, new)

    receipt = adapter.publish(new, 0, sent)

    assert sent.handles[DRAFT] == first.handles[DRAFT] == receipt.id
    assert "New words" in seen(receipt.url)


def test_a_slug_of_ones_own(server, adapter):
    """The address is as wished; one that another post has is refused before anything is out."""
    wished = adapter.compose(message("posts/slug", "At its own address", options={"slug": "the-mill"}))
    receipt = adapter.publish(wished, 0, ready(adapter, wished))
    assert receipt.url == f"{server['url']}/the-mill/"
    assert adapter.publish(wished, 0, Sent(handles={DRAFT: receipt.id})) == receipt
    before = posts(server)

    with pytest.raises(Rejected, match="the-mill"):
        ready(adapter, adapter.compose(message("posts/other", "The same address", options={"slug": "the-mill"})))

    assert posts(server) == before


def test_withdrawn_it_is_in_the_trash(server, adapter):
    """Readers see it no more, a second time is no error, and a look says that it is not there."""
    plan = adapter.compose(message("posts/gone", "Gone tomorrow"))
    sent = ready(adapter, plan)
    receipt = adapter.publish(plan, 0, sent)

    adapter.withdraw(receipt)
    adapter.withdraw(receipt)
    adapter.withdraw(PartReceipt(id="999999"))

    assert call(server, f"/posts/{receipt.id}")["status"] == "trash"
    assert httpx.get(str(receipt.url)).status_code == 404
    assert adapter.find(plan, 0, just_before(), sent) == Found((), complete=True)


def test_it_tells_whose_password_it_is(server, adapter):
    """The user's id and name, a warning for an administrator; a wrong password has none."""
    verified = adapter.verify()
    assert (verified.account, verified.account_id, verified.scopes) == ("admin", adapter.account_id(),
                                                                        ("administrator",))
    assert len(verified.warnings) == 1
    wrong = WordPress(connection(server, "wrong wrong wrong wrong"))
    for asking in (wrong.account_id, wrong.verify):
        with pytest.raises(Unauthorized) as caught:
            asking()
        assert caught.value.dead


def test_its_refusals_are_understood(server, adapter):
    """A wrong file, a post that is gone, a category it does not have and a wrong password leave nothing behind."""
    before = posts(server)
    svg = Media(file="media/a.svg", blob="svg", size=9, alt="x", place=PLACE)
    with pytest.raises(Rejected, match="file type"):
        adapter.prepare(adapter.compose(message("posts/svg", "x", svg)), 0, lambda _: b"<svg/>   ")
    plan = adapter.compose(message("posts/absent", "x"))
    with pytest.raises(Rejected, match="Invalid post ID"):
        adapter.publish(plan, 0, Sent(handles={DRAFT: "999999"}))
    with pytest.raises(Rejected, match="no category 'News'"):
        ready(adapter, adapter.compose(message("posts/news", "x", options={"categories": ("News",)})))
    wrong = WordPress(connection(server, "wrong wrong wrong wrong"))
    with pytest.raises(Unauthorized):
        wrong.draft(plan, 0, Sent())
    with pytest.raises(Unauthorized):
        wrong.publish(plan, 0, Sent(handles={DRAFT: "1"}))

    assert posts(server) == before
