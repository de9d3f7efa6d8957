"""What only DEV has: Markdown that it would take for commands, a mark that nobody sees, the form of its requests."""
from datetime import UTC, datetime
from typing import Any

import pytest
from contract_case import message, part, picture
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from pydantic import SecretStr
from scripted_blog import Answer, Heard, ScriptedBlog
from starlette.requests import Request
from starlette.responses import Response

from publishers.base import DRAFT, Connection, Found, Sent
from publishers.devto import DevTo
from publishers.rehearsal._twin import Rehearsal
from publishers.rehearsal.devto_twin import DevToTwin
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt
from schemas.message import Message
from schemas.problem import Severity

KEY = "k3y-that-nobody-sees"
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
LIVE = {"id": 17, "url": "https://dev.to/us/kettle-1a", "published_timestamp": "2026-11-22T12:00:00Z"}
SENT = Sent(handles={DRAFT: "17"})


def adapter(url: str | None = None) -> DevTo:
    given = {"base_url": SecretStr(url)} if url else {}
    return DevTo(Connection("@us", {"api_key": SecretStr(KEY), **given}))


def article(text: Any = "A kettle is mended", **more: Any) -> Message:
    options = {"ai": "no_ai", **more.pop("options", {})}
    return message("devto", text, **{"title": "A kettle", **more}, options=options)


def problems(made: Message, severity: Severity = Severity.error) -> list[str]:
    return [problem.message for problem in adapter().check(made) if problem.severity == severity]


def draft_of(made: Message, **handles: str) -> dict[str, Any]:
    """The article in the call that makes its draft."""
    plan = adapter().compose(made)
    with ScriptedBlog([Answer(200, []), Answer(200, []), Answer(201, LIVE)]) as site:
        adapter(site.url).draft(plan, 0, Sent(handles=handles))
    sent: dict[str, Any] = site.heard[2].body["article"]
    return sent


# --- what is sent ----------------------------------------------------------------------------------------------------

def test_an_article_as_forem_documents_it():
    """Every field of the request, as developers.forem.com/api/v1 names them."""
    made = message(
        "devto", part("Bold", markdown="**Bold** & <b>"), part("Two"), part("Three", kind="comment"),
        title=" Salt &\n<pepper> ", hashtags=("Open_Source", "opensource", "Ümlaut"), card="https://mill.example/",
        options={"excerpt": "Short", "canonical": "https://mill.example/a", "series": "Salt", "organization": 17,
                 "ai": "some_ai"})
    (only,) = adapter().compose(made).parts
    assert only.request == {
        "title": "Salt & <pepper>", "body_markdown": "**Bold** & <b>\n\nTwo\n\nThree\n\n<https://mill.example/>",
        "published": True, "tags": ["opensource", "ümlaut"], "description": "Short", "series": "Salt",
        "canonical_url": "https://mill.example/a", "organization_id": 17, "ai_disclosure_level": "some_ai"}


def test_a_draft_and_then_one_call_that_publishes():
    """Look, draft and publication on the wire, whole; the key in its own header."""
    plan = adapter().compose(article(hashtags=("mill",)))
    with ScriptedBlog([Answer(200, []), Answer(200, []), Answer(201, {**LIVE, "published_timestamp": ""}),
                       Answer(200, LIVE)]) as site:
        dev = adapter(site.url)
        receipt = dev.publish(plan, 0, Sent(handles={DRAFT: dev.draft(plan, 0, Sent())}))
    assert receipt == PartReceipt(id="17", url="https://dev.to/us/kettle-1a")
    assert site.lines() == ["GET /api/articles/me/published", "GET /api/articles/me/unpublished", "POST /api/articles",
                            "PUT /api/articles/17"]
    made, published = site.heard[2:]
    body = made.body["article"].pop("body_markdown")
    assert made.body == {"article": {"title": "A kettle", "published": False, "tags": ["mill"],
                                     "ai_disclosure_level": "no_ai"}}
    assert body.startswith("A kettle is mended\n\n[//]: # (drumbeat ")
    assert len(body) == len("A kettle is mended\n\n[//]: # (drumbeat )") + 10
    assert published.body == {"article": {"published": True, "ai_disclosure_level": "no_ai"}}
    for heard in site.heard:
        assert heard.headers["api-key"] == KEY
        assert heard.headers["accept"] == "application/vnd.forem.api-v1+json"
        assert heard.headers["user-agent"]


def test_nobody_sees_the_mark():
    """It is a link definition that no link uses, and other ones for each slot and account."""
    bodies = {draft_of(made)["body_markdown"] for made in (
        article("x"), article("x", post="posts/other"), article("x").model_copy(update={"account": "@them"}))}
    assert len(bodies) == 3
    assert {MarkdownIt("commonmark").render(body) for body in bodies} == {"<p>x</p>\n"}


@pytest.mark.parametrize("text", ["```\nmake tea", "~~~~ sh\n```\nmake tea", "a\n\n   ```text\nb\n\n``",
                                  "```\na\n```\n\n```\nb", "```\na\n``` not yet"])
def test_code_that_nobody_closed_ends_with_its_part(text):
    """Else the part behind it, the card and our mark would be lines of code that readers see."""
    body = draft_of(message("devto", text, "Tail", title="A kettle", card="https://mill.example/"))["body_markdown"]
    shown = MarkdownIt("commonmark").render(body)
    assert "drumbeat" not in shown
    assert shown.endswith('<p>Tail</p>\n<p><a href="https://mill.example/">https://mill.example/</a></p>\n')


def test_pictures_stand_in_the_text_and_a_cover_only_when_asked_for():
    """A cover has no alt text there, so it is a choice."""
    one, two = picture(), picture("two.png", alt="Two")
    where = {one.blob: "https://files.example/1", two.blob: "https://files.example/2"}
    made = draft_of(article(part("x", one, two)), **where)
    assert "main_image" not in made
    assert made["body_markdown"].startswith(
        "x\n\n![A kettle](https://files.example/1)\n\n![Two](https://files.example/2)\n\n[//]")
    covered = draft_of(article(part("x", one, two), options={"cover": True}), **where)
    assert covered["main_image"] == "https://files.example/1"
    assert covered["body_markdown"].startswith("x\n\n![Two](https://files.example/2)\n\n[//]")
    assert "cover" not in covered


@pytest.mark.parametrize(("alt", "written"), [
    ("A [new] one", "A [new] one"), ("a ] b", "a ) b"), ("a [ b", "a ( b"), ("] [", ") ("), ("a\n\nb", "a b"),
    ("a \\] b", "a \\) b"), ("](https://evil.example) ![", ")(https://evil.example) !("), ("{% x %}", "{ % x %}"),
    ("{{ x }}", "{ { x }}"), ("", ""),
])
def test_alt_text_stays_alt_text(alt, written):
    """Nothing in it closes the picture, begins another, or is a command."""
    one = picture(alt=alt)
    body = draft_of(article(part("x", one)), **{one.blob: "https://files.example/1"})["body_markdown"]
    assert f"\n\n![{written}](https://files.example/1)\n\n" in body


@pytest.mark.parametrize("text", ["---\npublished: true\n---\nText", "  ---\ntitle: x\n---\n", "\n\n---\na: b\n---\nx",
                                  "-----\nx", "---x\n---"])
def test_no_text_is_front_matter(text):
    """Front matter would win over everything that we say, `published` above all."""
    body = adapter().compose(article(part(text, markdown=text))).parts[0].request["body_markdown"]
    assert not body.lstrip().startswith("---")


@given(st.text(alphabet="- \n\t*a:", max_size=40))
@settings(max_examples=300, deadline=None)
def test_no_text_at_all_is_front_matter(text):
    body = str(adapter().compose(article(part(f"{text}x", markdown=f"{text}x"))).parts[0].request["body_markdown"])
    assert not body.lstrip().startswith("---")


def test_pictures_need_an_address_that_can_stand_in_markdown():
    """Their handles are their addresses; any other is refused before anything is sent."""
    plan = adapter().compose(article(part("x", picture())))
    (blob,) = plan.parts[0].media
    assert adapter().fetch(plan, 0, lambda _: "https://files.example/1?a=b") == {blob: "https://files.example/1?a=b"}
    for bad in ("file:///etc/passwd", "https://files.example/1)", "https://files.example/a b", "", "javascript:x"):
        with pytest.raises(Unavailable):
            adapter().fetch(plan, 0, lambda _, bad=bad: bad)


# --- drafts ----------------------------------------------------------------------------------------------------------

def marked(made: Message, **more: Any) -> dict[str, Any]:
    return {**LIVE, "body_markdown": draft_of(made)["body_markdown"], **more}


def test_a_draft_of_ours_is_brought_up_to_date():
    """Known by its mark though DEV changed the text around it; a stranger's with the same title and text is not."""
    made = article()
    ours = marked(made, id=23)
    ours["body_markdown"] = "```shell\nchanged\n```\n" + ours["body_markdown"][-40:]
    stranger = {**LIVE, "id": 22, "title": "A kettle", "body_markdown": "A kettle is mended"}
    with ScriptedBlog([Answer(200, []), Answer(200, [stranger, ours]), Answer(200, {**LIVE, "id": 23})]) as site:
        assert adapter(site.url).draft(adapter().compose(made), 0, Sent()) == "23"
    assert site.lines()[2] == "PUT /api/articles/23"
    assert "published" not in site.heard[2].body["article"]


def test_nothing_of_an_older_edition_stays_in_a_draft():
    """A draft that is written again has none of the words and the cover of the edition before."""
    options = {"excerpt": "Old", "canonical": "https://old.example/", "series": "Old", "cover": "true"}
    older = article(part("Old", picture()), hashtags=("Old",), options=options)
    with Rehearsal([DevToTwin(lambda: NOON)]) as running:
        blogger, sent = DevTo(Connection("@us", {"api_key": SecretStr("rehearsal:@us")}, running.address("devto"))), []
        for made in (older, article("New", title="New")):
            plan = blogger.compose(made)
            handles = dict.fromkeys(plan.parts[0].media, "https://files.example/1.jpg")
            sent.append(blogger.draft(plan, 0, Sent(handles=handles)))
        assert sent[0] == sent[1]
        held = running.twin("devto").drafts[sent[1]]
    kept = ("body_markdown", "id", "account", "created_at", "ai_disclosure_level")
    assert {field: held[field] for field in held if held[field] and field not in kept} == {"title": "New"}
    assert held["body_markdown"].startswith("New\n\n[//]:")


def test_a_draft_that_went_out_meanwhile_is_not_taken_back():
    """Another publisher was faster between our look and our writing: its article stays out."""
    class Overtaken(DevToTwin):
        """A site where the draft goes out right after it was listed."""

        async def _mine(self, request: Request) -> Response:
            answer = await super()._mine(request)
            if request.path_params["status"] == "unpublished" and self.drafts:
                (draft,) = self.drafts.values()
                self._save({**draft, "published": True}, [])
            return answer

    with Rehearsal([Overtaken(lambda: NOON)]) as running:
        blogger = DevTo(Connection("@us", {"api_key": SecretStr("rehearsal:@us")}, running.address("devto")))
        plan = blogger.compose(article())
        drafts = [blogger.draft(plan, 0, Sent()) for _ in range(2)]
        assert [post.id for post in running.twin("devto").posts] == [drafts[0]] == [drafts[1]]


def test_an_article_that_is_out_is_left_alone():
    """Its number is given again, and nothing but a look goes out."""
    made = article()
    ours = marked(made)
    with ScriptedBlog([Answer(200, [ours])]) as site:
        assert adapter(site.url).draft(adapter().compose(made), 0, Sent()) == "17"
    assert site.lines() == ["GET /api/articles/me/published"]


def test_the_same_title_within_five_minutes_can_be_tried_again():
    """DEV refuses for now, not for good."""
    said = {"error": "Title has already been used in the last five minutes", "status": 422}
    with ScriptedBlog([Answer(200, []), Answer(200, []), Answer(422, said)]) as site, pytest.raises(Unavailable):
        adapter(site.url).draft(adapter().compose(article()), 0, Sent())


# --- what comes back -------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("status", "body", "kind", "dead"), [
    (401, {"error": "unauthorized", "status": 401}, Unauthorized, True),
    (403, {"error": "unauthorized", "status": 403}, Unauthorized, False),
    (403, "Forbidden Bots", Unconfirmed, None),
    (404, {"error": "not found", "status": 404}, Rejected, None),
    (422, {"error": "Canonical url has already been taken.", "status": 422}, Rejected, None),
    (429, "Retry later\n", RateLimited, None),
    (500, {"error": "Internal Server Error", "status": 500}, Unconfirmed, None),
    (200, {**LIVE, "published_timestamp": "", "published_at": "2026-11-22T12:00:00Z"}, Unconfirmed, None),
    (200, {**LIVE, "id": 18}, Unconfirmed, None),
    (200, {**LIVE, "id": "17"}, Unconfirmed, None),
    (204, None, Unconfirmed, None),
])
def test_each_answer_to_the_call_that_publishes(status, body, kind, dead):
    """DEV's own words; whatever is not the published article casts doubt."""
    with ScriptedBlog([Answer(status, body)]) as site, pytest.raises(PublishError) as caught:
        adapter(site.url).publish(adapter().compose(article()), 0, SENT)
    assert type(caught.value) is kind
    assert getattr(caught.value, "dead", None) == dead
    assert KEY not in str(caught.value)


def pages(*numbers: range, at: str = "2026-11-22T12:00:00Z") -> Any:
    """A plan: the account's published articles, by page."""
    def plan(heard: Heard) -> Answer:
        page = int(heard.query["page"]) - 1
        return Answer(200, [{**LIVE, "id": n, "published_at": at, "body_markdown": "x"}
                            for n in (numbers[page] if page < len(numbers) else ())])
    return plan


@pytest.mark.parametrize(("plan", "found", "calls"), [
    (pages(range(10, 20)), True, 1),
    (pages(range(100, 130), range(10, 20)), True, 2),
    (pages(range(100, 130), range(200, 205)), False, 2),
    (pages(range(100, 130), at="2026-11-22T11:59:59Z"), False, 1),
    (pages(), False, 1),
])
def test_a_look_reads_until_it_knows(plan, found, calls):
    """By page, newest first, until the article is there, the list ends, or all is older than was asked for."""
    with ScriptedBlog(plan) as site:
        look = adapter(site.url).find(adapter().compose(article()), 0, NOON, SENT)
    assert (bool(look.matches), look.complete, len(site.heard)) == (found, True, calls)
    assert {heard.line for heard in site.heard} == {"GET /api/articles/me/published"}


def test_a_look_without_a_draft_goes_by_the_mark():
    """And one that cannot be read to its end is not complete."""
    made = article()
    with ScriptedBlog([Answer(200, [marked(made, published_at="2026-11-22T12:00:00Z")])]) as site:
        look = adapter(site.url).find(adapter().compose(made), 0, NOON, Sent())
    assert look == Found((PartReceipt(id="17", url=LIVE["url"]),), complete=True)
    with ScriptedBlog(lambda _: Answer(200, [{**LIVE, "id": n} for n in range(100, 130)])) as site:
        assert adapter(site.url).find(adapter().compose(made), 0, NOON, SENT) == Found((), complete=False)


@pytest.mark.parametrize(("answer", "raised"), [
    (Answer(200, LIVE), None), (Answer(404, {"error": "not found", "status": 404}), None),
    (Answer(404, "<html>"), Unavailable), (Answer(401, {"error": "unauthorized"}), Unauthorized)])
def test_taken_back_it_is_a_draft(answer, raised):
    """DEV deletes nothing for its interface."""
    with ScriptedBlog([answer]) as site:
        if raised is None:
            adapter(site.url).withdraw(PartReceipt(id="17"))
        else:
            with pytest.raises(raised):
                adapter(site.url).withdraw(PartReceipt(id="17"))
    assert (site.lines(), site.heard[0].body) == (["PUT /api/articles/17"], {"article": {"published": False}})


# --- what an author got wrong ----------------------------------------------------------------------------------------

@pytest.mark.parametrize(("made", "said"), [
    (article(title=None), "us wants a title."),
    (article(title="x" * 129), "129/128 characters of title on us."),
    (article("é" * 409_601), "819202/819200 on us."),
    (article(hashtags=("a", "b", "c", "d", "e")), "5/4 hashtags on us."),
    (article(hashtags=("x" * 31,)), f"'#{'x' * 31}' can be no tag on us."),
    (article(hashtags=("__",)), "'#__' can be no tag on us."),
    (article("{% youtube x %}"), "us reads {% … %} and {{ … }} as commands of its own (Liquid)."),
    (article("<img src='&x'>"),
     "us takes src=\"data…, src=\"&… and data:text/html for an attack, and refuses the article."),
    (article("a {{ b }}"), "us reads {% … %} and {{ … }} as commands of its own (Liquid)."),
    (article("[a](https://a.example/{{b}})"), "us reads {% … %} and {{ … }} as commands of its own (Liquid)."),
    (article("```\n{{ code }}\n```\n{{ b }}"), "us reads {% … %} and {{ … }} as commands of its own (Liquid)."),
    (article(" ".join(f"@name{n}" for n in range(8))), "8/7 mentions on us."),
    (article(options={"organization": "mill"}), "'organization' cannot be mill on us."),
    (article(options={"ai": "yes"}), "'ai' cannot be yes on us."),
    (article(options={"slug": "a"}), "devto has no option 'slug' (us)."),
])
def test_what_is_refused(made, said):
    """Each limit once outside, in words for writers."""
    assert said in problems(made)


@pytest.mark.parametrize("made", [
    article(title="x" * 128), article("é" * 409_600), article(hashtags=("a", "b", "c", "x" * 30)),
    article("`{% raw %}` and\n\n```\n{{ code }}\n```"),
    article(" ".join(f"@name{n % 7} a@b.example" for n in range(20))),
    article(options={"organization": 17, "cover": True}),
])
def test_what_goes(made):
    """Each limit once inside; code may look like a command."""
    assert problems(made) == []


def test_what_readers_should_know_is_a_warning():
    """Pictures that lie elsewhere, a cover without alt text, and how much a machine wrote."""
    made = article(part("x", picture()), options={"cover": True, "ai": ""})
    assert [words.partition(",")[0][:40] for words in problems(made, Severity.warning)] == [
        "DEV wants to know of each article how mu", "us shows pictures from the address where",
        "A cover has no alt text on us: content/m"]
    assert problems(article(), Severity.warning) == []


# --- where it goes ---------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("address", "id"), [("17", "17"), ("https://dev.to/api/articles/17", "17")])
def test_an_article_is_known_by_its_number(address, id):
    assert adapter().receipt_of(address) == PartReceipt(id=id)


@pytest.mark.parametrize(("address", "hint"), [
    ("https://dev.to/us/kettle-1a", "https://dev.to/api/articles/us/kettle-1a"), ("kettle", "api/articles"),
    ("https://other.example/api/articles/17", "api/articles"), ("", "api/articles"), ("0", "api/articles")])
def test_any_other_address_is_none(address, hint):
    """Whoever pastes the address of an article is told where its number stands."""
    with pytest.raises(ValueError, match=hint):
        adapter().receipt_of(address)


def test_home_is_dev_and_another_site_has_https():
    """Without an address it is dev.to; a key never leaves in clear."""
    with pytest.raises(Unauthorized, match="https"):
        adapter("http://forem.example").account_id()
    assert adapter()._url("/users/me") == "https://dev.to/api/users/me"


@pytest.mark.parametrize("piece", ["`", "~~~", "``a`", "{", "@", "---\n", "![", "\\"])
def test_a_hostile_text_is_judged_and_composed(piece):
    """64 kB written to be slow become one article of about that length."""
    made = article(f"x{piece * (65_536 // len(piece))}")
    adapter().check(made)
    assert len(adapter().compose(made).parts[0].request["body_markdown"]) < 2 * 65_536
