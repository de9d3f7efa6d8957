"""What only Reddit has: subreddits, forms, refusals with status 200, pages of a listing, signing in."""
import base64
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from chat_peer import Peer, Told
from contract_case import OURS, message, part, picture
from hypothesis import given
from hypothesis import strategies as some
from pydantic import SecretStr
from reddit_case import post, signed

from publishers import reddit
from publishers._reddit_text import pieces_of, plain, subreddit_of
from publishers.base import Connection, Sent
from publishers.reddit import Reddit
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.reddit_twin import RedditTwin
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
BEFORE = NOON - timedelta(minutes=5)
DATE = ("Date", "Sun, 22 Nov 2026 12:00:00 GMT")
TOKEN = "".join(("bearer-", "planted8f1c"))              # so that no source line in a traceback holds it
SECRET = "".join(("app-", "planted77aa"))
AGENT = "python:drumbeat:v1 (by /u/us)"
PLAIN = post("A *kettle*")
YES = Told(200, {"json": {"errors": [], "data": {"id": "1abc2de", "name": "t3_1abc2de", "drafts_count": 0,
                                                 "url": "https://www.reddit.com/r/mills/comments/1abc2de/a_kettle/"}}})
ME = Told(200, {"id": "9xyz", "name": "us", "is_suspended": False, "has_verified_email": True})


def at(address: str | None, **fields: str) -> Reddit:
    given = {"client_id": "k3ttle", "client_secret": SECRET, "access_token": TOKEN, **fields}
    secrets = {name: SecretStr(value) for name, value in given.items() if value}
    return Reddit(Connection(OURS, secrets, address, 5.0, 20.0))


def told(said: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in at(None).check(said) if problem.severity == severity]


def form(body: bytes) -> dict[str, str]:
    return dict(parse_qsl(body.decode(), keep_blank_values=True))


def publish(made: Reddit, said: Message = PLAIN, number: int = 0, *parts: PartReceipt) -> PartReceipt:
    return made.publish(made.compose(said), number, Sent(parts))


def errors(*rows: list[str], **more: Any) -> Told:
    return Told(200, {"json": {"errors": list(rows), **more}}, (DATE,))


def tells_nothing(error: BaseException) -> bool:
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += f"{deeper!r}{deeper.args}"
        deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
    return TOKEN not in story and SECRET not in story


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def networks(clock) -> Iterator[Rehearsal]:
    with Rehearsal([RedditTwin(clock)]) as running:
        yield running


@pytest.fixture
def adapter(networks) -> Reddit:
    secrets = {name: SecretStr(value) for name, value in signed(OURS).items()}
    return Reddit(Connection(OURS, secrets, networks.address("reddit"), 5.0, 20.0))


# --- thinking --------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("given", "name"), [
    ("r/mills", "mills"), ("mills", "mills"), ("/r/Old_Mills/", "Old_Mills"), ("u/us-all", "u_us-all"),
    ("user/us_all", "u_us_all"), ("u_us-all", "u_us-all"), ("r/ab", "ab"), (f"r/{'a' * 21}", "a" * 21),
    ("r/a", ""), (f"r/{'a' * 22}", ""), ("r/mills+kettles", ""), ("r/mills/comments", ""), ("r/", ""), ("", ""),
    ("https://www.reddit.com/r/mills", ""), ("r/_mills", ""), ("u/us", ""), ("r/mühle", "")])
def test_a_subreddit_is_named_in_any_usual_way(given, name) -> None:
    """r/NAME, the bare name, and u/NAME for a profile; anything else is refused before it is sent."""
    assert subreddit_of(post("Fine", sub=given)) == name
    assert (told(post("Fine", sub=given)) == []) == bool(name)


def test_a_text_is_one_form_whole() -> None:
    """What leaves is the documented form, once, with the token and a name for who is calling."""
    with Peer(YES) as peer:
        receipt = publish(at(peer.address), post(
            "A *kettle* & more", title="A  kettle\nmended", warning="Steam", options={
                "nsfw": True, "sendreplies": False, "flair_id": "c0ffee", "flair_text": "Mended"}))
    (heard,) = peer.heard
    assert (heard.method, heard.path) == ("POST", "/api/submit")
    assert (heard.headers["authorization"], heard.headers["user-agent"]) == (f"Bearer {TOKEN}", AGENT)
    assert form(heard.body) == {
        "api_type": "json", "kind": "self", "sr": "mills", "title": "A kettle mended", "text": "A *kettle* & more",
        "sendreplies": "false", "nsfw": "true", "spoiler": "true", "flair_id": "c0ffee", "flair_text": "Mended",
        "validate_on_submit": "true"}
    assert receipt == PartReceipt(id="t3_1abc2de", url="https://www.reddit.com/r/mills/comments/1abc2de/a_kettle/")


def test_a_link_is_posted_once_by_the_subreddits_rule() -> None:
    """A card makes a link post, with the text below it; a repeat of the link is to be refused unless it is wanted."""
    with Peer(YES) as peer:
        publish(at(peer.address), post("As it was", card="https://example.org/k?a=b"))
        publish(at(peer.address), post("Again", link="https://example.org/k", options={
            "kind": "link", "resubmit": True}))
    first, second = (form(heard.body) for heard in peer.heard)
    assert (first["kind"], first["url"], first["text"], first["resubmit"]) == ("link", "https://example.org/k?a=b",
                                                                               "As it was", "false")
    assert (second["kind"], second["url"], second["resubmit"]) == ("link", "https://example.org/k", "true")


def test_a_comment_stands_under_the_post() -> None:
    """The first comment is a call of its own, and its receipt its own name and address."""
    yes = Told(200, {"json": {"errors": [], "data": {"things": [{"kind": "t1", "data": {
        "id": "k9", "name": "t1_k9", "permalink": "/r/mills/comments/1abc2de/a_kettle/k9/"}}]}}})
    with Peer(yes) as peer:
        receipt = publish(at(peer.address), post("A kettle", part("And *below*", kind="comment")), 1,
                          PartReceipt(id="t3_1abc2de"))
    (heard,) = peer.heard
    assert heard.path == "/api/comment"
    assert form(heard.body) == {"api_type": "json", "thing_id": "t3_1abc2de", "text": "And *below*"}
    assert receipt == PartReceipt(id="t1_k9", url="https://www.reddit.com/r/mills/comments/1abc2de/a_kettle/k9/")


@pytest.mark.parametrize(("said", "sent"), [
    (part("Mended\n\n#mill #old_tools", markdown="**Mended**"), "**Mended**\n\n\\#mill \\#old\\_tools"),
    (part("1. five * three_four", markdown=""), r"1\. five \* three\_four"),
    (part("See https://example.org/a_b. Now", markdown=""), r"See https://example.org/a_b. Now"),
    (part("#mill", markdown=""), r"\#mill"),
])
def test_signs_that_nobody_meant_are_letters(said, sent) -> None:
    """A hashtag makes no heading, and a text without Markdown stays as it is; addresses stay whole."""
    (piece,) = pieces_of(post(said, hashtags=("mill", "old_tools")))
    assert piece.text == sent


@given(some.text(max_size=300))
def test_a_text_without_markdown_always_reads_as_it_stands(text) -> None:
    """No sign in a text that was never Markdown becomes one of Markdown's."""
    from markdown_it import MarkdownIt

    text = " ".join(text.replace("\0", "").split())
    (piece,) = pieces_of(post(part(text, markdown="")))
    tokens = MarkdownIt("commonmark").parse(piece.text)
    assert {token.type for token in tokens} <= {"paragraph_open", "paragraph_close", "inline"}
    assert "".join(child.content for token in tokens for child in token.children or ()) == text


def test_limits_once_inside_and_once_outside() -> None:
    """300 letters of title, 40,000 of Markdown, 10,000 of a comment, 64 of flair."""
    for inside, outside in (
            (post("x", title="t" * 300), post("x", title="t" * 301)),
            (post("x" * 40_000), post("x" * 40_001)),
            (post("x", part("c" * 10_000, kind="comment")), post("x", part("c" * 10_001, kind="comment"))),
            (post("x", options={"flair_text": "f" * 64}), post("x", options={"flair_text": "f" * 65}))):
        assert told(inside) == []
        assert len(told(outside)) == 1
    assert told(post("x" * 30_000, "y" * 10_000)) != []             # joined they are one text


def test_what_reddit_has_not_is_said_plainly() -> None:
    """Pictures and films are refused with the reason; a warning's words and a poll are told to be lost."""
    (said,) = told(post(part("A kettle", picture())))
    assert "does not name the post" in said
    (lost,) = told(post("A kettle", warning="Hot steam"), Severity.warning)
    assert "spoiler" in lost
    assert "Hot steam" in lost
    with Peer(YES) as peer, pytest.raises(Rejected):
        publish(at(peer.address), post(part("A kettle", picture())))
    assert peer.heard == []


def test_hostile_texts_are_read_in_steps_that_grow_with_them() -> None:
    """64 kB of signs are checked and composed; nothing is quadratic, so this ends."""
    for text in ("[" * 65_536, "#a " * 21_845, "https://" * 8_192, "> " * 32_768, "_*" * 32_768):
        said = post(part(text, markdown=""), hashtags=("a",))
        assert at(None).compose(said).parts[0].text
        at(None).check(said)


@pytest.mark.parametrize(("said", "id"), [
    ("https://www.reddit.com/r/mills/comments/1abc2de/a_kettle/", "t3_1abc2de"),
    ("https://old.reddit.com/r/mills/comments/1abc2de", "t3_1abc2de"),
    ("reddit.com/comments/1abc2de/", "t3_1abc2de"),
    ("https://redd.it/1abc2de", "t3_1abc2de"),
    ("https://www.reddit.com/user/us/comments/1abc2de/a_kettle/?utm_source=share", "t3_1abc2de"),
    ("https://www.reddit.com/r/mills/comments/1abc2de/a_kettle/k9x/", "t1_k9x"),
    ("t3_1abc2de", "t3_1abc2de"), ("t1_k9x", "t1_k9x"), (" 1abc2de ", "t3_1abc2de")])
def test_addresses_that_people_paste(said, id) -> None:
    """Each usual address, a comment's too, gives the name that Reddit uses."""
    assert at(None).receipt_of(said).id == id


@pytest.mark.parametrize("said", [
    "https://www.reddit.com/r/mills/s/AbCdEf1234", "https://www.reddit.com/r/mills/", "https://x.com/a/status/1", "",
    "https://www.reddit.com.evil.example/comments/1abc2de", "t5_2qh1i", "https://redd.it/1abc/2de", "ÄÖ",
    "https://www.reddit.com/r/mills/comments/1ABC2DE/x/"])
def test_other_addresses_are_refused(said) -> None:
    """What names no post is said to be none, with an example."""
    with pytest.raises(ValueError, match="looks like"):
        at(None).receipt_of(said)


# --- answers ---------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("answer", "error", "until"), [
    (errors(["RATELIMIT", "Take a break for 9 minutes before trying again.", "ratelimit"], ratelimit=540.5),
     RateLimited, timedelta(seconds=540.5)),
    (errors(["RATELIMIT", "you are doing that too much. try again in 34 minutes.", "vdelay"]), RateLimited,
     timedelta(minutes=35)),
    (errors(["RATELIMIT", "Take a break for 5 seconds before trying again.", "ratelimit"]), RateLimited,
     timedelta(seconds=6)),
    (errors(["RATELIMIT", "later", "ratelimit"], ratelimit=True), RateLimited, None),
    (errors(["QUOTA_FILLED", "You've submitted too many links recently. Please try again in an hour.", "x"]),
     RateLimited, None),
    (errors(["SUBREDDIT_RATELIMIT", "you are doing that too much. try again later.", "x"]), RateLimited, None),
    (errors(["ALREADY_SUB", "that link has already been submitted", "url"]), Unconfirmed, None),
    (errors(["NO_TEXT", "we need something here", "title"], ["ALREADY_SUB", "x", "url"]), Unconfirmed, None),
    (errors(["SOMETHING_IS_BROKEN", "Something is broken, please try again later.", "sr"]), Unconfirmed, None),
    (errors(["INTERNAL_SERVER_ERROR", "", ""]), Unconfirmed, None),
    (errors([]), Unconfirmed, None),
    (errors(["USER_REQUIRED", "Please log in to do that.", None]), Unauthorized, None),  # type: ignore[list-item]
    (errors(["VERIFIED_USER_REQUIRED", "you need to set a valid email address", ""]), Unauthorized, None),
    (errors(["SUBREDDIT_NOTALLOWED", "you aren't allowed to post there.", "sr"]), Rejected, None),
    (errors(["SUBREDDIT_NOEXIST", "that subreddit doesn't exist", "sr"]), Rejected, None),
    (errors(["NO_TEXT", "we need something here", "title"]), Rejected, None),
    (errors(["TOO_LONG", "this is too long (max: 300)", "title"]), Rejected, None),
    (errors(["NO_SELFS", "that subreddit doesn't allow text posts", "sr"]), Rejected, None),
    (errors(["NO_LINKS", "that subreddit only allows text posts", "sr"]), Rejected, None),
    (errors(["SUBMIT_VALIDATION_FLAIR_REQUIRED", "Your post must contain post flair.", "flair"]), Rejected, None),
    (errors(["DOMAIN_BANNED", "example.org is not allowed on reddit", "url"]), Rejected, None),
    (Told(403, {"message": "Forbidden", "error": 403, "reason": "private"}), Rejected, None),
    (Told(403, {"message": "Forbidden", "error": 403}, (("WWW-Authenticate", 'Bearer realm="reddit", error='
                                                         '"insufficient_scope"'),)), Unauthorized, None),
    (Told(403, {"reason": "USER_REQUIRED", "explanation": "Please log in to do that."}), Unauthorized, None),
    (Told(429, {"message": "Too Many Requests", "error": 429}, (DATE, ("x-ratelimit-reset", "123"))), RateLimited,
     timedelta(seconds=123)),
    (Told(429, {}, (DATE, ("x-ratelimit-reset", "99999999"))), RateLimited, None),
    (Told(500, {"message": "Internal Server Error", "error": 500}), Unconfirmed, None),
    (Told(200, {"json": {"errors": [], "data": {"websocket_url": "wss://k8s.example"}}}), Unconfirmed, None),
    (Told(200, {"json": {"errors": [], "data": {"things": []}}}), Unconfirmed, None),
    (Told(200, {"json": {"errors": [], "data": {"name": "t5_2qh1i"}}}), Unconfirmed, None),
    (Told(200, {"jquery": [], "success": False}), Unconfirmed, None),
], ids=str)
def test_each_answer_means_one_thing(answer, error, until) -> None:
    """Reddit's refusals with status 200 and its own error codes, each as what it proves."""
    with Peer(answer) as peer, pytest.raises(PublishError) as caught:
        publish(at(peer.address))
    assert type(caught.value) is error
    assert len(peer.heard) == 1
    assert tells_nothing(caught.value)
    if isinstance(caught.value, RateLimited):
        assert caught.value.until == (NOON + until if until else None)


@pytest.mark.parametrize("sub", ["linksonly", "closed", "missing", "flaired"])
def test_the_subreddits_own_rules_are_told_in_its_words(adapter, sub) -> None:
    """What a subreddit does not take is refused, and nothing is there."""
    with pytest.raises(Rejected) as caught:
        publish(adapter, post("A kettle", sub=sub))
    assert "Reddit refused it: " in caught.value.why


def test_a_repeated_link_is_looked_up_and_found(adapter) -> None:
    """The second try of a lost link is refused by Reddit, which is no proof: the look names the first one."""
    said = post("", card="https://example.org/kettle")
    outgoing = adapter.compose(said)
    first = adapter.publish(outgoing, 0, Sent())
    with pytest.raises(Unconfirmed):
        adapter.publish(outgoing, 0, Sent())
    assert adapter.find(outgoing, 0, BEFORE, Sent()) == ((first,), True)


# --- reading back ----------------------------------------------------------------------------------------------------

def listing(*entries: dict[str, Any], after: str | None = None) -> Told:
    children = [{"kind": "t3", "data": entry} for entry in entries]
    return Told(200, {"kind": "Listing", "data": {"after": after, "children": children}})


def entry(**more: Any) -> dict[str, Any]:
    return {"name": "t3_1abc2de", "title": "A kettle", "subreddit": "Mills", "is_self": True, "selftext": "A *kettle*",
            "created_utc": NOON.timestamp(), "edited": False, "permalink": "/r/mills/comments/1abc2de/a_kettle/",
            "url": "https://www.reddit.com/r/mills/comments/1abc2de/a_kettle/", **more}


@pytest.mark.parametrize(("entries", "ids", "complete"), [
    ([entry()], ["t3_1abc2de"], True),
    ([entry(selftext="A *kettle*\n")], ["t3_1abc2de"], True),
    ([entry(created_utc=(BEFORE - timedelta(seconds=1)).timestamp())], [], True),
    ([entry(title="Another")], [], True),
    ([entry(subreddit="kettles")], [], True),
    ([entry(selftext="Other words")], [], True),
    ([entry(selftext="Other words", edited=NOON.timestamp() + 60)], [], False),
    ([entry(selftext="[removed]")], [], False),
    ([entry(is_self=False)], [], True),
    ([entry(), entry(name="t3_2")], ["t3_1abc2de", "t3_2"], True),
    ([entry(), entry()], ["t3_1abc2de"], True),
])
def test_a_look_judges_each_post(entries, ids, complete) -> None:
    """Same subreddit, title and text; one that was edited or removed since may have been it."""
    with Peer(ME, listing(*entries)) as peer:
        made = at(peer.address)
        found = made.find(made.compose(PLAIN), 0, BEFORE, Sent())
    assert ([match.id for match in found.matches], found.complete) == (ids, complete)
    assert [heard.path for heard in peer.heard] == [
        "/api/v1/me?raw_json=1", "/user/us/submitted?sort=new&limit=100&raw_json=1"]


def test_a_look_at_links_compares_where_they_lead() -> None:
    """A host in capitals and a slash at the end are the same; another address may be the same post changed."""
    said = post("", card="https://Example.org/kettle/")
    for url, ids, complete in (("https://example.org/kettle", ["t3_1abc2de"], True), ("https://x.example/", [], False)):
        with Peer(ME, listing(entry(is_self=False, selftext="", url=url))) as peer:
            made = at(peer.address)
            found = made.find(made.compose(said), 0, BEFORE, Sent())
        assert ([match.id for match in found.matches], found.complete) == (ids, complete)
        assert all("kettle" in (match.url or "") for match in found.matches)


def test_a_comment_is_looked_for_under_its_post() -> None:
    """The account's comments, and of them those under this very post."""
    rows = [{"name": f"t1_k{n}", "body": "Below", "parent_id": parent, "created_utc": NOON.timestamp(), "edited": False,
             "permalink": f"/r/mills/comments/1/x/k{n}/"} for n, parent in enumerate(("t3_1abc2de", "t3_other"))]
    with Peer(ME, listing(*rows)) as peer:
        made = at(peer.address)
        outgoing = made.compose(post("A kettle", part("Below", kind="comment")))
        found = made.find(outgoing, 1, BEFORE, Sent((PartReceipt(id="t3_1abc2de"),)))
    assert ([match.id for match in found.matches], found.complete) == (["t1_k0"], True)
    assert peer.heard[1].path.startswith("/user/us/comments?")


def test_a_look_reads_every_page_until_all_is_old() -> None:
    """It goes on while there is a next page, past an old post that is pinned; a list without an end is incomplete."""
    old = (BEFORE - timedelta(days=9)).timestamp()
    pinned = entry(name="t3_9", created_utc=old, title="Pinned")
    pages = [listing(pinned, entry(name="t3_8", title="Other"), after="t3_8"), listing(entry(), after="t3_7"),
             listing(entry(name="t3_6", created_utc=old), after="t3_6")]
    with Peer(ME, *pages) as peer:
        made = at(peer.address)
        assert [match.id for match in made.find(made.compose(PLAIN), 0, BEFORE, Sent()).matches] == ["t3_1abc2de"]
    asked = [dict(parse_qsl(urlsplit(heard.path).query)).get("after") for heard in peer.heard[1:]]
    assert asked == [None, "t3_8", "t3_7"]

    with Peer(ME, listing(entry(title="Other"), after="t3_8")) as peer:
        made = at(peer.address)
        assert made.find(made.compose(PLAIN), 0, BEFORE, Sent()) == ((), False)
    assert len(peer.heard) == 1 + reddit.MOST_PAGES


@pytest.mark.parametrize("odd", [Told(200, {"kind": "Listing", "data": {"children": [{"data": 1}], "after": None}}),
                                 Told(200, {"kind": "t3"}), listing({"title": "A kettle"}), listing(entry(name=17)),
                                 listing(entry(), after=3)])  # type: ignore[arg-type]
def test_a_list_in_another_form_is_no_answer(odd) -> None:
    """What is not documented proves nothing."""
    outgoing = at(None).compose(PLAIN)
    with Peer(ME, odd) as peer, pytest.raises(Unavailable):
        at(peer.address).find(outgoing, 0, BEFORE, Sent())


@given(some.text(max_size=200))
def test_a_text_always_equals_itself_however_its_white_space_is_changed(text) -> None:
    """Reddit trims texts and may compose letters anew."""
    import unicodedata

    assert plain(unicodedata.normalize("NFD", text)) == plain(f"  {text}\n\n")


# --- accounts --------------------------------------------------------------------------------------------------------

def test_tokens_are_renewed_by_either_of_two_ways() -> None:
    """The refresh token goes first; a script app's owner is signed in by name and password."""
    yes = Told(200, {"access_token": "new", "token_type": "bearer", "expires_in": 86_400, "scope": "*"}, (DATE,))
    with Peer(yes) as peer:
        fresh = at(peer.address, refresh_token="again").refresh()
        at(peer.address, username="us", password="hunter2").refresh()
    assert fresh == {"access_token": "new", "expires_at": "2026-11-23T12:00:00Z"}
    basic = f"Basic {base64.b64encode(f'k3ttle:{SECRET}'.encode()).decode()}"
    assert [(heard.path, heard.headers["authorization"], heard.headers["user-agent"], form(heard.body))
            for heard in peer.heard] == [
        ("/api/v1/access_token", basic, AGENT, {"grant_type": "refresh_token", "refresh_token": "again"}),
        ("/api/v1/access_token", basic, AGENT, {"grant_type": "password", "username": "us", "password": "hunter2"})]
    with pytest.raises(Unauthorized):
        at(None).refresh()


@pytest.mark.parametrize(("answer", "dead"), [
    (Told(200, {"error": "invalid_grant"}), True),
    (Told(400, {"message": "Bad Request", "error": "invalid_grant"}), True),
    (Told(400, {"error": "unsupported_grant_type"}), False),
    (Told(401, {"message": "Unauthorized", "error": 401}), False)])
def test_a_token_that_is_not_given_is_said_to_be(answer, dead) -> None:
    """Refused with status 200 or not: somebody has to sign in again, and no secret is told."""
    with Peer(answer) as peer, pytest.raises(Unauthorized) as caught:
        at(peer.address, refresh_token=TOKEN).refresh()
    assert caught.value.dead is dead
    assert tells_nothing(caught.value)


def test_a_person_says_yes_in_a_browser(networks) -> None:
    """The page asks for what is needed and no more, for good; its code buys the tokens."""
    made = Reddit(Connection(OURS, {"client_id": SecretStr(OURS), "client_secret": SecretStr("rehearsal:x")},
                             networks.address("reddit")))
    page = made.authorization("http://127.0.0.1:8976/", "st4te", "verifier")
    assert dict(parse_qsl(urlsplit(page).query)) == {
        "client_id": OURS, "response_type": "code", "state": "st4te", "redirect_uri": "http://127.0.0.1:8976/",
        "duration": "permanent", "scope": "identity submit edit history"}
    back = dict(parse_qsl(urlsplit(httpx.get(page).headers["location"]).query))
    assert back["state"] == "st4te"
    fields = made.exchange(back["code"], "http://127.0.0.1:8976/", "verifier")
    assert fields["access_token"] == fields["refresh_token"] == f"rehearsal:{OURS}"
    assert set(fields) == {"access_token", "refresh_token", "expires_at"}


def test_the_page_stands_at_reddit_itself() -> None:
    """Without a rehearsal the page is the one of www.reddit.com."""
    assert at(None).authorization("http://127.0.0.1:8976/", "s", "v").startswith(
        "https://www.reddit.com/api/v1/authorize?client_id=k3ttle&response_type=code&state=s&")


def test_verify_tells_what_stands_in_the_way() -> None:
    """A suspended account and one without an e-mail address are told, each with what to do."""
    with Peer(Told(200, {"id": "9xyz", "name": "us", "is_suspended": True, "has_verified_email": False})) as peer:
        verified = at(peer.address).verify()
    assert (verified.account, verified.account_id, verified.scopes, len(verified.warnings)) == ("u/us", "9xyz", None, 2)


def test_the_caller_is_named_as_reddit_wants_it(networks) -> None:
    """Whatever the handle looks like, the User-Agent has the documented form; the twin turns others away."""
    for account, username in (("r/evil\r\nX: y", ""), ("@us", "kettle_bot"), ("", ""), ("u/us", "")):
        secrets = {name: SecretStr(value) for name, value in (*signed("@us").items(), ("username", username)) if value}
        made = Reddit(Connection(account, secrets, networks.address("reddit"), 5.0, 20.0))
        assert made.account_id()


def test_nothing_leaves_without_a_token() -> None:
    """A missing token is known before anything is sent."""
    with Peer(YES) as peer, pytest.raises(Unauthorized) as caught:
        publish(at(peer.address, access_token=""))
    assert caught.value.dead
    assert peer.heard == []


def test_withdrawing_says_which_post() -> None:
    """One form with the post's name."""
    with Peer(Told(200, {})) as peer:
        at(peer.address).withdraw(PartReceipt(id="t3_1abc2de"))
    (heard,) = peer.heard
    assert (heard.method, heard.path, form(heard.body)) == ("POST", "/api/del", {"id": "t3_1abc2de"})


def test_a_message_without_parts_is_refused() -> None:
    """There is nothing to post, and that is what is said."""
    said = message("reddit", title="A kettle", options={"subreddit": "mills"})
    assert told(said) == ["There is nothing to post on us."]
