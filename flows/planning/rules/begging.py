"""INT004 and INT007: what asks says that it asks, and we speak of our own success now and then at most."""
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from flows.planning.hearing import Heard, asks, boasts
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import Piece, Wording, is_over, joined, only, pieces, wordings
from schemas.channel import Channel
from schemas.content import Resolved
from schemas.ledger import Slot
from schemas.place import Place
from schemas.plan import Item
from schemas.problem import Problem, Severity

_BEFORE = frozenset(" \n\t([<\"'“‘„«*_")
_LONGER = re.compile(r"/?[\w%=-]|\.\w")
_TOGETHER = 12
"""Posts of a channel among which one about ourselves is enough (domain reference, INT007)."""


class Languages:
    """In which languages a text is to be heard: the post's own, else its channels', else the strategy's."""

    def __init__(self, facts: Facts) -> None:
        strategies = {entry.id: strategy.language for entry, strategy in facts.strategies()}
        self.common = next((language for language in strategies.values() if language), None)
        self.of_campaign = {entry.folder: strategies.get(campaign.strategy or "") or self.common
                            for entry, campaign in facts.campaigns()}

    def of(self, post: Resolved, channels: Iterable[Channel]) -> tuple[str, ...]:
        """English where nobody says anything."""
        if post.language:
            return (post.language,)
        common = self.of_campaign.get(post.post.campaign or "", self.common) or "en"
        return tuple(dict.fromkeys(channel.language or common for channel in channels))


class _Offer(NamedTuple):
    """`address`: host and path in small letters, as it stands in every link to the page. `file`: of the campaign."""

    campaign: str
    address: str


def _reads_like_an_ask(facts: Facts) -> Iterator[Problem]:
    """A text that is no ask by its intent and has the words of one, or leads to an offer. Told of the first of each."""
    languages, offers = Languages(facts), _offers(facts)
    phrases = facts.knob(HIDDEN_ASK, "ask_phrases")
    own = None if tuple(phrases) == HIDDEN_ASK.knobs["ask_phrases"] else [str(phrase) for phrase in phrases]
    for post in facts.content.posts:
        if post.intent == "ask":
            continue
        for wording in wordings(post):
            if (found := _heard(wording, languages.of(post, wording.channels), own)) is not None:
                place, heard = found
                yield HIDDEN_ASK.at(place, f"Reads like an ask: '{heard.phrase}'.",
                                    f"Set intent: ask, or drop '{heard.phrase}'.", post.id, only(wording.channels))
        for place, offer in _links(post, offers):
            yield HIDDEN_ASK.at(
                place, f"Reads like an ask: it links to the offer of {offer.campaign} ({offer.address}).",
                "Set intent: ask, or link to a page that wants nothing.", post.id)


def _heard(wording: Wording, languages: tuple[str, ...], own: list[str] | None) -> tuple[Place, Heard] | None:
    for piece in _pieces(wording):
        heard = asks(piece.text, languages, own)
        if heard is not None:
            return piece.place(heard.at), heard
    return None


def _pieces(wording: Wording) -> Iterator[Piece]:
    section = wording.section
    return (Piece(text, place) for text, place in zip(section.parts, section.places, strict=True))


def _offers(facts: Facts) -> dict[str, list[_Offer]]:
    """The pages that offers lead to, by host."""
    found: dict[str, list[_Offer]] = {}
    for entry, campaign in facts.campaigns():
        address = _address(campaign.offer.url) if campaign.offer is not None and campaign.offer.url else ""
        if address:
            found.setdefault(re.split("[/?]", address)[0], []).append(_Offer(entry.folder, address))
    return found


def _address(url: str) -> str:
    """`https://Ours.example/offer/#top` as `ours.example/offer`; a query stays, for it may name the page."""
    try:
        parts = urlsplit(url.strip())
    except ValueError:
        return ""
    host = parts.netloc.removeprefix("www.")
    return f"{host}{parts.path.rstrip('/')}{f'?{parts.query}' if parts.query else ''}".lower() if host else ""


def _links(post: Resolved, offers: Mapping[str, Sequence[_Offer]]) -> Iterator[tuple[Place, _Offer]]:
    """Where a post leads to an offer: its link, else the first place in its texts."""
    if not offers:
        return
    link, texts = (post.link or "").lower(), [(piece, piece.text.lower()) for piece in pieces(post)]
    for host, of_host in offers.items():
        if host not in link and not any(host in small for _, small in texts):
            continue
        for offer in of_host:
            if _leads_to(link, offer.address) is not None:
                yield post.post.place("link"), offer
                continue
            for piece, small in texts:
                at = _leads_to(small, offer.address)
                if at is not None:
                    yield piece.place(at), offer
                    break


def _leads_to(small: str, address: str) -> int | None:
    """Where `small` names the address, as a link or bare; a longer address is another page."""
    at = small.find(address)
    while at >= 0:
        before = small[max(0, at - 7):at].removesuffix("www.")
        end = at + len(address)
        if (not before or before.endswith("://") or before[-1] in _BEFORE) and not _LONGER.match(small, end):
            return at
        at = small.find(address, end)
    return None


# --- INT007 -----------------------------------------------------------------------------------------------------------


class _Boast(NamedTuple):
    """One slot that speaks of our success: the how-manieth of its channel it is, and how it says it."""

    number: int
    item: Item
    place: Place
    phrase: str


def _about_us(facts: Facts) -> Iterator[Problem]:
    """Awards or milestones in two of any 12 posts on end of a channel. Told once of the later one, if it is to come."""
    languages = Languages(facts)
    boasting = {post.id: found for post in facts.content.posts if (found := _boasts(post, languages))}
    if not boasting:
        return
    numbers = {said.slot: number for of_channel in facts.said.values() for number, said in enumerate(of_channel)
               if said.slot.post in boasting}
    by_channel: dict[str, list[_Boast]] = {}
    for item in facts.plan.items:
        heard = boasting.get(item.post.id, {}).get(item.channel.id)
        if heard is not None and item.slot in numbers:
            by_channel.setdefault(item.channel.id, []).append(_Boast(numbers[item.slot], item, *heard))
    told: dict[Slot, tuple[_Boast, _Boast, list[str]]] = {}
    for channel, of_channel in by_channel.items():
        for earlier, later in pairwise(sorted(of_channel, key=lambda one: one.number)):
            if later.number - earlier.number < _TOGETHER and not is_over(later.item, facts):
                slot = later.item.slot._replace(channel="")
                told.setdefault(slot, (earlier, later, []))[2].append(channel)
    for earlier, later, channels in told.values():
        before = earlier.item
        day = before.at.astimezone(ZoneInfo(before.zone)).date()
        yield ABOUT_US.at(later.place, f"'{later.phrase}' speaks of us, and so did {before.post.id} on {day}, less "
                          f"than {_TOGETHER} posts before on {joined(channels)}.",
                          "Less about us: tell what readers can do, or leave it out.", later.item.post.id)


def _boasts(post: Resolved, languages: Languages) -> dict[str, tuple[Place, str]]:
    """By channel: where the text that it gets speaks of an award or a milestone, and the phrase."""
    found: dict[str, tuple[Place, str]] = {}
    for wording in wordings(post):
        if wording.section.kind != "text":
            continue
        for piece in _pieces(wording):
            if heard := boasts(piece.text, languages.of(post, wording.channels)):
                found |= {channel.id: (piece.place(heard.at), heard.phrase) for channel in wording.channels}
                break
    return found


HIDDEN_ASK = Rule(
    "INT004", Severity.warning, "F",
    "A post whose intent is not ask has a phrase that asks (join us, sign up, donate, book your place, share this), "
    "or a link to the page of an offer. Phrases are known in English, German, French, Spanish, Dutch, Italian and "
    "Portuguese, by the language of the post, its channel or the strategy, and where they are meant as a call; those "
    "of the knob count instead, wherever they stand.",
    "Set intent: ask, or drop the phrase.", all=_reads_like_an_ask,
    knobs={"ask_phrases": ("join", "sign up", "donate", "buy", "book", "register", "vote", "share this")})
ABOUT_US = Rule(
    "INT007", Severity.advice, "F", "Two of any 12 posts on end of a channel speak of an award or a milestone of ours.",
    "Less about us: tell what readers can do.", all=_about_us)
