"""The comment of a review: what it tells, what it leaves out, and that nothing of it is live."""
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from flows.planning.commenting import LIMIT, MARKER, Review, Side, comment, failed
from flows.planning.comparing import Change, Difference, Moment
from flows.planning.contrasting import Found, Swing
from schemas.gate import GateLine, Light
from schemas.ledger import Slot
from schemas.place import Place
from schemas.problem import Problem, Severity

NOW = datetime(2027, 3, 1, 9, 0, tzinfo=UTC)
AT = Moment(datetime(2027, 3, 3, 10, 0, tzinfo=UTC), "Europe/Dublin")
HEADINGS = {"Drumbeat review", "Problems", "Plan", "Gates", "Previews"}
STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u202a-\u202e\u2066-\u2069\ufeff]")
SIGN = "Ж"
"""Stands in every text of content here, and in no word of ours."""


def a_review(**more: Any) -> Review:
    """A review of a change in which nothing changes, but for what is given."""
    return Review(**{"revision": "abc1234", "before": Side(0, 0, 0, 1, 1), "after": Side(0, 0, 0, 1, 1), "found": (),
                     "gone": 0, "changes": (), "swings": (), "previews": (), "now": NOW, **more})


def a_preview(text: str = "Hello.", **more: Any) -> dict[str, Any]:
    return {"slot": "posts/new@mastodon#1", "channel": "mastodon", "network": "mastodon", "at": "2027-03-03T10:00:00Z",
            "local": "2027-03-03 10:00", "zone": "Europe/Dublin", "media": [], "link": None, "title": None,
            "card": None, "warning": None, "poll": None, "cost_usd": None, "problems": [], "why": None, "runs": 1,
            "payload": "0" * 64, "parts": [{"kind": "post", "text": text, "length": len(text), "limit": 500}], **more}


def an_error(message: str, *, severity: Severity = Severity.error, **more: Any) -> Problem:
    return Problem("TXT001", severity, Place("content/posts/new.md", 6, 5), message, "Shorten it.", **more)


# --- what is live -----------------------------------------------------------------------------------------------------


def flat(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from flat(token.children or [])


def live(markdown: str) -> list[str]:
    """What a reader's browser, or a forge, would make more of than text in code."""
    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    found = []
    for position, token in enumerate(tokens):
        if token.type == "heading_open" and tokens[position + 1].content not in HEADINGS:
            found.append(f"heading {tokens[position + 1].content!r}")
    for token in flat(tokens):
        if token.type in ("link_open", "image"):
            found.append(token.type)
        if token.type in ("html_block", "html_inline") and token.content.strip() != MARKER:
            found.append(f"html {token.content!r}")
        if token.type == "text" and (SIGN in token.content or "@" in token.content):
            found.append(f"text {token.content!r}")
        if token.type == "code_block":
            found.append(f"a block that is no fence {token.content!r}")
    found += [f"command {line!r}" for line in markdown.splitlines() if line.lstrip(" \t>").startswith("/")]
    return found


@pytest.mark.parametrize(("words", "what"), [
    ("hello @team", "text"), ("[x](https://evil.example)", "link_open"), ("![x](https://evil.example)", "image"),
    ("<img src=x>", "html"), ("# Ж", "heading"), ("ok\n/merge", "command"), ("<https://evil.example>", "link_open"),
    ("```\ninside\n```\nЖ", "text"), ("| a |\n|---|\n| @team |", "text"), ("    Ж", "a block"),
    ("[x]: https://e.example\n\n[x]", "link_open")])
def test_what_is_live_is_seen(words: str, what: str) -> None:
    """The judge of the tests below finds each kind of thing that must not be there."""
    assert any(found.startswith(what) for found in live(f"{MARKER}\n\n{words}\n"))


nasty = st.text(st.one_of(st.sampled_from("`@|[]()<>!#*_~&:/\\-=+.\n\r\t aé\u202e\u2066\u200b\ufeff\x1b\x00\u2028"),
                          st.characters()), max_size=30).map(lambda text: SIGN + text)
phrases = st.sampled_from([
    "/merge ", "# ", "- ", "> ", "````\n@team", "`", "```\n```\n/merge\n# Head", "[a](javascript:alert(1))", "![i](https://e.example/p.png)",
    "<details><summary>x", "<!-- drumbeat-review -->", "a|b\\|c", "-->\n<img src=x onerror=alert(1)>", "@everyone #12",
    "~~~\n[x]\n\n[x]: https://e.example", "&#64;team", "\n\n\n/close\n", "https://e.example www.e.example"])
texts = st.one_of(nasty, phrases.map(lambda text: text + SIGN), st.tuples(phrases, nasty).map("".join))
slots = st.builds(lambda post, channel: Slot(post, channel, "1"), texts, texts)
problems = st.builds(Problem, st.just("TXT001"), st.sampled_from(Severity), st.builds(Place, texts), texts, texts,
                     st.none(), st.one_of(st.none(), texts))
gate_lines = st.builds(GateLine, st.sampled_from(Light), texts, texts, texts, texts, st.one_of(st.none(), texts),
                       st.one_of(st.none(), texts))
previews = st.builds(
    lambda post, channel, words, more: a_preview(words, slot=f"{post}@{channel}#1", channel=channel, title=more,
                                                 warning=more, card=more, why=more, poll=[more, words],
                                                 media=[{"file": more, "alt": words}]),
    texts, texts, texts, texts)
reviews = st.builds(
    a_review, found=st.lists(st.builds(Found, problems, st.booleans()), max_size=3).map(tuple),
    changes=st.lists(st.builds(Change, st.sampled_from(Difference), slots, st.just(AT), st.just(AT), texts),
                     max_size=3).map(tuple),
    swings=st.lists(st.builds(Swing, texts, st.sampled_from([None, *Light]), st.sampled_from(Light),
                              st.lists(st.tuples(st.none(), gate_lines), max_size=2).map(tuple)),
                    max_size=2).map(tuple),
    previews=st.lists(previews, max_size=3).map(tuple))


@settings(max_examples=150, deadline=None)
@given(reviews)
def test_nothing_that_content_says_is_ever_live(review: Review) -> None:
    """Whatever the texts, ids and file names: no link, picture, HTML, heading, mention or command comes of them."""
    told = comment(review)

    assert told.startswith(f"{MARKER}\n")
    assert live(told) == []
    assert not STEERING.search(told)
    assert told.encode("utf-8")


@given(texts, texts)
def test_what_cannot_be_read_is_told_as_safely(what: str, remedy: str) -> None:
    """The comment on content that cannot be read holds its words in code only."""
    assert live(failed(what, remedy)) == []


def test_every_line_of_a_text_is_shown_as_it_is_sent() -> None:
    """Backticks, a mention and a command stand behind a bar, in a fence that they cannot close."""
    told = comment(a_review(previews=(a_preview("Ask @team:\n```\n/merge\n````"),)))

    assert told.endswith("""\
**`posts/new`**

`````text
▶ mastodon (mastodon), 2027-03-03 10:00 Europe/Dublin
  payload sha256 0000000000000000000000000000000000000000000000000000000000000000
  text, 26 of 500:
  │ Ask @team:
  │ ```
  │ /merge
  │ ````
`````
""")


# --- what it tells ----------------------------------------------------------------------------------------------------


def test_a_quiet_change_is_told_in_a_few_lines() -> None:
    """Where nothing changes, each section says so."""
    assert comment(a_review()) == """\
<!-- drumbeat-review -->

## Drumbeat review

**No errors.**

| | base | with this change |
|---|---:|---:|
| errors | 0 | 0 |
| warnings | 0 | 0 |
| posts | 1 | 1 |
| planned to go out | 1 | 1 |

### Problems

None.

### Plan

Nothing changes.

### Gates

None changes.

### Previews

No post is new or says something else.
"""


def test_problems_come_errors_first_and_alike_together() -> None:
    """New ones are marked, channels of one problem are listed, and advice of before is only counted."""
    found = (
        Found(an_error("On x it is too long.", channel="x"), True),
        Found(an_error("On mastodon it is too long.", channel="mastodon"), True),
        Found(an_error("A link is broken.", severity=Severity.warning), False),
        Found(an_error("One text for all.", severity=Severity.advice), False),
    )

    told = comment(a_review(found=found, gone=1, after=Side(2, 1, 1, 1, 0), knows_sent=False, lacking=1))

    assert "**2 errors, 2 of them new: what they are about does not go out.** No archive was looked into" in told
    assert "1 rule had nothing to look at here (`drumbeat check --advice`)." in told
    assert """\
2, 1 of them new (marked `●`). 1 of the base is gone. Not shown: 1 advice that the base has too (`drumbeat check \
--advice`).

```text
● error content/posts/new.md:6:5: On mastodon and x it is too long.  [TXT001]
    remedy: Shorten it.
· warning content/posts/new.md:6:5: A link is broken.  [TXT001]
    remedy: Shorten it.
```
""" in told


def test_gates_say_what_moved() -> None:
    """A gate that turned red, its line, whom to ask; a new gate with what is open; one that is gone."""
    was = GateLine(Light.green, "CMP001", "a crisis plan", "reviewed on 2027-01-02")
    now = GateLine(Light.red, "CMP001", "a crisis plan", "there is none", "Write one.", "wren")
    swings = (Swing("LAUNCH of spring", Light.green, Light.red, ((was, now),)),
              Swing("LAUNCH of summer", None, Light.red, ((None, was), (None, now))),
              Swing("SKILLS", Light.amber, None, ((was, None),)))

    assert """\
■ LAUNCH of spring: green → red
    green → red  a crisis plan: there is none
        → Ask wren: Write one.
■ LAUNCH of summer: new, red
    red  a crisis plan: there is none
        → Ask wren: Write one.
■ SKILLS: gone
""" in comment(a_review(swings=swings))


# --- what does not fit ------------------------------------------------------------------------------------------------


def test_what_is_cut_is_counted_and_the_command_named() -> None:
    """Far too much of everything fits into the limit; each section has its share, and says what is missing."""
    found = tuple(Found(an_error(f"Number {number} " + "is wrong " * 20), True) for number in range(2_000))
    changes = tuple(Change(Difference.new, Slot(f"posts/{number}", "x", "1"), None, AT, "because " * 40)
                    for number in range(2_000))
    shown = tuple(a_preview("long " * 300, slot=f"posts/{number}@x#1") for number in range(200))

    told = comment(a_review(found=found, changes=changes, previews=shown))

    assert 0.9 * LIMIT < len(told) <= LIMIT
    for section, unit, command in (("Problems", "problems", "drumbeat check --advice"),
                                   ("Plan", "lines", "drumbeat plan --diff abc1234"),
                                   ("Previews", "posts", "drumbeat preview")):
        part = told.partition(f"### {section}\n")[2].partition("\n### ")[0]
        assert f" {unit} are not shown whole. `{command}` shows all." in part
        assert len(part) > 8_000
    assert live(told) == []


@pytest.mark.parametrize("text", ["`" * 70_000, "😀" * 70_000, "\n" * 70_000, "\u202e" * 70_000, "a" * 70_000])
def test_one_endless_text_stays_within_the_limit(text: str) -> None:
    """A text of one sign, however it is counted, is cut and said to be; the limit holds in UTF-16 units too."""
    told = comment(a_review(previews=(a_preview(text, why=text, title=text),),
                            found=(Found(an_error(text), True),)))

    assert len(told.encode("utf-16-le")) // 2 <= LIMIT
    assert "more" in told
    assert live(told) == []
