"""TXT: what a post says is said for somebody, once, and in a person's words. What is too long, networks judge."""
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from flows.planning.likening import Bag, Told, bag, essence, few_words, repeats
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import Piece, is_over, joined, only, setting, wordings
from schemas.channel import Channel
from schemas.content import Resolved
from schemas.message import Message
from schemas.notation import span
from schemas.place import Place
from schemas.plan import Item, Waiting
from schemas.problem import Problem, Severity

_NOTICE = re.compile(r"\b(?:official\s+statement|press\s+release|for\s+immediate\s+release)\b", re.IGNORECASE)
_FEW_WORDS = 8
_X_REFUSES = timedelta(hours=12)
"""X refuses a text it has had from the same account; for how long it does not say (domain reference, section 5)."""


def _one_for_all(post: Resolved, facts: Facts) -> Iterator[Problem]:
    """The same words on several networks. Told once for a post, at the first text that is about."""
    if len(post.channels) < 2:
        return
    least = setting(facts, ONE_FOR_ALL, "same_text")
    if len({channel.network for channel in post.channels}) < least:
        return
    together: dict[tuple[str, ...], tuple[Place, list[Channel]]] = {}
    for section, channels in wordings(post):
        if section.kind == "text":
            together.setdefault(section.parts, (section.places[0], []))[1].extend(channels)
    for place, all_these in together.values():
        if len({channel.network for channel in all_these}) >= least:
            ids = [channel.id for channel in all_these]
            yield ONE_FOR_ALL.at(place, f"One message for all: {joined(ids)} get the same text.",
                                 f"Write for {ids[-1]}: add '## on {ids[-1]}' with words for the people there.",
                                 post.id, severity=Severity.warning if post.intent == "ask" else None)
            return


def _notice(post: Resolved, _: Facts) -> Iterator[Problem]:
    """A link with hardly a word, or the words of an office. One problem for a text."""
    for section, channels in wordings(post):
        if section.kind == "comment":
            continue
        for text, place in zip(section.parts, section.places, strict=True):
            small = text.lower()
            if ("release" in small or "statement" in small) and (match := _NOTICE.search(text)):
                yield NOTICE.at(Piece(text, place).place(match.start()),
                                f"'{' '.join(match[0].split())}' reads like a notice.",
                                "Speak to people, do not post a notice: say it as you would to a neighbour.", post.id,
                                only(channels))
                break
        else:
            whole = "\n".join(section.parts)
            if (post.link or "://" in whole) and (many := few_words(whole, _FEW_WORDS)) is not None:
                said = "no word" if not many else "1 word" if many == 1 else f"{many} words"
                yield NOTICE.at(section.places[0], f"A link and {said}.",
                                "Speak to people, do not post a notice: say what they find there, and why.", post.id,
                                only(channels))


class _Saying(NamedTuple):
    """What one slot says, and when."""

    told: Told
    of: Item | Waiting
    place: Place


def _said_before(facts: Facts) -> Iterator[Problem]:
    """What a channel says again within the window; told of the later slot, with the newest one that said it.

    Only what goes out or went out counts as said, and nothing is told of what is over: nobody can change it any more.
    Where nobody looked into the archive, what should be out by now counts as said.
    """
    window, sent = _window(facts), facts.sent or {}
    moments = [(at, of, is_over(of, facts)) for of in facts.plan.everything()
               if (at := sent.get(of.slot) or of.at) is not None and of.slot in facts.messages]
    first = min((at for at, _, over in moments if not over), default=None)
    sayings: dict[str, list[_Saying]] = {}
    bags: dict[str, Bag] = {}
    for at, of, over in moments:
        if first is None or first - at > window:                   # nobody asks for it any more
            continue
        message = facts.messages[of.slot]
        text = essence("\n".join(part.text for part in message.parts if part.kind == "post"))
        held = bags.get(text)
        if held is None:
            held = bags[text] = bag(text)
        if held:
            said = of.slot in sent or (isinstance(of, Item) and not (over and facts.sent is not None))
            told = Told(at, held, counts=said, asked=not over and not of.post.post.head.withdraw)
            sayings.setdefault(of.channel.id, []).append(_Saying(told, of, _place(message, of)))
    for on_channel in sayings.values():
        on_channel.sort(key=lambda saying: (saying.told.at, saying.of.slot))
        for later, earlier in repeats([saying.told for saying in on_channel], window):
            if not _is_meant(on_channel[later], on_channel[earlier]):
                yield _again(on_channel[later], on_channel[earlier])


def _is_meant(later: _Saying, earlier: _Saying) -> bool:
    """Whether a repeating post or a series comes round: how often it may is said there, and judged by SCH005."""
    one, other = later.of, earlier.of
    return one.post.id == other.post.id and one.slot.run != other.slot.run and one.channel.network != "x"


def _again(later: _Saying, earlier: _Saying) -> Problem:
    of, before = later.of, earlier.of
    day = earlier.told.at.astimezone(ZoneInfo(before.zone)).date()
    where = "" if before.post.id == of.post.id else f" in {before.post.id}"
    refused = of.channel.network == "x" and later.told.at - earlier.told.at < _X_REFUSES
    remedy = "Write it anew: X refuses a text that it has just had." if refused else \
        "Say it in other words, or let more time pass."
    return SAID_BEFORE.at(later.place, f"Said on {day} on {of.channel.id}{where}.", remedy, of.post.id, of.channel.id,
                          None if of.slot.run == "1" else of.slot.run, Severity.error if refused else None)


def _place(message: Message, of: Item | Waiting) -> Place:
    return message.parts[0].place if message.parts else Place(of.post.post.file)


def _window(facts: Facts) -> timedelta:
    """The knob, where it is a time of fixed length; else its default."""
    try:
        return span(setting(facts, SAID_BEFORE, "repeat_window"))
    except ValueError:
        return span(str(SAID_BEFORE.knobs["repeat_window"]))


ONE_FOR_ALL = Rule("TXT002", Severity.advice, "F", "The same text goes to three networks or more; as a warning for an "
                   "ask.", "Write for each channel: '## on <channel>'.", post=_one_for_all, knobs={"same_text": 3})
SAID_BEFORE = Rule("TXT003", Severity.warning, "FT", "A post is nine tenths the same as one on the same channel within "
                   "60 days; as an error on X within 12 hours.", "Say it in other words, or let more time pass.",
                   all=_said_before, knobs={"repeat_window": "60d"})
NOTICE = Rule("TXT004", Severity.warning, "F", "A link with eight words or fewer, or 'official statement', 'press "
              "release', 'for immediate release'.", "Speak to people, do not post a notice.", post=_notice)
RULES = (ONE_FOR_ALL, SAID_BEFORE, NOTICE)
