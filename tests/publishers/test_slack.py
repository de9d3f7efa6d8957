"""Slack: what is counted, what is sent, what its answers mean. The promises of all networks are tried elsewhere."""
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chat_peer import Peer, Told
from contract_case import FILES, message, part, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from publishers.base import Connection, Found, Sent
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.slack_twin import SlackTwin
from publishers.slack import Slack
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt, Slot, idempotency_key
from schemas.message import Message
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOKEN, CHANNEL, TS = "xoxb-planted-8f1c", "C0123456789", "1795348800.000100"
KEY = idempotency_key(Slot("posts/kettle", "us"), 0)
KETTLE = "https://example.org/kettle"
DATE = ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")


def adapter(address: str | None = None, **more: str) -> Slack:
    fields = {"bot_token": TOKEN, "channel_id": CHANNEL, **more}
    return Slack(Connection("@toolshed", {k: SecretStr(v) for k, v in fields.items()}, address))


def faults(made: Message) -> list[str]:
    return [one.code for one in adapter().check(made) if one.severity is Severity.error]


def say_hi(publisher: Slack) -> PartReceipt:
    return publisher.publish(publisher.compose(message("slack", "Hi")), 0, Sent())


def find_hi(publisher: Slack) -> Found:
    return publisher.find(publisher.compose(message("slack", "Hi")), 0, NOON, Sent())


@pytest.mark.parametrize(("made", "fits"), [
    (message("slack", "x" * 12_000), True), (message("slack", "x" * 12_001), False),
    (message("slack", part("t", markdown=f"[{'x' * 11_900}]({KETTLE})")), True),
    (message("slack", part("", *(picture(f"{n}.jpg") for n in range(10)))), True),
    (message("slack", part("", *(picture(f"{n}.jpg") for n in range(11)))), False),
    (message("slack", part("P", picture(alt="x" * 2_000))), True),
    (message("slack", part("P", picture(alt="x" * 2_001))), False),
    (message("slack", part("P", picture(size=10_000_000))), True),
    (message("slack", part("P", picture(size=10_000_001))), False),
    (message("slack", part("P", picture("kettle.gif"))), True), (message("slack", part("P", picture("a.webp"))), False),
    (message("slack", "x", options={"preview": "none"}), True),
    (message("slack", "x", options={"silent": True}), False),
])
def test_each_limit(made: Message, fits: bool) -> None:
    """Each number, once inside and once outside; the address behind a label does not count."""
    assert (faults(made) == []) is fits


def test_the_body_of_a_text() -> None:
    """Rich text for readers, escaped letters for notifications, and a key that nobody sees."""
    with Peer(Told(200, {"ok": True, "channel": CHANNEL, "ts": TS})) as peer:
        publisher = adapter(peer.address)
        made = message("slack", part("t", markdown="**Less** < <!channel> & _so_"), card=KETTLE)
        receipt = publisher.publish(publisher.compose(made), 0, Sent())
    (heard,) = peer.heard
    assert (heard.path, heard.headers["authorization"]) == ("/api/chat.postMessage", f"Bearer {TOKEN}")
    assert heard.json == {
        "channel": CHANNEL, "text": f"Less &lt; &lt;!channel&gt; &amp; so\n\n{KETTLE}", "mrkdwn": False,
        "parse": "none", "link_names": False, "unfurl_links": True, "unfurl_media": True,
        "metadata": {"event_type": "drumbeat_part", "event_payload": {"key": KEY}},
        "blocks": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "text", "text": "Less", "style": {"bold": True}}, {"type": "text", "text": " < <!channel> & "},
            {"type": "text", "text": "so", "style": {"italic": True}}, {"type": "text", "text": "\n\n"},
            {"type": "link", "url": KETTLE}]}]}]}
    assert receipt == PartReceipt(id=TS, url=f"{peer.address}/#slack-{TS}")


def test_pictures_threads_and_no_cards() -> None:
    """A picture is a block with words; a part behind the first one stands in the thread of the first."""
    with Peer(Told(200, {"ok": True, "ts": TS})) as peer:
        publisher = adapter(peer.address)
        made = message("slack", "One", "Two", part("", picture(), picture("b.png", None)),
                       options={"preview": "none"})
        publisher.publish(publisher.compose(made), 2, Sent(
            (PartReceipt(id="1.1"), PartReceipt(id="2.2")),
            {"kettle.jpg-600x600": "F0123456789", "b.png-600x600": "F0123456780"}))
    body = peer.heard[0].json
    assert body["blocks"] == [
        {"type": "image", "alt_text": "A kettle", "slack_file": {"id": "F0123456789"}},
        {"type": "image", "alt_text": "b.png", "slack_file": {"id": "F0123456780"}}]
    assert (body["text"], body["thread_ts"], body["unfurl_links"], body["unfurl_media"]) == (
        "A kettle\nb.png", "1.1", False, False)


def test_an_upload_goes_unseen() -> None:
    """Place, bytes, done, asked after; no channel is named, and the token does not go along with the bytes."""
    with Peer(Told(200, "{}")) as peer:
        place = {"ok": True, "upload_url": f"{peer.address}/upload/v1/x", "file_id": "F0123456789"}
        peer._left[:] = [Told(200, place), Told(200, "OK - 9", (("Content-Type", "text/plain"),)),
                         Told(200, {"ok": True}), Told(200, {"ok": True, "file": {"mimetype": ""}})]
        publisher = adapter(peer.address)
        outgoing = publisher.compose(message("slack", part("P", picture())))
        assert publisher.prepare(outgoing, 0, FILES.__getitem__) == {"kettle.jpg-600x600": "processing:F0123456789"}
    first, second, third, fourth = peer.heard
    size = len(FILES["kettle.jpg-600x600"])
    assert (first.path, first.body.decode()) == (
        "/api/files.getUploadURLExternal", f"filename=kettle.jpg&length={size}")
    assert (second.body, "authorization" in second.headers) == (FILES["kettle.jpg-600x600"], False)
    assert third.json == {"files": [{"id": "F0123456789", "title": "kettle.jpg"}]}
    assert (fourth.method, fourth.path) == ("GET", "/api/files.info?file=F0123456789")


@pytest.mark.parametrize("place", [
    {"ok": True, "upload_url": "https://evil.example/upload", "file_id": "F0123456789"},
    {"ok": True, "upload_url": "http://127.0.0.1.evil.example/", "file_id": "F0123456789"},
    {"ok": True, "file_id": "F0123456789"}, {"ok": True, "upload_url": "ADDRESS/u", "file_id": "../x"}])
def test_a_picture_goes_to_slack_and_nowhere_else(place: dict) -> None:
    """An address that is not Slack's gets no byte."""
    outgoing = adapter().compose(message("slack", part("P", picture())))
    with Peer(Told(200, place)) as peer, pytest.raises(Unavailable, match="its own"):
        adapter(peer.address).prepare(outgoing, 0, FILES.__getitem__)
    assert len(peer.heard) == 1
    assert adapter()._is_own("https://files.slack.com/upload/v1/x")
    for other in ("http://files.slack.com/x", "https://evil.example/.slack.com", "https://a@b.slack.com/"):
        assert not adapter()._is_own(other)


def test_a_picture_that_slack_still_works_on_is_waited_for() -> None:
    """The twin takes its time with a GIF: nothing is posted until it is there, and then once."""
    with Rehearsal([SlackTwin(lambda: NOON)]) as running:
        fields = {"bot_token": SecretStr("rehearsal:@us"), "channel_id": SecretStr("@us")}
        publisher = Slack(Connection("@us", fields, running.address("slack")))
        outgoing = publisher.compose(message("slack", part("P", picture("kettle.gif"))))
        sent = Sent(handles=publisher.prepare(outgoing, 0, FILES.__getitem__))
        with pytest.raises(Unavailable, match="processing"):
            publisher.publish(outgoing, 0, sent)
        assert running.twin("slack").posts == []
        publisher.publish(outgoing, 0, sent)
        assert len(running.twin("slack").posts) == 1
        assert publisher.verify().scopes == ("chat:write", "channels:history", "groups:history", "files:write",
                                             "files:read")
        assert publisher.verify().warnings == ()


def no(error: str, status: int = 200, **more: object) -> Told:
    return Told(status, {"ok": False, "error": error, **more}, (DATE,))


@pytest.mark.parametrize(("answer", "error", "word"), [
    (no("msg_too_long"), Rejected, "msg_too_long"), (no("no_text"), Rejected, "no_text"),
    (no("invalid_blocks", errors=["must be shorter [json-pointer:/blocks/0]"]), Rejected, "must be shorter"),
    (no("invalid_blocks", errors=["invalid slack file [json-pointer:/blocks/1/slack_file]"]), Unavailable, "not ready"),
    (no("invalid_auth"), Unauthorized, "OAuth"), (no("token_revoked"), Unauthorized, "OAuth"),
    (no("not_in_channel"), Unauthorized, "/invite"), (no("channel_not_found"), Unauthorized, "channel_id"),
    (no("missing_scope"), Unauthorized, "scope"), (no("is_archived"), Unauthorized, "archived"),
    (no("ratelimited"), RateLimited, "wait"), (no("ratelimited", 429), RateLimited, "wait"),
    (no("fatal_error"), Unconfirmed, "fatal_error"), (no("internal_error"), Unconfirmed, "internal_error"),
    (no("internal_error", 500), Unconfirmed, "500"), (no("msg_too_long", 409), Unconfirmed, "409"),
    (Told(200, {"ok": True}), Unconfirmed, "message"), (Told(200, {"ok": True, "ts": 5}), Unconfirmed, "message"),
    (Told(200, {"ok": True, "ts": "soon"}), Unconfirmed, "message"), (Told(403, "<html>"), Unconfirmed, "403"),
    (no(f"odd {TOKEN}"), Rejected, "…"),
])
def test_what_each_no_means(answer: Told, error: type[PublishError], word: str) -> None:
    """Each documented refusal, and what proves nothing; never a word of the token, whatever the answer quotes."""
    with Peer(answer) as peer, pytest.raises(PublishError) as caught:
        say_hi(adapter(peer.address))
    assert type(caught.value) is error
    assert word in caught.value.why
    assert TOKEN not in "".join(traceback.format_exception(caught.value))
    assert len(peer.heard) == 1


@pytest.mark.parametrize(("error", "dead"), [("token_revoked", True), ("account_inactive", True),
                                             ("not_in_channel", False), ("missing_scope", False)])
def test_a_dead_token_is_told_from_a_locked_door(error: str, dead: bool) -> None:
    """What no call at all is possible with, and what one call lacks."""
    with Peer(no(error)) as peer, pytest.raises(Unauthorized) as caught:
        say_hi(adapter(peer.address))
    assert caught.value.dead is dead


def listed(ts: str = TS, key: str | None = KEY, event: str = "drumbeat_part") -> dict:
    return {"type": "message", "ts": ts, "text": "edited since", "metadata": {
        "event_type": event, "event_payload": {"key": key}}}


@pytest.mark.parametrize(("messages", "ids"), [
    ([listed()], [TS]), ([listed(key="another")], []), ([listed(event="another")], []),
    ([{"ts": TS, "text": "Hi"}], []),
    ([{"ts": TS, "metadata": None}], []), ([], []),
    ([listed(), listed("1795348801.000100")], [TS, "1795348801.000100"]),
])
def test_a_look_tells_our_key(messages: list, ids: list[str]) -> None:
    """Whatever became of the text; a message without our key is somebody else's."""
    with Peer(Told(200, {"ok": True, "messages": messages, "has_more": False})) as peer:
        found = find_hi(adapter(peer.address))
    assert ([match.id for match in found.matches], found.complete) == (ids, True)
    oldest = f"{(NOON - timedelta(seconds=1)).timestamp():.6f}"
    assert [heard.path for heard in peer.heard] == [
        f"/api/conversations.history?channel={CHANNEL}&limit=200&include_all_metadata=true&oldest={oldest}"]


def test_a_look_reads_every_page_of_a_thread() -> None:
    """A part behind the first is looked for where it stands; without a next page that is promised, nothing is sure."""
    more = {"ok": True, "messages": [], "has_more": True, "response_metadata": {"next_cursor": "two"}}
    publisher = adapter()
    outgoing = publisher.compose(message("slack", "Hi", "Ho"))
    live = Sent((PartReceipt(id=TS),))
    with Peer(Told(200, more), Told(200, {"ok": True, "messages": [listed(key=outgoing.parts[1].key)]})) as peer:
        assert len(adapter(peer.address).find(outgoing, 1, NOON, live).matches) == 1
    assert [heard.path.partition("?")[0] for heard in peer.heard] == ["/api/conversations.replies"] * 2
    assert "cursor=two" in peer.heard[1].path
    with Peer(Told(200, {**more, "response_metadata": {}})) as peer:
        assert find_hi(adapter(peer.address)) == Found((), complete=False)


@pytest.mark.parametrize("page", [{}, {"messages": "x"}, {"messages": [5]},
                                  {"messages": [{**listed(), "ts": None}]}])
def test_a_list_that_is_none_proves_nothing(page: dict) -> None:
    """A form that is not Slack's is no proof of absence."""
    with Peer(Told(200, {"ok": True, **page})) as peer, pytest.raises(Unavailable):
        find_hi(adapter(peer.address))


def test_a_message_that_is_gone_is_taken_back() -> None:
    """Deleted, or not there any more; what the workspace forbids is said."""
    with Peer(Told(200, {"ok": True}), no("message_not_found"), no("cant_delete_message")) as peer:
        adapter(peer.address).withdraw(PartReceipt(id=TS))
        adapter(peer.address).withdraw(PartReceipt(id=TS))
        with pytest.raises(Rejected, match="Delete it in Slack"):
            adapter(peer.address).withdraw(PartReceipt(id=TS))
    assert peer.heard[0].json == {"channel": CHANNEL, "ts": TS}


def test_an_address_that_a_person_pastes() -> None:
    """Copy link's, with and without a thread; with the workspace's address the number alone has one too."""
    there = f"https://toolshed.slack.com/archives/{CHANNEL}/p1795348800000100"
    for said in (there, f"{there}?thread_ts=1.2&cid={CHANNEL}"):
        assert adapter().receipt_of(said) == PartReceipt(id=TS, url=there)
    assert adapter().receipt_of(TS) == PartReceipt(id=TS)
    assert adapter(workspace="https://toolshed.slack.com").receipt_of(TS) == PartReceipt(id=TS, url=there)
    assert adapter(workspace="https://evil.example").receipt_of(TS) == PartReceipt(id=TS)
    with pytest.raises(ValueError, match="connection's"):
        adapter().receipt_of("https://toolshed.slack.com/archives/C9999999999/p1795348800000100")
    for other in ("https://evil.example/archives/C0123456789/p1795348800000100", "17", "", f"https://slack.com/{TS}"):
        with pytest.raises(ValueError, match="looks like"):
            adapter().receipt_of(other)


def test_verify_says_what_is_missing() -> None:
    """Scopes come in a header; a channel that cannot be read is said, with what to do."""
    with Peer(Told(200, {"ok": True, "team": "Shed", "team_id": "T1", "user": "kettle"},
                   (("x-oauth-scopes", "chat:write,files:read"),)), no("not_in_channel")) as peer:
        verified = adapter(peer.address).verify()
    assert (verified.account, verified.account_id, verified.scopes) == (
        "kettle in Shed", f"T1/{CHANNEL}", ("chat:write", "files:read"))
    assert ["files:write" in verified.warnings[0], "/invite" in verified.warnings[1]] == [True, True]


@given(st.text(max_size=200))
@settings(deadline=None)
def test_the_text_of_notifications_holds_no_sign(text: str) -> None:
    """Whatever an author writes, nothing in it is a link or a mention of Slack's."""
    for one in adapter().compose(message("slack", part(text))).parts:
        assert not set("<>") & set(one.request["text"])


def test_the_twin_remembers_over_a_restart(tmp_path: Path) -> None:
    """A picture uploaded before is attached after; a message that was taken back stays gone; no `ts` comes twice."""
    fields = {"bot_token": SecretStr("rehearsal:@us"), "channel_id": SecretStr("@us")}
    made, stamps, sent = message("slack", part("P", picture())), list[str](), Sent()
    for _ in range(2):
        with Rehearsal([SlackTwin(lambda: NOON, tmp_path)]) as running:
            publisher = Slack(Connection("@us", fields, running.address("slack")))
            outgoing = publisher.compose(made)
            sent = sent if stamps else Sent(handles=publisher.prepare(outgoing, 0, FILES.__getitem__))
            stamps += [publisher.publish(outgoing, 0, sent).id, say_hi(publisher).id]
            publisher.withdraw(PartReceipt(id=stamps[-1]))
            assert [post.id for post in running.twin("slack").posts] == stamps[::2]
    assert len(set(stamps)) == 4
