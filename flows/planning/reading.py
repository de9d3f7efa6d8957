"""The files of the content folder become entries and posts, with every problem of every file at once."""
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any, NamedTuple

from pydantic import ValidationError

from flows.planning.dividing import divide, hidden, placeholder
from flows.planning.explaining import explain
from flows.planning.masking import secrets
from flows.planning.parsing import Parsed, Unreadable, commented_out, parse_document, parse_yaml, text_of
from schemas.channel import ChannelsFile
from schemas.content import Entry, Known, SourceFile
from schemas.model import Authored
from schemas.place import Place, nearest
from schemas.post import Head, Post
from schemas.problem import Problem, Severity

TEXT_BYTES = 256_000
"""The largest text file that is read (threats: a post is a text for people)."""

# path pattern, kind of entry, its model, and the key that may hold its id
_ENTRIES = (
    ("strategy.yaml", "strategy", "strategy.Strategy", "strategy"),
    ("strategies/*.yaml", "strategy", "strategy.Strategy", "strategy"),
    ("discovery.yaml", "discovery", "strategy.Discovery", None),
    ("people/team.yaml", "team", "people.Team", None),
    ("audiences/*.yaml", "audience", "audience.Audience", "audience"),
    ("pillars.yaml", "pillars", "audience.PillarsFile", None),
    ("networks/channels.yaml", "channels", "channel.ChannelsFile", None),
    ("campaigns/*/campaign.yaml", "campaign", "campaign.Campaign", "campaign"),
    ("campaigns/*/reviews/*.md", "review", "campaign.Review", None),
    ("evergreen/*/series.yaml", "series", "campaign.Series", "series"),
    ("engagement/playbook.yaml", "playbook", "engagement.Playbook", None),
    ("calendar/blackouts.yaml", "blackouts", "engagement.BlackoutsFile", None),
    ("checkins/*.md", "check-in", "engagement.CheckIn", None),
    ("policies/*.md", "policy", "engagement.Policy", "policy"),
    ("crisis/plan.yaml", "crisis plan", "crisis.CrisisPlan", "plan"),
    ("crisis/holding/*.md", "statement", "crisis.Statement", "statement"),
    ("crisis/incidents/*.yaml", "incident", "crisis.Incident", "incident"),
    ("ideas/*.md", "idea", "idea.Idea", None),
    ("media/library.yaml", "media library", "rulebook.MediaLibrary", None),
    ("rules.yaml", "rules", "rulebook.Rulebook", None),
)
_POST = re.compile(r"(posts|evergreen)/(.+/)?[^/]+\.md|campaigns/[^/]+/posts/(.+/)?[^/]+\.md")
_READ_ELSEWHERE = ("engagement/replies/*.md", "measures/*.csv")
_TEXTS = (".md", ".markdown", ".yaml", ".yml")
_TIMES = ("at", "slot", "after", "every")
_PUBLISHED = frozenset({"alt", "link", "hashtags"})
"""Keys whose text readers see, wherever they stand."""


class Read(NamedTuple):
    """What the folder says, before anything is looked up. `ids` also knows posts whose file could not be read."""

    entries: tuple[Entry, ...]
    channels: ChannelsFile
    posts: tuple[Post, ...]
    ids: tuple[Known, ...]
    files: dict[str, SourceFile]
    unreadable: frozenset[str]           # paths of entries that could not be read: what they define is not known
    problems: tuple[Problem, ...]


def read(files: Iterable[SourceFile], root: str) -> Read:
    """Reads every file; never raises for content. `root` is the folder's name in messages."""
    reader = _Reader(root)
    by_path = {file.path: file for file in sorted(files)}
    twins: dict[str, str] = {}
    for path in by_path:
        if (other := twins.setdefault(path.casefold(), path)) != path:
            reader.problem("REF001", Place(f"{root}/{path}"), f"{path} and {other} differ only in capitals.",
                           "Rename one of them: some computers cannot tell them apart.")
    posts = []
    for path, file in by_path.items():
        if _POST.fullmatch(path) and not path.endswith("/series.yaml"):
            posts.append(file)
        else:
            reader.entry(file)
    channels = next((e.value for e in reader.entries if isinstance(e.value, ChannelsFile)), ChannelsFile())
    names = (
        None if "networks/channels.yaml" in reader.unreadable else tuple(channel.id for channel in channels.channels)
    )
    for file in posts:
        reader.post(file, names)
    return Read(tuple(reader.entries), channels, tuple(reader.posts), tuple(reader.ids), by_path,
                frozenset(reader.unreadable), tuple(reader.problems))


def canonical_id(path: str) -> tuple[str, str | None, str | None]:
    """The post id that a path gives, with its campaign and its series folder."""
    names = path.removesuffix(".md").split("/")
    if names[0] == "campaigns":
        return f"{names[1]}/{names[-1]}", names[1], None
    series = names[1] if names[0] == "evergreen" and len(names) > 2 else None
    return f"{names[0]}/{names[-1]}", None, series


class _Reader:
    def __init__(self, root: str) -> None:
        self.root = root
        self.entries: list[Entry] = []
        self.posts: list[Post] = []
        self.ids: list[Known] = []
        self.unreadable: set[str] = set()
        self.problems: list[Problem] = []

    def problem(self, code: str, place: Place, message: str, remedy: str, post: str | None = None,
                severity: Severity = Severity.error) -> None:
        self.problems.append(Problem(code, severity, place, message, remedy, post))

    def entry(self, file: SourceFile) -> None:
        known = next((e for e in _ENTRIES if _matches(file.path, e[0])), None)
        place = Place(f"{self.root}/{file.path}")
        self.look_for_secrets(file, place, None)
        if known is None:
            if file.kind != "file":
                self.is_text(file, place, None)
            elif file.path.lower().endswith(_TEXTS) and not any(_matches(file.path, p) for p in _READ_ELSEWHERE):
                self.problem(
                    "SYN010", place, "Nothing reads this file.", _where_it_belongs(file.path), None, Severity.warning
                )
            return
        if not self.is_text(file, place, None):
            self.unreadable.add(file.path)
            return
        _, kind, model, id_key = known
        try:
            if file.path.endswith(".md"):
                document = parse_document(file.data or b"", place.file)
                parsed, body = document.head, document.body
            else:
                parsed, body = parse_yaml(text_of(file.data or b"", place.file), place.file), ""
        except Unreadable as unreadable:
            self.problems.append(unreadable.problem)
            self.unreadable.add(file.path)
            return
        value = self.validate(_model(model), parsed, file, place, None)
        if value is None:
            self.unreadable.add(file.path)
        else:
            own = getattr(value, id_key, None) if id_key else None
            self.entries.append(Entry(kind, own or _default_id(file.path), place.file, value, parsed.places, body))

    def post(self, file: SourceFile, channels: tuple[str, ...] | None) -> None:
        place = Place(f"{self.root}/{file.path}")
        id, campaign, series = canonical_id(file.path)
        document = None
        if self.is_text(file, place, id):
            try:
                document = parse_document(file.data or b"", place.file)
            except Unreadable as unreadable:
                self.problems.append(unreadable.problem._replace(post=id))
        if document is None:
            self.ids.append(Known(id, place))
            self.look_for_secrets(file, place, id)
            return
        pinned = document.head.value.get("id") if isinstance(document.head.value, dict) else None
        if isinstance(pinned, str):
            id = pinned if "/" in pinned else f"{id.rsplit('/', 1)[0]}/{pinned}"
        self.ids.append(Known(id, nearest(document.head.places, ("id",), place.file)))
        self.look_for_secrets(file, place, id)
        head = self.validate(Head, document.head, file, place, id)
        divided = divide(document.body, place.file, document.first_line, id, channels)
        self.problems += divided.problems
        if not isinstance(head, Head):
            return
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
            self.problem("SYN001", place, f"cannot be read: it is a {file.kind}.", "Put the file itself here.", post)
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

    def look_for_secrets(self, file: SourceFile, place: Place, post: str | None) -> None:
        text = _text(file)
        found = [
            (Place(place.file, text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at)), shown)
            for at, shown in secrets(text)
        ]
        for spot, shown in [*((place, shown) for _, shown in secrets(file.path)), *found]:
            self.problem("SYN007", spot, f"This looks like a secret ({shown}).",
                         "Remove it and replace the credential: whoever can read the repository has it.", post)

    def validate(self, model: type[Authored], parsed: Parsed, file: SourceFile, place: Place, post: str | None) -> Any:
        value = _without_notes({} if parsed.value is None else parsed.value)
        if not isinstance(value, dict):
            self.problem("SYN002", parsed.places.get("", place), "This must be keys with values, like 'slot: next'.",
                         "Write lines like 'key: value', with a space after the colon.", post)
            return None
        for path, inner in _leaves(value):
            self.look_at(path, inner, parsed, file, post)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.problems += explain(error, model, parsed, place.file, post)
            return None

    def look_at(
        self, path: tuple[str | int, ...], value: Any, parsed: Parsed, file: SourceFile, post: str | None
    ) -> None:
        """What can be wrong with one value, whatever it means."""
        place = nearest(parsed.places, path, f"{self.root}/{file.path}")
        if value is None and commented_out(_text(file), place.line):
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
    """`value` without the keys that begin with `x-`: authors' own notes."""
    if isinstance(value, dict):
        return {key: _without_notes(inner) for key, inner in value.items() if not key.startswith("x-")}
    return [_without_notes(inner) for inner in value] if isinstance(value, list) else value


def _model(name: str) -> type[Authored]:
    module, _, cls = name.partition(".")
    model: type[Authored] = getattr(import_module(f"schemas.{module}"), cls)
    return model


def _matches(path: str, pattern: str) -> bool:
    return path.count("/") == pattern.count("/") and fnmatchcase(path, pattern)


def _default_id(path: str) -> str:
    names = path.split("/")
    return names[-2] if names[-1] in ("campaign.yaml", "series.yaml") else names[-1].rsplit(".", 1)[0]


def _where_it_belongs(path: str) -> str:
    stem, _, ending = path.rpartition(".")
    if ending not in ("md", "yaml"):
        return f"Rename it to {stem}.{'yaml' if ending.lower() in ('yml', 'yaml') else 'md'}."
    fixed = get_close_matches(path, [pattern for pattern, *_ in _ENTRIES if "*" not in pattern], 1, 0.8)
    if fixed:
        return f"Rename it to {fixed[0]}, if that is what it is."
    known = {pattern.split("/")[0] for pattern, *_ in _ENTRIES if "/" in pattern} | {"posts"}
    close = get_close_matches(path.split("/")[0], known, 1, 0.6) if "/" in path else []
    if close and close[0] != path.split("/")[0]:
        return f"Move it to {close[0]}/, if that is what it is."
    return "Posts live in posts/, campaigns/<id>/posts/ and evergreen/."
