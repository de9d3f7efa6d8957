"""How the command speaks: data on stdout, talk on stderr, nothing that could steer a terminal."""
import json
import logging
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import click

_STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def clean(text: str) -> str:
    """`text` with every control character written out, so that content cannot steer a terminal or forge a line."""
    return _STEERING.sub(lambda m: f"\\x{ord(m[0]):02x}", text)


def say(text: str) -> None:
    """One line of talk."""
    click.echo(clean(text).replace("\n", "\\n"), err=True)


def tell(text: str) -> None:
    """One line of data."""
    click.echo(clean(text).replace("\n", "\\n"))


def tell_json(value: Any) -> None:
    """One JSON value."""
    made = json.dumps(value, indent=2, ensure_ascii=False)
    sys.stdout.write(_STEERING.sub(lambda m: f"\\u{ord(m[0]):04x}", made) + "\n")      # such signs stand in texts only


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Lines of a plain table: columns as wide as their widest cell, two spaces between them, the last one open."""
    cells = [[clean(cell).replace("\n", " ") for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(heads), *cells]) for i in range(len(heads) - 1)]
    return ["  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]).rstrip()
            for row in [list(heads), *cells]]


def many(number: int, word: str) -> str:
    """`1 post`, `2 posts`."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def tell_problem(problem: Mapping[str, Any], form: str = "text") -> None:
    """One problem (the object of `check --json`) as text, or as an annotation of a GitHub run."""
    if form == "github":
        level = {"error": "error", "warning": "warning", "advice": "notice"}[problem["severity"]]
        text = clean(f"{problem['message']} {problem['remedy']}").replace("%", "%25").replace("\n", "%0A")
        name = clean(problem["file"]).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
        tell(f"::{level} file={name},line={problem['line']},col={problem['column']},"
             f"title={problem['code']}::{text}")
        return
    tell(f"{problem['file']}:{problem['line']}:{problem['column']}: {problem['severity']}: {problem['message']}  "
         f"[{problem['code']}]")
    tell(f"  remedy: {problem['remedy']}")


_TOKEN = re.compile(r"(?i)(access_token|oauth_token|oauth_signature|client_secret|authorization|bearer|token|secret"
                    r"|password)"
                    r"(['\"]?\s*[=:]\s*['\"]?|\s+)[^\s'\"&,;)]{6,}")


_hidden: set[str] = set()


def hide(secrets: Iterable[str]) -> None:
    """Has the log of this process mask `secrets`, also as they stand in an address or in what OAuth signs."""
    for secret in secrets:
        once = quote(secret, safe="")
        _hidden.update({secret, once, quote(once, safe="")} - {""})


class _Discreet(logging.Formatter):
    """One event, one line; credentials, and what looks like one, are masked, whoever logged them."""

    def format(self, record: logging.LogRecord) -> str:
        words = super().format(record)
        for secret in sorted(_hidden, key=len, reverse=True):
            words = words.replace(secret, "***")
        return clean(_TOKEN.sub(r"\1\2***", words)).replace("\n", "\\n")


def keep_a_log() -> None:
    """Events of ours on stderr, in the past tense; libraries speak up only when something is wrong."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Discreet("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%S%z"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("flows").setLevel(logging.INFO)


class When(click.ParamType):  # type: ignore[type-arg]  # click is generic for the type checker only
    """`YYYY-MM-DD` or `YYYY-MM-DD HH:MM`, UTC unless an offset says otherwise."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        try:
            moment = datetime.fromisoformat(value)
            moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        except (ValueError, OverflowError):
            self.fail(f"'{value}' is not a time; write it as YYYY-MM-DD HH:MM", param, ctx)
        if not 1970 <= moment.year < 3000:
            self.fail(f"'{value}' is not in our time", param, ctx)
        return moment
