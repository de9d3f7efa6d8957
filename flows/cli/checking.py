"""check: the problems of the content. It starts without what talks, and remembers its last answer."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from flows.cli.options import settings_of, shared, time_of
from flows.cli.telling import many, say, tell_json, tell_problem
from flows.edges.cache import accounts, committed, fingerprint, keep, kept, trials
from flows.edges.settings import Settings
from schemas.errors import UsageError

_ORDER = ("error", "warning", "advice")


@click.command("check", short_help="Problems of the content, each with its place and a remedy.")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["text", "json", "github"]), default="text", help="How to print problems."
)
@click.option("--advice", is_flag=True, help="Print advice too, not only errors and warnings.")
@shared(archive=True)
def check_command(
    paths: tuple[Path, ...],
    form: str,
    advice: bool,
    content: str | None,
    archive: str | None,
    now: datetime | None,
    as_json: bool,
) -> int:
    """Problems of the whole content folder, or of the files named.

    \b
    Example: drumbeat check content/posts/sharpen-a-chisel.md
    """
    for path in paths:
        if not path.exists():
            raise UsageError(
                f"There is no file {path}.", "Name a file or folder of the content, or none for all of it."
            )
    settings = settings_of(content)
    answer = _answer(settings, archive, time_of(settings, now))
    chosen = [p for p in answer["problems"] if not paths or any(_names(path, p) for path in paths)]
    counts = {
        name: sum(1 for p in chosen if p["severity"] == severity)
        for name, severity in (("errors", "error"), ("warnings", "warning"), ("advice", "advice"))
    }
    counts["posts"] = answer["posts"]
    if as_json or form == "json":
        told = [{key: value for key, value in problem.items() if key != "channel"} for problem in chosen]
        tell_json({"problems": told, "counts": counts, "not_evaluated": sorted(answer["lacking"]),
                   "lacking": answer["lacking"]})
        return 1 if counts["errors"] else 0
    in_turn = sorted(chosen, key=lambda one: _ORDER.index(one["severity"]))           # errors first, else by place
    for problem in in_turn if form == "github" else _together(in_turn):
        if advice or problem["severity"] != "advice":
            tell_problem(problem, form)
    say(
        f"{many(counts['posts'], 'post')}: {many(counts['errors'], 'error')}, {many(counts['warnings'], 'warning')}, "
        f"{counts['advice']} advice{'' if advice or not counts['advice'] else ' (--advice shows it)'}."
    )
    _tell_the_rest(answer, chosen, advice)
    return 1 if counts["errors"] else 0


def _answer(settings: Settings, archive: str | None, now: datetime) -> dict[str, Any]:
    """What check has to say; the last answer again when nothing it depends on has changed within the hour."""
    home, root = settings.home / ".drumbeat/cache", str(Path.cwd())
    state = committed(settings.content)
    logins = accounts(settings.home, settings.credentials) + trials(settings.home)
    key = fingerprint(settings.content, root, state, logins, f"{now:%Y-%m-%dT%H}") if archive is None else ""
    if key and (answer := kept(home, "check", key)) is not None:
        made: dict[str, Any] = answer
        return made
    from flows.check import check
    from flows.foresee import foresee
    from flows.planning.rules.ruling import why_lacking
    from schemas.problem import in_order

    done = check(settings.content, now=now, published=_published(archive), home=settings.home)
    made = {
        "problems": [{**p.as_dict(), "channel": p.channel} for p in in_order((*done.problems,
                                                                              *foresee(done, settings, now)))],
        "lacking": {code: [why_lacking(done.world, name) for name in names]
                    for code, names in done.lacking.items()},
        "posts": len(done.content.posts) + len(done.content.drafts),
    }
    if key:
        keep(home, "check", key, made)
    return made


def _together(problems: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What is the same but for the channel is told once, with all the channels."""
    groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for one in problems:
        texts = [_without(one[name], one["channel"]) for name in ("message", "remedy")]
        key = (*(one[name] for name in ("code", "severity", "file", "line", "column")), *texts)
        groups.setdefault(key, []).append(one)
    made = []
    for alike in groups.values():
        first, names = alike[0], sorted({one["channel"] or "" for one in alike})
        if len(names) > 1:
            word, every = _word(first["channel"]), _listed(names)
            first = {**first, **{name: re.sub(word, every, first[name]) for name in ("message", "remedy")}}
        made.append(first)
    return made


def _without(text: str, channel: str | None) -> str:
    return text if channel is None else re.sub(_word(channel), "\0", text)


def _word(name: str) -> str:
    return rf"(?<![\w-]){re.escape(name)}(?![\w-])"


def _listed(names: list[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}"


def _tell_the_rest(answer: dict[str, Any], chosen: list[dict[str, Any]], advice: bool) -> None:
    """What is not judged for want of something to look at, and what is to do before an ask or a campaign."""
    todo = sum(1 for problem in chosen if problem["severity"] == "advice" and problem.get("gate"))
    if todo:
        say(f"{todo} of them {'is' if todo == 1 else 'are'} for later: what a first ask or campaign needs "
            "('drumbeat gates').")
    reasons: dict[str, list[str]] = {}
    for code, whys in sorted(answer["lacking"].items()):
        reasons.setdefault("; ".join(whys), []).append(code)
    if reasons and not advice:
        say(f"{many(len(answer['lacking']), 'rule')} had nothing to look at here (--advice says which and why).")
    for why, codes in reasons.items() if advice else ():
        say(f"Not judged: {', '.join(codes)}: {why}.")


def _published(archive: str | None) -> frozenset[str] | None:
    """Post ids that the archive knows, when one was named: `check` never reaches for an archive by itself."""
    if archive is None:
        return None
    from flows.edges.store import open_store
    from flows.observe import reader

    return frozenset(slot.post for slot in reader(open_store(archive)).all_slots())


def _names(path: Path, problem: dict[str, Any]) -> bool:
    place, named = Path(problem["file"]).absolute(), path.absolute()
    return place == named or named in place.parents
