"""LGL: what is an advertisement, made by a machine, or about a person, is treated as the law and decency ask.

Permissions and personal data have modules of their own; the family is listed here.
"""
import re
from collections.abc import Iterator

from flows.planning.composing import SEEN_FIRST, missing_label, plain
from flows.planning.rules import contacts, permissions
from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import Wording, each, on, setting, shown_on, wordings
from schemas.campaign import Campaign
from schemas.channel import Channel
from schemas.content import Resolved, ResolvedMedia
from schemas.problem import Problem, Severity
from schemas.rulebook import Rulebook

_WEAK = frozenset(("#sp", "#spon", "#collab", "#partner", "#ambassador"))
"""No labels, whoever lists them: people do not know what they mean. Source: FTC, "Disclosures 101 for Social Media
Influencers" (2019) and its business blog of April 2017 on #partner, as quoted in the press, read 2026-11-22."""
_SHORT_LABEL = 4

_MADE = (r"(?:made|generated|created|drawn|painted|rendered|produced|illustrated|composed|assisted|images?|pictures?"
         r"|photos?|illustrations?|drawings?|videos?|voice|music|artwork|art)")
_MACHINE = r"(?:AI|A\.I\.|artificial intelligence)"
_SAYS_AI = re.compile(
    rf"\b{_MACHINE}[ \u2010-\u2013-]{_MADE}\b|\bartificially (?:made|generated|created)\b"
    rf"|\b{_MADE}(?: \w+){{0,2}} (?:with|by|using|from) (?:the help of )?(?:an? )?(?:generative )?{_MACHINE}(?!\w)"
    r"|#\w{0,40}?(?:ai_?(?:made|generated|created|art|image|video|music)|(?:made|generated|created)_?(?:with|by)_?ai)\b",
    re.IGNORECASE,
)
_SAYS_KI = re.compile(r"\b(?:KI|IA)\b")
"""What German, Dutch and the Romance languages call it; nothing else is written so, in capitals."""
_KINDS = {"ad": "an advertisement", "gifted": "about a gift", "affiliate": "paid by what people buy",
          "partner": "made with a partner", "employee": "by somebody who works there"}
_DAYS_A_YEAR = 366


def _unlabelled(post: Resolved, facts: Facts) -> Iterator[Problem]:
    """A material connection that readers do not learn of before the fold.

    Judged are the texts as readers see them, each for the channels that get it; a `label` of the front matter is put in
    front of them.
    """
    disclosure = post.post.head.disclosure
    partner = [media for media in post.media if media.item is not None and media.item.licence == "partner"]
    mentions = _partners(facts) if any("@" in part for s in post.post.sections for part in s.parts) else []
    if disclosure is None and not partner and not mentions:
        return
    labels = [label for label in setting(facts, LABELLED, "labels") if label.strip().lower() not in {*_WEAK, ""}]
    texts = [wording for wording in wordings(post) if wording.section.kind != "comment"]
    spoken = {channel.id for wording in texts if wording.section.kind == "text" for channel in wording.channels}
    for wording in texts:
        why, channels = _connection(post, wording, partner, mentions)
        begins = plain(wording.section.parts[0])
        begins = f"{missing_label(post, begins)} {begins}".lstrip()[:SEEN_FIRST]
        if channels and not any(_is_labelled(begins, label) for label in labels):
            for channel in each(channels, post):
                yield LABELLED.at(wording.section.places[0], f"{on(channel)}{why}, and no label in the first "
                                  f"{SEEN_FIRST} characters says so.", _remedy(post, labels), post.id, channel)
    seen = {channel.id for media in partner for channel in shown_on(media, post)}
    silent = [channel for channel in post.channels
              if channel.id not in spoken and (disclosure is not None or channel.id in seen)]
    if silent:
        for channel in each(silent, post):
            yield LABELLED.at(post.post.place("disclosure" if disclosure else "media"),
                              f"{on(channel)}{_gave(post)}, and no text says so.",
                              f"Write a text. {_remedy(post, labels)}", post.id, channel)


def _connection(post: Resolved, wording: Wording, partner: list[ResolvedMedia],
                mentions: list[re.Pattern[str]]) -> tuple[str, list[Channel]]:
    """Why a text needs a label, and on which of its channels."""
    if post.post.head.disclosure is not None:
        return _gave(post), list(wording.channels)
    if any(mention.search(part) for mention in mentions for part in wording.section.parts):
        return "It names somebody who is paid or was given something", list(wording.channels)
    seen = {channel.id for media in partner for channel in shown_on(media, post)}
    return _gave(post), [channel for channel in wording.channels if channel.id in seen]


def _gave(post: Resolved) -> str:
    disclosure = post.post.head.disclosure
    if disclosure is None:
        return "The picture is a partner's"
    kind = _KINDS.get(disclosure.kind or "", "not independent")
    return f"This is {kind}{f' ({disclosure.party})' if disclosure.party else ''}"


def _remedy(post: Resolved, labels: list[str]) -> str:
    """Which label to begin with: the post's own, where it is or holds an accepted one."""
    disclosure = post.post.head.disclosure
    own = disclosure.label if disclosure is not None else None
    if own and any(_is_labelled(own, label) for label in labels):
        return f"Start with '{own}'."
    refused = f"'{own}' is no accepted label. " if own else ""
    kind = disclosure.kind if disclosure is not None else None
    best = "Gift" if kind == "gifted" and "Gift" in labels else next(iter(labels), "Ad")
    return f"{refused}Start with '{best}'."


def _is_labelled(text: str, label: str) -> bool:
    """Whether `label` stands in `text` as a word of its own: Added is not Ad.

    Short words count only with their capital, for "ad hoc" and "a gift for her" label nothing.
    """
    label = label.strip()
    strict = len(label) <= _SHORT_LABEL and not label.startswith("#")
    either = f"{re.escape(label)}|{re.escape(label.upper())}"
    return re.search(rf"(?<![\w#@])(?:{either})(?![\w-])", text, re.NOFLAG if strict else re.IGNORECASE) is not None


def _partners(facts: Facts) -> list[re.Pattern[str]]:
    """Mentions of people who are paid or were given something for a campaign, whichever; a connection outlives it."""
    campaigns = (entry.value for entry in facts.content.entries if isinstance(entry.value, Campaign))
    handles = {(person.handle or "").strip().lstrip("@") for campaign in campaigns for person in campaign.influencers
               if person.terms in ("gifted", "paid")} - {""}
    return [re.compile(rf"(?<![\w@.])@{re.escape(name)}(?!\w|@|\.\w)", re.IGNORECASE) for name in sorted(handles)]


def _machine_made(post: Resolved, _: Facts) -> Iterator[Problem]:
    """Pictures, films and sounds that a machine made, where no text says so.

    Whether something looks real, no file tells; so whatever is `ai: generated` counts, with people or without, unless
    it is decorative. `edited` is not meant. Source: Regulation (EU) 2024/1689, articles 3(60) and 50(4), which apply
    since 2026-08-02: what resembles existing persons, objects, places or events and would falsely appear authentic;
    fontvera.eu/intelligence/ai-act-faq-deepfakes and others quote it, read 2026-11-22.
    """
    for media in post.media:
        made = media.use.ai or (media.item.ai if media.item is not None else None)
        decorative = media.use.decorative or (media.item is not None and media.item.decorative)
        if made != "generated" or decorative:
            continue
        shown = {channel.id for channel in shown_on(media, post)}
        said: set[str] = set()
        texts = [wording for wording in wordings(post) if wording.section.kind != "comment"]
        tags = "".join(f" #{tag.lstrip('#')}" for tag in post.hashtags)
        for wording in texts:
            if wording.section.kind == "text" and _says_ai(plain("\n".join(wording.section.parts)) + tags):
                said |= {channel.id for channel in wording.channels}
        if any(w.section.kind == "or" and not _says_ai(plain("\n".join(w.section.parts)) + tags) for w in texts):
            said.clear()
        silent = [channel for channel in post.channels if channel.id in shown - said]
        for channel in each(silent, post) if silent else ():
            name = media.file.path.rsplit("/", 1)[-1]
            yield MACHINE_MADE.at(media.place, f"{on(channel)}{name} was made by AI, and the text does not say so.",
                                  "Say it is AI-made, in words like 'Picture made with AI'.", post.id, channel)


def _says_ai(text: str) -> bool:
    text = " ".join(text.split())
    return _SAYS_AI.search(text) is not None or _SAYS_KI.search(text) is not None


def _locked(facts: Facts) -> Iterator[Problem]:
    """Personal data that is kept where nothing can be deleted.

    `lock` covers every class of records but the inbox, which has a prefix of its own. So it is wrong to keep inbox data
    for longer than a year beside locked records, as if it were a record too; and a legal hold, under which nothing is
    deleted, needs a written life of the inbox data, which it must not cover.
    """
    for entry in facts.content.entries:
        if not isinstance(entry.value, Rulebook):
            continue
        records = entry.value.records
        if (records.lock != "none" or records.legal_hold) and _days(records.inbox) > _DAYS_A_YEAR:
            beside = f"lock: {records.lock}" if records.lock != "none" else "legal_hold: true"
            yield LOCKED.at(entry.place("records", "inbox"), f"Inbox data is never locked: {records.inbox} beside "
                            f"{beside} keeps people's messages as if they were records.",
                            "Keep them for a year at most, for example inbox: 90d.")
        if records.legal_hold and "inbox" not in records.model_fields_set:
            yield LOCKED.at(entry.place("records", "legal_hold"), "Inbox data is never locked: nothing says how long "
                            "it lives under this hold.", "Write it under records, for example inbox: 90d; then it goes "
                            "all the same.")


def _days(retention: str) -> int:
    """The longest that `90d`, `26w`, `6mo` or `3y` can be, to a year's exactness."""
    unit = "mo" if retention.endswith("mo") else retention[-1]
    number = int(retention.removesuffix(unit))
    if unit in ("mo", "y"):
        months = number * (12 if unit == "y" else 1)
        return _DAYS_A_YEAR * months // 12
    return number * (7 if unit == "w" else 1)


LABELLED = Rule("LGL001", Severity.error, "F", "A post with a disclosure, a paid or gifted person or a partner's "
                "picture has no accepted label in the first 125 characters of each of its texts.",
                "Start with the label.", post=_unlabelled,
                knobs={"labels": ("Ad", "#ad", "Advertisement", "Paid partnership", "Gift")})
MACHINE_MADE = Rule("LGL003", Severity.error, "F", "A picture, film or sound was made by AI and a text does not "
                    "say so.", "Say it is AI-made.", post=_machine_made)
LOCKED = Rule("LGL005", Severity.error, "F", "Inbox data is kept for more than a year beside locked records, or under "
              "a legal hold that does not say how long.", "Inbox data is never locked.", all=_locked)
RULES: tuple[Rule, ...] = (LABELLED, *permissions.RULES, MACHINE_MADE, *contacts.RULES, LOCKED)
