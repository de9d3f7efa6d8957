"""What only WordPress has: the form of its requests, HTML that it would take for commands, terms, slugs, the trash."""
from base64 import b64encode
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest
from contract_case import FILES, message, part, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from scripted_blog import Answer, Heard, ScriptedBlog
from starlette.requests import Request
from starlette.responses import Response

from publishers._html import visible_text
from publishers._wordpress_answers import receipt_in, term_named
from publishers.base import DRAFT, Connection, Found, Sent
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.wordpress_twin import WordPressTwin
from publishers.wordpress import WordPress
from schemas.errors import PublishError, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

PASSWORD = "abcd EFGH 1234 ijkl MNOP 5678"
V2 = "/wp-json/wp/v2"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIVE = {"id": 17, "status": "publish", "link": "https://mill.example/kettle/"}


def adapter(url: str = "https://mill.example", password: str = PASSWORD) -> WordPress:
    return WordPress(Connection("@us", {"base_url": SecretStr(url), "username": SecretStr("miller"),
                                        "application_password": SecretStr(password)}))


def rehearsed(running: Rehearsal) -> WordPress:
    given = {"base_url": "rehearsal:@us", "username": "rehearsal:@us", "application_password": "rehearsal:@us"}
    return WordPress(Connection("@us", {name: SecretStr(value) for name, value in given.items()},
                                running.address("wordpress")))


def article(text: Any = "A kettle is mended", **more: Any) -> Message:
    return message("wordpress", text, **{"title": "A kettle", **more})


def problems(made: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in adapter().check(made) if problem.severity == severity]


def request_of(made: Message) -> dict[str, Any]:
    return adapter().compose(made).parts[0].request


def site(**known: Any) -> Any:
    """A plan: `known` by "METHOD path below wp/v2", else nothing is found and everything is made as number 17."""
    def plan(heard: Heard) -> Answer:
        below = f"{heard.method} {heard.path.removeprefix(V2)}"
        if below in known:
            return known[below] if isinstance(known[below], Answer) else known[below](heard)
        if heard.method == "GET":
            return Answer(200, [])
        return Answer(200, LIVE)
    return plan


# --- what is sent ----------------------------------------------------------------------------------------------------

def test_an_article_as_the_rest_api_documents_it():
    """Every field of the request, as developer.wordpress.org/rest-api/reference/posts names them."""
    made = article(part("Bold & https://x.example/", picture(), markdown="**Bold** & https://x.example/"),
                   title="  Salt &\n<pepper> ", hashtags=("Mill",),
                   options={"slug": "salt", "excerpt": "<short>", "categories": ("News", "Mill"), "caption": "A & B",
                            "comments": "closed"})
    outgoing = adapter().compose(made)
    assert len(outgoing.parts) == 1
    only = outgoing.parts[0]
    assert only.request == {
        "title": "Salt &amp; &lt;pepper&gt;", "status": "publish", "slug": "salt", "excerpt": "&lt;short&gt;",
        "content": '<p><strong>Bold</strong> &amp; <a href="https://x.example/">https://x.example/</a></p>',
        "comment_status": "closed", "tags": ["Mill"], "categories": ["News", "Mill"],
        "featured_media": {"caption": "A &amp; B"}}
    assert (only.kind, only.text, only.alts, only.names) == ("post", "Bold & https://x.example/", ("A kettle",),
                                                             ("kettle.jpg",))


def test_posts_and_comments_are_one_article_and_a_card_is_a_link():
    """Threads and first comments stand below each other in order; hashtags are tags and stand in no text."""
    made = message("wordpress", part("One #mill", markdown="One"), part("Two", markdown="*Two*"),
                   part("Three", kind="comment"), title="T", hashtags=("mill",), card="https://mill.example/?a=1&b=2")
    assert request_of(made)["content"] == (
        '<p>One</p>\n<p><em>Two</em></p>\n<p>Three</p>\n'
        '<p><a href="https://mill.example/?a=1&amp;b=2">https://mill.example/?a=1&amp;b=2</a></p>')
    assert adapter().compose(made).parts[0].text == "One #mill\n\nTwo\n\nThree\n\nhttps://mill.example/?a=1&b=2"


def test_hashtags_alone_are_no_text():
    """A post of a picture and hashtags has an empty body; a text without Markdown is shown as it stands."""
    assert "content" not in request_of(article(part("#mill #tools", picture(), markdown="")))
    assert request_of(article(part("2 * 3 * 4", markdown="")))["content"] == "<p>2 * 3 * 4</p>"


@given(st.text(alphabet="[]/ gal=\"'<>&;!-wp:#9\\`*", max_size=80))
@settings(max_examples=300, deadline=None)
def test_no_text_is_a_command_of_wordpress(text):
    """Whatever is written: no square bracket, so no shortcode, and no comment, so no block."""
    content = str(request_of(article(part(text or "x", markdown=text or "x"))).get("content", ""))
    assert not set("[]") & set(content)
    assert "<!--" not in content


@given(st.text(alphabet="[]/ gal=\"'<>&;!-wp:9\\`*", min_size=1, max_size=80))
@settings(max_examples=200, deadline=None)
def test_what_looks_like_a_command_is_read_as_it_stands(text):
    """A text that was never Markdown is what readers see, brackets and all."""
    words = " ".join(f"x {text} x".split())
    assert visible_text(request_of(article(part(words, markdown="")))["content"]) == words


@given(st.text(max_size=80), st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_title_and_excerpt_read_as_they_were_written(title, excerpt):
    """WordPress takes both for HTML, and readers see the very words."""
    request = request_of(article(title=title, options={"excerpt": excerpt}))
    assert not set("<>") & set(request["title"] + request.get("excerpt", ""))
    assert unescape(request["title"]) == " ".join(title.split())
    assert unescape(request.get("excerpt", "")) == excerpt


def test_a_draft_then_a_picture_then_one_call_that_publishes():
    """Uploads, terms, draft and publication on the wire, whole; the password as Basic and nowhere else."""
    made = article(part("Text", picture(), picture("two.png", alt='A "b" [c] <d>')), hashtags=("Mill", "Salt & Co"),
                   options={"categories": ("news",), "caption": "Old"})
    plan = adapter().compose(made)
    uploads = iter(({"id": 5, "source_url": "https://mill.example/5.jpg"},
                    {"id": 6, "source_url": "https://mill.example/6.png?a=1&b=[2]"}))

    def tags(heard: Heard) -> Answer:
        if heard.method == "POST":
            return Answer(400, {"code": "term_exists", "message": "Exists", "data": {"status": 400, "term_id": 9}})
        return Answer(200, [{"id": 8, "name": "mill", "slug": "mill"}] if heard.query["search"] == "Mill" else [])

    with ScriptedBlog(site(**{
            "POST /media": lambda _: Answer(201, next(uploads)), "GET /tags": tags, "POST /tags": tags,
            "GET /categories": Answer(200, [{"id": 3, "name": "News &amp; more", "slug": "news"}])})) as blog:
        blogger = adapter(blog.url)
        handles = blogger.prepare(plan, 0, lambda blob: blob.encode())
        draft = blogger.draft(plan, 0, Sent(handles=handles))
        receipt = blogger.publish(plan, 0, Sent(handles={**handles, DRAFT: draft}))

    assert handles == {plan.parts[0].media[0]: "5 https://mill.example/5.jpg",
                       plan.parts[0].media[1]: "6 https://mill.example/6.png?a=1&b=[2]"}
    assert receipt == PartReceipt(id="17", url="https://mill.example/kettle/")
    assert blog.lines() == [f"{call.split()[0]} {V2}{call.split()[1]}" for call in (
        "POST /media", "POST /media", "GET /posts", "GET /tags", "GET /tags", "POST /tags", "GET /categories",
        "GET /categories", "POST /posts", "POST /posts/17")]
    assert {heard.headers["authorization"] for heard in blog.heard} == {
        f"Basic {b64encode(f'miller:{PASSWORD}'.encode()).decode()}"}
    first = blog.heard[0].body
    for piece in (b'name="file"; filename="kettle.jpg"\r\nContent-Type: image/jpeg',
                  b'name="alt_text"\r\n\r\nA kettle\r\n', b'name="caption"\r\n\r\nOld\r\n'):
        assert piece in first
    assert b'name="caption"' not in blog.heard[1].body
    looked, made_draft, published = blog.heard[2], blog.heard[8], blog.heard[9]
    assert looked.query == {"slug": made_draft.body["slug"], "status": "publish,future,draft,pending,private",
                            "context": "edit", "orderby": "id", "order": "asc", "_fields": "id,status,link"}
    assert made_draft.body == {
        "title": "A kettle", "status": "draft", "slug": made_draft.body["slug"], "tags": [8, 9], "categories": [3],
        "featured_media": 5, "content": '<p>Text</p>\n<figure class="wp-block-image"><img '
        'src="https://mill.example/6.png?a=1&amp;b=&#91;2&#93;" alt="A &quot;b&quot; &#91;c&#93; &lt;d&gt;" '
        'class="wp-image-6" /></figure>'}
    assert (published.body, published.query) == ({"status": "publish"}, {"_fields": "id,status,link"})


def test_our_slug_is_ours_alone():
    """The post's name and ten letters, other ones for each account and slot; never longer than WordPress keeps."""
    def slug(account: str, post: str) -> str:
        plan = adapter().compose(article(post=post).model_copy(update={"account": account}))
        with ScriptedBlog(site()) as blog:
            adapter(blog.url).draft(plan, 0, Sent())
        return str(blog.heard[-1].body["slug"])

    ours = slug("@us", "posts/2026/kettle")
    assert ours.startswith("kettle-")
    assert len(ours) == len("kettle-") + 10
    assert ours == slug("@us", "posts/2026/kettle")
    assert len({ours, slug("@them", "posts/2026/kettle"), slug("@us", "posts/2025/kettle")}) == 3
    assert len(slug("@us", "posts/" + "x" * 500)) < 120


@pytest.mark.parametrize("status", ["publish", "private", "future"])
def test_a_post_that_is_out_is_left_alone(status):
    """The draft was published before: its number is given again, and nothing but a look goes out."""
    with ScriptedBlog(site(**{"GET /posts": Answer(200, [{"id": 17, "status": status, "link": ""}])})) as blog:
        assert adapter(blog.url).draft(adapter().compose(article()), 0, Sent()) == "17"
    assert blog.lines() == [f"GET {V2}/posts"]


def test_a_draft_of_ours_is_brought_up_to_date():
    """Found by its slug, it is written again and not made again."""
    with ScriptedBlog(site(**{"GET /posts": Answer(200, [{"id": 17, "status": "draft", "link": ""}])})) as blog:
        adapter(blog.url).draft(adapter().compose(article()), 0, Sent())
    assert blog.lines() == [f"GET {V2}/posts", f"POST {V2}/posts/17"]


def test_nothing_of_an_older_edition_stays_in_a_draft():
    """A draft that is written again has none of the words, the picture and the categories of the edition before."""
    older = article(part("Old", picture()), hashtags=("Old",), options={"excerpt": "Old", "categories": ("News",)})
    with Rehearsal([WordPressTwin(lambda: NOON)]) as running:
        blogger = rehearsed(running)
        sent, twin = [], running.twin("wordpress")
        for made in (older, article("New", title="New")):
            plan = blogger.compose(made)
            handles = blogger.prepare(plan, 0, FILES.__getitem__)
            sent.append(blogger.draft(plan, 0, Sent(handles=handles)))
        assert sent[0] == sent[1]
        held = twin.drafts[sent[1]]
    named = ("title", "content", "excerpt", "tags", "featured_media", "categories")
    assert {field: held[field] for field in named} == {
        "title": "New", "content": "<p>New</p>", "excerpt": "", "tags": [], "featured_media": 0, "categories": []}


def test_a_draft_that_went_out_meanwhile_is_not_taken_back():
    """Another publisher was faster between our look and our writing: its post stays out, at its own address."""
    class Overtaken(WordPressTwin):
        """A site where the draft goes out right after it was looked for a second time."""

        async def _posts(self, request: Request) -> Response:
            answer = await super()._posts(request)
            if request.query_params["slug"] == "salt" and self.drafts:
                (draft,) = self.drafts.values()
                self._save({**draft, "status": "publish", "slug": "salt"})
            return answer

    with Rehearsal([Overtaken(lambda: NOON)]) as running:
        blogger = rehearsed(running)
        plan = blogger.compose(article(options={"slug": "salt"}))
        drafts = [blogger.draft(plan, 0, Sent()) for _ in range(2)]
        twin = running.twin("wordpress")
        assert [post.id for post in twin.posts] == [drafts[0]] == [drafts[1]]
        assert (twin.drafts[drafts[0]]["status"], twin.drafts[drafts[0]]["slug"]) == ("publish", "salt")


def test_a_slug_that_another_post_has_is_refused():
    """WordPress would quietly make it `salt-2`."""
    plan = adapter().compose(article(options={"slug": "salt"}))
    posts = site(**{"GET /posts": lambda heard: Answer(200, [{"id": 3, "status": "publish", "link": ""}]
                                                      if heard.query["slug"] == "salt" else [])})
    with ScriptedBlog(posts) as blog, pytest.raises(Rejected, match="'salt'"):
        adapter(blog.url).draft(plan, 0, Sent())
    assert {line.split()[0] for line in blog.lines()} == {"GET"}


# --- what comes back -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("status", "body", "error", "dead"), [
    (401, {"code": "incorrect_password", "message": "No"}, Unauthorized, True),
    (401, {"code": "rest_not_logged_in", "message": "You are not currently logged in."}, Unauthorized, True),
    (403, {"code": "rest_cannot_edit", "message": "Sorry"}, Unauthorized, False),
    (403, {"code": "rest_cannot_publish", "message": "Sorry"}, Unauthorized, False),
    (403, {"code": "rest_forbidden", "message": "Sorry"}, Unauthorized, False),
    (403, "<html>Wordfence</html>", Unconfirmed, None),
    (400, {"code": "rest_invalid_param", "message": "Invalid parameter(s): status"}, Rejected, None),
    (404, {"code": "rest_post_invalid_id", "message": "Invalid post ID."}, Rejected, None),
    (404, {"code": "rest_no_route", "message": "No route"}, Rejected, None),
    (410, {"code": "rest_already_trashed", "message": "Gone"}, Unconfirmed, None),
    (500, {"code": "internal_server_error", "message": "<p>critical error</p>"}, Unconfirmed, None),
    (301, "", Unconfirmed, None),
    (200, {"id": 17, "status": "pending", "link": "x"}, Unconfirmed, None),
    (200, {"id": 17, "status": "future", "link": "x"}, Unconfirmed, None),
    (200, {"id": True, "status": "publish"}, Unconfirmed, None),
    (200, [], Unconfirmed, None),
])
def test_each_answer_to_the_call_that_publishes(status, body, error, dead):
    """WordPress's own words as its REST API documents them; a page from something between casts doubt."""
    with ScriptedBlog([Answer(status, body)]) as blog, pytest.raises(PublishError) as caught:
        adapter(blog.url).publish(adapter().compose(article()), 0, Sent(handles={DRAFT: "17"}))
    assert type(caught.value) is error
    assert getattr(caught.value, "dead", None) == dead
    assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize(("inside", "dead"), [(401, True), (403, False)])
def test_a_wrong_password_is_known_though_the_status_says_400(inside, dead):
    """Who asks for drafts with a wrong password is told that drafts are not for strangers: that is a credential."""
    detail = {"code": "rest_forbidden_status", "message": "Status is forbidden.", "data": {"status": inside}}
    body = {"code": "rest_invalid_param", "message": "Invalid parameter(s): status",
            "data": {"status": 400, "params": {}, "details": {"status": detail}}}
    with ScriptedBlog([Answer(400, body)]) as blog, pytest.raises(Unauthorized) as caught:
        adapter(blog.url).draft(adapter().compose(article()), 0, Sent())
    assert caught.value.dead is dead


@pytest.mark.parametrize(("code", "error"), [("rest_upload_unknown_error", Rejected),
                                             ("rest_upload_sideload_error", Rejected),
                                             ("internal_server_error", Unavailable)])
def test_a_file_is_refused_with_status_500(code, error):
    """A file of a wrong kind will be refused again; a site that is broken may be well tomorrow. Never in doubt."""
    plan = adapter().compose(article(part("x", picture())))
    with ScriptedBlog([Answer(500, {"code": code, "message": "No"})]) as blog, pytest.raises(error):
        adapter(blog.url).prepare(plan, 0, lambda blob: b"x")


@pytest.mark.parametrize(("status", "body", "found"), [
    (200, LIVE, Found((PartReceipt(id="17", url="https://mill.example/kettle/"),), complete=True)),
    (200, {**LIVE, "status": "draft"}, Found((), complete=True)),
    (200, {**LIVE, "status": "trash"}, Found((), complete=True)),
    (404, {"code": "rest_post_invalid_id", "message": "Invalid post ID."}, Found((), complete=True)),
])
def test_a_look_asks_after_the_draft(status, body, found):
    """Out, unseen, in the trash or gone: the number of the draft tells."""
    with ScriptedBlog([Answer(status, body)]) as blog:
        assert adapter(blog.url).find(adapter().compose(article()), 0, None, Sent(handles={DRAFT: "17"})) == found
    assert blog.lines() == [f"GET {V2}/posts/17"]


@pytest.mark.parametrize(("status", "complete"), [("publish", False), ("draft", True)])
def test_a_wanted_slug_is_nobodys_mark(status, complete):
    """Without the draft's number, a post that has the wanted slug may be ours or not: nobody can say."""
    plan = adapter().compose(article(options={"slug": "salt"}))
    answers = [Answer(200, []), Answer(200, [{"id": 3, "status": status, "link": ""}])]
    with ScriptedBlog(answers) as blog:
        assert adapter(blog.url).find(plan, 0, None, Sent()) == Found((), complete)


@pytest.mark.parametrize("answer", [Answer(200, {**LIVE, "status": "trash"}),
                                    Answer(410, {"code": "rest_already_trashed", "message": "x"}),
                                    Answer(404, {"code": "rest_post_invalid_id", "message": "x"})])
def test_what_is_in_the_trash_is_gone(answer):
    """Now, before, or never there: the post is gone after one call."""
    with ScriptedBlog([answer]) as blog:
        adapter(blog.url).withdraw(PartReceipt(id="17"))
    assert blog.lines() == [f"DELETE {V2}/posts/17"]


@pytest.mark.parametrize("status", [301, 404, 403, 500])
def test_a_page_is_no_proof_that_a_post_is_gone(status):
    """Only the site's own word is."""
    with ScriptedBlog([Answer(status, "<html>Not found</html>")]) as blog, pytest.raises(Unavailable):
        adapter(blog.url).withdraw(PartReceipt(id="17"))


def test_what_a_user_may_not_do_is_a_warning():
    """Missing powers and powers that are too many are said, each with what to do."""
    def verified(*able: str) -> tuple[str, ...]:
        me = {"id": 4, "name": "Miller", "roles": ["author"], "capabilities": dict.fromkeys(able, True)}
        with ScriptedBlog([Answer(200, me)]) as blog:
            found = adapter(blog.url).verify()
        assert (found.account, found.account_id, found.scopes) == ("Miller", "4", ("author",))
        return found.warnings

    whole = ("publish_posts", "edit_published_posts", "delete_published_posts", "upload_files", "manage_categories")
    assert verified(*whole) == ()
    assert len(verified(*whole, "manage_options")) == 1
    assert len(verified()) == len(whole)


# --- what an author got wrong ----------------------------------------------------------------------------------------

@pytest.mark.parametrize(("made", "said"), [
    (article(title=None), "us wants a title."),
    (article(title=" \n"), "us wants a title."),
    (article(title="x" * 1001), "1001/1000 characters of title on us."),
    (article(""), "There is nothing to post on us."),
    (article(part("x", *(picture(f"{n}.jpg") for n in range(51)))), "51/50 images on us."),
    (article(part("x", picture(size=8_388_609))), "8,388,609/8,388,608 bytes on us: content/media/kettle.jpg."),
    (article(part("x", picture("a.svg", blob="kettle.jpg-600x600"))),
     "us does not take .svg files: content/media/a.svg."),
    (article(options={"slug": "Über uns"}), "'slug' cannot be Über uns on us."),
    (article(options={"slug": "a--b"}), "'slug' cannot be a--b on us."),
    (article(options={"slug": "x" * 151}), f"'slug' cannot be {'x' * 60} on us."),
    (article(options={"canonical": "mill.example"}), "'canonical' cannot be mill.example on us."),
    (article(options={"canonical": 'https://a.example/"onclick='}),
     "'canonical' cannot be https://a.example/\"onclick= on us."),
    (article(options={"comments": "maybe"}), "'comments' cannot be maybe on us."),
    (article(options={"sticky": True}), "wordpress has no option 'sticky' (us)."),
])
def test_what_is_refused(made, said):
    """Each limit once outside, in words for writers."""
    assert said in problems(made)


@pytest.mark.parametrize("made", [
    article(title="x" * 1000), article(part("x", *(picture(f"{n}.jpg") for n in range(50)))),
    article(part("x", picture(size=8_388_608))), article(options={"slug": "x" * 150}),
    article(options={"slug": "a-1"}), article(options={"canonical": "https://a.example/b?c=d"}),
    article("x" * 65_536),
])
def test_what_goes(made):
    """Each limit once inside."""
    assert problems(made) == []


def test_what_goes_out_otherwise_than_one_thinks_is_a_warning():
    """No canonical address, no content warning, no polls; a picture that many sites find too large."""
    warned = problems(article(part("x", picture(size=2_097_153)), options={"canonical": "https://a.example/"},
                              warning="Spoilers"), Severity.warning)
    assert [words.partition(":")[0] for words in warned] == [
        "us has no content warnings", "WordPress keeps no canonical address of its own", "2,097,153 bytes"]
    assert problems(article(part("x", picture(size=2_097_152))), Severity.warning) == []
    own = article(part("x", picture(size=3_000_000)), limits={"image_bytes": 4_000_000})
    assert (problems(own, Severity.warning), problems(own)) == ([], [])


def test_a_hostile_text_is_judged_and_composed():
    """64 kB of brackets, ampersands or quotes become one article, not many times as long."""
    for piece in ("[", "&", '"', "](", "<!-- wp:html -->", "[[x]]"):
        made = article(piece * (65_536 // len(piece)))
        assert problems(made) == []
        assert len(request_of(made)["content"]) < 40 * 65_536


# --- where it goes ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("url", ["http://mill.example", "ftp://mill.example", "mill.example", "", "https://",
                                 "http://[::1", "http://localhost.evil.example"])
def test_a_password_never_leaves_in_clear(url):
    """Only https, or this machine: else nothing is sent, and the credential is refused."""
    with pytest.raises(Unauthorized, match="https"):
        adapter(url).account_id()


def test_a_site_in_a_folder_is_reached_there():
    """`base_url` may have a path, and a slash at its end."""
    with ScriptedBlog([Answer(200, {"id": 4})]) as blog:
        assert adapter(f"{blog.url}/blog/").account_id() == "4"
    assert blog.lines() == [f"GET /blog{V2}/users/me"]


@pytest.mark.parametrize(("address", "id"), [
    ("17", "17"), (" 17 ", "17"), ("https://mill.example/?p=17", "17"), ("https://mill.example/index.php?p=17", "17"),
    ("https://mill.example/wp-admin/post.php?post=17&action=edit", "17"),
])
def test_a_post_is_known_by_its_number(address, id):
    """The number alone, the short address, and the editor's."""
    assert adapter().receipt_of(address) == PartReceipt(id=id)


@pytest.mark.parametrize("address", ["", "kettle", "https://mill.example/kettle/", "https://other.example/?p=17",
                                     "https://mill.example/kettle/?post=17", "0", "-1", "17a",
                                     "https://x.com/a/status/17"])
def test_any_other_address_is_none(address):
    """Nothing is guessed: whoever pastes another address is told which one will do."""
    with pytest.raises(ValueError, match="post=123"):
        adapter().receipt_of(address)


def test_words_of_answers():
    """Names of terms come as HTML; an address that is none of the web is not kept."""
    terms = [{"id": 1, "name": "Salt &amp; Co", "slug": "salt"}, {"id": 2, "name": "Other", "slug": "salt-co"}]
    assert [term_named(name, terms) for name in ("salt & CO", "SALT", "pepper")] == [1, 1, None]
    assert receipt_in({"id": 17, "link": "javascript:alert(1)"}) == PartReceipt(id="17")
