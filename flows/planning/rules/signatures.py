"""PPL001, PPL003: each text has an author whom the team knows, and the approval of somebody else.

Git is asked where it is there; what the files say by themselves is judged without it.
"""
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over, joined
from flows.planning.timing import wall
from schemas.campaign import Approval
from schemas.content import Entry, Resolved
from schemas.history import FileHistory
from schemas.people import Person, Team
from schemas.place import Place
from schemas.plan import Item, Waiting
from schemas.problem import Problem, Severity

_MAY_APPROVE = frozenset(("approver", "sponsor"))
_HIDDEN = re.compile(r"@(?:[^@]*\.)?no-?reply\.|^no-?reply@")
"""What forges write for people who keep their address to themselves, and for what is edited in the browser."""
_SHOWN = 3


def is_here(person: Person, today: date) -> bool:
    """Whether somebody works with us today: active, and not from outside with their time over."""
    until = person.external.until if person.external is not None else None
    return person.active and (until is None or until >= today)


class _Book(NamedTuple):
    """Who is who, and what Git knows of each file; `history` None: nobody asked it."""

    people: Mapping[str, Person]
    addresses: Mapping[str, Sequence[Person]]                     # by address in small letters; one may be shared
    history: Mapping[str, FileHistory] | None
    root: str
    nameless: Sequence[str]                                       # who is here and has no address

    def of(self, post: Resolved) -> FileHistory | None:
        """What Git knows of a post's file."""
        return (self.history or {}).get(post.post.file.removeprefix(f"{self.root}/"))

    def writer(self, post: Resolved) -> str | None:
        """Who wrote a post: as it says, else the person who committed its text last."""
        if post.post.head.author is not None:
            return post.post.head.author
        file = self.of(post)
        return self.only(file.last.author) if file is not None else None

    def only(self, address: str) -> str | None:
        """The one person who commits with an address; None: nobody, or nobody can tell which of several."""
        people = self.addresses.get(address.lower(), ())
        return people[0].id if len(people) == 1 else None


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
    addresses: dict[str, list[Person]] = {}
    for person in people:
        for address in dict.fromkeys(address.strip().lower() for address in person.git):
            addresses.setdefault(address, []).append(person)
    nameless = [person.id for person in people if not person.git and is_here(person, facts.today())]
    return _Book({person.id: person for person in people}, addresses, history, facts.content.root, nameless), entry


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

    `author:` answers for the text; who committed it last is the author where it is left out, and must be inside of
    their scope in any case. In a team in which nobody has a git: address nobody can be known by it: that is said once,
    and no post is held for it. Only posts of which something is still to go out are looked at: whoever left since, or
    was taken out of the team, wrote the others rightly while they were here.
    """
    if "people/team.yaml" in facts.content.unreadable:
        return
    book, entry = _book(facts)
    lives = _lives(facts)
    if book.history is not None and not book.addresses:
        place = entry.place("people") if entry is not None else Place(f"{facts.content.root}/people/team.yaml")
        yield KNOWN.at(place, "Nobody in the team has a git: address, so nobody can tell who wrote what.",
                       "Add git: to each person: the addresses they commit with.", severity=Severity.advice)
    for post in facts.content.posts:
        life = lives.get(post.id) or _Life(None, post.timezone or facts.content.timezone, True)
        if not life.is_ahead or post.post.head.withdraw:
            continue
        author = post.post.head.author
        if author is not None:
            yield from _by_author(post, author, book, life, facts)
        file = book.of(post) if book.addresses else None
        if file is not None:
            yield from _by_committer(post, file.last.author, author, book, life, facts)


def _by_committer(post: Resolved, address: str, author: str | None, book: _Book, life: _Life,
                  facts: Facts) -> Iterator[Problem]:
    """Of several who share an address, one who may is enough."""
    people = book.addresses.get(address.lower(), ())
    if not people:
        yield _unknown(post, address, author, book)
    elif author not in {person.id for person in people}:
        judged = [list(_allowed(post, person, life, facts) if author is None else _in_scope(post, person, facts))
                  for person in people]
        yield from () if not all(judged) else judged[0]


def _unknown(post: Resolved, address: str, author: str | None, book: _Book) -> Problem:
    """An address of nobody. It is an error only where nobody else can be meant: else it is not known who wrote it."""
    what = f"{address} is nobody's address" if address else "its last commit names no address"
    doubt = None
    if author in book.people:
        doubt = f"{what}; {author} answers for it"
    elif address and _HIDDEN.search(address):
        doubt = f"{address} hides whose address it is"
    elif book.nameless:
        has = "has" if len(book.nameless) == 1 else "have"
        doubt = f"{what}, and {_some(book.nameless)} {has} none in people/team.yaml"
    add = f"Add {address} to the team: under git: of its person in people/team.yaml" if address else (
        "Set your address with 'git config user.email', and commit it again")
    return KNOWN.at(post.post.place(), f"Who wrote this? {doubt or what}.",
                    f"{add}{'' if author in book.people else '; or name who answers for it under author:'}.", post.id,
                    severity=Severity.warning if doubt is not None else None)


def _some(names: Sequence[str]) -> str:
    return joined(names if len(names) <= _SHOWN else [*names[:_SHOWN], f"{len(names) - _SHOWN} more"])


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
    root = f"{facts.content.root}/"
    path = post.post.file.removeprefix(root)
    scope = person.external.scope if person.external is not None else ()
    folders = [folder.strip().removeprefix("./").removeprefix(root).rstrip("*").strip("/") for folder in scope]
    if folders and not any(_is_below(path, folder, facts.content.root) for folder in folders):
        yield KNOWN.at(post.post.place("author"), f"{person.id} writes for us in {', '.join(folders)}, and this is "
                       f"{path}.", "Have somebody of the team write it, or add its folder to scope: in "
                       "people/team.yaml.", post.id)


def _is_below(path: str, folder: str, root: str) -> bool:
    """Whether a file lies in a folder, which may be a campaign by its name, or all of the content."""
    return folder in ("", ".", root) or path in (folder, f"{folder}.md") or path.startswith(
        (f"{folder}/", f"campaigns/{folder}/"))


def _unapproved(facts: Facts) -> Iterator[Problem]:
    """A post of a campaign with `approval:` that too few have agreed to, as long as something of it is to go out."""
    asked = {entry.folder: campaign.approval for entry, campaign in facts.campaigns()
             if campaign.approval is not None}
    if not asked:
        return
    book, _ = _book(facts)
    lives = _lives(facts)
    for post in facts.content.posts:
        approval, life = asked.get(post.post.campaign or ""), lives.get(post.id)
        if approval is not None and (life is None or life.is_ahead) and not post.post.head.withdraw:
            yield from _too_few(post, approval, book, facts)


def _too_few(post: Resolved, approval: Approval, book: _Book, facts: Facts) -> Iterator[Problem]:
    """Nobody approves their own text, nor a text that changes later; who merges it, and may approve, agrees to it.

    Names that a post inherits from its campaign's defaults approve nothing: an approval is about one text.
    """
    need = approval.need if "need" in approval.model_fields_set else facts.knob(APPROVED, "need")
    if need < 1:
        return
    author, file = book.writer(post), book.of(post)
    names = post.post.head.approved_by if "approved_by" in post.post.places else ()
    asked = _asked(approval, author, book)
    if author is not None and author in names:
        yield _own(post, author, names.index(author), asked)
        return
    written = {name for name in names if not approval.from_ or name in approval.from_}
    merged = _merged(file, approval, author, book)
    changed = _changed(file, facts)
    count = len(merged if changed is not None else merged | written)
    if count >= need:
        return
    needs = f"Needs {need} {'approval' if need == 1 else 'approvals'} from {_either(asked)}"
    if changed is not None and len(merged | written) >= need:
        said, remedy = f"The text was changed {changed}. {needs}.", (
            "Ask again: take the names out of approved_by: and commit, then have them written anew.")
    else:
        said, remedy = f"{needs}; it has {count or 'none'}.", "Ask, and write who agreed under approved_by:."
    if approval.from_ and len(asked) < need:
        can = f"only {_either(asked)} may" if asked else "nobody may"
        remedy = (f"Of those under approval: of campaign.yaml {can} agree to it: add somebody to from: there, or lower "
                  "need:.")
    yield APPROVED.at(post.post.place("approved_by"), said, remedy, post.id)


def _own(post: Resolved, author: str, at: int, asked: Sequence[str]) -> Problem:
    """Somebody approves what they wrote; by Git alone it may be a slip of the pen that they mended."""
    said, remedy = f"{author} wrote this and approves it.", (
        f"Take {author} out of approved_by:, and ask {_either(asked)}.")
    if post.post.head.author is None:
        said = f"{author} changed this text last, as Git says, and approves it."
        remedy = f"Name who wrote it under author:. If it is {author}: {remedy[0].lower()}{remedy[1:]}"
    return APPROVED.at(post.post.place("approved_by", at), said, remedy, post.id)


def _asked(approval: Approval, author: str | None, book: _Book) -> list[str]:
    """Whom to ask: those whom the campaign names, else whoever may approve."""
    names = approval.from_ or [person.id for person in book.people.values()
                               if person.active and not _MAY_APPROVE.isdisjoint(person.roles)]
    return [name for name in names if name != author]


def _merged(file: FileHistory | None, approval: Approval, author: str | None, book: _Book) -> set[str]:
    """Who agreed by merging the last change."""
    if file is None:
        return set()
    writers = {author, book.only(file.last.author)}               # with another address of theirs, perhaps
    return {id for id in map(book.only, file.merged_by) if id is not None and id not in writers
            and not _MAY_APPROVE.isdisjoint(book.people[id].roles) and (not approval.from_ or id in approval.from_)}


def _changed(file: FileHistory | None, facts: Facts) -> str | None:
    """When the text was changed after it was approved, in words; None: it was not."""
    if file is None or file.approved is None or file.changed is None:
        return None
    zone = wall(facts.content.timezone)
    if file.changed.at <= file.approved.at:                       # one of two clocks is wrong
        return f"on {file.changed.at.astimezone(zone):%Y-%m-%d %H:%M}, after it was approved"
    return (f"on {file.changed.at.astimezone(zone):%Y-%m-%d %H:%M}, after its approval of "
            f"{file.approved.at.astimezone(zone):%Y-%m-%d %H:%M}")


def _either(names: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    if not names:
        return "somebody else"
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


KNOWN = Rule(
    "PPL001", Severity.error, "FG", "The author of a post that is still to go out, or who committed its text last, is "
    "not in the team, is not active, or is from outside and beyond their scope or time. As a warning: nobody can tell "
    "who committed it, for the address hides it, somebody in the team has none, or author: names who answers for it.",
    "Add their address to the team, or name who answers for the text under author:.", all=_strangers)
APPROVED = Rule(
    "PPL003", Severity.error, "FG", "A post of a campaign that asks for approval has too few, is approved by its own "
    "author, or its text was changed after it was approved.", "Ask those whom the campaign names.", all=_unapproved,
    knobs={"need": 1})
