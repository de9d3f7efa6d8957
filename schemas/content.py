"""Content: everything the folder says at one commit, with its ids, and where each thing stands."""
from typing import Any, Literal, NamedTuple

from schemas.channel import Channel, ChannelsFile
from schemas.figure import Figure
from schemas.model import Authored
from schemas.place import Place, nearest
from schemas.post import MediaUse, Post
from schemas.problem import Problem
from schemas.rulebook import MediaItem, Rulebook

Kind = Literal["file", "symlink", "submodule", "misnamed file", "file of a mode that Git does not make",
               "file that its folder holds twice"]
"""What a path of the folder holds. Only a file is read; everything else is named and refused."""


class Probe(NamedTuple):
    """What the header of a media file says; nothing of it was decoded. Lengths in pixels, as people see the picture.

    `kind` is the format by its content, whatever its name says: jpeg, png, gif, webp, avif, heic, bmp, tiff, mp4, mov,
    webm, pdf, svg, html, playlist, unknown. `frames`: as many as were seen, when more than one. `why`: what is wrong
    with the file, in a sentence that begins with its name; None when nothing is.
    """

    kind: str
    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    frames: int | None = None
    why: str | None = None
    remedy: str = ""


class SourceFile(NamedTuple):
    """One file of the content folder; `path` is relative to it. `data` is None for media and what is too large.

    `probe`: what the header of a media file says; None: it is no media file, or nobody looked.
    """

    path: str
    blob: str
    size: int                                            # bytes
    kind: Kind = "file"
    data: bytes | None = None
    probe: Probe | None = None


class Entry(NamedTuple):
    """One authored file that is no post: a strategy, a campaign, a team. `id` is its own or its file's name."""

    kind: str
    id: str
    file: str
    value: Authored
    places: dict[str, Place]
    body: str = ""

    @property
    def folder(self) -> str:
        """The name of the folder it stands in: what posts of a campaign or a series know it by."""
        return self.file.split("/")[-2]

    def place(self, *path: str | int) -> Place:
        """Where a field stands; the nearest one above it that was written, else the top of the file."""
        return nearest(self.places, path, self.file)


class Known(NamedTuple):
    """Something that can be referred to by id, and where it is defined."""

    id: str
    place: Place


class Resolved(NamedTuple):
    """A post with what it inherits. `channels` in the order of channels.yaml; `campaign` is the campaign's id."""

    post: Post
    channels: tuple[Channel, ...]
    intent: str
    timezone: str | None
    language: str | None
    hashtags: tuple[str, ...]
    link: str | None
    utm: dict[str, str | None]
    media: tuple["ResolvedMedia", ...]
    grace: str
    tactic: str | None = None
    goal: str | None = None
    funnel: str = "knowledge"
    audience: str | None = None
    pillar: str | None = None
    origin: str = "created"

    @property
    def id(self) -> str:
        return self.post.id


class ResolvedMedia(NamedTuple):
    """A file a post uses, found in the folder. `channels` empty: for all. `item`: what the library says of the file.

    `captions`: the file of its subtitles; None: none, or they are part of the picture.
    """

    file: SourceFile
    alt: str | None
    channels: tuple[str, ...]
    place: Place
    use: MediaUse
    item: MediaItem | None = None
    captions: SourceFile | None = None


class Content(NamedTuple):
    """All of it. `source` is the commit, or "working tree"; `root` the content folder's name in messages.

    `networks` are those that can be published to.
    """

    root: str
    source: str
    entries: tuple[Entry, ...]
    channels: ChannelsFile
    posts: tuple[Resolved, ...]
    drafts: tuple[Post, ...]
    own_domains: tuple[str, ...]
    timezone: str
    networks: tuple[str, ...]
    problems: tuple[Problem, ...]
    unreadable: frozenset[str] = frozenset()         # paths of authored files that could not be read, posts apart
    others: tuple[str, ...] = ()                     # ids of posts that exist and are not looked at here
    figures: tuple[Figure, ...] | None = None        # of measures/*.csv, by day; None: there is no such file

    def entry(self, kind: str, id: str | None = None) -> Any:
        """The value of the first entry of `kind` (and `id`), or None."""
        return next((e.value for e in self.entries if e.kind == kind and (id is None or e.id == id)), None)

    def rulebook(self) -> Rulebook:
        """The content's own rules; the defaults when it has none."""
        return self.entry("rules") or Rulebook()

    def broken(self) -> dict[str | None, list[Problem]]:
        """The errors by post id; None: errors of files that are no posts."""
        errors: dict[str | None, list[Problem]] = {}
        for problem in self.problems:
            if problem.severity == "error":
                errors.setdefault(problem.post, []).append(problem)
        return errors
