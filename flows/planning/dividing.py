"""The body of a post becomes sections: default text, variants, alternatives, first comments, thread parts."""
import re
from difflib import get_close_matches
from typing import NamedTuple

from schemas.place import Place
from schemas.post import Section
from schemas.problem import Problem, Severity

_COMMENT = re.compile(r"<!--.*?(-->|\Z)", re.DOTALL)
_HTML = re.compile(r"</?[A-Za-z][A-Za-z0-9-]*(\s[^<>\n]*)?/?>")
_HEADING = re.compile(r"#{1,6}[ \t]+(?P<words>.*?)[ \t]*")
_ON = re.compile(r"on[ \t]+(?P<names>[a-z0-9-]+([ \t]*,[ \t]*[a-z0-9-]+)*)")
_FIRST_COMMENT = re.compile(r"first comment([ \t]+on[ \t]+(?P<names>[a-z0-9-]+([ \t]*,[ \t]*[a-z0-9-]+)*))?")
_SPLIT = re.compile(r"[ \t]*\*[ \t]?\*[ \t]?\*[ \t]*")
_PLACEHOLDER = re.compile(r"\bTODO\b|\{\{[^}\n]*\}\}|\[name\]|\bXX\b")
# Characters that readers and reviewers do not see, or that turn text around (Unicode TR 36, TR 39): bidi controls,
# zero-width space, word joiner, byte order mark, deprecated and lone tag characters, C0 controls.
_HIDDEN = re.compile("[\u202a-\u202e\u2066-\u2069\u200b\u2060\ufeff\x00-\x08\x0b-\x1f\x7f]"
                     "|(?<![\U0001f3f4\U000e0020-\U000e007f])[\U000e0001-\U000e007f]")


class Divided(NamedTuple):
    """What a body holds, and what is wrong with it."""

    sections: tuple[Section, ...]
    problems: tuple[Problem, ...]


def divide(body: str, file: str, first_line: int, post: str, channels: tuple[str, ...] | None) -> Divided:
    """The sections of `body`, notes and HTML comments left out. `channels` are the names a heading may mean; None: not known."""
    return _Divider(file, first_line, post, channels).divide(body)


class _Divider:
    def __init__(self, file: str, first_line: int, post: str, channels: tuple[str, ...] | None) -> None:
        self.file, self.first_line, self.post, self.channels = file, first_line, post, channels
        self.problems: list[Problem] = []
        self.sections: list[Section] = []

    def divide(self, body: str) -> Divided:
        body = _COMMENT.sub(lambda match: "\n" * match[0].count("\n"), body)
        kind: str | None = "text"
        named: tuple[str, ...] = ()
        start, lines = 0, body.split("\n")
        for number, line in enumerate([*lines, None]):
            heading = None if line is None else _HEADING.fullmatch(line)
            if line is not None and heading is None:
                continue
            if kind is not None:
                self.section(kind, named, lines[start:number], start)
            if heading is not None:
                kind, named = self.heading(heading, number)
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
        self.unknown(words, number, match.start("words"))
        return None, ()

    def unknown(self, words: str, number: int, column: int) -> None:
        known = [*(f"on {name}" for name in self.channels or ()), "or", "first comment", "notes"]
        closest = (get_close_matches(words.lower(), known, 1, 0.5) or known)[0]
        self.problem("SYN006", number, column, f"No section '{words}'.", f"Use '## {closest}'.")

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
        parts: list[tuple[int, list[str]]] = [(start, [])]
        for number, line in enumerate(lines, start):
            if _SPLIT.fullmatch(line):
                parts.append((number + 1, []))
            else:
                parts[-1][1].append(line)
                self.judge(line, number)
        texts, places = [], []
        for number, part in parts:
            blank = next((i for i, line in enumerate(part) if line.strip()), None)
            if blank is None:
                if len(parts) > 1:
                    self.problem("SYN004", number, 0, "Nothing to publish in this part of the thread.",
                                 "Write its text, or remove a line ***.")
                continue
            texts.append("\n".join(part).strip("\n").rstrip())
            places.append(self.place(number + blank, 0))
        if texts or kind != "text" or named:
            if not texts:
                self.problem("SYN004", max(start - 1, 0), 0, "Nothing to publish under this heading.",
                             "Write its text, or remove the heading.")
                return
            self.sections.append(Section(kind=kind, channels=named, parts=tuple(texts), places=tuple(places)))

    def judge(self, line: str, number: int) -> None:
        for match in _PLACEHOLDER.finditer(line):
            self.problem("SYN004", number, match.start(), f"A placeholder is left: {match[0]}.", "Write what it stands for.")
        for match in _HTML.finditer(line):
            self.problem("SYN008", number, match.start(), f"HTML is not published: {match[0][:40]}.",
                         "Write it as Markdown, or remove it.")
        for match in _HIDDEN.finditer(line):
            self.problem("SYN009", number, match.start(), f"An invisible character is here: U+{ord(match[0]):04X}.",
                         "Delete it and type the text again.")

    def place(self, number: int, column: int) -> Place:
        return Place(self.file, number + self.first_line, column + 1)

    def problem(self, code: str, number: int, column: int, message: str, remedy: str) -> None:
        self.problems.append(Problem(code, Severity.error, self.place(number, column), message, remedy, self.post))
