"""A part's Markdown, read into blocks of runs, which every chat writes in its own signs. Pure.

Read are the signs that the plain text of a post is made from, and those of code and quotes; all others are letters.
"""
import re
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from schemas.message import Message, Part

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

LONGEST_MARKUP = 20_000
"""Characters; no chat takes more, and a longer text is written as letters, signs and all, without being parsed."""
_DEEPEST_LIST = 3
_SCHEME = re.compile(r"(?<![a-zA-Z0-9])https?$", re.IGNORECASE)
_ADDRESS = re.compile(r"https?://[^\s<>\"`]+", re.IGNORECASE)
WEB = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_TRAILING = ".,;:!?'’”*_~…"
_CLOSES = {")": "(", "]": "["}


class Run(NamedTuple):
    """A stretch of text in one style. `url`: it is a link, whose label is `text`."""

    text: str
    bold: bool = False
    italic: bool = False
    code: bool = False
    url: str | None = None


class Block(NamedTuple):
    """A paragraph, an item of a list (`marker`), or code. `gap`: what stands between it and the block before it."""

    kind: str                            # "text", "item" or "code"
    runs: tuple[Run, ...]
    gap: str = ""
    marker: str = ""                     # "• " or "1. "
    depth: int = 0                       # of an item: 0 for the outermost list
    quoted: bool = False


def blocks_of(message: Message, part: Part) -> tuple[Block, ...]:
    """What a part says, its hashtags included. Without Markdown its plain text is taken, letter by letter."""
    blocks = tuple(_read(part.markdown)) if len(part.markdown) <= LONGEST_MARKUP else ()
    if not blocks:                       # no Markdown, or signs and nothing else
        return (Block("text", tuple(_plain_runs(part.text.strip()))),) if part.text.strip() else ()
    if tags := added_hashtags(message, part):
        blocks += (Block("text", (Run(tags),), "\n\n" if blocks else ""),)
    return blocks


def with_link(blocks: tuple[Block, ...], link: str | None) -> tuple[Block, ...]:
    """`blocks` and the link below them, for chats that make a card of a link in the text and of nothing else."""
    if link is None or any(run.url == link or link in run.text for block in blocks for run in block.runs):
        return blocks
    return (*blocks, Block("text", (Run(link, url=link),), "\n\n" if blocks else ""))


def added_hashtags(message: Message, part: Part) -> str:
    """The line of hashtags that stands at the end of the text and not in its Markdown; "" if there is none."""
    last = part.text.rpartition("\n\n")[2].strip()
    names, words = {f"#{name}" for name in message.hashtags}, last.split()
    if not words or not names.issuperset(words) or words[0].lower() in part.markdown.lower().split():
        return ""
    return " ".join(words)


def visible_text_of(blocks: Iterable[Block]) -> str:
    """The text as readers see it: for notifications, and for counting where signs do not count."""
    return "".join(piece for block in blocks
                   for piece in (block.gap, "  " * block.depth, block.marker, letters_of(block))).strip()


def letters_of(block: Block) -> str:
    return "".join(run.text for run in block.runs)


# --- reading ----------------------------------------------------------------------------------------------------------

@cache
def _parser() -> "MarkdownIt":
    """Paragraphs, lists, quotes, code, emphasis, links. Other signs stay letters, as they are in the plain text."""
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "maxNesting": 60})
    made.disable(["html_inline", "html_block", "heading", "lheading", "hr", "reference", "code", "image"])
    made.inline.ruler.before("escape", "address", _bare_address)
    return made


def _bare_address(state: "StateInline", silent: bool) -> bool:
    """An address without brackets is a link as it stands: no sign of emphasis inside it counts."""
    if not state.src.startswith("://", state.pos) or state.linkLevel:
        return False
    scheme = _SCHEME.search(state.pending[-6:])
    found = _ADDRESS.match(state.src, state.pos - len(scheme[0])) if scheme else None
    url = _without_trailing(found[0]) if found else ""
    if scheme is None or not url[len(scheme[0]) + 3:]:
        return False
    if not silent:
        state.pending = state.pending[:-len(scheme[0])]
        state.push("link_open", "a", 1).attrs = {"href": url}
        state.push("text", "", 0).content = url
        state.push("link_close", "a", -1)
    state.pos += len(url) - len(scheme[0])
    return True


def _without_trailing(url: str) -> str:
    """An address without the punctuation behind it; a bracket stays where it was opened in it."""
    end, more = len(url), {closes: url.count(closes) - url.count(opens) for closes, opens in _CLOSES.items()}
    while end and (url[end - 1] in _TRAILING or more.get(url[end - 1], 0) > 0):
        end -= 1
        if url[end] in more:
            more[url[end]] -= 1
    return url[:end]


def _read(source: str) -> Iterator[Block]:
    """Every paragraph and every code, in order. An item's first paragraph carries its marker."""
    lines = source.split("\n")
    numbers: list[int | None] = []       # of the open lists: the number to come; None where items have bullets
    quotes, marker, first = 0, "", True
    for token in _parser().parse(source):
        match token.type:
            case "bullet_list_open":
                numbers.append(None)
            case "ordered_list_open":
                numbers.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                numbers.pop()
            case "list_item_open":
                number = numbers[-1]
                marker = "• " if number is None else f"{number}. "
                numbers[-1] = None if number is None else number + 1
            case "blockquote_open" | "blockquote_close":
                quotes += token.nesting
            case "inline" | "fence":
                is_code, line = token.type == "fence", token.map[0] if token.map else 0
                runs = (Run(token.content, code=True),) if is_code else tuple(_merged(_runs(token.children or ())))
                if not any(run.text.strip() for run in runs):
                    continue
                apart = is_code or line == 0 or not lines[line - 1].strip(" \t>")
                kind, shown = ("code", "") if is_code else ("item" if marker else "text", marker)
                yield Block(kind, runs, "" if first else "\n\n" if apart else "\n", shown,
                            min(len(numbers), _DEEPEST_LIST) - 1 if shown else 0, quotes > 0)
                first, marker = False, marker if is_code else ""


def _runs(tokens: "Iterable[Token]") -> Iterator[Run]:
    """Each stretch of text in its style. A link without letters shows its address; one that is no web's is text."""
    bold = italic = 0
    url: str | None = None
    letters = 0                          # seen in the open link
    for token in tokens:
        text = ""
        match token.type:
            case "strong_open" | "strong_close":
                bold += token.nesting
            case "em_open" | "em_close":
                italic += token.nesting
            case "link_open":
                given, letters = str(token.attrs["href"]), 0
                url = given if WEB.fullmatch(given) else None
            case "link_close":
                text = url if url is not None and not letters else ""
            case "softbreak":
                text = " "
            case "hardbreak":
                text = "\n"
            case "text" | "code_inline":
                text = token.content
        if text:
            letters += len(text.strip())
            yield Run(text, bold > 0, italic > 0, token.type == "code_inline", url)
        if token.type == "link_close":
            url = None


def _plain_runs(text: str) -> Iterator[Run]:
    """Letters, and the addresses among them."""
    done = 0
    for found in _ADDRESS.finditer(text):
        url = _without_trailing(found[0])
        if url.endswith("://"):
            continue
        if found.start() > done:
            yield Run(text[done:found.start()])
        yield Run(url, url=url)
        done = found.start() + len(url)
    if done < len(text):
        yield Run(text[done:])


def _merged(runs: Iterable[Run]) -> Iterator[Run]:
    """Neighbours of one style as one run; nothing at all in a run without letters."""
    for style, group in groupby(runs, key=lambda run: run._replace(text="")):
        if text := "".join(run.text for run in group):
            yield style._replace(text=text)
