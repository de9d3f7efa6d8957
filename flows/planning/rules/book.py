"""What each rule of the book means: for whoever reads a code and wants to know when it fires and what to do.

Rules that have code of their own declare this themselves, in `RULES`. Here stand the others of the families that are
judged: those that reading, resolving, scheduling and the networks find by the way. No code has two homes.
"""
from typing import NamedTuple

from flows.planning.rules import NOT_EVALUATED, RULES
from flows.planning.rules.ruling import Rule
from schemas.problem import Severity

_E, _W, _A = Severity.error, Severity.warning, Severity.advice

BOOK: tuple[Rule, ...] = (
    # --- SYN: the files themselves ------------------------------------------------------------------------------------
    Rule(
        "SYN001", _E, "F",
        "A file cannot be read: it is no UTF-8, its YAML does not parse, its front matter is not closed, it is too "
        "large, or no file at all but a link.",
        "Mend what the message names. Quote text that contains ': ', begins with & or *, or holds a #.",
    ),
    Rule(
        "SYN002", _E, "F",
        "A key is not known here, a value has the wrong type or is none of those allowed, or an entry has no id or no "
        "text.",
        "Use the key or the value that the message proposes. A note of your own is a key that begins with x-.",
    ),
    Rule(
        "SYN003", _E, "F",
        "A post says more than once when it goes out: of at, slot, after and every, only one can hold.",
        "Keep one of them.",
    ),
    Rule(
        "SYN004", _E, "F",
        "There is nothing to publish: no text and no media, an empty section, nothing for one of its channels; or "
        "something is left that stands for what was still to be written: TODO, {{…}}, [name], XX.",
        "Write the text, or remove the section, the channel or the placeholder.",
    ),
    Rule(
        "SYN005", _W, "F",
        "A key has no value, because everything after its # is a comment.",
        "Write hashtags without #, or put the text in quotes.",
    ),
    Rule(
        "SYN006", _E, "F",
        "A ## heading in a post is no section that is known, or a section stands twice.",
        "Use '## on <channel>', '## or', '## first comment' or '## notes', each channel once.",
    ),
    Rule(
        "SYN007", _E, "F",
        "A text has the shape of a token, a key or a password.",
        "Remove it and replace the credential: whoever can read the repository has it. Credentials stay outside of the"
        " content; 'connection:' names them.",
    ),
    Rule(
        "SYN008", _E, "F",
        "A post holds what a reviewer sees and readers do not, or the other way round: HTML, an image in the text, the "
        "definition of a link; a comment is left out, which is said.",
        "Write it as Markdown, name images under 'media:', close a comment with -->, keep notes under '## notes'.",
    ),
    Rule(
        "SYN009", _E, "F",
        "A text holds a character that nobody sees: one that turns text around, has no width, or steers a machine.",
        "Delete it and type the text again.",
    ),
    Rule(
        "SYN010", _W, "F",
        "A Markdown or YAML file lies where nothing reads it.",
        "Move or rename it as the message proposes.",
    ),
    Rule(
        "SYN011", _E, "F",
        "A text calls everybody at once: @everyone, @here or @channel.",
        "Name the accounts that are meant.",
    ),
    Rule(
        "SYN012", _W, "F",
        "The host name of a link mixes letters that look alike, so that readers take it for another one.",
        "Write the name that is meant, or the form that machines read if it is this one.",
    ),
    # --- REF: names ---------------------------------------------------------------------------------------------------
    Rule(
        "REF001", _E, "F",
        "A name leads nowhere, stands for two things, or is no name: a post, channel, person, goal or media file that "
        "is not there, an id that stands twice or is malformed, a media file that is a Git LFS pointer.",
        "Write the name that the message proposes, add what is missing, or rename one of the two.",
    ),
    Rule(
        "REF002", _E, "F",
        "Posts wait for each other in a circle: 'after:' leads from a post back to itself.",
        "Give one of them a time of its own.",
    ),
    Rule(
        "REF003", _E, "DG",
        "A post was published, and no file has its id now. Under another id the same post would be published again.",
        "Add the line 'id: <the former id>' to the renamed file ('drumbeat plan' says which), or put the file back "
        "with 'withdraw: true'.",
    ),
    Rule(
        "REF004", _A, "F",
        "An audience, a pillar, a tactic, a goal or a media item is used by nothing.",
        "Use it or remove it.",
    ),
    # --- SCH: times ---------------------------------------------------------------------------------------------------
    Rule(
        "SCH004", _E, "F",
        "A post waits for another one ('after:') that itself waits, has no time or never comes; or a post of a "
        "campaign would go out outside its days.",
        "Mend the post that it waits for, give it a time of its own, or choose a day of the campaign.",
    ),
    Rule(
        "SCH006", _W, "F",
        "The clocks change: the local time does not exist that day, or happens twice. The next valid minute is used, "
        "or the first of the two.",
        "Choose a time outside the clock change if that is not what you want.",
    ),
    Rule(
        "SCH008", _E, "F",
        "A post takes the next free slot of a channel, and the channel has no slots.",
        "Give the post a time ('at: YYYY-MM-DD HH:MM'), or the channel slots: [\"tue 09:30\"].",
    ),
    # --- CON: the accounts --------------------------------------------------------------------------------------------
    Rule(
        "CON001", _W, "F",
        "A credential ends before a post that needs it. Known only where credentials are, so on a publisher's machine; "
        "a credential that renews itself is not meant.",
        "Run 'drumbeat connect <network>' before that: it asks for a new one and tries it.",
    ),
    Rule(
        "CON002", _W, "F",
        "The posts of a month cost more on a channel than its 'monthly_budget' (USD), by the network's own prices.",
        "Leave links out where they cost more, name fewer posts for the channel, or raise the budget.",
    ),
    # --- SUP: what a network lacks ------------------------------------------------------------------------------------
    Rule(
        "SUP001", _W, "F",
        "A form, a network or a field is not supported yet: what needs it waits, and nothing else is held up by it.",
        "Nothing to do, unless it must go out before: then the message says how.",
    ),
    Rule(
        "SUP002", _W, "F",
        "A network has no such thing as the post asks for, a poll or a content warning say: there it goes out without.",
        "Say it in the text under '## on <channel>', or leave the channel out.",
    ),
    Rule(
        "SUP003", _E, "F",
        "An option under 'options:' is none that the network has, or is set to what it cannot be; or no channel and no "
        "network has the name it stands under.",
        "'drumbeat networks <network>' lists its options, and what each can be.",
    ),
    # --- TXT: what networks take --------------------------------------------------------------------------------------
    Rule(
        "TXT001", _E, "F",
        "A text, a description, a hashtag list, a picture or a thread is over the limit of its channel, as that "
        "network counts.",
        "Add '## on <channel>' with a shorter text, or leave pictures out.",
    ),
    Rule(
        "TXT005", _W, "F",
        "X makes a link of a word with a dot in it: it counts 23, and a post with a link costs more.",
        "Put a space or a word joiner (U+2060) before the dot, or write https:// if it is meant.",
    ),
    Rule(
        "TXT006", _E, "F",
        "A network refuses something that no other rule names: an empty part, a file of a kind it does not take, a "
        "second cashtag, an odd character.",
        "Change what the message names, or leave the channel out.",
    ),
)
"""In the order of the families, then by number."""


class Family(NamedTuple):
    """Rules that no code judges yet. `most`: how many the book has; `about`: in a word or two."""

    most: int
    about: str


LATER = {
    "RUL": Family(1, "waivers"), "STR": Family(14, "the strategy funnel"), "DIS": Family(5, "discovery"),
    "GOL": Family(9, "goals"), "CMP": Family(16, "campaigns"), "INT": Family(7, "gives and asks"),
    "ENG": Family(7, "engagement"), "NET": Family(4, "channels"), "PPL": Family(4, "people and approvals"),
    "CRI": Family(5, "crises"), "MNT": Family(4, "maintenance"), "MEA": Family(2, "measures"),
    "IDE": Family(1, "ideas"),
}


def in_book(code: str) -> Rule | None:
    """What the book says of `code`: the rule that declares it, else its page here; None: a later one, or none."""
    return next((rule for rule in (*RULES, *BOOK) if rule.code == code), None)


def later(code: str) -> Family | None:
    """The family of a code that is not evaluated yet; None: it is evaluated, or there is no such code."""
    family, number = code[:3], code[3:]
    found = LATER.get(family)
    is_later = found is not None and family in NOT_EVALUATED and in_book(code) is None
    return found if found is not None and is_later and number.isdecimal() and 1 <= int(number) <= found.most else None


def codes() -> list[str]:
    """Every code there is, of later families too."""
    made = [f"{family}{number:03d}" for family in LATER for number in range(1, LATER[family].most + 1)]
    return sorted({*(rule.code for rule in (*RULES, *BOOK)), *(code for code in made if later(code))})
