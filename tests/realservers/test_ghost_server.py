"""The Ghost adapter against a Ghost 6 that we did not write."""
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from publishers._ghost_token import token
from publishers.base import DRAFT, Connection, Found, Outgoing, Sent
from publishers.ghost import Ghost
from schemas.errors import Rejected, Unauthorized
from schemas.ledger import PartReceipt, Slot
from schemas.message import Media, Message, Part
from schemas.place import Place

pytestmark = pytest.mark.realservers
PLACE = Place("content/posts/launch.md", 7)


@pytest.fixture(scope="module")
def server(start) -> dict[str, Any]:
    return start("ghost")


@pytest.fixture
def adapter(server) -> Ghost:
    return Ghost(connection(server, server["admin_api_key"]))


def connection(server: dict[str, Any], key: str) -> Connection:
    return Connection("@mill", {"base_url": SecretStr(server["url"]), "admin_api_key": SecretStr(key)})


def message(post: str, text: str, *media: Media, title: str | None = "The mill opens", **more: Any) -> Message:
    part = Part(text=text, markdown=text, media=media, place=PLACE)
    return Message(slot=Slot(post, "blog"), network="ghost", account="@mill", parts=(part,), title=title, **more)


def picture(name: str, alt: str) -> Media:
    return Media(file=f"media/{name}", blob=name, size=len(a_picture(name)), alt=alt, place=PLACE)


def a_picture(name: str) -> bytes:
    """A PNG of one pixel, another one for each name."""
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0\x0a\x78" + name[:1].encode())) + chunk(b"IEND", b""))


def ready(adapter: Ghost, plan: Outgoing) -> Sent:
    handles = adapter.prepare(plan, 0, a_picture)
    return Sent(handles={**handles, DRAFT: adapter.draft(plan, 0, Sent(handles=handles))})


def call(server: dict[str, Any], method: str, path: str, **what: Any) -> Any:
    """What the site's owner sees and does."""
    made = token(server["admin_api_key"], datetime.now(UTC).timestamp())
    answer = httpx.request(method, f"{server['admin_api']}{path}", timeout=30, **what,
                           headers={"Authorization": f"Ghost {made}", "Accept-Version": "v5.0"})
    answer.raise_for_status()
    return answer.json()


def post(server: dict[str, Any], id: str) -> dict[str, Any]:
    asked = {"formats": "html,plaintext", "include": "tags,email"}
    (found,) = call(server, "GET", f"/posts/{id}/", params=asked)["posts"]
    assert isinstance(found, dict)
    return found


def posts(server: dict[str, Any]) -> set[str]:
    return {one["id"] for one in call(server, "GET", "/posts/", params={"limit": "100", "fields": "id"})["posts"]}


def just_before() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)


def test_a_draft_is_unseen_and_published_it_is_whole(server, adapter):
    """Title, text, tags, excerpt, original, pictures and their alt texts arrive; nothing is seen before it is out."""
    text = "Opening at **dawn** & after, [see](https://mill.example/a?b=c&d=e).\n\n- flour\n- <b>bran</b>"
    plan = adapter.compose(message(
        "posts/picture", text, picture("dawn.png", 'The "mill" at dawn'), picture("noon.png", "At <noon> & later"),
        title='Dawn & <noon> "x"', hashtags=("Mill", "Müller"),
        options={"excerpt": "Flour & more", "canonical": "https://mill.example/dawn", "caption": "Seen & known"}))
    sent = ready(adapter, plan)
    id = sent.handles[DRAFT].partition(" ")[0]

    draft = post(server, id)
    assert draft["status"] == "draft"
    assert adapter.find(plan, 0, just_before(), sent) == Found((), complete=True)
    assert httpx.get(f"{server['url']}/{draft['slug']}/").status_code == 404

    receipt = adapter.publish(plan, 0, sent)

    made = post(server, id)
    assert (made["status"], made["id"], made["url"]) == ("published", receipt.id, receipt.url)
    assert made["slug"] == draft["slug"]
    assert (made["title"], made["custom_excerpt"], made["canonical_url"]) == (
        'Dawn & <noon> "x"', "Flour & more", "https://mill.example/dawn")
    assert [tag["name"] for tag in made["tags"]] == ["Mill", "Müller"]
    assert (made["feature_image_alt"], made["feature_image_caption"]) == ('The "mill" at dawn', "Seen &amp; known")
    assert httpx.get(made["feature_image"]).content == a_picture("dawn.png")
    assert "<strong>dawn</strong> &amp; after" in made["html"]
    assert 'href="https://mill.example/a?b=c&amp;d=e"' in made["html"]
    assert "<li>flour</li><li>&lt;b&gt;bran&lt;/b&gt;</li>" in made["html"]
    assert 'alt="At &lt;noon&gt; &amp; later"' in made["html"] or 'alt="At <noon> &amp; later"' in made["html"]
    assert httpx.get(str(receipt.url)).status_code == 200
    assert adapter.find(plan, 0, just_before(), sent) == Found((receipt,), complete=True)


def test_a_repeat_makes_no_second_post(server, adapter):
    """Publishing again changes nothing; making the draft again, before and after, finds the same post."""
    plan = adapter.compose(message("posts/once", "Only once"))
    first_try = ready(adapter, plan)
    sent = ready(adapter, plan)
    before = posts(server)
    assert sent.handles[DRAFT].partition(" ")[0] == first_try.handles[DRAFT].partition(" ")[0]

    first = adapter.publish(plan, 0, sent)
    as_it_was = post(server, first.id)
    again = adapter.publish(plan, 0, sent)

    assert (again, posts(server)) == (first, before)
    assert adapter.draft(plan, 0, Sent()).partition(" ")[0] == first.id
    assert post(server, first.id) == as_it_was
    assert adapter.find(plan, 0, just_before(), Sent()) == Found((first,), complete=True)


def test_a_draft_that_is_made_again_says_what_is_said_now(server, adapter):
    """A retry after the text was changed publishes the new text, in the same post."""
    old, new = (adapter.compose(message("posts/changed", text)) for text in ("Old words", "New words"))
    ready(adapter, old)

    receipt = adapter.publish(new, 0, ready(adapter, new))

    assert "New words" in post(server, receipt.id)["html"]


def test_a_draft_that_somebody_edits_is_not_published(server, adapter):
    """Ghost refuses, a person is asked; once the person has published it, a repeat finds it."""
    plan = adapter.compose(message("posts/edited", "As it was written", title="Edited"))
    sent = ready(adapter, plan)
    id, _, changed = sent.handles[DRAFT].partition(" ")
    later = changed
    while later == changed:              # Ghost's moments are whole seconds
        edited = call(server, "PUT", f"/posts/{id}/", json={"posts": [{"title": f"Edited {datetime.now(UTC)}",
                                                                       "updated_at": changed}]})
        changed, later = later, edited["posts"][0]["updated_at"]
    with pytest.raises(Rejected, match="changed the draft"):
        adapter.publish(plan, 0, sent)
    assert post(server, id)["status"] == "draft"
    assert adapter.find(plan, 0, just_before(), sent) == Found((), complete=True)

    call(server, "PUT", f"/posts/{id}/", json={"posts": [{"status": "published", "updated_at": later}]})

    assert adapter.publish(plan, 0, sent).id == id


def test_a_slug_of_ones_own(server, adapter):
    """The address is as wished, a repeat leaves it; one that another post has is refused before anything is out."""
    wished = adapter.compose(message("posts/slug", "At its own address", options={"slug": "the-mill"}))
    sent = ready(adapter, wished)
    receipt = adapter.publish(wished, 0, sent)
    assert receipt.url == f"{server['url']}/the-mill/"
    assert adapter.publish(wished, 0, sent) == receipt
    before = posts(server)

    with pytest.raises(Rejected, match="the-mill"):
        ready(adapter, adapter.compose(message("posts/other", "The same address", options={"slug": "the-mill"})))

    assert posts(server) == before


def test_a_newsletter_is_mailed_once(server, adapter):
    """Publishing mails, to whom it should; publishing again does not; one that is not there is refused before."""
    (letter,) = call(server, "GET", "/newsletters/", params={"limit": "1"})["newsletters"]
    options = {"newsletter": letter["slug"], "segment": "status:free", "visibility": "members"}
    plan = adapter.compose(message("posts/letter", "Dear members", options=options))
    sent = ready(adapter, plan)
    assert post(server, sent.handles[DRAFT].partition(" ")[0])["email"] is None

    receipt = adapter.publish(plan, 0, sent)
    made = post(server, receipt.id)
    adapter.publish(plan, 0, sent)

    mail = made["email"]
    assert (mail["recipient_filter"], made["visibility"]) == ("status:free", "members")
    assert post(server, receipt.id)["email"]["id"] == mail["id"]
    with pytest.raises(Rejected, match="no active newsletter 'nobodys'"):
        ready(adapter, adapter.compose(message("posts/nobody", "Dear all", options={"newsletter": "nobodys"})))


def test_withdrawn_it_is_gone(server, adapter):
    """Readers see it no more, a second time is no error, and a look says that it is not there."""
    plan = adapter.compose(message("posts/gone", "Gone tomorrow"))
    sent = ready(adapter, plan)
    receipt = adapter.publish(plan, 0, sent)

    adapter.withdraw(receipt)
    adapter.withdraw(receipt)
    adapter.withdraw(PartReceipt(id="6b032197923dae2cc5c0aaff"))

    assert receipt.id not in posts(server)
    assert httpx.get(str(receipt.url)).status_code == 404
    assert adapter.find(plan, 0, just_before(), sent) == Found((), complete=True)


def test_it_tells_whose_key_it_is(server, adapter):
    """The site's title, and an id that stays; a key of another site, or a wrong secret, has none."""
    verified = adapter.verify()
    assert (verified.account, verified.account_id, verified.warnings) == ("Test blog", adapter.account_id(), ())
    id, _, secret = server["admin_api_key"].partition(":")
    for key in (f"{id[::-1]}:{secret}", f"{id}:{secret[::-1]}"):
        wrong = Ghost(connection(server, key))
        for asking in (wrong.account_id, wrong.verify, lambda wrong=wrong: wrong.draft(
                wrong.compose(message("posts/wrong", "x")), 0, Sent())):
            with pytest.raises(Unauthorized) as caught:
                asking()
            assert caught.value.dead
            assert secret not in str(caught.value)


def test_its_refusals_are_understood(server, adapter):
    """A wrong file, a title that is too long, and a post that is gone, leave nothing behind."""
    before = posts(server)
    bitmap = Media(file="media/a.bmp", blob="bmp", size=9, alt="x", place=PLACE)
    with pytest.raises(Rejected, match="valid image"):
        adapter.prepare(adapter.compose(message("posts/bmp", "x", bitmap)), 0, lambda _: b"BM       ")
    with pytest.raises(Rejected, match="255"):
        ready(adapter, adapter.compose(message("posts/long", "x", title="x" * 256)))
    with pytest.raises(Rejected, match="not found"):
        adapter.publish(adapter.compose(message("posts/absent", "x")), 0,
                        Sent(handles={DRAFT: "6b032197923dae2cc5c0aaff 2026-11-22T12:00:00.000Z"}))

    assert posts(server) == before
