"""A change, told as one comment on its pull request: Markdown in which nothing that content says is live."""
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from flows.planning.comparing import Change
from flows.planning.contrasting import Found, Swing
from flows.planning.fencing import LINE, behind, coded, fence_length, fenced, visible
from flows.planning.reviewing import lines, summary
from schemas.gate import GateLine
from schemas.problem import Problem, Severity

MARKER = "<!-- drumbeat-review -->"
"""How the comment begins: it is found again by this, and updated."""
LIMIT = 60_000
"""GitHub refuses a comment of more than 65,536 characters; it does not say of which kind, so UTF-16 units are counted.
"""
_PART = 4_000
_NOTES = 1_500
_SHARES = (20_000, 12_000, 10_000, 10_000)
"""What problems, plan, gates and previews get at least when not everything fits."""


class Side(NamedTuple):
    """How much one side holds: problems of each kind, posts, slots that go out."""

    errors: int
    warnings: int
    advice: int
    posts: int
    going: int


class Review(NamedTuple):
    """All that a comment tells. `revision`: the base as it was named; `previews`: the objects of `preview --json`, with
    `why` and `payload`, the hash of what is sent. `gone`: how many problems of the base are none any more.

    `knows_sent` False: there was no archive, so nobody knows what is out. `lacking`: rules that could not be judged.
    """

    revision: str
    before: Side
    after: Side
    found: tuple[Found, ...]
    gone: int
    changes: tuple[Change, ...]
    swings: tuple[Swing, ...]
    previews: tuple[Mapping[str, Any], ...]
    now: datetime
    knows_sent: bool = True
    lacking: int = 0


class _Entry(NamedTuple):
    """Lines that stand in one fence. `caption`: Markdown above it; "": they go on in the fence before."""

    caption: str
    lines: tuple[str, ...]


class _Section(NamedTuple):
    heading: str
    intro: str
    entries: tuple[_Entry, ...]
    unit: str
    command: str                 # shows all of it


# --- the comment ------------------------------------------------------------------------------------------------------


def comment(review: Review) -> str:
    """The whole comment, at most LIMIT long. What is left out is said, with the command that shows it."""
    head = _head(review)
    sections = (_problems(review), _plan(review), _gates(review), _previews(review))
    rooms = _rooms([sum(map(_cost, one.entries)) for one in sections], LIMIT - _size(head) - _NOTES)
    told = [_told(section, room) for section, room in zip(sections, rooms, strict=True)]
    return "\n\n".join((head, *told)) + "\n"


def failed(what: str, remedy: str) -> str:
    """The comment on content that cannot be read at all."""
    return "\n\n".join((MARKER, "## Drumbeat review",
                        "**The content cannot be read: merged, it would be refused, and the plan in force stays.**",
                        fenced((behind("● ", what), behind("    remedy: ", remedy))))) + "\n"


def _head(review: Review) -> str:
    rows = [f"| {name} | {old} | {new} |" for name, old, new in (
        ("errors", review.before.errors, review.after.errors),
        ("warnings", review.before.warnings, review.after.warnings),
        ("posts", review.before.posts, review.after.posts),
        ("planned to go out", review.before.going, review.after.going))]
    new = sum(one.is_new for one in review.found if one.problem.severity is Severity.error)
    verdict = "**No errors.**" if not review.after.errors else (
        f"**{_many(review.after.errors, 'error')}, {new} of them new: what they are about does not go out.**")
    if not review.knows_sent:
        verdict += " No archive was looked into: what is out already is not known here."
    if review.lacking:
        verdict += f" {_many(review.lacking, 'rule')} had nothing to look at here (`drumbeat check --advice`)."
    return "\n\n".join((MARKER, "## Drumbeat review", verdict,
                        "\n".join(("| | base | with this change |", "|---|---:|---:|", *rows))))


def _problems(review: Review) -> _Section:
    chosen = [one for one in review.found if one.is_new or one.problem.severity is not Severity.advice]
    told, old = list(_together(chosen)), len(review.found) - len(chosen)
    number, new = len(told), sum(one.is_new for one in told)
    intro = "None." if not told else f"{number}, {new} of them new (marked `●`)."
    intro += f" {review.gone} of the base {'is' if review.gone == 1 else 'are'} gone." if review.gone else ""
    intro += f" Not shown: {old} advice that the base has too (`drumbeat check --advice`)." if old else ""
    return _Section("Problems", intro, tuple(_problem(one) for one in told), "problem", "drumbeat check --advice")


def _together(found: Iterable[Found]) -> Iterable[Found]:
    """What is the same but for the channel is told once, with all the channels."""
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for one in found:
        problem, channel = one.problem, one.problem.channel
        words = (problem.message, problem.remedy)
        alike = tuple(re.sub(_word(channel), "\0", text) if channel else text for text in words)
        groups.setdefault((one.is_new, problem.severity, problem.place, problem.code, *alike), []).append(problem)
    for (is_new, *_), problems in groups.items():
        first, names = problems[0], sorted({problem.channel or "" for problem in problems})
        if len(names) > 1 and first.channel:
            listed = f"{', '.join(names[:-1])} and {names[-1]}"
            message, remedy = (re.sub(_word(first.channel), listed.replace("\\", r"\\"), text)
                               for text in (first.message, first.remedy))
            first = first._replace(message=message, remedy=remedy)
        yield Found(first, bool(is_new))


def _word(name: str) -> str:
    return rf"(?<![\w-]){re.escape(name)}(?![\w-])"


def _problem(found: Found) -> _Entry:
    problem, sign = found.problem, "●" if found.is_new else "·"
    said = f"{problem.place}: {problem.message}  [{problem.code}]"
    return _Entry("", (behind(f"{sign} {problem.severity.value} ", said), behind("    remedy: ", problem.remedy)))


def _plan(review: Review) -> _Section:
    entries = tuple(_Entry("", (behind("· ", line),)) for line in lines(review.changes, now=review.now))
    return _Section("Plan", summary(review.changes), entries, "line", f"drumbeat plan --diff {review.revision}")


def _gates(review: Review) -> _Section:
    entries = [_Entry("", (behind("■ ", f"{swing.name}: {_swung(swing)}"), *_swing(swing))) for swing in review.swings]
    return _Section("Gates", "" if entries else "None changes.", tuple(entries), "gate", "drumbeat gates")


def _swung(swing: Swing) -> str:
    if swing.before is None or swing.after is None:
        return f"new, {swing.after.value}" if swing.after else "gone"
    return swing.after.value if swing.before is swing.after else f"{swing.before.value} → {swing.after.value}"


def _swing(swing: Swing) -> Iterable[str]:
    for old, new in swing.lines:
        if new is None:
            if swing.after is not None and old is not None:
                yield behind("    gone: ", old.what)
            continue
        if swing.before is None and not new.shut:
            continue                                              # of a new gate only what is open
        states = _light(new) if old is None or _light(old) == _light(new) else f"{_light(old)} → {_light(new)}"
        yield behind(f"    {states}  ", f"{new.what}: {new.evidence}")
        if new.shut and new.remedy:
            yield behind("        → ", f"Ask {new.owner}: {new.remedy}" if new.owner else new.remedy)


def _light(line: GateLine) -> str:
    return "waived" if line.waived is not None else line.state.value


def _previews(review: Review) -> _Section:
    posts: dict[str, list[Mapping[str, Any]]] = {}
    for one in review.previews:
        posts.setdefault(one["slot"].rpartition("@")[0], []).append(one)
    entries = tuple(_Entry(f"**{coded(post)}**", tuple(line for one in alike for line in _preview(one)))
                    for post, alike in posts.items())
    intro = "No post is new or says something else." if not posts else (
        f"{_many(len(posts), 'post')} as each network will show {'it' if len(posts) == 1 else 'them'}.")
    return _Section("Previews", intro, entries, "post", "drumbeat preview")


def _preview(one: Mapping[str, Any]) -> Iterable[str]:
    """One message: when, how long, the hash of what is sent; then its words, each line behind a bar."""
    when = f"{one['local']} {one['zone']}" if one["local"] else "no time yet"
    runs = f", {one['runs'] - 1} more runs like it" if one.get("runs", 1) > 1 else ""
    yield behind("▶ ", f"{one['channel']} ({one['network']}), {when}{runs}")
    for name, words in (("why", "waits"), ("title", "title"), ("warning", "readers are warned first"),
                        ("card", "link card")):
        if one[name]:
            yield behind(f"  {words}: ", one[name])
    if one["payload"]:
        yield f"  payload sha256 {one['payload']}"
    for number, part in enumerate(one["parts"], 1):
        kind = "first comment" if part["kind"] == "comment" else f"part {number}" if len(one["parts"]) > 1 else "text"
        yield f"  {kind}, {part['length']}{' of ' + str(part['limit']) if part['limit'] else ''}:"
        text = part["text"]
        for line in text[:_PART].split("\n"):
            yield from (f"  │ {visible(line[start:start + LINE])}" for start in range(0, len(line) or 1, LINE))
        if len(text) > _PART:
            yield f"  ┊ {len(text) - _PART} more characters: drumbeat preview"
    for media in one["media"]:
        said = "no description" if media["alt"] is None else media["alt"] or "decorative"
        yield behind("  ▣ ", f"{media['file']}: {said}")
    if one["poll"]:
        yield behind("  poll: ", " / ".join(one["poll"]))


# --- what fits --------------------------------------------------------------------------------------------------------


def _rooms(wanted: Sequence[int], left: int) -> list[int]:
    """How much each section may take: its share, and what others leave, the first before the next."""
    rooms = [min(want, share) for want, share in zip(wanted, _SHARES, strict=True)]
    for number, want in enumerate(wanted):
        rooms[number] += min(want - rooms[number], max(0, left - sum(rooms)))
    return rooms


def _told(section: _Section, room: int) -> str:
    """A section as Markdown, its entries cut to `room`."""
    taken: list[_Entry] = []
    for entry in section.entries:
        fitting = _shortened(entry, room)
        if fitting is None:
            break
        taken.append(fitting)
        room -= _cost(fitting)
        if fitting is not entry:
            break
    blocks = [f"### {section.heading}", *([section.intro] if section.intro else [])]
    together: list[str] = []
    for number, entry in enumerate(taken):
        together += entry.lines
        if number + 1 == len(taken) or taken[number + 1].caption:
            blocks += [*([entry.caption] if entry.caption else []), fenced(together)]
            together = []
    whole = sum(1 for entry, made in zip(section.entries, taken, strict=False) if entry is made)
    if whole < len(section.entries):
        left = len(section.entries) - whole
        blocks.append(f"Cut here: {left} of {_many(len(section.entries), section.unit)} {'is' if left == 1 else 'are'} "
                      f"not shown whole. {coded(section.command)} shows all.")
    return "\n\n".join(blocks)


def _shortened(entry: _Entry, room: int) -> _Entry | None:
    """The entry, or as many of its lines as fit; None when not even some do."""
    if _cost(entry) <= room:
        return entry
    for number in range(len(entry.lines) - 1, 2, -1):
        made = _Entry(entry.caption, (*entry.lines[:number], f"  ┊ {_many(len(entry.lines) - number, 'more line')}"))
        if _cost(made) <= room:
            return made
    return None


def _cost(entry: _Entry) -> int:
    return _size(entry.caption) + sum(_size(line) + 1 for line in entry.lines) + 2 * fence_length(entry.lines) + 16


def _size(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _many(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
