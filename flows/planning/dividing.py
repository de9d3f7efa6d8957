"""The body of a post becomes sections: default text, variants, alternatives, first comments, thread parts."""
import re
from bisect import bisect_right
from collections import Counter
from difflib import get_close_matches
from typing import NamedTuple

from flows.planning.spotting import hidden, placeholder, spotted
from schemas.place import Place
from schemas.post import Section
from schemas.problem import Problem, Severity

MOST = 100
"""So many errors of a post are told at once, and so many warnings; whoever mends them is told of the rest."""

# `<!-->` and `<!--->` are whole comments (CommonMark 0.31, section 6.6, read 2026-11-22).
_COMMENT = re.compile(r"<!--(?:-?>|.*?(?P<end>-->|\Z))", re.DOTALL)
_HEADING = re.compile(r" {0,3}(#{1,6}[ \t]+|##+)(?P<words>.*)")
_ON = re.compile(r"on[ \t]+(?P<names>[a-z0-9-]+([ \t]*,[ \t]*[a-z0-9-]+)*)")
_FIRST_COMMENT = re.compile(r"first comment([ \t]+on[ \t]+(?P<names>[a-z0-9-]+([ \t]*,[ \t]*[a-z0-9-]+)*))?")
_SPLIT = re.compile(r"[ \t]*\*[ \t]?\*[ \t]?\*[ \t]*")

__all__ = ["Divided", "divide", "hidden", "placeholder"]


class Divided(NamedTuple):
    """What a body holds, and what is wrong with it."""

    sections: tuple[Section, ...]
    problems: tuple[Problem, ...]


def divide(body: str, file: str, first_line: int, post: str, channels: tuple[str, ...] | None) -> Divided:
    """The sections of `body`, notes and HTML comments left out.

    `channels` are the names a heading may mean; None: not known. What is left out is told as advice, what only looks
    wrong as a warning, everything else as an error.
    """
    return _Divider(file, first_line, post, channels).divide(body)


class _Divider:
    def __init__(self, file: str, first_line: int, post: str, channels: tuple[str, ...] | None) -> None:
        self.file, self.first_line, self.post, self.channels = file, first_line, post, channels
        self.problems: list[Problem] = []
        self.sections: list[Section] = []
        self.headed: set[tuple[str | None, str]] = set()
        self.told: Counter[Severity] = Counter()
        self.begins: list[int] = [0]                    # the character of the body with which each line begins
        self.lines: list[str] = []                      # the body's, without comments
        self.starts: list[int] = [0]                    # the character of the joined lines with which each begins
        self.cut_at: list[int] = []                     # from these characters of the joined lines on...
        self.cut: list[int] = []                        # ...so many more of the body went before
        self.comments: list[int] = []                   # where comments begin in the body
        self.judged: list[range] = []                   # the lines that are published, if nothing is wrong with them

    def divide(self, body: str) -> Divided:
        self.begins = _line_starts(body)
        text = self.without_comments(body) if "<!--" in body else body
        self.lines, self.starts = text.split("\n"), self.begins if text is body else _line_starts(text)
        kind: str | None = "text"
        named: tuple[str, ...] = ()
        start = 0
        for number, line in enumerate([*self.lines, None]):
            heading = None if line is None or "#" not in line else _HEADING.fullmatch(line)
            if line is not None and heading is None:
                continue
            if kind is not None:
                self.judge(start, number)
            if kind is not None and kind != "unknown":
                self.section(kind, named, self.lines[start:number], start)
            if heading is not None:
                kind, named = self.heading(heading, number)
                self.once(kind, named, number)
                start = number + 1
        shown = {line for lines in self.judged for line in lines} if self.comments and self.sections else ()
        for at in self.comments:
            if bisect_right(self.begins, at) - 1 in shown:
                self.found("SYN008", at, "This comment is left out of what is published.",
                           "Nothing to do; notes may also stand under '## notes'.", Severity.advice)
        return Divided(tuple(self.sections), tuple(self.problems))

    def without_comments(self, body: str) -> str:
        """`body` as it is published: comments are gone, as if nobody had typed them; only their line ends stay."""
        kept: list[str] = []
        at = length = 0
        for match in _COMMENT.finditer(body):
            if match["end"] == "":
                self.found("SYN008", match.start(), "This comment is not closed: the text after it would be lost.",
                           "Write --> at its end.")
            else:
                self.comments.append(match.start())
            ends = "\n" * match[0].count("\n")
            kept += [body[at:match.start()], ends]
            length += match.start() - at + len(ends)
            at = match.end()
            self.cut_at.append(length)
            self.cut.append(at - length)
        return "".join([*kept, body[at:]])

    def heading(self, match: re.Match[str], number: int) -> tuple[str | None, tuple[str, ...]]:
        words = match["words"].rstrip(" \t")
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
        if self.told[Severity.error] >= MOST:
            return                                      # to look for the closest name costs time
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
        splits = [number for number, line in enumerate(lines) if "*" in line and _SPLIT.fullmatch(line)]
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
        """Everything that is wrong with the lines from `start` to before `end`."""
        self.judged.append(range(start, end))
        for spot in spotted("\n".join(self.lines[start:end])):
            at = self.starts[start] + spot.at
            cut = bisect_right(self.cut_at, at)
            self.found(spot.code, at + (self.cut[cut - 1] if cut else 0), spot.message, spot.remedy, spot.severity)

    def found(self, code: str, at: int, message: str, remedy: str, severity: Severity = Severity.error) -> None:
        """A problem `at` characters after the beginning of the body."""
        number = bisect_right(self.begins, at) - 1
        self.problem(code, number, at - self.begins[number], message, remedy, severity)

    def place(self, number: int, column: int) -> Place:
        return Place(self.file, number + self.first_line, column + 1)

    def problem(self, code: str, number: int, column: int, message: str, remedy: str,
                severity: Severity = Severity.error) -> None:
        self.told[severity] += 1
        if self.told[severity] <= MOST:
            self.problems.append(Problem(code, severity, self.place(number, column), message, remedy, self.post))


def _line_starts(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer("\n", text))]
