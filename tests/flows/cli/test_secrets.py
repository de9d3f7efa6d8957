"""Twenty planted tokens: after every fault and refusal, none of them is in any output, log, record or database."""
import json
import secrets
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

FIELDS = {"mastodon": ("ACCESS_TOKEN",), "facebook_page": ("PAGE_ACCESS_TOKEN",),
          "x": ("CONSUMER_KEY", "CONSUMER_SECRET", "ACCESS_TOKEN", "ACCESS_TOKEN_SECRET")}
HOW_MANY = {"mastodon": 5, "x": 3, "facebook_page": 3}
FAULTS = ("429", "401", "503", "500 before effect", "500 after effect", "hang up before", "hang up after effect",
          "truncate", "not JSON", "stall")

# A publisher with the real connections, each turned to a loopback address; everything that can log logs everything.
SHIFT = r"""
import logging, sys
from datetime import UTC, datetime
from pathlib import Path
from flows.cli.publishing import shift_of
from flows.cli.telling import hide, keep_a_log
from flows.connect import Connector
from flows.edges.clock import RealClock
from flows.edges.settings import Settings
from flows.edges.store import open_store

home, archive, url = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
keep_a_log()
logging.getLogger().setLevel(logging.DEBUG)
logging.getLogger("flows").setLevel(logging.DEBUG)
settings, clock = Settings(home / "content", home), RealClock()
real = Connector(settings, clock, open_store(archive), None, hide=hide).connect

def connect(channel):
    publisher = real(channel)
    connection = publisher.connection if hasattr(publisher, "connection") else publisher._connection
    return type(publisher)(connection._replace(address=f"{url}/{channel.network}", request_timeout_s=1.0))

shift = shift_of(settings, archive, clock, None, lambda told: print(told, flush=True))
shift.connect = connect
shift.run(datetime.now(UTC))
"""


@pytest.fixture
def planted() -> dict[str, str]:
    """Variables with a token each: twenty in all, and what is no secret beside them."""
    found = {}
    for network, number in HOW_MANY.items():
        for account in range(number):
            name = f"DRUMBEAT_{network.upper()}_{account}_"
            found |= {name + field: f"planted{secrets.token_hex(12)}+/={account}" for field in FIELDS[network]}
    assert len(found) == 20
    return found


@pytest.fixture
def club(content_folder):
    """One post with an image for eleven accounts, due by the real clock."""
    channels = "".join(f"  - {{id: {network.replace('_', '-')}-{account}, network: {network}, handle: mill{account}}}\n"
                       for network, number in HOW_MANY.items() for account in range(number))
    return content_folder(channels=f"stagger: 1m\nchannels:\n{channels}")


@pytest.fixture
def everything_said(club, planted, tmp_path):
    """Runs a publisher against an address; gives all it printed, logged and kept."""
    def run(url: str) -> bytes:
        loopback = {f"DRUMBEAT_MASTODON_{n}_BASE_URL": f"{url}/mastodon" for n in range(HOW_MANY["mastodon"])}
        pages = {f"DRUMBEAT_FACEBOOK_PAGE_{n}_PAGE_ID": f"10{n}" for n in range(HOW_MANY["facebook_page"])}
        words = [sys.executable, "-P", "-c", SHIFT, str(club.home), f"dir:{tmp_path / 'archive'}", url]
        done = subprocess.run(words, env=planted | loopback | pages | {"PATH": "/usr/bin:/bin"}, capture_output=True,
                              timeout=120, check=False)
        assert done.returncode == 0, done.stderr.decode()[-2000:]
        kept = b"".join(file.read_bytes() for file in (tmp_path / "archive").rglob("*") if file.is_file())
        assert b"DEBUG" in done.stderr
        return done.stdout + done.stderr + kept
    return run


def leaks(planted: dict[str, str], said: bytes) -> list[str]:
    """The variables whose value is in `said`, as it is or as it stands in an address."""
    text = said.decode("utf-8", "replace")
    return [name for name, token in planted.items()
            if any(form in text for form in (token, quote(token, safe=""), token[:20]))]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_tell_no_token(club, planted, everything_said, networks, picture, fault):
    """Whatever becomes of a call, no token is printed, logged at any level, or kept in the archive (threats, D2)."""
    club.write("media/left.png", picture(1))
    channels = ", ".join(f"{n.replace('_', '-')}-{a}" for n, many in HOW_MANY.items() for a in range(many))
    club.post("hello", "Hello!", at=datetime.now(UTC) - timedelta(minutes=30), channels=channels,
              more='media: [{file: left.png, alt: "The left half"}]\n')
    club.commit()
    script = [{"fault": fault, "network": network, "times": 20} for network in HOW_MANY]
    httpx.put(f"{networks.url}/_rehearsal/faults", json=script).raise_for_status()

    said = everything_said(networks.url)

    assert leaks(planted, said) == []
    assert said.count(b"posts/hello@") > 11


class Parrot(BaseHTTPRequestHandler):
    """A network that refuses everything, and quotes the whole request in its refusal."""

    status = 401

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin-1")
        words = f"{self.path} {dict(self.headers)} {body}"
        about = {"message": words, "code": 100, "error_user_msg": words} if "facebook" in self.path else words
        answer = json.dumps({"error": about, "detail": words, "errors": [{"message": words}]}).encode()
        self.send_response(self.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(params=[401, 403, 400, 500])
def parrot(request) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (Parrot,), {"status": request.param})) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_a_refusal_that_quotes_the_token_does_not_spread_it(club, planted, everything_said, parrot):
    """A network that repeats our request in its answer gets its words quoted, without the token in them."""
    channels = ", ".join(f"{n.replace('_', '-')}-{a}" for n, many in HOW_MANY.items() for a in range(many))
    club.post("hello", "Hello!", at=datetime.now(UTC) - timedelta(minutes=30), channels=channels)
    club.commit()

    said = everything_said(parrot)

    assert leaks(planted, said) == []
    assert sum(said.count(b"State." + state) for state in (b"failed", b"unknown", b"waiting")) >= 11


@pytest.mark.slow
def test_prefect_gets_no_token(club, planted, start, drumbeat, networks, prefect_server, free_port, tmp_path):
    """The whole service with real credentials leaves no token in Prefect's database, its logs, or ours (D1)."""
    mastodon = {name: token for name, token in planted.items() if "MASTODON" in name}
    loopback = {f"DRUMBEAT_MASTODON_{n}_BASE_URL": networks.address("mastodon") for n in range(5)}
    channels = ", ".join(f"mastodon-{n}" for n in range(5))
    begun = datetime.now(UTC)
    club.post("hello", "Hello!", at=begun - timedelta(minutes=30), channels=channels)
    club.commit()
    httpx.put(f"{networks.url}/_rehearsal/faults", json=[{"fault": "hang up after effect"}]).raise_for_status()

    done = drumbeat("up", "--until", f"{begun + timedelta(seconds=3):%Y-%m-%d %H:%M:%S}", "--port", str(free_port()),
                    cwd=club.home, env=mastodon | loopback | prefect_server.environment)

    tasks = prefect_server.task_runs("posts/hello@mastodon-_#1", 5)
    kept = b"".join(file.read_bytes() for place in (prefect_server.database.parent, club.home / ".drumbeat")
                    for file in place.rglob("*") if file.is_file())
    assert leaks(mastodon, kept + (done.out + done.err).encode()) == []
    assert done.code == 5, done.err
    assert {name for name, *_ in tasks} == {f"posts/hello@mastodon-{n}#1" for n in range(5)}
    assert sorted(state for _, _, state in tasks) == ["Published"] * 4 + ["Unknown"]
    assert [post["calls"] for post in networks_posts(networks)] == [1] * 5


def networks_posts(networks) -> list[dict]:
    made: list[dict] = httpx.get(f"{networks.url}/_rehearsal/posts").json()
    return made


def test_the_processes_of_prefect_are_given_no_credential(club, planted, start, free_port, children):
    """Tokens are in the environment of the publisher, and not in that of Prefect's server or of the follower."""
    club.post("hello", "Hello!", at=datetime(2027, 3, 1, 12, tzinfo=UTC), channels="mastodon-0")
    club.commit()
    running = start("up", "--rehearse", "--speed", "2000000", "--port", str(free_port()), cwd=club.home, env=planted)
    running.wait_for(r"published posts/hello@mastodon-0#1")
    told = {}
    for pid in children(running.process.pid):
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
        for module in (b"flows.edges.prefect_server", b"flows.publish"):
            if module in command:
                told[module] = leaks(planted, Path(f"/proc/{pid}/environ").read_bytes())
    running.end()

    assert told == {b"flows.edges.prefect_server": [], b"flows.publish": []}
