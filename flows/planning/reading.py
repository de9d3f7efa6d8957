"""The files of the content folder become entries and posts, with every problem of every file at once."""
import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from pydantic import ValidationError

from flows.planning.dividing import divide
from flows.planning.explaining import explain
from flows.planning.masking import secrets
from flows.planning.parsing import Parsed, Unreadable, commented_out, divide_document, parse_yaml, text_of
from flows.planning.resembling import resembling, twins
from flows.planning.shelving import holds_figures, is_lost, shelf_of, where_it_belongs
from flows.planning.spotting import hidden, mass_mentions, placeholder
from flows.planning.tabulating import tabulate
from flows.planning.vouching import lists_keys
from schemas.channel import ChannelsFile
from schemas.content import Entry, Known, SourceFile
from schemas.figure import Figure
from schemas.model import Authored
from schemas.place import Place, nearest
from schemas.post import Head, Post
from schemas.problem import Problem, Severity

TEXT_BYTES = 256_000
"""The largest text file that is read (threats: a post is a text for people)."""

_SMALL_BYTES = 65_536
_POST = re.compile(r"(posts|evergreen)/(.+/)?[^/]+\.md|campaigns/[^/]+/posts/(.+/)?[^/]+\.md")
_TIMES = ("at", "slot", "after", "every")
_NEVER_EMPTY = ("at", "after", "every", "from", "until", "not_before", "not_after", "hold", "withdraw")
"""Keys that somebody means to write something behind: without it the post would go out otherwise than they think."""
_PUBLISHED = frozenset({"alt", "link", "hashtags"})
"""Keys whose text readers see, wherever they stand."""
_NESTED = (dict, list)
_ODD_SIGNS = ("\\", "#", "TODO", "XX", "{{", "[name]", "@", "xn--")
_INSTEAD = {
    "symlink": "Put the file itself here.",
    "submodule": "Put the file itself here.",
    "misnamed file": "Rename it: in UTF-8, no backslash, nothing invisible, at most 500 bytes with its folders.",
    "file of a mode that Git does not make": "Take it out of Git, then add it again: git rm --cached, git add.",
    "file that its folder holds twice": "Take both out of Git, then add the one that is meant.",
}
"""What to do about each kind of what is no file to read."""


class Read(NamedTuple):
    """What the folder says, before anything is looked up. `ids` also knows posts whose file could not be read."""

    entries: tuple[Entry, ...]
    channels: ChannelsFile
    posts: tuple[Post, ...]
    ids: tuple[Known, ...]
    files: dict[str, SourceFile]
    unreadable: frozenset[str]           # paths of entries that could not be read: what they define is not known
    problems: tuple[Problem, ...]
    figures: tuple[Figure, ...] | None = None    # by day; None: no file of measures/ could be read


def read(files: Iterable[SourceFile], root: str) -> Read:
    """Reads every file; never raises for content. `root` is the folder's name in messages."""
    reader = _Reader(root)
    by_path = {file.path: file for file in sorted(files)}
    posts, measures = [], []
    for path, file in by_path.items():
        if is_post(path):
            posts.append(file)
        elif holds_figures(path):
            measures.append(file)
        elif file.probe is None and file.size <= _SMALL_BYTES:
            reader.add(_of_entry(root, file))
        else:
            reader.entry(file)
    channels = next((e.value for e in reader.entries if isinstance(e.value, ChannelsFile)), ChannelsFile())
    names = (
        None if "networks/channels.yaml" in reader.unreadable else tuple(channel.id for channel in channels.channels)
    )
    for file in measures:
        reader.measures(file, names)
    for file in posts:
        reader.post(file, names)
    ids = {known.place.file: known.id for known in reader.ids}
    for path, other in twins(by_path):
        how = "in capitals" if path.casefold() == other.casefold() else "in how their accents are written"
        for file_name in (f"{root}/{path}", f"{root}/{other}"):   # of two posts neither: who knows which was reviewed?
            if file_name == f"{root}/{path}" or file_name in ids:
                reader.problem("REF001", Place(file_name), f"{path} and {other} differ only {how}.",
                               "Rename one of them: some computers cannot tell them apart.", ids.get(file_name))
    return Read(tuple(reader.entries), channels, tuple(reader.posts), tuple(reader.ids), by_path,
                frozenset(reader.unreadable), tuple(reader.problems), _by_day(reader.figures))


def is_post(path: str) -> bool:
    """Whether the file at `path` is one of those that hold a post."""
    return _POST.fullmatch(path) is not None


def canonical_id(path: str) -> tuple[str, str | None, str | None]:
    """The post id that a path gives, with its campaign and its series folder."""
    names = path.removesuffix(".md").split("/")
    if names[0] == "campaigns":
        return f"{names[1]}/{names[-1]}", names[1], None
    series = names[1] if names[0] == "evergreen" and len(names) > 2 else None
    return f"{names[0]}/{names[-1]}", None, series


@lru_cache(maxsize=512)
def _of_entry(root: str, file: SourceFile) -> "_Reader":
    """What one small file says that is no post: a program that plans again and again has most of them as they were."""
    reader = _Reader(root)
    reader.entry(file)
    return reader


class _Reader:
    def __init__(self, root: str) -> None:
        self.root = root
        self.entries: list[Entry] = []
        self.posts: list[Post] = []
        self.ids: list[Known] = []
        self.unreadable: set[str] = set()
        self.problems: list[Problem] = []
        self.figures: list[Figure] | None = None

    def problem(self, code: str, place: Place, message: str, remedy: str, post: str | None = None,
                severity: Severity = Severity.error) -> None:
        self.problems.append(Problem(code, severity, place, message, remedy, post))

    def add(self, other: "_Reader") -> None:
        """What another one found of entries."""
        self.entries += other.entries
        self.unreadable |= other.unreadable
        self.problems += other.problems

    def entry(self, file: SourceFile) -> None:
        place = Place(f"{self.root}/{file.path}")
        shelf, whole = shelf_of(file.path), _text(file)
        if "PRIVATE KEY" in whole or not lists_keys(file.path):
            self.look_for_secrets(file.path, whole, place, None)
        if shelf is None:
            if file.kind != "file":
                self.is_text(file, place, None)
            elif is_lost(file.path):
                self.problem(
                    "SYN010", place, "Nothing reads this file.", where_it_belongs(file.path), None, Severity.warning
                )
            return
        if not self.is_text(file, place, None):
            self.unreadable.add(file.path)
            return
        try:
            text = text_of(file.data or b"", place.file)
            if file.path.endswith(".md"):
                document = divide_document(text, place.file)
                parsed, body = document.head, document.body
            else:
                parsed, body = parse_yaml(text, place.file), ""
        except Unreadable as unreadable:
            self.problems.append(unreadable.problem)
            self.unreadable.add(file.path)
            return
        value = self.validate(shelf.model(), parsed, text, place, None)
        if value is None:
            self.unreadable.add(file.path)
        else:
            self.entries.append(Entry(shelf.kind, shelf.id_of(value, file.path), place.file, value,
                                      dict(parsed.places), body))

    def measures(self, file: SourceFile, channels: tuple[str, ...] | None) -> None:
        place = Place(f"{self.root}/{file.path}")
        self.look_for_secrets(file.path, _text(file), place, None)
        found = None
        if self.is_text(file, place, None):
            try:
                found, problems = tabulate(text_of(file.data or b"", place.file), place.file, channels)
                self.problems += problems
            except Unreadable as unreadable:
                self.problems.append(unreadable.problem)
        if found is None:
            self.unreadable.add(file.path)
        else:
            self.figures = self.figures or []
            self.figures += found

    def post(self, file: SourceFile, channels: tuple[str, ...] | None) -> None:
        place = Place(f"{self.root}/{file.path}")
        id, campaign, series = canonical_id(file.path)
        document = None
        if self.is_text(file, place, id):
            try:
                text = text_of(file.data or b"", place.file)
                document = divide_document(text, place.file)
            except Unreadable as unreadable:
                self.problems.append(unreadable.problem._replace(post=id))
        if document is None:
            self.ids.append(Known(id, place))
            self.look_for_secrets(file.path, _text(file), place, id)
            return
        value = document.head.value
        named = isinstance(value, dict) and "id" in value
        if named and isinstance(pinned := value["id"], str):
            id = pinned if "/" in pinned else f"{id.rsplit('/', 1)[0]}/{pinned}"
        self.ids.append(Known(id, document.head.places["id"] if named else place))
        self.look_for_secrets(file.path, text, place, id)
        head = self.validate(Head, document.head, text, place, id)
        divided = divide(document.body, place.file, document.first_line, id, channels)
        self.problems += divided.problems
        if not isinstance(head, Head):
            return
        for key in _NEVER_EMPTY:
            if key in (document.head.value or {}) and document.head.value[key] in (None, "" if key == "hold" else None):
                self.problem("SYN002", nearest(document.head.places, (key,), place.file), f"{key} is empty.",
                             "Write a value, or remove the line.", id)
        times = [key for key in _TIMES if getattr(head, key) is not None]
        if len(times) > 1:
            self.problem("SYN003", nearest(document.head.places, (times[1],), place.file),
                         f"{len(times)} times given: {', '.join(times)}.", "Keep one.", id)
        if not divided.sections and not head.media and not divided.problems:
            self.problem("SYN004", Place(place.file, document.first_line), "Nothing to publish.",
                         "Write the text below the front matter.", id)
        self.posts.append(Post(id=id, file=place.file, blob=file.blob, head=head, sections=divided.sections,
                               campaign=campaign, series=series, places=document.head.places))

    def is_text(self, file: SourceFile, place: Place, post: str | None) -> bool:
        if file.kind != "file":
            self.problem("SYN001", place, f"cannot be read: it is a {file.kind}.", _INSTEAD[file.kind], post)
        elif file.size > TEXT_BYTES or file.data is None:
            self.problem(
                "SYN001",
                place,
                f"cannot be read: it holds {file.size:,} bytes; a text file may hold {TEXT_BYTES:,}.",
                "Keep the text, and move everything else out of the file.",
                post,
            )
        else:
            return True
        return False

    def look_for_secrets(self, path: str, text: str, place: Place, post: str | None) -> None:
        """SYN007 for what looks like a secret in the name or the text of a file."""
        found = [(place, shown) for _, shown in secrets(path)]
        found += [(Place(place.file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)), shown)
                  for at, shown in secrets(text)]
        for spot, shown in found:
            self.problem("SYN007", spot, f"This looks like a secret ({shown}).",
                         "Remove it and replace the credential: whoever can read the repository has it.", post)

    def validate(self, model: type[Authored], parsed: Parsed, text: str, place: Place, post: str | None) -> Any:
        """The value that `parsed` holds, None when it is none; `text` is the whole text of the file at `place`."""
        value = {} if parsed.value is None else parsed.value
        odd = _is_odd(parsed.text)
        if odd or "x-" in parsed.text:
            value = _without_notes(value)
        if not isinstance(value, dict):
            self.problem("SYN002", parsed.places.get("", place), "This must be keys with values, like 'slot: next'.",
                         "Write lines like 'key: value', with a space after the colon.", post)
            return None
        if odd:
            lines = text.split("\n")
            for path, inner in _leaves(value):
                self.look_at(path, inner, nearest(parsed.places, path, place.file), lines, post)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.problems += explain(error, model, parsed, place.file, post)
            return None

    def look_at(
        self, path: tuple[str | int, ...], value: Any, place: Place, lines: list[str], post: str | None
    ) -> None:
        """What can be wrong with one value, whatever it means."""
        if value is None and place.line <= len(lines) and commented_out(lines[place.line - 1]):
            key = next((step for step in reversed(path) if isinstance(step, str)), "this")
            self.problem("SYN005", place, f"{key} is empty: everything after # is a comment.",
                         "Write hashtags without #, or put the text in quotes.", post, Severity.warning)
        if not isinstance(value, str):
            return
        for _, name in hidden(value):
            self.problem(
                "SYN009", place, f"An invisible character is here: {name}.", "Delete it and type the text again.", post
            )
        if not _PUBLISHED.isdisjoint(path) and (left := placeholder(value)) is not None:
            self.problem("SYN004", place, f"A placeholder is left: {left}.", "Write what it stands for.", post)
        if "hashtags" in path:
            for _, name in mass_mentions(value):
                self.problem("SYN011", place, f"This calls everybody at once: {name}.",
                             "Name the accounts that are meant.", post)
        if "link" in path:
            for _, host, read in resembling(value):
                self.problem("SYN012", place, f"The host name {host[:60]} looks like another: machines read {read}.",
                             f"Write the name that is meant, or {read} if it is this one.", post, Severity.warning)


def _by_day(figures: list[Figure] | None) -> tuple[Figure, ...] | None:
    return None if figures is None else tuple(sorted(figures, key=lambda one: one.date))


def _is_odd(text: str) -> bool:
    """Whether a value of the YAML in `text` may hold what nobody sees or what stands for a text, or be commented out.

    An escape can make any character, and needs a backslash; no character that nobody sees counts as printable.
    """
    return (any(sign in text for sign in _ODD_SIGNS) or not text.replace("\n", "").isprintable()
            or ("link:" in text and not text.isascii()))


def _text(file: SourceFile) -> str:
    """The text of a file as its lines and columns are counted, whatever its bytes are."""
    return (file.data or b"").decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value inside lists and keys, with its path."""
    if isinstance(value, dict | list):
        for step, inner in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(inner, (*path, step))
    else:
        yield path, value


def _without_notes(value: Any) -> Any:
    """`value` without the keys that begin with `x-`: authors' own notes. In `at:` they are channels."""
    if isinstance(value, dict):
        return {key: _without_notes(inner) if isinstance(inner, _NESTED) and key != "at" else inner
                for key, inner in value.items() if not key.startswith("x-")}
    return [_without_notes(inner) for inner in value] if isinstance(value, list) else value
