"""Markdown as chats take it: each sign in its place, and nothing of an author's text that becomes another sign."""
import json
import re
from html.parser import HTMLParser

import pytest
from contract_case import message, part
from hypothesis import given, settings
from hypothesis import strategies as st

from publishers._chat_blocks import LONGEST_MARKUP, Block, added_hashtags, blocks_of, visible_text_of, with_link
from publishers._chat_markup import discord_markdown, slack_blocks, telegram_html

KETTLE = "https://example.org/kettle"


def read(markdown: str, text: str | None = None, **more) -> tuple[Block, ...]:
    made = message("telegram", part(markdown if text is None else text, markdown=markdown), **more)
    return blocks_of(made, made.parts[0])


# --- each sign, in each chat ------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("markdown", "html", "visible", "discord"), [
    ("plain", "plain", "plain", "plain"),
    ("**bold**", "<b>bold</b>", "bold", "**bold**"),
    ("_lean_", "<i>lean</i>", "lean", "_lean_"),
    ("***both***", "<b><i>both</i></b>", "both", "**_both_**"),
    ("un*frigging*real", "un<i>frigging</i>real", "unfriggingreal", "un*frigging*real"),
    ("**a**_b_", "<b>a</b><i>b</i>", "ab", "**a**_b_"),
    ("**a** _b_", "<b>a</b> <i>b</i>", "a b", "**a** _b_"),
    ("`a <b>`", "<code>a &lt;b&gt;</code>", "a <b>", "`a <b>`"),
    (f"[kettle]({KETTLE})", f'<a href="{KETTLE}">kettle</a>', "kettle", f"[kettle]({KETTLE})"),
    (f"[**kettle**]({KETTLE})", f'<b><a href="{KETTLE}">kettle</a></b>', "kettle", f"**[kettle]({KETTLE})**"),
    ("[a](https://e.org/x_(y))", '<a href="https://e.org/x_(y)">a</a>', "a", "[a](https://e.org/x_%28y%29)"),
    (f"<{KETTLE}>", KETTLE, KETTLE, KETTLE),
    (f"See {KETTLE}.", f"See {KETTLE}.", f"See {KETTLE}.", f"See {KETTLE}."),
    (f"({KETTLE})", f"({KETTLE})", f"({KETTLE})", f"(<{KETTLE}>)"),
    (f"**{KETTLE}**", f"<b>{KETTLE}</b>", KETTLE, f"**{KETTLE}**"),
    ("https://e.org/_a_/*b*/c_d", "https://e.org/_a_/*b*/c_d", "https://e.org/_a_/*b*/c_d",
     "https://e.org/_a_/*b*/c_d"),
    ("a & b < c > d \"e\"", "a &amp; b &lt; c &gt; d &quot;e&quot;", 'a & b < c > d "e"', 'a & b \\< c \\> d "e"'),
    ("5 * 3 * 2 ~ a|b", "5 * 3 * 2 ~ a|b", "5 * 3 * 2 ~ a|b", "5 \\* 3 \\* 2 \\~ a\\|b"),
    ("one\ntwo", "one two", "one two", "one two"),
    ("one  \ntwo", "one\ntwo", "one\ntwo", "one\ntwo"),
    ("one\n\ntwo", "one\n\ntwo", "one\n\ntwo", "one\n\ntwo"),
    ("Take:\n- one\n- two", "Take:\n• one\n• two", "Take:\n• one\n• two", "Take:\n- one\n- two"),
    ("3. three\n4. four", "3. three\n4. four", "3. three\n4. four", "3. three\n4. four"),
    ("- one\n  - two", "• one\n  • two", "• one\n  • two", "- one\n  - two"),
    ("> said\n> so", "<blockquote>said so</blockquote>", "said so", "> said so"),
    ("```py\nx < 1\n```", "<pre>x &lt; 1\n</pre>", "x < 1", "```\nx < 1\n```"),
    ("# Not a heading", "# Not a heading", "# Not a heading", "\\# Not a heading"),
    ("-# small", "-# small", "-# small", "\\-# small"),
    ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;", "<script>x</script>", "\\<script\\>x\\</script\\>"),
    ("[x](javascript:alert(1))", "[x](javascript:alert(1))", "[x](javascript:alert(1))",
     "\\[x\\](javascript:alert(1))"),
    ("[x](ftp://e.org)", "x", "x", "x"),
    ("[1]: https://e.org/a", "[1]: https://e.org/a", "[1]: https://e.org/a", "\\[1\\]: https://e.org/a"),
    ("![alt](https://e.org/a.png)", '!<a href="https://e.org/a.png">alt</a>', "!alt", "![alt](https://e.org/a.png)"),
])
def test_each_sign(markdown: str, html: str, visible: str, discord: str) -> None:
    """What an author wrote is the same in each chat's own signs, and its letters are the same letters."""
    blocks = read(markdown)
    assert telegram_html(blocks) == (html, visible)
    assert discord_markdown(blocks) == discord


@pytest.mark.parametrize(("text", "shown"), [
    ("@everyone and @here", "\\@everyone and \\@here"), ("<@123> <@&4> <#5>", "\\<@123\\> \\<@&4\\> \\<#5\\>"),
    ("<t:1:R> </x:1> <a:b:2>", "\\<t:1:R\\> \\</x:1\\> \\<a:b:2\\>"), ("||x||", "\\|\\|x\\|\\|"),
    (">>> all", "\\>\\>\\> all"), ("mail@example.org", "mail@example.org"),
])
def test_discord_pings_nobody(text: str, shown: str) -> None:
    """Every way to write a mention, a time or a spoiler in Discord is letters when an author's text holds it."""
    made = message("discord", part(text, markdown=""))
    assert discord_markdown(blocks_of(made, made.parts[0])) == shown


def test_slack_is_told_what_is_what() -> None:
    """Styles, links, lists, quotes and code are elements of their own; a text is never read for signs."""
    blocks = read(f"**A** <!channel> & _b_ [k]({KETTLE}) {KETTLE}\n\n- one\n- `two`\n\n> said\n\n```\nx\n```\n\nEnd")
    assert slack_blocks(blocks) == [{"type": "rich_text", "elements": [
        {"type": "rich_text_section", "elements": [
            {"type": "text", "text": "A", "style": {"bold": True}}, {"type": "text", "text": " <!channel> & "},
            {"type": "text", "text": "b", "style": {"italic": True}}, {"type": "text", "text": " "},
            {"type": "link", "url": KETTLE, "text": "k"}, {"type": "text", "text": " "},
            {"type": "link", "url": KETTLE}]},
        {"type": "rich_text_list", "style": "bullet", "indent": 0, "elements": [
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "one"}]},
            {"type": "rich_text_section", "elements": [{"type": "text", "text": "two", "style": {"code": True}}]}]},
        {"type": "rich_text_quote", "elements": [{"type": "text", "text": "said"}]},
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "x"}]},
        {"type": "rich_text_section", "elements": [{"type": "text", "text": "\n"}, {"type": "text", "text": "End"}]}]}]


def test_a_list_that_begins_later_begins_later_in_slack() -> None:
    """The first number of a list is kept."""
    (block,) = slack_blocks(read("3. three\n4. four"))
    assert (block["elements"][0]["style"], block["elements"][0]["offset"]) == ("ordered", 2)


# --- hashtags, cards, plain text --------------------------------------------------------------------------------------

@pytest.mark.parametrize(("text", "markdown", "hashtags", "added"), [
    ("Mended.\n\n#SpringMend #Kettle", "Mended.", ("SpringMend", "Kettle"), "#SpringMend #Kettle"),
    ("Mended. #Kettle", "Mended. #Kettle", ("Kettle",), ""),
    ("Mended.\n\n#Kettle", "Mended.\n\n#Kettle", ("Kettle",), ""),
    ("Mended.\n\n#Kettle now", "Mended.\n\n#Kettle now", ("Kettle",), ""),
    ("#Kettle", "", ("Kettle",), "#Kettle"),
    ("Mended.", "Mended.", (), ""),
])
def test_hashtags_stand_once(text: str, markdown: str, hashtags: tuple[str, ...], added: str) -> None:
    """The line of hashtags that the Markdown lacks is added, one that it has is not."""
    made = message("telegram", part(text, markdown=markdown), hashtags=hashtags)
    assert added_hashtags(made, made.parts[0]) == added
    assert visible_text_of(blocks_of(made, made.parts[0])) == text


def test_a_card_is_a_link_below_the_text_once() -> None:
    """A link that no text holds is added under it; one that stands there, labelled or bare, is not."""
    assert visible_text_of(with_link(read("Read on"), KETTLE)) == f"Read on\n\n{KETTLE}"
    for there in (f"Read {KETTLE}", f"[Read]({KETTLE})"):
        assert with_link(read(there), KETTLE) == read(there)
    assert with_link((), None) == ()


def test_a_text_without_markdown_keeps_every_letter() -> None:
    """Plain text is not read for signs; only its addresses are links."""
    made = message("telegram", part(f"*a* _b_ <c> {KETTLE}\n# d", markdown=""))
    marked = telegram_html(blocks_of(made, made.parts[0]))
    assert marked == (f"*a* _b_ &lt;c&gt; {KETTLE}\n# d", f"*a* _b_ <c> {KETTLE}\n# d")


# --- always and never -------------------------------------------------------------------------------------------------

TEXTS = st.text(st.sampled_from("ab *_`~|<>[]()!#-+.:/@&\"'\\\n1"), max_size=80) | st.lists(st.sampled_from((
    "**", "_", "`", "[a](https://e.org/x)", "https://e.org/_x_", "<", ">", "&", "@everyone", "<@1>", "<!channel>", "\n",
    "\n\n", "- ", "1. ", "> ", "```", "a", "é", "👩‍💻", " ", "\\", "](", "http://", "&lt;", "&#64;everyone")),
    max_size=25).map("".join)


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag, attrs):
        assert tag in ("b", "i", "code", "pre", "a", "blockquote")
        assert not {"code", "pre"} & set(self.open)
        self.open.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def stands(link: str, source: str) -> bool:
    """Whether an author wrote it; escapes and entities in it were read, and odd letters are written in per cent."""
    written = "%" in link or "\\" in source or "&" in source or link in source
    return link.startswith(("https://", "http://")) and written


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_html_is_always_whole(source: str) -> None:
    """Tags nest and close, only known ones, links only of the web; taken out, exactly the visible text is left."""
    marked = telegram_html(read(source))
    tags = Tags()
    tags.feed(marked.markup)
    tags.close()
    assert tags.open == []
    assert "".join(tags.words).strip() == marked.visible
    assert all(stands(link, source) for link in tags.links)


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_discord_never_gets_a_mention(source: str) -> None:
    """Outside of code, where Discord reads none, no bare `<@`, `<#`, `@everyone` or `@here` is left."""
    shown = discord_markdown(read(source))
    outside = re.sub(r"\\.|```.*?```|`[^`]*`", "", shown, flags=re.DOTALL)
    assert not re.search(r"@(everyone|here)", outside)
    assert not re.search(r"<(?!https?://)", outside)


@given(TEXTS)
@settings(max_examples=300, deadline=None)
def test_slack_never_gets_anything_but_text_and_links(source: str) -> None:
    """No element names a user, a channel or everyone; each link is one that stands in the text."""
    def leaves(value):
        if isinstance(value, list):
            for one in value:
                yield from leaves(one)
        elif "elements" in value:
            yield from leaves(value["elements"])
        else:
            yield value

    blocks = slack_blocks(read(source))
    assert json.loads(json.dumps(blocks)) == blocks
    for leaf in leaves(blocks):
        assert leaf["type"] in ("text", "link")
        assert leaf["type"] == "text" or stands(leaf["url"], source)
        assert leaf["type"] == "link" or leaf["text"]


@pytest.mark.parametrize("unit", ["[", "*a ", "`", "![](", "> ", "_*", "- ", "[a](b", "<", "https://", "(", "a**b",
                                  "\\", "&", "`a``b", "**a*", "1. ", "*", "~", "@", "<@1> ",
                                  ")", "a](", "https://a ", "https://a)"])
@pytest.mark.parametrize("size", [LONGEST_MARKUP, 65_536])
def test_hostile_text_is_read_to_its_end(unit: str, size: int) -> None:
    """The worst of a parser, as long as it is read and longer: still every letter that there is."""
    source = ("http://a" + unit * size)[:size] if unit == ")" else (unit * size)[:size]
    blocks = read(source)
    assert telegram_html(blocks).markup
    assert discord_markdown(blocks)
    assert slack_blocks(blocks)
    if size > LONGEST_MARKUP:
        assert visible_text_of(blocks) == source.strip()


def test_nested_to_the_bottom() -> None:
    """Emphasis in emphasis in emphasis needs no stack."""
    source = "*" * 9_999 + "a" + "*" * 9_999
    assert "a" in telegram_html(read(source)).visible
