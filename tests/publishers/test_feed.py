"""What only feeds have: the three files as other programs read them, entries written once, and what a store may say."""
import json
import os
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as Xml

import boto3
import httpx
import pytest
from contract_case import FILES, film, message, part, picture
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from publishers._feed_bucket import Bucket
from publishers._feed_entries import Entry, Kept, listed, writable
from publishers._feed_files import NEWEST, About, files
from publishers.base import DRAFT, Connection, Outgoing, Sent
from publishers.feed import Feed
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.feed_twin import FeedTwin
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BASE = "https://club.example/feeds/"
ATOM, CONTENT = "{http://www.w3.org/2005/Atom}", "{http://purl.org/rss/1.0/modules/content/}"
RFC_3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
Plain = message("feed", "A kettle is mended.", title="A kettle", link="https://club.example/kettle?utm_source=feed")
SHORT_S = 0.4
OURS = {name: SecretStr("rehearsal:@us") for name in ("destination", "site_url", "self_url", "title")}


class Shelf(NamedTuple):
    """Where a feed lies, and how to look at what is there without our own code."""

    destination: str
    read: Callable[[str], bytes | None]
    names: Callable[[], list[str]]
    drop: Callable[[str], None]
    write: Callable[[str, bytes], None]


@pytest.fixture(scope="session")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(params=["dir", "s3"])
def shelf(request: Any, tmp_path: Path, monkeypatch: Any) -> Shelf:
    if request.param == "dir":
        root = tmp_path / "feeds"

        def written(name: str, body: bytes) -> None:
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_bytes(body)

        return Shelf(f"dir:{root}", lambda name: (root / name).read_bytes() if (root / name).exists() else None,
                     lambda: sorted(str(one.relative_to(root)) for one in root.rglob("*") if one.is_file()),
                     lambda name: (root / name).unlink(), written)
    url = request.getfixturevalue("moto")
    for name, value in {"AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
                        "AWS_REGION": "us-east-1", "AWS_CONFIG_FILE": os.devnull}.items():
        monkeypatch.setenv(name, value)
    client, bucket = boto3.Session(region_name="us-east-1").client("s3"), f"feed-{os.urandom(8).hex()}"
    client.create_bucket(Bucket=bucket)

    def read(name: str) -> bytes | None:
        try:
            data: bytes = client.get_object(Bucket=bucket, Key=f"club/news/{name}")["Body"].read()
        except client.exceptions.NoSuchKey:
            return None
        return data

    return Shelf(f"s3://{bucket}/club/news/", read,
                 lambda: [one["Key"].removeprefix("club/news/")
                          for one in client.list_objects_v2(Bucket=bucket).get("Contents", [])],
                 lambda name: client.delete_object(Bucket=bucket, Key=f"club/news/{name}"),
                 lambda name, body: client.put_object(Bucket=bucket, Key=f"club/news/{name}", Body=body))


def adapter(shelf: Shelf, seconds: float = 20.0, **fields: str) -> Feed:
    given = {"destination": shelf.destination, "site_url": "https://club.example/", "self_url": f"{BASE}rss.xml",
             "title": "Club & news <1>", "author": "Wren", "language": "en", **fields}
    return Feed(Connection("@club", {name: SecretStr(value) for name, value in given.items() if value},
                           connect_timeout_s=SHORT_S, request_timeout_s=seconds))


def rehearsed(running: Rehearsal) -> Feed:
    return Feed(Connection("@us", OURS, running.address("feed")))


def readied(publisher: Feed, plan: Outgoing) -> Sent:
    handles = publisher.prepare(plan, 0, FILES.__getitem__)
    return Sent(handles={**handles, DRAFT: publisher.draft(plan, 0, Sent(handles=handles))})


def send(publisher: Feed, what: Message) -> PartReceipt:
    plan = publisher.compose(what)
    return publisher.publish(plan, 0, readied(publisher, plan))


def numbered(number: int) -> Message:
    return Plain.model_copy(update={"slot": Plain.slot._replace(post=f"posts/n-{number}"), "title": f"No {number}"})


# --- the files, as others read them -----------------------------------------------------------------------------------

def judge_rss(data: bytes, most: int = NEWEST) -> list[Xml.Element]:
    """What the RSS 2.0 specification demands; the items."""
    root = Xml.fromstring(data)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    for name in ("title", "link", "description"):
        assert channel.findtext(name)
    assert channel.find(f"{ATOM}link").get("rel") == "self"  # type: ignore[union-attr]
    items = channel.findall("item")
    assert len(items) <= most
    for item in items:
        assert item.findtext("title") or item.findtext("description")
        assert item.find("guid").get("isPermaLink") == "false"  # type: ignore[union-attr]
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT",
                            item.findtext("pubDate") or "")
        assert len(item.findall("enclosure")) <= 1
        for enclosure in item.findall("enclosure"):
            assert set(enclosure.attrib) == {"url", "length", "type"}
            assert int(enclosure.attrib["length"]) > 0
    ids = [item.findtext("guid") for item in items]
    assert len(set(ids)) == len(ids)
    return items


def judge_atom(data: bytes) -> list[Xml.Element]:
    """What RFC 4287 demands; the entries."""
    root = Xml.fromstring(data)
    assert root.tag == f"{ATOM}feed"
    for name in ("id", "title", "updated"):
        assert len(root.findall(f"{ATOM}{name}")) == 1
        assert root.findtext(f"{ATOM}{name}")
    assert root.findtext(f"{ATOM}author/{ATOM}name")
    assert {link.get("rel") for link in root.findall(f"{ATOM}link")} == {"self", "alternate"}
    entries = root.findall(f"{ATOM}entry")
    for entry in entries:
        for name in ("id", "title", "updated", "content"):
            assert len(entry.findall(f"{ATOM}{name}")) == 1
        assert re.match(r"[a-z]+:", entry.findtext(f"{ATOM}id") or "")
        assert RFC_3339.fullmatch(entry.findtext(f"{ATOM}updated") or "")
        assert len(entry.findall(f"{ATOM}link[@rel='alternate']")) <= 1
    assert RFC_3339.fullmatch(root.findtext(f"{ATOM}updated") or "")
    if entries:
        assert root.findtext(f"{ATOM}updated") == max(entry.findtext(f"{ATOM}updated") or "" for entry in entries)
    ids = [entry.findtext(f"{ATOM}id") for entry in entries]
    assert len(set(ids)) == len(ids)
    return entries


def judge_json(data: bytes) -> list[dict[str, Any]]:
    """What JSON Feed 1.1 demands; the items."""
    feed = json.loads(data)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    items: list[dict[str, Any]] = feed["items"]
    for item in items:
        assert isinstance(item["id"], str)
        assert item["content_html"] or item["content_text"]
        assert RFC_3339.fullmatch(item["date_published"])
        for attachment in item.get("attachments", ()):
            assert attachment["url"].startswith("https://")
            assert "/" in attachment["mime_type"]
        titles = [one["title"] for one in item.get("attachments", ()) if "title" in one]
        assert len(set(titles)) == len(titles)
    assert len({item["id"] for item in items}) == len(items)
    return items


def judged(shelf: Shelf) -> tuple[list[Xml.Element], list[Xml.Element], list[dict[str, Any]]]:
    rss, atom, made = (shelf.read(name) for name in ("rss.xml", "atom.xml", "feed.json"))
    assert rss is not None
    assert atom is not None
    assert made is not None
    return judge_rss(rss), judge_atom(atom), judge_json(made)


def test_an_item_is_read_whole_from_all_three(shelf) -> None:
    """Title, words, link, tags, pictures with their alt text, author and date are in each form, as they were."""
    what = message("feed", part("A <b> & a kettle.\n#mill", picture(), film(), markdown="A \\<b> & *a kettle*."),
                   title="Kettle & co", link="https://club.example/kettle?a=1&b=2", hashtags=("mill", "tea"),
                   language="de")
    receipt = send(adapter(shelf), what)

    (item,), (entry,), (one,) = judged(shelf)
    date = datetime.fromisoformat(one["date_published"])
    id = f"tag:club.example,{date:%Y-%m-%d}:{receipt.id}"
    assert item.findtext("guid") == entry.findtext(f"{ATOM}id") == one["id"] == id
    assert item.findtext("title") == entry.findtext(f"{ATOM}title") == one["title"] == "Kettle & co"
    link = entry.find(f"{ATOM}link[@rel='alternate']")
    assert link is not None
    assert item.findtext("link") == link.get("href") == one["url"] == "https://club.example/kettle?a=1&b=2"
    assert one["content_text"] == "A <b> & a kettle.\n#mill"
    assert item.findtext("description") == "A &lt;b&gt; &amp; a kettle.<br/>\n#mill"
    shown = one["content_html"]
    assert item.findtext(f"{CONTENT}encoded") == entry.findtext(f"{ATOM}content") == shown
    images = [name for name in shelf.names() if name.startswith("media/") and name.endswith(".jpg")]
    assert shown == ('<p>A &lt;b&gt; &amp; <em>a kettle</em>.</p>\n'
                     f'<p><img src="{BASE}{images[0]}" alt="A kettle"/></p>\n'
                     f'<p><video src="{one["attachments"][1]["url"]}" controls="controls"></video></p>')
    assert [tag.text for tag in item.findall("category")] == one["tags"] == ["mill", "tea"]
    assert [tag.get("term") for tag in entry.findall(f"{ATOM}category")] == ["mill", "tea"]
    size = len(FILES[picture().blob])
    assert item.find("enclosure").attrib == {  # type: ignore[union-attr]
        "url": BASE + images[0], "length": str(size), "type": "image/jpeg"}
    assert one["attachments"][0] == {"url": BASE + images[0], "mime_type": "image/jpeg", "title": "A kettle",
                                     "size_in_bytes": size}
    assert [found.get("title") for found in entry.findall(f"{ATOM}link[@rel='enclosure']")] == ["A kettle",
                                                                                             "A kettle boils"]
    assert shelf.read(images[0]) == FILES[picture().blob]
    assert one["language"] == entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"


def test_the_newest_fifty_in_order(shelf) -> None:
    """Fifty-three items: the last fifty are shown, newest first, and the entries of all stay."""
    publisher = adapter(shelf)
    at = NOON
    for number in range(53):
        plan = publisher.compose(numbered(number))
        at += timedelta(minutes=1)
        entry = Entry(key=plan.parts[0].key, id=f"tag:club.example,2026-11-22:{plan.parts[0].key}", date=at,
                      **plan.parts[0].request)
        if number < 52:
            shelf.write(f"entries/{entry.key}.json", entry.written())
    publisher.publish(plan, 0, Sent(handles={DRAFT: at.isoformat()}))

    items, entries, ones = judged(shelf)
    wanted = [f"No {number}" for number in range(52, 2, -1)]
    assert [item.findtext("title") for item in items] == wanted
    assert [entry.findtext(f"{ATOM}title") for entry in entries] == wanted
    assert [one["title"] for one in ones] == wanted
    assert len([name for name in shelf.names() if name.startswith("entries/")]) == 53


def test_the_same_entries_make_the_same_bytes(shelf) -> None:
    """The files that were lost, or spoilt, come back byte for byte when somebody looks."""
    publisher = adapter(shelf)
    for number in range(3):
        send(publisher, numbered(number))
    before = {name: shelf.read(name) for name in ("rss.xml", "atom.xml", "feed.json")}
    shelf.drop("atom.xml")
    shelf.write("rss.xml", b"spoilt")

    plan = publisher.compose(numbered(1))
    assert len(publisher.find(plan, 0, NOON, Sent()).matches) == 1

    assert {name: shelf.read(name) for name in before} == before


def test_a_feed_that_could_not_be_made_is_made_by_looking(shelf) -> None:
    """An entry without its feed files (a publisher died between) is found, and by then readers see it."""
    publisher = adapter(shelf)
    plan = publisher.compose(Plain)
    sent = readied(publisher, plan)
    publisher.publish(plan, 0, sent)
    for name in ("rss.xml", "atom.xml", "feed.json"):
        shelf.drop(name)

    found = publisher.find(plan, 0, NOON, sent)

    assert [match.id for match in found.matches] == [plan.parts[0].key]
    assert all(len(one) == 1 for one in judged(shelf))


def test_publishing_again_changes_nothing(shelf) -> None:
    """The same key, the same bytes: the first item, once, also when another date was drafted meanwhile."""
    publisher = adapter(shelf)
    plan = publisher.compose(Plain)
    first = publisher.publish(plan, 0, Sent(handles={DRAFT: "2026-11-22T12:00:00Z"}))
    before = {name: shelf.read(name) for name in shelf.names()}

    again = publisher.publish(plan, 0, Sent(handles={DRAFT: "2026-11-22T12:00:00Z"}))
    later = publisher.publish(plan, 0, Sent(handles={DRAFT: "2026-11-23T12:00:00Z"}))

    assert first == again == later
    assert {name: shelf.read(name) for name in shelf.names()} == before


def test_an_entry_that_says_something_else_stays_as_it_is(shelf) -> None:
    """Under our key, but not our words: refused for certain, not touched, and not taken for ours."""
    publisher = adapter(shelf)
    plan = publisher.compose(Plain)
    send(publisher, Plain.model_copy(update={"title": "Another"}))
    before = {name: shelf.read(name) for name in shelf.names()}

    with pytest.raises(Rejected):
        publisher.publish(plan, 0, Sent(handles={DRAFT: "2026-11-22T12:00:00Z"}))

    assert publisher.find(plan, 0, NOON, Sent()) == ((), True)
    assert {name: shelf.read(name) for name in shelf.names()} == before


@pytest.mark.parametrize("held", [b"", b"{}", b"null", b"\xff\xfe", b"[" * 50_000, b'{"v":1}'])
def test_what_is_no_entry_is_passed_over(shelf, held: bytes) -> None:
    """Something else under our key is no item; and in the folder of entries it spoils no feed."""
    publisher = adapter(shelf)
    plan = publisher.compose(Plain)
    shelf.write(f"entries/{plan.parts[0].key}.json", held)

    with pytest.raises(Rejected):
        publisher.publish(plan, 0, Sent(handles={DRAFT: "2026-11-22T12:00:00Z"}))
    send(publisher, numbered(1))

    items, _, _ = judged(shelf)
    assert [item.findtext("title") for item in items] == ["No 1"]


def test_what_was_taken_back_is_gone_for_good(shelf) -> None:
    """Out of all three feeds at once, and not a word of it left; others stay; publishing it again is refused."""
    publisher = adapter(shelf)
    receipts = [send(publisher, numbered(number)) for number in range(2)]
    publisher.withdraw(receipts[0])
    publisher.withdraw(receipts[0])

    assert [one["title"] for one in judged(shelf)[2]] == ["No 1"]
    assert not any(b"No 0" in (shelf.read(name) or b"") for name in shelf.names())
    plan = publisher.compose(numbered(0))
    assert publisher.find(plan, 0, NOON, Sent()) == ((), True)
    with pytest.raises(Rejected, match="taken back"):
        send(publisher, numbered(0))
    publisher.withdraw(receipts[1])
    assert all(one == [] for one in judged(shelf))


def test_withdrawing_what_was_never_there_leaves_nothing(shelf) -> None:
    """It counts as gone; and a later item of that name is not hidden by it."""
    publisher = adapter(shelf)
    publisher.withdraw(PartReceipt(id=publisher.compose(Plain).parts[0].key))
    assert shelf.names() == []
    with pytest.raises(Rejected):
        publisher.withdraw(PartReceipt(id="../../etc/passwd"))


def test_many_at_once_lose_nobody(tmp_path: Path) -> None:
    """Six publishers at the same moment: whoever writes last has seen all of them."""
    root = tmp_path / "feeds"
    here = Shelf(f"dir:{root}", lambda name: (root / name).read_bytes(), *[None] * 3)  # type: ignore[arg-type]
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(lambda number: send(adapter(here), numbered(number)), range(6)))

    items, entries, ones = judged(here)
    assert sorted(item.findtext("title") or "" for item in items) == [f"No {number}" for number in range(6)]
    assert len(entries) == len(ones) == 6


def test_many_at_once_in_one_bucket_lose_nobody() -> None:
    """The same in a bucket. (Moto answers 500 to who reads an object while another writes it, so here the double.)"""
    with Rehearsal([FeedTwin(lambda: NOON)]) as running:
        with ThreadPoolExecutor(6) as pool:
            list(pool.map(lambda number: send(rehearsed(running), numbered(number)), range(6)))
        shown = {name: httpx.get(f"{running.address('feed')}/files/{name}").content
                 for name in ("rss.xml", "atom.xml", "feed.json")}

    wanted = [f"No {number}" for number in range(6)]
    assert sorted(item.findtext("title") or "" for item in judge_rss(shown["rss.xml"])) == wanted
    assert sorted(one.findtext(f"{ATOM}title") or "" for one in judge_atom(shown["atom.xml"])) == wanted
    assert sorted(item["title"] for item in json.loads(shown["feed.json"])["items"]) == wanted


def test_a_withdrawal_that_broke_off_is_finished_by_the_next(shelf) -> None:
    """Marked, and then nothing: looking shows the feeds without it, publishing is refused, and taking back goes on."""
    publisher = adapter(shelf)
    receipt = send(publisher, Plain)
    shelf.write(f"entries/{receipt.id}.gone", b"taken back\n")

    assert publisher.find(publisher.compose(Plain), 0, NOON, Sent()) == ((), True)
    assert all(one == [] for one in judged(shelf))
    with pytest.raises(Rejected, match="taken back"):
        send(publisher, Plain)
    publisher.withdraw(receipt)
    assert not any(b"kettle" in (shelf.read(name) or b"") for name in shelf.names())


def test_another_address_for_pictures(shelf) -> None:
    """`base_url` moves the pictures, and the feeds' own addresses stay."""
    send(adapter(shelf, base_url="https://cdn.example/x/"), message("feed", part("Hi", picture())))
    _, _, (one,) = judged(shelf)
    assert one["attachments"][0]["url"].startswith("https://cdn.example/x/media/")
    assert json.loads(shelf.read("feed.json") or b"")["feed_url"] == f"{BASE}feed.json"


def test_verifying_writes_nothing(shelf) -> None:
    """It says where the feed lies, and that there is none yet; nothing is left behind."""
    publisher = adapter(shelf)
    verified = publisher.verify()
    assert verified.account_id == publisher.account_id() == shelf.destination.rstrip("/")
    assert verified.warnings
    assert shelf.names() == []
    send(publisher, Plain)
    assert publisher.verify().warnings == ()


def test_its_own_addresses_are_understood(shelf) -> None:
    """The address of an item in the feed, its id there, the address of its entry, and the bare key."""
    publisher = adapter(shelf)
    receipt = send(publisher, Plain)
    _, _, (one,) = judged(shelf)
    known = [receipt.id, receipt.url or "", one["id"], f"{BASE}entries/{receipt.id}.json",
             f"{BASE}feed.json#{receipt.id}"]
    assert {publisher.receipt_of(text) for text in known} == {receipt}
    assert {Feed(Connection("@club")).receipt_of(text).id for text in known} == {receipt.id}
    for wrong in ("", "https://club.example/", f"https://other.example/rss.xml#{receipt.id}", f"{BASE}rss.xml#x",
                  f"https://club.example/#feed-{receipt.id}", f"x:{receipt.id}"):
        with pytest.raises(ValueError, match="24 letters"):
            publisher.receipt_of(wrong)


@pytest.mark.parametrize("fields", [
    {"destination": "dir:feeds"}, {"destination": "/var/www"}, {"destination": "s3://"}, {"destination": "s3://A_B/x"},
    {"site_url": "javascript:alert(1)"}, {"site_url": "club.example"}, {"self_url": "https://club.example"},
    {"self_url": "https://club.example/a b.xml"}, {"base_url": 'https://cdn.example/"onload="'},
], ids=str)
def test_settings_that_make_no_feed_are_refused(shelf, fields: dict[str, str]) -> None:
    """A person is told which field; nothing is written."""
    publisher = adapter(shelf, **fields)
    with pytest.raises(Unauthorized):
        publisher.publish(publisher.compose(Plain), 0, Sent(handles={DRAFT: "2026-11-22T12:00:00Z"}))
    assert shelf.names() == []


# --- a folder ---------------------------------------------------------------------------------------------------------

def test_a_folder_holds_no_half_files_and_others_may_read(tmp_path: Path) -> None:
    """No temp file is left, and a web server's user reads what this user writes."""
    os.umask(before := os.umask(0o022))
    root = tmp_path / "feeds"
    publisher = adapter(Shelf(f"dir:{root}", *[None] * 4))  # type: ignore[arg-type]
    send(publisher, Plain)
    found = [one for one in root.rglob("*") if one.is_file()]
    assert sorted(one.name for one in found if one.parent == root) == ["atom.xml", "feed.json", "rss.xml"]
    assert all(not one.name.startswith(".") for one in found)
    assert {one.stat().st_mode & 0o777 for one in found} == {0o666 & ~before}


@pytest.mark.parametrize("name", ["entries", "rss.xml"])
def test_a_folder_that_cannot_be_used_is_said_to_be_so(tmp_path: Path, name: str) -> None:
    """Something in the way: certain before the entry is there, in doubt after."""
    root = tmp_path / "feeds"
    root.mkdir()
    publisher = adapter(Shelf(f"dir:{root}", *[None] * 4))  # type: ignore[arg-type]
    plan = publisher.compose(Plain)
    if name == "entries":
        (root / name).write_text("in the way")
    else:
        (root / name).mkdir()
    with pytest.raises(PublishError) as caught:
        publisher.publish(plan, 0, Sent(handles={DRAFT: "2026-11-22T12:00:00Z"}))

    assert type(caught.value) in ((Unauthorized, Unavailable) if name == "entries" else (Unconfirmed,))
    with pytest.raises(PublishError) as looked:
        publisher.find(plan, 0, NOON, Sent())
    assert not isinstance(looked.value, Unconfirmed)


# --- S3's answers -----------------------------------------------------------------------------------------------------

class Store:
    """One loopback port: the first answers are as told, later ones come from the double behind it."""

    def __init__(self, plays: list[Callable[[socket.socket], None]]) -> None:
        self.plays, self.heard = plays, list[str]()
        self.connections = 0
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
                with suppress(OSError):
                    self.heard.append(self.hear(line))
                    (self.plays.pop(0) if self.plays else close)(line)

    def hear(self, line: socket.socket) -> str:
        data = b""
        while b"\r\n\r\n" not in data:
            if not (more := line.recv(65536)):
                break
            data += more
        head, _, body = data.partition(b"\r\n\r\n")
        sizes = [int(row.split(b":")[1]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length")]
        while sizes and len(body) < sizes[0]:
            body += line.recv(65536)
        return (head + b"\r\n\r\n" + body).decode()

    def end(self) -> None:
        self.over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.thread.join(20)
        assert not self.thread.is_alive()
        self.listener.close()


@contextmanager
def store(*plays: Callable[[socket.socket], None]) -> Iterator[Store]:
    made = Store(list(plays))
    made.thread.start()
    try:
        yield made
    finally:
        made.end()


def raw(text: str) -> Callable[[socket.socket], None]:
    return lambda line: line.sendall(text.replace("\n", "\r\n").encode())


def said(status: int, code: str = "", *headers: str) -> Callable[[socket.socket], None]:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>No</Message></Error>" if code else ""
    head = "".join(f"{header}\n" for header in headers)
    return raw(f"HTTP/1.1 {status} Whatever\n{head}Content-Type: application/xml\n"
               f"Content-Length: {len(body)}\n\n{body}")


def close(line: socket.socket) -> None:
    """Says nothing."""


def reset(line: socket.socket) -> None:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silence(line: socket.socket) -> None:
    while line.recv(65536):
        pass


def drip(line: socket.socket) -> None:
    line.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    line.settimeout(SHORT_S / 10)
    while True:
        line.sendall(b"x")
        try:
            if not line.recv(65536):
                return
        except TimeoutError:
            continue


ANSWERS: dict[str, tuple[Callable[[socket.socket], None], type[PublishError]]] = {
    "409": (said(409, "ConditionalRequestConflict"), Unavailable),
    "409 other": (said(409, "OperationAborted"), Unconfirmed),
    "slow down": (said(503, "SlowDown"), RateLimited),
    "503": (said(503, "ServiceUnavailable"), Unconfirmed),
    "500": (said(500, "InternalError"), Unconfirmed),
    "denied": (said(403, "AccessDenied"), Unauthorized),
    "no key": (said(403, "InvalidAccessKeyId"), Unauthorized),
    "no bucket": (said(404, "NoSuchBucket"), Unauthorized),
    "expired": (said(400, "ExpiredToken"), Unauthorized),
    "clock": (said(403, "RequestTimeTooSkewed"), Unauthorized),
    "timeout": (said(400, "RequestTimeout"), Unconfirmed),
    "301": (said(301, "PermanentRedirect", "Location: https://elsewhere.example/"), Unconfirmed),
    "307": (said(307, "TemporaryRedirect", "Location: https://elsewhere.example/"), Unconfirmed),
    "200 without a tag": (said(200), Unconfirmed),
    "200 page": (raw("HTTP/1.1 200 OK\nContent-Type: text/html\nContent-Length: 15\n\n<html>no</html>"), Unconfirmed),
    "403 page": (raw("HTTP/1.1 403 No\nContent-Type: text/html\nContent-Length: 15\n\n<html>no</html>"), Unconfirmed),
    "closed": (close, Unconfirmed),
    "reset": (reset, Unconfirmed),
    "half a head": (raw("HTTP/1.1 200 OK\nETa"), Unconfirmed),
    "shorter than said": (raw('HTTP/1.1 200 OK\nETag: "x"\nContent-Length: 9\n\nno'), Unconfirmed),
    "not HTTP": (raw("220 mail.example ESMTP\n"), Unconfirmed),
}


def pretend(port: int, seconds: float = 20.0) -> Feed:
    return Feed(Connection("@us", OURS, f"http://127.0.0.1:{port}", connect_timeout_s=SHORT_S,
                           request_timeout_s=seconds))


DATED = Sent(handles={DRAFT: "2026-11-22T12:00:00Z"})


@pytest.mark.parametrize("row", ANSWERS)
def test_what_a_store_says_to_an_entry(row: str) -> None:
    """One PUT leaves, conditional, whatever comes back; botocore neither repeats nor follows anything."""
    play, meant = ANSWERS[row]
    plan = pretend(1).compose(Plain)
    with store(play) as there, pytest.raises(PublishError) as caught:
        pretend(there.port).publish(plan, 0, DATED)

    assert type(caught.value) is meant
    assert there.connections == 1
    assert there.heard[0].startswith(f"PUT /rehearsal/us/entries/{plan.parts[0].key}.json HTTP/1.1")
    assert "if-none-match: *" in there.heard[0].lower()


@pytest.mark.parametrize("row", ANSWERS)
def test_a_look_never_casts_doubt(row: str) -> None:
    """Whatever a store says to a reader: one request, and never Unconfirmed."""
    with store(ANSWERS[row][0], ANSWERS[row][0]) as there:
        publisher = pretend(there.port)
        for call in (publisher.account_id, lambda: publisher.find(publisher.compose(Plain), 0, NOON, DATED)):
            with pytest.raises(PublishError) as caught:
                call()
            assert not isinstance(caught.value, Unconfirmed)
    assert [heard[:4] for heard in there.heard] == ["GET ", "GET "]


@pytest.mark.parametrize("play", [silence, drip])
def test_the_deadline_holds_however_an_answer_is_dragged_out(play: Callable[[socket.socket], None]) -> None:
    """No answer, or one byte now and then: in doubt at the one deadline."""
    done = threading.Event()

    def call() -> None:
        publisher = pretend(there.port, SHORT_S)
        with pytest.raises(Unconfirmed):
            publisher.publish(publisher.compose(Plain), 0, DATED)
        done.set()

    with store(play) as there:
        threading.Thread(target=call, daemon=True).start()
        assert done.wait(SHORT_S * 20)


def test_ours_is_known_behind_a_412() -> None:
    """The answer to an earlier try was lost: 412, then our own bytes, so it goes on to the feed files."""
    publisher = pretend(1)
    plan = publisher.compose(Plain)
    with Rehearsal([FeedTwin(lambda: NOON)]) as running:
        real = rehearsed(running)
        httpx.put(f"{running.url}/_rehearsal/faults", json=[
            {"network": "feed", "fault": "hang up after effect"},
            {"network": "feed", "fault": "500 before effect", "match": r"PUT /.*\.xml", "times": 1}])
        for _ in range(2):               # once the answer is lost, once a feed file is not written
            with pytest.raises(Unconfirmed):
                real.publish(plan, 0, DATED)
        receipt = real.publish(plan, 0, DATED)
        found = real.find(plan, 0, NOON, DATED)
        shown = httpx.get(f"{running.address('feed')}/files/feed.json").content

    assert found == ((receipt,), True)
    assert [item["id"].rpartition(":")[2] for item in judge_rehearsed(shown)] == [receipt.id]
    assert running.twin("feed").calls == {plan.parts[0].key: 3}
    assert len(running.twin("feed").posts) == 1


def judge_rehearsed(data: bytes) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = json.loads(data)["items"]
    return items


def test_a_rehearsal_outlives_a_restart(tmp_path: Path) -> None:
    """What the double holds in a folder is there for the next one: objects, items, and what was taken back."""
    for run in range(2):
        with Rehearsal([FeedTwin(lambda: NOON, tmp_path)]) as running:
            publisher = rehearsed(running)
            if run == 0:
                receipts = [send(publisher, numbered(number)) for number in range(2)]
                publisher.withdraw(receipts[0])
            plans = [publisher.compose(numbered(number)) for number in range(2)]
            found = [publisher.find(plan, 0, NOON, Sent()).matches for plan in plans]
            held = [post.id for post in running.twin("feed").posts]
        assert found == [(), (PartReceipt(id=receipts[1].id, url=f"{running.address('feed')}/#feed-{receipts[1].id}"),)]
        assert held == [receipts[1].id]


def test_nothing_goes_in_clear_to_another_machine(monkeypatch: Any) -> None:
    """An endpoint without TLS that is not this machine: refused before a byte leaves."""
    for name, value in {"AWS_ENDPOINT_URL": "http://store.example", "AWS_ACCESS_KEY_ID": "test",
                        "AWS_SECRET_ACCESS_KEY": "test", "AWS_REGION": "us-east-1"}.items():
        monkeypatch.setenv(name, value)
    publisher = adapter(Shelf("s3://club-news/x", *[None] * 4))  # type: ignore[arg-type]
    with pytest.raises(Unauthorized, match="https"):
        publisher.publish(publisher.compose(Plain), 0, DATED)


def test_a_listing_is_read_to_its_end() -> None:
    """Page after page, by the store's own mark; a page that says there is more and not where is no listing."""
    def page(key: str, more: bool, token: str = "") -> Callable[[socket.socket], None]:
        rest = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
        body = (f"<?xml version='1.0'?><ListBucketResult><Name>rehearsal</Name><IsTruncated>{str(more).lower()}"
                f"</IsTruncated>{rest}<Contents><Key>us/entries/{key}</Key><LastModified>2026-11-22T12:00:00.000Z"
                "</LastModified></Contents></ListBucketResult>")
        return raw(f"HTTP/1.1 200 OK\nContent-Type: application/xml\nContent-Length: {len(body)}\n\n{body}")

    def bucket(port: int) -> Bucket:
        return Bucket(Connection("@us", OURS, f"http://127.0.0.1:{port}"), "rehearsal", "us", "rehearsal:@us")

    with store(page("a", True, "t1"), page("b", True, "t2"), page("c", False)) as there:
        assert bucket(there.port).names("entries/") == dict.fromkeys(["entries/a", "entries/b", "entries/c"], NOON)
    assert [("t1" in heard, "t2" in heard) for heard in there.heard] == [(False, False), (True, False), (False, True)]
    with store(page("a", True)) as there, pytest.raises(Unavailable):
        bucket(there.port).names("entries/")


def test_without_credentials_a_person_is_told_where_they_go(monkeypatch, tmp_path) -> None:
    """No keys anywhere: known before anything leaves."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    publisher = adapter(Shelf("s3://club-news/x", *[None] * 4))  # type: ignore[arg-type]
    with pytest.raises(Unauthorized, match="AWS_ACCESS_KEY_ID"):
        publisher.publish(publisher.compose(Plain), 0, DATED)


# --- thinking ---------------------------------------------------------------------------------------------------------

ABOUT = About("Club", "https://club.example/", BASE, BASE, "Wren", "en")
hostile = st.text(alphabet=st.characters(), max_size=120)


@settings(max_examples=200, deadline=None)
@given(title=hostile, text=hostile, alt=hostile, tag=hostile, link=hostile, feed=hostile.filter(str.strip))
def test_whatever_is_said_all_three_are_read(title: str, text: str, alt: str, tag: str, link: str, feed: str) -> None:
    """Control characters, half surrogates, tags, ends of CDATA: each file is well formed, and says the same words."""
    plan = Feed(Connection("@club")).compose(message("feed", part(text, picture(alt=alt)), title=title,
                                                     hashtags=(tag,), link=link)).parts[0]
    entry = Entry(key=plan.key, id=f"tag:club.example,2026-11-22:{plan.key}", date=NOON,
                  media=(Kept(path=f"media/{'0' * 64}.jpg", type="image/jpeg", size=9, alt=plan.alts[0]),),
                  **plan.request)
    assume(plan.text.strip())            # an empty item is refused before
    about = ABOUT._replace(title=writable(" ".join(feed.split())) or "Club")
    rss, atom, made = (file.body for file in files(about, [entry]))

    (item,), (one,), (listed_item,) = judge_rss(rss), judge_atom(atom), judge_json(made)
    assert Entry.model_validate_json(entry.written()) == entry
    assert (item.findtext("title") or "") == listed_item.get("title", "") == " ".join(writable(title).split())
    assert item.findtext("guid") == one.findtext(f"{ATOM}id") == listed_item["id"]
    assert listed_item["content_text"] == plan.text
    assert item.findtext(f"{CONTENT}encoded") == one.findtext(f"{ATOM}content") == listed_item["content_html"]
    assert {child.tag for child in item} <= {"title", "link", "description", "category", "enclosure", "guid", "pubDate",
                                             "{http://purl.org/dc/elements/1.1/}creator", f"{CONTENT}encoded"}


@settings(max_examples=100, deadline=None)
@given(minutes=st.lists(st.integers(0, 10_000), min_size=1, max_size=70, unique=True), seed=st.randoms())
def test_no_order_of_the_entries_changes_a_byte(minutes: list[int], seed: Any) -> None:
    """However a store lists them, the files are the same, newest first, fifty at most."""
    entries = [Entry(key="a" * 23 + "abcdefghijklmnopqrstuvwxyz234567"[number % 32], id=f"tag:x,2026-11-22:{number}",
                     date=NOON + timedelta(minutes=minute), text=str(minute), html="")
               for number, minute in enumerate(minutes)]
    shuffled = list(entries)
    seed.shuffle(shuffled)

    assert files(ABOUT, shuffled) == files(ABOUT, entries)
    shown = [item["content_text"] for item in judge_json(files(ABOUT, entries)[2].body)]
    assert shown == [str(minute) for minute in sorted(minutes, reverse=True)[:50]]


def test_nothing_in_a_post_becomes_a_tag() -> None:
    """HTML in the text, the alt text and the title is shown as typed, in each reader's HTML."""
    evil = '<script>alert(1)</script>"><img src=x onerror=y>]]>'
    plan = Feed(Connection("@club")).compose(message("feed", part(evil, picture(alt=evil)), title=evil)).parts[0]
    entry = Entry(key=plan.key, id="tag:x,2026-11-22:x", date=NOON, **plan.request,
                  media=(Kept(path=f"media/{'0' * 64}.jpg", type="image/jpeg", size=9, alt=plan.alts[0]),))
    (item,), _, (one,) = (judge(file.body) for judge, file in zip((judge_rss, judge_atom, judge_json),  # type: ignore
                                                                    files(ABOUT, [entry]), strict=True))
    for shown in (one["content_html"], item.findtext("description")):
        assert "<script" not in shown
        assert "<img src=x" not in shown
    assert one["content_html"].count("<img ") == 1


def test_an_item_without_a_title_has_one_where_one_is_demanded() -> None:
    """Atom demands one: the first words, cut at 80; the others go without."""
    entry = Entry(key="a" * 24, id="tag:x,2026-11-22:x", date=NOON, text=f"{'long ' * 40}\nmore", html="<p>long</p>")
    rss, atom, made = files(ABOUT, [entry])
    assert judge_rss(rss.body)[0].find("title") is None
    assert "title" not in judge_json(made.body)[0]
    title = judge_atom(atom.body)[0].findtext(f"{ATOM}title") or ""
    assert len(title) <= 80
    assert title.endswith("long…")


def test_only_names_of_ours_count_in_a_listing() -> None:
    """Temp files, folders, other people's files: no item; a mark takes its item out."""
    a, b, c = ("abcdefghijklmnopqrstuvw" + end for end in "xyz")
    names = {f"entries/{a}.json": NOON, f"entries/{b}.json": NOON + timedelta(1), f"entries/{c}.json": NOON,
             f"entries/{c}.gone": NOON, "entries/index.html": NOON, f"entries/{a}.json.bak": NOON,
             f"entries/sub/{a}.json": NOON, "entries/ABCDEFGHIJKLMNOPQRSTUVWX.json": NOON}
    assert listed(names) == ((b, a), frozenset([c]))


EDGES = {
    "text": (message("feed", "x" * 100_000), message("feed", "x" * 100_001)),
    "title": (message("feed", "x", title="y" * 300), message("feed", "x", title="y" * 301)),
    "nothing": (message("feed", "x"), message("feed", " ")),
    "image": (message("feed", part("x", picture(size=20_000_000))),
              message("feed", part("x", picture(size=20_000_001)))),
    "alt": (message("feed", part("x", picture(alt="a" * 2000))), message("feed", part("x", picture(alt="a" * 2001)))),
    "kind": (message("feed", part("x", picture("x.webp"))), message("feed", part("x", picture("x.bmp")))),
    "videos": (message("feed", part("x", *(film(blob=f"f{n}") for n in range(4)))),
               message("feed", part("x", *(film(blob=f"f{n}") for n in range(5))))),
    "film": (message("feed", part("x", film(size=100_000_000))), message("feed", part("x", film(size=100_000_001)))),
}


@pytest.mark.parametrize("edge", EDGES)
def test_each_limit_once_inside_and_once_outside(edge: str) -> None:
    """Just within it no word is said; just beyond there is an error."""
    inside, outside = (Feed(Connection("@club")).check(what) for what in EDGES[edge])
    assert inside == []
    assert Severity.error in [one.severity for one in outside]


def test_parts_and_comments_are_one_item() -> None:
    """A thread and its first comment are read as one text, in order, each file once."""
    plan = Feed(Connection("@club")).compose(message("feed", part("One", picture()), part("Two", picture()),
                                                     part("Three", kind="comment")))
    assert [(one.kind, one.text, len(one.media)) for one in plan.parts] == [("post", "One\n\nTwo\n\nThree", 1)]
    assert plan.parts[0].request == {"text": "One\n\nTwo\n\nThree", "html": "<p>One</p>\n<p>Two</p>\n<p>Three</p>"}


def test_a_hostile_text_is_one_item_in_time() -> None:
    """64 kB of anything nests nothing and blows up nothing."""
    for text in ("[" * 65_536, "<" * 65_536, "&" * 65_536, "]]>" * 20_000, "\x00" * 65_536 + "x", "> " * 32_768):
        plan = Feed(Connection("@club")).compose(message("feed", text)).parts[0]
        entry = Entry(key=plan.key, id="tag:x,2026-11-22:x", date=NOON, **plan.request)
        assert judge_json(files(ABOUT, [entry])[2].body)[0]["content_text"] == plan.text


def test_a_later_attempt_needs_its_draft_alone(shelf) -> None:
    """What comes again has the draft that was recorded and nothing else: its pictures are in it."""
    publisher = adapter(shelf)
    plan = publisher.compose(message("feed", part("Look", picture(), film()), title="Kettle"))
    draft = readied(publisher, plan).handles[DRAFT]

    receipt = publisher.publish(plan, 0, Sent(handles={DRAFT: draft}))

    assert publisher.find(plan, 0, NOON, Sent(handles={DRAFT: draft})) == ((receipt,), True)
    ((one,),) = judged(shelf)[2:]
    assert [item["mime_type"] for item in one["attachments"]] == ["image/jpeg", "video/mp4"]
    with pytest.raises(Unavailable):
        publisher.publish(plan, 0, Sent(handles={DRAFT: draft.partition(";")[0]}))


def test_the_same_words_with_another_picture_are_something_else(shelf) -> None:
    """An older edition under our key whose picture alone was another one is not taken for ours."""
    publisher = adapter(shelf)
    older, newer = (publisher.compose(message("feed", part("Look", picture(width=width)), title="Kettle"))
                    for width in (600, 700))
    publisher.publish(older, 0, readied(publisher, older))
    sent = readied(publisher, newer)

    with pytest.raises(Rejected):
        publisher.publish(newer, 0, sent)

    assert publisher.find(newer, 0, NOON, sent) == ((), True)


@pytest.mark.parametrize("body", ["", "<Error><Code>NoSuchKey</Code></Error>"])
def test_a_feed_file_that_was_not_taken_is_not_believed_to_be_there(body: str) -> None:
    """A 404 to a PUT (something in between, a store that is going down): the files are not new, and that is said."""
    class Halting(FeedTwin):
        """Takes entries, and knows no place for a feed file."""

        def routes(self) -> list[Any]:
            from starlette.responses import Response
            from starlette.routing import Route

            async def nowhere(_: Any) -> Response:
                return Response(body, 404)

            return [*(Route(f"/{{bucket}}/{{key:path}}{name}", nowhere, methods=["PUT"])
                      for name in ("rss.xml", "atom.xml", "feed.json")), *super().routes()]

    with Rehearsal([Halting(lambda: NOON)]) as running:
        publisher = rehearsed(running)
        plan = publisher.compose(Plain)
        with pytest.raises(Unconfirmed):
            publisher.publish(plan, 0, DATED)
