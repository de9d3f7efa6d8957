"""The rehearsal networks: what they keep, what they show, and the faults they play, over real loopback connections."""
import hashlib
import json
import struct
import threading
import zlib
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal import twins
from publishers.rehearsal._twin import Fault, Refusal, Rehearsal, Twin, parse_faults
from schemas.errors import SettingsError

NOON = datetime(2026, 4, 14, 12, 0, tzinfo=UTC)


class Notes(Twin):
    """A network with one path to post on and one to upload to."""

    network = "notes"
    accent = "#0a7f5a"
    creates = ("POST /notes",)

    def routes(self) -> list[Route]:
        return [Route("/notes", self._write, methods=["POST"]), Route("/files", self._upload, methods=["POST"])]

    async def _write(self, request: Request) -> Response:
        given = await request.json()
        if given["text"] == "refuse me":
            raise Refusal(422, {"error": "no"}, {"X-Why": "because"})
        kept = self.keep(account=given.get("account", "@mill"), text=given["text"], parent=given.get("parent"),
                         media=given.get("media", ()), extra=given.get("extra"))
        return JSONResponse({"id": kept.id, "url": self.link(request, kept.id)})

    async def _upload(self, request: Request) -> Response:
        id = self.keep_media(await request.body(), name="file.png", mime="image/png")
        if alt := request.query_params.get("alt"):
            self.describe_media(id, alt)
        return JSONResponse({"id": id})


def a_picture(shade: int = 0) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = zlib.compress(b"\0" + bytes([shade, 120, 90]))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


@pytest.fixture
def stage():
    with Rehearsal([Notes(lambda: NOON)]) as networks:
        yield networks


def write(stage: Rehearsal, text: str, timeout: float = 5, **more) -> httpx.Response:
    return httpx.post(stage.address("notes") + "/notes", json={"text": text, **more}, timeout=timeout)


def set_faults(stage: Rehearsal, *faults) -> None:
    httpx.put(stage.url + "/_rehearsal/faults", json=list(faults)).raise_for_status()


def held(stage: Rehearsal) -> list[tuple[str, int]]:
    return [(post["text"], post["calls"]) for post in httpx.get(stage.url + "/_rehearsal/posts").json()]


def test_what_is_posted_is_listed(stage):
    """The list of posts says all that a network holds."""
    file = httpx.post(stage.address("notes") + "/files?alt=A+mill", content=a_picture()).json()["id"]
    first = write(stage, "one", media=[file]).json()
    second = write(stage, "two", parent=first["id"]).json()

    assert httpx.get(stage.url + "/_rehearsal/posts").json() == [
        {"network": "notes", "account": "@mill", "id": first["id"], "parent": None, "text": "one",
         "media": [{"alt": "A mill", "sha256": hashlib.sha256(a_picture()).hexdigest()}],
         "created_at": "2026-04-14T12:00:00Z", "calls": 1},
        {"network": "notes", "account": "@mill", "id": second["id"], "parent": first["id"], "text": "two", "media": [],
         "created_at": "2026-04-14T12:00:00Z", "calls": 1}]


def test_answers_carry_the_time_of_the_twin(stage):
    """A publisher on a pretend clock hears pretend times."""
    assert write(stage, "one").headers["date"] == "Tue, 14 Apr 2026 12:00:00 GMT"


def test_a_refusal_is_answered_in_the_networks_own_words(stage):
    """Status, headers and body of a refusal arrive; nothing is kept; the call is counted."""
    answer = write(stage, "refuse me")

    assert (answer.status_code, answer.headers["x-why"], answer.json()) == (422, "because", {"error": "no"})
    assert held(stage) == []
    assert stage.twin("notes").calls == {"refuse me": 1}


@pytest.mark.parametrize(("fault", "status", "text"), [
    ("401", 401, '{"error": "The access token is invalid"}'),
    ("503", 503, '{"error": "Service unavailable"}'),
    ("429", 429, '{"error": "Too many requests"}'),
    ("500 before effect", 500, '{"error": "Internal server error"}'),
    ("500 after effect", 500, '{"error": "Internal server error"}'),
    ("not JSON", 200, "<!doctype html>"),
])
def test_a_bad_answer(stage, fault, status, text):
    """Each fault that answers gives its status, once; then the network is well again."""
    set_faults(stage, {"fault": fault})

    answer = write(stage, "one")

    assert (answer.status_code, answer.text.startswith(text)) == (status, True)
    assert write(stage, "two").status_code == 200


@pytest.mark.parametrize("fault", ["hang up before", "hang up after effect", "truncate", "late effect"])
def test_a_cut_connection(stage, fault):
    """Each fault that hangs up leaves the client without a whole answer, once."""
    set_faults(stage, {"fault": fault, "seconds": 0.01} if fault == "late effect" else {"fault": fault})

    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        write(stage, "one")

    assert write(stage, "two").status_code == 200


@pytest.mark.parametrize("fault", ["stall", "stall after effect"])
def test_a_stall_lasts_until_the_client_leaves(stage, fault):
    """A stalled call ends by the client's own time-out."""
    set_faults(stage, {"fault": fault})

    with pytest.raises(httpx.ReadTimeout):
        write(stage, "one", timeout=0.2)


@pytest.mark.parametrize(("fault", "exists"), [
    ("401", False), ("503", False), ("429", False), ("500 before effect", False), ("hang up before", False),
    ("stall", False),
    ("500 after effect", True), ("hang up after effect", True), ("truncate", True), ("not JSON", True), ("slow", True),
    ("stall after effect", True)])
def test_before_and_after_effect(stage, fault, exists):
    """A fault keeps its word about whether the post exists; the create call is counted either way."""
    set_faults(stage, {"fault": fault, "seconds": 0.05} if fault == "slow" else {"fault": fault})

    with suppress(httpx.TransportError):
        write(stage, "one", timeout=0.5)

    assert held(stage) == ([("one", 1)] if exists else [])
    assert stage.twin("notes").calls == {"one": 1}


def test_a_slow_answer_is_whole(stage):
    """A slow answer arrives in pieces and is complete."""
    set_faults(stage, {"fault": "slow", "seconds": 0.05})

    assert set(write(stage, "one").json()) == {"id", "url"}


def test_a_late_effect_appears_afterwards():
    """The connection is dropped first; the post appears later."""
    kept = threading.Event()

    class Late(Notes):
        def keep(self, **what):
            post = super().keep(**what)
            kept.set()
            return post

    with Rehearsal([Late(lambda: NOON)], faults=[Fault(fault="late effect", seconds=0.3)]) as stage:
        with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
            write(stage, "one")
        at_once = held(stage)
        assert kept.wait(10)

        assert (at_once, held(stage)) == ([], [("one", 1)])


def test_faults_strike_as_often_as_said(stage):
    """`times` is how many create calls a fault meets; other calls and other networks go on."""
    set_faults(stage, {"fault": "500 before effect", "times": 2, "network": "notes"},
               {"fault": "429", "times": 5, "network": "other"})

    upload = httpx.post(stage.address("notes") + "/files", content=a_picture()).status_code

    assert (upload, [write(stage, "x").status_code for _ in range(3)]) == (200, [500, 500, 200])


def test_a_fault_can_wait_for_its_turn(stage):
    """`after` lets so many of the calls pass that the fault would meet, and only those are counted."""
    set_faults(stage, {"fault": "401", "after": 2}, {"fault": "503", "after": 1, "times": 2})

    uploads = [httpx.post(stage.address("notes") + "/files", content=a_picture()).status_code for _ in range(3)]
    answers = [write(stage, "x").status_code for _ in range(5)]

    assert (uploads, answers) == ([200] * 3, [200, 503, 401, 503, 200])


def test_seconds_count_from_the_first_strike_and_not_from_what_passed(stage):
    """`after` and `seconds` together: from the n-th call on, every call for so long."""
    set_faults(stage, {"fault": "401", "after": 1, "seconds": 1000})

    assert [write(stage, "x").status_code for _ in range(3)] == [200, 401, 401]


def test_a_503_says_until_when_only_if_told(stage):
    """`retry_after` becomes the header; without it there is none."""
    set_faults(stage, {"fault": "503", "retry_after": 90}, {"fault": "503"})

    assert [write(stage, "x").headers.get("retry-after") for _ in range(2)] == ["90", None]


def test_every_network_refuses_a_token_as_it_does_by_itself():
    """The fault "401" is the very answer that the bad token "expired" gets, or one of its kind."""
    said = {name: twin(lambda: NOON).unauthorized() for name, twin in twins().items()}

    odd = {"slack": 200, "bluesky": 400, "feed": 403}             # what these say by their documents
    assert {name: refusal.status for name, refusal in said.items()} == dict.fromkeys(said, 401) | odd


def test_a_fault_for_some_seconds_strikes_every_call(stage):
    """`seconds` without `times` meets every call meanwhile, and the answer says how long to wait."""
    set_faults(stage, {"fault": "429", "seconds": 1000})

    answers = [write(stage, "x") for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429] * 3
    assert {answer.headers["retry-after"] for answer in answers} <= {"1000", "1001"}     # real seconds pass meanwhile


def test_a_fault_can_be_aimed_at_any_path(stage):
    """`match` takes the place of the create calls."""
    set_faults(stage, {"fault": "500 before effect", "match": "POST /fil.*"})

    assert write(stage, "x").status_code == 200
    assert httpx.post(stage.address("notes") + "/files", content=b"x").status_code == 500


def test_what_is_left_of_the_script_can_be_asked_for(stage):
    """Reading the script gives what has not been played yet, ready to be put back."""
    set_faults(stage, {"fault": "429", "times": 3, "retry_after": 7},
               {"fault": "stall", "network": "other", "after": 4})
    assert write(stage, "x").headers["retry-after"] == "7"

    left = httpx.get(stage.url + "/_rehearsal/faults").json()

    assert left == [{"fault": "429", "times": 2, "retry_after": 7.0},
                    {"fault": "stall", "network": "other", "times": 1, "after": 4}]
    assert [fault.fault for fault in parse_faults(json.dumps(left))] == ["429", "stall"]


@pytest.mark.parametrize("script", ["{", "[{}]", '[{"fault": "meteor"}]', '[{"fault": "429", "when": 1}]',
                                    '[{"fault": "429", "after": -1}]',
                                    '[{"fault": "429", "match": "("}]', '[{"fault": "429", "times": -1}]'])
def test_a_script_that_makes_no_sense_is_refused(stage, script):
    """A wrong script is answered with what is wrong, and the one in force stays."""
    set_faults(stage, {"fault": "429"})

    answer = httpx.put(stage.url + "/_rehearsal/faults", content=script)

    assert answer.status_code == 422
    assert answer.json()["error"]
    assert write(stage, "x").status_code == 429


def test_everything_can_be_forgotten(stage):
    """After a DELETE there are no posts, no counts, no faults."""
    write(stage, "one")
    set_faults(stage, {"fault": "429"})

    assert httpx.delete(stage.url + "/_rehearsal").status_code == 204

    assert (held(stage), dict(stage.twin("notes").calls)) == ([], {})
    assert write(stage, "two").status_code == 200


def test_a_restart_changes_nothing(tmp_path):
    """What a network kept in a folder is there again afterwards: posts, media, counts, page; new ids stay new."""
    with Rehearsal([Notes(lambda: NOON, tmp_path)]) as stage:
        file = httpx.post(stage.address("notes") + "/files?alt=A+mill", content=a_picture()).json()["id"]
        write(stage, "one", media=[file], extra={"kind": "comment"})
        write(stage, "refuse me")
        before = httpx.get(stage.url + "/_rehearsal/posts").json()
        page = httpx.get(stage.url).text
    with (tmp_path / "notes" / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"post": {"network": "no')       # a kill in the middle of a line

    with Rehearsal([Notes(lambda: NOON, tmp_path)]) as stage:
        assert httpx.get(stage.url + "/_rehearsal/posts").json() == before
        assert httpx.get(stage.url).text == page
        assert stage.twin("notes").calls == {"one": 1, "refuse me": 1}
        image = httpx.get(f"{stage.url}/_rehearsal/media/notes/{hashlib.sha256(a_picture()).hexdigest()}")
        assert (image.content, image.headers["content-type"]) == (a_picture(), "image/png")
        assert write(stage, "two").json()["id"] not in (file, before[0]["id"])

    assert [post.text for post in Notes(lambda: NOON, tmp_path).posts] == ["one", "two"]


def test_forgetting_empties_the_folder(tmp_path):
    """What was forgotten does not come back with a restart."""
    with Rehearsal([Notes(lambda: NOON, tmp_path)]) as stage:
        httpx.post(stage.address("notes") + "/files", content=a_picture())
        write(stage, "one")
        httpx.delete(stage.url + "/_rehearsal")

    assert Notes(lambda: NOON, tmp_path).posts == []
    assert list((tmp_path / "notes" / "media").iterdir()) == []


def test_the_timeline_reads_newest_first_with_threads_together():
    """Threads stand in the order of their newest beginning, and inside in the order of their parts."""
    clock = iter(NOON + timedelta(minutes=n) for n in range(100))
    twin = Notes(lambda: next(clock))
    old = twin.keep(account="@mill", text="An older thread")
    middle = twin.keep(account="@mill", text="Something between")
    twin.keep(account="@mill", text="its second part", parent=old.id)
    twin.keep(account="@mill", text="Read the rules", parent=middle.id, extra={"kind": "comment"})
    with Rehearsal([twin]) as stage:
        html = httpx.get(stage.url).text

    order = ["Something between", "Read the rules", "An older thread", "its second part"]
    assert sorted(order, key=html.index) == order
    assert '<span class="badge">comment</span>' in html
    assert '<span class="badge">2 of 2</span>' in html
    assert "Tuesday 14 April 2026, 12:00 UTC" in html
    assert "create calls" not in html


def test_the_timeline_says_when_a_post_took_more_than_one_call(stage):
    """More than one create call for one post is shown."""
    set_faults(stage, {"fault": "500 before effect"})
    write(stage, "one")
    write(stage, "one")

    assert "2 create calls" in httpx.get(stage.url + "/notes/").text


def test_the_timeline_shows_pictures_with_their_alt_text(stage):
    """Pictures are the real bytes; the alt text can be read; a missing one is said."""
    files = [httpx.post(f"{stage.address('notes')}/files{query}", content=a_picture(n)).json()["id"]
             for n, query in enumerate(["?alt=A+mill+at+%22dawn%22", ""])]
    write(stage, "one", media=files)

    html = httpx.get(stage.url).text

    assert "<b>Alt text:</b> A mill at &#34;dawn&#34;" in html
    assert "<b>No alt text</b> (file.png)" in html
    assert httpx.get(f"{stage.url}/_rehearsal/media/notes/{hashlib.sha256(a_picture(1)).hexdigest()}").content \
        == a_picture(1)


def test_the_timeline_never_runs_what_a_post_says(stage):
    """Markup in texts, names and alt texts is shown, not obeyed; only http(s) links become links."""
    evil = '<script>alert(1)</script> javascript:alert(2) https://example.org/a?b=1&c="<b> #tag'
    write(stage, evil, account='"><img src=x>')

    answer = httpx.get(stage.url)

    assert answer.headers["content-security-policy"].startswith(
        "default-src 'none'; img-src 'self'; style-src 'unsafe-inline'")
    assert "<script" not in answer.text
    assert "<img src=x>" not in answer.text
    assert 'href="javascript' not in answer.text
    assert ('<a href="https://example.org/a?b=1&amp;c=" rel="noopener noreferrer nofollow">'
            'https://example.org/a?b=1&amp;c=</a>') in answer.text
    assert '<span class="tag">#tag</span>' in answer.text


def test_an_upload_that_is_no_picture_is_not_shown_as_one(stage):
    """A file that only claims to be a picture is a plain download."""
    page = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
    httpx.post(stage.address("notes") + "/files", content=page)

    answer = httpx.get(f"{stage.url}/_rehearsal/media/notes/{hashlib.sha256(page).hexdigest()}")

    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_empty_timeline_says_so(stage):
    """A page without posts explains itself; an unknown network or file is not found."""
    assert "Nothing was posted yet" in httpx.get(stage.url).text
    assert httpx.get(stage.url + "/nowhere/").status_code == 404
    assert httpx.get(stage.url + "/_rehearsal/media/notes/none").status_code == 404


def test_stopping_ends_a_stalled_call(stage):
    """A client that still waits is cut off when the rehearsal ends."""
    set_faults(stage, {"fault": "stall"})
    arrived, ended = stage.twin("notes").calls, []

    def wait() -> None:
        try:
            write(stage, "one", timeout=60)
        except httpx.TransportError as error:
            ended.append(type(error))

    client = threading.Thread(target=wait)
    client.start()
    while not arrived:
        client.join(0.01)
    stage.stop()
    client.join(10)

    assert ended == [httpx.RemoteProtocolError]


def test_a_taken_port_is_said_plainly(stage):
    """A port in use is a setting to change, not a traceback."""
    port = int(stage.url.rsplit(":", 1)[1])

    with pytest.raises(SettingsError, match=f"port {port}"):
        Rehearsal([], port)


def test_every_network_that_is_published_to_has_a_twin():
    """The twins are found by their file names, and say the same name themselves."""
    found = twins()

    assert {"mastodon"} <= set(found)
    assert all(twin.network == name and issubclass(twin, Twin) for name, twin in found.items())
