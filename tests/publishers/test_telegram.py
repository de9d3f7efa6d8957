"""Telegram: what is counted, what is sent, what its answers mean. The promises of all networks are tried elsewhere."""
import hashlib
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from chat_peer import Peer, Told
from contract_case import FILES, film, message, part, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from publishers.base import Connection, Sent
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.telegram_twin import TelegramTwin
from publishers.telegram import Telegram
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message, Poll
from schemas.place import Place
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
CHAT = {"id": -1001234567890, "username": "toolshed", "type": "channel"}
KETTLE = "https://example.org/kettle"
FILES.update(pdf=b"%PDF-1.7", zip=b"PK", b=b"?")
DATE = ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")


def adapter(address: str | None = None, chat_id: str = "@toolshed", **more: str) -> Telegram:
    fields = {"bot_token": TOKEN, "chat_id": chat_id, **more}
    return Telegram(Connection("@toolshed", {k: SecretStr(v) for k, v in fields.items()}, address))


def faults(made: Message) -> list[tuple[str, str]]:
    return [(one.code, one.message) for one in adapter().check(made) if one.severity is Severity.error]


def poll(*answers: str, lasts_s: int = 300) -> Poll:
    return Poll(options=answers or ("The red one", "The blue one"), lasts_s=lasts_s, place=Place("p.md", 3))


def sent(made: Message, result: object = None, part_number: int = 0, parts: tuple[PartReceipt, ...] = (),
         **more: str) -> tuple[str, dict]:
    """The method and the body of the create call."""
    with Peer(Told(200, {"ok": True, "result": result or {"message_id": 17, "chat": CHAT}})) as peer:
        publisher = adapter(peer.address, **more)
        outgoing = publisher.compose(made)
        handles = publisher.fetch(outgoing, part_number, lambda blob: f"https://files.example/{blob}")
        publisher.publish(outgoing, part_number, Sent(parts, handles))
    (heard,) = peer.heard
    assert heard.path.startswith(f"/bot{TOKEN}/")
    return heard.path.rpartition("/")[2], heard.json


def say_hi(publisher: Telegram) -> PartReceipt:
    return publisher.publish(publisher.compose(message("telegram", "Hi")), 0, Sent())


# --- counting ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "counted"), [("kettle", 6), ("ä", 1), ("👩‍💻", 5), ("𝒳", 2), ("", 0), ("\ud800", 1)])
def test_length_is_in_utf_16_units(text: str, counted: int) -> None:
    """As Telegram counts it: what lies beyond the first plane counts two."""
    assert adapter().length(text) == counted


@pytest.mark.parametrize(("made", "fits"), [
    (message("telegram", "x" * 4096), True), (message("telegram", "x" * 4097), False),
    (message("telegram", "💛" * 2048), True), (message("telegram", "💛" * 2048 + "x"), False),
    (message("telegram", part("x" * 1024, picture())), True), (message("telegram", part("x" * 1025, picture())), False),
    (message("telegram", part("t", markdown=f"[{'x' * 4096}]({KETTLE})")), True),
    (message("telegram", part("t", markdown=f"**{'x' * 4096}**")), True),
    (message("telegram", part("P", *(picture(f"{n}.jpg") for n in range(10)))), True),
    (message("telegram", part("P", *(picture(f"{n}.jpg") for n in range(6)),
                              *(film(f"{n}.mp4", blob=f"film{n}") for n in range(5)))), False),
    (message("telegram", part("P", picture(size=5_000_000))), True),
    (message("telegram", part("P", picture(size=5_000_001))), False),
    (message("telegram", part("P", film(size=20_000_000))), True),
    (message("telegram", part("P", film(size=20_000_001))), False),
    (message("telegram", part("P", picture("a.png", width=200, height=10))), True),
    (message("telegram", part("P", picture("a.png", width=210, height=10))), False),
    (message("telegram", part("P", picture("b.png", blob="b", size=9, width=5000, height=5000))), True),
    (message("telegram", part("P", picture("kettle.gif"))), True),
    (message("telegram", part("P", picture("kettle.gif"), picture())), False),
    (message("telegram", part("P", picture("a.pdf", blob="pdf", size=9), picture("b.zip", blob="zip", size=9))), True),
    (message("telegram", "x" * 300, poll=poll()), True), (message("telegram", "x" * 301, poll=poll()), False),
    (message("telegram", "Q", poll=poll("x" * 100, "b")), True),
    (message("telegram", "Q", poll=poll("x" * 101, "b")), False),
    (message("telegram", "Q", poll=poll(*map(str, range(10)))), True),
    (message("telegram", "Q", poll=poll(*map(str, range(11)))), False),
    (message("telegram", "Q", poll=poll("only one")), False),
    (message("telegram", "One", part("Two", kind="comment")), False),
    (message("telegram", " ", card=KETTLE), True), (message("telegram", " "), False),
    (message("telegram", "x" * 5000, limits={"text": 5000}), True),
    (message("telegram", "One", options={"silent": True, "preview": "small"}), True),
    (message("telegram", "One", options={"preview": "huge"}), False),
])
def test_each_limit(made: Message, fits: bool) -> None:
    """Each number of the documents, once inside and once outside."""
    if made.parts[0].media and made.parts[0].media[0].name == "b.png":       # a side more is too much
        wider = made.parts[0].media[0].model_copy(update={"probe": made.parts[0].media[0].probe._replace(width=5001)})
        assert faults(made.model_copy(update={"parts": (made.parts[0].model_copy(update={"media": (wider,)}),)}))
    assert (faults(made) == []) is fits


def test_documents_stand_alone() -> None:
    """A PDF and a picture are two posts; a long poll and a warning are said, and go."""
    paper = picture("a.pdf", blob="pdf", size=9)
    assert [code for code, _ in faults(message("telegram", part("P", paper, picture())))] == ["TXT006"]
    made = message("telegram", "Q", poll=poll(lasts_s=86_400), warning="Spoons")
    assert [one.severity for one in adapter().check(made)] == [Severity.warning, Severity.warning]
    assert "open_period" not in adapter().compose(made).parts[0].request


# --- what is sent -----------------------------------------------------------------------------------------------------

def test_a_text() -> None:
    """Bold, a link and a tag of the author's that is none."""
    assert sent(message("telegram", part("t", markdown=f"**Less** < [more]({KETTLE})"))) == ("sendMessage", {
        "chat_id": "@toolshed", "text": f'<b>Less</b> &lt; <a href="{KETTLE}">more</a>', "parse_mode": "HTML",
        "link_preview_options": {}})


def test_a_card_needs_no_room_in_the_text() -> None:
    """The link of a card is told beside the text; options are Telegram's own fields."""
    made = message("telegram", "Read on", card=KETTLE, options={
        "silent": True, "protect": True, "preview": "large", "preview_above": True})
    assert sent(made, topic_id="5") == ("sendMessage", {
        "chat_id": "@toolshed", "text": "Read on", "parse_mode": "HTML", "disable_notification": True,
        "protect_content": True, "message_thread_id": 5,
        "link_preview_options": {"url": KETTLE, "prefer_large_media": True, "show_above_text": True}})
    assert sent(message("telegram", "x", options={"preview": "none"}))[1]["link_preview_options"] == {
        "is_disabled": True}


def test_a_picture_a_video_an_album() -> None:
    """One file is a call of its kind; several are one album, whose caption the first one has."""
    assert sent(message("telegram", part("A kettle", picture()), card=KETTLE)) == ("sendPhoto", {
        "chat_id": "@toolshed", "caption": f"A kettle\n\n{KETTLE}", "parse_mode": "HTML",
        "photo": "https://files.example/kettle.jpg-600x600"})
    assert sent(message("telegram", part("", film()))) == ("sendVideo", {
        "chat_id": "@toolshed", "video": "https://files.example/film"})
    assert sent(message("telegram", part("", picture("kettle.gif"))))[0] == "sendAnimation"
    assert sent(message("telegram", part("Two", picture(), film())),
                [{"message_id": 17, "chat": CHAT}, {"message_id": 18, "chat": CHAT}]) == ("sendMediaGroup", {
        "chat_id": "@toolshed", "media": [
            {"type": "photo", "media": "https://files.example/kettle.jpg-600x600", "caption": "Two",
             "parse_mode": "HTML"},
            {"type": "video", "media": "https://files.example/film"}]})


def test_a_poll_is_a_message_of_its_own() -> None:
    """The text is the question, as letters."""
    assert sent(message("telegram", part("Which *one*?", markdown="Which *one*?"), poll=poll())) == ("sendPoll", {
        "chat_id": "@toolshed", "question": "Which one?", "is_anonymous": True, "open_period": 300,
        "options": [{"text": "The red one"}, {"text": "The blue one"}]})


def test_a_thread_answers_the_part_before() -> None:
    """After an album, its first message is answered."""
    made = message("telegram", "One", "Two")
    assert sent(made, None, 1, (PartReceipt(id="17,18"),))[1]["reply_parameters"] == {"message_id": 17}


@pytest.mark.parametrize(("result", "id", "url"), [
    ({"message_id": 17, "chat": CHAT}, "17", "https://t.me/toolshed/17"),
    ([{"message_id": 17, "chat": CHAT}, {"message_id": 18}], "17,18", "https://t.me/toolshed/17"),
    ({"message_id": 17, "chat": {"id": -1001234567890}}, "17", "https://t.me/c/1234567890/17"),
    ({"message_id": 17, "chat": {"id": -4321}}, "17", None), ({"message_id": 17}, "17", None),
])
def test_a_receipt_has_the_address_that_people_see(result: object, id: str, url: str | None) -> None:
    """By the chat's name, else its number; a small group has none. A rehearsal's is its timeline."""
    from publishers._telegram_answers import address_in_result, ids_in
    assert (",".join(ids_in(result)), address_in_result(result)) == (id, url)


# --- what the answers mean --------------------------------------------------------------------------------------------

def no(status: int, description: str, **parameters: int) -> Told:
    return Told(status, {"ok": False, "error_code": status, "description": description,
                         **({"parameters": parameters} if parameters else {})}, (DATE,))


@pytest.mark.parametrize(("answer", "error", "word"), [
    (no(400, "Bad Request: message is too long"), Rejected, "too long"),
    (no(400, "Bad Request: can't parse entities: unsupported start tag"), Rejected, "parse"),
    (no(400, "Bad Request: chat not found"), Unauthorized, "chat_id"),
    (no(400, "Bad Request: not enough rights to send text messages to the chat"), Unauthorized, "administrator"),
    (no(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=-100), Unauthorized,
     "supergroup"),
    (no(400, "Bad Request: failed to get HTTP URL content"), Unavailable, "fetch"),
    (no(401, "Unauthorized"), Unauthorized, "BotFather"), (no(404, "Not Found"), Unauthorized, "token"),
    (no(403, "Forbidden: bot was kicked from the channel chat"), Unauthorized, "administrator"),
    (no(409, "Conflict: terminated"), Unconfirmed, "409"), (no(500, "Internal Server Error"), Unconfirmed, "500"),
    (Told(200, {"ok": True, "result": {"message_id": "17"}}), Unconfirmed, "message"),
    (Told(200, {"ok": True, "result": {"message_id": True}}), Unconfirmed, "message"),
    (Told(200, {"ok": True, "result": []}), Unconfirmed, "message"),
    (Told(502, "<html>"), Unconfirmed, "502"), (Told(413, "<html>"), Rejected, "413"),
    (no(400, f"Bad Request: {TOKEN} is odd"), Rejected, "…"),
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
    """`retry_after` counts from the answer's own date."""
    with Peer(no(429, "Too Many Requests: retry after 35", retry_after=35)) as peer, \
            pytest.raises(RateLimited) as caught:
        say_hi(adapter(peer.address))
    assert caught.value.until == NOON + timedelta(seconds=35)


def test_a_topic_that_is_no_number_sends_nothing() -> None:
    """A wrong setting is said before the call."""
    with Peer(Told(200, {})) as peer, pytest.raises(Unauthorized):
        say_hi(adapter(peer.address, topic_id="news"))
    assert peer.heard == []


# --- taking back, finding again, verifying ----------------------------------------------------------------------------

def test_an_album_is_taken_back_whole() -> None:
    """All its messages in one call; a single one alone."""
    with Peer(Told(200, {"ok": True, "result": True})) as peer:
        adapter(peer.address).withdraw(PartReceipt(id="17,18"))
        adapter(peer.address).withdraw(PartReceipt(id="19"))
    assert [(heard.path.rpartition("/")[2], heard.json) for heard in peer.heard] == [
        ("deleteMessages", {"chat_id": "@toolshed", "message_ids": [17, 18]}),
        ("deleteMessage", {"chat_id": "@toolshed", "message_id": 19})]


def test_what_is_older_than_two_days_stays() -> None:
    """The twin's clock goes on by 48 hours: refused, in words that say what to do."""
    now = [NOON]
    with Rehearsal([TelegramTwin(lambda: now[0])]) as running:
        fields = {"bot_token": SecretStr("rehearsal:@us"), "chat_id": SecretStr("@us")}
        publisher = Telegram(Connection("@us", fields, running.address("telegram")))
        receipt = publisher.publish(publisher.compose(message("telegram", "Hi")), 0, Sent())
        now[0] += timedelta(hours=48)
        with pytest.raises(Rejected, match="48 hours"):
            publisher.withdraw(receipt)
        assert publisher.verify().account == "@us, by @rehearsal_bot"
        assert publisher.verify().warnings == ()


def test_the_twin_remembers_over_a_restart(tmp_path: Path) -> None:
    """An album, a reply to it and a message that was taken back; no number is given twice."""
    made = message("telegram", part("Two", picture(), film()), "Next")
    fields = {"bot_token": SecretStr("rehearsal:@us"), "chat_id": SecretStr("@us")}
    ids: list[str] = []
    for _ in range(2):
        with Rehearsal([TelegramTwin(lambda: NOON, tmp_path)]) as running:
            publisher = Telegram(Connection("@us", fields, running.address("telegram")))
            outgoing, parts = publisher.compose(made), tuple[PartReceipt, ...]()
            handles = publisher.fetch(outgoing, 0, lambda blob: shared(running.url, blob))
            for number in range(2):
                parts += (publisher.publish(outgoing, number, Sent(parts, handles)),)
            gone = say_hi(publisher)
            publisher.withdraw(gone)
            ids += [parts[0].id, parts[1].id, gone.id]
            assert [post.id for post in running.twin("telegram").posts] == [id for n, id in enumerate(ids) if n % 3 < 2]
    numbers = [number for id in ids for number in id.split(",")]
    assert len(set(numbers)) == len(numbers) == 8


def shared(url: str, blob: str) -> str:
    there = f"{url}/_rehearsal/shared/{hashlib.sha256(FILES[blob]).hexdigest()}"
    httpx.put(there, content=FILES[blob]).raise_for_status()
    return there


@pytest.mark.parametrize(("said", "id", "url"), [
    ("https://t.me/toolshed/17", "17", "https://t.me/toolshed/17"), ("t.me/Toolshed/17", "17", "https://t.me/Toolshed/17"),
    ("https://t.me/s/toolshed/17", "17", "https://t.me/toolshed/17"), ("17", "17", "https://t.me/toolshed/17"),
    ("17,18", "17,18", "https://t.me/toolshed/17"), ("https://t.me/c/1234567890/17", "17", "https://t.me/c/1234567890/17"),
    ("https://t.me/toolshed/5/17?single", "17", "https://t.me/toolshed/17"),
])
def test_an_address_that_a_person_pastes(said: str, id: str, url: str) -> None:
    """With and without scheme, of the web preview, of a topic, of a private chat, and the number alone."""
    assert adapter().receipt_of(said) == PartReceipt(id=id, url=url)


@pytest.mark.parametrize("said", ["https://t.me/other/17", "https://t.me/toolshed", "https://x.com/toolshed/17", "0",
                                  "", "https://t.me/toolshed/x", "https://evil.example/t.me/toolshed/17", "-17", "١٧"])
def test_an_address_of_something_else(said: str) -> None:
    """Another channel's, a channel's own, another network's."""
    with pytest.raises(ValueError, match=r"address"):
        adapter().receipt_of(said)
    with pytest.raises(ValueError, match="connection's"):
        adapter(chat_id="-1001").receipt_of("https://t.me/c/2/17")


def test_verify_says_what_the_bot_may_not() -> None:
    """A bot that may not post or delete is told so, with what to do."""
    with Peer(Told(200, {"ok": True, "result": {"id": 5, "username": "kettle_bot"}}),
              Told(200, {"ok": True, "result": {**CHAT, "title": "Tool Shed"}}),
              Told(200, {"ok": True, "result": {"status": "administrator", "can_post_messages": False,
                                                "can_delete_messages": False}})) as peer:
        verified = adapter(peer.address).verify()
    assert (verified.account, verified.account_id) == ("Tool Shed, by @kettle_bot", "-1001234567890")
    assert [words.split(":")[0] for words in verified.warnings] == [
        "The bot may not post", "The bot may not delete messages"]
    assert [heard.method for heard in peer.heard] == ["GET", "GET", "GET"]


@given(st.text(max_size=200))
@settings(deadline=None)
def test_any_text_composes_to_what_the_twin_reads_back(text: str) -> None:
    """Whatever an author writes, the HTML is one that Telegram parses, to the text that was counted."""
    from publishers.rehearsal.telegram_twin import _parsed
    made = adapter().compose(message("telegram", part(text)))
    assert _parsed(made.parts[0].request, "text").strip() == made.parts[0].text
