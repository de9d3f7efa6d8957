"""Markdown as safe HTML: for blogs, newsletters and feeds, which show what they are given.

CommonMark, by markdown-it-py. Nothing that stands in a post can become a tag, an attribute or a script: HTML is shown
as it was typed, links lead to the web or to a mailbox, and a picture from elsewhere is a link to it, because pictures
go out with `media:`, and one that is fetched when somebody reads tells its server who reads.
"""
import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

_LEADS_SOMEWHERE = re.compile(r"https?://[^\s/]|mailto:[^\s@]+@", re.IGNORECASE)
_BARE = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_SCHEME = re.compile(r"(?<![a-zA-Z0-9])https?$", re.IGNORECASE)
_END_OF_BARE = re.compile(r"[\s<>\"`\\]")
_END = ".,;:!?'*_~"                      # what stands behind an address and is no part of it
_LONGEST = 2_048                         # characters of an address that becomes a link by standing there


def html(markdown: str) -> str:
    """The HTML of a text, closed and without a line break inside a paragraph: software of blogs makes one a `<br>`.

    Addresses that stand bare in it are links too, as `<https://…>` is. Never raises for a text.
    """
    made: str = _parser().render(markdown.encode("utf-8", "replace").decode("utf-8"))
    return made.strip()


def markdown_of(text: str) -> str:
    """Markdown that shows `text` as it stands, for a text that was never Markdown."""
    return re.sub(r"([\\`*_{}\[\]<>()#+\-.!|&~])", r"\\\1", text)


@cache
def _parser() -> "MarkdownIt":
    # not at the top: `drumbeat check` loads adapters, and must not wait for it
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])
    made.validateLink = _is_allowed  # type: ignore[method-assign,assignment]
    made.inline.ruler.before("escape", "address", _link_address)
    made.core.ruler.push("addresses", _link_addresses)
    made.add_render_rule("softbreak", lambda *_: " ")
    made.add_render_rule("image", lambda _, tokens, at, *__: _as_link(tokens[at]))
    return made


def _is_allowed(address: str) -> bool:
    """Whether an address, as it would stand in the HTML, may be linked: the web, and mailboxes."""
    return _LEADS_SOMEWHERE.match(address) is not None


def _as_link(picture: "Token") -> str:
    from markdown_it.common.utils import escapeHtml

    return f'<a href="{escapeHtml(str(picture.attrGet("src") or ""))}">{escapeHtml(_label(picture))}</a>'


def _label(picture: "Token") -> str:
    return picture.content.strip() or str(picture.attrGet("src") or "")


def _link_address(state: "StateInline", silent: bool) -> bool:
    """An address that stands bare is a link as it stands: no sign of emphasis inside it counts, as on other channels.

    Those with a backslash are looked at again when their signs have become letters.
    """
    if silent or state.linkLevel or not state.src.startswith("://", state.pos):
        return False
    scheme = _SCHEME.search(state.pending[-6:])
    start = state.pos - len(scheme[0]) if scheme else 0
    # so much and no more: else a text of nothing but schemes would be read to its end at each of them
    found = _BARE.match(state.src, start, min(start + _LONGEST + 1, state.posMax)) if scheme else None
    address = found[0].partition("`")[0] if found else ""
    if scheme is None or not address or "\\" in address:
        return False
    if len(address) > _LONGEST:
        end = _END_OF_BARE.search(state.src, state.pos, state.posMax)
        state.pending += state.src[state.pos:end.start() if end else state.posMax]
        state.pos = end.start() if end else state.posMax
        return True
    address = _without_end(address)
    there = state.md.normalizeLink(address)
    if not _is_allowed(there):
        return False
    state.pending = state.pending[:-len(scheme[0])]
    state.push("link_open", "a", 1).attrs = {"href": there}
    state.push("text", "", 0).content = address
    state.push("link_close", "a", -1)
    state.pos += len(address) - len(scheme[0])
    return True


def _link_addresses(state: "StateCore") -> None:
    """Every other address in a text becomes a link; those in links and in code stay as they are."""
    for block in state.tokens:
        if block.type != "inline" or not block.children:
            continue
        made: list[Token] = []
        inside = 0                       # how many links are open
        for token in block.children:
            inside += {"link_open": 1, "link_close": -1}.get(token.type, 0)
            if token.type == "image" and inside:         # a link inside a link would be the only one
                token.type, token.content = "text", _label(token)
            made += [token] if token.type != "text" or inside else _linked(token, state.md)
        block.children = made


def _linked(text: "Token", parser: "MarkdownIt") -> "list[Token]":
    from markdown_it.token import Token

    made, done, said = list[Token](), 0, text.content
    for match in _BARE.finditer(said):
        address = _without_end(match[0])
        there = parser.normalizeLink(address) if len(address) <= _LONGEST else ""
        if not _is_allowed(there):
            continue
        start, end = match.start(), match.start() + len(address)
        made += [Token("text", "", 0, content=said[done:start]),
                 Token("link_open", "a", 1, attrs={"href": there}), Token("text", "", 0, content=address),
                 Token("link_close", "a", -1)]
        done = end
    return [*made, Token("text", "", 0, content=said[done:])] if made else [text]


def _without_end(address: str) -> str:
    """The address without the signs of the sentence around it: a full stop, a bracket that it did not open."""
    closing = {")": "(", "]": "["}
    surplus = {mark: address.count(mark) - address.count(opens) for mark, opens in closing.items()}
    end = len(address)
    while end:
        last = address[end - 1]
        if last in closing and surplus[last] > 0:
            surplus[last] -= 1
        elif last not in _END:
            break
        end -= 1
    return address[:end]
