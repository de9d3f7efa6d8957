"""The Mastodon adapter against a server of that API which we did not write (mastodon_mock, from PyPI)."""
import re
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
from schemas.message import Media, Message, Part, Poll
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


def message(post: str, *parts: Part, **more: Any) -> Message:
    return Message(slot=Slot(post, "mastodon"), network="mastodon", account="@mock", parts=parts, language="en", **more)


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


def test_a_warning_and_who_may_see_it_arrive(server, adapter):
    """Both as written, and the post is found by its text and its warning; the same text unwarned is another."""
    plan = adapter.compose(message("posts/warned", part("It burnt"), warning="Fire & smoke",
                                   options={"visibility": "unlisted", "sensitive": True}))
    receipt = adapter.publish(plan, 0, Sent())
    adapter.publish(adapter.compose(message("posts/unwarned", part("It burnt"))), 0, Sent())

    shown = status(server, receipt)
    assert (shown["spoiler_text"], shown["visibility"], shown["sensitive"]) == ("Fire & smoke", "unlisted", True)
    assert adapter.find(plan, 0, just_before(), Sent()) == Found((receipt,), complete=True)


def test_a_poll_arrives(server, adapter):
    """The server asks what was written, for as long as was written, one answer each."""
    poll = Poll(options=("Steel", "Copper & tin"), lasts_s=3600, place=PLACE)
    plan = adapter.compose(message("posts/poll", part("Which kettle?"), poll=poll))

    receipt = adapter.publish(plan, 0, Sent())

    asked = status(server, receipt)["poll"]
    runs = datetime.fromisoformat(asked["expires_at"]) - datetime.now(UTC)
    assert ([one["title"] for one in asked["options"]], asked["multiple"]) == (["Steel", "Copper & tin"], False)
    assert timedelta(minutes=55) < runs <= timedelta(hours=1)
    assert adapter.find(plan, 0, just_before(), Sent()).matches == (receipt,)


def test_a_film_arrives_with_its_alt_text(server, adapter):
    """The server takes it for a film by the type that the upload names."""
    film = Media(file="media/mill.mp4", blob="b2", size=24, alt="The mill turns", place=PLACE)
    plan = adapter.compose(message("posts/film", part("It turns", film)))
    handles = adapter.prepare(plan, 0, {"b2": b"\0\0\0\x18ftypisom\0\0\2\0isomiso2"}.__getitem__)

    receipt = adapter.publish(plan, 0, Sent(handles=handles))

    (shown,) = status(server, receipt)["media_attachments"]
    assert (shown["type"], shown["description"]) == ("video", "The mill turns")
    assert adapter.find(plan, 0, just_before(), Sent()).matches == (receipt,)


def test_a_post_is_taken_back(server, adapter):
    """It is gone for everybody, the others stay, and once more is no error."""
    kept, gone = (adapter.publish(adapter.compose(message(f"posts/{name}", part(name))), 0, Sent())
                  for name in ("kept", "gone"))

    adapter.withdraw(gone)
    adapter.withdraw(gone)

    assert httpx.get(f"{server['url']}/api/v1/statuses/{gone.id}").status_code == 404
    assert kept.id in posts(server)
    plan = adapter.compose(message("posts/gone", part("gone")))
    assert adapter.find(plan, 0, just_before(), Sent()) == Found((), complete=True)


def test_what_the_server_says_of_the_token_and_of_itself(server, adapter):
    """The account by name and id; where this server takes less than ours do, it is said."""
    verified = adapter.verify()

    assert verified.account_id == adapter.account_id()
    assert verified.account.endswith(server["url"].partition("//")[2])
    assert any("bytes of a video" in warning for warning in verified.warnings)
    with pytest.raises(Unauthorized):
        Mastodon(connection(server, "wrong")).verify()


def test_a_yes_in_a_browser_is_worth_a_token(server):
    """The page asks for an application that the server registered; the code that it gives buys a token that works."""
    back = "http://127.0.0.1:8931/answer"
    made = httpx.post(f"{server['url']}/api/v1/apps", data={
        "client_name": "Drumbeat", "redirect_uris": back, "scopes": " ".join(Mastodon.setup.scopes)}).json()
    app = {name: SecretStr(made[name]) for name in ("client_id", "client_secret")}
    asking = Mastodon(Connection("@mock", {"base_url": SecretStr(server["url"]), **app}))
    page = httpx.get(asking.authorization(back, "state-1", "v" * 43))
    page.raise_for_status()
    asked = dict(page.request.url.params)
    (account, *_) = re.findall(r'name="username" value="([^"]+)"', page.text)
    agreed = httpx.post(f"{server['url']}/oauth/authorize", data={**asked, "username": account})

    answer = httpx.URL(agreed.headers["location"]).params
    fields = asking.exchange(answer["code"], back, "v" * 43)

    assert answer["state"] == "state-1"
    assert Mastodon(connection(server, fields["access_token"])).account_id()
