"""Bytes of one content file become values with places: YAML 1.2 core, front matter, and nothing that can explode."""
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml
from yaml.error import MarkedYAMLError, YAMLError
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from flows.planning.skimming import Places, scalar, skim
from schemas.place import Place
from schemas.problem import Problem, Severity

FRONT_MATTER_BYTES = 16_000
DEPTH = 12

_OPENED = re.compile(r"---[ \t]*\n")
_CLOSED = re.compile(r"\n---[ \t]*$", re.MULTILINE)
_ODD_BREAKS = re.compile("[\x85\u2028\u2029]")
_COMMENTED_OUT = re.compile(r"\s*(-\s+)*([^\s#'\"][^#'\"]*:|-)\s+#\s*\S")
# What libyaml says, and what a person can do about it; for everything else a colon in the text is the usual cause.
_REMEDIES = (
    ("end of stream", "Close the quote that was opened here."),
    ("expected ',' or", "Close the bracket that was opened here, and put a comma between its entries."),
    ("node content", "Close what was opened before, or write a value here."),
    ("escape", "Write the text without quotes, or write \\\\ for each backslash."),
    ("alphabetic or numeric", "Put text that begins with & or * in quotes."),
)


class Unreadable(Exception):
    """The text cannot be read as YAML; carries the one problem that says where and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


class Parsed(NamedTuple):
    """A value and where each of its keys and entries stands, by dotted path.

    `written`: how an author wrote each number, where Python would write it otherwise (`1.10`, `007`). `text`: what it
    was read from.
    """

    value: Any
    places: Mapping[str, Place]
    written: Mapping[str, str] = {}
    text: str = ""


class Document(NamedTuple):
    """A Markdown file: its front matter, and its body with the number of the body's first line."""

    head: Parsed
    body: str
    first_line: int


def text_of(data: bytes, file: str) -> str:
    """`data` as text with `\\n` line ends and no byte order mark. Raises Unreadable when it is not UTF-8."""
    try:
        text = data.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = _one_line_end(data[:error.start].decode("utf-8-sig"))
        raise Unreadable(
            _syn001(
                _end_of(before, file, 1),
                f"it is not UTF-8 (byte 0x{data[error.start]:02x})",
                "Save the file as UTF-8.",
            )
        ) from None
    return _one_line_end(text) if "\r" in text else text


def _one_line_end(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _end_of(before: str, file: str, first_line: int) -> Place:
    return Place(file, before.count("\n") + first_line, len(before) - (before.rfind("\n") + 1) + 1)


def parse_document(data: bytes, file: str) -> Document:
    """Splits a Markdown file at its front matter. Raises Unreadable."""
    return divide_document(text_of(data, file), file)


def divide_document(text: str, file: str) -> Document:
    """The same for the text of a file, as `text_of` gives it. Raises Unreadable."""
    begin = _OPENED.match(text)
    if begin is None:
        raise Unreadable(_syn001(Place(file), "it does not begin with front matter",
                                 "Begin with a line ---, then for example 'slot: next', then a line ---."))
    end = _CLOSED.search(text, begin.end() - 1)
    if end is None:
        raise Unreadable(_syn001(Place(file), "the front matter is not closed",
                                 "Put a line --- between the front matter and the text."))
    front = text[begin.end():end.start() + 1]
    if len(front.encode()) > FRONT_MATTER_BYTES:
        raise Unreadable(_syn001(Place(file), f"the front matter is larger than {FRONT_MATTER_BYTES} bytes",
                                 "Move the text below the second ---."))
    head = parse_yaml(front, file, first_line=2)
    return Document(head, text[end.end() + 1:], text.count("\n", 0, end.end()) + 2)


def parse_yaml(text: str, file: str, *, first_line: int = 1) -> Parsed:
    """One YAML 1.2 document of plain values. Raises Unreadable.

    Refused: anchors, aliases, tags, merge keys, duplicate keys, nesting deeper than 12, a second document.
    Dates and times stay text. `first_line` is the line of the file on which `text` begins.
    """
    plain = skim(text)
    if plain is not None:
        return Parsed(plain, Places(text, file, first_line), {}, text)
    return parse_by_events(text, file, first_line)


def parse_by_events(text: str, file: str, first_line: int = 1) -> Parsed:
    """The same by libyaml, however it is written."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        return _Builder(file, first_line, text).build(loader)._replace(text=text)
    except YAMLError as error:
        raise Unreadable(_refusal(error, file, first_line, text)) from None
    finally:
        loader.dispose()


def _refusal(error: YAMLError, file: str, first_line: int, text: str) -> Problem:
    if isinstance(error, MarkedYAMLError):
        why = error.problem or "it is not YAML"
        remedy = next((remedy for words, remedy in _REMEDIES if words in why), "Quote text that contains ': '.")
        mark = error.problem_mark or error.context_mark
        if remedy.startswith("Close"):
            mark = error.context_mark or mark                     # where it was opened, not the end of the file
        at = mark.index if mark else 0
        if "cannot start any token" in why:
            why = f"text cannot begin with {text[at:at + 1]!r}"
            remedy = "Indent with spaces, never with tabs." if text[at:at + 1] == "\t" else "Put the text in quotes."
        if (tag := re.search(r"[\[,][ \t]*#\w", text)) is not None:
            at, why, remedy = tag.end() - 2, "everything after # is a comment", "Write hashtags without #."
        return _syn001(_end_of(text[:at], file, first_line), why, remedy)
    before = text.encode()[:getattr(error, "position", 0)].decode("utf-8", "ignore")     # libyaml counts bytes
    return _syn001(_end_of(before, file, first_line), str(error).splitlines()[0], "Remove the character.")


def _syn001(place: Place, why: str, remedy: str) -> Problem:
    return Problem("SYN001", Severity.error, place, f"cannot be read: {why}.", remedy)


class _Builder:
    """Walks the parser's events once, by hand, so that nothing is ever expanded before it is judged."""

    def __init__(self, file: str, first_line: int, text: str) -> None:
        self.file = file
        self.first_line = first_line
        self.text = text if _ODD_BREAKS.search(text) else None    # libyaml counts these as lines; nobody else does
        self.places: dict[str, Place] = {}
        self.written: dict[str, str] = {}

    def build(self, loader: Any) -> Parsed:
        loader.get_event()                                        # stream start
        event = loader.get_event()
        if not isinstance(event, DocumentStartEvent):
            return Parsed(None, self.places)
        value = self.node(loader, loader.get_event(), "", 0)
        loader.get_event()                                        # document end
        event = loader.get_event()
        if isinstance(event, DocumentStartEvent):
            self.refuse(event, "it holds a second document", "Keep one, and remove the line ---.")
        return Parsed(value, self.places, self.written)

    def node(self, loader: Any, event: Event, path: str, depth: int) -> Any:
        if path not in self.places:
            self.places[path] = self.place(event)
        if isinstance(event, AliasEvent) or (isinstance(event, NodeEvent) and event.anchor is not None):
            self.refuse(event, "anchors and aliases (& and *) are not allowed",
                        "Write the value out, or put text that begins with & or * in quotes.")
        if getattr(event, "tag", None) not in (None, "!"):
            self.refuse(event, "tags (!) are not allowed", "Put text that begins with ! in quotes.")
        if depth > DEPTH:
            self.refuse(event, f"it is nested deeper than {DEPTH}", "Write it flatter.")
        if isinstance(event, ScalarEvent):
            value = scalar(event.value) if event.implicit[0] else event.value    # quoted or block: always text
            if isinstance(value, int | float) and not isinstance(value, bool) and str(value) != event.value:
                self.written[path] = event.value
            return value
        if isinstance(event, SequenceStartEvent):
            return self.sequence(loader, path, depth)
        if isinstance(event, MappingStartEvent):
            return self.mapping(loader, path, depth)
        raise YAMLError(f"unexpected {type(event).__name__}")

    def sequence(self, loader: Any, path: str, depth: int) -> list[Any]:
        values: list[Any] = []
        while not isinstance(event := loader.get_event(), CollectionEndEvent):
            values.append(self.node(loader, event, f"{path}.{len(values)}" if path else str(len(values)), depth + 1))
        return values

    def mapping(self, loader: Any, path: str, depth: int) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not isinstance(event := loader.get_event(), CollectionEndEvent):
            if isinstance(event, NodeEvent) and (isinstance(event, AliasEvent) or event.anchor is not None):
                self.refuse(event, "anchors and aliases (& and *) are not allowed", "Write the value out.")
            if not isinstance(event, ScalarEvent):
                self.refuse(event, "a key must be one word", "Put text that begins with [ or { in quotes.")
            if event.tag not in (None, "!"):
                self.refuse(event, "tags (!) are not allowed", "Put text that begins with ! in quotes.")
            key = event.value
            if key == "<<":
                self.refuse(event, "merge keys (<<) are not allowed", "Write the values out.")
            if key in values:
                self.refuse(event, f"the key '{key}' stands twice", "Keep one of them.")
            inner = f"{path}.{key}" if path else key
            self.places[inner] = self.place(event)
            values[key] = self.node(loader, loader.get_event(), inner, depth + 1)
        return values

    def place(self, event: Event) -> Place:
        mark: Any = event.start_mark                              # the parser always sets it
        if self.text is not None:
            return _end_of(self.text[:mark.index], self.file, self.first_line)
        return Place(self.file, mark.line + self.first_line, mark.column + 1)

    def refuse(self, event: Event, why: str, remedy: str) -> None:
        raise Unreadable(_syn001(self.place(event), why, remedy))


def commented_out(line: str) -> bool:
    """Whether `line` is a key or an entry whose whole value was lost behind a `#`."""
    return _COMMENTED_OUT.match(line) is not None
