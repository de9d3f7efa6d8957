"""The body of a post becomes sections: default text, variants, alternatives, first comments, thread parts."""
import re
from bisect import bisect_right
from collections.abc import Iterator
from difflib import get_close_matches
from typing import NamedTuple

from schemas.place import Place
from schemas.post import Section
from schemas.problem import Problem, Severity

_COMMENT = re.compile(r"<!--.*?(?P<end>-->|\Z)", re.DOTALL)
_IMAGE = re.compile(r"!\[[^\]\n]*\]\([^)\n]*\)")
_HTML = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*((?=\s)([^<>\n]|\n(?![ \t]*\n))*)?/?>")
_HEADING = re.compile(r" {0,3}(#{1,6}[ \t]+|##+)(?P<words>.*?)[ \t]*")
_ON = re.compile(r"on[ \t]+(?P<names>[a-z0-9-]+([ \t]*,[ \t]*[a-z0-9-]+)*)")
_FIRST_COMMENT = re.compile(r"first comment([ \t]+on[ \t]+(?P<names>[a-z0-9-]+([ \t]*,[ \t]*[a-z0-9-]+)*))?")
_SPLIT = re.compile(r"[ \t]*\*[ \t]?\*[ \t]?\*[ \t]*")
_PLACEHOLDER = re.compile(r"\bTODO\b|\{\{[^{}\n]*\}\}|\[name\](?!\()|\bXX\b")
# Characters that readers and reviewers do not see, or that turn text around (Unicode TR 36, TR 39): bidi controls,
# zero-width space, word joiner, byte order mark, line separators, controls, and tag characters outside the flags
# that Unicode makes of them (UTS 51, annex C: England, Scotland, Wales and other regions).
_HIDDEN = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f|(?P<hidden>"
                     "[\u202a-\u202e\u2066-\u2069\u200b\u2028\u2029\u2060\ufeff\x00-\x08\x0b-\x1f\x7f-\x9f\U000e0000-\U000e007f]+)")


def hidden(text: str) -> Iterator[tuple[int, str]]:
    """Where `text` holds characters that nobody sees, and the name of the first of each run: `(3, "U+202E")`."""
    for match in _HIDDEN.finditer(text):
        if match["hidden"]:
            yield match.start(), f"U+{ord(match[0][0]):04X}"


def placeholder(text: str) -> str | None:
    """The first thing in `text` that stands for what was still to be written, or None."""
    match = _PLACEHOLDER.search(text)
    return match[0] if match else None


class Divided(NamedTuple):
    """What a body holds, and what is wrong with it."""

    sections: tuple[Section, ...]
    problems: tuple[Problem, ...]


def divide(body: str, file: str, first_line: int, post: str, channels: tuple[str, ...] | None) -> Divided:
    """The sections of `body`, notes and HTML comments left out.

    `channels` are the names a heading may mean; None: not known.
    """
    return _Divider(file, first_line, post, channels).divide(body)


class _Divider:
    def __init__(self, file: str, first_line: int, post: str, channels: tuple[str, ...] | None) -> None:
        self.file, self.first_line, self.post, self.channels = file, first_line, post, channels
        self.problems: list[Problem] = []
        self.sections: list[Section] = []
        self.headed: set[tuple[str | None, str]] = set()
        self.shown: list[str] = []
        self.begins: list[int] = [0]  # the character of the body with which each line begins

    def divide(self, body: str) -> Divided:
        self.begins = [0, *(match.end() for match in re.finditer("\n", body))]
        for match in _COMMENT.finditer(body):
            if not match["end"]:
                self.found("SYN008", 0, match.start(), "This comment is not closed: the text after it would be lost.",
                           "Write --> at its end.")
        self.shown = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), body).split(
            "\n"
        )  # every column as it was
        body = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), body)
        kind: str | None = "text"
        named: tuple[str, ...] = ()
        start, lines = 0, body.split("\n")
        for number, line in enumerate([*lines, None]):
            heading = None if line is None else _HEADING.fullmatch(line)
            if line is not None and heading is None:
                continue
            if kind is not None:
                self.judge(start, number)
            if kind is not None and kind != "unknown":
                self.section(kind, named, lines[start:number], start)
            if heading is not None:
                kind, named = self.heading(heading, number)
                self.once(kind, named, number)
                start = number + 1
        return Divided(tuple(self.sections), tuple(self.problems))

    def heading(self, match: re.Match[str], number: int) -> tuple[str | None, tuple[str, ...]]:
        words = match["words"]
        if words == "notes":
            return None, ()
        if words == "or":
            return "or", ()
        if (comment := _FIRST_COMMENT.fullmatch(words)) is not None:
            return "comment", self.named(comment, match, number)
        if (on := _ON.fullmatch(words)) is not None:
            return "text", self.named(on, match, number)
        self.unknown(words, number, match.start("words"), match[0])
        return "unknown", ()

    def once(self, kind: str | None, named: tuple[str, ...], number: int) -> None:
        """A second text for the same channel would silently replace the first."""
        for name in named or ("",):
            if kind in ("text", "comment") and (kind, name) in self.headed:
                words = ("first comment" if kind == "comment" else "") + (f" on {name}" if name else "")
                self.problem(
                    "SYN006", number, 0, f"The section '{words.strip()}' stands twice.", "Keep one, or join them."
                )
            self.headed.add((kind, name))

    def unknown(self, words: str, number: int, column: int, heading: str = "##") -> None:
        known = [*(f"on {name}" for name in self.channels or ()), "or", "first comment", "notes"]
        closest = (get_close_matches(words.lower(), known, 1, 0.5) or known)[0]
        if not heading.startswith("##"):
            self.problem("SYN006", number, 0, f"A heading is not published: '{words[:60]}'.",
                         f"Take the # away; a text for one network begins with '## {known[0]}'.")
            return
        self.problem("SYN006", number, column, f"No section '{words[:60]}'.", f"Use '## {closest}'.")

    def named(self, match: re.Match[str], heading: re.Match[str], number: int) -> tuple[str, ...]:
        if match["names"] is None:
            return ()
        offset = heading.start("words") + match.start("names")
        names = tuple(re.finditer(r"[a-z0-9-]+", match["names"]))
        for name in names:
            if self.channels is not None and name[0] not in self.channels:
                self.unknown(f"on {name[0]}", number, offset + name.start())
        return tuple(name[0] for name in names)

    def section(self, kind: str, named: tuple[str, ...], lines: list[str], start: int) -> None:
        splits = [number for number, line in enumerate(lines) if _SPLIT.fullmatch(line)]
        texts, places = [], []
        for begin, end in zip([0, *(split + 1 for split in splits)], [*splits, len(lines)], strict=True):
            part = lines[begin:end]
            blank = next((i for i, line in enumerate(part) if line.strip()), None)
            if blank is None:
                if splits:
                    self.problem(
                        "SYN004",
                        start + (begin - 1 if begin else end),
                        0,
                        "Nothing to publish in this part of the thread.",
                        "Write its text, or remove a line ***.",
                    )
                continue
            texts.append("\n".join(part).strip("\n").rstrip())
            places.append(self.place(start + begin + blank, 0))
        if texts:
            self.sections.append(Section(kind=kind, channels=named, parts=tuple(texts), places=tuple(places)))
        elif kind != "text" or named:
            self.problem("SYN004", max(start - 1, 0), 0, "Nothing to publish under this heading.",
                         "Write its text, or remove the heading.")

    def judge(self, start: int, end: int) -> None:
        text = "\n".join(self.shown[start:end])
        for match in _PLACEHOLDER.finditer(text):
            self.found(
                "SYN004", start, match.start(), f"A placeholder is left: {match[0]}.", "Write what it stands for."
            )
        for match in _IMAGE.finditer(text):
            self.found("SYN008", start, match.start(), "An image in the text is not published.",
                       "Name the file in the front matter: media: [file.jpg].")
        for match in _HTML.finditer(text):
            self.found("SYN008", start, match.start(), f"HTML is not published: {match[0][:40]}.",
                       "Write it as Markdown, or remove it.")
        for at, name in hidden(text):
            self.found(
                "SYN009", start, at, f"An invisible character is here: {name}.", "Delete it and type the text again."
            )

    def found(self, code: str, start: int, at: int, message: str, remedy: str) -> None:
        """A problem `at` characters after the beginning of line `start` (from 0)."""
        at += self.begins[start]
        number = bisect_right(self.begins, at) - 1
        self.problem(code, number, at - self.begins[number], message, remedy)

    def place(self, number: int, column: int) -> Place:
        return Place(self.file, number + self.first_line, column + 1)

    def problem(self, code: str, number: int, column: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(code, Severity.error, self.place(number, column), message, remedy, self.post))
