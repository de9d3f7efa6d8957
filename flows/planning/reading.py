"""The files of the content folder become entries and posts, with every problem of every file at once."""
import re
from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase
from importlib import import_module
from typing import Any, NamedTuple

from pydantic import ValidationError

from flows.planning.dividing import divide
from flows.planning.parsing import Parsed, Unreadable, commented_out, parse_document, parse_yaml, text_of
from schemas.channel import ChannelsFile
from schemas.content import Entry, Known, SourceFile
from schemas.model import Authored
from schemas.notation import BAD_ID
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
_SECRET = re.compile(
    r"AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|xox[abprs]-[A-Za-z0-9-]{10,}|EAA[A-Za-z0-9]{40,}"
    r"|sk_live_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{35}|-----BEGIN [A-Z ]*PRIVATE KEY-----|glpat-[A-Za-z0-9_-]{20}"
    r"|(?i:password|secret|access_token|api_key)\s*[:=]\s*['\"]?[A-Za-z0-9+/_-]{16,}")
_TIMES = ("at", "slot", "after", "every")


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
    names = None if "networks/channels.yaml" in reader.unreadable else tuple(channel.id for channel in channels.channels)
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
        if known is None:
            if file.path.endswith((".md", ".yaml", ".yml")) and not any(_matches(file.path, p) for p in _READ_ELSEWHERE):
                self.problem("SYN010", place, "Nothing reads this file.", _where_it_belongs(file.path), severity=Severity.warning)
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
        self.look_for_secrets(file, place, None)
        value = self.validate(_model(model), parsed, file, place, None)
        if value is None:
            self.unreadable.add(file.path)
        else:
            own = getattr(value, id_key, None) if id_key else None
            self.entries.append(Entry(kind, own or _default_id(file.path), place.file, value, parsed.places, body))

    def post(self, file: SourceFile, channels: tuple[str, ...] | None) -> None:
        place = Place(f"{self.root}/{file.path}")
        id, campaign, series = canonical_id(file.path)
        if not self.is_text(file, place, id):
            self.ids.append(Known(id, place))
            return
        try:
            document = parse_document(file.data or b"", place.file)
        except Unreadable as unreadable:
            self.ids.append(Known(id, place))
            self.problems.append(unreadable.problem._replace(post=id))
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
            self.problem("SYN001", place, f"cannot be read: it holds {file.size:,} bytes; a text file may hold {TEXT_BYTES:,}.",
                         "Keep the text, and move everything else out of the file.", post)
        else:
            return True
        return False

    def look_for_secrets(self, file: SourceFile, place: Place, post: str | None) -> None:
        text = (file.data or b"").decode("utf-8", "replace")
        for match in _SECRET.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            column = match.start() - text.rfind("\n", 0, match.start())
            self.problem("SYN007", Place(place.file, line, column), f"This looks like a secret ({match[0][:4]}…).",
                         "Remove it and replace the credential: whoever can read the repository has it.", post)

    def validate(self, model: type[Authored], parsed: Parsed, file: SourceFile, place: Place, post: str | None) -> Any:
        value = _without_notes({} if parsed.value is None else parsed.value)
        if not isinstance(value, dict):
            self.problem("SYN002", place, "This must be keys with values, like 'slot: next'.", "Write 'key: value' lines.", post)
            return None
        if None in value.values():
            text = (file.data or b"").decode("utf-8-sig", "replace").replace("\r\n", "\n")
            for key in (key for key, inner in value.items() if inner is None):
                spot = nearest(parsed.places, (key,), place.file)
                if commented_out(text, spot.line):
                    self.problem("SYN005", spot, f"{key} is empty: everything after # is a comment.",
                                 "Write hashtags without #, or put the text in quotes.", post, Severity.warning)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            self.problems += _explain(error, model, parsed.places, place.file, post)
            return None


def _explain(error: ValidationError, model: type[Authored], places: dict[str, Place], file: str, post: str | None) -> list[Problem]:
    problems: dict[tuple[Place, str], Problem] = {}
    for fault in error.errors(include_url=False, include_context=True):
        loc = tuple(fault["loc"])
        while len(loc) > 1 and ".".join(map(str, loc)) not in places and fault["type"] != "missing":
            loc = loc[:-1]                                        # a union names its branches; the author wrote none of them
        key, written = str(loc[-1]) if loc else "this", fault.get("input")
        place, code = nearest(places, loc, file), "SYN002"
        match fault["type"]:
            case "extra_forbidden":
                known = _fields(model, loc[:-1])
                close = get_close_matches(key, known, 1, 0.6)
                message = f"{key} is not known here."
                remedy = f"Did you mean {close[0]}?" if close else f"Remove it, or begin it with x- to keep a note. Known: {', '.join(known)}."
            case "missing":
                message, remedy = f"{key} is missing.", f"Add '{key}: …' here."
            case "literal_error" | "enum":
                expected = fault.get("ctx", {}).get("expected", "").replace("'", "").replace(" or ", ", ")
                close = get_close_matches(str(written), expected.split(", "), 1, 0.6)
                message = f"{key}: '{written}' is not known here."
                remedy = (f"Did you mean {close[0]}? " if close else "") + f"Use one of: {expected}."
            case "string_type":
                message, remedy = f"{key}: {_shown(written)} is not text.", f"Put it in quotes: {key}: \"{written}\"."
            case "bool_type":
                message, remedy = f"{key}: {_shown(written)} is neither true nor false.", "Write true or false."
            case "tuple_type" | "list_type":
                message, remedy = f"{key} must be a list.", f"Write {key}: [{written}]." if isinstance(written, str) else f"Write {key}: [a, b]."
            case "value_error":
                message = f"{key}: {_shown(written)} cannot be used: {fault['msg'].removeprefix('Value error, ')}."
                remedy = "Write it that way."
                code = "REF001" if BAD_ID in fault["msg"] else code
            case "date_from_datetime_parsing" | "date_parsing" | "date_type" | "date_from_datetime_inexact":
                message, remedy = f"{key}: {_shown(written)} is not a date.", "Write it as YYYY-MM-DD."
            case _:
                message, remedy = f"{key}: {_shown(written)}: {fault['msg']}.", "Write what the message asks for."
        kept = (place, key if fault["type"] == "missing" else "")
        problems.setdefault(kept, Problem(code, Severity.error, place, message, remedy, post))
    return list(problems.values())


def _fields(model: type[Any], loc: tuple[Any, ...]) -> list[str]:
    """The keys that may stand at `loc` inside `model`, as authors write them."""
    from typing import get_args

    current: Any = model
    for step in loc:
        if isinstance(step, int):
            continue
        field = next((f for n, f in current.model_fields.items() if (f.alias or n) == step), None)
        nested, queue = None, [field.annotation] if field else []
        while queue and nested is None:
            inner = queue.pop()
            nested = inner if isinstance(inner, type) and issubclass(inner, Authored) else None
            queue += get_args(inner)
        if nested is None:
            return []
        current = nested
    return [f.alias or name for name, f in current.model_fields.items()]


def _without_notes(value: Any) -> Any:
    """`value` without the keys that begin with `x-`: authors' own notes."""
    if isinstance(value, dict):
        return {key: _without_notes(inner) for key, inner in value.items() if not key.startswith("x-")}
    return [_without_notes(inner) for inner in value] if isinstance(value, list) else value


def _shown(value: object) -> str:
    text = str(value)
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"


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
    if path.endswith(".yml"):
        return f"Rename it to {path[:-4]}.yaml."
    known = {pattern.split("/")[0] for pattern, *_ in _ENTRIES} | {"posts", "evergreen"}
    close = get_close_matches(path.split("/")[0], known, 1, 0.6)
    return f"Move it to {close[0]}/, if that is what it is." if close else "Posts live in posts/, campaigns/<id>/posts/ and evergreen/."
