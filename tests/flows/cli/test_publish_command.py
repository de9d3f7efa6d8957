"""`drumbeat publish`: what is due now, in a process of its own, with rehearsal networks of its own or beside it."""
import base64
import hashlib
import signal
import threading
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

NOON = "2027-03-01 12:00"
NOON_AT = datetime(2027, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def club(content_folder):
    """Two posts due at noon, one an hour later."""
    folder = content_folder()
    folder.post("hello", "Hello!", at=NOON_AT)
    folder.post("other", "The other.", at=NOON_AT - timedelta(minutes=30))
    folder.post("later", "Later.", at=NOON_AT + timedelta(hours=1))
    folder.commit()
    return folder


def test_what_is_due_now(club, drumbeat, journal):
    """`publish --once --rehearse --now` sends what is due then and within grace, says where, and ends with 0."""
    done = drumbeat("publish", "--once", "--rehearse", "--now", NOON, "--json", cwd=club.home)

    assert done.code == 0, done.err
    assert [(outcome["slot"], outcome["state"], outcome["reason"]) for outcome in done.json["outcomes"]] == [
        ("posts/other@mastodon#1", "published", None), ("posts/hello@mastodon#1", "published", None)]
    assert all(outcome["url"].startswith("http://127.0.0.1:") for outcome in done.json["outcomes"])
    assert [post["text"] for post in journal(club.home)] == ["The other.", "Hello!"]


def test_again_there_is_nothing_due(club, drumbeat, journal):
    """The same command again finds its receipts and sends nothing."""
    drumbeat("publish", "--once", "--rehearse", "--now", NOON, cwd=club.home)

    done = drumbeat("publish", "--once", "--rehearse", "--now", NOON, cwd=club.home)

    assert (done.code, done.out) == (0, "")
    assert done.err.endswith("Nothing is due.\n")
    assert len(journal(club.home)) == 2


def test_one_slot_only(club, drumbeat, journal):
    """`--slot` sends that slot and no other."""
    done = drumbeat("publish", "--once", "--rehearse", "--now", NOON, "--slot", "posts/hello@mastodon#1", cwd=club.home)

    assert done.code == 0, done.err
    assert [post["text"] for post in journal(club.home)] == ["Hello!"]


def test_networks_that_run_already(club, drumbeat, start, free_port):
    """`--rehearse-at` sends to a `drumbeat rehearsal` that lives on when the publisher has ended."""
    running = start("rehearsal", "--port", str(free_port()), cwd=club.home)
    url = running.wait_for(r"^all: (http://\S+)")[1]

    done = drumbeat("publish", "--once", "--rehearse-at", url, "--now", NOON, cwd=club.home)

    assert done.code == 0, done.err
    posts = httpx.get(f"{url}/_rehearsal/posts").json()
    assert [(post["network"], post["text"], post["calls"]) for post in posts] == [
        ("mastodon", "The other.", 1), ("mastodon", "Hello!", 1)]
    assert running.end().code in (0, 130, -signal.SIGINT)


def test_two_processes_race(content_folder, networks, drumbeat):
    """Two publishers started together on one archive send each slot once between them."""
    folder, names = content_folder(), [f"post-{number}" for number in range(6)]
    for name in names:
        folder.post(name, f"This is {name}.", at=NOON_AT - timedelta(minutes=10), channels="mastodon, x, facebook")
    folder.commit()
    done = []

    def run() -> None:
        words = ("publish", "--once", "--rehearse-at", networks.url, "--now", NOON, "--json")
        done.append(drumbeat(*words, cwd=folder.home))

    publishers = [threading.Thread(target=run) for _ in range(2)]
    for publisher in publishers:
        publisher.start()
    for publisher in publishers:
        publisher.join()

    posts = httpx.get(f"{networks.url}/_rehearsal/posts").json()
    assert sorted((post["network"], post["text"], post["calls"]) for post in posts) == [
        (network, f"This is {name}.", 1) for network in ("facebook_page", "mastodon", "x") for name in names]
    published = [outcome["slot"] for one in done for outcome in one.json["outcomes"] if outcome["state"] == "published"]
    assert set(published) == {
        f"posts/{name}@{channel}#1" for name in names for channel in ("mastodon", "x", "facebook")}


def test_a_doubtful_outcome_asks_for_a_person(club, networks, drumbeat):
    """Exit code 5 says that somebody has to look; what was sent is not sent again."""
    httpx.put(f"{networks.url}/_rehearsal/faults", json=[{"fault": "hang up after effect"}]).raise_for_status()

    done = drumbeat("publish", "--once", "--rehearse-at", networks.url, "--now", NOON, "--json", cwd=club.home)
    again = drumbeat("publish", "--once", "--rehearse-at", networks.url, "--now", NOON, "--json", cwd=club.home)

    assert (done.code, again.code) == (5, 5)
    assert {one["slot"]: one["state"] for one in done.json["outcomes"]} == {
        "posts/other@mastodon#1": "unknown", "posts/hello@mastodon#1": "published"}
    assert [post["calls"] for post in httpx.get(f"{networks.url}/_rehearsal/posts").json()] == [1, 1]


def test_what_is_too_late_is_not_sent(club, drumbeat, journal):
    """Exit code 4 says that something was not published: three hours later both posts are missed."""
    done = drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-01 14:30", "--json", cwd=club.home)

    assert done.code == 4
    assert {one["slot"]: one["state"] for one in done.json["outcomes"]} == {
        "posts/other@mastodon#1": "missed", "posts/hello@mastodon#1": "missed", "posts/later@mastodon#1": "published"}
    assert [post["text"] for post in journal(club.home)] == ["Later."]


def test_a_signal_ends_a_shift(content_folder, networks, start):
    """SIGTERM ends a shift in good order: what is out is recorded, the exit code is 0."""
    folder = content_folder()
    folder.post("hello", "Hello!", at=datetime.now(UTC) - timedelta(minutes=2))
    folder.commit()
    running = start("publish", "--rehearse-at", networks.url, cwd=folder.home)
    running.wait_for(r"sent slot=posts/hello@mastodon#1")

    done = running.end(signal.SIGTERM, patience_s=10)

    assert done.code == 0, done.err
    assert "posts/hello@mastodon#1  published" in done.out


class Forgetful(BaseHTTPRequestHandler):
    """A store that speaks S3 and overwrites what it was asked to keep."""

    protocol_version = "HTTP/1.1"
    objects: dict[str, bytes]
    puts: list[str]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = urllib.parse.unquote(self.path.split("?")[0])
        self.objects[key] = body
        self.puts.append(key)
        self.answer(200, b"", {"x-amz-checksum-sha256": base64.b64encode(hashlib.sha256(body).digest()).decode()})

    def do_GET(self) -> None:
        key = urllib.parse.unquote(self.path.split("?")[0])
        if "list-type" in self.path:
            self.answer(200, b"<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>", {})
        else:
            self.answer(200, self.objects[key], {})

    def answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response_only(status)
        stamp = format_datetime(datetime.now(UTC), True)
        for name, value in {**headers, "Content-Length": str(len(body)), "Date": stamp, "Last-Modified": stamp}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def forgetful_store() -> Iterator[ThreadingHTTPServer]:
    handler = type("Handler", (Forgetful,), {"objects": {}, "puts": []})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("command", [("publish", "--once", "--rehearse", "--now", NOON), ("up", "--rehearse")])
def test_a_store_that_overwrites_is_refused(club, drumbeat, forgetful_store, s3, journal, free_port, command):
    """A store that ignores If-None-Match is found out at the start: exit 3, nothing sent."""
    environment = s3.environment() | {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{forgetful_store.server_port}"}
    words = (*command, "--port", str(free_port())) if command[0] == "up" else command

    done = drumbeat(*words, "--archive", "s3://bucket/club", cwd=club.home, env=environment)

    assert (done.code, done.out) == (3, "")
    assert "let a second writer replace v1/probe/" in done.err
    assert "If-None-Match" in done.err
    assert journal(club.home) == []
    assert not any("ledger" in key for key in forgetful_store.RequestHandlerClass.puts)


def test_a_rehearsal_never_stands_among_real_receipts(club, networks, drumbeat, tmp_path):
    """An archive holds real receipts or rehearsed ones: the other kind is refused."""
    archive = f"dir:{tmp_path / 'kept'}"
    drumbeat("publish", "--once", "--rehearse-at", networks.url, "--now", NOON, "--archive", archive, cwd=club.home)

    done = drumbeat("publish", "--once", "--archive", archive, cwd=club.home)

    assert done.code == 3
    assert done.err.splitlines()[-2:] == [f"error: {archive} holds rehearsal receipts; this would be real.",
                                          "  remedy: Name another archive with --archive."]


def test_only_what_is_committed_is_published(club, drumbeat, journal):
    """A change that lies in the folder and in no commit does not go out."""
    club.post("hello", "Not ready.", at=NOON_AT)
    club.post("draft", "Not committed.", at=NOON_AT)

    drumbeat("publish", "--once", "--rehearse", "--now", NOON, cwd=club.home)

    assert [post["text"] for post in journal(club.home)] == ["The other.", "Hello!"]


def test_files_missing_from_the_disk_do_not_matter(club, drumbeat, journal):
    """The commit decides, not the working tree: with every post deleted from the disk they go out all the same."""
    for file in (club.path / "posts").iterdir():
        file.unlink()

    done = drumbeat("publish", "--once", "--rehearse", "--now", NOON, cwd=club.home)

    assert done.code == 0, done.err
    assert [post["text"] for post in journal(club.home)] == ["The other.", "Hello!"]
