"""IDE: whoever gave us an idea hears what became of it."""
from collections.abc import Iterator
from datetime import timedelta

from flows.planning.rules.ruling import Facts, Rule
from schemas.content import Entry
from schemas.idea import Idea
from schemas.problem import Problem, Severity

_PATIENCE = timedelta(days=14)
_FROM_PEOPLE = ("crowd", "customer")


def _unanswered(facts: Facts) -> Iterator[Problem]:
    ideas = [(entry, entry.value) for entry in facts.content.entries if isinstance(entry.value, Idea)]
    posts, made_of = _published(facts) if any(_is_uncredited(idea) for _, idea in ideas) else (set(), set())
    for entry, idea in ideas:
        yield from _left_lying(entry, idea, facts)
        if idea.status == "declined" and not (idea.declined_why or "").strip():
            yield ANSWERED.at(entry.place("status"), f"The idea {entry.id} was declined, and nothing says why.",
                              "Write declined_why:, and tell whoever gave it.")
        is_out = idea.status == "published" or idea.became in posts or entry.id in made_of
        if is_out and _is_uncredited(idea):
            ref = f" under {idea.source.ref}" if idea.source is not None and idea.source.ref else ""
            giver = "a customer" if idea.from_ == "customer" else "the crowd"
            yield ANSWERED.at(entry.place("source", "credit"), f"The idea {entry.id} of {giver} is published, and "
                              "nobody has asked whose name may stand there.",
                              f"Ask{ref}, name them if they like, and write credit: yes or no.")


def _left_lying(entry: Entry, idea: Idea, facts: Facts) -> Iterator[Problem]:
    """An idea without a status is a new one: nobody has looked at it."""
    age = facts.today() - idea.filed if idea.filed is not None else timedelta()
    if idea.status in ("new", None) and age > _PATIENCE:
        yield ANSWERED.at(entry.place("status"), f"The idea {entry.id} has been new for {age.days} days, since "
                          f"{idea.filed}.",
                          "Answer whoever gave it, and write status: shortlisted, planned or declined.")


def _is_uncredited(idea: Idea) -> bool:
    return idea.from_ in _FROM_PEOPLE and idea.source is not None and idea.source.credit == "ask"


def _published(facts: Facts) -> tuple[set[str | None], set[str | None]]:
    """The posts that are out, by id and by the last part of it, and the ideas that they were made of."""
    posts = {said.slot.post for of_channel in facts.said.values() for said in of_channel if said.is_out}
    return ({*posts, *(post.rsplit("/", 1)[-1] for post in posts)},
            {post.post.head.idea for post in facts.content.posts if post.id in posts})


ANSWERED = Rule("IDE001", Severity.warning, "FT", "An idea is new for more than 14 days, or declined without a reason; "
                "an idea of the crowd or a customer is published while its credit is still to be asked for.",
                "Answer the people who gave ideas.", all=_unanswered)
RULES: tuple[Rule, ...] = (ANSWERED,)
