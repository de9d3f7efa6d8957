"""Every id of the content folder, by kind, and every reference to one."""
from collections.abc import Iterable
from functools import cache
from types import UnionType
from typing import Annotated, Any, NamedTuple, Union, cast, get_args, get_origin

from schemas.content import Entry, Known, SourceFile
from schemas.model import Authored
from schemas.notation import Ref
from schemas.place import Place
from schemas.post import Post

Index = dict[str, dict[str, list[Known]]]
"""kind → id → where it is defined; more than one place is a duplicate."""

# What an entry's lists define: (kind of entry, key of the list, kind of what it defines).
_LISTS = (
    ("strategy", "business_goals", "business_goal"), ("strategy", "department_goals", "department_goal"),
    ("strategy", "social_goals", "social_goal"), ("strategy", "tactics", "tactic"),
    ("discovery", "findings", "finding"), ("team", "departments", "department"), ("team", "people", "person"),
    ("team", "sessions", "session"), ("pillars", "pillars", "pillar"), ("channels", "channels", "channel"),
)
_ENTRY_KINDS = ("strategy", "audience", "campaign", "idea", "statement", "series", "incident")

STEM = "post stem"
"""A kind of its own: the bare names of posts, which several may share."""
DEFINED_IN = {
    "person": "people/team.yaml", "department": "people/team.yaml", "session": "people/team.yaml",
    "business_goal": "strategy.yaml", "department_goal": "strategy.yaml", "social_goal": "strategy.yaml",
    "tactic": "strategy.yaml", "strategy": "strategy.yaml", "finding": "discovery.yaml", "pillar": "pillars.yaml",
    "audience": "audiences/", "insight": "audiences/", "evidence": "audiences/", "channel": "networks/channels.yaml",
    "campaign": "campaigns/", "post": "posts/", "idea": "ideas/", "statement": "crisis/holding/",
    "policy": "policies/", "media": "media/",
}
"""Where an author adds an entry of each kind."""
ALSO_DEFINED_IN = {"policy": ("crisis/plan.yaml",)} | dict.fromkeys(
    ("business_goal", "department_goal", "social_goal", "tactic", "strategy"), ("strategies/",))
"""Where else entries of a kind may stand."""


class Reference(NamedTuple):
    """A field that names something else."""

    kind: str
    id: str
    path: tuple[str | int, ...]


def index(entries: tuple[Entry, ...], posts: tuple[Known, ...]) -> Index:
    """All ids. Posts are known by canonical id and by bare stem."""
    found: Index = {}

    def add(kind: str, id: str, place: Place) -> None:
        found.setdefault(kind, {}).setdefault(id, []).append(Known(id, place))

    for entry in entries:
        if entry.kind in _ENTRY_KINDS:
            add(entry.kind, entry.id, entry.place(entry.kind))
        for kind, key, defines in _LISTS:
            if entry.kind == kind:
                for number, item in enumerate(getattr(entry.value, key) or ()):
                    add(defines, item.id, entry.place(key, number, "id"))
        if entry.kind == "audience":
            for key, defines in (("insights", "insight"), ("evidence", "evidence")):
                for number, item in enumerate(getattr(entry.value, key) or ()):
                    add(defines, f"{entry.id}/{item.id}", entry.place(key, number, "id"))
        if entry.kind in ("policy", "crisis plan"):
            add("policy", entry.id, entry.place("policy" if entry.kind == "policy" else "plan"))
    for known in posts:
        add("post", known.id, known.place)
        found.setdefault(STEM, {}).setdefault(known.id.rsplit("/", 1)[-1], []).append(known)
    return found


def post_of(index: Index, name: str) -> Known | None:
    """The post that `name` means: its canonical id, or a bare stem that only one post has."""
    posts = index.get("post", {})
    if name in posts:
        return posts[name][0]
    same = index.get(STEM, {}).get(name, [])
    return same[0] if len({known.id for known in same}) == 1 else None


def may_be_in(kind: str, paths: Iterable[str]) -> bool:
    """Whether a file among `paths` is one that defines entries of `kind`."""
    homes = (DEFINED_IN.get(kind, "?"), *ALSO_DEFINED_IN.get(kind, ()))
    return any(path.startswith(homes) for path in paths)


class _Shape(NamedTuple):
    """What stands where a value may refer to something: `kind` of what a text names, and the shapes inside."""

    kind: str | None = None
    items: "_Shape | None" = None
    keys: "_Shape | None" = None
    values: "_Shape | None" = None


def references(value: Authored) -> list[Reference]:
    """Every reference inside `value`, in the order of its fields."""
    found: list[Reference] = []
    _of_model(value, (), found)
    return found


def _of_model(value: Authored, path: tuple[str | int, ...], found: list[Reference]) -> None:
    held = vars(value)
    for name, alias, shape in _fields(type(value)):
        inner = held[name]
        if inner is not None and inner != ():
            _of(inner, shape, (*path, alias), found)


def _of(value: Any, shape: _Shape | None, path: tuple[str | int, ...], found: list[Reference]) -> None:
    if isinstance(value, str):
        if shape is not None and shape.kind is not None:
            found.append(Reference(shape.kind, value, path))
    elif isinstance(value, Authored):
        _of_model(value, path, found)
    elif isinstance(value, tuple | list):
        for number, item in enumerate(value):
            _of(item, shape.items if shape else None, (*path, number), found)
    elif isinstance(value, dict):
        for name, content in value.items():
            _of(name, shape.keys if shape else None, (*path, name), found)
            _of(content, shape.values if shape else None, (*path, name), found)


@cache
def _fields(model: type[Authored]) -> tuple[tuple[str, str, _Shape], ...]:
    """The fields of `model` in which a reference can stand: name, name in the file, shape."""
    made = []
    for name, field in model.model_fields.items():
        ref = next((mark for mark in field.metadata if isinstance(mark, Ref)), None)
        if ref is not None or _can_refer(cast(Any, field.annotation)):
            made.append((name, field.alias or name, _shape(field.annotation, ref)))
    return tuple(made)


def _shape(annotation: Any, ref: Ref | None = None) -> _Shape:
    """How values of `annotation` refer to something; a model inside is looked at when there is one."""
    ref = ref or _ref_of(annotation)
    items = _inside(annotation, (tuple, list))
    keyed = _inside(annotation, (dict,))
    return _Shape(ref.kind if ref else None, _shape(items[0]) if items else None,
                  *((_shape(keyed[0]), _shape(keyed[1])) if keyed else ()))


@cache
def _can_refer(annotation: Any) -> bool:
    if get_origin(annotation) is Annotated and any(isinstance(m, Ref) for m in annotation.__metadata__):
        return True
    if isinstance(annotation, type) and issubclass(annotation, Authored):
        return True
    return any(_can_refer(inner) for inner in get_args(annotation) if not isinstance(inner, Ref))


def _ref_of(annotation: Any) -> Ref | None:
    if get_origin(annotation) is Annotated:
        return next((m for m in annotation.__metadata__ if isinstance(m, Ref)), None)
    if get_origin(annotation) in (Union, UnionType):
        return next((found for inner in get_args(annotation) if (found := _ref_of(inner))), None)
    return None


def _inside(annotation: Any, origins: tuple[type, ...]) -> tuple[Any, ...]:
    if get_origin(annotation) in origins:
        return tuple(inner for inner in get_args(annotation) if inner is not ...)
    for inner in get_args(annotation):
        if found := _inside(inner, origins):
            return found
    return ()


class Sought(NamedTuple):
    """What a look for a media file found: the file, or why not."""

    file: SourceFile | None
    why: str = ""
    remedy: str = ""


def media_file(name: str, post: Post, files: dict[str, SourceFile], root: str) -> Sought:
    """The file a post means by `name`: beside the post, in its campaign, in `media/`, or from the folder's top."""
    if name.startswith("/") or "\\" in name or "\0" in name or ".." in name.split("/"):
        return Sought(
            None, f"'{name}' leads out of the content folder", "Put the file into media/ and name it from there."
        )
    beside = post.file.removeprefix(f"{root}/").rsplit("/", 1)[0]
    places = [f"{beside}/{name}"]
    if post.campaign:
        places += [f"campaigns/{post.campaign}/{name}", f"campaigns/{post.campaign}/media/{name}"]
    places += [f"media/{name}", name]
    found = next((files[place] for place in places if place in files), None)
    if found is None:
        return Sought(None, f"no media file '{name}'", "")
    if found.kind != "file":
        return Sought(None, f"'{found.path}' is a {found.kind}", "Put the file itself there.")
    if found.data is not None and found.data.startswith(b"version https://git-lfs"):
        return Sought(
            None, f"'{found.path}' is a Git LFS pointer, not the file", "Commit the file itself, without LFS."
        )
    if found.size == 0:
        return Sought(None, f"'{found.path}' is empty", "Save the file again.")
    return Sought(found)
