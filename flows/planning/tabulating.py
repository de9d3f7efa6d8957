"""The lines of measures/*.csv become figures, one metric, channel and day each; every wrong line becomes a problem.

A line is read by itself, so that a quote that nobody closed spoils one figure and no more.
"""
import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from difflib import get_close_matches
from typing import NamedTuple

from flows.planning.measuring import ALL, Metric, closest, metric, shown
from schemas.figure import Figure
from schemas.place import Place
from schemas.problem import Problem, Severity

HEADER = ("date", "metric", "channel", "value", "source")
_FIRST_LINE = ",".join(HEADER)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)
_TRUTH = {"true": "1", "false": "0"}
LINE_CHARACTERS = 1000
"""A figure's line is shorter than this, even with a long source."""
MOST_TOLD = 100
"""So many wrong lines of one file are told: more are one mistake, made by a program."""


class Tabulated(NamedTuple):
    """What one file says; `figures` None: its header is wrong, so nobody knows what its columns mean."""

    figures: tuple[Figure, ...] | None
    problems: tuple[Problem, ...]


def tabulate(text: str, file: str, channels: Sequence[str] | None) -> Tabulated:
    """The figures of a file in the order of its lines. `channels`: the ids there are; None: nobody could read them."""
    table = _Table(file, channels)
    lines = ((number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip())
    columns = table.header(*next(lines, (1, "")))
    figures = tuple(table.figures(columns, lines)) if columns is not None else None
    return Tabulated(figures, tuple(table.told()))


class _Wrong(Exception):
    """One field cannot be used: which column, what is wrong, and what to do."""

    def __init__(self, column: str, message: str, remedy: str, code: str = "SYN002") -> None:
        super().__init__(message)
        self.column, self.message, self.remedy, self.code = column, message, remedy, code


class _Table:
    def __init__(self, file: str, channels: Sequence[str] | None) -> None:
        self.file, self.channels = file, channels
        self.problems: list[Problem] = []

    def problem(self, line: int, column: int, message: str, remedy: str, code: str = "SYN002") -> None:
        self.problems.append(Problem(code, Severity.error, Place(self.file, line, column), message, remedy))

    @property
    def is_told(self) -> bool:
        """Whether one more wrong line will be told: looking for what somebody meant takes its time."""
        return len(self.problems) < MOST_TOLD

    def told(self) -> list[Problem]:
        """The problems; of very many the first, and how many there are."""
        told, more = self.problems[:MOST_TOLD], len(self.problems) - MOST_TOLD
        if more > 0:
            told.append(self.problems[MOST_TOLD]._replace(
                message=f"{more} more lines of this file are wrong.", remedy="Mend those above first."))
        return told

    def header(self, number: int, line: str) -> tuple[str, ...] | None:
        """The names of the columns, in order; None where one is missing or twice: then the lines mean nothing."""
        names = self.fields(number, line)
        if names is None:
            return None
        missing, meant = [name for name in HEADER if name not in names], set[str]()
        if not set(HEADER) & set(names):
            self.problem(number, 1, "The first line must name the columns.", f"Write {_FIRST_LINE}, with commas.")
            return None
        for at, name in enumerate(names):
            if name not in HEADER and not name.startswith("x-"):
                close = get_close_matches(name.lower(), missing, 1, 0.6)
                meant.update(close)
                self.problem(number, _column(line, at), f"No column is called '{name}'.",
                             f"Did you mean {close[0]}?" if close else "Remove it, or let its name begin with x-.")
            elif names.index(name) < at:
                self.problem(number, _column(line, at), f"The column {name} stands twice.", "Keep one of them.")
        if missing := [name for name in missing if name not in meant]:
            self.problem(number, 1, f"The column {missing[0]} is missing." if len(missing) == 1 else
                         f"These columns are missing: {', '.join(missing)}.", f"The first line is {_FIRST_LINE}.")
        return tuple(names) if all(names.count(name) == 1 for name in HEADER) else None

    def figures(self, columns: tuple[str, ...], lines: Iterable[tuple[int, str]]) -> Iterator[Figure]:
        at = {name: columns.index(name) for name in HEADER}
        for number, line in lines:
            fields = self.fields(number, line)
            if fields is None or not any(fields):                 # a spreadsheet's empty row is all commas
                continue
            if len(fields) != len(columns):
                self.problem(number, _column(line, min(len(fields), len(columns) + 1) - 1),
                             f"This line has {len(fields)} values, and there are {len(columns)} columns.",
                             "Write 1234 without a comma, and put quotes around a text that has one.")
                continue
            try:
                day, name, channel, value, source = (fields[at[column]] for column in HEADER)
                known = self.metric(name)
                yield Figure(_day(day), name, self.channel(channel), _value(value, known), source,
                             Place(self.file, number))
            except _Wrong as wrong:
                self.problem(number, _column(line, at[wrong.column]), wrong.message, wrong.remedy, wrong.code)

    def fields(self, number: int, line: str) -> list[str] | None:
        """The values of one line without blanks around them; None where it is too long or its quotes are wrong."""
        if len(line) > LINE_CHARACTERS:
            self.problem(number, 1, f"This line has {len(line):,} characters; {LINE_CHARACTERS:,} fit.",
                         "Write each figure on a line of its own, and shorten its source.")
            return None
        try:
            return [field.strip() for field in next(csv.reader([line], strict=True, skipinitialspace=True), [])]
        except csv.Error:
            self.problem(number, 1, "A quote of this line is not closed, or something stands behind it.",
                         "Write \"…\" around the whole value, a quote inside as \"\", and each figure on one line.")
            return None

    def metric(self, name: str) -> Metric:
        _needs(name, "metric", "Name what was counted, for example followers.")
        if (known := metric(name)) is None:
            close = closest(name) if self.is_told else None
            raise _Wrong("metric", f"No metric is called '{name}'.", f"Did you mean {close}?" if close else
                         "Use a name of the vocabulary, for example followers or conversions.<event>.")
        return known

    def channel(self, id: str) -> str:
        _needs(id, "channel", "Write the id of a channel, or all.")
        if id != ALL and self.channels is not None and id not in self.channels:
            close = get_close_matches(id, [*self.channels, ALL], 1, 0.5) if self.is_told else []
            raise _Wrong("channel", f"channel: no channel '{id}'.", f"Closest: {close[0]}." if close else
                         "Add it to networks/channels.yaml, or write all.", "REF001")
        return id


def _day(text: str) -> date:
    _needs(text, "date", "Write the day it is of, for example 2027-03-04.")
    try:
        day = date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year <= 2999:
        raise _Wrong("date", f"'{text}' is not a day.", "Write it as YYYY-MM-DD, for example 2027-03-04.")
    return day


def _value(text: str, known: Metric) -> float:
    _needs(text, "value", "Write a number, or remove the line.")
    written = _TRUTH.get(text.lower(), text) if known.unit == "bool" else text
    value = float(written) if _NUMBER.fullmatch(written) else math.inf
    if not math.isfinite(value):
        raise _Wrong("value", f"'{text}' is not a number.",
                     f"Write digits, with a point where it needs one, like 1234 or 0.91; {known.name} is "
                     f"{known.in_words}.")
    if not known.takes(value):
        meant = known.meant_by(value)
        raise _Wrong("value", f"{known.name} cannot be {text}: it is {known.in_words}.",
                     f"Write {shown(meant)}, if that is meant." if meant is not None else "Look at the figure again.")
    return value


def _needs(text: str, column: str, remedy: str) -> None:
    if not text:
        raise _Wrong(column, f"{column} is empty.", remedy)


def _column(line: str, number: int) -> int:
    """Where the value of that number (from 0) begins in its line, blanks left out; counts from 1."""
    at, quoted, left = 0, False, number
    while left and at < len(line):
        quoted ^= line[at] == '"'
        left -= line[at] == "," and not quoted
        at += 1
    return at + len(line[at:]) - len(line[at:].lstrip()) + 1
