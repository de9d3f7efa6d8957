"""DIS: before anything is planned somebody looked and listened: at ourselves, at others, at search, at the people."""
from collections.abc import Iterator

from flows.planning.indexing import may_be_in
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import joined
from schemas.audience import Audience
from schemas.content import Entry
from schemas.place import Place
from schemas.problem import Problem, Severity
from schemas.strategy import Discovery, Mentions, Spiders

_LISTENED_FOR = {"brand": "your name", "product": "what you offer", "competitor": "a competitor"}
_KNOWN_OF_AUDIENCE = ("behaviours", "wants", "needs", "motivations", "evidence", "insights")


def _discoveries(facts: Facts) -> Iterator[tuple[Entry, Discovery]]:
    """The findings of discovery; empty ones where nobody has written any, and none where the file cannot be read."""
    found = [(entry, entry.value) for entry in facts.content.entries if isinstance(entry.value, Discovery)]
    if found:
        yield from found
    elif not may_be_in("finding", facts.content.unreadable):
        nothing = Discovery()
        yield Entry("discovery", "discovery", f"{facts.content.root}/discovery.yaml", nothing, {}), nothing


def _uncounted(facts: Facts) -> Iterator[Problem]:
    """Nobody has counted how people speak of us."""
    for entry, discovery in _discoveries(facts):
        reputation = discovery.people.reputation if discovery.people is not None else None
        if not _total(reputation):
            yield COUNTED.at(entry.place("people", "reputation"), "Nobody has counted how people speak of you." if
                             reputation is None else "No mention of you was counted.", "Count positive, neutral and "
                             "negative mentions first, and write them under people: reputation in discovery.yaml.")


def _few_competitors(facts: Facts) -> Iterator[Problem]:
    """Too few competitors whose mentions were counted; as a warning, each that nobody knows how to leap over."""
    least = facts.knob(COMPARED, "min_competitors")
    for entry, discovery in _discoveries(facts):
        known = [one for one in discovery.competition if _total(one.reputation)]
        if len(known) < least:
            blank = [one.id for one in discovery.competition if not _total(one.reputation)]
            counts = f", beginning with counts for {joined(blank)}" if blank else ""
            more = least - len(known)
            yield COMPARED.at(entry.place("competition"), f"{_only(len(known), 'competitor')} described with a "
                              f"reputation; it takes {least:g}.", f"Describe {more:g} more under competition in "
                              f"discovery.yaml, with reputation: {{positive: …, neutral: …, negative: …}}{counts}.")
        for number, one in enumerate(discovery.competition):
            if not (one.leapfrog or "").strip():
                yield COMPARED.at(entry.place("competition", number, "leapfrog"), "Nobody has said where you can do "
                                  f"better than {one.name or one.id}.", "Write it under leapfrog.",
                                  severity=Severity.warning)


def _unfound(facts: Facts) -> Iterator[Problem]:
    """Too few words for which somebody looked where we stand; not to be found is an answer too."""
    least = facts.knob(FOUND, "min_keywords")
    for entry, discovery in _discoveries(facts):
        measured = sum(1 for keyword in (discovery.spiders or Spiders()).keywords if keyword.measured)
        if measured < least:
            more = least - measured
            yield FOUND.at(entry.place("spiders", "keywords"), f"{_only(measured, 'keyword')} measured; it takes "
                           f"{least:g}.", f"Measure how easily people find you for {more:g} more "
                           f"{'word' if more == 1 else 'words'}: {{term: …, position: 3}} under spiders: keywords in "
                           "discovery.yaml, and position: null where you were not found.")


def _out_of_date(facts: Facts) -> Iterator[Problem]:
    """A discovery that is too old, and a thing nobody listens for. Without discovery.yaml only the second is told.

    A search without a query hears nothing.
    """
    today, most = facts.today(), facts.knob(CURRENT, "discovery_days")
    for entry, discovery in _discoveries(facts):
        checked, old = discovery.checked, None
        if checked is None:
            old = "Nobody has said when discovery was checked."
        elif checked > today:
            old = f"Discovery is not checked yet: {checked} is still to come."
        elif (today - checked).days > most:
            old = f"Discovery is out of date: it was checked on {checked}, {(today - checked).days} days ago."
        if old is not None and entry.value != Discovery():
            yield CURRENT.at(entry.place("checked"), old, "Look how people, competitors and search stand today, "
                             "then write the day under checked.")
        heard = {what for search in discovery.listening if (search.query or "").strip() for what in search.covers}
        lacks = [what for what in _LISTENED_FOR if what not in heard]
        if lacks:
            yield CURRENT.at(entry.place("listening"), "Nobody listens for "
                             f"{joined([_LISTENED_FOR[what] for what in lacks])}.", "Add a search to listening in "
                             f"discovery.yaml, with a query and covers: [{', '.join(lacks)}].")


def _unknown_people(facts: Facts) -> Iterator[Problem]:
    """An audience of which something is not known; where none is described, that is said once."""
    audiences = [(entry, entry.value) for entry in facts.content.entries if isinstance(entry.value, Audience)]
    if not audiences and not may_be_in("audience", facts.content.unreadable):
        yield DESCRIBED.at(Place(f"{facts.content.root}/audiences"), "No audience is described.", "Write one in "
                           f"audiences/<id>.yaml: its {joined(_KNOWN_OF_AUDIENCE)}.")
    for entry, audience in audiences:
        lacks = [field for field in _KNOWN_OF_AUDIENCE if not getattr(audience, field)]
        if lacks:
            yield DESCRIBED.at(entry.place(lacks[0]), f"{audience.audience} has no {joined(lacks)}.",
                               "Ask some of these people, and write what you learn there.")


def _total(mentions: Mentions | None) -> int:
    """How many mentions were counted."""
    return sum((mentions.positive or 0, mentions.neutral or 0, mentions.negative or 0)) if mentions is not None else 0


def _only(many: int, what: str) -> str:
    """`No keyword is`, `Only 1 keyword is`, `Only 4 keywords are`."""
    return f"Only {many} {what}s are" if many > 1 else f"Only 1 {what} is" if many else f"No {what} is"


COUNTED = Rule("DIS001", Severity.error, "F", "Your own reputation is not counted, or the counts add up to nothing.",
               "Count positive, neutral and negative mentions first.", all=_uncounted, gate="DISCOVERY")
COMPARED = Rule("DIS002", Severity.error, "F", "Fewer than two competitors are described with a reputation; as a "
                "warning, one of them has no leapfrog.", "Describe more competitors, and where you can do better.",
                all=_few_competitors, knobs={"min_competitors": 2}, gate="DISCOVERY")
FOUND = Rule("DIS003", Severity.error, "F", "Fewer than five keywords are measured.",
             "Measure how easily people find you for more words.", all=_unfound, knobs={"min_keywords": 5},
             gate="DISCOVERY")
CURRENT = Rule("DIS004", Severity.warning, "T", "Discovery was checked more than 365 days ago, or nobody listens for "
               "the brand, the product or a competitor.", "Look again, and add what is missing to listening.",
               all=_out_of_date, knobs={"discovery_days": 365}, gate="DISCOVERY")
DESCRIBED = Rule("DIS005", Severity.warning, "F", "No audience is described, or one has no behaviours, wants, needs, "
                 "motivations, evidence or insights.", "Add what is missing in the file of the audience.",
                 all=_unknown_people, gate="DISCOVERY")
RULES: tuple[Rule, ...] = (COUNTED, COMPARED, FOUND, CURRENT, DESCRIBED)
