"""A text in Markdown as blocks of Tumblr's Neue Post Format. Pure.

Formatting is told by ranges that count code points, as Python does. A text block holds 4,096 of them: a longer
paragraph becomes several, cut where a word ends.
Source: github.com/tumblr/docs, npf-spec.md ("Inline Formatting", "Post Content Limits"), read 2026-11-22.
"""
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

BLOCK = 4_096                            # code points of one text block
_DEEPEST = 7                             # indent_level
_STYLES = {"strong": "bold", "em": "italic", "s": "strikethrough"}
_WEB = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_TRAILING = ".,;:!?'’”*_~…"
_CLOSES = {")": "(", "]": "["}
_SPACE = re.compile(r"\s")


class Range(NamedTuple):
    """A style from one code point up to, not including, another. `url`: of a link."""

    start: int
    end: int
    type: str
    url: str = ""


class Text(NamedTuple):
    """One text block."""

    text: str
    ranges: tuple[Range, ...] = ()
    subtype: str = ""
    indent: int = 0

    def as_json(self) -> dict[str, Any]:
        """The block as the specification writes it."""
        made: dict[str, Any] = {"type": "text", "text": self.text}
        if self.subtype:
            made["subtype"] = self.subtype
        if self.indent:
            made["indent_level"] = self.indent
        if self.ranges:
            made["formatting"] = [{"start": one.start, "end": one.end, "type": one.type,
                                   **({"url": one.url} if one.url else {})} for one in self.ranges]
        return made


def blocks_of(markdown: str) -> tuple[Text, ...]:
    """Everything that a text says, none longer than a block may be. Signs of Markdown are gone."""
    source = markdown.encode("utf-8", "replace").decode("utf-8")
    return tuple(piece for block in _read(source) for piece in cut(block))


def heading(text: str) -> tuple[Text, ...]:
    """A title, above everything else."""
    return cut(Text(text, subtype="heading1")) if text else ()


def cut(block: Text) -> tuple[Text, ...]:
    """The block in pieces that Tumblr takes, each range in the pieces that it reaches into."""
    pieces, start = list[Text](), 0
    while len(block.text) - start > BLOCK:
        end = start + BLOCK
        # back to the last space, but not so far that many short blocks come out of one long word
        space = next((at for at in range(end, end - BLOCK // 8, -1) if _SPACE.match(block.text[at])), None)
        stop = end if space is None else space
        pieces.append(_piece(block, start, stop))
        start = stop if space is None else stop + 1
    pieces.append(_piece(block, start, len(block.text)))
    return tuple(piece for piece in pieces if piece.text.strip())


def _piece(block: Text, start: int, end: int) -> Text:
    inside = (one._replace(start=max(one.start, start) - start, end=min(one.end, end) - start) for one in block.ranges
              if one.start < end and one.end > start)
    return block._replace(text=block.text[start:end], ranges=tuple(inside))


def links_in(blocks: Iterable[Text]) -> int:
    return sum(one.type == "link" for block in blocks for one in block.ranges)


# --- reading ----------------------------------------------------------------------------------------------------------

@cache
def _parser() -> "MarkdownIt":
    # not at the top: `drumbeat check` loads adapters, and must not wait for it
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False, "maxNesting": 60}).enable("strikethrough").disable(
        ["html_inline", "html_block", "reference", "code"])


def _read(source: str) -> Iterator[Text]:
    """A block for each paragraph, heading, item and code, in order. What stands in a quote is indented."""
    lists: list[str] = []                # of the open lists: the subtype of their items
    quotes, is_item, level = 0, False, ""
    for token in _parser().parse(source):
        match token.type:
            case "bullet_list_open":
                lists.append("unordered-list-item")
            case "ordered_list_open":
                lists.append("ordered-list-item")
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                is_item = True
            case "blockquote_open" | "blockquote_close":
                quotes += token.nesting
            case "heading_open":
                level = "heading1" if token.tag == "h1" else "heading2"
            case "heading_close":
                level = ""
            case "fence":
                yield Text(token.content.rstrip("\n"), subtype="chat")     # the one that is shown in one width
            case "inline":
                text, ranges = _inline(token.children or ())
                if not text.strip():
                    continue
                subtype, depth = "indented" if quotes else "", quotes - 1
                if lists and is_item:    # an item's first paragraph; those behind it are paragraphs
                    subtype, depth, is_item = lists[-1], len(lists) - 1 + quotes, False
                yield Text(text, ranges, level or subtype, 0 if level else max(0, min(depth, _DEEPEST)))


def _inline(tokens: "Sequence[Token]") -> tuple[str, tuple[Range, ...]]:
    """The letters of a paragraph, without white space around them, and the ranges of their styles."""
    words, at = list[str](), 0
    ranges = list[Range]()
    opened: dict[str, list[int]] = {style: [] for style in _STYLES.values()}
    href, link = "", 0
    for token in tokens:
        text, name = "", token.type.rpartition("_")[0]
        if name in _STYLES and token.nesting == 1:
            opened[_STYLES[name]].append(at)
        elif name in _STYLES:
            start = opened[_STYLES[name]].pop()
            if not opened[_STYLES[name]]:        # ranges of one type may not overlap: only the outermost is told
                ranges.append(Range(start, at, _STYLES[name]))
        elif token.type == "link_open":
            href, link = str(token.attrs["href"]), at
        elif token.type == "link_close":
            if at == link:                       # a link without letters shows its address
                words.append(href)
                at += len(href)
            if _WEB.fullmatch(href):
                ranges.append(Range(link, at, "link", href))
            href = ""
        elif token.type == "image":              # pictures go out with `media:`; one from elsewhere is a link to it
            text, there = token.content.strip() or str(token.attrs["src"]), str(token.attrs["src"])
            if _WEB.fullmatch(there) and not href:
                ranges.append(Range(at, at + len(text), "link", there))
        elif token.type in ("softbreak", "hardbreak"):
            text = "\n" if token.type == "hardbreak" else " "
        elif token.type in ("text", "code_inline"):
            text = token.content
            if token.type == "text" and not href:
                ranges += _addresses(text, at)
        words.append(text)
        at += len(text)
    whole = "".join(words)
    trimmed = _piece(Text(whole, tuple(sorted(one for one in ranges if one.end > one.start))),
                     len(whole) - len(whole.lstrip()), len(whole.rstrip()))
    return trimmed.text, trimmed.ranges


def _addresses(text: str, at: int) -> Iterator[Range]:
    """Addresses that stand bare in a text are links."""
    for found in _WEB.finditer(text):
        url = _without_end(found[0])
        if len(url) > len("https://"):
            yield Range(at + found.start(), at + found.start() + len(url), "link", url)


def _without_end(url: str) -> str:
    """An address without the signs of the sentence around it; a bracket stays where it was opened in it."""
    end, more = len(url), {closes: url.count(closes) - url.count(opens) for closes, opens in _CLOSES.items()}
    while end and (url[end - 1] in _TRAILING or more.get(url[end - 1], 0) > 0):
        end -= 1
        if url[end] in more:
            more[url[end]] -= 1
    return url[:end]
