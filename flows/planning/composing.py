"""A post becomes a Message: the text one channel will get, as plain as networks show it."""
import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from schemas.channel import Channel
from schemas.content import Content, Resolved
from schemas.ledger import Slot
from schemas.message import Media, Message, Part
from schemas.place import Place
from schemas.post import Section

_URL = re.compile(r"https?://[^\s<>\"]+")
_LINK = re.compile(r"\[(?P<text>[^\[\]\n]+)\]\((?P<url>https?://[^\s()]+)\)")
_BOLD = re.compile(r"(?<![\w*\\])(\*\*|__)(?=\S)(?P<text>[^\n]*?\S)\1(?![\w*])")
_ITALIC = re.compile(r"(?<![\w*_\\])([*_])(?=\S)(?P<text>[^\n*_]*?\S)\1(?![\w*_])")
_BULLET = re.compile(r"[ \t]*[-*+][ \t]+(?P<text>.*)")
_ESCAPED = re.compile(r"\\([\\*_\[\]()#+.!`-])")


def compose(post: Resolved, channel: Channel, content: Content) -> Message:
    """What `channel` gets of `post`: its own section or the default text, link, hashtags, media, first comment.

    Parts are empty when the post has no text for this channel; the caller reports that.
    """
    link = _tagged(post, channel, content)
    placement = channel.link_placement
    main, comment = _section(post, "text", channel), _section(post, "comment", channel)
    parts = [Part(text=plain(text), place=place) for text, place in zip(main.parts, main.places, strict=True)] if main else []
    if not parts and post.media:
        parts = [Part(text="", place=Place(post.post.file))]
    if parts:
        first, last = parts[0], parts[-1]
        tags = " ".join(f"#{tag.lstrip('#')}" for tag in post.hashtags if f"#{tag.lstrip('#')}".lower() not in last.text.lower())
        in_body = link if link and placement == "body" and link not in "\n".join(p.text for p in parts) else None
        parts[-1] = last.model_copy(update={"text": "\n\n".join(t for t in (last.text, in_body, tags) if t)})
        parts[0] = (parts[0] if len(parts) == 1 else first).model_copy(update={"media": _media(post, channel)})
    if comment is not None or (link and placement == "first_comment" and parts):
        text = plain("\n\n".join(comment.parts)) if comment else ""
        under = link if link and placement == "first_comment" and link not in text else None
        parts.append(Part(kind="comment", text="\n".join(t for t in (text, under) if t),
                          place=comment.places[0] if comment else post.post.place("link")))
    return Message(slot=Slot(post.id, channel.id), network=channel.network, account=channel.handle or channel.id,
                   parts=tuple(parts), card=link if placement == "card" else None,
                   language=post.language or channel.language or _language(content), limits=channel.limits)


def plain(markdown: str) -> str:
    """Markdown as people will read it on a network that has none (domain: `**b**` → b, `[t](u)` → t u, `- ` → • ).

    Single line ends join, blank lines and list items stay, a line that ends in two spaces or a backslash breaks there.
    """
    paragraphs: list[str] = []
    for block in re.split(r"\n[ \t]*\n+", markdown.strip("\n")):
        lines: list[str] = []
        joins = False
        for raw in block.split("\n"):
            breaks = raw.endswith(("  ", "\\"))
            line = raw.rstrip().removesuffix("\\").strip()
            bullet = _BULLET.fullmatch(line)
            text = _inline(bullet["text"] if bullet else line)
            if bullet:
                lines.append(f"• {text}")
            elif joins and lines:
                lines[-1] = f"{lines[-1]} {text}"
            else:
                lines.append(text)
            joins = not breaks
        paragraphs.append("\n".join(lines))
    return "\n\n".join(p for p in paragraphs if p)


def _inline(text: str) -> str:
    text = _LINK.sub(lambda m: m["url"] if m["text"].strip() == m["url"] else f"{m['text']} {m['url']}", text)
    pieces, end = [], 0
    for url in _URL.finditer(text):                               # an underscore inside an address is no emphasis
        pieces += [_emphasis(text[end:url.start()]), url[0]]
        end = url.end()
    return "".join([*pieces, _emphasis(text[end:])])


def _emphasis(text: str) -> str:
    for pattern in (_BOLD, _ITALIC):
        text = pattern.sub(lambda m: m["text"], text)
    return _ESCAPED.sub(r"\1", text)


def _section(post: Resolved, kind: str, channel: Channel) -> Section | None:
    """The section of `kind` for `channel`: the last one that names it, else the last one for all."""
    own = [s for s in post.post.sections if s.kind == kind and channel.id in s.channels]
    common = [s for s in post.post.sections if s.kind == kind and not s.channels]
    found = own or common
    return found[-1] if found else None


def _media(post: Resolved, channel: Channel) -> tuple[Media, ...]:
    return tuple(Media(file=m.file.path, blob=m.file.blob, size=m.file.size, alt=m.alt, place=m.place)
                 for m in post.media if not m.channels or channel.id in m.channels)


def _language(content: Content) -> str | None:
    language = getattr(content.entry("strategy"), "language", None)
    return language if isinstance(language, str) else None


def _tagged(post: Resolved, channel: Channel, content: Content) -> str | None:
    """The post's link, with UTM fields when it leads to a domain of ours; a `utm_` written by hand wins."""
    if post.link is None:
        return None
    url = urlsplit(post.link)
    host = (url.hostname or "").lower()
    if not any(host == domain or host.endswith(f".{domain}") for domain in content.own_domains):
        return post.link
    fields = {"source": channel.network, "medium": "social", "campaign": post.post.campaign or "always-on", "content": post.post.stem}
    fields |= {key: value for key, value in post.utm.items() if value}
    query = parse_qsl(url.query, keep_blank_values=True)
    written = {key for key, _ in query}
    query += [(f"utm_{key}", value.lower()) for key, value in fields.items() if f"utm_{key}" not in written]
    return urlunsplit(url._replace(query=urlencode(query)))
