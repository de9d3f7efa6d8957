"""DISCOVERY: we know who people are, what they say of us, who else they may go to, and how they find us."""
from collections import Counter
from collections.abc import Iterator

from flows.planning.rules.campaigns import either
from flows.planning.witnessing import Ground, counted, listed
from schemas.audience import Audience
from schemas.gate import Gate, GateLine
from schemas.strategy import Competitor, Discovery, Mentions

_FILE = "discovery.yaml"
_KINDS = {"people": "people", "competition": "competitors", "spiders": "search engines"}
_LISTENED_FOR = {"brand": "our name", "competitor": "competitors"}


def discovery(ground: Ground) -> Gate:
    """The gate out of the first phase. There is one discovery, whatever the number of strategies."""
    who = ground.holder("strategist", "social_manager") or ground.sponsor
    unread = ground.unread("DISCOVERY-files", [_FILE])
    found = ground.facts.content.entry("discovery") or Discovery()
    rest = [unread] if unread is not None else list(_of_file(found, ground, who))
    return Gate("DISCOVERY", (_audience(ground, who), *rest))


def _audience(ground: Ground, who: str | None) -> GateLine:
    audiences = [entry.value for entry in ground.facts.content.entries if isinstance(entry.value, Audience)]
    known = sorted(audience.audience for audience in audiences if audience.evidence and audience.insights)
    if known:
        seen = f"{counted(len(known), 'audience')} with evidence and an insight: {listed(known)}"
    elif audiences:
        seen = f"none of {counted(len(audiences), 'audience')} has evidence and an insight"
    else:
        seen = "no audience is described"
    return ground.line("DISCOVERY-audience", "an audience understood", seen, also=("DIS005",), holds=bool(known),
                       owner=who,
                       remedy="Describe one in audiences/<name>.yaml: what they do and need, the evidence for it, and "
                              "what that teaches (insights).")


def _of_file(found: Discovery, ground: Ground, who: str | None) -> Iterator[GateLine]:
    yield _reputation(found, ground, who)
    yield _competition(found, ground, who)
    yield _keywords(found, ground, who)
    yield _listening(found, ground, who)
    yield _findings(found, ground, who)
    yield _age(found, ground, who)


def _reputation(found: Discovery, ground: Ground, who: str | None) -> GateLine:
    counts = found.people.reputation if found.people is not None else None
    if counts is None or not _total(counts):
        seen = "no mention of us is counted"
    else:
        when = f", {counts.from_} to {counts.to}" if counts.from_ and counts.to else ""
        seen = (f"{counts.positive or 0} positive, {counts.neutral or 0} neutral, {counts.negative or 0} negative "
                f"mentions{when}")
    return ground.line("DIS001", "own reputation counted", seen, codes=("DIS001",), exact=True, owner=who,
                       holds=counts is not None and _total(counts) > 0,
                       remedy="Count them over a month, and write them under people: reputation in discovery.yaml.")


def _competition(found: Discovery, ground: Ground, who: str | None) -> GateLine:
    least = int(ground.knob("min_competitors", 2))
    known = [one.id for one in found.competition if _is_known(one)]
    if len(known) < len(found.competition):
        many = f"{len(known)} of {counted(len(found.competition), 'competitor')}"
        seen = f"{many} with a reputation and a way to do better" + (f": {listed(known)}" if known else "")
    else:
        seen = f"{counted(len(known), 'competitor')}: {listed(known)}" if known else "no competitor is described"
    return ground.line("DIS002", "competitors described", seen, codes=("DIS002",), exact=True, owner=who,
                       holds=len(known) >= least,
                       remedy=f"Describe {least} under competition in discovery.yaml, with reputation and leapfrog.")


def _is_known(one: Competitor) -> bool:
    return one.reputation is not None and _total(one.reputation) > 0 and bool((one.leapfrog or "").strip())


def _keywords(found: Discovery, ground: Ground, who: str | None) -> GateLine:
    least = int(ground.knob("min_keywords", 5))
    keywords = found.spiders.keywords if found.spiders is not None else ()
    measured = sum(1 for one in keywords if one.measured)
    seen = counted(measured, "keyword") if measured >= least else f"{measured} of {counted(least, 'keyword')}"
    return ground.line("DIS003", "findability measured", f"{seen} measured", codes=("DIS003",), exact=True, owner=who,
                       holds=measured >= least,
                       remedy="Search for what people would type, and write each term with our position (null: not "
                              "found) under spiders: keywords in discovery.yaml.")


def _listening(found: Discovery, ground: Ground, who: str | None) -> GateLine:
    covered = {word for one in found.listening for word in one.covers}
    missing = [words for word, words in _LISTENED_FOR.items() if word not in covered]
    if missing:
        seen = f"nobody listens for {either(missing)}"
    else:
        seen = f"{counted(len(found.listening), 'search', 'searches')}, for {listed(sorted(covered))}"
    return ground.line("DISCOVERY-listening", "somebody listens", seen, also=("DIS004",), holds=not missing, owner=who,
                       remedy="Add a search for it under listening in discovery.yaml, with what it covers.")


def _findings(found: Discovery, ground: Ground, who: str | None) -> GateLine:
    kinds = Counter(one.kind for one in found.findings if one.kind is not None)
    missing = [words for kind, words in _KINDS.items() if not kinds[kind]]  # type: ignore[index]  # a key of its Literal
    seen = ", ".join(f"{kinds[kind]} about {words}" for kind, words in _KINDS.items() if kinds[kind])  # type: ignore[index]
    if missing:
        seen = "; ".join(filter(None, (seen, f"none about {either(missing)}")))
    return ground.line("DISCOVERY-findings", "findings written down", seen, holds=not missing, owner=who,
                       remedy="Write at least one of each kind (people, competition, spiders) under findings in "
                              "discovery.yaml.")


def _age(found: Discovery, ground: Ground, who: str | None) -> GateLine:
    most = int(ground.knob("discovery_days", 365))
    if found.checked is None:
        seen, holds = "nobody wrote down when it was looked at", False
    elif found.checked > ground.today:
        seen, holds = f"to be checked on {found.checked}", False
    else:
        days = (ground.today - found.checked).days
        seen, holds = f"checked on {found.checked}, {counted(days, 'day')} ago", days <= most
    return ground.line("DIS004", "checked within a year", seen, holds=holds, owner=who,
                       remedy=f"Look at all of it{' again' if found.checked else ''}, and write the day as checked in "
                              f"discovery.yaml; it holds for {most} days.")


def _total(counts: Mentions) -> int:
    return (counts.positive or 0) + (counts.neutral or 0) + (counts.negative or 0)
