"""Discord: what is counted, what is sent, what its answers mean. The promises of all networks are tried elsewhere."""
import traceback
from datetime import UTC, datetime, timedelta

import pytest
from chat_peer import Peer, Told
from contract_case import FILES, film, message, part, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from publishers.base import Connection, Found, Sent
from publishers.discord import Discord
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt, idempotency_key
from schemas.message import Message, Poll
from schemas.place import Place
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
GUILD, CHANNEL, STORE, BOT = (f"12123456789012345{n}" for n in (60, 61, 62, 63))
KETTLE = "https://example.org/kettle"
CDN = f"https://cdn.discordapp.com/attachments/{STORE}/1312345678901234567/kettle.jpg"
DATE = ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")


def adapter(address: str | None = None, **more: str) -> Discord:
    fields = {"bot_token": TOKEN, "channel_id": CHANNEL, "media_channel": STORE, **more}
    return Discord(Connection("@toolshed", {k: SecretStr(v) for k, v in fields.items()}, address))


def faults(made: Message) -> list[str]:
    return [one.code for one in adapter().check(made) if one.severity is Severity.error]


def poll(*answers: str, lasts_s: int = 86_400) -> Poll:
    return Poll(options=answers or ("The red one", "The blue one"), lasts_s=lasts_s, place=Place("p.md", 3))


def sent(made: Message, part_number: int = 0, parts: tuple[PartReceipt, ...] = ()) -> dict:
    """The body of the create call, without what every one has."""
    with Peer(Told(200, {"id": "1312345678901234567"})) as peer:
        publisher = adapter(peer.address)
        outgoing = publisher.compose(made)
        handles = {blob: f"{CDN}-{number}" for number, blob in enumerate(outgoing.parts[part_number].media)}
        publisher.publish(outgoing, part_number, Sent(parts, handles))
    (heard,) = peer.heard
    assert (heard.path, heard.headers["authorization"]) == (f"/api/v10/channels/{CHANNEL}/messages", f"Bot {TOKEN}")
    assert heard.headers["user-agent"].startswith("DiscordBot (")
    body = heard.json
    assert body.pop("allowed_mentions") == {"parse": [], "replied_user": False}
    assert body.pop("nonce") == idempotency_key(made.slot, part_number)
    assert body.pop("enforce_nonce") is True
    return dict(body)


def say_hi(publisher: Discord) -> PartReceipt:
    return publisher.publish(publisher.compose(message("discord", "Hi")), 0, Sent())


@pytest.mark.parametrize(("made", "fits"), [
    (message("discord", "x" * 2000), True), (message("discord", "x" * 2001), False),
    (message("discord", "💛" * 1000), True), (message("discord", "💛" * 1001), False),
    (message("discord", "*" * 1000), True), (message("discord", part("*" * 1001, markdown="")), False),
    (message("discord", part("", *(picture(f"{n}.jpg") for n in range(10)))), True),
    (message("discord", part("", *(picture(f"{n}.jpg") for n in range(11)))), False),
    (message("discord", part("", *(picture(f"{n}.jpg") for n in range(6)),
                             *(film(f"{n}.mp4", blob=f"film{n}") for n in range(5)))), False),
    (message("discord", part("P", picture(alt="x" * 1024))), True),
    (message("discord", part("P", picture(alt="x" * 1025))), False),
    (message("discord", part("P", picture(size=10_485_760))), True),
    (message("discord", part("P", picture(size=10_485_761))), False),
    (message("discord", "x" * 300, poll=poll()), True), (message("discord", "x" * 301, poll=poll()), False),
    (message("discord", " ", poll=poll()), False),
    (message("discord", "Q", poll=poll("x" * 55)), True), (message("discord", "Q", poll=poll("x" * 56)), False),
    (message("discord", "Q", poll=poll(*map(str, range(10)))), True),
    (message("discord", "Q", poll=poll(*map(str, range(11)))), False),
    (message("discord", "Q", poll=poll(lasts_s=768 * 3600)), True),
    (message("discord", "Q", poll=poll(lasts_s=769 * 3600)), False),
    (message("discord", "Q", poll=poll(lasts_s=3599)), False),
    (message("discord", "x", options={"preview": "none", "silent": False}), True),
    (message("discord", "x", options={"pin": True}), False),
])
def test_each_limit(made: Message, fits: bool) -> None:
    """Each number of the documents, once inside and once outside; a backslash of ours counts like any letter."""
    if made.parts[0].text == "*" * 1000:
        assert len(adapter().compose(message("discord", part("*" * 1000, markdown=""))).parts[0].text) == 2000
    assert (faults(made) == []) is fits


def test_a_text_its_card_and_its_flags() -> None:
    """Signs of the author's are his; a card is a link in the text; flags are Discord's own bits."""
    made = part("t", markdown="**Less** < @everyone")
    assert sent(message("discord", made)) == {"content": "**Less** \\< \\@everyone"}
    assert sent(message("discord", "Read on", card=KETTLE)) == {"content": f"Read on\n\n{KETTLE}"}
    assert sent(message("discord", "x", options={"silent": True, "preview": "none"})) == {
        "content": "x", "flags": 4096 + 4}


def test_pictures_are_a_gallery_with_alt_texts() -> None:
    """A message of components: the text, then each picture by its address; no content beside them."""
    assert sent(message("discord", part("Two", picture(), picture("b.png", None)))) == {
        "flags": 32768, "components": [{"type": 10, "content": "Two"}, {"type": 12, "items": [
            {"media": {"url": f"{CDN}-0"}, "description": "A kettle"}, {"media": {"url": f"{CDN}-1"}}]}]}
    assert sent(message("discord", part("", picture())))["components"][0]["type"] == 12


def test_a_poll_and_a_thread() -> None:
    """The question is the text, hours are whole; a part answers the one before it."""
    assert sent(message("discord", part("Which *one*?"), poll=poll(lasts_s=5401))) == {"poll": {
        "question": {"text": "Which one?"}, "duration": 2, "allow_multiselect": False,
        "answers": [{"poll_media": {"text": "The red one"}}, {"poll_media": {"text": "The blue one"}}]}}
    assert sent(message("discord", "One", "Two"), 1, (PartReceipt(id="7"),)) == {
        "content": "Two", "message_reference": {"message_id": "7"}}


def test_a_picture_waits_in_the_second_channel() -> None:
    """Uploaded there, with no mention in it; the handle is its address without what expires."""
    with Peer(Told(200, {"id": "1", "attachments": [{"id": "2", "url": f"{CDN}?ex=1&is=2&hm=3"}]})) as peer:
        publisher = adapter(peer.address)
        outgoing = publisher.compose(message("discord", part("P", picture())))
        assert publisher.prepare(outgoing, 0, FILES.__getitem__) == {"kettle.jpg-600x600": CDN}
    (heard,) = peer.heard
    assert heard.path == f"/api/v10/channels/{STORE}/messages"
    assert b'{"attachments": [{"id": 0, "filename": "kettle.jpg"}], "allowed_mentions": {"parse": []}}' in heard.body
    assert b'name="files[0]"; filename="kettle.jpg"' in heard.body
    assert FILES["kettle.jpg-600x600"] in heard.body


def test_the_second_channel_is_another_one() -> None:
    """Pictures left in the channel itself would be read there: nothing is sent."""
    outgoing = adapter().compose(message("discord", part("P", picture())))
    with Peer(Told(200, {})) as peer, pytest.raises(Unauthorized, match="media_channel"):
        adapter(peer.address, media_channel=CHANNEL).prepare(outgoing, 0, FILES.__getitem__)
    assert peer.heard == []


@pytest.mark.parametrize("body", [{}, {"attachments": []}, {"attachments": [{"url": "cdn/x"}]},
                                  {"attachments": [{"url": 5}]}, [], "5"])
def test_an_upload_without_an_address_is_tried_again(body: object) -> None:
    """Whatever else the yes says, nothing was posted."""
    publisher = adapter()
    outgoing = publisher.compose(message("discord", part("P", picture())))
    with Peer(Told(200, body)) as peer, pytest.raises(Unavailable):
        adapter(peer.address).prepare(outgoing, 0, FILES.__getitem__)


# --- what the answers mean --------------------------------------------------------------------------------------------

def no(status: int, code: int, words: str = "No", **more: object) -> Told:
    return Told(status, {"message": words, "code": code, **more}, (DATE,))


@pytest.mark.parametrize(("answer", "error", "word"), [
    (no(400, 50006, "Cannot send an empty message"), Rejected, "empty"),
    (no(400, 50035, "Invalid Form Body", errors={"content": {"_errors": [{"code": "X", "message": "Too long"}]}}),
     Rejected, "content: Too long"),
    (no(403, 50001, "Missing Access"), Unauthorized, "channel_id"),
    (no(403, 50013, "Missing Permissions"), Unauthorized, "channel_id"),
    (no(404, 10003, "Unknown Channel"), Unauthorized, "channel_id"),
    (no(400, 160002, "Cannot reply without permission to read message history"), Unauthorized, "history"),
    (no(401, 0, "401: Unauthorized"), Unauthorized, "portal"), (no(413, 40005), Rejected, "413"),
    (no(400, 20016, "Slowmode"), RateLimited, "wait"), (no(500, 0), Unconfirmed, "500"),
    (no(409, 0), Unconfirmed, "409"), (Told(403, "error code: 1015"), Unconfirmed, "403"),
    (Told(200, {"id": 17}), Unconfirmed, "message"), (Told(200, {"id": "x"}), Unconfirmed, "message"),
    (Told(200, "<html>"), Unconfirmed, "JSON"), (no(400, 1, f"{TOKEN} is odd"), Rejected, "…"),
])
def test_what_each_no_means(answer: Told, error: type[PublishError], word: str) -> None:
    """Each documented refusal, and what proves nothing; never a word of the token, whatever the answer quotes."""
    with Peer(answer) as peer, pytest.raises(PublishError) as caught:
        say_hi(adapter(peer.address))
    assert type(caught.value) is error
    assert word in caught.value.why
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert len(peer.heard) == 1


def test_how_long_to_wait_stands_in_the_body() -> None:
    """`retry_after`, which has fractions, counts from the answer's own date; the longer word holds."""
    answer = Told(429, {"message": "", "retry_after": 64.57, "global": False}, (DATE, ("Retry-After", "30")))
    with Peer(answer) as peer, pytest.raises(RateLimited) as caught:
        say_hi(adapter(peer.address))
    assert caught.value.until == NOON + timedelta(seconds=64.57)


# --- finding again, taking back ---------------------------------------------------------------------------------------

def listed(**more: object) -> dict:
    return {"id": "1312345678901234567", "type": 0, "author": {"id": BOT}, "content": "Hi", "components": [],
            "attachments": [], "timestamp": "2026-11-22T12:00:00.5+00:00", "edited_timestamp": None, **more}


GALLERY = [{"type": 10, "content": "Hi"}, {"type": 12, "items": [{}]}]


@pytest.mark.parametrize(("messages", "ids", "complete"), [
    ([listed()], ["1312345678901234567"], True),
    ([listed(content=" Hi ")], ["1312345678901234567"], True),
    ([listed(author={"id": GUILD})], [], True), ([listed(content="Ho")], [], True),
    ([listed(timestamp="2026-11-22T11:00:00+00:00")], [], True),
    ([listed(content="Ho", edited_timestamp="2026-11-22T12:01:00+00:00")], [], False),
    ([listed(message_reference={"type": 0, "message_id": "5"}, type=19)], [], True),
    ([listed(type=7)], [], True), ([listed(content="", components=GALLERY)], [], True),
    ([listed(attachments=[{"id": "1"}])], [], True), ([], [], True),
])
def test_a_look_tells_the_bots_own_words(messages: list, ids: list[str], complete: bool) -> None:
    """Same author, same text, as many pictures, same message answered; what was edited is nobody's proof."""
    with Peer(Told(200, {"id": BOT}), Told(200, messages)) as peer:
        publisher = adapter(peer.address)
        found = publisher.find(publisher.compose(message("discord", "Hi")), 0, NOON, Sent())
    assert ([match.id for match in found.matches], found.complete) == (ids, complete)


def test_a_look_reads_to_the_moment_asked_for() -> None:
    """Page after page, from the last message of the one before, until one is too old."""
    first = [listed(id=str(10 ** 18 - n), content="Ho") for n in range(100)]
    with Peer(Told(200, {"id": BOT}), Told(200, first), Told(200, [listed()])) as peer:
        publisher = adapter(peer.address)
        found = publisher.find(publisher.compose(message("discord", "Hi")), 0, NOON, Sent())
    assert found.complete
    assert [heard.path.partition("?")[2] for heard in peer.heard[1:]] == [
        "limit=100", f"limit=100&before={10 ** 18 - 99}"]


@pytest.mark.parametrize("page", [{}, [5], [{"id": "1"}], [listed(author=None)], [listed(timestamp="soon")]])
def test_a_list_that_is_none_proves_nothing(page: object) -> None:
    """A form that is not Discord's is no proof of absence."""
    with Peer(Told(200, {"id": BOT}), Told(200, page)) as peer, pytest.raises(Unavailable):
        find_hi(adapter(peer.address))


def find_hi(publisher: Discord) -> Found:
    return publisher.find(publisher.compose(message("discord", "Hi")), 0, NOON, Sent())


def test_a_message_that_is_gone_is_taken_back() -> None:
    """404 with the code of an unknown message; a channel that is not there is another matter."""
    with Peer(Told(204), no(404, 10008), no(404, 10003)) as peer:
        for _ in range(2):
            adapter(peer.address).withdraw(PartReceipt(id="1312345678901234567"))
        with pytest.raises(Unauthorized):
            adapter(peer.address).withdraw(PartReceipt(id="1312345678901234567"))
    assert {(heard.method, heard.path) for heard in peer.heard} == {
        ("DELETE", f"/api/v10/channels/{CHANNEL}/messages/1312345678901234567")}


@pytest.mark.parametrize("host", ["discord.com", "www.discord.com", "ptb.discord.com", "discordapp.com"])
def test_an_address_that_a_person_pastes(host: str) -> None:
    """Of the connection's own channel; with the server's id the number alone has its address too."""
    there = f"channels/{GUILD}/{CHANNEL}/1312345678901234567"
    receipt = PartReceipt(id="1312345678901234567", url=f"https://discord.com/{there}")
    assert adapter().receipt_of(f"https://{host}/{there}") == receipt
    assert adapter(guild_id=GUILD).receipt_of("1312345678901234567") == receipt
    with pytest.raises(ValueError, match="connection's"):
        adapter().receipt_of(f"https://{host}/channels/{GUILD}/{STORE}/1312345678901234567")
    for other in (f"https://{host}/channels/{GUILD}/{CHANNEL}", f"https://evil.example/{there}", "17", ""):
        with pytest.raises(ValueError, match="looks like"):
            adapter().receipt_of(other)


def test_verify_says_when_pictures_have_no_place() -> None:
    """The second channel is looked at too."""
    with Peer(Told(200, {"id": BOT, "username": "kettle"}), Told(200, {"id": CHANNEL, "name": "news"}),
              no(403, 50001)) as peer:
        verified = adapter(peer.address).verify()
    assert (verified.account, verified.account_id) == ("#news, by kettle", CHANNEL)
    assert [words.split(":")[0] for words in verified.warnings] == ["The bot cannot see media_channel"]


@given(st.text(max_size=200))
@settings(deadline=None)
def test_no_message_may_ping_anybody(text: str) -> None:
    """Whatever an author writes, the body says that nobody is to be told."""
    for one in adapter().compose(message("discord", part(text))).parts:
        assert one.request["allowed_mentions"] == {"parse": [], "replied_user": False}
