"""explain: what a rule means, and where each value of a post comes from. It sends nothing."""

from collections.abc import Iterable
from datetime import date, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from pydantic import BaseModel

from flows.check import check
from flows.cli.options import settings_of, shared, time_of
from flows.cli.surveying import Seen, survey
from flows.cli.telling import many, say, table, tell, tell_json, tell_problem
from flows.planning.deriving import Derived, derive
from flows.planning.masking import masked
from flows.planning.preparing import Prepared, terms_of
from flows.planning.rules.book import catalogue, codes, in_book
from flows.planning.rules.ruling import FIXED, Rule, Terms, severity_of, why_lacking
from flows.planning.tracing import Traced, trace
from schemas.errors import ContentError, UsageError
from schemas.place import Place
from schemas.post import Post
from schemas.problem import Problem
from schemas.report import rfc3339
from schemas.rulebook import Rulebook

_NEEDS = {"F": "the files", "G": "the Git history", "D": "the archive, or figures", "T": "the time"}
_WIDE = 60
"""Characters of a value that are shown; --json has all of it."""
_RUNS = 3
"""So many runs of a repeating post are shown on each channel; --json has them all."""


@click.command("explain", short_help="What a rule means; where each value of a post comes from.")
@click.argument("name", metavar="CODE|POST", required=False)
@click.option("--all", "whole", is_flag=True, help="Every rule there is, as a page of Markdown.")
@shared(archive=True)
def explain_command(
    name: str | None, whole: bool, content: str | None, archive: str | None, now: datetime | None, as_json: bool
) -> int:
    """What a rule means (REF001), or where each value and each time of a post comes from (its id, bare name or file).

    \b
    Example: drumbeat explain launch
    """
    if whole:
        for line in catalogue().splitlines():
            tell(line)
        return 0
    if name is None:
        raise UsageError("Nothing is named to explain.", "Name a rule (REF001) or a post, or say --all for every rule.")
    if name in codes():
        _tell_rule(name, content, now, as_json)
        return 0
    seen = survey(content, archive, now)
    posts = [*(post.post for post in seen.done.content.posts), *seen.done.content.drafts]
    named = [post for post in posts if _is(name, post)]
    if len(named) > 1:
        raise UsageError(f"'{name}' is the name of {len(named)} posts.",
                         f"Name one by its id: {', '.join(sorted(post.id for post in named))}.")
    if named:
        _tell_post(named[0], seen, as_json)
    elif name.upper() in codes():
        _tell_rule(name.upper(), content, now, as_json)
    else:
        return _tell_unread(name, posts, seen.done.problems)
    return 0


def _is(name: str, post: Post) -> bool:
    return name in (post.id, post.stem, post.file) or Path(name).absolute() == Path(post.file).absolute()


def _tell_unread(name: str, posts: Iterable[Post], problems: Iterable[Problem]) -> int:
    """The problems of the post that could not be read. Raises UsageError when there is no such post either."""
    of_it = [problem for problem in problems if problem.post is not None and (
        name in (problem.post, problem.post.rsplit("/", 1)[-1], problem.place.file))]
    if not of_it:
        known = [*(word for post in posts for word in (post.id, post.stem)), *codes()]
        close = get_close_matches(name, known, 3, 0.6) or get_close_matches(name.upper(), known, 3, 0.6)
        raise UsageError(f"There is no rule and no post '{name}'.", f"Did you mean {' or '.join(close)}?" if close else
                         "'drumbeat check' prints codes in brackets, 'drumbeat plan' lists all posts.")
    say("It cannot be read yet:")
    for problem in of_it:
        tell_problem(problem.as_dict())
    return 1


# --- a rule -----------------------------------------------------------------------------------------------------------


def _tell_rule(code: str, content: str | None, now: datetime | None, as_json: bool) -> None:
    settings, rule = settings_of(content), in_book(code)
    assert rule is not None
    at = time_of(settings, now)
    try:
        done = check(settings.content, now=at)
        terms = terms_of(done.content, at.astimezone(ZoneInfo(done.content.timezone)).date())
    except ContentError:                                          # a rule means something without any content
        done, terms = None, Terms(Rulebook(), (), depends=True)
    told = _rule(rule, terms, done)
    if as_json:
        tell_json(told)
        return
    tell(f"{code}: {told['severity']}" + (f", here {told['here']}" if told["here"] != told["severity"] else "")
         + (" (nobody can change that)" if code in FIXED else ""))
    tell(f"  fires:      {rule.fires}")
    tell(f"  remedy:     {rule.remedy}")
    for line in _by_profiles(rule):
        tell(f"  profile:    {line}")
    tell(f"  needs:      {', '.join(told['needs'])}")
    for knob in told["knobs"]:
        same = knob["value"] == knob["default"]
        tell(f"  knob:       {knob['name']} = {_shown(knob['value'])}"
             + ("" if same else f" in rules.yaml (default {_shown(knob['default'])})"))
    for waiver in told["waivers"]:
        until = f" until {waiver['until']}" if waiver["until"] else ""
        tell(f"  waived:     {waiver['where'] or 'everywhere'}{until}, by {waiver['by'] or 'nobody'}: "
             f"{waiver['reason'] or 'no reason given'}")
    if told["lacking"]:
        tell(f"  not judged: {'; '.join(told['lacking'])}.")
    for one in told["problems"]:
        tell(f"  now:        {one['file']}:{one['line']}:{one['column']}: {one['message']}")


def _by_profiles(rule: Rule) -> list[str]:
    """What the profiles make of a rule that they treat differently."""
    lines = []
    if rule.gate:
        lines.append(f"relaxed, guided: advice, a step of {rule.gate}, until an ask or a campaign depends on it; "
                     f"strict: {rule.severity.value} at once")
    if rule.acts:
        lines.append("relaxed: a warning, and nothing waits for it; guided, strict: what it names waits")
    return lines


def _rule(rule: Rule, terms: Terms, done: Prepared | None) -> dict[str, Any]:
    """The object of `explain CODE --json`. `here`: the severity as the content's own rules have it."""
    book = terms.rulebook
    here = severity_of(rule, terms)
    waivers = [] if rule.code in FIXED else [w for w in terms.waivers if w.rule == rule.code]
    lacking = done.lacking.get(rule.code, ()) if done is not None else ()
    return {
        "code": rule.code, "evaluated": not lacking, "severity": rule.severity.value,
        "here": here.value if here is not None else "off",
        "can_be_changed": rule.code not in FIXED, "needs": [_NEEDS[letter] for letter in rule.needs],
        "fires": rule.fires, "remedy": rule.remedy, "gate": rule.gate or None,
        "knobs": [{"name": name, "default": _plain(default), "value": _plain(book.knobs.get(name, default))}
                  for name, default in rule.knobs.items()],
        "waivers": [w.model_dump(mode="json", exclude={"rule"}) for w in waivers],
        "lacking": [why_lacking(done.world, name) for name in lacking] if done is not None else [],
        "problems": [p.as_dict() for p in done.problems if p.code == rule.code] if done is not None else [],
    }


# --- a post -----------------------------------------------------------------------------------------------------------


def _tell_post(post: Post, seen: Seen, as_json: bool) -> None:
    content = seen.done.content
    resolved = next((one for one in content.posts if one.id == post.id), None)
    values, times = trace(content, post, resolved), derive(content, seen.done.plan, post, seen.kept)
    if as_json:
        tell_json({"post": post.id, "file": post.file, "draft": post.head.draft,
                   "values": [_value(one) for one in values], "times": [_time(one) for one in times],
                   "problems": [one.as_dict() for one in seen.done.problems if one.post == post.id]})
        return
    tell(f"{post.id}  {post.file}")
    cells = [(_named(one), _cut(_shown(one.value)), one.source, _where(one.place)) for one in values]
    for line in table([""] * 4, cells)[1:]:
        tell(f"  {line}")
    if post.head.draft:
        tell("It goes nowhere: it is a draft.")
        return
    tell("When:")
    shown = [one for number, one in enumerate(times) if _place_on_channel(times, number) < _RUNS]
    for line in table([""] * 3, [_when(one) for one in shown])[1:]:
        tell(f"  {line}")
    if len(shown) < len(times):
        say(f"{many(len(times) - len(shown), 'more run')}: 'drumbeat plan' lists all.")
    if problems := [problem for problem in seen.done.problems if problem.post == post.id]:
        tell("What the rules say:")
        for problem in problems:
            tell(f"  {problem.severity.value} {problem.code}: {problem.message} {problem.remedy}")


def _place_on_channel(times: tuple[Derived, ...], number: int) -> int:
    """How many runs of the same channel stand before."""
    return sum(1 for other in times[:number] if other.slot.channel == times[number].slot.channel)


def _named(one: Traced) -> str:
    return f"{one.field} on {', '.join(one.channels)}" if one.channels else one.field


def _when(one: Derived) -> tuple[str, str, str]:
    local = f"{one.at.astimezone(ZoneInfo(one.zone)):%a %Y-%m-%d %H:%M} ({one.zone})" if one.at else "no time"
    why = f"; {'it waits: ' if one.waits else ''}{one.why}" if one.why else ""
    return one.slot.channel, local, f"{one.how}{why}"


def _value(one: Traced) -> dict[str, Any]:
    return {"field": one.field, "value": _plain(one.value), "channels": list(one.channels), "source": one.source,
            "file": one.place.file if one.place else None, "line": one.place.line if one.place else None}


def _time(one: Derived) -> dict[str, Any]:
    return {"slot": str(one.slot), "channel": one.slot.channel, "at": rfc3339(one.at),
            "local": f"{one.at.astimezone(ZoneInfo(one.zone)):%Y-%m-%d %H:%M}" if one.at else None, "zone": one.zone,
            "how": masked(one.how), "waits": one.waits, "why": masked(one.why) or None}


def _cut(text: str) -> str:
    return text if len(text) <= _WIDE else f"{text[:_WIDE - 1]}…"


def _where(place: Place | None) -> str:
    return f"{place.file}:{place.line}" if place is not None else ""


def _plain(value: Any) -> Any:
    """`value` as JSON has it, secrets masked; what was not written in it left out."""
    match value:
        case BaseModel():
            return _plain(value.model_dump(mode="json", by_alias=True, exclude_unset=True))
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case tuple() | list():
            return [_plain(inner) for inner in value]
        case datetime():
            return f"{value:%Y-%m-%d %H:%M}{value.strftime('%z')}"
        case date():
            return value.isoformat()
        case str():
            return masked(value)
        case _:
            return value


def _shown(value: Any) -> str:
    """`value` as an author would write it, on one line."""
    plain = _plain(value)
    if isinstance(plain, bool):
        return "true" if plain else "false"
    if isinstance(plain, list):
        return ", ".join(_shown(inner) for inner in plain) or "none"
    if isinstance(plain, dict):
        if list(plain) == ["file"]:
            return _shown(plain["file"])
        return f"{{{', '.join(f'{key}: {_shown(inner)}' for key, inner in plain.items())}}}"
    return str(plain) if plain != "" else "(decorative)"
