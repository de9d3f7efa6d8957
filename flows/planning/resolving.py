"""What was read becomes Content: every post with what it inherits, every reference judged."""
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from flows.planning.indexing import Index, index, media_file
from flows.planning.masking import without_secrets
from flows.planning.reading import Read
from flows.planning.rules.references import judge_references
from schemas.channel import Channel
from schemas.content import Content, Entry, Resolved, ResolvedMedia, SourceFile
from schemas.post import Head, MediaUse, Post
from schemas.problem import Problem, Severity, in_order

NEEDS_MEDIA = frozenset({"instagram", "pinterest", "tiktok", "youtube"})
"""Networks that take no post of text alone (networks.md section 27), so text alone does not go there by default."""

BURNED_IN = "burned-in"
"""`captions:` of a film that shows its words in the picture."""
FUNNELS = {"inform": "awareness", "give": "knowledge", "ask": "conversion", "respond": "loyalty"}
"""Which stage of the funnel a post serves that does not say so, by its intent."""
_FUNNEL = {"purchase": "conversion"}
_TIMES = frozenset({"at", "slot", "after", "every"})


def resolve(read: Read, root: str, source: str, networks: tuple[str, ...], published: frozenset[str] | None) -> Content:
    """Content of one commit. `networks`: those with an adapter. `published`: ids in the ledger, None: not known."""
    found = index(read.entries, read.ids)
    strategy = next((e.value for e in read.entries if e.kind == "strategy"), None)
    resolver = _Resolver(read, root, found)
    resolved = [resolver.post(post) for post in read.posts]
    posts = tuple(post for post in resolved if not post.post.head.draft)
    drafts = tuple(post.post for post in resolved if post.post.head.draft)
    problems = [*read.problems, *resolver.problems, *judge_references(read, found, posts, root, published),
                *_unsupported_networks(read, networks)]
    return Content(root, source, read.entries, read.channels, posts, drafts,
                   tuple(getattr(strategy, "own_domains", None) or ()), getattr(strategy, "timezone", None) or "UTC",
                   networks, tuple(in_order(without_secrets(problems))), read.unreadable, figures=read.figures)


class _Resolver:
    def __init__(self, read: Read, root: str, found: Index) -> None:
        self.read, self.root, self.found = read, root, found
        self.channels = {channel.id: channel for channel in read.channels.channels}
        self.folders: dict[str, Any] = {
            e.file.rsplit("/", 1)[0]: e.value for e in read.entries if e.kind in ("campaign", "series")
        }
        self.tactics = {t.id: t for e in read.entries if e.kind == "strategy" for t in (e.value.tactics or ())}  # type: ignore[attr-defined]
        library = next((e for e in read.entries if e.kind == "media library"), None)
        self.library: dict[str, Any] = _library(library)
        self.problems: list[Problem] = []

    def post(self, post: Post) -> Resolved:
        """`post` with what it inherits; its head then holds the `defaults` of its campaign or series too."""
        folder = f"campaigns/{post.campaign}" if post.campaign else f"evergreen/{post.series}"
        around = self.folders.get(f"{self.root}/{folder}")
        head = _inherited(post.head, getattr(around, "defaults", None))
        tactic = self.tactics.get(head.tactic or "")
        campaign = around if post.campaign else None
        intent = head.intent or getattr(tactic, "intent", None) or "give"
        media = self.media(post, head.media or ())
        self.judge_options(post, head)
        return Resolved(
            post=post if head is post.head else post.model_copy(update={"head": head}),
            channels=self.where(post, head, around, tactic, bool(media)),
            intent=intent,
            timezone=head.timezone, language=head.language, hashtags=head.hashtags or (),
            link=head.link, utm=_utm(head.utm), media=media, grace=head.grace or "", tactic=getattr(tactic, "id", None),
            goal=head.goal or _first(getattr(tactic, "goals", ())) or _first(
                [aim.goal for aim in getattr(campaign, "goals", ())]),
            funnel=_FUNNEL.get(head.funnel or "", head.funnel) or FUNNELS[intent],
            audience=head.audience or _first(getattr(campaign, "audiences", ())),
            pillar=head.pillar or getattr(tactic, "pillar", None),
            origin=head.origin or ("ugc" if head.ugc else "created"))

    def where(self, post: Post, head: Head, around: Any, tactic: Any, has_media: bool) -> tuple[Channel, ...]:
        """The post's channels, in the order of channels.yaml."""
        named = next(
            (
                names
                for names in (head.channels, getattr(around, "channels", None), getattr(tactic, "channels", None))
                if names is not None
            ),
            None,
        )
        for number, id in enumerate(post.head.channels or ()):
            channel = self.channels.get(id)
            if channel is not None and channel.status != "active":
                self.problem(post, number, f"{id} is {channel.status} and takes no posts.",
                             f"Remove {id} here, or set status: active in networks/channels.yaml.")
        active = [channel for channel in self.channels.values() if channel.status == "active"]
        if named is not None:
            chosen = [channel for channel in active if channel.id in named]
        else:
            chosen = [channel for channel in active if has_media or channel.network not in NEEDS_MEDIA]
        if named == ():
            self.problem(
                post, None, "the list is empty, so the post goes nowhere.", "Name a channel, or remove the line."
            )
        elif not chosen and not post.head.channels and "networks/channels.yaml" not in self.read.unreadable:
            if active and named is None:
                self.problem(post, None, "there is no active channel that takes a post of words alone.",
                             "Add a picture or a film above the text: media: [{file: photo.jpg, alt: What it shows}].")
            else:
                self.problem(post, None, "there is no active channel to send this to.",
                             "Name an active one here." if active else "Add a channel to networks/channels.yaml.")
        return tuple(chosen)

    def judge_options(self, post: Post, head: Head) -> None:
        """Options stand under the id of a channel, or the name of a network."""
        known = {*self.channels, *(channel.network for channel in self.channels.values())}
        for name in head.options:
            if name not in known:
                close = get_close_matches(name, known, 1, 0.6)
                names = ", ".join(sorted(known)) or "none yet"
                remedy = f"Did you mean {close[0]}?" if close else f"Use one of: {names}."
                self.problems.append(Problem("SUP003", Severity.error, post.place("options", name),
                                             f"options: no channel and no network '{name}'.", remedy, post.id))

    def problem(self, post: Post, number: int | None, message: str, remedy: str) -> None:
        place = post.place("channels") if number is None else post.place("channels", number)
        self.problems.append(Problem("REF001", Severity.error, place, f"channels: {message}", remedy, post.id))

    def media(self, post: Post, uses: tuple[MediaUse, ...]) -> tuple[ResolvedMedia, ...]:
        found = []
        for number, use in enumerate(uses):
            sought = media_file(use.file, post, self.read.files, self.root)
            if sought.file is not None:
                item = self.library.get(sought.file.path.removeprefix("media/")) or self.library.get(use.file)
                alt = use.alt or getattr(item, "alt", None)
                if use.decorative or (use.alt is None and getattr(item, "decorative", False)):
                    alt = ""
                found.append(ResolvedMedia(sought.file, alt, use.channels, post.place("media", number), use, item,
                                           self.captions(post, number, use)))
        return tuple(found)

    def captions(self, post: Post, number: int, use: MediaUse) -> SourceFile | None:
        """The file of a film's subtitles; a name that leads nowhere is an error."""
        if use.captions is None or use.captions == BURNED_IN:
            return None
        sought = media_file(use.captions, post, self.read.files, self.root)
        if sought.file is None:
            self.problems.append(Problem(
                "REF001", Severity.error, post.place("media", number, "captions"), f"captions: {sought.why}.",
                sought.remedy or f"Put the file (.vtt or .srt) into media/, or write captions: {BURNED_IN}.", post.id))
        return sought.file


def _inherited(head: Head, defaults: Head | None) -> Head:
    """`head` with what it leaves out taken from `defaults`; an id is never inherited, nor a time beside its own."""
    if defaults is None:
        return head
    own = {name for name in head.model_fields_set if getattr(head, name) is not None} | {"id"}
    if not own.isdisjoint(_TIMES):
        own |= _TIMES
    return head.model_copy(update={name: getattr(defaults, name) for name in defaults.model_fields_set - own})


def _first(ids: Iterable[str]) -> str | None:
    return next(iter(ids), None)


def _library(entry: Entry | None) -> dict[str, Any]:
    return dict(entry.value.items) if entry is not None else {}  # type: ignore[attr-defined]


def _utm(utm: Any) -> dict[str, str | None]:
    return utm.model_dump() if utm is not None else {}


def _unsupported_networks(read: Read, networks: tuple[str, ...]) -> list[Problem]:
    entry = next((e for e in read.entries if e.kind == "channels"), None)
    if entry is None:
        return []
    problems = []
    for number, channel in enumerate(read.channels.channels):
        if channel.network not in networks and channel.status == "active":
            close = get_close_matches(channel.network.lower(), networks, 1, 0.7)
            supported = f"supported so far: {', '.join(networks)}."
            problems.append(
                Problem(
                    "SUP001",
                    Severity.warning,
                    entry.place("channels", number, "network"),
                    f"{channel.network} is not supported yet: posts for {channel.id} wait.",
                    f"Did you mean {close[0]}? Otherwise nothing to do; {supported}"
                    if close
                    else f"Nothing to do; {supported}",
                )
            )
    return problems
