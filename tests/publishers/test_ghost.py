"""What only Ghost has: its token, the moment of the last change, newsletters, and the form of its requests."""
import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from contract_case import FILES, message, part, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from scripted_blog import Answer, Heard, ScriptedBlog

from publishers._ghost_token import LIVES_S, token
from publishers.base import DRAFT, Connection, Found, Sent
from publishers.ghost import Ghost
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.ghost_twin import GhostTwin
from schemas.errors import PaymentRequired, PublishError, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

ID, SECRET = "6b031f75923dae2cc5c0aa60", "".join(("9e", "e3d0ad") * 8)
POST, CHANGED, LATER = "6b032197923dae2cc5c0aa64", "2026-11-22T12:00:00.000Z", "2026-11-22T12:00:07.000Z"
API = "/ghost/api/admin"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
SENT = Sent(handles={DRAFT: f"{POST} {CHANGED}"})


def adapter(url: str = "https://mill.example", key: str = f"{ID}:{SECRET}") -> Ghost:
    return Ghost(Connection("@us", {"base_url": SecretStr(url), "admin_api_key": SecretStr(key)}))


def article(text: Any = "A kettle is mended", **more: Any) -> Message:
    return message("ghost", text, **{"title": "A kettle", **more})


def problems(made: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in adapter().check(made) if problem.severity == severity]


def post(**more: Any) -> dict[str, Any]:
    return {"posts": [{"id": POST, "status": "published", "updated_at": LATER, "url": "https://mill.example/kettle/",
                       **more}]}


def error(kind: str, message: str = "No", **more: Any) -> dict[str, Any]:
    return {"errors": [{"message": message, "context": None, "type": kind, "code": None, **more}]}


COLLISION = Answer(409, error("UpdateCollisionError", "Saving failed! Someone else is editing this post.",
                              code="UPDATE_COLLISION"))


# --- the token -------------------------------------------------------------------------------------------------------

def test_the_token_is_what_ghost_documents():
    """HS256 with the bytes that the hexadecimal secret stands for; its key, its audience, and five minutes at most."""
    head, said, signature = token(f"{ID}:{SECRET}", 1_795_348_800.9).split(".")

    def opened(piece: str) -> bytes:
        return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))

    assert json.loads(opened(head)) == {"alg": "HS256", "typ": "JWT", "kid": ID}
    assert json.loads(opened(said)) == {"aud": "/admin/", "iat": 1_795_348_800, "exp": 1_795_348_800 + LIVES_S}
    assert LIVES_S <= 300
    assert opened(signature) == hmac.new(bytes.fromhex(SECRET), f"{head}.{said}".encode(), hashlib.sha256).digest()
    assert "=" not in head + said + signature


@given(st.text(max_size=100))
@settings(max_examples=200, deadline=None)
def test_what_is_no_key_signs_nothing(key):
    """Anything else is refused before anything is sent, and is not repeated in the error."""
    with pytest.raises(Unauthorized) as caught:
        token(key, 0)
    assert len(key) < 8 or key not in caught.value.why


def test_each_call_has_a_token_of_its_own_minute_and_no_secret():
    """`Authorization: Ghost …` made now; neither the secret nor the whole key is in any request."""
    before = int(time.time())
    with ScriptedBlog([Answer(200, {"tiers": [{"id": ID}]})]) as blog:
        assert adapter(blog.url).account_id() == ID
    (heard,) = blog.heard
    kind, _, given_token = heard.headers["authorization"].partition(" ")
    said = json.loads(base64.urlsafe_b64decode(given_token.split(".")[1] + "=="))
    assert kind == "Ghost"
    assert before <= said["iat"] <= int(time.time())
    assert heard.headers["accept-version"] == "v5.0"
    assert SECRET not in str(heard)


# --- what is sent ----------------------------------------------------------------------------------------------------

def test_an_article_as_the_admin_api_documents_it():
    """Every field of the request, as docs.ghost.org/admin-api names them."""
    made = article(part("Bold & [x]", picture(), markdown="**Bold** & [x]"), title=" Salt &\n<pepper> ",
                   hashtags=("Mill",), options={
                       "slug": "salt", "excerpt": "<short>", "canonical": "https://mill.example/a", "caption": "A & B",
                       "visibility": "paid", "featured": True, "newsletter": "weekly", "segment": "status:free"})
    (only,) = adapter().compose(made).parts
    assert only.request == {
        "title": "Salt & <pepper>", "status": "published", "slug": "salt", "custom_excerpt": "<short>",
        "html": "<p><strong>Bold</strong> &amp; [x]</p>", "canonical_url": "https://mill.example/a",
        "visibility": "paid", "featured": True, "tags": ["Mill"], "feature_image_alt": "A kettle",
        "feature_image_caption": "A &amp; B", "newsletter": "weekly", "email_segment": "status:free"}
    assert adapter().compose(article(options={"newsletter": "weekly"})).parts[0].request["email_segment"] == "all"


def test_a_draft_then_a_picture_then_one_call_that_publishes():
    """Uploads, newsletter, draft and publication on the wire, whole."""
    made = article(part("Text", picture(), picture("two.png", alt='A "b" <c>')), hashtags=("Mill",),
                   options={"newsletter": "weekly", "slug": "salt"})
    plan = adapter().compose(made)
    uploads = iter(f"https://mill.example/content/{name}" for name in ("a.jpg", "b.png?x=1&y=2"))

    def site(heard: Heard) -> Answer:
        match heard.line.removeprefix(f"{heard.method} {API}"):
            case "/images/upload/":
                return Answer(201, {"images": [{"url": next(uploads), "ref": None}]})
            case "/newsletters/":
                return Answer(200, {"newsletters": [{"slug": "weekly", "status": "active"}]})
            case "/posts/" if heard.method == "GET":
                return Answer(200, {"posts": []})
            case "/posts/":
                return Answer(201, post(status="draft", updated_at=CHANGED))
        return Answer(200, post())

    with ScriptedBlog(site) as blog:
        blogger = adapter(blog.url)
        handles = blogger.prepare(plan, 0, lambda blob: blob.encode())
        draft = blogger.draft(plan, 0, Sent(handles=handles))
        receipt = blogger.publish(plan, 0, Sent(handles={**handles, DRAFT: draft}))

    assert (draft, receipt) == (f"{POST} {CHANGED}", PartReceipt(id=POST, url="https://mill.example/kettle/"))
    assert blog.lines() == [f"{call.split()[0]} {API}{call.split()[1]}" for call in (
        "POST /images/upload/", "POST /images/upload/", "GET /posts/", "GET /posts/", "GET /newsletters/",
        "POST /posts/", f"PUT /posts/{POST}/")]
    assert b'name="purpose"\r\n\r\nimage\r\n' in blog.heard[0].body
    assert b'name="file"; filename="kettle.jpg"\r\nContent-Type: image/jpeg' in blog.heard[0].body
    ours, wanted, letter, made_draft, published = blog.heard[2:]
    (sent,) = made_draft.body["posts"]
    assert (ours.query, wanted.query) == ({"filter": f"slug:'{sent['slug']}'", "limit": "1"},
                                          {"filter": "slug:'salt'", "limit": "1"})
    assert letter.query == {"filter": "slug:'weekly'", "limit": "1"}
    assert made_draft.query == {"source": "html"}
    assert sent == {
        "title": "A kettle", "status": "draft", "slug": sent["slug"], "tags": ["Mill"], "feature_image_alt": "A kettle",
        "feature_image": "https://mill.example/content/a.jpg", "html": '<p>Text</p>\n<figure><img '
        'src="https://mill.example/content/b.png?x=1&amp;y=2" alt="A &quot;b&quot; &lt;c&gt;"></figure>'}
    assert published.query == {"newsletter": "weekly", "email_segment": "all"}
    assert published.body == {"posts": [{"status": "published", "updated_at": CHANGED, "slug": "salt"}]}


def test_without_a_newsletter_nothing_is_mailed():
    """Neither the draft nor the call that publishes says a word of mail."""
    with ScriptedBlog([Answer(200, {"posts": []}), Answer(201, post(status="draft")), Answer(200, post())]) as blog:
        blogger, plan = adapter(blog.url), adapter().compose(article())
        blogger.publish(plan, 0, Sent(handles={DRAFT: blogger.draft(plan, 0, Sent())}))
    assert [heard.query for heard in blog.heard[1:]] == [{"source": "html"}, {}]
    assert not {"newsletter", "email_segment"} & set(blog.heard[1].body["posts"][0])


@pytest.mark.parametrize("letters", [[], [{"slug": "weekly", "status": "archived"}]])
def test_a_newsletter_that_is_not_there_is_refused_before_anything_is_made(letters):
    """Ghost would publish, and then fail to mail."""
    plan = adapter().compose(article(options={"newsletter": "weekly"}))
    answers = [Answer(200, {"posts": []}), Answer(200, {"newsletters": letters})]
    with ScriptedBlog(answers) as blog, pytest.raises(Rejected, match="'weekly'"):
        adapter(blog.url).draft(plan, 0, Sent())


@pytest.mark.parametrize("status", ["published", "sent", "scheduled"])
def test_a_post_that_is_out_is_left_alone(status):
    """The draft was published before: its handle is given again, and nothing but a look goes out."""
    with ScriptedBlog([Answer(200, post(status=status))]) as blog:
        assert adapter(blog.url).draft(adapter().compose(article()), 0, Sent()) == f"{POST} {LATER}"
    assert blog.lines() == [f"GET {API}/posts/"]


def test_a_draft_of_ours_is_brought_up_to_date():
    """Found by its slug, it is written again as it was seen last, and gives the moment of this change."""
    answers = [Answer(200, post(status="draft", updated_at=CHANGED)), Answer(200, post(status="draft"))]
    with ScriptedBlog(answers) as blog:
        assert adapter(blog.url).draft(adapter().compose(article()), 0, Sent()) == f"{POST} {LATER}"
    assert blog.lines()[1] == f"PUT {API}/posts/{POST}/"
    assert blog.heard[1].body["posts"][0]["updated_at"] == CHANGED


def test_nothing_of_an_older_edition_stays_in_a_draft():
    """A draft that is written again has none of the words and the picture of the edition before."""
    options = {"excerpt": "Old", "canonical": "https://old.example/", "featured": "true", "caption": "Old"}
    older = article(part("Old", picture()), hashtags=("Old",), options=options)
    with Rehearsal([GhostTwin(lambda: NOON)]) as running:
        given = {name: SecretStr("rehearsal:@us") for name in ("base_url", "admin_api_key")}
        blogger, sent = Ghost(Connection("@us", given, running.address("ghost"))), []
        for made in (older, article("New", title="New")):
            plan = blogger.compose(made)
            handles = blogger.prepare(plan, 0, FILES.__getitem__)
            sent.append(blogger.draft(plan, 0, Sent(handles=handles)).partition(" ")[0])
        assert sent[0] == sent[1]
        held = running.twin("ghost").drafts[sent[1]]
    kept = ("id", "account", "updated_at", "slug")
    shown = {field: held[field] for field in held if held[field] and field not in kept}
    assert shown == {"title": "New", "html": "<p>New</p>", "status": "draft"}


# --- what comes back -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("status", "body", "kind", "dead"), [
    (401, error("UnauthorizedError", "Invalid token: jwt expired", code="INVALID_JWT"), Unauthorized, True),
    (400, error("BadRequestError", "Invalid token", code="INVALID_JWT"), Unauthorized, False),
    (403, error("NoPermissionError"), Unauthorized, False),
    (403, error("HostLimitError", "Upgrade to use integrations"), PaymentRequired, None),
    (400, error("BadRequestError", "The email segment parameter doesn't contain a valid filter"), Rejected, None),
    (404, error("NotFoundError", "Post not found."), Rejected, None),
    (422, error("ValidationError"), Rejected, None),
    (409, error("SomethingElse"), Unconfirmed, None),
    (500, error("EmailError", "Error sending email!"), Unconfirmed, None),
    (503, error("MaintenanceError"), Unconfirmed, None),
    (403, "<html>", Unconfirmed, None),
    (200, post(status="draft"), Unconfirmed, None),
    (200, post(id="6b032197923dae2cc5c0aaff"), Unconfirmed, None),
    (200, {"posts": []}, Unconfirmed, None),
    (200, {"posts": [{"id": 17, "status": "published", "updated_at": LATER}]}, Unconfirmed, None),
])
def test_each_answer_to_the_call_that_publishes(status, body, kind, dead):
    """Ghost's own types as it documents them; whatever is not the published post casts doubt."""
    with ScriptedBlog([Answer(status, body)]) as blog, pytest.raises(PublishError) as caught:
        adapter(blog.url).publish(adapter().compose(article()), 0, SENT)
    assert type(caught.value) is kind
    assert getattr(caught.value, "dead", None) == dead
    assert SECRET not in str(caught.value)


def test_a_collision_is_looked_at():
    """Out already: that post. Still a draft, or gone: certainly not published. Nobody knows: in doubt."""
    def outcome(answer: Answer) -> PartReceipt:
        with ScriptedBlog([COLLISION, answer]) as blog:
            try:
                return adapter(blog.url).publish(adapter().compose(article()), 0, SENT)
            finally:
                assert blog.lines() == [f"PUT {API}/posts/{POST}/", f"GET {API}/posts/{POST}/"]

    assert outcome(Answer(200, post())) == PartReceipt(id=POST, url="https://mill.example/kettle/")
    for certain in (Answer(200, post(status="draft")), Answer(404, error("NotFoundError"))):
        with pytest.raises(Rejected, match="somebody changed the draft"):
            outcome(certain)
    for unclear in (Answer(500, error("InternalServerError")), Answer(401, error("UnauthorizedError")),
                    Answer(200, {"posts": [{}]}), Answer(429, error("TooManyRequestsError"))):
        with pytest.raises(Unconfirmed):
            outcome(unclear)


@pytest.mark.parametrize(("status", "body", "found"), [
    (200, post(), Found((PartReceipt(id=POST, url="https://mill.example/kettle/"),), complete=True)),
    (200, post(status="draft"), Found((), complete=True)),
    (404, error("NotFoundError"), Found((), complete=True)),
])
def test_a_look_asks_after_the_draft(status, body, found):
    """Out, unseen or gone: the id of the draft tells, whatever was its last change."""
    with ScriptedBlog([Answer(status, body)]) as blog:
        assert adapter(blog.url).find(adapter().compose(article()), 0, None, SENT) == found
    assert blog.lines() == [f"GET {API}/posts/{POST}/"]


@pytest.mark.parametrize(("status", "complete"), [("published", False), ("draft", True)])
def test_a_wanted_slug_is_nobodys_mark(status, complete):
    """Without the draft's id, a post that has the wanted slug may be ours or not: nobody can say."""
    plan = adapter().compose(article(options={"slug": "salt"}))
    with ScriptedBlog([Answer(200, {"posts": []}), Answer(200, post(status=status))]) as blog:
        assert adapter(blog.url).find(plan, 0, None, Sent()) == Found((), complete)


@pytest.mark.parametrize(("answer", "raised"), [
    (Answer(204), None), (Answer(404, error("NotFoundError")), None), (Answer(404, "<html>"), Unavailable),
    (Answer(403, error("NoPermissionError")), Unauthorized), (Answer(500, error("InternalServerError")), Unavailable)])
def test_what_is_deleted_is_gone(answer, raised):
    """Now or before; a page from something between is no proof."""
    with ScriptedBlog([answer]) as blog:
        if raised is None:
            adapter(blog.url).withdraw(PartReceipt(id=POST))
        else:
            with pytest.raises(raised):
                adapter(blog.url).withdraw(PartReceipt(id=POST))
    assert blog.lines() == [f"DELETE {API}/posts/{POST}/"]


def test_an_old_ghost_is_a_warning():
    """What is older than the interface that we speak is said; its title is the account's name."""
    for version, warnings in (("6.65", 0), ("5.0", 0), ("4.48", 1), (None, 0)):
        answers = [Answer(200, {"tiers": [{"id": ID}]}), Answer(200, {"site": {"title": "Mill", "version": version}})]
        with ScriptedBlog(answers) as blog:
            found = adapter(blog.url).verify()
        assert (found.account, found.account_id, len(found.warnings)) == ("Mill", ID, warnings)


def test_in_rehearsal_a_newsletter_is_mailed_once():
    """Published, and published again: one mail, to whom it should."""
    twin = GhostTwin(lambda: datetime(2026, 11, 22, 12, tzinfo=UTC))
    with Rehearsal([twin]) as running:
        secrets = {"base_url": SecretStr("rehearsal:@us"), "admin_api_key": SecretStr("rehearsal:@us")}
        blogger = Ghost(Connection("@us", secrets, running.address("ghost")))
        plan = blogger.compose(article(options={"newsletter": "default-newsletter", "segment": "status:-free"}))
        sent = Sent(handles={DRAFT: blogger.draft(plan, 0, Sent())})
        first = blogger.publish(plan, 0, sent)
        assert blogger.publish(plan, 0, sent) == first
    assert twin.mails == [{"account": "@us", "post": first.id, "newsletter": "default-newsletter",
                           "segment": "status:-free"}]


# --- what an author got wrong ----------------------------------------------------------------------------------------

@pytest.mark.parametrize(("made", "said"), [
    (article(title=None), "us wants a title."),
    (article(title="x" * 256), "256/255 characters of title on us."),
    (article(""), "There is nothing to post on us."),
    (article(part("x", picture(alt="x" * 192))), "192/191 characters of alt text on us: content/media/kettle.jpg."),
    (article(part("x", picture(size=5_000_001))), "5,000,001/5,000,000 bytes on us: content/media/kettle.jpg."),
    (article(options={"excerpt": "x" * 301}), "301/300 characters of 'excerpt' on us."),
    (article(options={"caption": "x" * 2001}), "2001/2000 characters of 'caption' on us."),
    (article(hashtags=("x" * 192,)), "192/191 characters of a hashtag on us."),
    (article(options={"visibility": "tiers"}), "'visibility' cannot be tiers on us."),
    (article(options={"segment": "all"}), "'segment' says who gets a mail, and us sends none for this article."),
    (article(options={"slug": "A"}), "'slug' cannot be A on us."),
    (article(options={"email_only": True}), "ghost has no option 'email_only' (us)."),
])
def test_what_is_refused(made, said):
    """Each limit once outside, in words for writers."""
    assert said in problems(made)


@pytest.mark.parametrize("made", [
    article(title="x" * 255), article(part("x", picture(alt="x" * 191, size=5_000_000))),
    article(options={"excerpt": "x" * 300, "caption": "x" * 2000, "visibility": "members", "featured": False}),
    article(hashtags=("x" * 191,)), article("[&" * 32_768),
])
def test_what_goes(made):
    """Each limit once inside."""
    assert problems(made) == []
    assert len(adapter().compose(made).canonical()) < 1_000_000


def test_a_mail_is_a_warning():
    """Nobody can take a mail back, so whoever reads the check is told of it."""
    assert len(problems(article(options={"newsletter": "weekly"}), Severity.warning)) == 1
    assert problems(article(), Severity.warning) == []


# --- where it goes ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("address", "id"), [
    (POST, POST), (f"https://mill.example/ghost/#/editor/post/{POST}", POST),
    (f"https://mill.example/ghost/#/posts/analytics/{POST}/web", POST)])
def test_a_post_is_known_by_its_id(address, id):
    """The id alone, and the addresses of the admin's pages."""
    assert adapter().receipt_of(address) == PartReceipt(id=id)


@pytest.mark.parametrize("address", ["", "kettle", "https://mill.example/kettle/", "17", POST.upper(),
                                     f"https://other.example/ghost/#/editor/post/{POST}",
                                     f"https://mill.example/#/editor/post/{POST}",
                                     f"https://mill.example/ghost/#/editor/page/{POST}"])
def test_any_other_address_is_none(address):
    """Nothing is guessed: whoever pastes another address is told which one will do."""
    with pytest.raises(ValueError, match="editor/post"):
        adapter().receipt_of(address)


def test_a_key_never_leaves_in_clear():
    """Only https, or this machine."""
    with pytest.raises(Unauthorized, match="https"):
        adapter("http://mill.example").account_id()
