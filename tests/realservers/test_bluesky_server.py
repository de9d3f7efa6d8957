"""The Bluesky adapter against the network's own server (@atproto/pds, from npm)."""
import io
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from bluesky_case import subtitles
from contract_case import FILES as CASE_FILES
from contract_case import film
from PIL import Image
from pydantic import SecretStr

from publishers.base import DRAFT, Connection, Found, Outgoing, Sent
from publishers.bluesky import Bluesky
from schemas.content import Probe
from schemas.errors import Rejected, Unauthorized, Unconfirmed
from schemas.ledger import PartReceipt, Slot
from schemas.message import Media, Message, Part
from schemas.place import Place

pytestmark = pytest.mark.realservers
PLACE = Place("content/posts/launch.md", 7)
POSTS = "app.bsky.feed.post"
FILES: dict[str, bytes] = {}


@pytest.fixture(scope="module")
def server(start) -> dict[str, Any]:
    """The server, with an app password of alice's on it."""
    info = start("bluesky")
    login = {"identifier": info["handle"], "password": info["password"]}
    session = httpx.post(f"{info['url']}/xrpc/com.atproto.server.createSession", json=login).json()
    made = httpx.post(f"{info['url']}/xrpc/com.atproto.server.createAppPassword", json={"name": "drumbeat"},
                      headers={"Authorization": f"Bearer {session['accessJwt']}"})
    made.raise_for_status()
    return {**info, "app_password": made.json()["password"]}


@pytest.fixture(scope="module")
def credentials(server) -> dict[str, str]:
    """All that the adapter has once it has logged in by itself."""
    given = {"identifier": server["handle"], "app_password": server["app_password"], "pds_url": server["url"]}
    return {**given, **Bluesky(connection(given)).refresh()}


@pytest.fixture
def adapter(credentials) -> Bluesky:
    return Bluesky(connection(credentials))


def connection(credentials: dict[str, str]) -> Connection:
    return Connection("@alice.test", {name: SecretStr(value) for name, value in credentials.items()})


def message(post: str, *parts: Part, **more: Any) -> Message:
    return Message(slot=Slot(post, "bluesky"), network="bluesky", account="@alice.test", parts=parts, language="en",
                   **more)


def part(text: str, *media: Media, kind: Any = "post") -> Part:
    return Part(kind=kind, text=text, media=media, place=PLACE)


def picture(name: str, alt: str, kind: str = "PNG") -> Media:
    made = io.BytesIO()
    Image.new("RGB", (60, 40), (31, 111, 139)).save(made, kind)
    FILES[name] = made.getvalue()
    return Media(file=f"media/{name}", blob=name, size=len(FILES[name]), alt=alt, place=PLACE,
                 probe=Probe(kind.lower(), 60, 40))


def readied(adapter: Bluesky, plan: Outgoing, number: int, parts: tuple[PartReceipt, ...] = ()) -> Sent:
    handles = adapter.prepare(plan, number, FILES.__getitem__) if plan.parts[number].media else {}
    return Sent(parts, {**handles, DRAFT: adapter.draft(plan, number, Sent(parts, handles))})


def send(adapter: Bluesky, made: Message) -> tuple[PartReceipt, ...]:
    plan, parts = adapter.compose(made), tuple[PartReceipt, ...]()
    for number in range(len(plan.parts)):
        parts += (adapter.publish(plan, number, readied(adapter, plan, number, parts)),)
    return parts


def records(server: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every post of the account, by its key."""
    asked = {"repo": server["did"], "collection": POSTS, "limit": "100"}
    listed = httpx.get(f"{server['url']}/xrpc/com.atproto.repo.listRecords", params=asked).json()["records"]
    return {one["uri"].rpartition("/")[2]: one for one in listed}


def just_before() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)


def test_pictures_arrive_with_their_words_and_sizes(server, adapter):
    """The bytes we had are the bytes the server keeps; words and sizes stand beside them; the post is found."""
    made = message("posts/picture", part("Opening at dawn. #mill", picture("dawn.png", "The mill at dawn"),
                                         picture("dusk.jpg", "", "JPEG")))
    assert [problem.message for problem in adapter.check(made)] == []
    plan = adapter.compose(made)
    sent = readied(adapter, plan, 0)

    receipt = adapter.publish(plan, 0, sent)

    value = records(server)[receipt.id]["value"]
    images = value["embed"]["images"]
    assert [(one["alt"], one["aspectRatio"]) for one in images] == [
        ("The mill at dawn", {"width": 60, "height": 40}), ("", {"width": 60, "height": 40})]
    for one, name in zip(images, ("dawn.png", "dusk.jpg"), strict=True):
        asked = {"did": server["did"], "cid": one["image"]["ref"]["$link"]}
        assert httpx.get(f"{server['url']}/xrpc/com.atproto.sync.getBlob", params=asked).content == FILES[name]
    assert (value["text"], value["langs"]) == ("Opening at dawn. #mill", ["en"])
    assert receipt.url == f"https://bsky.app/profile/{server['did']}/post/{receipt.id}"
    assert adapter.find(plan, 0, just_before(), sent) == Found((receipt,), complete=True)


def test_a_thread_hangs_together_and_each_part_is_found(server, adapter):
    """Each part answers the one before, under the first, by its name and its hash; keys and moments are in order."""
    made = message("posts/thread", part("Three reasons."), part("Second", picture("two.png", "Two")),
                   part("Third, come along!", kind="comment"))
    plan, sent, looks = adapter.compose(made), tuple[PartReceipt, ...](), []
    for number in range(3):
        ready = readied(adapter, plan, number, sent)
        looks.append(adapter.find(plan, number, just_before(), ready))
        sent += (adapter.publish(plan, number, ready),)
        looks.append(adapter.find(plan, number, just_before(), ready))

    held = [records(server)[receipt.id] for receipt in sent]
    named = [{"uri": one["uri"], "cid": one["cid"]} for one in held]
    assert [one["value"].get("reply") for one in held] == [
        None, {"root": named[0], "parent": named[0]}, {"root": named[0], "parent": named[1]}]
    assert [receipt.id for receipt in sent] == sorted(receipt.id for receipt in sent)
    assert [one["value"]["createdAt"] for one in held] == sorted(one["value"]["createdAt"] for one in held)
    assert looks == [look for receipt in sent for look in (((), True), ((receipt,), True))]


def test_a_repeated_send_makes_no_second_record_and_no_second_commit(server, adapter):
    """The same part put again is answered with the same name, and the account's history does not grow."""
    plan = adapter.compose(message("posts/once", part("Only once, with a picture", picture("once.png", "Once"))))
    sent = readied(adapter, plan, 0)
    first = adapter.publish(plan, 0, sent)
    before, history = records(server), commit(server)

    again = adapter.publish(plan, 0, sent)
    reloaded = adapter.publish(plan, 0, Sent((), {**adapter.prepare(plan, 0, FILES.__getitem__),
                                                  DRAFT: sent.handles[DRAFT]}))

    assert again == reloaded == first
    assert (records(server), commit(server)) == (before, history)


def commit(server: dict[str, Any]) -> str:
    asked = {"did": server["did"]}
    latest: str = httpx.get(f"{server['url']}/xrpc/com.atproto.sync.getLatestCommit", params=asked).json()["rev"]
    return latest


def test_another_record_under_the_same_key_is_refused(server, adapter):
    """Other words in the same slot, and the same words drafted anew: refused, in doubt, and the first stays."""
    first = adapter.compose(message("posts/taken", part("The first words")))
    other = adapter.compose(message("posts/taken", part("Other words")))
    sent = readied(adapter, first, 0)
    receipt = adapter.publish(first, 0, sent)

    with pytest.raises(Unconfirmed, match="InvalidSwap"):
        adapter.publish(other, 0, sent)
    later = json.loads(sent.handles[DRAFT]) | {"at": "2027-01-01T00:00:00.000Z"}
    with pytest.raises(Unconfirmed, match="InvalidSwap"):
        adapter.publish(first, 0, Sent((), {DRAFT: json.dumps(later)}))

    assert records(server)[receipt.id]["value"]["text"] == "The first words"
    assert adapter.find(other, 0, just_before(), sent) == ((), False)
    assert adapter.find(first, 0, just_before(), sent) == ((receipt,), True)


def test_what_can_be_clicked_is_where_it_should_be(server, adapter):
    """The server takes the marks, by bytes; who is mentioned is named by what lasts; a name of nobody stays plain."""
    link = "https://example.org/ä?b=c"
    text = f"Grüße 👩‍🏭 an @alice.test und @nobody.test: {link}, #Mühle $MILL"
    (receipt,) = send(adapter, message("posts/marks", part(text), options={"labels": ("graphic-media",)}))

    value, raw = records(server)[receipt.id]["value"], text.encode()
    shown = []
    for facet in value["facets"]:
        covered = raw[facet["index"]["byteStart"]:facet["index"]["byteEnd"]].decode()
        shown.append((covered, {name: said for name, said in facet["features"][0].items() if name != "$type"}))
    assert shown == [("@alice.test", {"did": server["did"]}), (link, {"uri": link}), ("#Mühle", {"tag": "Mühle"}),
                     ("$MILL", {"tag": "$MILL"})]
    assert value["labels"] == {"$type": "com.atproto.label.defs#selfLabels", "values": [{"val": "graphic-media"}]}


def test_a_link_card_stands_there_as_told(server, adapter):
    """Title and words are the post's own, the picture is the post's; nothing is fetched from anywhere."""
    made = message("posts/card", part("Look", picture("card.png", "Unseen")), card="https://example.org/kettle",
                   title="Kettles", options={"card_text": "All about them", "card_image": True})
    (receipt,) = send(adapter, made)

    external = records(server)[receipt.id]["value"]["embed"]["external"]
    thumb = external.pop("thumb")
    assert external == {"uri": "https://example.org/kettle", "title": "Kettles", "description": "All about them"}
    assert thumb["mimeType"] == "image/png"


def test_a_video_goes_with_its_subtitles(server, adapter):
    """Both are files of the account; the server takes them for what they are."""
    filmed = film(captions=subtitles("kettle.vtt"))
    FILES.update({filmed.blob: CASE_FILES[filmed.blob], "kettle.vtt-40": CASE_FILES["kettle.vtt-40"]})
    (receipt,) = send(adapter, message("posts/film", part("It boils", filmed)))

    embed = records(server)[receipt.id]["value"]["embed"]
    (caption,) = embed["captions"]
    assert (embed["video"]["mimeType"], embed["video"]["size"]) == ("video/mp4", filmed.size)
    assert (caption["lang"], caption["file"]["mimeType"]) == ("en", "text/vtt")
    assert (embed["alt"], embed["aspectRatio"]) == ("A kettle boils", {"width": 1280, "height": 720})


def test_a_post_is_taken_back_and_once_more(server, adapter):
    """It is gone, a second time is no error, the look says so, and an answer to it is refused."""
    plan = adapter.compose(message("posts/back", part("Said too early"), part("And more")))
    sent = readied(adapter, plan, 0)
    receipt = adapter.publish(plan, 0, sent)

    adapter.withdraw(receipt)
    adapter.withdraw(receipt)

    assert receipt.id not in records(server)
    assert adapter.find(plan, 0, just_before(), sent) == ((), True)
    with pytest.raises(Rejected, match="not there any more"):
        adapter.draft(plan, 1, Sent((receipt,)))


def test_the_session_is_renewed_and_tells_whose_it_is(server, credentials):
    """A refresh token gives other tokens, which work; without one the app password does; the end is two hours off."""
    renewed = Bluesky(connection(credentials)).refresh()
    assert set(renewed) == {"access_token", "refresh_token", "expires_at"}
    verified = Bluesky(connection({**credentials, **renewed})).verify()
    assert (verified.account, verified.account_id) == (server["handle"], server["did"])
    assert verified.scopes == ("com.atproto.appPass",)
    assert verified.expires_at is not None
    assert timedelta(minutes=110) < verified.expires_at - datetime.now(UTC) < timedelta(minutes=121)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", renewed["expires_at"])
    assert Bluesky(connection({**credentials, "refresh_token": "spent"})).refresh()["access_token"]


def test_the_main_password_is_known_for_one(server):
    """A session that the account's own password began is warned of."""
    own = {"identifier": server["handle"], "app_password": server["password"], "pds_url": server["url"]}
    verified = Bluesky(connection({**own, **Bluesky(connection(own)).refresh()})).verify()
    assert any("own password" in warning for warning in verified.warnings)


def test_its_refusals_are_understood(server, credentials, adapter):
    """A bad token, a bad password and a text that is too long are the errors they should be, and leave nothing."""
    before = records(server)
    with pytest.raises(Unauthorized) as caught:
        Bluesky(connection({**credentials, "access_token": "not.a.token"})).account_id()
    assert caught.value.dead
    with pytest.raises(Unauthorized):
        Bluesky(connection({**credentials, "refresh_token": "", "app_password": "wrong"})).refresh()
    with pytest.raises(Rejected, match="300"):
        send(adapter, message("posts/long", part("x" * 301)))
    with pytest.raises(Rejected, match="3000"):
        send(adapter, message("posts/heavy", part("\U0001F468‍\U0001F469‍\U0001F467‍\U0001F466" * 121)))
    assert records(server) == before


def test_the_address_it_shows_is_understood(server, adapter):
    """The address by lasting id, by name, the at:// name and the bare key all give the receipt's id."""
    (receipt,) = send(adapter, message("posts/pasted", part("Pasted")))
    said = (receipt.url, f"https://bsky.app/profile/alice.test/post/{receipt.id}",
            f"at://{server['did']}/{POSTS}/{receipt.id}", receipt.id)
    assert [adapter.receipt_of(one).id for one in said if one] == [receipt.id] * 4
    assert adapter.receipt_of(said[0] or "") == receipt
