"""A mail server on loopback for one conversation, which gives its mail to the rehearsal network and says its answer.

So the fault script of the rehearsal, which strikes HTTP requests, strikes mails too. Replies as in RFC 5321 and 4954,
read 2026-11-22.
"""
import base64
import binascii
import re
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

import httpx

PATIENCE_S = 60.0
SIZE = 10_240_000                        # Postfix: message_size_limit, postconf(5), read 2026-11-22
_RECIPIENTS = 100
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>(.*)", re.IGNORECASE)
_SAID = {200: "250 2.0.0 Ok: queued as REHEARSAL", 401: "535 5.7.8 Error: authentication failed",
         429: "451 4.7.1 Too many mails from you, try again later", 503: "421 4.3.2 Service shutting down",
         413: "552 5.3.4 Error: message file too big", 422: "554 5.6.0 Message refused"}


def open_door(deliver: str, knows: Callable[[str], str | None]) -> int:
    """A port that takes one conversation. What is mailed goes by POST to `deliver`; `knows`: a password's account."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE_S)

    def wait() -> None:
        with listener:
            try:
                line, _ = listener.accept()
            except TimeoutError:         # whoever asked for the door did not come
                return
        with line, suppress(OSError):    # the other side left
            line.settimeout(PATIENCE_S)
            _Talk(line, deliver, knows).run()

    threading.Thread(target=wait, name="rehearsal-smtp", daemon=True).start()
    return int(listener.getsockname()[1])


class _Talk:
    def __init__(self, line: socket.socket, deliver: str, knows: Callable[[str], str | None]) -> None:
        self._line, self._deliver, self._knows = line, deliver, knows
        self._heard = line.makefile("rb")
        self._account: str | None = None
        self._sender: str | None = None
        self._recipients: list[str] = []

    def run(self) -> None:
        with self._heard:
            self._say("220 rehearsal.invalid ESMTP")
            while said := self._heard.readline(1000):
                verb, _, rest = said.decode("latin-1").strip().partition(" ")
                if verb.upper() == "QUIT":
                    self._say("221 2.0.0 Bye")
                    return
                if verb.upper() == "DATA":
                    if not self._data():
                        return
                else:
                    self._say(self._answer(verb.upper(), rest))

    def _answer(self, verb: str, rest: str) -> str:
        match verb:
            case "EHLO":
                return f"250-rehearsal.invalid\r\n250-SIZE {SIZE}\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"
            case "AUTH":
                return self._log_in(*rest.split(" "))
            case "RSET":
                self._sender, self._recipients = None, []
                return "250 2.0.0 Ok"
            case "NOOP":
                return "250 2.0.0 Ok"
            case "MAIL" | "RCPT" if self._account is None:
                return "530 5.7.0 Authentication required"
            case "MAIL" if match := _PATH.fullmatch(rest):
                size = re.search(r"\bsize=([0-9]{1,12})", match[2], re.IGNORECASE)
                if size and int(size[1]) > SIZE:
                    return "552 5.3.4 Message size exceeds fixed limit"
                self._sender = match[1]
                return "250 2.1.0 Ok"
            case "RCPT" if match := _PATH.fullmatch(rest):
                if self._sender is None:
                    return "503 5.5.1 Error: need MAIL command"
                if "@" not in match[1]:
                    return "504 5.5.2 Recipient address rejected: need fully-qualified address"
                if len(self._recipients) >= _RECIPIENTS:
                    return "452 4.5.3 Error: too many recipients"
                self._recipients.append(match[1])
                return "250 2.1.5 Ok"
            case "MAIL" | "RCPT":
                return "501 5.5.4 Syntax error"
        return "502 5.5.2 Error: command not recognized"

    def _log_in(self, how: str = "", given: str = "") -> str:
        try:
            if how.upper() == "PLAIN":
                words = base64.b64decode(given or self._asked(""), validate=True).split(b"\0")
                password = words[2] if len(words) == 3 else b""
            elif how.upper() == "LOGIN":
                if not given:
                    self._asked("Username:")
                password = base64.b64decode(self._asked("Password:"), validate=True)
            else:
                return "504 5.5.4 Unrecognized authentication type"
        except (binascii.Error, ValueError):
            return "501 5.5.2 Cannot decode response"
        self._account = self._knows(password.decode("utf-8", "replace"))
        return "235 2.7.0 Authentication successful" if self._account else _SAID[401]

    def _asked(self, question: str) -> str:
        self._say(f"334 {base64.b64encode(question.encode()).decode()}")
        return self._heard.readline(1000).decode("latin-1").strip()

    def _data(self) -> bool:
        """Takes one mail. False: the connection is over."""
        if not self._recipients:
            self._say("554 5.5.1 Error: no valid recipients")
            return True
        self._say("354 End data with <CR><LF>.<CR><LF>")
        mail, whole = bytearray(), False
        while row := self._heard.readline():
            if row == b".\r\n":
                whole = True
                break
            mail += row[1:] if row.startswith(b".") else row
        if not whole:                    # an unfinished mail is no mail
            return False
        try:
            answer = httpx.post(self._deliver, content=bytes(mail), trust_env=False, timeout=PATIENCE_S, headers={
                "Content-Type": "message/rfc822", "X-Account": (self._account or "").encode().hex()})
        except httpx.RemoteProtocolError as error:
            if "complete message body" in str(error):             # half an answer came
                self._line.sendall(b"25")
            return False
        except httpx.HTTPError:
            return False
        if answer.headers.get("content-type", "").startswith("text/html"):
            self._say(answer.text)
            return True
        self._sender, self._recipients = None, []
        self._say(_SAID.get(answer.status_code, "554 5.3.0 Error: transaction failed"))
        return True

    def _say(self, text: str) -> None:
        self._line.sendall(f"{text}\r\n".encode())
