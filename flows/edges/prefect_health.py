"""Prefect's server, seen from outside: does it answer, to whom, and is it of our version. Prefect is not imported.

Source: prefect 3.8.8, server/api/server.py (with an auth string everything but /health and /ready asks for it) and
server/api/admin.py (/version itself tells the version of the API, 0.8.4, not Prefect's).
"""
import base64
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from flows.edges.prefect_server import without_login
from schemas.finding import Finding

PORT = 4200
PATIENCE_S = 8.0
_LOCK = "Set PREFECT_SERVER_API_AUTH_STRING for the server and PREFECT_API_AUTH_STRING for whoever talks to it"
_EVERYWHERE = {"0" * 8, "0" * 32}
_LISTENING = "0A"


class Answer(NamedTuple):
    """The status of an answer (None: there was none, for the reason `said`), and what it said."""

    status: int | None
    said: str


def server(environment: Mapping[str, str], version: str | None, sockets: str) -> Iterator[Finding]:
    """How Prefect's server stands. `version` is of the Prefect that is installed here, None: none is; `sockets`: who
    listens on this machine (`listening`).
    """
    host = environment.get("PREFECT_SERVER_API_HOST", "")
    if host and not is_loopback(host) and not environment.get("PREFECT_SERVER_API_AUTH_STRING"):
        yield Finding("error", f"PREFECT_SERVER_API_HOST is {host}: a server started here serves everybody who reaches "
                      "this machine, without a login.", f"{_LOCK}, or take PREFECT_SERVER_API_HOST away.")
    named = environment.get("PREFECT_API_URL", "").rstrip("/")
    address = named or f"http://127.0.0.1:{PORT}/api"
    parts, shown = urlsplit(address), without_login(address)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        yield Finding("error", f"PREFECT_API_URL is {shown}, which is no address.", "Write http://127.0.0.1:4200/api.")
        return
    here = is_loopback(parts.hostname)
    is_open = here and is_everywhere(parts.port or (443 if parts.scheme == "https" else 80), sockets)
    if not named and not is_open:
        yield Finding("ok", "none is named: drumbeat up starts one for this machine alone")
        return
    health = ask(f"{shown}/health", {})
    if health.status != 200:
        yield Finding("error" if named else "skipped", f"Prefect at {shown} does not answer: {health.said}.",
                      "Start it, or mend PREFECT_API_URL. Posts go out without it, and nobody sees them there.")
        return
    anybody = ask(f"{shown}/admin/version", {})
    login = login_of(environment)
    if anybody.status == 200:
        yield from _open_to_all(shown, here, is_open, parts.scheme)
        known = anybody
    else:
        known = ask(f"{shown}/admin/version", login) if login else anybody
        if known.status in (401, 403):
            yield Finding("error", f"Prefect at {shown} asks for a login, and "
                          + ("refuses the one that is set." if login else "none is set."),
                          "Set PREFECT_API_AUTH_STRING to what the server has as PREFECT_SERVER_API_AUTH_STRING.")
            return
        if login and not here and parts.scheme == "http":
            yield Finding("warning", f"The login goes to {shown} in the clear.", "Put https in front of the server.")
    yield from _versions(known, version, shown)


def _open_to_all(shown: str, here: bool, is_open: bool, scheme: str) -> Iterator[Finding]:
    if here and is_open:
        yield Finding("error", f"Prefect ({shown}) listens on every address of this machine and asks for no login.",
                      f"{_LOCK}, or start it with --host 127.0.0.1.")
    elif not here and scheme == "http":
        yield Finding("error", f"Prefect at {shown} asks for no login: whoever reaches it can start and stop flows.",
                      f"{_LOCK}, and put https in front of it.")
    elif not here:
        yield Finding("warning", f"Prefect at {shown} answers without a login.",
                      f"{_LOCK}, unless something else keeps strangers out.")


def _versions(known: Answer, ours: str | None, shown: str) -> Iterator[Finding]:
    theirs = known.said.strip().strip('"')
    try:
        there, here = (tuple(int(part) for part in (one or "").split(".")[:2]) for one in (theirs, ours))
    except ValueError:
        yield Finding("advice", f"Prefect at {shown} answers, and tells no version that can be compared.",
                      "Nothing, if it is Prefect Cloud; else see that it is Prefect's server.")
        return
    if there == here:
        yield Finding("ok", f"{theirs} answers at {shown}")
    elif there < here:
        yield Finding("error", f"Prefect's server is {theirs}, older than the {ours} here: it may not know what it is "
                      "asked for.", f"Bring the server to {ours}.")
    else:
        yield Finding("warning", f"Prefect's server is {theirs}, and {ours} is installed here.",
                      "Bring both to the same version.")


def login_of(environment: Mapping[str, str]) -> dict[str, str]:
    """As Prefect's own client has it: the auth string goes before the key."""
    if said := environment.get("PREFECT_API_AUTH_STRING"):
        return {"Authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}
    key = environment.get("PREFECT_API_KEY")
    return {"Authorization": f"Bearer {key}"} if key else {}


def ask(url: str, headers: Mapping[str, str]) -> Answer:
    """What is said at `url`; never raises. Redirects are not followed: a login goes where it was meant to go."""
    import httpx

    try:
        answer = httpx.get(url, headers=dict(headers), timeout=PATIENCE_S, follow_redirects=False)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        return Answer(None, type(error).__name__)
    return Answer(answer.status_code, answer.text[:200] if answer.status_code == 200 else f"HTTP {answer.status_code}")


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def is_everywhere(port: int, sockets: str) -> bool:
    """Whether somebody listens on `port` of every address of this machine."""
    for line in sockets.splitlines():
        words = line.split()
        if len(words) > 3 and words[3] == _LISTENING:
            address, _, number = words[1].partition(":")
            if address in _EVERYWHERE and int(number, 16) == port:
                return True
    return False


def listening() -> str:
    """Who listens on this machine, as Linux tells it; "" elsewhere."""
    found = []
    for file in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        try:
            found.append(file.read_text())
        except OSError:
            continue                                              # no such protocol here
    return "".join(found)
