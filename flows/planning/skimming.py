"""Front matter as plain as nearly all of it is, read line by line: what a parser would say, for a fifth of its time.

Whatever takes a parser to know is declined, not guessed at; then libyaml says what it means, or what is wrong with it.
"""
import re
from collections.abc import Iterator, Mapping
from typing import Any

from schemas.place import Place

# Core schema of YAML 1.2.2, section 10.3, with house rules: only the lower-case words are booleans; what is written in
# hexadecimal or octal, is infinite, or has more digits than a number can keep, stays text.
_KNOWN = {"": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "false": False}
_INT = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))([eE][-+]?[0-9]{1,2})?")

# Characters that nobody sees (`dividing.hidden`), that libyaml refuses, or that end a line for it.
_ODD = r"\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff\U000e0000-\U000e007f"
_FIRST = rf"[^{_ODD} !\"#%&'*,:>?@\[\]`{{|}}-]"
_PLAIN = rf"{_FIRST}[^{_ODD}:#]*(?::[^{_ODD}:# ][^{_ODD}:#]*)*(?<! )"
_WORD = rf"{_FIRST}[^{_ODD}:#,?\[\]{{}}]*"                    # between [ and ] more signs mean something
_WORDS = re.compile(r"[^ ,][^,]*")
_LINE = re.compile(
    r"(?P<indent> *)(?P<dash>- +)?"
    rf"(?:(?P<key>[A-Za-z_][A-Za-z0-9_-]{{0,60}}):(?: +(?:(?P<plain>{_PLAIN})"
    rf"|\[ *(?P<words>(?:{_WORD}(?:, *{_WORD})*)?)\]|\"(?P<quoted>[^{_ODD}\"\\]*)\"))?|(?P<entry>{_PLAIN})) *"
)


class _Declined(Exception):
    """It takes a parser to know what this means."""


def skim(text: str) -> dict[str, Any] | None:
    """The keys of `text` with their values, exactly as libyaml would read them; None: not plain enough to say.

    Plain are keys with a text, with a quoted text without escapes, or with a [list of words]; and below a key either
    keys of its own, or a list of texts or of such keys. So nothing in it is a comment, no character is one that nobody
    sees, and every number is written as Python would write it.
    """
    values: dict[str, Any] = {}
    below: _Below | None = None
    try:
        for line in text.split("\n"):
            if not line:
                continue
            match = _LINE.fullmatch(line)
            if match is None:
                return None
            indent, dash, key, plain, words, quoted, entry = match.groups()
            if indent or dash or key is None:
                if below is None:
                    return None
                value = _typed(entry) if key is None else _value(plain, words, quoted)
                below.add(len(indent), dash, key, value)
                continue
            if key in values:
                return None
            if below is not None:
                values[below.key] = below.all()
                below = None
            if plain is None and words is None and quoted is None:
                values[key] = None                                # keeps its place among the keys
                below = _Below(key)
            else:
                values[key] = _value(plain, words, quoted)
        if below is not None:
            values[below.key] = below.all()
    except _Declined:
        return None
    return values or None


def scalar(text: str) -> Any:
    """What a text without quotes means: null, true, false, a number, or itself."""
    if text in _KNOWN:
        return _KNOWN[text]
    if text[0] in "0123456789+-.":
        if _INT.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _value(plain: str | None, words: str | None, quoted: str | None) -> Any:
    if plain is not None:
        return _typed(plain)
    if words is not None:
        return [_typed(word.strip(" ")) for word in words.split(",")] if words else []
    if quoted is not None:
        return quoted
    raise _Declined


def _typed(text: str) -> Any:
    value = scalar(text)
    if value is not text and text not in _KNOWN and str(value) != text:
        raise _Declined                                           # how it was written may be asked for later
    return value


class _Below:
    """What stands below the key `key`: keys of its own, or a list."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.found: dict[str, Any] | list[Any] | None = None
        self.column = 0
        self.entry: dict[str, Any] = {}                           # the last of a list, when it has keys of its own
        self.entry_column = -1

    def all(self) -> dict[str, Any] | list[Any]:
        if self.found is None:
            raise _Declined
        return self.found

    def add(self, column: int, dash: str | None, key: str | None, value: Any) -> None:
        """Takes a line in `column`. Raises _Declined for one that belongs to nothing that stands above it."""
        if self.found is None:
            self.found, self.column = {} if dash is None else [], column
        if dash is not None and isinstance(self.found, list) and column == self.column:
            self.entry, self.entry_column = {}, column + len(dash) if key is not None else -1
            self.found.append(value if key is None else self.entry)
            if key is not None:
                self.entry[key] = value
            return
        into = self.found if column == self.column else self.entry if column == self.entry_column else None
        if dash is not None or key is None or not isinstance(into, dict) or key in into:
            raise _Declined
        into[key] = value


class Places(Mapping[str, Place]):
    """Where each key and entry of a skimmed text stands, found when somebody asks: for most texts nobody does."""

    __slots__ = ("_file", "_first_line", "_found", "_text")

    def __init__(self, text: str, file: str, first_line: int) -> None:
        self._text, self._file, self._first_line = text, file, first_line
        self._found: dict[str, Place] | None = None

    def __getitem__(self, path: str) -> Place:
        return self._all()[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all())

    def __len__(self) -> int:
        return len(self._all())

    def __repr__(self) -> str:
        return repr(self._all())

    def _all(self) -> dict[str, Place]:
        if self._found is None:
            self._found = self._find()
        return self._found

    def _find(self) -> dict[str, Place]:
        places: dict[str, Place] = {}
        above = entry = ""                                        # the last key of the text, and its last entry
        entries = 0
        for number, line in enumerate(self._text.split("\n"), self._first_line):
            match = _LINE.fullmatch(line)
            if match is None:                                     # an empty one
                continue
            key = match["key"]
            here = Place(self._file, number, match.start("entry" if key is None else "key") + 1)
            places.setdefault("", here)
            if match["dash"] is not None:
                entry = f"{above}.{entries}"
                entries += 1
                places[entry] = here
            if key is None:
                continue
            if match["dash"] is None and not match["indent"]:
                above, entry, entries = key, "", 0
                path = key
            else:
                path = f"{entry or above}.{key}"
            places[path] = here
            if match["words"]:
                for at, word in enumerate(_WORDS.finditer(line, match.start("words"), match.end("words"))):
                    places[f"{path}.{at}"] = Place(self._file, number, word.start() + 1)
        return places
