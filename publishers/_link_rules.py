"""How a network reads a link: its schemes, where path and query end behind a host, which names can be looked up.

X's rules are those of twitter-text 3.1.0 (github.com/twitter/twitter-text, Apache-2.0, read 2026-11-22).
"""
import re
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

from publishers._host_names import can_exist

LONGEST_LINK = 4096
LATIN = (r"\xC0-\xD6\xD8-\xF6\xF8-\xFF\u0100-\u024F\u0253\u0254\u0256\u0257\u0259\u025B\u0263\u0268\u026F\u0272"
         r"\u0289\u028B\u02BB\u0300-\u036F\u1E00-\u1EFF")
INSIDE_PATH = rf"[a-z\u0400-\u04FF0-9!*';:=+,.$/%#\[\]\-\u2013_~@|&{LATIN}]"
IN_BRACKETS = rf"\((?:{INSIDE_PATH}+|{INSIDE_PATH}*\({INSIDE_PATH}+\){INSIDE_PATH}*)\)"
_NOT_AT_END_OF_PATH = "!*';:,.$%[]\u2013~@|&"
_INSIDE_QUERY = r"[a-z0-9!?*'@();:&=+$/%#\[\]\-_.,~|]*"
_NOT_AT_END_OF_QUERY = "!?*'@();:+$%[].,~|"


class Reading(NamedTuple):
    """One network's way to read links. Positions are those of the text."""

    schemes: tuple[str, ...]
    takes_bare_names: bool                    # whether example.org is a link
    path_end: Callable[[str, int], int]       # the position of a slash → where the path ends, past the slash at least
    query_end: Callable[[str, int], int]      # the position of a question mark → where the query ends; itself: none
    can_exist: Callable[[str], bool]          # whether a name outside ASCII can be looked up


def _path_end(text: str, slash: int) -> int:
    """Where a path ends. Its last punctuation is not part of it.

    Brackets at the end belong to it only right behind a letter, a digit or other brackets: the expression that X uses
    says so, by an alternative that was left without its own group.
    """
    run, in_brackets, _ = _expressions()
    end = at = slash + 1
    while True:
        if stretch := run.match(text, at):
            kept = stretch.group().rstrip(_NOT_AT_END_OF_PATH)
            end = at + len(kept) if kept else end
            at = stretch.end()
        if text[at:at + 1] != "(" or not (brackets := in_brackets.match(text, at)):
            return end
        end = brackets.end() if end == at else end
        at = brackets.end()


def _query_end(text: str, mark: int) -> int:
    run = _expressions()[2].match(text, mark + 1)
    kept = run.group().rstrip(_NOT_AT_END_OF_QUERY) if run else ""
    return mark + 1 + len(kept) if kept else mark


@cache
def _expressions() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """A path's stretch, its brackets, a query. Compiled when the first link has one: most texts need none."""
    return (re.compile(f"{INSIDE_PATH}+", re.IGNORECASE), re.compile(IN_BRACKETS, re.IGNORECASE),
            re.compile(_INSIDE_QUERY, re.IGNORECASE))


X = Reading(("http://", "https://"), True, _path_end, _query_end, can_exist)
