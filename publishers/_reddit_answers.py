"""What Reddit's answers mean. Thinking only: answers come in as values.

Reddit refuses with status 200 and a list of errors. Sources: www.reddit.com/dev/api; github.com/reddit-archive/reddit,
r2/lib/errors.py; github.com/reddit-archive/reddit/wiki/OAuth2 and API; praw 8.0.3, praw/reddit.py (the words of a
wait); read 2026-11-22.
"""
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from publishers._answers import object_in
from publishers._http import LONGEST_WAIT, Answer, moment, retry_after
from publishers._reddit_text import plain
from publishers.base import OutgoingPart
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unconfirmed
from schemas.ledger import PartReceipt

FULLNAME = re.compile(r"t[13]_[0-9a-z]{1,13}")
SITE = "https://www.reddit.com"
_QUOTED = 300                            # characters of Reddit's own words in an error
_REFUSALS = (400, 403, 404, 413, 422)
_WAITS = ("RATELIMIT", "SUBREDDIT_RATELIMIT", "QUOTA_FILLED")
_LOCKED_OUT = ("USER_REQUIRED", "VERIFIED_USER_REQUIRED", "BAD_CAPTCHA", "BANNED_IP", "EXPIRED", "DRACONIAN")
_BROKEN = re.compile(r"BROKEN|SERVER|INTERNAL|TIMEOUT|UNKNOWN")
_WAIT = re.compile(r"([0-9]{1,4}) (millisecond|second|minute|hour)")
_SECONDS = {"millisecond": 1, "second": 1, "minute": 60, "hour": 3_600}
_GONE = ("[removed]", "[deleted]", "[ Removed by Reddit ]")


def refusal(answer: Answer, in_doubt: type[PublishError], secrets: tuple[str, ...]) -> PublishError:
    """What an answer that is no 2xx means. Only Reddit's own JSON is a refusal of the content."""
    body = object_in(answer.body)
    told = " ".join(str(body[name]) for name in ("reason", "message", "explanation", "error", "error_description")
                    if isinstance(body.get(name), str)) if body else ""
    why = f"Reddit answered {answer.status}{_said(told, secrets)}"
    match answer.status:
        case 401:
            return Unauthorized(f"{why}; the access token has expired or was withdrawn", dead=True)
        case 429:
            return RateLimited(why, retry_after(answer.headers) or _window_ends(answer.headers))
        case 403 if "insufficient_scope" in answer.headers.get("www-authenticate", ""):
            return Unauthorized(f"{why}; the token lacks a permission")
        case 403 if body is not None and "USER_REQUIRED" in told:
            return Unauthorized(why)
        case status if status == 413 or (body is not None and status in _REFUSALS):
            return Rejected(why)
    return in_doubt(why)


def made(answer: Answer, secrets: tuple[str, ...]) -> PartReceipt:
    """The post or comment that a 2xx brought. Raises what its list of errors means, Unconfirmed for anything else."""
    told = (object_in(answer.body) or {}).get("json")
    errors = told.get("errors") if isinstance(told, dict) else None
    if not isinstance(told, dict) or not isinstance(errors, list):
        raise Unconfirmed(f"Reddit answered {answer.status}, but did not name the post")
    if errors:
        raise _refused(answer, told, errors, secrets)
    data = told.get("data")
    things = data.get("things") if isinstance(data, dict) else None
    thing = things[0].get("data") if isinstance(things, list) and things and isinstance(things[0], dict) else data
    name = thing.get("name") if isinstance(thing, dict) else None
    if not isinstance(thing, dict) or not isinstance(name, str) or not FULLNAME.fullmatch(name):
        raise Unconfirmed(f"Reddit answered {answer.status}, but did not name the post")
    return PartReceipt(id=name, url=_shown_at(thing))


def _refused(answer: Answer, told: Mapping[str, Any], errors: list[Any], secrets: tuple[str, ...]) -> PublishError:
    """Nothing exists after an error, but for two: the same link was there before, or Reddit broke on the way."""
    rows = [[str(word) for word in row if isinstance(word, str)] for row in errors if isinstance(row, list)]
    codes = [row[0] for row in rows if row]
    why = f"Reddit refused it{_said('; '.join(': '.join(row[:2]) for row in rows), secrets)}"
    if not codes:
        return Unconfirmed(f"Reddit answered {answer.status} with an error that it does not name")
    if "ALREADY_SUB" in codes:
        return Unconfirmed(f"{why}; that may be this very post, or an older one with the same link")
    if any(code in _WAITS for code in codes):
        return RateLimited(why, _told_to_wait(answer, told.get("ratelimit"), why))
    if any(code in _LOCKED_OUT for code in codes):
        return Unauthorized(why)
    if any(_BROKEN.search(code) for code in codes):
        return Unconfirmed(why)
    return Rejected(why)


def _told_to_wait(answer: Answer, seconds: object, words: str) -> datetime | None:
    """When Reddit will listen again: by its number of seconds, else by its words, which round down."""
    now = moment(answer.headers.get("date", ""))
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 0 < seconds < 10 ** 7:
        wait = timedelta(seconds=seconds)
    elif match := _WAIT.search(words):
        wait = timedelta(seconds=(int(match[1]) + 1) * _SECONDS[match[2]])
    else:
        return None
    return now + wait if now is not None and wait <= LONGEST_WAIT else None


def _window_ends(headers: Mapping[str, str]) -> datetime | None:
    """The end of the window in which no call is left; it is told in seconds."""
    now, said = moment(headers.get("date", "")), headers.get("x-ratelimit-reset", "")
    if now is None or not (said.isascii() and said.isdigit() and 0 < len(said) < 6):
        return None
    return now + timedelta(seconds=int(said)) if int(said) <= LONGEST_WAIT.total_seconds() else None


class Judged(NamedTuple):
    """What an entry of a listing is. `receipt`: it says what the part says; None: it does not, or nobody `can_tell`."""

    receipt: PartReceipt | None
    can_tell: bool = True


def judged(entry: Mapping[str, Any], what: OutgoingPart, parent: str | None, earliest: datetime) -> Judged:
    """Whether an entry of the account's posts or comments is the part. Raises KeyError, TypeError or ValueError.

    One that was edited or removed since, in the same place and with the same title, may have been it.
    """
    if made_at(entry) < earliest:
        return Judged(None)
    if parent is not None:
        if entry["parent_id"] != parent:
            return Judged(None)
        text = str(entry["body"])
    else:
        request = what.request
        if (plain(str(entry["title"])) != plain(request["title"])
                or str(entry["subreddit"]).lower() != request["sr"].lower()):
            return Judged(None)
        if entry["is_self"] != (request["kind"] == "self"):
            return Judged(None)
        if not entry["is_self"] and _bare(str(entry["url"])) != _bare(request["url"]):
            return Judged(None, can_tell=False)
        text = str(entry["selftext"])
    if plain(text) != plain(what.text):
        return Judged(None, can_tell=not entry.get("edited") and text.strip() not in _GONE)
    name = entry["name"]
    if not isinstance(name, str) or not FULLNAME.fullmatch(name):
        raise ValueError
    return Judged(PartReceipt(id=name, url=_shown_at(entry)))


def made_at(entry: Mapping[str, Any]) -> datetime:
    """Raises KeyError, TypeError or ValueError for an entry without a moment."""
    at = entry["created_utc"]
    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 < at < 10 ** 11:
        raise ValueError
    return datetime.fromtimestamp(at, UTC)


def page_in(answer: Answer) -> tuple[list[dict[str, Any]], str | None]:
    """The entries of a listing, and where the next page begins. Raises ValueError for what is none."""
    body = object_in(answer.body) or {}
    data = body.get("data")
    children = data.get("children") if isinstance(data, dict) else None
    if body.get("kind") != "Listing" or not isinstance(data, dict) or not isinstance(children, list):
        raise ValueError
    entries = [child["data"] for child in children]
    after = data.get("after")
    if not all(isinstance(entry, dict) for entry in entries) or not isinstance(after, str | None):
        raise ValueError
    return entries, after


def _shown_at(thing: Mapping[str, Any]) -> str | None:
    """Where people see it. The `url` of a link post in a listing is what it links to: `permalink` goes first."""
    if isinstance(path := thing.get("permalink"), str) and path:
        return path if path.startswith("http") else f"{SITE}{path}"
    url = thing.get("url")
    return url if isinstance(url, str) and urlsplit(url).scheme in ("http", "https") else None


def _bare(address: str) -> str:
    """An address as it is compared: Reddit may write its host small and end it with a slash."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    return parts._replace(scheme=parts.scheme.lower(), netloc=parts.netloc.lower(),
                          path=parts.path.rstrip("/")).geturl()


def _said(words: str, secrets: tuple[str, ...]) -> str:
    """`: ` and Reddit's own reason, if it gave one; never a credential, never a whole body."""
    for secret in filter(None, secrets):
        words = words.replace(secret, "…")
    return f": {''.join(letter if letter.isprintable() else ' ' for letter in words)[:_QUOTED]}" if words else ""
