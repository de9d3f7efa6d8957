"""How people write ids, times, durations and references in the content folder."""
import re
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Annotated, NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, Strict

_ID = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_LOCAL = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::00)?", re.ASCII)
_OFFSET = re.compile(r"(\d{4}-\d{2}-\d{2})[ T](\d{2}:\d{2})(?::00)?\s?(Z|[+-]\d{2}:\d{2})", re.ASCII)
BAD_ID = "an id has 1 to 60 characters: small letters, digits, single hyphens between them"
_DURATION = re.compile(r"([1-9]\d{0,4})(m|h|d|w|mo)", re.ASCII)
_CADENCE = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,4})(m|h|d|w|mo)", re.ASCII)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_WEEK = re.compile(r"([1-9]\d{3})-W(\d{2})", re.ASCII)


_ADDRESS = re.compile(r"https?://[^\s/?#\x00-\x20]+[^\s\x00-\x20]*", re.IGNORECASE)
_SLOT = re.compile(r"(mon|tue|wed|thu|fri|sat|sun) ([01]\d|2[0-3]):[0-5]\d", re.ASCII)
_HOURS = re.compile(r"([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d", re.ASCII)


_HASHTAG = re.compile(r"#?[^\s#]*")


class Ref(NamedTuple):
    """Marks a text field as the id of something else: `Annotated[str, Ref("person")]`."""

    kind: str


def _id(text: str) -> str:
    if not is_id(text):
        raise ValueError(BAD_ID)
    return text


def _duration(text: str) -> str:
    if not _DURATION.fullmatch(text):
        raise ValueError("a duration looks like 30m, 4h, 2d, 3w or 6mo")
    return text


def _cadence(text: str) -> str:
    if not _CADENCE.fullmatch(text):
        raise ValueError("a cadence looks like 1/4w: how often, then in how long")
    return text


def _week(text: str) -> str:
    match = _WEEK.fullmatch(text)
    if not match or not 1 <= int(match[2]) <= date(int(match[1]), 12, 28).isocalendar().week:
        raise ValueError("a week looks like 2027-W09: the year, then the number of one of its weeks with two digits")
    return text


def _day(text: object) -> object:
    if isinstance(text, str) and _DAY.fullmatch(text):
        text = date.fromisoformat(text)
    if isinstance(text, date) and not isinstance(text, datetime):
        if not 1970 <= text.year <= 2999:
            raise ValueError("a year is one from 1970 to 2999")
        return text
    raise ValueError("a day looks like 2027-03-04")


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        close = get_close_matches(text, available_timezones(), 1, 0.6)
        meant = f", such as {close[0]}" if close else ", such as Europe/Dublin"
        raise ValueError(f"a time zone is a name of the IANA list{meant}") from None
    return text


def _slot(text: str) -> str:
    if not _SLOT.fullmatch(text):
        raise ValueError('a slot looks like "tue 08:45": mon, tue, wed, thu, fri, sat or sun, then the time')
    return text


def _hours(text: str) -> str:
    if not _HOURS.fullmatch(text):
        raise ValueError('hours look like "21:00-07:30"')
    return text


def _hashtag(text: str) -> str:
    if not _HASHTAG.fullmatch(text):
        raise ValueError("a hashtag is one word")
    return text


def _plain_span(text: str) -> str:
    if text.endswith("mo"):
        raise ValueError("this needs a fixed length: use m, h, d or w, not mo")
    return _duration(text)


def _local_or_fixed(text: object) -> object:
    if isinstance(text, datetime):
        return text
    if isinstance(text, str) and (match := _OFFSET.fullmatch(text)):
        return in_our_time(datetime.fromisoformat(f"{match[1]}T{match[2]}{'+00:00' if match[3] == 'Z' else match[3]}"))
    if isinstance(text, str) and (match := _LOCAL.fullmatch(text)):
        return in_our_time(datetime.fromisoformat(f"{match[1]}T{match[2]}"))
    raise ValueError('a time looks like 2027-03-04 09:30, with an offset when it needs one: 2027-03-04 09:30+01:00')


def in_our_time(moment: datetime) -> datetime:
    """`moment`. Raises ValueError for a year so far away that counting on from it would leave the calendar."""
    if not 1970 <= moment.year <= 2999:
        raise ValueError("a year is one from 1970 to 2999")
    return moment


def _address(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("an address looks like https://example.org/page, without spaces")
    try:
        urlsplit(text)
    except ValueError as error:
        raise ValueError(f"it is no address ({error})") from None
    return text


Id = Annotated[str, AfterValidator(_id)]
"""`[a-z0-9]+(-[a-z0-9]+)*`, 1 to 60 characters."""
Duration = Annotated[str, AfterValidator(_duration)]
"""`30m` `4h` `2d` `3w` `6mo`; months are calendar months."""
Hashtag = Annotated[str, AfterValidator(_hashtag)]
"""One word, with or without its `#`."""
FixedSpan = Annotated[str, AfterValidator(_plain_span)]
"""A duration without calendar months."""
Address = Annotated[str, AfterValidator(_address)]
"""`https://host/…` or `http://host/…`."""
Zone = Annotated[str, AfterValidator(_zone)]
"""A time zone of the IANA list: `Europe/Dublin`."""
WeeklySlot = Annotated[str, AfterValidator(_slot)]
"""`tue 08:45`: a time in each week, local to the channel."""
DailyHours = Annotated[str, AfterValidator(_hours)]
"""`21:00-07:30`: from, to; over midnight when the second is earlier."""
Cadence = Annotated[str, AfterValidator(_cadence)]
"""`n/duration`: n times in each duration."""
LocalTime = Annotated[datetime, BeforeValidator(_local_or_fixed)]
"""`YYYY-MM-DD HH:MM`: naive, in the zone of whoever it is for; aware when an offset was written."""

Flag = Annotated[bool, Strict()]
"""`true` or `false`, and no other word: `yes` and `on` are text in YAML 1.2."""
Day = Annotated[date, BeforeValidator(_day)]
"""`YYYY-MM-DD`, in the zone of whoever it is for."""
Week = Annotated[str, AfterValidator(_week)]
"""`YYYY-Www`: an ISO 8601 week."""
Money = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""An amount in the currency of the strategy's budget."""
Hours = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""Hours of work."""
Count = Annotated[int, Field(ge=0)]
Figure = Annotated[float, Field(allow_inf_nan=False)]
"""A value of a metric, in the unit of that metric."""
Share = Annotated[float, Field(ge=0, le=1)]
"""A part of a whole: 0.25 is a quarter."""

PersonRef = Annotated[str, Ref("person")]
AudienceRef = Annotated[str, Ref("audience")]
PillarRef = Annotated[str, Ref("pillar")]
SocialGoalRef = Annotated[str, Ref("social_goal")]


def span(duration: str) -> timedelta:
    """The length of a duration that has no calendar months. Raises ValueError for one that has."""
    match = _DURATION.fullmatch(duration)
    if match is None or match[2] == "mo":
        raise ValueError(f"{duration} has no fixed length")
    return int(match[1]) * {"m": timedelta(minutes=1), "h": timedelta(hours=1),
                            "d": timedelta(days=1), "w": timedelta(weeks=1)}[match[2]]


def is_id(text: str) -> bool:
    """Whether `text` is a well-formed id."""
    return len(text) <= 60 and _ID.fullmatch(text) is not None
