"""One SMTP conversation that hands over one mail, ends at its deadline, and knows what became of the mail.

smtplib has a time-out for each read and each write, none for the whole: a server that drips a byte a second keeps such
a client for ever. Here every wait is cut to what is left. smtplib of Python 3.11; RFC 5321, read 2026-11-22: a server
takes a mail when it says so after the final dot, and drops one whose end it never saw (4.1.1.4, 4.2.5, 6.1).
"""
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from publishers._http import trust
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

_LARGEST_TALK = 256_000                  # bytes that a server may say in one conversation
_FAREWELL_S = 2.0                        # to wait for the answer to QUIT, when the mail is long handed over
_LOGIN = (530, 534, 535, 538)            # RFC 4954, section 6
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_HASTE = re.compile(rb"4\.7\.[0-9]{1,3}|4\.5\.3|too (many|fast)|\brate\b|quota|throttl", re.IGNORECASE)


class Door(NamedTuple):
    """A server, and who we are there. `security`: `starttls`, `tls`, or `none`, which only this machine may have."""

    host: str
    port: int
    security: str
    user: str
    password: str


class _Reader:
    """The server's lines, each within what is left of the conversation."""

    def __init__(self, line: socket.socket, ends: float) -> None:
        self._line, self._ends = line, ends
        self._buffer, self._heard = b"", 0

    def readline(self, most: int) -> bytes:
        while b"\n" not in self._buffer and len(self._buffer) < most:
            self._line.settimeout(_left_s(self._ends))
            data = self._line.recv(4096)
            self._heard += len(data)
            if not data or self._heard > _LARGEST_TALK:
                return b""
            self._buffer += data
        line, end, rest = self._buffer[:most].partition(b"\n")
        self._buffer = rest + self._buffer[most:]
        return line + end

    def close(self) -> None:
        self._buffer = b""


class _Talk(smtplib.SMTP):
    """smtplib's conversation, with one end. `connect` is told where."""

    def __init__(self, ends: float, connect_timeout_s: float, wrapped: bool) -> None:
        # the name in EHLO: an address literal tells nothing of this machine, and no look-up is made for it
        super().__init__(local_hostname="[127.0.0.1]")
        self._ends, self._connect_timeout_s, self._wrapped = ends, connect_timeout_s, wrapped

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # noqa: ARG002
        self._host = host                # what a certificate must be for; smtplib sets it in its constructor only
        line = socket.create_connection((host, port), min(self._connect_timeout_s, _left_s(self._ends)))
        if not self._wrapped:
            return line
        try:
            line.settimeout(min(self._connect_timeout_s, _left_s(self._ends)))
            return trust().wrap_socket(line, server_hostname=host)
        except BaseException:
            line.close()
            raise

    def send(self, s: "Buffer | str") -> None:
        rest = memoryview(s.encode("ascii") if isinstance(s, str) else s)
        if self.sock is None:
            raise smtplib.SMTPServerDisconnected
        while rest:
            self.sock.settimeout(_left_s(self._ends))
            rest = rest[self.sock.send(rest):]

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None and self.sock is not None:
            self.file = _Reader(self.sock, self._ends)
        return super().getreply()

    def starttls(self, *_: object, **__: object) -> tuple[int, bytes]:
        """As smtplib's; what came in clear behind the server's answer is thrown away with the old reader."""
        if self.sock is not None:
            self.sock.settimeout(_left_s(self._ends))
        return super().starttls(context=trust())

    def until(self, ends: float) -> None:
        self._ends = min(self._ends, ends)
        if self.file is not None:
            self.file._ends = self._ends


class _Over(Exception):
    """The conversation is over, and this is what it came to."""

    def __init__(self, error: PublishError) -> None:
        super().__init__()
        self.error = error


def hand_over(door: Door, sender: str, recipients: Sequence[str], mail: bytes, *, connect_timeout_s: float,
              total_s: float) -> None:
    """The server took the mail for all of `recipients`, once. `mail` ends its lines with CR LF.

    Raises a PublishError; Unconfirmed only when the final dot may have left. No message holds an address.
    """
    talk = _Conversation(door, connect_timeout_s, total_s)
    talk.run(lambda: talk.hand_over(sender, recipients, mail))


def knock(door: Door, *, connect_timeout_s: float, total_s: float) -> tuple[str, ...]:
    """What the server offers, after a login. Raises a PublishError, never Unconfirmed."""
    talk = _Conversation(door, connect_timeout_s, total_s)
    talk.run(talk.enter)
    return tuple(sorted(talk.offers))


class _Conversation:
    def __init__(self, door: Door, connect_timeout_s: float, total_s: float) -> None:
        self._door, self._total_s = door, total_s
        self._ends = time.monotonic() + total_s
        self._dot_left = False
        self._talk = _Talk(self._ends, connect_timeout_s, door.security == "tls")
        self.offers: frozenset[str] = frozenset()

    def run(self, act: Callable[[], None]) -> None:
        """Does `act`, says goodbye, and closes the connection whatever happens."""
        try:
            act()
            with suppress(OSError, smtplib.SMTPException):       # the mail is taken; this is politeness
                self._talk.until(time.monotonic() + _FAREWELL_S)
                self._talk.docmd("QUIT")
            return
        except _Over as over:
            error = over.error
        except (OSError, smtplib.SMTPException, ValueError) as caught:     # SMTPException is an OSError, mostly
            error = self._lost(self._what(caught))
        finally:
            self._talk.close()
        raise error                      # out here, where no chain of causes comes along: those may quote a login

    def enter(self) -> None:
        """Connected, by TLS, logged in."""
        door, talk = self._door, self._talk
        if door.security not in ("starttls", "tls") and door.host not in _LOOPBACK:
            raise _Over(Unauthorized("security must be starttls or tls, but for a server on this machine; nothing was "
                                     "sent"))
        self._expect(talk.connect(door.host, door.port), 220, "our call", Unauthorized)
        self._expect(talk.ehlo(), 250, "EHLO", Unauthorized)
        if door.security == "starttls":
            if not talk.has_extn("starttls"):
                raise _Over(Unauthorized("the server offers no STARTTLS, so that no password was sent; is the port "
                                         "right? 587 has it, 465 wants security tls"))
            try:
                talk.starttls()
            except smtplib.SMTPResponseException as error:
                self._expect((error.smtp_code, b""), 220, "STARTTLS", Unauthorized)
            self._expect(talk.ehlo(), 250, "EHLO", Unauthorized)
        self.offers = frozenset(talk.esmtp_features)
        if talk.has_extn("auth"):
            self._log_in()
        elif door.host not in _LOOPBACK:
            raise _Over(Unauthorized("the server offers no login here; is this its port for submission (587 or 465)?"))

    def hand_over(self, sender: str, recipients: Sequence[str], mail: bytes) -> None:
        self.enter()
        talk = self._talk
        size = [f"size={len(mail)}"] if talk.has_extn("size") else []
        code, said = talk.mail(sender, size)
        # 552 is about the mail, which is too large; any other no about who may send as whom
        self._expect((code, said), 250, "the sender" if code == 552 else "from_address: see that this login may send "
                     "with it", Rejected if code == 552 else Unauthorized)
        refused, worst = 0, (250, b"")
        for recipient in recipients:
            code, said = talk.rcpt(recipient)
            if code not in (250, 251, 252):
                refused, worst = refused + 1, max(worst, (code, said), key=lambda one: one[0])
        if refused:
            with suppress(OSError, smtplib.SMTPException):       # nothing was handed over, with or without its answer
                talk.docmd("RSET")
            self._expect(worst, 250, f"{refused} of {len(recipients)} recipients")
        self._expect(talk.docmd("DATA"), 354, "DATA")
        try:
            talk.send(_dotted(mail))
        except OSError:                  # a server that has had enough may say why before it hangs up
            self._expect(talk.getreply(), 354, "the mail")
            raise
        self._dot_left = True
        talk.send(b".\r\n")
        self._expect(talk.getreply(), 250, "the mail")

    def _log_in(self) -> None:
        try:
            self._talk.login(self._door.user, self._door.password)
        except smtplib.SMTPAuthenticationError as error:
            code, said = error.smtp_code, error.smtp_error
        except (smtplib.SMTPServerDisconnected, smtplib.SMTPResponseException):
            raise
        except smtplib.SMTPException:
            raise _Over(Unauthorized("the server offers no way to log in that we know (PLAIN, LOGIN, CRAM-MD5)"
                                     )) from None
        except UnicodeEncodeError:
            raise _Over(Unauthorized("user and password must be plain letters, digits and signs (ASCII)")) from None
        else:
            return
        if 500 <= code < 600:
            raise _Over(Unauthorized(f"the server answered {code} to the login", dead=True))
        self._expect((code, said if isinstance(said, bytes) else b""), 235, "the login")

    def _expect(self, reply: tuple[int, bytes], wanted: int, what: str,
                no: type[PublishError] = Rejected) -> None:
        """Goes on when the server said `wanted`, or ends with what its answer means; `no`: what its 5yz is."""
        code, said = reply
        if code == wanted:
            return
        why = f"the server answered {code} to {what}"
        if self._dot_left and 200 <= code < 300:
            return                       # any 2yz after the dot: it took the mail (RFC 5321, 4.2.1)
        if code in _LOGIN:
            raise _Over(Unauthorized(why, dead=code == 535))
        if 400 <= code < 500:
            raise _Over(RateLimited(why) if _HASTE.search(said) else Unavailable(why))
        if 500 <= code < 600:
            raise _Over(no(why))
        raise _Over(self._lost(f"the server's answer to {what} was no SMTP" if code < 200 else why))

    def _lost(self, why: str) -> PublishError:
        if self._dot_left:
            return Unconfirmed(f"{why}; the mail may have been taken")
        return Unavailable(f"{why}; the mail was not handed over")

    def _what(self, error: Exception) -> str:
        if time.monotonic() >= self._ends:
            return f"no complete answer within {self._total_s:g} s"
        match error:
            case TimeoutError():
                return "no connection in time"
            case ssl.SSLError():
                return "no TLS that can be trusted (certificate, or the port speaks none)"
            case socket.gaierror():
                return "the server's name is not known"
            case ConnectionRefusedError():
                return "the server does not listen on that port"
            case smtplib.SMTPResponseException():
                return "the server said more than SMTP allows"
            case UnicodeError():
                return "an address or a name is not plain ASCII"
        return "the connection broke"


def _left_s(ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _dotted(mail: bytes) -> bytes:
    """The mail as DATA wants it: a dot more before each line that begins with one (RFC 5321, 4.5.2)."""
    text = re.sub(rb"(?m)^\.", b"..", mail)
    return text if text.endswith(b"\r\n") else text + b"\r\n"
