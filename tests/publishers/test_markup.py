"""Markdown as HTML that can be shown anywhere: what it makes, and what nobody can make it do."""
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from publishers._markup import html, markdown_of

TAGS = {"p", "a", "em", "strong", "s", "code", "pre", "br", "hr", "ul", "ol", "li", "blockquote", "table", "thead",
        "tbody", "tr", "th", "td", "h1", "h2", "h3", "h4", "h5", "h6"}
ATTRIBUTES = {"href", "title", "class", "start", "style"}
SIZE = 65_536


class Seen(HTMLParser):
    """Every tag and attribute that a browser would see, and the text between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.odd: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in ("br", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in ("br", "hr"):       # written `<br />`
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def handle_comment(self, data):
        self.odd.append(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def seen(markdown: str) -> Seen:
    """What a browser sees; fails for any tag, attribute or address that does not belong there."""
    found = Seen(html(markdown))
    assert found.tags <= TAGS
    assert {name for name, _ in found.attributes} <= ATTRIBUTES
    assert found.open == []
    assert found.odd == []
    for name, value in found.attributes:
        if name == "href":
            assert value.lower().startswith(("http://", "https://", "mailto:")), value
        if name == "style":
            assert value in ("text-align:left", "text-align:center", "text-align:right")
        if name == "class":
            assert value.startswith("language-")
    return found


@pytest.mark.parametrize(("markdown", "expected"), [
    ("One *two* **three** `four` ~~five~~",
     "<p>One <em>two</em> <strong>three</strong> <code>four</code> <s>five</s></p>"),
    ("One\ntwo", "<p>One two</p>"),
    ("One  \ntwo", "<p>One<br />\ntwo</p>"),
    ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
    ("3. c", '<ol start="3">\n<li>c</li>\n</ol>'),
    ("### Why", "<h3>Why</h3>"),
    ("> said", "<blockquote>\n<p>said</p>\n</blockquote>"),
    ("```python\na < b\n```", '<pre><code class="language-python">a &lt; b\n</code></pre>'),
    ("[the mill](https://mill.example/a?b=c&d=e)", '<p><a href="https://mill.example/a?b=c&amp;d=e">the mill</a></p>'),
    ("<https://mill.example/>", '<p><a href="https://mill.example/">https://mill.example/</a></p>'),
    ("Write <mail@mill.example>", '<p>Write <a href="mailto:mail@mill.example">mail@mill.example</a></p>'),
    ("See https://mill.example/a_b_c.", '<p>See <a href="https://mill.example/a_b_c">https://mill.example/a_b_c</a>.</p>'),
    ("(https://mill.example/x(1))", '<p>(<a href="https://mill.example/x(1)">https://mill.example/x(1)</a>)</p>'),
    ("**https://mill.example**", '<p><strong><a href="https://mill.example">https://mill.example</a></strong></p>'),
    ("See https://mill.example/M*A*S*H_~~x~~y now", '<p>See <a href="https://mill.example/M*A*S*H_~~x~~y">'
     "https://mill.example/M*A*S*H_~~x~~y</a> now</p>"),
    (f"https://mill.example/{'x' * 2048}/https://mill.example/",
     f"<p>https://mill.example/{'x' * 2048}/https://mill.example/</p>"),
    ("*https://mill.example/a*b* c*",
     '<p><em><a href="https://mill.example/a*b">https://mill.example/a*b</a></em> c*</p>'),
    ("[see https://mill.example/a*b*](https://mill.example/c)",
     '<p><a href="https://mill.example/c">see https://mill.example/a<em>b</em></a></p>'),
    ("[https://mill.example/a_b_]", '<p>[<a href="https://mill.example/a_b">https://mill.example/a_b</a>_]</p>'),
    ("`https://mill.example`", "<p><code>https://mill.example</code></p>"),
    ("[https://mill.example](https://mill.example/b)",
     '<p><a href="https://mill.example/b">https://mill.example</a></p>'),
    ("![The mill](https://mill.example/a.png)", '<p><a href="https://mill.example/a.png">The mill</a></p>'),
    ("", ""),
    (" \n\t", ""),
], ids=lambda value: str(value)[:24])
def test_markdown_becomes_that_html(markdown, expected):
    """Emphasis, lists, headings, quotes, code and links as CommonMark has them; bare addresses are links."""
    assert html(markdown) == expected
    seen(markdown)


@pytest.mark.parametrize("hostile", [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "<!-- wp:html --> <b>",
    "<a href='javascript:alert(1)'>x</a>", "[x](javascript:alert(1))", "[x](JaVaScRiPt:alert(1))",
    "[x](java&#115;cript:alert(1))", "[x](javascript&colon;alert(1))", "[x](<java\tscript:alert(1)>)",
    "[x](\x01javascript:alert(1))", "[x](data:text/html,<script>alert(1)</script>)",
    "[x](data:image/png;base64,AAAA)", "![x](data:image/svg+xml,<svg onload=alert(1)>)", "![x](javascript:alert(1))",
    "[x](vbscript:msgbox(1))", "[x](file:///etc/passwd)", "[x](//evil.example)", "[x](/wp-admin/)", "[x](?delete=1)",
    "<javascript:alert(1)>", "<data:text/html;base64,PHNjcmlwdD4=>",
    '[x](https://a.example/"onmouseover="alert(1))', '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
    "![\"><script>alert(1)</script>](https://a.example/x.png)", "```\"><script>\nx\n```", "```a\" onclick=b\nx\n```",
    "https://a.example/\"><script>alert(1)</script>", "https://a.example/'onclick='x",
    "[a]: javascript:alert(1)\n\n[a]",
    "|a|b|\n|:-|-:|\n|<b>|`<i>`|", "&lt;script&gt;", "&#60;script&#62;", "\\<b\\>", "<?php echo 1 ?>", "<![CDATA[x]]>",
    "\x00<b>", "\ud800<b>", "mailto:javascript:x@y", "<mailto:x@y?body=<script>>",
])
def test_nothing_in_a_text_becomes_a_tag_or_a_script(hostile):
    """Every way into the page that we know of is text, or a link to the web."""
    assert "<script" not in html(hostile)
    seen(hostile)


@given(st.text(alphabet="<>[]()!\"'`*_~#&;:/\\|-=+ \n\tabxjs:.@%{}0\x00\x0b\u2028\ud800é", max_size=200))
@settings(max_examples=400, deadline=None)
def test_any_text_is_safe(text):
    """Whatever stands in a text: no tag, attribute or address but ours, and every tag is closed."""
    seen(text)


@given(st.text(max_size=120))
@settings(max_examples=200, deadline=None)
def test_escaped_text_is_shown_as_it_stands(text):
    """A text that was never Markdown reads the same, but for white space and for bare addresses."""
    words = " ".join("".join(letter for letter in text if letter.isprintable()).split())
    shown = seen(markdown_of(words)).text
    assert " ".join(shown.split()) == words


@pytest.mark.parametrize("hostile", [
    "[" * SIZE, "[](" * (SIZE // 3), "![" * (SIZE // 2), "[a](" * (SIZE // 4), ">" * SIZE, "> " * (SIZE // 2),
    "".join("`" * n + "a" for n in range(1, 360)), "*a **a " * (SIZE // 7), "a**b" * (SIZE // 4), "<" * SIZE,
    "&a;" * (SIZE // 3), "[a]: b\n" * (SIZE // 7), "[a][b]" * (SIZE // 6), "- " * (SIZE // 2), "*_" * (SIZE // 2),
    "https://" * (SIZE // 8), "https://a.example/" + ")" * SIZE, "https://a.example/" + ".," * (SIZE // 2),
    "https://a.example/" + "(" * SIZE, "https://a.example/x " * (SIZE // 20), "|" * SIZE, "|a\n|-\n" * (SIZE // 6),
    "a|" * (SIZE // 2) + "\n" + "-|" * (SIZE // 2), "~~" * (SIZE // 2), "~a" * (SIZE // 2), "\n" * SIZE,
], ids=range(26))
def test_a_hostile_text_is_rendered_whole(hostile):
    """64 kB written to be slow come back as safe HTML, not many times as long."""
    assert len(html(hostile)) < 40 * SIZE
    seen(hostile)


def test_a_picture_in_a_link_leads_where_the_link_leads():
    """Two links inside each other would be the inner one alone to a reader."""
    assert html("[![A kettle](https://a.example/k.png) now](https://b.example/)") == (
        '<p><a href="https://b.example/">A kettle now</a></p>')
    assert html("[![](https://a.example/k.png)](https://b.example/)") == (
        '<p><a href="https://b.example/">https://a.example/k.png</a></p>')
