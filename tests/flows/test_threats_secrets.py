"""Secrets, row by row: D1 and D2 for every network, D4, D5. Each test plants tokens and looks for them afterwards.

`cli/test_secrets.py` has whole publishers under every fault, and Prefect's database; `edges/test_tokens.py` has D6.
"""
import base64
import io
import json
import logging
import secrets
import socket
import socketserver
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from contract_case import FILES, Case
from pydantic import SecretStr

import publishers
from flows.cli.telling import _Discreet, hide
from flows.edges.credentials import is_secret
from publishers.base import (
    DRAFT,
    Connection,
    Drafts,
    Fetches,
    Identifies,
    Locates,
    Prepares,
    Publisher,
    Refreshes,
    Sent,
    Verifies,
    Withdraws,
)
from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal
from schemas.channel import Channel
from schemas.errors import UsageError
from schemas.ledger import PartReceipt, Slot

CASES: dict[str, Case] = {name: import_module(f"{name}_case").CASE for name in publishers.available()}
NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
BEFORE = datetime(2026, 11, 22, 11, 55, tzinfo=UTC)
SIGNING = ("feed", "ghost", "webhook")
"""Networks that are told no secret, but what is made with one."""
STATUSES = (401, 500, 200, None)
"""What the network answers, each time with the whole request in it, below 500 as an object; None: it hangs up."""


def planted_in(field: str) -> str:
    """A token of the form that the field has to have."""
    token = secrets.token_hex(16)
    return {"admin_api_key": f"{secrets.token_hex(12)}:{token}{token}",
            "bot_token": f"{secrets.randbelow(10**9)}:{token}",
            "url": f"https://hooks.example/{token}"}.get(field, f"planted{token}+/=")


def credentials_of(case: Case) -> tuple[dict[str, str], list[str]]:
    """The case's credentials with a token in place of each secret; and the tokens."""
    fields = {name: value if name in case.public or not is_secret(name) else planted_in(name)
              for name, value in case.credentials.items()}
    return fields, [value for name, value in fields.items() if value != case.credentials[name]]


def forms(token: str) -> Iterable[bytes]:
    """A token as it may stand in an output: as it is, in an address, in base64 wherever it begins."""
    once = quote(token, safe="")
    yield from (form.encode() for form in (token, once, quote(once, safe=""), token.rpartition(":")[2]))
    for start in range(3):
        packed = base64.b64encode(bytes(start) + token.encode())[4 if start else 0:-4]
        yield packed
        yield packed.translate(bytes.maketrans(b"+/", b"-_"))


def leaked(tokens: Iterable[str], said: bytes) -> list[str]:
    return [token for token in tokens if any(form in said for form in forms(token))]


class Parrot(BaseHTTPRequestHandler):
    """A network that quotes the whole request in its answer, whatever it answers."""

    status: int | None = 401
    heard: bytes = b""
    answered: int = 0
    smtp: tuple[str, int]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        said = f"{self.path} {dict(self.headers)} {body.decode('latin-1')}"
        type(self).heard += said.encode()
        if self.path.endswith("/smtp"):
            self._answer(200, json.dumps({"host": self.smtp[0], "port": self.smtp[1]}))
        elif self.status is None:
            self.connection.shutdown(socket.SHUT_RDWR)
        else:
            about = {"message": said, "code": 100, "error_user_msg": said, "error_description": said}
            self._answer(self.status, json.dumps({
                "error": about if self.status < 500 else said, "detail": said, "errors": [{"message": said}],
                "description": said, "message": said, "title": said, "ok": False, "id": said, "url": said}))

    def _answer(self, status: int, answer: str) -> None:
        self.send_response(status, "OK")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.encode())))
        self.send_header("X-Request", "quoted")
        self.end_headers()
        self.wfile.write(answer.encode())
        type(self).answered += 1

    do_GET = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_POST

    def log_message(self, *_: object) -> None:
        pass


class MailParrot(socketserver.StreamRequestHandler):
    """A mail server that refuses the login, and quotes it."""

    heard: bytes = b""

    def handle(self) -> None:
        self.wfile.write(b"220 parrot\r\n")
        while line := self.rfile.readline():
            type(self).heard += line
            if line.upper().startswith(b"EHLO"):
                self.wfile.write(b"250-parrot\r\n250 AUTH PLAIN LOGIN\r\n")
            elif line.upper().startswith(b"QUIT"):
                return
            else:
                self.wfile.write(b"535 5.7.8 refused: " + line.strip() + b"\r\n")


@contextmanager
def parroting(status: int | None) -> Iterator[tuple[str, Callable[[], tuple[bytes, int]]]]:
    """A parrot's address; what it has heard, and how often it answered."""
    mails = type("Mails", (MailParrot,), {})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), mails) as post:
        handler = type("Handler", (Parrot,), {"status": status, "smtp": post.server_address})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threads = [threading.Thread(target=one.serve_forever, args=(0.02,)) for one in (server, post)]
            for thread in threads:
                thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}", lambda: (handler.heard + mails.heard, handler.answered)
            finally:
                for one, thread in zip((server, post), threads, strict=True):
                    one.shutdown()
                    thread.join()


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What everybody logs, at every level, as our log writes it."""
    written, root = io.StringIO(), logging.getLogger()
    handler, before = logging.StreamHandler(written), root.level
    handler.setFormatter(_Discreet("%(name)s %(levelname)s %(message)s"))
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield written
    root.removeHandler(handler)
    root.setLevel(before)


def calls_of(publisher: Publisher, case: Case) -> Iterator[Callable[[], object]]:
    """Everything that the adapter can be asked to do at its network."""
    receipt = PartReceipt(id="1", url="https://example.org/1")
    for message in list(case.goes.values())[:2]:                  # without and with a picture
        outgoing = publisher.compose(message)
        media = {name: "1" for part in outgoing.parts for name in part.media}
        sent = Sent((), {**media, **case.handles, **({DRAFT: "1"} if isinstance(publisher, Drafts) else {})})
        if media and isinstance(publisher, Prepares):
            yield lambda out=outgoing: publisher.prepare(out, 0, FILES.__getitem__)
        if media and isinstance(publisher, Fetches):
            yield lambda out=outgoing: publisher.fetch(out, 0, lambda blob: f"https://example.org/{blob}")
        if isinstance(publisher, Drafts):
            yield lambda out=outgoing, media=media: publisher.draft(out, 0, Sent((), media))
        yield lambda out=outgoing, sent=sent: publisher.publish(out, 0, sent)
        yield lambda out=outgoing, sent=sent: publisher.find(out, 0, BEFORE, sent)
    powers: list[tuple[type[Any], str, tuple[object, ...]]] = [
        (Verifies, "verify", ()), (Identifies, "account_id", ()), (Refreshes, "refresh", ()),
        (Withdraws, "withdraw", (receipt,)), (Locates, "locate", (receipt,))]
    for power, name, asked in powers:
        if isinstance(publisher, power):
            yield lambda name=name, asked=asked: getattr(publisher, name)(*asked)


def told_by(call: Callable[[], object]) -> str:
    """All that anybody could print of a call: its answer, or the error with its causes and its way."""
    try:
        return repr(call())
    except Exception as error:  # noqa: BLE001 — whatever it is: what it says may be printed
        story, deeper = "".join(traceback.format_exception(error)), error
        while deeper is not None:
            story += f"{deeper!r} {deeper.args!r} {vars(deeper)!r}"
            deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
        return story


@pytest.mark.parametrize("network", publishers.available())
def test_d2_no_adapter_tells_a_token(network, log):
    """D2: refused, failed, hung up on, with everything that it said quoted at it, no adapter puts a token into an
    answer, an error, a payload or the log. Whatever it can do is tried.
    """
    case = CASES[network]
    fields, tokens = credentials_of(case)
    hide(tokens)
    secret = {name: SecretStr(value) for name, value in fields.items()}
    said, heard = [], b""
    for status in STATUSES:
        with parroting(status) as (url, hears):
            publisher = publishers.load(network)(Connection("@us", secret, url, connect_timeout_s=5.0,
                                                            request_timeout_s=5.0))
            said += [told_by(call) for call in calls_of(publisher, case)]
            words, answered = hears()
            heard += words
            assert bool(answered) == (status is not None or network == "mail")
    said += [publisher.compose(message).canonical().decode() for message in case.goes.values()]
    said += [repr(publisher), repr(publisher.__dict__ if hasattr(publisher, "__dict__") else ""), str(secret)]

    assert bool(leaked(tokens, heard)) == (network not in SIGNING), "what is looked for was never there"
    assert heard
    assert len(said) > 2 * len(STATUSES)
    assert leaked(tokens, "\n".join(said).encode()) == []
    assert leaked(tokens, log.getvalue().encode()) == []


# --- whole publishers -------------------------------------------------------------------------------------------------

def opened(address: Callable[[Channel], str], fields: Callable[[Channel], dict[str, str]],
           ) -> Callable[[Channel], Publisher]:
    """How channels are opened: each at an address, with credentials of ours."""
    def connect(channel: Channel) -> Publisher:
        secret = {name: SecretStr(value) for name, value in fields(channel).items()}
        return publishers.load(channel.network)(Connection("@us", secret, f"{address(channel)}/{channel.network}"))
    return connect


def kept(*folders: Path) -> bytes:
    """Every byte that lies below the folders."""
    return b"".join(file.read_bytes() for folder in folders for file in folder.rglob("*") if file.is_file())


def test_d2_a_shift_that_every_network_refuses_tells_no_token(stage, log):
    """D2: 401 from every network there is: nothing of the credentials is told, logged, or kept in the archive; nothing
    is sent, and the post of the one account whose credential is good goes out.
    """
    names = {name.replace("_", "-"): name for name in publishers.available()}
    lines = "".join(f'  - {{id: {id}, network: {name}, handle: "@us"}}\n' for id, name in names.items())
    stage.folder.write("networks/channels.yaml", f'stagger: 1m\nchannels:\n{lines}'
                       '  - {id: good, network: mastodon, handle: "@good"}\n')
    stage.folder.write("media/kettle.jpg", FILES["kettle.jpg-600x600"])
    stage.folder.write("media/kettle.mp4", FILES["film"])
    stage.folder.post("good", "Good.", channels="good")
    others = ", ".join(id for id in names if id not in ("reddit", "youtube"))
    stage.folder.post("hello", "A kettle is mended.", channels=others,
                      more='title: A kettle\nmedia: [{file: kettle.jpg, alt: "A kettle"}]\n'
                           'options: {pinterest: {board: "104729"}}\n')
    stage.folder.post("text", "A kettle is mended.", channels="reddit",
                      more="title: A kettle\noptions: {reddit: {subreddit: repair}}\n")
    stage.folder.post("film", "A kettle is mended.", channels="youtube",
                      more='title: A kettle\nmedia: [{file: kettle.mp4, alt: "A kettle", captions: burned-in}]\n')
    stage.folder.commit()
    given = {id: credentials_of(CASES[name]) for id, name in names.items()}
    tokens = [token for _, planted in given.values() for token in planted]
    hide(tokens)
    stage.script(*({"fault": "401", "network": name, "match": "(?!GET /smtp).*", "times": 1000}
                   for name in names.values()))

    with Rehearsal([twins()["mastodon"](stage.clock.now)]) as elsewhere:
        told = stage.run(connect=opened(
            lambda channel: (elsewhere if channel.id == "good" else stage.networks).url,
            lambda channel: given[channel.id][0] if channel.id in given else dict(CASES["mastodon"].credentials)))
        good = httpx.get(f"{elsewhere.url}/_rehearsal/posts").json()

    ends = {one.row.slot: one.row.state.value for one in told}
    assert [post["text"] for post in good] == ["Good."]
    assert stage.posts() == []
    hello = {id: {"reddit": "text", "youtube": "film"}.get(id, "hello") for id in names}
    assert ends == {f"posts/{post}@{id}#1": "failed" for id, post in hello.items()} | {"posts/good@good#1": "published"}
    assert len(tokens) >= 20
    assert leaked(tokens, log.getvalue().encode()) == []
    assert leaked(tokens, repr(told).encode() + kept(stage.home, stage.home.parent / "archive")) == []


class Broken:
    """An adapter as it is, except that one of its calls breaks off, with a token in its words."""

    def __init__(self, inner: Publisher, call: str, words: str) -> None:
        self._inner, self._call, self._words = inner, call, words

    def __getattr__(self, name: str) -> Any:
        if name == self._call:
            raise RuntimeError(self._words)
        return getattr(self._inner, name)


@pytest.mark.parametrize("call", ["publish", "prepare", "account_id"])
def test_d2_an_adapter_that_breaks_off_tells_no_token(stage, log, picture, call):
    """D2: an exception of an SDK whose words hold the token is told by its class alone, wherever it strikes; nothing is
    sent to that account, and the other one's post goes out.
    """
    stage.folder.write("networks/channels.yaml", "channels:\n  - {id: good, network: mastodon, handle: g}\n"
                                                 "  - {id: bad, network: mastodon, handle: b}\n")
    stage.folder.write("media/a.png", picture(1))
    stage.folder.post("hello", "Hello.", channels="good, bad", more='media: [{file: a.png, alt: "A"}]\n')
    stage.folder.commit()
    token, connect = planted_in("access_token"), stage.opened()

    told = stage.run(connect=lambda channel: connect(channel) if channel.id == "good" else Broken(
        connect(channel), call, f"401 for https://x.example/?access_token={token}"))

    ends = {one.row.slot: one.row.state.value for one in told}
    assert ends["posts/hello@good#1"] == "published"
    assert ends["posts/hello@bad#1"] != "published"
    assert [post["account"] for post in stage.posts()] == ["g"]
    assert leaked([token], log.getvalue().encode()) == []
    assert leaked([token], repr(told).encode() + kept(stage.home, stage.home.parent / "archive")) == []
    assert "RuntimeError" in log.getvalue()


# --- D4 ---------------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("slot", ["posts/other@mastodon#1", "posts/hello@x#1", "posts/hello@mastodon#2",
                                  "posts/hello@nobody#1", "posts/draft@mastodon#1", "posts/gone@mastodon#1"])
def test_d4_a_slot_that_is_not_in_the_plan_sends_nothing(stage, slot):
    """D4: whoever may start a publisher can name a slot and nothing else: a post of nobody, another channel or run, a
    draft, a post that is gone. Nothing is sent and nothing recorded; the plan's own slot goes out afterwards.
    """
    stage.folder.post("gone", "Gone.")
    stage.folder.commit()
    (stage.folder.path / "posts/gone.md").unlink()
    stage.folder.post("draft", "Draft.", more="draft: true\n")
    stage.folder.post("hello", "Hello.")
    stage.folder.commit()

    with pytest.raises(UsageError, match="is not in the plan"):
        stage.run("stranger", only=Slot.parse(slot), until=NOON + timedelta(minutes=5))

    assert stage.entries(slot) == ()
    assert stage.posts() == []
    stage.run()
    assert stage.texts() == ["Hello."]
