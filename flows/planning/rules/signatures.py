"""PPL001, PPL003: each text has an author whom the team knows, and the approval of somebody else.

Git is asked where it is there; what the files say by themselves is judged without it.
"""
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over
from flows.planning.timing import wall
from schemas.campaign import Approval
from schemas.content import Entry, Resolved
from schemas.history import FileHistory
from schemas.people import Person, Team
from schemas.place import Place
from schemas.plan import Item, Waiting
from schemas.problem import Problem, Severity

_MAY_APPROVE = frozenset(("approver", "sponsor"))


class _Book(NamedTuple):
    """Who is who, and what Git knows of each file; `history` None: nobody asked it."""

    people: Mapping[str, Person]
    addresses: Mapping[str, Person]                               # by address in small letters
    history: Mapping[str, FileHistory] | None
    root: str

    def of(self, post: Resolved) -> FileHistory | None:
        """What Git knows of a post's file."""
        return (self.history or {}).get(post.post.file.removeprefix(f"{self.root}/"))

    def writer(self, post: Resolved) -> str | None:
        """Who wrote a post: as it says, else the person who committed its text last."""
        if post.post.head.author is not None:
            return post.post.head.author
        file = self.of(post)
        person = self.addresses.get(file.last.author) if file is not None else None
        return person.id if person is not None else None


class _Life(NamedTuple):
    """When a post goes out first (None: nobody knows), by whose clock, and whether any of it is still to go out."""

    first: datetime | None
    zone: str
    is_ahead: bool

    def day(self, now: datetime) -> date:
        """Its first day; without a time it is judged as if it went out now."""
        return (self.first or now).astimezone(wall(self.zone)).date()


def _book(facts: Facts) -> tuple[_Book, Entry | None]:
    entry = next((entry for entry in facts.content.entries if isinstance(entry.value, Team)), None)
    people = entry.value.people if entry is not None and isinstance(entry.value, Team) else ()
    history = facts.world.history.files if facts.world.history is not None else None
    addresses = {address.strip().lower(): person for person in people for address in person.git}
    return _Book({person.id: person for person in people}, addresses, history, facts.content.root), entry


def _lives(facts: Facts) -> dict[str, _Life]:
    """By post id."""
    lives: dict[str, _Life] = {}
    for one in facts.plan.everything():
        known = lives.get(one.post.id)
        lives[one.post.id] = _with(known, one, facts) if known is not None else _Life(
            one.at, one.zone, not is_over(one, facts))
    return lives


def _with(life: _Life, one: Item | Waiting, facts: Facts) -> _Life:
    is_ahead = life.is_ahead or not is_over(one, facts)
    if one.at is not None and (life.first is None or one.at < life.first):
        return _Life(one.at, one.zone, is_ahead)
    return life._replace(is_ahead=is_ahead) if is_ahead != life.is_ahead else life


def _strangers(facts: Facts) -> Iterator[Problem]:
    """A text by somebody whom the team does not know, or who may not write it.

    `author:` answers for the text; who committed it last is the author where it is left out, and must be somebody of
    the team, inside of their scope, in any case. In a team in which nobody has a git: address nobody can be known by
    it: that is said once, and no post is held for it. Somebody who left wrote rightly while they were here: they are
    asked about only while something of the post is still to go out.
    """
    if "people/team.yaml" in facts.content.unreadable:
        return
    book, entry = _book(facts)
    lives = _lives(facts) if any(not one.active or one.external for one in book.people.values()) else {}
    if book.history is not None and not book.addresses:
        place = entry.place("people") if entry is not None else Place(f"{facts.content.root}/people/team.yaml")
        yield KNOWN.at(place, "Nobody in the team has a git: address, so nobody can tell who wrote what.",
                       "Add git: to each person: the addresses they commit with.", severity=Severity.advice)
    for post in facts.content.posts:
        author, file = post.post.head.author, book.of(post)
        life = lives.get(post.id) or _Life(None, post.timezone or facts.content.timezone, True)
        if author is not None:
            yield from _by_author(post, author, book, life, facts)
        if file is None or not book.addresses:
            continue
        committer = book.addresses.get(file.last.author)
        if committer is None:
            yield KNOWN.at(post.post.place(), f"Who wrote this? {file.last.author} is nobody's address.",
                           f"Add {file.last.author} to the team: under git: of its person in people/team.yaml.",
                           post.id)
        elif author is None:
            yield from _allowed(post, committer, life, facts)
        elif committer.id != author:
            yield from _in_scope(post, committer, facts)


def _by_author(post: Resolved, author: str, book: _Book, life: _Life, facts: Facts) -> Iterator[Problem]:
    person = book.people.get(author)
    if person is None:
        yield KNOWN.at(post.post.place("author"), f"Who wrote this? Nobody in the team is '{author}'.",
                       f"Add {author} to people/team.yaml, or name somebody who is in it.", post.id)
    else:
        yield from _allowed(post, person, life, facts)


def _allowed(post: Resolved, person: Person, life: _Life, facts: Facts) -> Iterator[Problem]:
    """What keeps somebody from being its author."""
    other = "Name who answers for it now under author:"
    if not person.active and life.is_ahead:
        yield KNOWN.at(post.post.place("author"), f"Who wrote this? {person.id} is not active any more.",
                       f"{other}, or set active: true for {person.id} in people/team.yaml.", post.id)
    yield from _in_scope(post, person, facts)
    until = person.external.until if person.external is not None else None
    if until is not None and (day := life.day(facts.now)) > until:
        yield KNOWN.at(post.post.place("author"), f"{person.id} writes for us until {until}, and this goes out on "
                       f"{day}.", f"{other}, move the post before that, or extend until: in people/team.yaml.", post.id)


def _in_scope(post: Resolved, person: Person, facts: Facts) -> Iterator[Problem]:
    """Somebody from outside writes below the folders of their scope; without a scope nothing says where not."""
    scope = person.external.scope if person.external is not None else ()
    root = f"{facts.content.root}/"
    path = post.post.file.removeprefix(root)
    folders = [folder.removeprefix(root).strip("/") for folder in scope]
    if folders and not any(path.startswith(f"{folder}/") for folder in folders):
        yield KNOWN.at(post.post.place("author"), f"{person.id} writes for us in {', '.join(folders)}, and this is "
                       f"{path}.", "Have somebody of the team write it, or add its folder to scope: in "
                       "people/team.yaml.", post.id)


def _unapproved(facts: Facts) -> Iterator[Problem]:
    """A post of a campaign with `approval:` that too few have agreed to."""
    asked = {entry.file.split("/")[-2]: campaign.approval for entry, campaign in facts.campaigns()
             if campaign.approval is not None}
    if not asked:
        return
    book, _ = _book(facts)
    lives = _lives(facts) if book.history is not None else {}
    for post in facts.content.posts:
        approval = asked.get(post.post.campaign or "")
        if approval is not None:
            life = lives.get(post.id)
            yield from _too_few(post, approval, book, facts, is_ahead=life is None or life.is_ahead)


def _too_few(post: Resolved, approval: Approval, book: _Book, facts: Facts, *, is_ahead: bool) -> Iterator[Problem]:
    """Nobody approves their own text, nor a text that changes later; who merges it, and may approve, agrees to it.

    Names that a post inherits from its campaign's defaults approve nothing: an approval is about one text. A change
    after the approval is told only while something of the post is still to go out.
    """
    need = approval.need if "need" in approval.model_fields_set else facts.knob(APPROVED, "need")
    if need < 1:
        return
    author, file = book.writer(post), book.of(post)
    names = post.post.head.approved_by if "approved_by" in post.post.places else ()
    asked = _asked(approval, author, book)
    if author is not None and author in names:
        yield APPROVED.at(
            post.post.place("approved_by", names.index(author)), f"{author} wrote this and approves it.",
            f"Take {author} out of approved_by:, and ask {_either(asked)}.", post.id)
        return
    written = {name for name in names if not approval.from_ or name in approval.from_}
    merged = _merged(file, approval, author, book)
    changed = _changed(file, facts) if is_ahead else None
    count = len(merged if changed is not None else merged | written)
    if count >= need:
        return
    needs = f"Needs {need} {'approval' if need == 1 else 'approvals'} from {_either(asked)}"
    if changed is not None and len(merged | written) >= need:
        said, remedy = f"The text was changed {changed}. {needs}.", "Ask again, and write approved_by: anew."
    else:
        said, remedy = f"{needs}; it has {count or 'none'}.", "Ask, and write who agreed under approved_by:."
    yield APPROVED.at(post.post.place("approved_by"), said, remedy, post.id)


def _asked(approval: Approval, author: str | None, book: _Book) -> list[str]:
    """Whom to ask: those whom the campaign names, else whoever may approve."""
    names = approval.from_ or [person.id for person in book.people.values()
                               if person.active and not _MAY_APPROVE.isdisjoint(person.roles)]
    return [name for name in names if name != author]


def _merged(file: FileHistory | None, approval: Approval, author: str | None, book: _Book) -> set[str]:
    """Who agreed by merging the last change."""
    merged = (book.addresses.get(address.lower()) for address in (file.merged_by if file is not None else ()))
    return {person.id for person in merged
            if person is not None and person.id != author and not _MAY_APPROVE.isdisjoint(person.roles)
            and (not approval.from_ or person.id in approval.from_)}


def _changed(file: FileHistory | None, facts: Facts) -> str | None:
    """When the text was changed after it was approved, in words; None: it was not."""
    if file is None or file.approved is None or file.approved.at >= file.last.at:
        return None
    zone = wall(facts.content.timezone)
    return (f"on {file.last.at.astimezone(zone):%Y-%m-%d %H:%M}, after its approval of "
            f"{file.approved.at.astimezone(zone):%Y-%m-%d %H:%M}")


def _either(names: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    if not names:
        return "somebody else"
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


KNOWN = Rule(
    "PPL001", Severity.error, "FG", "The author of a post, or who committed its text last, is not in the team, is not "
    "active, or is from outside and beyond their scope or time.",
    "Add their address to the team, or name who answers for the text under author:.", all=_strangers)
APPROVED = Rule(
    "PPL003", Severity.error, "FG", "A post of a campaign that asks for approval has too few, is approved by its own "
    "author, or was changed after it was approved.", "Ask those whom the campaign names.", all=_unapproved,
    knobs={"need": 1})
