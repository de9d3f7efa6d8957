"""A post becomes a Message: the text one channel will get, as plain as networks show it."""
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

from schemas.channel import Channel
from schemas.content import Content, Resolved, ResolvedMedia
from schemas.ledger import Slot
from schemas.message import Media, Message, Part, Poll
from schemas.notation import span
from schemas.place import Place
from schemas.post import Section

SEEN_FIRST = 125
"""Characters that every network shows before it folds a text ("more"): Instagram's, the fewest (domain, section 5)."""
_URL = re.compile(r"https?://[^\s<>\"]+")
_AUTOLINK = re.compile(r"<(?P<url>https?://[^\s<>]+)>")
_LINK = re.compile(r"\[(?P<text>[^\[\]\n]+)\]\((?P<url>https?://(?:[^\s()]|\([^\s()]*\))+)\)")
_BOTH = re.compile(r"(?<![\w*\\])\*\*\*(?=\S)(?P<text>[^\n*]*?\S)\*\*\*(?![\w*])")
_BOLD = re.compile(r"(?<![\w*\\])(\*\*|__)(?=\S)(?P<text>(?:(?!\1)[^\n])*?\S)\1(?![\w*])")
_ITALIC = re.compile(r"(?<![\w*_\\])([*_])(?=\S)(?P<text>[^\n*_]*?\S)\1(?![\w*_])")
_BULLET = re.compile(r"[-*+][ \t]+(?P<text>.*)")
_NUMBERED = re.compile(r"(?P<number>\d{1,3})[.)][ \t]+.*")
_ESCAPED = re.compile(r"\\([\\*_\[\]()#+.!`-])")
_BEGINS_A_BLOCK = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)]|#{1,6}|>)[ \t]")
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_BEHIND_LINK = re.compile(r"[.,;:!?)\]}'\"]*(?!\S)")             # what may follow an address that is whole
_SAFE = re.compile(r"[a-z0-9_.~-]*")
# While emphasis is taken out, the signs inside an address stand aside as characters of a private use area.
_ASIDE = {ord(sign): 0xE000 + number for number, sign in enumerate("*_\\")}
_BACK = {aside: sign for sign, aside in _ASIDE.items()}
_STOOD_ASIDE = tuple(map(chr, _BACK))


def compose(post: Resolved, channel: Channel, content: Content, slot: Slot | None = None, turn: int = 0) -> Message:
    """What `channel` gets of `post`: its own section or the default text, link, hashtags, media, first comment.

    `slot`: the run it is for; None: the first. `turn`: which of `texts_of` goes out; after the last comes the first.
    Parts are empty when the post has no text for this channel; the caller reports that.
    """
    link = _tagged(post, channel, content)
    placement = channel.link_placement
    turns, comment = texts_of(post, channel.id), _section(post, "comment", channel.id)
    main = turns[turn % len(turns)] if turns else None
    media = _media(post, channel)
    written, places = (list(main.parts), main.places) if main else ([], ())
    if not written and media:
        written, places = [""], (Place(post.post.file),)
    texts = [plain(text) for text in written]
    if texts:
        if texts[0] and (label := missing_label(post, texts[0])):
            gap = "\n\n" if _BEGINS_A_BLOCK.match(written[0]) else " "     # a list stays one
            texts[0], written[0] = f"{label}{gap}{texts[0]}", f"{label}{gap}{written[0]}"
        whole = "\n".join(texts)
        in_body = link if link and placement == "body" and not _holds(whole, link, post.link) else None
        texts[-1] = "\n\n".join(text for text in (texts[-1], in_body, _tags(post, whole)) if text)
        if in_body:
            written[-1] = "\n\n".join(text for text in (written[-1], f"<{in_body}>") if text)
    parts = [Part(text=text, media=() if number else media, place=place, markdown=marked)
             for number, (text, place, marked) in enumerate(zip(texts, places, written, strict=True))]
    if parts and (comment is not None or (link and placement == "first_comment")):
        text = plain("\n\n".join(comment.parts)) if comment else ""
        under = link if link and placement == "first_comment" and not _holds(text, link, post.link) else None
        marked = "\n\n".join([*(comment.parts if comment else ()), *([f"<{under}>"] if under else ())])
        parts.append(Part(kind="comment", text="\n".join(t for t in (text, under) if t), markdown=marked,
                          place=comment.places[0] if comment else post.post.place("link")))
    head = post.post.head
    return Message(slot=slot or Slot(post.id, channel.id), network=channel.network,
                   account=channel.handle or channel.id, parts=tuple(parts), card=link if placement == "card" else None,
                   language=post.language or channel.language or _language(content), limits=channel.limits,
                   title=head.title, warning=head.warning, link=link, hashtags=tuple(_names(post)), poll=_poll(post),
                   disclosure=head.disclosure.kind if head.disclosure else None, **_own(post, channel))


def missing_label(post: Resolved, text: str) -> str:
    """What stands in front of `text` because the post's `disclosure.label` does not: "" when it does, or none is given.

    Where readers see it before they unfold a text: within SEEN_FIRST characters.
    """
    disclosure = post.post.head.disclosure
    label = (disclosure.label or "").strip() if disclosure else ""
    if not label or re.search(rf"(?<![\w#@]){re.escape(label)}(?![\w-])", text[:SEEN_FIRST], re.IGNORECASE):
        return ""
    return label if label.startswith("#") or label.endswith((":", ".", "!", "]")) else f"{label}:"


def _poll(post: Resolved) -> Poll | None:
    poll = post.post.head.poll
    if poll is None:
        return None
    return Poll(options=poll.options, lasts_s=int(span(poll.for_ or "1d").total_seconds()),
                place=post.post.place("poll"))


def _own(post: Resolved, channel: Channel) -> dict[str, Any]:
    """The options of the network that channel and post choose, and where what belongs to networks stands."""
    options, places = dict(channel.options), {name: post.post.place(name) for name in ("title", "warning", "hashtags")
                                              if name in post.post.places}
    for name in (channel.network, channel.id):
        for key, value in post.post.head.options.get(name, {}).items():
            options[key] = value
            places[f"options.{key}"] = post.post.place("options", name, key)
    return {"options": options, "places": places}


def texts_of(post: Resolved, channel_id: str) -> tuple[Section, ...]:
    """The texts that take turns on a channel: its own section or the default text, then each `## or` in order."""
    main = _section(post, "text", channel_id)
    others = tuple(section for section in post.post.sections if section.kind == "or")
    return (main, *others) if main else others


def plain(markdown: str) -> str:
    """Markdown as people will read it on a network that has none (domain: `**b**` → b, `[t](u)` → t u, `- ` → • ).

    Single line ends join, blank lines and list items stay, a line that ends in two spaces or a backslash breaks there.
    """
    paragraphs = ["\n".join(map(_inline, _lines(block))) for block in _BLANK.split(markdown.strip("\n"))]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _lines(block: str) -> list[str]:
    """The lines of a paragraph, joined where they join, and with a bullet before each item."""
    lines: list[list[str]] = []
    joins = numbered = False
    for raw in block.split("\n"):
        breaks = raw.endswith(("  ", "\\"))
        line = raw.rstrip().removesuffix("\\").strip()
        bullet = _BULLET.fullmatch(line) if line.startswith(("-", "*", "+")) else None
        number = _NUMBERED.fullmatch(line) if line[:1].isdecimal() else None
        if bullet:
            lines.append([f"• {bullet['text']}"])
        elif joins and not (number and (numbered or number["number"] == "1")):
            lines[-1].append(line)
        else:
            lines.append([line])
            numbered = number is not None
        joins = not breaks
    return [" ".join(pieces) for pieces in lines]


def _inline(text: str) -> str:
    """`text` without the signs of links, emphasis and escapes. Looks for each only where its first sign stands."""
    if "](" in text:
        text = _LINK.sub(lambda m: m["url"] if m["text"].strip() == m["url"] else f"{m['text']} {m['url']}", text)
    if "://" in text:
        text = _URL.sub(_aside, _AUTOLINK.sub(lambda m: m["url"], text))
    if "*" in text or "_" in text:
        for pattern in (_BOTH, _BOLD, _ITALIC):
            text = pattern.sub(lambda m: m["text"], text)
    if "\\" in text:
        text = _ESCAPED.sub(r"\1", text)
    return text if text.isascii() or not any(sign in text for sign in _STOOD_ASIDE) else text.translate(_BACK)


def _aside(url: re.Match[str]) -> str:
    address = url[0].rstrip("*_")                                 # those close an emphasis around the address
    return address.translate(_ASIDE) + url[0][len(address):]


def _tags(post: Resolved, text: str) -> str:
    """The hashtags of a post that `text` does not hold, each once, with their sign."""
    if not post.hashtags:
        return ""
    return " ".join(tag for tag in (f"#{name}" for name in _names(post))
                    if "#" not in text or not re.search(rf"{re.escape(tag)}(?!\w)", text, re.IGNORECASE))


def _names(post: Resolved) -> Iterable[str]:
    """The post's hashtags without their sign, each once."""
    names: dict[str, str] = {}
    for name in (tag.strip().lstrip("#") for tag in post.hashtags):
        if name:
            names.setdefault(name.lower(), name)
    return names.values()


def _holds(text: str, *links: str | None) -> bool:
    """Whether one of `links` stands in `text`, whole: not as the beginning of another address."""
    for link in filter(None, links):
        at = text.find(link)
        while at >= 0:
            if _BEHIND_LINK.match(text, at + len(link)):
                return True
            at = text.find(link, at + 1)
    return False


def _section(post: Resolved, kind: str, channel_id: str) -> Section | None:
    """The section of `kind` for a channel: the last one that names it, else the last one for all."""
    own = common = None
    for section in post.post.sections:
        if section.kind != kind:
            continue
        if channel_id in section.channels:
            own = section
        elif not section.channels:
            common = section
    return own or common


def _media(post: Resolved, channel: Channel) -> tuple[Media, ...]:
    return tuple(Media(file=m.file.path, blob=m.file.blob, size=m.file.size, alt=m.alt, place=m.place,
                       probe=m.file.probe, captions=_captions(m),
                       ai=m.use.ai or (m.item.ai if m.item is not None else None))
                 for m in post.media if not m.channels or channel.id in m.channels)


def _captions(media: ResolvedMedia) -> Media | None:
    if (file := media.captions) is None:
        return None
    return Media(file=file.path, blob=file.blob, size=file.size, alt=None, place=media.place)


def _language(content: Content) -> str | None:
    language = getattr(content.entry("strategy"), "language", None)
    return language if isinstance(language, str) else None


def _tagged(post: Resolved, channel: Channel, content: Content) -> str | None:
    """The post's link, with UTM fields when it leads to a domain of ours; a `utm_` written by hand wins."""
    if post.link is None:
        return None
    host = (urlsplit(post.link).hostname or "").lower()
    if not any(host == domain or host.endswith(f".{domain}") for domain in map(str.lower, content.own_domains)):
        return post.link
    fields = {
        "source": channel.network,
        "medium": "social",
        "campaign": post.post.campaign or "always-on",
        "content": post.post.stem,
    }
    fields |= {key: value for key, value in post.utm.items() if value}
    address, hash, fragment = post.link.partition("#")
    address, mark, query = address.partition("?")
    written = {key for key, _ in parse_qsl(query, keep_blank_values=True)} if query else ()
    added = "&".join([f"utm_{key}={_quoted(value.lower())}" for key, value in fields.items()
                      if f"utm_{key}" not in written])
    joined = "&".join(piece for piece in (query.rstrip("&"), added) if piece)
    return f"{address}{'?' if joined else mark}{joined}{hash}{fragment}"


def _quoted(value: str) -> str:
    """`value` as it stands in an address; most are words that can stand there as they are."""
    return value if _SAFE.fullmatch(value) else quote_plus(value)
