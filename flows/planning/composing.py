"""A post becomes a Message: the text one channel will get, as plain as networks show it."""
import re
from urllib.parse import parse_qsl, urlencode, urlsplit

from schemas.channel import Channel
from schemas.content import Content, Resolved
from schemas.ledger import Slot
from schemas.message import Media, Message, Part
from schemas.place import Place
from schemas.post import Section

_URL = re.compile(r"https?://[^\s<>\"]+")
_AUTOLINK = re.compile(r"<(?P<url>https?://[^\s<>]+)>")
_LINK = re.compile(r"\[(?P<text>[^\[\]\n]+)\]\((?P<url>https?://(?:[^\s()]|\([^\s()]*\))+)\)")
_BOTH = re.compile(r"(?<![\w*\\])\*\*\*(?=\S)(?P<text>[^\n*]*?\S)\*\*\*(?![\w*])")
_BOLD = re.compile(r"(?<![\w*\\])(\*\*|__)(?=\S)(?P<text>(?:(?!\1)[^\n])*?\S)\1(?![\w*])")
_ITALIC = re.compile(r"(?<![\w*_\\])([*_])(?=\S)(?P<text>[^\n*_]*?\S)\1(?![\w*_])")
_BULLET = re.compile(r"[-*+][ \t]+(?P<text>.*)")
_NUMBERED = re.compile(r"(?P<number>\d{1,3})[.)][ \t]+.*")
_ESCAPED = re.compile(r"\\([\\*_\[\]()#+.!`-])")
# While emphasis is taken out, the signs inside an address stand aside as characters of a private use area.
_ASIDE = {ord(sign): 0xE000 + number for number, sign in enumerate("*_\\")}
_BACK = {aside: sign for sign, aside in _ASIDE.items()}


def compose(post: Resolved, channel: Channel, content: Content, slot: Slot | None = None, turn: int = 0) -> Message:
    """What `channel` gets of `post`: its own section or the default text, link, hashtags, media, first comment.

    `slot`: the run it is for; None: the only one. `turn`: which of its texts goes out, as `texts_of` has them. Parts are empty when the post has no text for this channel; the caller reports that.
    """
    link = _tagged(post, channel, content)
    placement = channel.link_placement
    texts, comment = texts_of(post, channel.id), _section(post, "comment", channel)
    main = texts[turn % len(texts)] if texts else None
    media = _media(post, channel)
    parts = (
        [Part(text=plain(text), place=place) for text, place in zip(main.parts, main.places, strict=True)]
        if main
        else []
    )
    if not parts and media:
        parts = [Part(text="", place=Place(post.post.file))]
    if parts:
        whole = "\n".join(part.text for part in parts)
        tags = " ".join(tag for tag in _tags(post) if not re.search(rf"{re.escape(tag)}(?!\w)", whole, re.IGNORECASE))
        in_body = link if link and placement == "body" and not _holds(whole, link, post.link) else None
        parts[-1] = parts[-1].model_copy(update={"text": "\n\n".join(t for t in (parts[-1].text, in_body, tags) if t)})
        parts[0] = parts[0].model_copy(update={"media": media})
    if parts and (comment is not None or (link and placement == "first_comment")):
        text = plain("\n\n".join(comment.parts)) if comment else ""
        under = link if link and placement == "first_comment" and not _holds(text, link, post.link) else None
        parts.append(Part(kind="comment", text="\n".join(t for t in (text, under) if t),
                          place=comment.places[0] if comment else post.post.place("link")))
    return Message(slot=slot or Slot(post.id, channel.id), network=channel.network, account=channel.handle or channel.id,
                   parts=tuple(parts), card=link if placement == "card" else None,
                   language=post.language or channel.language or _language(content), limits=channel.limits)


def plain(markdown: str) -> str:
    """Markdown as people will read it on a network that has none (domain: `**b**` → b, `[t](u)` → t u, `- ` → • ).

    Single line ends join, blank lines and list items stay, a line that ends in two spaces or a backslash breaks there.
    """
    paragraphs: list[str] = []
    for block in re.split(r"\n(?:[ \t]*\n)+", markdown.strip("\n")):
        lines: list[str] = []
        joins = numbered = False
        for raw in block.split("\n"):
            breaks = raw.endswith(("  ", "\\"))
            line = raw.rstrip().removesuffix("\\").strip()
            bullet, number = _BULLET.fullmatch(line), _NUMBERED.fullmatch(line)
            if bullet:
                lines.append(f"• {bullet['text']}")
            elif joins and not (number and (numbered or number["number"] == "1")):
                lines[-1] = f"{lines[-1]} {line}"
            else:
                lines.append(line)
                numbered = number is not None
            joins = not breaks
        paragraphs.append("\n".join(_inline(line) for line in lines))
    return "\n\n".join(p for p in paragraphs if p)


def _inline(text: str) -> str:
    text = _LINK.sub(lambda m: m["url"] if m["text"].strip() == m["url"] else f"{m['text']} {m['url']}", text)
    text = _URL.sub(_aside, _AUTOLINK.sub(lambda m: m["url"], text))
    for pattern in (_BOTH, _BOLD, _ITALIC):
        text = pattern.sub(lambda m: m["text"], text)
    return _ESCAPED.sub(r"\1", text).translate(_BACK)


def _aside(url: re.Match[str]) -> str:
    address = url[0].rstrip("*_")                                 # those close an emphasis around the address
    return address.translate(_ASIDE) + url[0][len(address):]


def _tags(post: Resolved) -> list[str]:
    """The hashtags of a post, each once, with their sign."""
    tags: dict[str, str] = {}
    for name in (tag.strip().lstrip("#") for tag in post.hashtags):
        if name:
            tags.setdefault(name.lower(), f"#{name}")
    return list(tags.values())


def _holds(text: str, *links: str | None) -> bool:
    """Whether one of `links` stands in `text`, whole: not as the beginning of another address."""
    return any(
        re.search(rf"{re.escape(link)}(?![^\s.,;:!?)\]}}'\"]|[.,;:!?)\]}}'\"]+[^\s.,;:!?)\]}}'\"])", text)
        for link in links
        if link
    )


def texts_of(post: Resolved, channel: str) -> tuple[Section, ...]:
    """The texts that take turns on a channel: its own section or the default text, then each `## or` in order."""
    own = [s for s in post.post.sections if s.kind == "text" and channel in s.channels]
    common = [s for s in post.post.sections if s.kind == "text" and not s.channels]
    return *(own or common)[-1:], *(s for s in post.post.sections if s.kind == "or")


def _section(post: Resolved, kind: str, channel: Channel) -> Section | None:
    """The section of `kind` for `channel`: the last one that names it, else the last one for all."""
    own = [s for s in post.post.sections if s.kind == kind and channel.id in s.channels]
    common = [s for s in post.post.sections if s.kind == kind and not s.channels]
    found = own or common
    return found[-1] if found else None


def _media(post: Resolved, channel: Channel) -> tuple[Media, ...]:
    return tuple(Media(file=m.file.path, blob=m.file.blob, size=m.file.size, alt=m.alt, place=m.place,
                       probe=m.file.probe)
                 for m in post.media if not m.channels or channel.id in m.channels)


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
    written = {key for key, _ in parse_qsl(query, keep_blank_values=True)}
    added = urlencode([(f"utm_{key}", value.lower()) for key, value in fields.items() if f"utm_{key}" not in written])
    joined = "&".join(piece for piece in (query.rstrip("&"), added) if piece)
    return f"{address}{'?' if joined else mark}{joined}{hash}{fragment}"
