"""REF: whatever names something else finds it, names are unique, nothing waits for itself."""
import re
from difflib import get_close_matches

from flows.planning.indexing import DEFINED_IN, STEM, Index, Reference, may_be_in, media_file, post_of, references
from flows.planning.reading import Read
from flows.planning.renaming import Former, advice, renamed
from schemas.content import Resolved
from schemas.notation import is_id
from schemas.place import Place
from schemas.post import Post
from schemas.problem import Problem, Severity
from schemas.rulebook import MediaLibrary

_AFTER = re.compile(r"(?P<post>[a-z0-9/-]+)\s*\+.*")
_MANY = 500
"""Above so many names, only those that begin alike are compared."""

LONGEST_ID = 80
"""A post id is one name in the archive, where names have at most 80 characters."""


def judge_references(
    read: Read, index: Index, posts: tuple[Resolved, ...], root: str, published: frozenset[str] | None
) -> list[Problem]:
    """What every rule of the family says. `published` is what the ledger knows; None: not looked at."""
    return [*resolve(read, index, root), *duplicates(index), *malformed(read), *cycles(read, index),
            *vanished(read, index, published, root), *unused(read, index, posts)]


def resolve(read: Read, index: Index, root: str) -> list[Problem]:
    """REF001: every reference finds what it names; every media file is there."""
    problems: list[Problem] = []
    media = sorted(_names(read))
    names = {
        *read.files,
        *(path.removeprefix("media/") for path in read.files),
        *(path.rsplit("/", 1)[-1] for path in read.files),
    }
    for entry in read.entries:
        named = (
            [Reference("media", name, (name,)) for name in entry.value.items]
            if isinstance(entry.value, MediaLibrary)
            else []
        )
        for reference in (*references(entry.value), *named):
            if reference.kind == "evidence":                      # an id of the same audience
                known = [item.id for item in getattr(entry.value, "evidence", ())]
                if reference.id not in known:
                    problems.append(_missing(reference, known, entry.place(*reference.path), None))
            elif reference.kind != "media":
                problems += _judge(reference, index, read, entry.place(*reference.path), None)
            elif reference.id not in names:
                problems.append(_missing(reference, media, entry.place(*reference.path), None))
    for post in read.posts:
        for reference in references(post.head):
            if reference.kind != "media":
                if reference.id not in index.get(reference.kind, {}):
                    problems += _judge(reference, index, read, post.place(*reference.path), post.id)
                continue
            sought = media_file(reference.id, post, read.files, root)
            if sought.file is not None:
                continue
            place = post.place(*reference.path)
            problems.append(
                Problem("REF001", Severity.error, place, f"media: {sought.why}.", sought.remedy, post.id)
                if sought.remedy else _missing(reference, media, place, post.id))
        if (target := _target(post)) is not None and post_of(index, target) is None:
            problems += _judge(Reference("post", target, ("after",)), index, read, post.place("after"), post.id)
    return problems


def _judge(reference: Reference, index: Index, read: Read, place: Place, post: str | None) -> list[Problem]:
    known = index.get(reference.kind, {})
    if may_be_in(reference.kind, read.unreadable):
        return []  # its file has a problem of its own; one message is enough
    if reference.id in known or (reference.kind == "post" and post_of(index, reference.id) is not None):
        return []
    if reference.kind == "policy" and "@" in reference.id:
        return _judge_version(reference, index, read, place)
    return [_missing(reference, list(known), place, post)]


def _judge_version(reference: Reference, index: Index, read: Read, place: Place) -> list[Problem]:
    """A version that was in force once stays a good name: what people acknowledged is a record."""
    name, _, version = reference.id.rpartition("@")
    newest = {e.id: getattr(e.value, "version", None) for e in read.entries if e.kind in ("policy", "crisis plan")}
    if name not in newest:
        return [_missing(reference, [f"{id}@{number or 1}" for id, number in newest.items()], place, None)]
    if len(version) < 10 and 1 <= int(version) <= (newest[name] or 0):
        return []
    file = index["policy"][name][0].place.file
    return [Problem("REF001", Severity.error, place, f"{name} has no version {version}.",
                    f"{file} says version: {newest[name] or 'nothing'}.")]


def _missing(reference: Reference, known: list[str], place: Place, post: str | None) -> Problem:
    field = next(
        (str(step) for step in reversed(reference.path) if isinstance(step, str) and step != "file"), reference.kind
    )
    kind = reference.kind.replace("_", " ")
    alike = known if len(known) <= _MANY else [id for id in known if id[:2] == reference.id[:2]]
    close = get_close_matches(reference.id, alike, 1, 0.5)
    remedy = (
        f"Closest: {close[0]}."
        if close
        else f"Add it to {DEFINED_IN.get(reference.kind, 'the folder')}, or remove it here."
    )
    kind = "media file" if kind == "media" else kind
    return Problem("REF001", Severity.error, place, f"{field}: no {kind} '{reference.id}'.", remedy, post)


def _names(read: Read) -> set[str]:
    return {path.removeprefix("media/") for path, file in read.files.items()
            if not path.endswith((".md", ".yaml", ".yml", ".csv", ".txt")) and file.kind == "file"}


def duplicates(index: Index) -> list[Problem]:
    """REF001: an id is defined once."""
    problems = []
    for kind, known in index.items():
        if kind == STEM:
            continue
        for id, places in known.items():
            spots = sorted({item.place for item in places})
            for spot in spots[1:]:
                remedy = (
                    "Rename one of the files, or give one an id: of its own."
                    if kind == "post"
                    else "Give one of them another id."
                )
                problems.append(
                    Problem(
                        "REF001",
                        Severity.error,
                        spot,
                        f"{kind.replace('_', ' ')} '{id}' stands twice: also in {spots[0]}.",
                        remedy,
                        post=id if kind == "post" else None,
                        channel=id if kind == "channel" else None,
                    )
                )
    return problems


def malformed(read: Read) -> list[Problem]:
    """REF001: the id that a file or folder name gives is an id."""
    problems = []
    for known in read.ids:
        if len(known.id) > LONGEST_ID:
            what = f"'{known.id}' has {len(known.id)} characters; {LONGEST_ID} fit."
            problems.append(Problem(
                "REF001", Severity.error, known.place, what,
                "Shorten the file's name, or give the post a shorter id:.", known.id))
        if known.id.count("/") != 1 or not all(is_id(name) for name in known.id.split("/")):
            what = "Name the file" if known.place.line == 1 else "Write the id"      # an id: stands below the first ---
            problems.append(Problem(
                "REF001", Severity.error, known.place, f"'{known.id}' cannot be a post id.",
                f"{what} with small letters, digits and single hyphens, for example my-first-post.", known.id))
    return problems


def _target(post: Post) -> str | None:
    match = _AFTER.fullmatch(post.head.after) if post.head.after else None
    return match["post"] if match else None


def cycles(read: Read, index: Index) -> list[Problem]:
    """REF002: no post waits for itself, no goal serves itself."""
    after = {}
    for post in read.posts:
        name = _target(post)
        if name is not None and (target := post_of(index, name)) is not None:
            after[post.id] = target.id
    problems = []
    looked_at: set[str] = set()
    by_id = {post.id: post for post in read.posts}
    for start in sorted(after):
        path: dict[str, int] = {}
        current: str | None = start
        while current is not None and current not in path and current not in looked_at:
            path[current] = len(path)
            current = after.get(current)
        looked_at |= set(path)
        if current not in path:
            continue
        ring = list(path)[path[current]:]
        first = ring.index(min(ring))
        ring = ring[first:] + ring[:first]
        problems.append(Problem("REF002", Severity.error, by_id[ring[0]].place("after"),
                                f"{ring[0]} waits for itself through {' → '.join([*ring[1:], ring[0]])}.",
                                "Give one of them a time of its own.", ring[0]))
    return problems


def vanished(read: Read, index: Index, published: frozenset[str] | None, root: str) -> list[Problem]:
    """REF003: a post that was published keeps its id. Not evaluated without the archive."""
    known = published or frozenset()
    gone = [id for id in sorted(known) if id not in index.get("post", {})]
    if not gone:
        return []
    found = renamed(dict.fromkeys(gone, Former()), [post for post in read.posts if post.id not in known])
    return [Problem("REF003", Severity.error, Place(found[id].file if id in found else root),
                    f"{id} was published; no file has this id now.",
                    advice(id, found[id]) if id in found else
                    f"Keep its id ('id: {id}') in the renamed file, or put the file back and set withdraw: true.")
            for id in gone]


def unused(read: Read, index: Index, posts: tuple[Resolved, ...]) -> list[Problem]:
    """REF004: what is defined is used by something. Not evaluated while a file that may use it cannot be read."""
    if read.unreadable or len(read.posts) < len(read.ids):
        return []
    used: dict[str, set[str]] = {}
    for entry in read.entries:
        for reference in references(entry.value):
            used.setdefault(reference.kind, set()).add(reference.id)
    for post in read.posts:
        for reference in references(post.head):
            used.setdefault(reference.kind, set()).add(reference.id)
    files = {media.file.path.removeprefix("media/") for post in posts for media in post.media}
    problems = []
    for kind in ("audience", "pillar", "tactic", "social_goal"):
        for id, places in index.get(kind, {}).items():
            if id not in used.get(kind, ()):
                problems.append(
                    Problem(
                        "REF004",
                        Severity.advice,
                        places[0].place,
                        f"{kind.replace('_', ' ')} {id} is unused.",
                        "Use it or remove it.",
                    )
                )
    for entry in read.entries:
        if isinstance(entry.value, MediaLibrary):
            for name in entry.value.items:
                if name not in files and name not in used.get("media", ()):
                    problems.append(
                        Problem(
                            "REF004",
                            Severity.advice,
                            entry.place(name),
                            f"media file {name} is unused.",
                            "Use it or remove it.",
                        )
                    )
    return problems
