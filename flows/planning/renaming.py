"""Files that were renamed or moved: which id a post had before, and the line that keeps it.

What is published is known by its id. A post whose file gets another name without an `id:` is another post, and goes
out again.
"""
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import NamedTuple

from schemas.post import Post

ALIKE = 0.8
"""So much of two texts must be the same words in the same order for one to be the other under a new name."""


class Former(NamedTuple):
    """What is known of a post whose id is gone: Git's name for its file, and its text. None: not known."""

    blob: str | None = None
    text: str | None = None


def former(post: Post) -> Former:
    """What there is to know `post` again by."""
    return Former(post.blob or None, text_of_post(post))


def text_of_post(post: Post) -> str:
    """All that is written in the body, in order."""
    return "\n".join(part for section in post.sections for part in section.parts)


def renamed(gone: Mapping[str, Former], found: Iterable[Post]) -> dict[str, Post]:
    """Which of the posts `found` is which one that is `gone`, by its former id; each is one at most.

    The same file, else almost the same text, else, where no text is known, the same name in another folder.
    """
    left = {post.id: _Candidate(post, words := text_of_post(post).split(), _bag(words))
            for post in sorted(found, key=lambda post: post.id)}
    made: dict[str, Post] = {}
    for look in (_same_file, _same_text, _same_stem):
        for id in sorted(gone.keys() - made.keys()):
            match = look(id, gone[id], left.values())
            if match is not None:
                made[id] = left.pop(match.id).post
    return made


def id_line(old: str, post: Post) -> str:
    """The line of front matter with which `post` keeps its id `old`."""
    folder, _, stem = old.partition("/")
    return f"id: {stem if folder == post.id.split('/')[0] and 'id' not in post.places else old}"


def advice(old: str, post: Post) -> str:
    """What to do so that `post` stays `old`."""
    if "id" in post.places:
        place = post.place("id")
        return f"Write '{id_line(old, post)}' in line {place.line} of {post.file}."
    return f"Add the line '{id_line(old, post)}' to the front matter of {post.file}."


class _Candidate(NamedTuple):
    """A post with the words of its text, in order and as a bag."""

    post: Post
    words: list[str]
    bag: frozenset[tuple[str, int]]


def _bag(words: Iterable[str]) -> frozenset[tuple[str, int]]:
    """Each word as often as it stands there: the first time as (word, 1)."""
    seen: Counter[str] = Counter()
    return frozenset((word, seen[word]) for word in words if not seen.update((word,)))


def _same_file(_: str, known: Former, candidates: Iterable[_Candidate]) -> Post | None:
    return next((one.post for one in candidates if known.blob and one.post.blob == known.blob), None)


def _same_text(_: str, known: Former, candidates: Iterable[_Candidate]) -> Post | None:
    words = (known.text or "").split()
    if not words:
        return None
    bag, best, most = _bag(words), None, 0.0
    matcher: SequenceMatcher[str] = SequenceMatcher(None, autojunk=False)
    matcher.set_seq2(words)
    for one in candidates:                                        # the words they share bound how alike they can be
        if 2 * len(bag & one.bag) >= ALIKE * (len(bag) + len(one.bag)):
            matcher.set_seq1(one.words)
            if (likeness := matcher.ratio()) >= ALIKE and likeness > most:
                best, most = one.post, likeness
    return best


def _same_stem(id: str, known: Former, candidates: Iterable[_Candidate]) -> Post | None:
    if known.text:
        return None
    alike = [one.post for one in candidates if one.post.stem == id.rsplit("/", 1)[-1]]
    return alike[0] if len(alike) == 1 else None
