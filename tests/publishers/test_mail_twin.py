"""The double of a mail server speaks SMTP: tried with smtplib as it comes, without any code of ours."""
import smtplib
import socket
from collections.abc import Iterator
from datetime import UTC, datetime

import httpx
import pytest

from publishers.rehearsal._smtp_twin import SIZE
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.mail_twin import MailTwin

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
MAIL = ("From: a@b.example\r\nDate: Sun, 22 Nov 2026 12:00:00 +0000\r\nMessage-ID: <1@b.example>\r\nSubject: Hi\r\n\r\n"
        ".dots\r\n.\r\n")


@pytest.fixture
def running() -> Iterator[Rehearsal]:
    with Rehearsal([MailTwin(lambda: NOON)]) as made:
        yield made


def door(running: Rehearsal) -> int:
    return int(httpx.get(f"{running.address('mail')}/smtp").json()["port"])


@pytest.fixture
def line(running) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP("127.0.0.1", door(running), timeout=20) as made:
        made.ehlo()
        yield made


def texts(running: Rehearsal) -> list[tuple[str, str]]:
    return [(post.account, post.text) for post in running.twin("mail").posts]


@pytest.mark.parametrize("how", ["PLAIN", "LOGIN"])
def test_a_mail_is_taken_from_who_logged_in(running, line, how: str) -> None:
    """Either way of logging in; the account is the password's; a line that begins with a dot stays one."""
    line.user, line.password = "somebody", "rehearsal:@us"
    line.auth(how, getattr(line, f"auth_{how.lower()}"))
    line.sendmail("a@b.example", ["c@d.example", "e@f.example"], MAIL)

    assert texts(running) == [("@us", "Hi\n\n.dots\n.")]


def test_it_wants_a_login_and_an_order(running, line) -> None:
    """Each no has the number that RFC 5321 and 4954 give it; nothing is kept."""
    assert line.mail("a@b.example")[0] == 530
    with pytest.raises(smtplib.SMTPAuthenticationError):
        line.login("somebody", "expired")
    line.login("somebody", "rehearsal:@us")
    assert line.rcpt("c@d.example")[0] == 503
    assert line.mail("a@b.example", [f"size={SIZE + 1}"])[0] == 552
    assert line.mail("a@b.example", [f"size={SIZE}"])[0] == 250
    assert line.rcpt("nobody")[0] == 504
    assert line.docmd("DATA")[0] == 554
    for number in range(100):
        assert line.rcpt(f"r{number}@d.example")[0] == 250
    assert line.rcpt("r101@d.example")[0] == 452
    assert line.docmd("RSET")[0] == 250
    assert line.docmd("DATA")[0] == 554
    assert line.docmd("TURN")[0] == 502
    assert texts(running) == []


@pytest.mark.parametrize("mail", [
    MAIL.replace("Message-ID", "X-ID"), MAIL.replace("From", "X-From"), MAIL.replace("Date", "X-Date"),
    MAIL.replace("Hi", "x" * 999)], ids=["no id", "no sender", "no date", "a long line"])
def test_what_is_no_mail_is_refused(running, line, mail: str) -> None:
    """A field that every mail has is missing, or a line is longer than any may be (RFC 5322): 554, nothing kept."""
    line.login("somebody", "rehearsal:@us")
    with pytest.raises(smtplib.SMTPDataError) as caught:
        line.sendmail("a@b.example", ["c@d.example"], mail)
    assert caught.value.smtp_code == 554
    assert texts(running) == []


def test_a_mail_without_its_end_is_no_mail(running) -> None:
    """The connection breaks before the dot: the server drops what it has."""
    made = smtplib.SMTP("127.0.0.1", door(running), timeout=20)
    made.login("somebody", "rehearsal:@us")
    made.mail("a@b.example")
    made.rcpt("c@d.example")
    made.docmd("DATA")
    made.send(MAIL[:-3])
    assert made.sock is not None
    made.sock.shutdown(socket.SHUT_WR)
    assert made.sock.recv(10) == b""
    made.close()

    assert texts(running) == []
