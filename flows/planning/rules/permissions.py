"""LGL002: whose work it is, who is seen in it, and what they allowed, for as long as they allowed it."""
from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import each, is_over, on, shown_on
from schemas.content import Resolved, ResolvedMedia
from schemas.place import Place
from schemas.plan import Item, Waiting
from schemas.problem import Problem, Severity

_OVER_PEOPLE = ("adults-consented", "minors-consented")


def _not_permitted(post: Resolved, _: Facts) -> Iterator[Problem]:
    """What is not allowed at any time.

    A file of which the library says nothing is not judged: whoever starts with one picture of their own needs no
    library. `permission: granted` without `uses` is for posts; paid support needs `paid` in words.
    """
    head = post.post.head
    if not post.media and head.ugc is None and post.origin == "created":
        return
    if post.origin == "curated" and not head.credit:
        yield PERMITTED.at(post.post.place("origin"), "Permission for what others made is not clear: no credit.",
                           "Name who made it under credit:.", post.id)
    if (ugc := head.ugc) is not None:
        whose = f"the work of {ugc.creator}" if ugc.creator else "what somebody else made"
        if ugc.permission != "granted":
            yield PERMITTED.at(post.post.place("ugc", "permission"),
                               f"Permission for {whose} is {ugc.permission or 'not written down'}.",
                               "Write permission: granted, with on: and proof:, when it is; or take it out.", post.id)
        elif (needed := _missing_use(post, ugc.uses)) is not None:
            yield PERMITTED.at(post.post.place("ugc", "uses"),
                               f"Permission for {whose} is {', '.join(ugc.uses) or 'organic'}, not {needed}.",
                               f"Ask for it and add {needed} to uses:, or leave it out.", post.id)
    for media in post.media:
        why = _lacks(media, post)
        if why is not None:
            name = media.file.path.rsplit("/", 1)[-1]
            for channel in each(shown_on(media, post), post):
                yield PERMITTED.at(media.place, f"{on(channel)}Permission for {name} is {why[0]}.", why[1], post.id,
                                   channel)


def _missing_use(post: Resolved, uses: tuple[str, ...]) -> str | None:
    if uses and "organic" not in uses and not (post.post.head.promoted and "paid" in uses):
        return "organic"
    return "paid" if post.post.head.promoted and "paid" not in uses else None


def _lacks(media: ResolvedMedia, post: Resolved) -> tuple[str, str] | None:
    """What the library misses about a file, and what to do."""
    item, ugc = media.item, post.post.head.ugc
    if item is None:
        return None
    consent = item.consent is not None and (item.consent.ref is not None or item.consent.until is not None)
    if item.people in _OVER_PEOPLE and not consent:
        return ("not written down: it shows people, and the library has no consent of theirs",
                "Add consent: {until: …, ref: …} in media/library.yaml, or take the file out.")
    if item.licence == "ugc" and ugc is None and not consent:
        return ("not written down: it is somebody else's",
                "Add ugc: to the post, or consent: in media/library.yaml, or take the file out.")
    if item.licence == "ugc" and ugc is None and post.post.head.promoted:
        return ("not written down for paid support: it is somebody else's",
                "Add ugc: with uses: [organic, paid] to the post, or do not promote it.")
    if item.licence is None:
        return ("not clear: the library gives no licence",
                "Add licence: in media/library.yaml: own, partner, ugc, stock or cc.")
    if not item.credit:
        return "not clear: the library gives no credit", "Add credit: in media/library.yaml: who made it."
    return None


def _permitted_until(post: Resolved) -> list[tuple[date, str, Place, tuple[str, ...]]]:
    """The last days of what somebody allowed: the day, what, where it stands, and the channels that get it."""
    ends = []
    if (ugc := post.post.head.ugc) is not None and ugc.until is not None:
        whose = f"the work of {ugc.creator}" if ugc.creator else "what somebody else made"
        ends.append((ugc.until, whose, post.post.place("ugc", "until"), tuple(c.id for c in post.channels)))
    for media in post.media:
        until = media.item.consent.until if media.item is not None and media.item.consent is not None else None
        if until is not None:
            name = media.file.path.rsplit("/", 1)[-1]
            ends.append((until, name, media.place, tuple(c.id for c in shown_on(media, post))))
    return ends


def _run_out(facts: Facts) -> Iterator[Problem]:
    """What is allowed today, and no more on the day a slot goes out, by the clock people read it by.

    A slot that waits without a time is judged as if it went out now. It takes the plan to know, not one post alone.
    """
    ends = {post.id: found for post in facts.content.posts if post.media or post.post.head.ugc
            if (found := _permitted_until(post))}
    if not ends:
        return
    slots: dict[str, list[Item | Waiting]] = {}
    for one in facts.plan.everything():
        if one.post.id in ends and not is_over(one, facts):
            slots.setdefault(one.post.id, []).append(one)
    for id, found in ends.items():
        for until, what, place, channels in found:
            concerned = [one for one in slots.get(id, ()) if one.channel.id in channels]
            late = [one for one in concerned if _day(one, facts) > until]
            first = min((_day(one, facts) for one in late), default=None)
            said = f"Permission for {what} is over after {until}"
            remedy = "Move the post before that, ask again, or take it out."
            if late and len(late) == len(slots[id]):
                yield PERMITTED.at(place, f"{said}: it goes out on {first}.", remedy, id)
            else:
                for one in late:
                    run = None if one.slot.run == "1" else one.slot.run
                    yield PERMITTED.at(place, f"{said}: on {one.channel.id} it goes out on {_day(one, facts)}.", remedy,
                                       id, one.channel.id, run)


def _day(one: Item | Waiting, facts: Facts) -> date:
    return (one.at or facts.now).astimezone(ZoneInfo(one.zone)).date()


PERMITTED = Rule("LGL002", Severity.error, "FT", "What somebody else made is not granted for this use, people are seen "
                 "without their consent, consent is over when the post goes out, or the library gives no licence or no "
                 "credit.", "Ask for permission and write it down, or take it out.", post=_not_permitted)
RULES = (PERMITTED, PERMITTED._replace(post=None, all=_run_out))
