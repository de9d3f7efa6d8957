"""The Mastodon adapter against a server of that API which we did not write (mastodon_mock, from PyPI)."""
import struct
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from publishers.base import Connection, Found, Sent
from publishers.mastodon import Mastodon
from schemas.errors import Rejected, Unauthorized
from schemas.ledger import PartReceipt, Slot
from schemas.message import Media, Message, Part
from schemas.place import Place

pytestmark = pytest.mark.realservers
PLACE = Place("content/posts/launch.md", 7)


@pytest.fixture(scope="module")
def server(start) -> dict[str, Any]:
    return start("mastodon")


@pytest.fixture
def adapter(server) -> Mastodon:
    return Mastodon(connection(server, server["access_token"]))


def connection(server: dict[str, Any], token: str) -> Connection:
    return Connection("@mock", {"access_token": SecretStr(token), "base_url": SecretStr(server["url"])})


def message(post: str, *parts: Part) -> Message:
    return Message(slot=Slot(post, "mastodon"), network="mastodon", account="@mock", parts=parts, language="en")


def part(text: str, *media: Media, kind: Any = "post") -> Part:
    return Part(kind=kind, text=text, media=media, place=PLACE)


def a_picture() -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(b"\0\x0a\x78\x5a")) + chunk(b"IEND", b""))


def status(server: dict[str, Any], receipt: PartReceipt) -> dict[str, Any]:
    answer = httpx.get(f"{server['url']}/api/v1/statuses/{receipt.id}")
    answer.raise_for_status()
    found: dict[str, Any] = answer.json()
    return found


def posts(server: dict[str, Any]) -> list[str]:
    headers = {"Authorization": f"Bearer {server['access_token']}"}
    me = httpx.get(f"{server['url']}/api/v1/accounts/verify_credentials", headers=headers).json()["id"]
    listed = httpx.get(f"{server['url']}/api/v1/accounts/{me}/statuses?limit=40", headers=headers).json()
    return [one["id"] for one in listed]


def just_before() -> datetime:
    return datetime.now(UTC) - timedelta(minutes=5)


def test_a_picture_arrives_with_its_alt_text(server, adapter):
    """The bytes we had are the bytes the server shows, described as written; the receipt leads to the post."""
    picture = Media(file="media/dawn.png", blob="b1", size=len(a_picture()), alt="The mill at dawn", place=PLACE)
    plan = adapter.compose(message("posts/picture", part("Opening at dawn & after. #mill", picture)))
    handles = adapter.prepare(plan, 0, {"b1": a_picture()}.__getitem__)

    receipt = adapter.publish(plan, 0, Sent(handles=handles))

    shown = status(server, receipt)
    (file,) = shown["media_attachments"]
    assert (file["description"], httpx.get(file["url"]).content) == ("The mill at dawn", a_picture())
    assert (shown["url"], shown["visibility"], shown["language"]) == (receipt.url, "public", "en")
    assert adapter.find(plan, 0, just_before(), Sent()).matches == (receipt,)


def test_a_thread_hangs_together_and_each_part_is_found(server, adapter):
    """Three parts in order, each answering the one before; looking finds exactly each of them."""
    plan = adapter.compose(message("posts/thread", part("Three reasons.\n\nFirst, <tools> & people"),
                                   part("Second: https://example.org/a/rather/long/address?with=a&query=too"),
                                   part("Third, come along!", kind="comment")))
    sent: tuple[PartReceipt, ...] = ()
    for number in range(3):
        sent += (adapter.publish(plan, number, Sent(sent)),)

    assert [status(server, receipt)["in_reply_to_id"] for receipt in sent] == [None, sent[0].id, sent[1].id]
    found = [adapter.find(plan, number, just_before(), Sent(sent[:number])) for number in range(3)]
    assert [(look.matches, look.complete) for look in found] == [((receipt,), True) for receipt in sent]


def test_a_repeated_send_makes_no_second_post(server, adapter):
    """This server keeps the promise about `Idempotency-Key`: the same key gives the same post."""
    plan = adapter.compose(message("posts/once", part("Only once")))
    first = adapter.publish(plan, 0, Sent())
    before = posts(server)

    again = adapter.publish(plan, 0, Sent())

    assert (again, posts(server)) == (first, before)
    assert adapter.find(plan, 0, just_before(), Sent()) == Found((first,), complete=True)


def test_another_key_makes_another_post_and_both_are_found(server, adapter):
    """The text alone makes no repeat: two slots that say the same are two posts, and a look says that they are two."""
    plans = [adapter.compose(message(f"posts/twin-{n}", part("Said twice"))) for n in (1, 2)]
    receipts = [adapter.publish(plan, 0, Sent()) for plan in plans]

    assert set(adapter.find(plans[0], 0, just_before(), Sent()).matches) == set(receipts)


def test_the_token_tells_whose_it_is(server, adapter):
    """The account's id is the one that the server lists its posts under; a bad token has none."""
    assert httpx.get(f"{server['url']}/api/v1/accounts/{adapter.account_id()}/statuses").status_code == 200
    with pytest.raises(Unauthorized):
        Mastodon(connection(server, "wrong")).account_id()


def test_the_address_it_shows_is_understood(adapter):
    """The receipt of a post that a person pastes is the one that publishing gave."""
    receipt = adapter.publish(adapter.compose(message("posts/pasted", part("Pasted"))), 0, Sent())

    assert receipt.url is not None
    assert adapter.receipt_of(receipt.url) == receipt
    assert adapter.receipt_of(receipt.id).id == receipt.id


def test_what_was_never_sent_is_not_found(adapter):
    """Looking for a text that is not there finds nothing, and has looked everywhere."""
    plan = adapter.compose(message("posts/absent", part("Never sent")))

    assert adapter.find(plan, 0, just_before(), Sent()) == ((), True)


def test_its_refusals_are_understood(server, adapter):
    """A bad token, an empty post and a text that is too long are the errors they should be, and leave nothing."""
    before = posts(server)

    with pytest.raises(Unauthorized):
        Mastodon(connection(server, "wrong")).publish(adapter.compose(message("posts/a", part("x"))), 0, Sent())
    with pytest.raises(Rejected, match="blank"):
        adapter.publish(adapter.compose(message("posts/b", part(" "))), 0, Sent())
    with pytest.raises(Rejected, match="500"):
        adapter.publish(adapter.compose(message("posts/c", part("x" * 501))), 0, Sent())

    assert posts(server) == before
