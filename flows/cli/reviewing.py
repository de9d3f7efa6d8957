"""review: what merging a change would do, as one comment for its pull request. It sends nothing."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import click

import publishers
from flows.cli.calendaring import changed
from flows.cli.options import archive_of, exists, settings_of, shared, time_of
from flows.cli.previewing import payload, variant
from flows.cli.surveying import published
from flows.cli.telling import many, say, tell_json
from flows.edges.plans import last_good
from flows.edges.repository import Repository, UnknownRevision, working_tree
from flows.edges.settings import Settings
from flows.edges.store import Store, open_store
from flows.foresee import foresee
from flows.know import knower
from flows.observe import is_rehearsal, sent_of, standings_of
from flows.planning.commenting import Review, Side, comment, failed
from flows.planning.comparing import Change, Difference, compare
from flows.planning.contrasting import Found, Swing, marked, swings
from flows.planning.fencing import annotation
from flows.planning.preparing import Prepared, prepare
from flows.planning.reviewing import counts
from flows.pull import approve
from schemas.content import SourceFile
from schemas.errors import ContentError
from schemas.ledger import Slot, Standing
from schemas.problem import Problem, Severity

_SHOWN = frozenset({Difference.id_changed, Difference.moved, Difference.new, Difference.restored,
                    Difference.text_changed})


@click.command("review", short_help="What merging a change would do, as one comment for its pull request.")
@click.option("--base", "revision", required=True, metavar="REV", help="The commit that the change is merged into.")
@click.option("--annotate", is_flag=True, help="Tell new errors and warnings on stderr too, as GitHub reads them.")
@shared(archive=True)
def review_command(
    revision: str, annotate: bool, content: str | None, archive: str | None, now: datetime | None, as_json: bool
) -> int:
    """Problems, plan, gates and previews of the working tree, held against commit REV, as one comment in Markdown.

    Nothing that the content says is live in it: no link, no picture, no mention. It begins with a hidden mark, by which
    it is found and updated; infra/ci/ has workflows that post it. The exit code is 1 when there are errors.

    \b
    Example: drumbeat review --base HEAD
    """
    settings = settings_of(content)
    try:
        seen = _look(settings, archive, revision, time_of(settings, now))
        approve(seen.after.content)
    except UnknownRevision:
        raise
    except ContentError as error:
        if as_json:
            raise
        click.echo(failed(error.what, error.remedy), nl=False)
        say("The content cannot be read.")
        return error.exit_code
    review = seen.review(revision)
    if as_json:
        tell_json(_told(review))
    else:
        click.echo(comment(review), nl=False)
    for found in review.found if annotate else ():
        if found.is_new and found.problem.severity is not Severity.advice:
            say(annotation(found.problem))
    new = sum(1 for found in review.found if found.is_new and found.problem.severity is Severity.error)
    say(f"{many(review.after.errors, 'error')}, {new} new; {many(len(review.changes), 'change')} of the plan.")
    return 1 if review.after.errors else 0


class _Seen(NamedTuple):
    """Both sides, by what the archive knows. `store` None: nobody made an archive yet."""

    settings: Settings
    before: Prepared
    after: Prepared
    standings: Mapping[Slot, Standing]
    store: Store | None
    now: datetime

    def review(self, revision: str) -> Review:
        olds, news = (
            (*side.problems, *foresee(side, self.settings, self.now)) for side in (self.before, self.after))
        found, gone = marked(olds, news)
        changes = compare(self.before, self.after, self.standings)
        previews = tuple(_previews(self.after, changes, self.settings.content))
        return Review(revision, _side(self.before, olds), _side(self.after, news), found, gone, changes,
                      swings(self.before.gates, self.after.gates), previews, self.now, self.store is not None,
                      len(self.after.lacking))


def _side(side: Prepared, problems: tuple[Problem, ...]) -> Side:
    often = Counter(problem.severity for problem in problems)
    return Side(often[Severity.error], often[Severity.warning], often[Severity.advice],
                len(side.content.posts) + len(side.content.drafts), len(side.plan.items))


def _look(settings: Settings, archive: str | None, revision: str, now: datetime) -> _Seen:
    """The commit and the working tree as they would be published; a rehearsal counts only when it is named.

    Raises SettingsError, StoreError, UnknownRevision, and ContentError when the working tree has nothing to look at.
    """
    where = archive_of(settings, archive, rehearse=None if archive is not None else False)
    store = open_store(where.url) if exists(where.url) else None
    standings, kept = (standings_of(store), last_good(store)) if store else ({}, {})
    rehearsal = is_rehearsal(store)
    repository = Repository(settings.content)
    base = repository.commit_of(revision)
    files = list(working_tree(settings.content))
    listed = _listed(repository, base)
    about: dict[str, Any] = {
        "networks": publishers.available(), "judge": publishers.judge, "now": now,
        "sent": sent_of(standings) if store is not None else None}
    root = repository.prefix or "."
    before = prepare(
        repository.files(base) if listed else [], root, base, kept=kept, **about,
        know=knower(repository, base, home=settings.home, rehearsal=rehearsal, working_tree=False))
    # Free times that the base found stay given, as `plan --diff` has it. What the base has not was never published
    # under its name, so a time of it that has passed is a mistake.
    kept = {one.slot: one.at for one in before.plan.everything() if one.found and one.at is not None} | kept
    known = None if store is None or rehearsal else frozenset(published(standings))
    after = prepare(
        files, root, "working tree", kept=kept, published=known, **about,
        know=knower(repository, None, home=settings.home, rehearsal=rehearsal, working_tree=True),
        fresh=frozenset(file.path for file in files) - {file.path for file in listed})
    return _Seen(settings, before, after, standings, store, now)


def _listed(repository: Repository, base: str) -> list[SourceFile]:
    """The content folder of the base; nothing where it has none, or none that can be read: then all is new."""
    try:
        return repository.listing(base)
    except ContentError:
        return []


def _previews(side: Prepared, changes: tuple[Change, ...], folder: Path) -> list[dict[str, Any]]:
    """Each new or changed message once, by time, with the hash of what is sent; runs that say the same are counted."""
    slots = {one.slot: one for one in side.plan.everything()}
    wanted = {change.slot for change in changes if change.kind in _SHOWN}
    alike: dict[tuple[Any, ...], dict[str, Any]] = {}
    for slot, one in sorted(slots.items(), key=lambda pair: (pair[1].at is None, pair[1].at, pair[0])):
        if slot not in wanted:
            continue
        made = variant(slot, one, side)
        message = side.messages.get(slot)
        key = (slot.post, slot.channel, one.at is None, message.model_dump_json(exclude={"slot"}) if message else None)
        if key in alike:
            alike[key]["runs"] += 1
            continue
        alike[key] = {**made, "payload": payload(message, folder) if message is not None else None, "runs": 1}
    return list(alike.values())


def _told(review: Review) -> dict[str, Any]:
    """The object of `review --json`."""
    return {
        "base": review.revision,
        "problems": [_found(one) for one in review.found],
        "counts": {"before": review.before._asdict(), "after": review.after._asdict(), "gone": review.gone,
                   "changes": counts(review.changes)},
        "changes": [changed(change) for change in review.changes],
        "gates": [_swing(swing) for swing in review.swings],
        "messages": list(review.previews),
    }


def _found(one: Found) -> dict[str, Any]:
    return {**one.problem.as_dict(), "new": one.is_new}


def _swing(swing: Swing) -> dict[str, Any]:
    def line(one: Any) -> dict[str, Any] | None:
        return None if one is None else {
            "state": one.state.value, "key": one.key, "what": one.what, "evidence": one.evidence,
            "remedy": one.remedy, "owner": one.owner, "waived": one.waived}

    return {"gate": swing.name, "before": swing.before and swing.before.value,
            "after": swing.after and swing.after.value,
            "lines": [{"before": line(old), "after": line(new)} for old, new in swing.lines]}
