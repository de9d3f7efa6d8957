"""What each answer of S3 leads to, row by row of the outcome table, against a server that can be told to misbehave."""
import base64
import hashlib
import os
import threading
import urllib.parse
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

import pytest

from flows.edges._s3 import PAUSES_S, S3Store
from flows.edges.ledger import Ledger
from flows.edges.store import Unanswered, open_store
from flows.planning.folding import fold
from flows.planning.sealing import receipt_of
from schemas.errors import StoreError
from schemas.ledger import Kind, Pin, Slot

KEY = "v1/ledger/posts.hello/mastodon/1/000001.json"
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
REFUSALS = {
    "409": (409, "ConditionalRequestConflict"), "500": (500, "InternalError"), "503": (503, "SlowDown"),
    "502": (502, "BadGateway"), "400-slow": (400, "RequestTimeout"), "403": (403, "AccessDenied"),
    "404": (404, "NoSuchBucket"), "400-kms": (400, "KMS.DisabledException"), "501": (501, "NotImplemented"),
    "403-clock": (403, "RequestTimeTooSkewed"), "400": (400, "InvalidRequest"), "400-token": (400, "ExpiredToken"),
}


class Put(NamedTuple):
    key: str
    headers: dict[str, str]
    body: bytes


class FaultyS3(ThreadingHTTPServer):
    """The four calls we use, in S3's words. `script` holds what the next requests meet, in order, by method.

    Words: a name in REFUSALS; "after:NAME" keeps the object and then refuses; "lost" keeps it and hangs up;
    "dropped" hangs up at once; "hang" keeps it and never answers; "rival:NAME" lets another's bytes in first.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.objects: dict[str, bytes] = {}
        self.puts: list[Put] = []
        self.script: dict[str, list[str]] = {"PUT": [], "GET": []}
        self.honours_conditions = True
        self.page_size = 1000
        self.now = NOON
        self.closing = threading.Event()

    def next_fault(self, method: str) -> str:
        return self.script[method].pop(0) if self.script.get(method) else "ok"


class _Handler(BaseHTTPRequestHandler):
    server: FaultyS3
    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = urllib.parse.unquote(self.path).split("?")[0].removeprefix("/bucket/")
        self.server.puts.append(Put(key, {k.lower(): v for k, v in self.headers.items()}, body))
        fault = self.server.next_fault("PUT")
        if fault.startswith("rival:"):
            self.server.objects[key] = b"a rival's record"
            fault = fault.removeprefix("rival:")
        if fault == "dropped":
            return self.hang_up()
        if fault in REFUSALS:
            return self.refuse(fault)
        if self.server.honours_conditions and self.headers["If-None-Match"] == "*" and key in self.server.objects:
            return self.answer(412, b"<Error><Code>PreconditionFailed</Code></Error>")
        self.server.objects[key] = body
        if fault == "lost":
            return self.hang_up()
        if fault == "hang":
            self.server.closing.wait(30)
            return self.hang_up()
        if fault.startswith("after:"):
            return self.refuse(fault.removeprefix("after:"))
        return self.answer(200, b"", ETag='"0"')

    def do_GET(self) -> None:
        url = urllib.parse.urlparse(self.path)
        fault = self.server.next_fault("GET")
        if fault == "hang":
            self.server.closing.wait(30)
            return self.hang_up()
        if fault == "dropped":
            return self.hang_up()
        if fault in REFUSALS:
            return self.refuse(fault)
        if "list-type" in url.query:
            return self.listing(dict(urllib.parse.parse_qsl(url.query)))
        body = self.server.objects.get(urllib.parse.unquote(url.path).removeprefix("/bucket/"))
        if body is None:
            return self.answer(404, b"<Error><Code>NoSuchKey</Code></Error>")
        if fault == "truncated":
            self.send_response(200)
            self.send_header("Content-Length", str(len(body) + 7))
            self.end_headers()
            self.wfile.write(body)
            return self.hang_up()
        return self.answer(200, body, Last_Modified=format_datetime(NOON, usegmt=True))

    do_HEAD = do_GET

    def listing(self, query: dict[str, str]) -> None:
        after = query.get("continuation-token", "")
        keys = sorted(k for k in self.server.objects if k.startswith(query.get("prefix", "")) and k > after)
        page = keys[:self.server.page_size]
        more = f"<NextContinuationToken>{page[-1]}</NextContinuationToken>" if len(page) < len(keys) else ""
        found = "".join(f"<Contents><Key>{key}</Key></Contents>" for key in page)
        truncated = "true" if more else "false"
        self.answer(200, f"<ListBucketResult>{found}<IsTruncated>{truncated}</IsTruncated>{more}"
                         "</ListBucketResult>".encode())

    def refuse(self, name: str) -> None:
        status, code = REFUSALS[name]
        self.answer(status, f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode())

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def hang_up(self) -> None:
        self.close_connection = True

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.server.now, usegmt=True)

    def log_message(self, format: str, *arguments: object) -> None:
        """Says nothing: the tests read `puts`."""


@pytest.fixture
def server(monkeypatch):
    server = FaultyS3()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}", "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "very-secret", "AWS_REGION": "eu-central-1", "AWS_CONFIG_FILE": os.devnull,
        "AWS_MAX_ATTEMPTS": "5",        # ours must win over what the machine says
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def waited() -> list[float]:
    return []


@pytest.fixture
def store(server, waited) -> S3Store:
    return S3Store("bucket", "club", wait=waited.append, read_timeout_s=0.5)


@pytest.mark.parametrize(("faults", "ours", "puts"), [
    ([], True, 1),
    (["lost"], True, 2),                            # the second meets 412: our own
    (["hang"], True, 2),
    (["409"], True, 2),                             # nothing decided
    (["409", "409", "409"], True, 4),
    (["after:500"], True, 2),
    (["500"], True, 2),
    (["after:503"], True, 2),
    (["503", "502", "400-slow"], True, 4),
    (["dropped", "lost", "503"], True, 4),
    (["rival:ok"], False, 1),                       # 412: a rival was first
    (["rival:409"], False, 2),                      # the rival it conflicted with has won
    (["rival:dropped"], False, 2),
    (["503", "rival:500"], False, 3),
])
def test_outcome_of_a_put_is_always_found_out(server, store, waited, faults, ours, puts):
    """Whatever happens to the answer, create says True if our bytes are there, False if a rival's are."""
    server.script["PUT"] = list(faults)

    assert store.create(KEY, b"our record") is ours

    assert server.objects[f"club/{KEY}"] == (b"our record" if ours else b"a rival's record")
    assert [put.body for put in server.puts] == [b"our record"] * puts
    assert waited == list(PAUSES_S[:puts - 1])


def test_every_try_is_the_same_request(server, store):
    """Each repetition carries the condition, the checksum and the same bytes; the SDK adds none of its own."""
    server.script["PUT"] = ["409", "dropped", "503"]

    store.create(KEY, b"our record")

    checksum = base64.b64encode(hashlib.sha256(b"our record").digest()).decode()
    assert [(put.key, put.headers["if-none-match"], put.headers["x-amz-checksum-sha256"], put.body)
            for put in server.puts] == [(f"club/{KEY}", "*", checksum, b"our record")] * 4


@pytest.mark.parametrize(("fault", "named", "remedy"), [
    ("403", "403 AccessDenied", "s3:PutObject"),
    ("404", "404 NoSuchBucket", "create the bucket bucket"),
    ("400-kms", "KMS.DisabledException", "KMS key"),
    ("403-clock", "RequestTimeTooSkewed", "clock"),
    ("400-token", "400 ExpiredToken", "renew the AWS credentials"),
    ("501", "conditional writes", "use Amazon S3"),
    ("400", "400 InvalidRequest", "nothing was sent"),
])
def test_configuration_error_stops_at_once(server, store, waited, fault, named, remedy):
    """What no repetition can cure is said at the first try, with bucket, key and remedy, and is no doubt."""
    server.script["PUT"] = [fault]

    with pytest.raises(StoreError) as refused:
        store.create(KEY, b"our record")

    assert type(refused.value) is StoreError
    assert named in refused.value.what
    assert "s3://bucket/club" in refused.value.what
    assert KEY in refused.value.what
    assert remedy in refused.value.remedy
    assert (len(server.puts), waited) == (1, [])


@pytest.mark.parametrize("faults", [["lost", "403"], ["409", "dropped", "404"]])
def test_refusal_after_a_lost_try_is_doubt(server, store, faults):
    """If an earlier try may have arrived, a later refusal does not prove that nothing was created."""
    server.script["PUT"] = faults

    with pytest.raises(Unanswered):
        store.create(KEY, b"our record")


def test_own_record_behind_a_slow_look_is_still_ours(server, store):
    """A 412 is looked into until the answer comes: our own record is never taken for a rival's."""
    server.script = {"PUT": ["lost"], "GET": ["hang", "503", "dropped", "truncated"]}

    assert store.create(KEY, b"our record") is True


@pytest.mark.parametrize("fault", ["403", "404"])
def test_refused_read_stops_at_once(server, store, waited, fault):
    """A bucket that may not be read, or is not there, is said at the first try: it is no missing record."""
    server.script["GET"] = [fault, fault]

    with pytest.raises(StoreError, match=fault):
        store.get(KEY)
    with pytest.raises(StoreError, match=fault):
        list(store.list("v1/ledger/"))
    assert waited == []


def test_refused_look_at_an_existing_object_is_doubt(server, store):
    """A 412 that cannot be looked into is neither "ours" nor "a rival's"."""
    server.script = {"PUT": ["lost"], "GET": ["403"]}

    with pytest.raises(Unanswered):
        store.create(KEY, b"our record")


def test_silence_is_doubt_and_the_same_create_settles_it(server, store, waited):
    """After the last pause nobody knows; the same create later finds that the object was ours all along."""
    server.script["PUT"] = ["lost", *["503"] * len(PAUSES_S)]

    with pytest.raises(Unanswered) as silence:
        store.create(KEY, b"our record")

    assert KEY in silence.value.what
    assert silence.value.remedy
    assert waited == list(PAUSES_S)
    assert store.create(KEY, b"our record") is True


def test_record_that_vanished_after_412_is_tried_again(server, store):
    """A 412 about an object that then is not there decides nothing."""
    server.script = {"PUT": ["rival:ok", "ok"], "GET": []}
    server.objects[f"club/{KEY}"] = b"a rival's record"
    reads = iter([None, b"a rival's record"])

    class Forgetful(S3Store):
        def get(self, key: str) -> bytes | None:
            return next(reads)

    forgetful = Forgetful("bucket", "club", wait=lambda _: None)
    assert forgetful.create(KEY, b"our record") is False
    assert len(server.puts) == 2


@pytest.mark.parametrize("faults", [["dropped"], ["500", "503"], ["truncated"], ["hang"]])
def test_read_is_repeated_until_it_is_whole(server, store, faults):
    """Half an answer is no answer: a read gives all the bytes or is made again."""
    store.create(KEY, b"our record")
    server.script["GET"] = faults

    assert store.get(KEY) == b"our record"


def test_store_that_is_down_is_named(server, store, waited):
    """A store that answers no read is an error with a remedy, after bounded waiting."""
    server.script["GET"] = ["503"] * 8

    with pytest.raises(StoreError, match="does not answer") as down:
        store.get(KEY)

    assert down.value.remedy
    assert waited == list(PAUSES_S)


def test_nobody_listening_is_named(monkeypatch, waited):
    """Nobody at the address: bounded waiting, then an error; nothing is claimed to be written."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")

    with pytest.raises(StoreError):
        S3Store("bucket", "", wait=waited.append).create(KEY, b"our record")

    assert waited == list(PAUSES_S)


def test_missing_credentials_are_named(server, monkeypatch, tmp_path, waited):
    """Without credentials nothing is tried, and the message names the variables."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")

    with pytest.raises(StoreError) as refused:
        open_store("s3://bucket/club", wait=waited.append).create(KEY, b"our record")

    assert "AWS_ACCESS_KEY_ID" in refused.value.remedy
    assert (server.puts, waited) == ([], [])


def test_endpoint_that_is_no_address_is_named(monkeypatch):
    """A mistyped AWS_ENDPOINT_URL is an error of ours with a remedy."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "minio:9000")

    with pytest.raises(StoreError) as refused:
        open_store("s3://bucket/club")

    assert "AWS_ENDPOINT_URL" in refused.value.remedy


def test_store_that_ignores_the_condition_is_refused(server, store):
    """A store that lets a second writer in is found out by the start-up check, before anything is sent."""
    server.honours_conditions = False

    with pytest.raises(StoreError, match="a second writer") as refused:
        store.probe()

    assert "conditional writes" in refused.value.remedy


def test_region_and_endpoint_come_from_the_usual_variables(server, store):
    """Requests are signed for AWS_REGION and go to AWS_ENDPOINT_URL with the bucket in the path."""
    store.create(KEY, b"our record")

    assert "/eu-central-1/s3/aws4_request" in server.puts[0].headers["authorization"]


def test_bucket_is_in_the_path_at_a_named_host(server, monkeypatch):
    """A store that is no number but a name (a container's) is asked for the bucket in the path, not in its name."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://localhost:{server.server_port}")

    assert open_store("s3://bucket/club").create(KEY, b"our record") is True
    assert server.puts[0].key == f"club/{KEY}"


def test_age_is_reckoned_by_the_server_alone(server, store):
    """The age is the server's Date minus its Last-Modified, whatever this machine's clock says."""
    store.create(KEY, b"our record")
    server.now = NOON + timedelta(seconds=130)

    assert store.age(KEY) == 130
    assert store.now() == NOON + timedelta(seconds=130)


def test_listing_goes_on_to_the_last_page(server, store):
    """A listing longer than a page is complete and in order, and keys are told without the prefix."""
    server.page_size = 3
    keys = [f"v1/ledger/posts.hello/mastodon/1/{seq:06d}.json" for seq in range(1, 9)]
    for key in keys:
        store.create(key, key.encode())
    server.script["GET"] = ["ok", "503", "dropped"]

    assert list(store.list("v1/ledger/posts.hello/")) == keys


def test_neighbour_prefix_is_not_ours(server, store):
    """What lies under another prefix of the bucket is not seen."""
    server.objects["club2/v1/ledger/a/b/1/000001.json"] = b"{}"
    server.objects["v1/ledger/a/b/1/000001.json"] = b"{}"

    assert list(store.list("v1/ledger/")) == []
    assert store.get("v1/ledger/a/b/1/000001.json") is None


def test_address_and_errors_hold_no_secret(server, store):
    """Neither the address nor an error shows the key."""
    server.script["PUT"] = ["403"]
    with pytest.raises(StoreError) as refused:
        store.create(KEY, b"our record")

    assert store.address == "s3://bucket/club"
    assert "very-secret" not in f"{refused.value!r} {refused.value.what} {refused.value.remedy}"


def test_whole_ledger_is_written_under_the_condition(server, store):
    """Every PUT of a publish, retries included, carries If-None-Match and a SHA256 checksum; it takes five writes."""
    slot, ledger = Slot("posts/hello", "mastodon"), Ledger(store, worker="host/1/boot/run", now=lambda: NOON)
    payload = ledger.put_payload(b'{"parts":[{"text":"hello"}]}')
    claim = ledger.append(slot, None, Kind.claim, pin=Pin(commit="c", blob="b", payload=payload, account="@club"))
    server.script["PUT"] = ["ok", "409", "lost"]
    sending = ledger.append(slot, claim, Kind.sending, part=0, attempt=1)
    published = ledger.append(slot, sending, Kind.published, part=0, detail={"parts": [{"id": "7", "url": None}]})
    entries = ledger.read(slot)
    ledger.mark_done(receipt_of(fold(slot, entries), entries))

    assert ledger.read(slot) == (claim, sending, published)
    assert len({put.key for put in server.puts}) == 5
    for put in server.puts:
        assert put.headers["if-none-match"] == "*"
        assert put.headers["x-amz-checksum-sha256"] == base64.b64encode(hashlib.sha256(put.body).digest()).decode()
