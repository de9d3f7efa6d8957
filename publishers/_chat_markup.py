"""Blocks of text as chats take them: Telegram's HTML, Discord's Markdown, Slack's rich text. Pure.

Whatever is no sign of the author's becomes letters: no mention, no link and no tag comes out of a text that did not
hold one.
Sources: core.telegram.org/bots/api#html-style, docs.slack.dev/reference/block-kit/blocks/rich-text-block,
support.discord.com "Markdown Text 101", read 2026-11-22.
"""
import re
from collections.abc import Iterable
from html import escape
from itertools import groupby
from typing import Any, NamedTuple

from publishers._chat_blocks import WEB, Block, Run, letters_of


class Marked(NamedTuple):
    """A text in a chat's own markup, and the same as its readers see it."""

    markup: str
    visible: str


# --- Telegram ---------------------------------------------------------------------------------------------------------

def telegram_html(blocks: Iterable[Block]) -> Marked:
    """HTML of the few tags that Telegram knows; every other `<`, `>`, `&` and `"` is an entity."""
    markup: list[str] = []
    visible: list[str] = []
    for quoted, group in groupby(blocks, key=lambda block: block.quoted):
        inner: list[str] = []
        for place, block in enumerate(group):
            lead = f"{'  ' * block.depth}{block.marker}"
            (markup if place == 0 else inner).append(block.gap)
            visible += [block.gap, lead, *(run.text for run in block.runs)]
            words = "".join(map(_html, block.runs))
            code = f"<pre>{escape(letters_of(block), quote=True)}</pre>"
            inner.append(code if block.kind == "code" else lead + words)
        markup.append(f"<blockquote>{''.join(inner)}</blockquote>" if quoted else "".join(inner))
    return Marked("".join(markup).strip(), "".join(visible).strip())


def _html(run: Run) -> str:
    made = escape(run.text, quote=True)
    if run.url is not None:
        made = made if run.url == run.text else f'<a href="{escape(run.url, quote=True)}">{made}</a>'
    elif run.code:                       # takes no other style inside or around it
        return f"<code>{made}</code>"
    made = f"<i>{made}</i>" if run.italic else made
    return f"<b>{made}</b>" if run.bold else made


# --- Discord ----------------------------------------------------------------------------------------------------------

_DISCORD_SIGNS = re.compile(r"[\\*_~|`<>\[\]]|@(?=everyone|here)|(?<=[0-9])[.)](?= )")
_AT_ALL = re.compile(r"@(?=everyone|here)")
_AFTER_ADDRESS = " \n.,;:!?"
_DISCORD_STARTS = re.compile(r"^([ \t]*)([-+#])", re.MULTILINE)


def discord_markdown(blocks: Iterable[Block]) -> str:
    """Discord's Markdown; a backslash before every sign of the author's that would be one of Discord's."""
    pieces = []
    for block in blocks:
        runs = zip((Run(" "), *block.runs[:-1]), block.runs, (*block.runs[1:], Run(" ")), strict=True)
        words = (_fenced(block) if block.kind == "code" else _discord_start("".join(
            _discord(run, before, behind) for before, run, behind in runs), block.marker))
        lead = f"{'  ' * block.depth}{block.marker.replace('•', '-')}"
        if block.quoted:
            words = "\n".join(f"> {line}" for line in f"{lead}{words}".split("\n"))
            lead = ""
        pieces += [block.gap, lead, words]
    return "".join(pieces).strip()


def _discord_start(words: str, marker: str) -> str:
    """Lines that begin with a sign of lists or headings get a backslash; the first line of an item begins behind it."""
    head, line_end, rest = words.partition("\n")
    return (head if marker else _DISCORD_STARTS.sub(r"\1\\\2", head)) + line_end + _DISCORD_STARTS.sub(r"\1\\\2", rest)


def _discord(run: Run, before: Run, behind: Run) -> str:
    """One run between two others: what it may be depends on the letters and signs beside it."""
    if run.url is not None and (run.url == run.text or WEB.match(run.text)):
        # An address as a label is no link in Discord's apps. In "<…>" no sign behind it becomes part of it.
        made = _AT_ALL.sub("%40", run.url)
        made = made if behind.text[:1] in _AFTER_ADDRESS else f"<{made}>"
    elif run.code:
        words = run.text.replace("`", "ˋ")       # a fence inside would end it, and Discord knows no escape there
        return f"`{words}`"
    else:
        made = _DISCORD_SIGNS.sub(r"\\\g<0>", run.text)
        if run.url is not None:
            made = f"[{made}]({_AT_ALL.sub('%40', run.url).replace('(', '%28').replace(')', '%29')})"
    lead, made, trail = _trimmed(made)
    if made and run.italic:              # "_" inside a word is a letter, and "*" beside a "**" is part of it
        beside = [one.text[at] for one, at, gap in ((before, -1, lead), (behind, 0, trail))
                  if not gap and not one.bold and not one.italic]
        sign = "*" if any(map(str.isalnum, beside)) else "_"
        made = f"{sign}{made}{sign}"
    if made and run.bold:
        made = f"**{made}**"
    return lead + made + trail


def _fenced(block: Block) -> str:
    words = re.sub("`(?=`)", "`\u200b", letters_of(block).rstrip("\n"))      # a fence inside would end it
    return f"```\n{words}\n```"


# --- Slack ------------------------------------------------------------------------------------------------------------

def slack_blocks(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    """One rich text block: every text in it is letters, whatever they are, so there is nothing to escape."""
    elements: list[dict[str, Any]] = []
    for kind, group in groupby(blocks, key=_slack_kind):
        several = list(group)
        gap = [{"type": "text", "text": "\n"}] if elements and several[0].gap == "\n\n" else []
        match kind:
            case ("item", marker, depth):
                style = "bullet" if marker == "•" else "ordered"
                start = int(several[0].marker.rstrip(". ")) - 1 if style == "ordered" else 0
                elements.append({"type": "rich_text_list", "style": style, "indent": depth, "elements": [
                    {"type": "rich_text_section", "elements": _slack_runs([block])} for block in several],
                    **({"offset": start} if start else {})})
            case ("code", _, _):
                elements.append({"type": "rich_text_preformatted", "elements": [
                    {"type": "text", "text": "\n".join(letters_of(block).rstrip("\n") for block in several)}]})
            case ("quote", _, _):
                elements.append({"type": "rich_text_quote", "elements": _slack_runs(several)})
            case _:
                elements.append({"type": "rich_text_section", "elements": [*gap, *_slack_runs(several)]})
    return [{"type": "rich_text", "elements": elements}] if elements else []


def _slack_kind(block: Block) -> tuple[str, str, int]:
    if block.quoted and block.kind != "code":
        return ("quote", "", 0)
    if block.kind == "item":
        return ("item", "•" if block.marker.startswith("•") else "1", block.depth)
    return (block.kind, "", 0)


def _slack_runs(blocks: Iterable[Block]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for place, block in enumerate(blocks):
        if lead := (block.gap if place else "") + (block.marker if block.quoted else ""):
            made.append({"type": "text", "text": lead})
        for run in block.runs:
            style = {name: True for name in ("bold", "italic", "code") if getattr(run, name)}
            one = ({"type": "text", "text": run.text} if run.url is None else
                   {"type": "link", "url": run.url} | ({} if run.url == run.text else {"text": run.text}))
            made.append(one | ({"style": style} if style else {}))
    return made


def _trimmed(text: str) -> tuple[str, str, str]:
    """White space before, the text, white space behind: no sign of emphasis may stand beside a space."""
    inner = text.strip()
    at = text.index(inner) if inner else len(text)
    return text[:at], inner, text[at + len(inner):]
