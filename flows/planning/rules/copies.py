"""STR013: what was written for other people, in another strategy or campaign, is not simply said again to these."""
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from flows.planning.likening import Bag, bag
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import is_over
from schemas.content import Resolved
from schemas.place import Place
from schemas.problem import Problem, Severity

_MOST = 20
"""So many texts that share a rare word are compared with one: a bound where thousands are made from one pattern."""
_Holders = dict[tuple[int, int], dict[str, list[int]]]
"""Texts that have a rare word: by the number of rarer ones they have and of all their words, then by home."""
_REMEDY = "Ask what differs for these people, and say that."


class Text(NamedTuple):
    """Something said for somebody. `home`: the strategy or campaign it is part of. `asked`: whether to tell of it."""

    home: str
    name: str
    place: Place
    bag: Bag
    post: str | None = None
    asked: bool = True


def _copied(facts: Facts) -> Iterator[Problem]:
    """Goals of several strategies, offers and posts of several campaigns; told of the later one, where it is not out.

    The knob is a share of words from 0.5 to 1; anything else leaves it at its default.
    """
    least = facts.knob(COPIED, "copy_similarity")
    sane = float(least) if 0.5 <= least <= 1 else COPIED.knobs["copy_similarity"]
    share = Fraction(str(sane)).limit_denominator(1000)
    for kind, texts in (("goal", _goals(facts)), ("offer", _offers(facts)), ("post", _posts(facts))):
        for later, earlier in alike(texts, share):
            one, other = texts[later], texts[earlier]
            what = {"goal": f"{one.name} looks copied from {other.name} of the strategy {other.home}.",
                    "offer": f"The offer looks copied from the campaign {other.home}.",
                    "post": f"It looks copied from {other.name}."}[kind]
            yield COPIED.at(one.place, what, _REMEDY, one.post)


def alike(texts: Sequence[Text], least: Fraction) -> Iterator[tuple[int, int]]:
    """For each text that shares `least` of its words with one before it, of another home: its number, and the other's.

    As in `likening`: shared words over all their words, and only texts with a rare word in common are compared; here
    also only where enough words follow in both (positional filter of the same paper).
    """
    rank = _rarest_first(text.bag for text in texts)
    same: dict[Bag, dict[str, int]] = {}
    rare: dict[int, _Holders] = {}
    for number, text in enumerate(texts):
        if not text.bag:
            continue
        must_share = -(-len(text.bag) * least.numerator // least.denominator)
        mine = sorted(map(rank.__getitem__, text.bag))[:len(text.bag) - must_share + 1]
        twins = same.setdefault(text.bag, {})
        if text.asked:
            found = next((first for home, first in twins.items() if home != text.home), None)
            if found is None:
                found = next(_like(text, mine, rare, texts, least), None)
            if found is not None:
                yield number, found
        if text.home not in twins:
            twins[text.home] = number
            for before, word in enumerate(mine):
                of_word = rare.setdefault(word, {}).setdefault((before, len(text.bag)), {})
                of_word.setdefault(text.home, []).append(number)


def _like(text: Text, mine: Sequence[int], rare: Mapping[int, _Holders], texts: Sequence[Text],
          least: Fraction) -> Iterator[int]:
    """The texts of other homes that are like this one, among as many as are compared."""
    compared: set[int] = set()
    share, whole, here = least.numerator, least.denominator, len(text.bag)
    for number in _near(text.home, here, mine, rare, share, whole):
        if number not in compared:
            if len(compared) == _MOST:
                return
            compared.add(number)
            common = len(text.bag & texts[number].bag)
            if common * whole >= (here + len(texts[number].bag) - common) * share:
                yield number


def _near(home: str, here: int, mine: Sequence[int], rare: Mapping[int, _Holders], share: int,
          whole: int) -> Iterator[int]:
    """The texts of other homes with a rare word in common and enough words after it, some more than once."""
    for at, word in enumerate(mine):
        for (before, there), homes in rare.get(word, {}).items():
            must_share = -(-share * (here + there) // (share + whole))
            if at <= here - must_share and before <= there - must_share:
                for other, numbers in homes.items():
                    if other != home:
                        yield from numbers


def _rarest_first(bags: Iterable[Bag]) -> dict[str, int]:
    common: Counter[str] = Counter()
    for held in bags:
        common.update(held)
    return {word: number for number, word in enumerate(sorted(common, key=lambda word: (common[word], word)))}


def _goals(facts: Facts) -> list[Text]:
    strategies = facts.strategies()
    if len(strategies) < 2:
        return []
    return [Text(strategy.strategy, goal.id, entry.place("social_goals", number, "text"), bag(goal.text))
            for entry, strategy in sorted(strategies, key=lambda pair: (pair[1].start, pair[0].file))
            for number, goal in enumerate(strategy.social_goals)]


def _offers(facts: Facts) -> list[Text]:
    campaigns = sorted(facts.campaigns(), key=lambda pair: (pair[1].start or date.max, pair[0].file))
    return [Text(entry.id, entry.id, entry.place("offer", "text"), bag(campaign.offer.text or ""))
            for entry, campaign in campaigns if campaign.offer is not None]


def _posts(facts: Facts) -> list[Text]:
    """The posts of campaigns, in the order of the campaigns; asked of those that are still to go out."""
    posts = [post for post in facts.content.posts if post.post.campaign is not None]
    if len({post.post.campaign for post in posts}) < 2:
        return []
    starts = {entry.folder: campaign.start for entry, campaign in facts.campaigns()}
    to_come = {one.post.id for one in facts.plan.everything() if not is_over(one, facts)}
    posts.sort(key=lambda post: (starts.get(post.post.campaign or "") or date.max, post.id))
    return [Text(post.post.campaign or "", post.id, _begins(post), bag(_words(post)), post.id, post.id in to_come)
            for post in posts] if to_come else []


def _words(post: Resolved) -> str:
    """The text for everybody; where there is none, the first one."""
    sections = post.post.sections
    section = next((one for one in sections if one.kind == "text" and not one.channels), next(iter(sections), None))
    return "\n".join(section.parts) if section is not None else ""


def _begins(post: Resolved) -> Place:
    return post.post.sections[0].places[0] if post.post.sections else Place(post.post.file)


COPIED = Rule("STR013", Severity.advice, "F", "A goal, an offer or a post of a campaign is nine tenths the same as one "
              "of another strategy or campaign.", _REMEDY, all=_copied, knobs={"copy_similarity": 0.9})
