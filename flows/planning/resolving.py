"""What was read becomes Content: every post with what it inherits, every reference judged."""
import re
from typing import Any

from flows.planning.indexing import Index, index, media_file
from flows.planning.reading import Read
from flows.planning.rules import evaluate
from schemas.channel import Channel
from schemas.content import Content, Entry, Resolved, ResolvedMedia
from schemas.post import Post
from schemas.problem import Problem, Severity, in_order

NEEDS_MEDIA = frozenset({"instagram", "pinterest", "tiktok", "youtube"})
"""Networks that take no post of text alone (networks.md section 27), so a text-only post does not go there by default."""


def resolve(read: Read, root: str, source: str, networks: tuple[str, ...], published: frozenset[str] | None) -> Content:
    """Content of one commit. `networks`: those with an adapter. `published`: post ids of the ledger, None: not known."""
    found = index(read.entries, read.ids)
    strategy = next((e.value for e in read.entries if e.kind == "strategy"), None)
    resolver = _Resolver(read, root, found)
    posts = tuple(resolver.post(post) for post in read.posts if not post.head.draft)
    drafts = tuple(post for post in read.posts if post.head.draft)
    problems = [*read.problems, *resolver.problems, *evaluate(read, found, posts, root, published),
                *_unsupported_networks(read, networks)]
    return Content(root, source, read.entries, read.channels, posts, drafts,
                   tuple(getattr(strategy, "own_domains", None) or ()), getattr(strategy, "timezone", None) or "UTC",
                   networks, tuple(in_order(problems)))


class _Resolver:
    def __init__(self, read: Read, root: str, found: Index) -> None:
        self.read, self.root, self.found = read, root, found
        self.channels = {channel.id: channel for channel in read.channels.channels}
        self.campaigns = {e.id: e.value for e in read.entries if e.kind == "campaign"}
        self.series = {e.id: e.value for e in read.entries if e.kind == "series"}
        self.tactics = {t.id: t for e in read.entries if e.kind == "strategy" for t in (e.value.tactics or ())}  # type: ignore[attr-defined]
        library = next((e for e in read.entries if e.kind == "media library"), None)
        self.library: dict[str, Any] = _library(library)
        self.problems: list[Problem] = []

    def post(self, post: Post) -> Resolved:
        head = post.head
        campaign = self.campaigns.get(post.campaign or "")
        defaults = getattr(campaign, "defaults", None)

        def inherited(field: str, default: Any = None) -> Any:
            """The post's own value, else that of its campaign's `defaults`."""
            for holder in (head, defaults):
                value = getattr(holder, field, None)
                if value is not None:
                    return value
            return default

        tactic = self.tactics.get(inherited("tactic") or "")
        media = self.media(post, inherited("media", ()))
        return Resolved(
            post=post, channels=self.where(post, campaign, defaults, tactic, bool(media)),
            intent=inherited("intent") or getattr(tactic, "intent", None) or "give",
            timezone=inherited("timezone"), language=inherited("language"), hashtags=tuple(inherited("hashtags", ())),
            link=inherited("link"), utm=_utm(inherited("utm")), media=media, grace=inherited("grace", ""),
            tactic=getattr(tactic, "id", None))

    def where(self, post: Post, campaign: Any, defaults: Any, tactic: Any, has_media: bool) -> tuple[Channel, ...]:
        """The post's channels, in the order of channels.yaml."""
        series = self.series.get(post.series or "")
        named = (post.head.channels or getattr(defaults, "channels", None) or getattr(series, "channels", None)
                 or getattr(campaign, "channels", None) or getattr(tactic, "channels", None))
        if named:
            for number, id in enumerate(post.head.channels or ()):
                channel = self.channels.get(id)
                if channel is not None and channel.status != "active":
                    self.problems.append(Problem(
                        "REF001", Severity.error, post.place("channels", number), f"channels: {id} is {channel.status} and takes no posts.",
                        f"Remove {id} here, or set status: active in networks/channels.yaml.", post.id))
            chosen = [c for c in self.channels.values() if c.id in named and c.status == "active"]
        else:
            chosen = [c for c in self.channels.values() if c.status == "active" and (has_media or c.network not in NEEDS_MEDIA)]
        if not chosen and not named and "networks/channels.yaml" not in self.read.unreadable:
            self.problems.append(Problem(
                "REF001", Severity.error, post.place("channels"), "channels: there is no active channel to send this to.",
                "Add a channel to networks/channels.yaml.", post.id))
        return tuple(chosen)

    def media(self, post: Post, uses: Any) -> tuple[ResolvedMedia, ...]:
        found = []
        for number, use in enumerate(uses):
            sought = media_file(use.file, post, self.read.files, self.root)
            if sought.file is not None:
                item = self.library.get(sought.file.path.removeprefix("media/"))
                alt = "" if use.decorative or (use.alt is None and getattr(item, "decorative", None)) else use.alt or getattr(item, "alt", None)
                found.append(ResolvedMedia(sought.file, alt, use.channels, post.place("media", number)))
        return tuple(found)


def _library(entry: Entry | None) -> dict[str, Any]:
    return dict(entry.value.items) if entry is not None else {}  # type: ignore[attr-defined]


def _utm(utm: Any) -> dict[str, str | None]:
    return utm.model_dump() if utm is not None else {}


def _unsupported_networks(read: Read, networks: tuple[str, ...]) -> list[Problem]:
    entry = next((e for e in read.entries if e.kind == "channels"), None)
    if entry is None:
        return []
    return [
        Problem("SUP001", Severity.warning, entry.place("channels", number, "network"),
                f"{channel.network} is not supported yet: posts for {channel.id} wait.",
                f"Nothing to do; supported so far: {', '.join(networks)}.")
        for number, channel in enumerate(read.channels.channels)
        if channel.network not in networks and re.fullmatch(r"[a-z][a-z0-9_]*", channel.network)]
