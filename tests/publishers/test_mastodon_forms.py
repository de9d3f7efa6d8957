"""What Mastodon has beyond text and pictures: warnings, polls, films and sounds, who may see and quote a post."""
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import Response

from publishers import base
from publishers._mastodon_text import length, mime_of, says
from publishers.mastodon import Mastodon
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.mastodon_twin import MastodonTwin
from schemas.content import Probe
from schemas.errors import Rejected, Unavailable
from schemas.ledger import Slot
from schemas.message import Media, Message, Part, Poll
from schemas.place import Place
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TOP, FILE, ASKED = (Place("content/posts/launch.md", line) for line in (7, 3, 5))
TEXTS = some.text(some.characters(exclude_categories=["Cs"]))


@pytest.fixture
def networks() -> Iterator[Rehearsal]:
    with Rehearsal([MastodonTwin(lambda: NOON)]) as running:
        yield running


@pytest.fixture
def twin(networks) -> Any:
    return networks.twin("mastodon")


@pytest.fixture
def adapter(networks) -> Mastodon:
    secrets = {"access_token": SecretStr("rehearsal:@mill"), "base_url": SecretStr("https://tools.social.example")}
    return Mastodon(base.Connection("@mill", secrets, networks.address("mastodon"), 2.0, 5.0))


def message(*parts: Part | str, **more: Any) -> Message:
    made = tuple(Part(text=part, place=TOP) if isinstance(part, str) else part for part in parts)
    return Message(slot=Slot("posts/launch", "mastodon"), network="mastodon", account="@mill", parts=made, **more)


def with_media(text: str, *media: Media) -> Part:
    return Part(text=text, media=media, place=TOP)


def file(name: str, size: int = 100, **more: Any) -> Media:
    return Media(file=f"media/{name}", blob=name, size=size, alt="A mill", place=FILE, **more)


def poll(*options: str, lasts_s: int = 86_400) -> Poll:
    return Poll(options=options, lasts_s=lasts_s, place=ASKED)


def said(given: Message) -> list[tuple[str, str, int]]:
    return [(problem.code, problem.message, problem.place.line)
            for problem in Mastodon(base.Connection("@mill")).check(given)]


def requests(given: Message) -> list[dict[str, Any]]:
    return [part.request for part in Mastodon(base.Connection("@mill")).compose(given).parts]


def sent(adapter: Mastodon, given: Message) -> tuple[base.Outgoing, Any]:
    plan = adapter.compose(given)
    handles = adapter.prepare(plan, 0, lambda blob: blob.encode())
    return plan, adapter.publish(plan, 0, base.Sent(handles=handles))


# --- warnings --------------------------------------------------------------------------------------------------------

def test_a_warning_stands_over_every_part():
    """Whoever opens one part of a thread has not yet been told: each is warned of."""
    assert requests(message("One", "Two", warning="Spoilers", language="en")) == [
        {"status": text, "visibility": "public", "language": "en", "spoiler_text": "Spoilers"}
        for text in ("One", "Two")]


@pytest.mark.parametrize(("text", "warning", "over"), [
    ("x" * 490, "y" * 10, []), ("x" * 491, "y" * 10, [("TXT001", "501/500 on mastodon.", 7)]),
    ("x" * 470, "https://a.io/" + "y" * 17, []),
    ("x" * 470, "https://a.io/" + "y" * 18, [("TXT001", "501/500 on mastodon.", 7)]),
    ("https://a.io/" + "y" * 900, "z" * 477, []),
], ids=["fits", "one too many", "a link in it counts whole", "one letter more", "a link in the text does not"])
def test_a_warning_counts_with_the_text(text, warning, over):
    """The server counts both together; it makes no link of an address in the warning."""
    assert said(message(text, warning=warning)) == over


@given(text=TEXTS, warning=TEXTS)
def test_a_warning_never_makes_a_post_shorter(text, warning):
    """With any warning the count is at least what the text counts, and none at all changes nothing."""
    assert length(text, 23, "") == length(text, 23)
    assert length(text, 23, f"{warning}\n") >= length(text, 23)


def test_a_warning_arrives_and_is_looked_for(adapter, twin):
    """The same text without the warning, or with another, is another post."""
    plan, receipt = sent(adapter, message("A burnt kettle", warning="Burns & scalds"))
    for warning in ("", "Burns", "Fire"):
        twin.keep(account="@mill", text="A burnt kettle",
                  extra={"language": None, "visibility": "public", "spoiler_text": warning})

    (post, *_) = twin.posts
    assert (post.extra["spoiler_text"], post.extra["sensitive"]) == ("Burns & scalds", True)
    assert adapter.find(plan, 0, NOON - timedelta(minutes=5), base.Sent()) == ((receipt,), True)


@pytest.mark.parametrize(("name", "shown"), [("dawn.png", "🖼"), ("mill.mp4", "📹"), ("mill.mp3", "🎵")])
def test_a_picture_behind_a_warning_alone_is_found(adapter, twin, name, shown):
    """Where there is no text, the server writes a sign behind the warning; the post is ours all the same."""
    plan, receipt = sent(adapter, message(with_media("", file(name)), warning="Fire"))

    assert twin.posts[0].text == shown
    assert adapter.find(plan, 0, NOON - timedelta(minutes=5), base.Sent()) == ((receipt,), True)


@pytest.mark.parametrize("told", ["Fire &amp; ice", "<p>Fire & ice</p>", "Fire  & ice\n"])
def test_a_warning_is_read_as_each_server_writes_it(told):
    """Some give it as text, some as HTML; white space does not count."""
    (part,) = Mastodon(base.Connection("@mill")).compose(message("x", warning="Fire & ice")).parts

    assert says({"content": "<p>x</p>", "spoiler_text": told, "media_attachments": []}, part)
    assert not says({"content": "<p>x</p>", "media_attachments": []}, part)


# --- polls -----------------------------------------------------------------------------------------------------------

def test_a_poll_goes_with_the_first_part():
    """Answers and seconds as the server wants them; the parts that follow have none."""
    assert [one.get("poll") for one in requests(message("Which?", "More", poll=poll("Steel", "Copper")))] == [
        {"options": ["Steel", "Copper"], "expires_in": 86_400}, None]
    assert requests(message("Which?", poll=poll("A", "B"),
                            options={"poll_multiple": True, "poll_hide_totals": "false"}))[0]["poll"] == {
        "options": ["A", "B"], "expires_in": 86_400, "multiple": True, "hide_totals": False}


FOUR = ("1", "2", "3", "4")


@pytest.mark.parametrize(("asked", "problems"), [
    (poll(*FOUR), []), (poll(*FOUR, "5"), [("TXT001", "5/4 answers of a poll on mastodon.", 5)]),
    (poll("a", "b" * 50), []),
    (poll("a", "b" * 51), [("TXT001", f"51/50 characters of an answer on mastodon: {'b' * 51}", 5)]),
    (poll("a", "b", lasts_s=300), []), (poll("a", "b", lasts_s=2_592_000), []),
    (poll("a", "b", lasts_s=240), [("TXT006", "A poll on mastodon runs from 5m to 30d, and this one 4m.", 5)]),
    (poll("a", "b", lasts_s=2_678_400), [("TXT006", "A poll on mastodon runs from 5m to 30d, and this one 31d.", 5)]),
    (poll("a", "a"), [("TXT006", "The poll offers the same answer twice on mastodon.", 5)]),
])
def test_a_poll_is_judged_as_the_server_does(asked, problems):
    """Each limit once inside and once outside."""
    assert said(message("Which?", poll=asked)) == problems


def test_a_poll_and_a_picture_are_two_posts():
    """Servers before 4.6 take one or the other; in a later part of the thread a picture may stand."""
    assert [one[:2] for one in said(message(with_media("Which?", file("dawn.png")), poll=poll("a", "b")))] == [
        ("TXT006", "mastodon takes a poll or pictures, not both in one post.")]
    assert said(message("Which?", with_media("Look", file("dawn.png")), poll=poll("a", "b"))) == []


def test_a_poll_arrives(adapter, twin):
    """It stands under the post as it was asked, and the post is found."""
    plan, receipt = sent(adapter, message("Which?", poll=poll("Steel", "Copper", lasts_s=3600)))

    asked = twin.posts[0].extra["poll"]
    assert ([one["title"] for one in asked["options"]], asked["expires_at"], asked["multiple"]) == (
        ["Steel", "Copper"], "2026-11-22T13:00:00.000Z", False)
    assert adapter.find(plan, 0, NOON - timedelta(minutes=5), base.Sent()).matches == (receipt,)


# --- films and sounds ------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("media", "problems"), [
    ((file("a.mp4", 103_809_024, probe=Probe("mp4", 3840, 2160, 9.0)),), []),
    ((file("a.mp4", 103_809_025),), [("TXT001", "103,809,025/103,809,024 bytes on mastodon: media/a.mp4.", 3)]),
    ((file("a.mov", probe=Probe("mov", 3840, 2161, 9.0)),),
     [("TXT001", "3840 × 2161 is 8,298,240/8,294,400 pixels of video on mastodon: media/a.mov.", 3)]),
    ((file("a.mp3"),), []), ((file("a.opus"),), []),
    ((file("a.mkv"),), [("TXT006", "mastodon does not take .mkv files: media/a.mkv.", 3)]),
    ((file("a.mp4"), file("b.webm")), [("TXT001", "2/1 videos on mastodon.", 3)]),
    ((file("a.mp4"), file("b.png")),
     [("TXT006", "mastodon takes images or a video, not both in one post.", 3)]),
    ((file("a.gif"), file("b.png")), []),
    ((file("a.mp4", captions=file("a.vtt")),),
     [("SUP002", "mastodon takes no subtitles: a.vtt is not sent.", 3)]),
], ids=lambda value: ", ".join(media.name for media in value) if isinstance(value[:1], tuple) and value
    and isinstance(value[0], Media) else None)
def test_films_and_sounds_are_judged_as_the_server_does(media, problems):
    """One film or one sound, alone; each limit once inside and once outside."""
    assert said(message(with_media("Look", *media))) == problems


def test_what_a_channel_says_of_its_server_counts():
    """`limits:` of a channel are its server's own numbers."""
    assert said(message(with_media("x", file("a.mp4", 2_000)), limits={"video_bytes": 1_000}))[0][1] == (
        "2,000/1,000 bytes on mastodon: media/a.mp4.")
    assert said(message("x", poll=poll(*FOUR, "5"), limits={"poll_options": 5})) == []


def test_only_subtitles_are_a_warning():
    """The post goes out without them; everything else is an error."""
    given = message(with_media("Look", file("a.mp4", 103_809_025, captions=file("a.vtt"))))

    assert [problem.severity for problem in Mastodon(base.Connection("@mill")).check(given)] == [
        Severity.error, Severity.warning]


@pytest.mark.parametrize(("name", "mime"), [
    ("a.MP4", "video/mp4"), ("a.m4v", "video/mp4"), ("a.mov", "video/quicktime"), ("a.webm", "video/webm"),
    ("a.mp3", "audio/mpeg"), ("a.opus", "audio/ogg"), ("a.m4a", "audio/mp4"), ("a.jpeg", "image/jpeg"),
    ("a", "application/octet-stream"), ("", "application/octet-stream")])
def test_files_say_what_they_are(name, mime):
    """The server goes by the type that the upload names."""
    assert mime_of(name) == mime


@pytest.mark.parametrize(("name", "form"), [("mill.mp4", "video"), ("mill.ogg", "audio")])
def test_a_film_arrives_once_it_is_ready(adapter, networks, twin, name, form):
    """Uploaded once, waited for, attached with its description."""
    plan, receipt = sent(adapter, message(with_media("It turns", file(name))))

    shown = httpx.get(f"{networks.address('mastodon')}/api/v1/statuses/{receipt.id}").json()["media_attachments"]
    assert [(one["type"], one["description"]) for one in shown] == [(form, "A mill")]
    assert len(twin.media) == 1
    assert adapter.find(plan, 0, NOON - timedelta(minutes=5), base.Sent()).matches == (receipt,)


def test_a_film_that_is_not_ready_keeps_the_post_back(adapter, twin):
    """Nothing is posted, and it is no refusal: the next attempt has the same upload."""
    plan = adapter.compose(message(with_media("It turns", file("mill.mp4"))))
    handles = adapter.prepare(plan, 0, lambda blob: blob.encode())
    (id,) = twin.media
    twin._looks[id] = 1

    with pytest.raises(Unavailable, match="still processing"):
        adapter.publish(plan, 0, base.Sent(handles=handles))
    adapter.publish(plan, 0, base.Sent(handles=handles))

    assert (len(twin.posts), len(twin.media)) == (1, 1)


# --- options ---------------------------------------------------------------------------------------------------------

def test_options_are_sent_as_the_server_calls_them():
    """Each option is one field, and what is not chosen is the account's own setting."""
    chosen = {"visibility": "unlisted", "sensitive": True, "quotes": "followers"}

    assert requests(message("x", options=chosen)) == [
        {"status": "x", "visibility": "unlisted", "sensitive": True, "quote_approval_policy": "followers"}]
    assert requests(message("x", language="de-AT")) == [{"status": "x", "visibility": "public", "language": "de"}]


@pytest.mark.parametrize(("name", "value", "what"), [
    ("visibility", "direct", "'visibility' cannot be direct on mastodon."),
    ("quotes", "friends", "'quotes' cannot be friends on mastodon."),
    ("sensitive", "perhaps", "'sensitive' cannot be perhaps on mastodon."),
    ("color", "red", "mastodon has no option 'color' (mastodon)."),
])
def test_what_a_post_cannot_choose_is_said(name, value, what):
    """A private mention is no post of a campaign; words that are none are refused before anything is sent."""
    assert [problem[1] for problem in said(message("x", options={name: value}))] == [what]


def test_options_arrive(adapter, twin):
    """The twin has them as the server would."""
    sent(adapter, message("x", options={"visibility": "private", "sensitive": True, "quotes": "nobody"}))

    extra = twin.posts[0].extra
    assert (extra["visibility"], extra["sensitive"], extra["quote_approval_policy"]) == ("private", True, "nobody")


class Listener(MastodonTwin):
    """A server that keeps what was asked of it."""

    def __init__(self) -> None:
        super().__init__(lambda: NOON)
        self.asked: list[tuple[dict[str, str], Any]] = []

    async def _post_status(self, request: Request) -> Response:
        self.asked.append((dict(request.headers), json.loads(await request.body())))
        return await super()._post_status(request)


def test_the_whole_request_on_the_wire():
    """One JSON body with every field as documented, the token and the key in headers, nothing else of ours."""
    twin = Listener()
    given = message(with_media("Look", file("a.png"), file("b.png")), "More", warning="Fire", language="en-GB",
                    options={"visibility": "unlisted", "sensitive": False, "quotes": "public"})
    with Rehearsal([twin]) as running:
        secrets = {"access_token": SecretStr("rehearsal:@mill"), "base_url": SecretStr("https://tools.social.example")}
        adapter = Mastodon(base.Connection("@mill", secrets, running.address("mastodon"), 2.0, 5.0))
        plan, first = sent(adapter, given)
        adapter.publish(plan, 1, base.Sent((first,)))

    assert [body for _, body in twin.asked] == [
        {"status": "Look", "visibility": "unlisted", "language": "en", "spoiler_text": "Fire", "sensitive": False,
         "quote_approval_policy": "public", "media_ids": list(twin.media)},
        {"status": "More", "visibility": "unlisted", "language": "en", "spoiler_text": "Fire", "sensitive": False,
         "quote_approval_policy": "public", "in_reply_to_id": first.id}]
    assert [(headers["authorization"], headers["idempotency-key"]) for headers, _ in twin.asked] == [
        ("Bearer rehearsal:@mill", part.key) for part in plan.parts]


# --- the twin refuses what a server refuses --------------------------------------------------------------------------

@pytest.mark.parametrize(("body", "said"), [
    ({"status": "x" * 491, "spoiler_text": "y" * 10}, "Text character limit of 500 exceeded"),
    ({"status": "x", "poll": {"options": ["a"], "expires_in": 300}}, "Poll options must have more than one item"),
    ({"status": "x", "poll": {"options": list("abcde"), "expires_in": 300}}, "can't contain more than 4 items"),
    ({"status": "x", "poll": {"options": ["a", "b" * 51], "expires_in": 300}}, "can't be longer than 50 characters"),
    ({"status": "x", "poll": {"options": ["a", "a"], "expires_in": 300}}, "contain duplicate items"),
    ({"status": "x", "poll": {"options": ["a", "b"], "expires_in": 299}}, "Expires at is too soon"),
    ({"status": "x", "poll": {"options": ["a", "b"], "expires_in": 2_629_747}}, "too far into the future"),
    ({"poll": {"options": ["a", "b"], "expires_in": 300}}, "Text can't be blank"),
    ({"status": "x", "visibility": "all"}, "'all' is not a valid visibility"),
    ({"status": "x", "quote_approval_policy": "all"}, "'all' is not a valid quote_approval_policy"),
])
def test_the_twin_refuses(networks, twin, body, said):
    """What no server takes leaves nothing."""
    answer = httpx.post(f"{networks.address('mastodon')}/api/v1/statuses", json=body,
                        headers={"Authorization": "Bearer rehearsal:@mill"})

    assert (answer.status_code, twin.posts) == (422, [])
    assert said in answer.json()["error"]


def test_the_twin_takes_a_film_alone(adapter):
    """A film beside a picture is refused in the server's own words."""
    plan = adapter.compose(message(with_media("x", file("a.mp4"), file("b.png"))))
    handles = adapter.prepare(plan, 0, lambda blob: blob.encode())

    with pytest.raises(Rejected, match="Cannot attach a video to a post that already contains images"):
        adapter.publish(plan, 0, base.Sent(handles=handles))


def test_hostile_warnings_are_counted_in_one_walk():
    """64 kB of anything in a warning and in a text is counted and judged; a repeated look would take minutes."""
    for piece in ("https://", "@a@", "👩\u200d", "<p>", "e\u0301", "("):
        words = piece * (64_000 // len(piece))
        counted = length(words, 23, words)
        assert counted <= 2 * len(words)
        assert [problem[1] for problem in said(message(words, warning=words))] == [f"{counted}/500 on mastodon."][
            :counted > 500]
