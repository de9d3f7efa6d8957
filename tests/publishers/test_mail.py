"""What only a newsletter by SMTP has: its conversation word by word, every odd answer in it, and the mail as bytes."""
import base64
import email
import email.policy
import re
import socket
import ssl
import struct
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from contract_case import FILES, drawn, message, part, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from publishers._http import trust
from publishers.base import Connection, Sent
from publishers.mail import Mail
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.message import Message
from schemas.problem import Severity

PASSWORD = "".join(("planted-", "8f1c"))         # put together, so that no source line in a traceback holds it
SHORT_S = 0.4
YES: dict[str, str] = {"greet": "220 mail.example ESMTP", "EHLO": "250-mail.example\r\n250-SIZE 10240000\r\n250 AUTH "
                       "PLAIN", "AUTH": "235 2.7.0 Ok", "MAIL": "250 2.1.0 Ok", "RCPT": "250 2.1.5 Ok",
                       "DATA": "354 Go on", ".": "250 2.0.0 Queued", "QUIT": "221 Bye", "RSET": "250 Ok",
                       "STARTTLS": "220 Ready"}
Play = Callable[[socket.socket], None]
Said = str | list[str] | Play
Plain = message("mail", "A kettle is mended.", title="A kettle")


class Server:
    """One loopback port that speaks a script: for each verb what is answered, a text or whatever else is done."""

    def __init__(self, script: Mapping[str, Said], context: ssl.SSLContext | None) -> None:
        self.script: dict[str, Said] = {**YES, **script}
        self.context = context
        self.connections = 0
        self.said: list[str] = []                # the client's lines, mails as one
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run)

    def run(self) -> None:
        while True:
            line, _ = self.listener.accept()
            with line:
                if self.over.is_set():
                    return
                self.connections += 1
                with suppress(OSError):          # the client left, which is what some rows are about
                    self.talk(line)

    def talk(self, line: socket.socket) -> None:
        with ExitStack() as open_lines:
            if self.context is not None and "STARTTLS" not in str(self.script["EHLO"]):
                line = open_lines.enter_context(self.context.wrap_socket(line, server_side=True))
            heard = open_lines.enter_context(line.makefile("rb"))
            if not self.answer(line, "greet"):
                return
            while said := heard.readline():
                self.said.append(said.decode("latin-1").rstrip("\r\n"))
                verb = (self.said[-1].split() or [""])[0].upper()
                if not self.answer(line, verb):
                    return
                if verb == "STARTTLS" and self.context is not None:
                    line = open_lines.enter_context(self.context.wrap_socket(line, server_side=True))
                    heard = open_lines.enter_context(line.makefile("rb"))
                    self.script["EHLO"] = YES["EHLO"]
                if verb == "DATA" and str(self.script["DATA"]).startswith("354"):
                    rows = []
                    while (row := heard.readline()) not in (b"", b".\r\n"):
                        rows.append(row)
                    self.said.append(b"".join(rows).decode())
                    if not row:
                        return
                    self.said.append(".")
                    if not self.answer(line, "."):
                        return

    def answer(self, line: socket.socket, verb: str) -> bool:
        answer = self.script.get(verb, "502 What?")
        if isinstance(answer, list):             # one after the other
            answer = answer.pop(0)
        if callable(answer):
            answer(line)
            return False
        line.sendall(f"{answer}\r\n".encode())
        return True

    def end(self) -> None:
        self.over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.listener.close()


@contextmanager
def server(script: Mapping[str, Said] | None = None, context: ssl.SSLContext | None = None) -> Iterator[Server]:
    made = Server(script or {}, context)
    made.thread.start()
    try:
        yield made
    finally:
        made.end()


def adapter(port: int = 1, seconds: float = 20.0, **fields: str) -> Mail:
    given = {"host": "127.0.0.1", "port": str(port), "security": "none", "user": "club", "password": PASSWORD,
             "from_address": "club@club.example", "list_address": "news@lists.example",
             "unsubscribe_url": "https://club.example/leave", **fields}
    secrets = {name: SecretStr(value) for name, value in given.items() if value}
    return Mail(Connection("@club", secrets, connect_timeout_s=SHORT_S, request_timeout_s=seconds))


def send(publisher: Mail, what: Message = Plain) -> Any:
    plan = publisher.compose(what)
    return publisher.publish(plan, 0, Sent(handles=publisher.prepare(plan, 0, FILES.__getitem__)))


def tells_nothing(error: BaseException) -> bool:
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += f"{deeper!r}{deeper.args}"
        deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
    login = base64.b64encode(f"\0club\0{PASSWORD}".encode()).decode()
    return not any(word in story for word in (PASSWORD, login, "news@lists.example"))


def close(line: socket.socket) -> None:
    """Says nothing more."""


def reset(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silence(line: socket.socket) -> None:
    while line.recv(65536):
        pass


def half(line: socket.socket) -> None:
    line.sendall(b"25")


def drip(line: socket.socket) -> None:
    """A byte now and then, each long before any time-out between two bytes."""
    line.settimeout(SHORT_S / 10)
    while True:
        line.sendall(b"2")
        try:
            if not line.recv(65536):
                return
        except TimeoutError:
            continue


def endless(line: socket.socket) -> None:
    """An answer of many lines that has no last one."""
    while True:
        line.sendall(b"250-and more\r\n" * 1000)


# --- the conversation -------------------------------------------------------------------------------------------------

def test_the_whole_conversation() -> None:
    """One connection: a greeting, a login, one sender, one reader, one mail, a goodbye; the receipt is its name."""
    with server() as there:
        receipt = send(adapter(there.port))

    login = base64.b64encode(f"\0club\0{PASSWORD}".encode()).decode()
    mail = there.said[5]
    assert there.said == ["ehlo [127.0.0.1]", f"AUTH PLAIN {login}", f"mail FROM:<club@club.example> size={len(mail)}",
                          "rcpt TO:<news@lists.example>", "DATA", mail, ".", "QUIT"]
    assert there.connections == 1
    assert receipt.id == f"{adapter().compose(Plain).parts[0].key}@club.example"
    assert f"Message-ID: <{receipt.id}>\r\n" in mail


BEFORE: dict[str, tuple[str, str | Play, type[PublishError]]] = {
    "busy": ("greet", "421 Too busy", Unavailable),
    "blocked": ("greet", "554 5.7.1 Your address is on a list", Unauthorized),
    "not SMTP": ("greet", "HTTP/1.1 400 Bad Request", Unavailable),
    "closed at once": ("greet", close, Unavailable),
    "reset at once": ("greet", reset, Unavailable),
    "no EHLO": ("EHLO", "502 What?", Unauthorized),
    "endless EHLO": ("EHLO", endless, Unavailable),
    "a line too long": ("EHLO", "250 " + "x" * 20_000, Unavailable),
    "wrong password": ("AUTH", "535 5.7.8 No", Unauthorized),
    "login later": ("AUTH", "454 4.7.0 Temporary failure", RateLimited),
    "login closed": ("AUTH", close, Unavailable),
    "no way to log in": ("EHLO", "250-mail.example\r\n250 AUTH XOAUTH2", Unauthorized),
    "not our sender": ("MAIL", "550 5.7.1 Not yours", Unauthorized),
    "login wanted": ("MAIL", "530 5.7.0 Log in first", Unauthorized),
    "too large": ("MAIL", "552 5.3.4 Too large", Rejected),
    "no space": ("MAIL", "452 4.3.1 Out of space", Unavailable),
    "too many": ("MAIL", "451 4.7.1 Rate exceeded", RateLimited),
    "unknown reader": ("RCPT", "550 5.1.1 Nobody", Rejected),
    "greylisted": ("RCPT", "450 4.2.0 Greylisted, come back", Unavailable),
    "too many today": ("RCPT", "452 4.5.3 Too many recipients", RateLimited),
    "reader closed": ("RCPT", close, Unavailable),
    "no data": ("DATA", "554 5.5.1 No valid recipients", Rejected),
    "data later": ("DATA", "451 4.3.0 Later", Unavailable),
    "data odd": ("DATA", "250 Ok", Unavailable),
    "data closed": ("DATA", close, Unavailable),
    "data reset": ("DATA", reset, Unavailable),
}


@pytest.mark.parametrize("row", BEFORE)
def test_what_ends_before_the_dot_is_certain(row: str) -> None:
    """Whatever a server says or fails to say before it has the whole mail, nothing was handed over, and we say so."""
    verb, answer, meant = BEFORE[row]
    with server({verb: answer}) as there, pytest.raises(PublishError) as caught:
        send(adapter(there.port))

    assert type(caught.value) is meant
    assert tells_nothing(caught.value)
    assert (there.connections, "." in there.said) == (1, False)


AFTER: dict[str, tuple[str | Play, type[PublishError]]] = {
    "refused": ("554 5.7.1 Spam", Rejected),
    "too large": ("552 5.3.4 Too large", Rejected),
    "not now": ("451 4.3.0 Try again", Unavailable),
    "shutting down": ("421 4.3.2 Shutting down", Unavailable),
    "slow down": ("450 4.7.1 Rate limit", RateLimited),
    "go on": ("354 Go on", Unconfirmed),
    "one": ("150 Wait", Unconfirmed),
    "no number": ("Thanks", Unconfirmed),
    "a page": ("<!doctype html>", Unconfirmed),
    "nothing": ("", Unconfirmed),
    "closed": (close, Unconfirmed),
    "reset": (reset, Unconfirmed),
    "half a number": (half, Unconfirmed),
    "endless": (endless, Unconfirmed),
    "long": ("250 " + "x" * 20_000, Unconfirmed),
}


@pytest.mark.parametrize("row", AFTER)
def test_what_is_said_after_the_dot(row: str) -> None:
    """A no after the dot is a no, and anything but a yes or a no leaves doubt; nothing is sent a second time."""
    answer, meant = AFTER[row]
    with server({".": answer}) as there, pytest.raises(PublishError) as caught:
        send(adapter(there.port))

    assert type(caught.value) is meant
    assert tells_nothing(caught.value)
    assert (there.connections, there.said.count("."), there.said.count("DATA")) == (1, 1, 1)


@pytest.mark.parametrize("answer", ["250 Ok", "250-First\r\n250 Ok", "250", "251 Forwarded", "250 4.7.1 rate"])
def test_any_yes_is_a_yes(answer: str) -> None:
    """The number counts and not the words; a goodbye that is refused or broken off changes nothing."""
    for goodbye in ("221 Bye", "500 What?", close, reset):
        with server({".": answer, "QUIT": goodbye}) as there:
            assert send(adapter(there.port)).id


@pytest.mark.parametrize(("verb", "meant"), [("greet", Unavailable), ("AUTH", Unavailable), ("DATA", Unavailable),
                                             (".", Unconfirmed)])
@pytest.mark.parametrize("play", [silence, drip])
def test_the_deadline_is_one_for_all(verb: str, meant: type[PublishError], play: Play) -> None:
    """A server that says nothing, or a byte now and then, keeps a caller no longer than its deadline."""
    done = threading.Event()

    def call() -> None:
        with pytest.raises(PublishError) as caught:
            send(adapter(there.port, SHORT_S))
        assert type(caught.value) is meant
        done.set()

    with server({verb: play}) as there:
        threading.Thread(target=call, daemon=True).start()
        assert done.wait(SHORT_S * 20)


def test_a_goodbye_does_not_use_up_the_deadline() -> None:
    """The mail is taken; a server that never answers QUIT holds nobody for long."""
    done = threading.Event()

    def call() -> None:
        assert send(adapter(there.port, 3600.0)).id
        done.set()

    with server({"QUIT": silence}) as there:
        threading.Thread(target=call, daemon=True).start()
        assert done.wait(30)


def test_nobody_listens_and_nobody_knows_the_name() -> None:
    """No connection: certainly not sent."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for publisher in (adapter(port), adapter(host="nowhere.invalid", security="starttls")):
        with pytest.raises(Unavailable):
            send(publisher)


def test_one_refused_reader_stops_all_and_is_not_named() -> None:
    """With three readers and one refused nothing goes to the others; the error says how many and not who."""
    readers = "ada@club.example, ben@club.example,ada@club.example, cy@club.example"
    script: dict[str, Said] = {"RCPT": ["250 Ok", "550 5.1.1 ben@club.example is unknown", "250 Ok"]}
    with server(script) as there, pytest.raises(Rejected) as caught:
        send(adapter(there.port, list_address=readers))

    assert "1 of 3 recipients" in caught.value.why
    assert "@" not in caught.value.why
    assert [said.split()[0] for said in there.said] == ["ehlo", "AUTH", "mail", "rcpt", "rcpt", "rcpt", "RSET"]


def test_verifying_logs_in_and_sends_nothing() -> None:
    """A good password is known for one and a bad one too, and no mail is begun."""
    with server() as there:
        assert adapter(there.port).verify().account == "club@club.example"
    assert [said.split()[0] for said in there.said] == ["ehlo", "AUTH", "QUIT"]
    with server({"AUTH": "535 No"}) as there, pytest.raises(Unauthorized) as caught:
        adapter(there.port).verify()
    assert caught.value.dead


# --- TLS --------------------------------------------------------------------------------------------------------------

@pytest.fixture
def certified(tmp_path: Path) -> Iterator[ssl.SSLContext]:
    """A server's certificate for localhost, which this process trusts for as long as the test runs."""
    context = _certificate(tmp_path)
    trust().load_verify_locations(tmp_path / "certificate.pem")
    yield context
    trust.cache_clear()


def _certificate(folder: Path) -> ssl.SSLContext:
    from datetime import UTC, datetime, timedelta

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "x")])
    now = datetime.now(UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(1).not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
            .sign(key, hashes.SHA256()))
    there = folder / "certificate.pem"
    there.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(there)
    return context


OFFERS = "250-mail.example\r\n250-STARTTLS\r\n250 AUTH PLAIN"


def test_starttls_comes_before_the_password(certified: ssl.SSLContext) -> None:
    """Nothing but EHLO and STARTTLS is said in clear; what came in clear behind the answer is not believed."""
    injected = "220 Ready\r\n250-evil.example\r\n250 AUTH LOGIN"
    for answer in ("220 Ready", injected):
        with server({"EHLO": OFFERS, "STARTTLS": answer}, certified) as there:
            assert send(adapter(there.port, host="localhost", security="starttls")).id
        assert [said.split()[0] for said in there.said if said != "."][:4] == ["ehlo", "STARTTLS", "ehlo", "AUTH"]


def test_tls_from_the_first_byte(certified: ssl.SSLContext) -> None:
    """Where the port wants TLS at once, that is what it gets."""
    with server({}, certified) as there:
        assert send(adapter(there.port, host="localhost", security="tls")).id
    assert "STARTTLS" not in there.said


@pytest.mark.parametrize(("host", "security", "script"), [
    ("127.0.0.1", "starttls", {}),
    ("127.0.0.1", "starttls", {"EHLO": OFFERS, "STARTTLS": "454 4.7.0 Not now"}),
    ("127.0.0.1", "starttls", {"EHLO": OFFERS, "STARTTLS": "220 Ready"}),
    ("127.0.0.1", "tls", {}),
], ids=["not offered", "refused", "no TLS behind it", "no TLS at all"])
def test_without_tls_no_password_leaves(host: str, security: str, script: dict[str, str]) -> None:
    """A server that cannot, will not or does not speak TLS learns neither the login nor the mail."""
    with server(script) as there, pytest.raises(PublishError) as caught:
        send(adapter(there.port, host=host, security=security))
    assert type(caught.value) in (Unauthorized, Unavailable, RateLimited)
    assert not any(said.startswith(("AUTH", "mail")) for said in there.said)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_of_nobody_is_not_believed(tmp_path: Path, security: str) -> None:
    """Signed by itself: no login, no mail, and nothing is in doubt."""
    with (server({"EHLO": OFFERS} if security == "starttls" else {}, _certificate(tmp_path)) as there,
          pytest.raises(Unavailable, match="TLS")):
        send(adapter(there.port, host="localhost", security=security))
    assert not any(said.startswith(("AUTH", "mail")) for said in there.said)


@pytest.mark.parametrize("fields", [
    {"host": "mail.example", "security": "none"}, {"security": "perhaps"}, {"port": "70000"}, {"port": "5x"},
    {"host": "mail.example/x"}, {"from_address": "club"}, {"from_address": "a@b.example\r\nBcc: c@d.example"},
    {"from_address": "grüße@club.example"}, {"list_address": "news@lists.example>, x"}, {"list_address": ","},
    {"list_address": ",".join(f"r{n}@club.example" for n in range(101))},
    {"unsubscribe_url": "http://club.example/leave"}, {"unsubscribe_url": "https://club.example/a b"},
    {"unsubscribe_url": "https://club.example/>\r\nBcc: a@b.example"}, {"reply_to": "club@club.example, b@c.example"},
], ids=lambda fields: " ".join(f"{name}={value!r:.30}" for name, value in fields.items()))
def test_settings_that_make_no_mail_are_refused_before_anything_leaves(fields: dict[str, str]) -> None:
    """A person is told which field is wrong; no address of a reader stands in it; nothing is connected to."""
    with server() as there, pytest.raises(Unauthorized) as caught:
        send(adapter(**{"port": str(there.port), **fields}))
    assert there.connections == 0
    assert "lists.example" not in caught.value.why


def test_a_hundred_readers_are_not_too_many() -> None:
    """The most that every server takes at once (RFC 5321, 4.5.3.1.8)."""
    with server() as there:
        send(adapter(there.port, list_address=",".join(f"r{n}@club.example" for n in range(100))))
    assert sum(said.startswith("rcpt") for said in there.said) == 100


# --- the mail ---------------------------------------------------------------------------------------------------------

def sent(what: Message, **fields: str) -> EmailMessage:
    """The mail as a program of others reads it."""
    with server() as there:
        send(adapter(there.port, **fields), what)
    mail = email.message_from_bytes(re.sub(r"(?m)^\.\.", ".", there.said[5]).encode(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def words(mail: EmailMessage, form: str) -> str:
    """The text in one of its forms, by lines as Python ends them."""
    piece = mail.get_body((form,))
    assert piece is not None
    said: str = piece.get_content()
    return said.replace("\r\n", "\n")


def words_of(mail: EmailMessage) -> str:
    """The plain text, without what stands below it on every mail."""
    return words(mail, "plain").partition("\n\n-- \n")[0]


def test_the_head_says_who_and_how_to_leave() -> None:
    """Every field of the head, as it is read."""
    mail = sent(message("mail", "Hi", title="Grüße", language="de"), from_name="Der „Club“", reply_to="us@club.example")

    assert {name: str(value) for name, value in mail.items() if name not in ("Date", "Content-Type")} == {
        "Message-ID": f"<{adapter().compose(Plain).parts[0].key}@club.example>",
        "List-Unsubscribe": "<https://club.example/leave>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "From": "Der „Club“ <club@club.example>", "To": "news@lists.example", "Reply-To": "us@club.example",
        "Subject": "Grüße", "Content-Language": "de", "MIME-Version": "1.0"}
    assert mail["Date"].datetime is not None


def test_the_body_has_both_forms_and_the_pictures_in_it() -> None:
    """text/plain first, then a page with its pictures by name and alt text; a document comes behind."""
    FILES["terms"] = b"%PDF-1.4 terms"
    FILES["two"] = drawn("two.png", 10, 10)
    document = picture("terms.pdf", blob="terms", alt="The terms", probe=None)
    mail = sent(message("mail", part("Look", picture(), picture("zwei ä.png", blob="two", alt=None), document,
                                     markdown="*Look*"), title="A kettle"))

    kinds = [piece.get_content_type() for piece in mail.walk()]
    assert kinds == ["multipart/mixed", "multipart/alternative", "text/plain", "multipart/related", "text/html",
                     "image/jpeg", "image/png", "application/pdf"]
    plain, page = words(mail, "plain"), words(mail, "html")
    assert plain == "Look\n\n[A kettle]\n\n[The terms]\n\n-- \nhttps://club.example/leave\n"
    id = str(mail["Message-ID"]).strip("<>")
    assert f'<img src="cid:0.{id}" alt="A kettle"' in page
    assert f'<img src="cid:1.{id}" alt=""' in page
    assert "<em>Look</em>" in page
    files = {str(piece.get_filename()): piece for piece in mail.walk() if piece.get_filename()}
    assert list(files) == ["kettle.jpg", "zwei--.png", "terms.pdf"]
    assert files["kettle.jpg"].get_payload(decode=True) == FILES[picture().blob]
    assert [piece["Content-ID"] for piece in files.values()] == [f"<0.{id}>", f"<1.{id}>", None]
    assert [piece["Content-Disposition"].content_disposition for piece in files.values()] == ["inline", "inline",
                                                                                             "attachment"]
    assert [piece["Content-Description"] for piece in files.values()] == ["A kettle", None, "The terms"]


def test_a_card_is_a_link_in_the_mail() -> None:
    """A link that would be a card elsewhere, and stands in no text, is not lost."""
    mail = sent(Plain.model_copy(update={"card": "https://club.example/M*A*S*H"}))
    assert 'href="https://club.example/M*A*S*H"' in words(mail, "html")
    mail = sent(Plain.model_copy(update={"card": "https://club.example/kettle?a=1&b=2"}))
    plain, page = words(mail, "plain"), words(mail, "html")
    assert "https://club.example/kettle?a=1&b=2" in plain
    assert 'href="https://club.example/kettle?a=1&amp;b=2"' in page


any_text = st.text(alphabet=st.characters(codec="utf-8"), max_size=300)


@settings(max_examples=150, deadline=None)
@given(title=any_text, text=any_text, alt=any_text, name=any_text)
def test_no_word_of_an_author_leaves_its_place(title: str, text: str, alt: str, name: str) -> None:
    """Whatever a post says, the mail has the same fields once each, in ASCII, in lines that every server takes."""
    from publishers._mail_text import Letterhead, mail

    FILES["dot"] = b"\x89PNG"
    image = picture("x.png", blob="dot", alt=alt, file=f"content/{name}.png", probe=None)
    plan = adapter().compose(message("mail", part(text, image), title=title)).parts[0]
    head = Letterhead("club@club.example", name.strip() and " ".join(name.split()) and None, None, None,
                      "https://club.example/leave")
    handles = {"dot": "data:image/png;base64,iVBORw=="}
    made = mail(plan, head, handles, "Sun, 22 Nov 2026 12:00:00 -0000")

    assert made == mail(plan, head, handles, "Sun, 22 Nov 2026 12:00:00 -0000")
    assert made.isascii()
    assert b"\n" not in made.replace(b"\r\n", b"")
    assert b"\r" not in made.replace(b"\r\n", b"")
    assert max(map(len, made.split(b"\r\n"))) <= 998
    read = email.message_from_bytes(made, policy=email.policy.default)
    assert sorted(read.keys()) == sorted(["Date", "Message-ID", "List-Unsubscribe", "List-Unsubscribe-Post", "From",
                                          "To", "Subject", "MIME-Version", "Content-Type"])
    assert [piece.get_content_type() for piece in read.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    assert not read.defects
    assert words(read, "plain").startswith(plan.request["text"])


@settings(max_examples=100, deadline=None)
@given(title=st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc", "Zl", "Zp", "Zs"]), min_size=1,
                     max_size=200))
def test_a_subject_is_read_as_it_was_written(title: str) -> None:
    """In whatever script, and however long."""
    from publishers._mail_text import Letterhead, mail

    plan = adapter().compose(message("mail", "Hi", title=title)).parts[0]
    head = Letterhead("club@club.example", None, None, None, "https://club.example/leave")
    read = email.message_from_bytes(mail(plan, head, {}, "Sun, 22 Nov 2026 12:00:00 -0000"),
                                    policy=email.policy.default)
    assert str(read["Subject"]) == title


@pytest.mark.parametrize("words", [
    "=?utf-8?q?a=0D=0AReply-To:_evil@a.example?=", "=?utf-8?b?YQ0KQmNjOiBldmlsQGEuZXhhbXBsZQ==?=",
    "Tea =?utf-8?q?=0A=0AAnother_body?= for two", "=?utf-8?q?tea?=", "=?us-ascii?q?=C3=A9?=  =?x?q?y?=",
    "é =?utf-8?q?x?=", "=?utf-8?q?" + "=41" * 60 + "?=", "=?" * 90, "=?utf-8?q?=00?=",
    "é" * 90 + " =?utf-8?q?=0D=0A?="])
def test_what_looks_like_an_encoded_word_is_letters(words: str) -> None:
    """Headers have a code of their own (RFC 2047): typed as a title or an alt text it is shown, and never read."""
    mail = sent(message("mail", part("Hi", picture(alt=words)), title=words))
    assert str(mail["Subject"]) == " ".join(words.split())
    described = [str(piece["Content-Description"]) for piece in mail.walk() if "Content-Description" in piece]
    assert described == [" ".join(words.split())]
    assert sorted(mail.keys()) == sorted(sent(message("mail", part("Hi", picture()), title="Tea")).keys())
    assert words_of(mail) == "Hi\n\n[" + words + "]"


def test_nothing_in_a_post_becomes_a_script() -> None:
    """HTML in the text, the title and the alt text is shown as it was typed."""
    evil = "<script>alert(1)</script><img src=x onerror=y>"
    mail = sent(message("mail", part(evil, picture(alt=f'" onload="{evil}')), title=evil))
    page = words(mail, "html")
    assert "<script" not in page
    assert re.findall(r"<img [^>]*>", page) == [
        f'<img src="cid:0.{str(mail["Message-ID"]).strip("<>")}" alt="&quot; onload=&quot;&lt;script&gt;alert(1)'
        '&lt;/script&gt;&lt;img src=x onerror=y&gt;" style="max-width:100%">']


def test_a_file_that_is_not_at_hand_stops_the_mail_before_it_begins() -> None:
    """Without its bytes there is no mail, and nobody is called."""
    plan = adapter().compose(message("mail", part("Hi", picture()), title="A"))
    with server() as there, pytest.raises(Unavailable):
        adapter(there.port).publish(plan, 0, Sent())
    assert there.connections == 0


# --- thinking ---------------------------------------------------------------------------------------------------------

def problems(what: Message) -> list[tuple[str, str]]:
    return [(one.code, one.severity) for one in adapter().check(what)]


def heavy(number: int, size: int) -> Any:
    return picture(f"{number}.png", blob="two", size=size, probe=None)


FILES["two"] = drawn("two.png", 10, 10)
EDGES = {
    "text": (message("mail", "x" * 100_000, title="A"), message("mail", "x" * 100_001, title="A")),
    "title": (message("mail", "x", title="y" * 200), message("mail", "x", title="y" * 201)),
    "no title": (message("mail", "x", title="y"), message("mail", "x", title=" ")),
    "nothing": (message("mail", "x", title="y"), message("mail", " ", title="y")),
    "image": (message("mail", part("x", heavy(1, 900_000)), title="y"),
              message("mail", part("x", heavy(1, 900_001)), title="y")),
    "alt": (message("mail", part("x", picture(alt="a" * 1000)), title="y"),
            message("mail", part("x", picture(alt="a" * 1001)), title="y")),
    "kind": (message("mail", part("x", picture("x.gif")), title="y"),
             message("mail", part("x", picture("x.webp")), title="y")),
    "images": (message("mail", part("x", *(picture(f"{n}.png", width=10, height=10 + n) for n in range(10))),
                       title="y"),
               message("mail", part("x", *(picture(f"{n}.png", width=10, height=10 + n) for n in range(11))),
                       title="y")),
    "video": (message("mail", "x", title="y"), message("mail", part("x", picture("x.mp4", blob="two")), title="y")),
    "all": (message("mail", part("x", *(heavy(n, 700_000).model_copy(update={"blob": f"b{n}"}) for n in range(10))),
                    title="y"),
            message("mail", part("x", *(heavy(n, 700_001).model_copy(update={"blob": f"b{n}"}) for n in range(10))),
                    title="y")),
}


@pytest.mark.parametrize("edge", EDGES)
def test_each_limit_once_inside_and_once_outside(edge: str) -> None:
    """Just within it no word is said; just beyond there is an error."""
    inside, outside = EDGES[edge]
    assert problems(inside) == []
    assert Severity.error in [severity for _, severity in problems(outside)]


def test_what_a_mail_has_not_is_a_warning() -> None:
    """A content warning is not sent, and the author is told."""
    assert problems(Plain.model_copy(update={"warning": "Steam"})) == [("SUP002", Severity.warning)]


def test_parts_and_comments_are_one_mail() -> None:
    """A thread and its first comment are read as one text, in order, each file once."""
    plan = adapter().compose(message("mail", part("One", picture()), part("Two", picture()),
                                     part("Three", kind="comment"), title="A"))
    assert len(plan.parts) == 1
    assert plan.parts[0].text == "One\n\nTwo\n\nThree"
    assert len(plan.parts[0].media) == 1


def test_a_hostile_text_is_one_mail_in_time() -> None:
    """64 kB of anything nests nothing and blows up nothing: every line is there."""
    for text in ("[" * 65_536, "." * 65_536, "<" * 65_536, "\n." * 32_768, "=\r\n" * 20_000, "a@" * 32_768):
        plan = adapter().compose(message("mail", text, title="A"))
        assert plan.parts[0].text.strip() == text.replace("\r\n", "\n").strip()


def test_an_id_is_understood_however_it_is_pasted() -> None:
    """With its brackets and without; anything else is refused with what one looks like."""
    id = "abcdefghijklmnopqrstuvwx@club.example"
    assert {Mail(Connection("@club")).receipt_of(said).id for said in (id, f"<{id}>", f" {id}\n")} == {id}
    for wrong in ("club@club.example", "https://x.com/a/status/1", "", f"https://club.example/#mail-{id}"):
        with pytest.raises(ValueError, match="Message-ID"):
            adapter().receipt_of(wrong)
