"""What each rule of the book means: for whoever reads a code and wants to know when it fires and what to do.

Rules that have code of their own declare this themselves, in `RULES`. Here stand the others: those that reading,
resolving, scheduling and the networks find by the way. No code has two homes.
"""
from flows.planning.measuring import METRICS
from flows.planning.rules import RULES
from flows.planning.rules.ruling import FIXED, Rule
from schemas.problem import Severity
from schemas.rulebook import Knob

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


def in_book(code: str) -> Rule | None:
    """What the book says of `code`: the rule that declares it, else its page here; None: there is no such code."""
    return next((rule for rule in (*RULES, *BOOK) if rule.code == code), None)


FAMILIES = {
    "SYN": "The files themselves", "REF": "Names", "RUL": "Waivers", "STR": "The strategy funnel", "DIS": "Discovery",
    "GOL": "Goals", "CMP": "Campaigns", "GAT": "Gates", "INT": "Gives and asks", "ENG": "Engagement", "SCH": "Times",
    "TXT": "Texts", "ACC": "Access", "LGL": "Law and decency", "LNK": "Links", "MED": "Media files",
    "NET": "Channels", "PPL": "People", "CRI": "Crises", "MNT": "Maintenance", "MEA": "Figures", "IDE": "Ideas",
    "CON": "Accounts and their costs", "SUP": "What a network lacks"}
"""In the order of the rule book; our own beside those they are like."""
_PAGE = """# The rules

Made by `drumbeat explain --all`; do not edit it by hand.

Severity: **error** stops the item that it names (a post waits; what is wrong with a strategy or a campaign acts through
the [gates](../../../README.md)), **warning** is shown at review, **advice** on request. A rule whose data is missing is
not evaluated, and says so; it never passes.

`rules.yaml` changes what can be changed: `profile: relaxed | guided | strict`, `severity: {CODE: off | advice | warning
| error}`, `knobs: {name: value}`, `waivers: [{rule, where, until, by, reason}]`, signed by the sponsor or an approver.
Under relaxed and guided a rule with a *gate* is a step of that gate (advice) until an ask or a campaign depends on it;
under strict it holds at once. Under relaxed a rule that *acts* only warns. Needs: F files, G Git history, D archive or
figures, T the clock.
"""


def catalogue() -> str:
    """The page of all rules, family by family, as Markdown."""
    lines = [_PAGE]
    rules = {rule.code: rule for rule in (*BOOK, *RULES)}
    for family, title in FAMILIES.items():
        lines += [f"## {family}: {title}", "", "| code | severity | needs | fires when | remedy | knobs | profile |",
                  "|---|---|---|---|---|---|---|"]
        lines += [_entry(rules[code]) for code in sorted(rules) if code[:3] == family]
        lines.append("")
    lines += ["## Metrics", "", "Names that goals and `measures/*.csv` may use.", "",
              "| name | unit | level | formula |", "|---|---|---|---|"]
    lines += [f"| {one.name} | {one.unit} | {one.level} | {one.formula} |" for one in METRICS.values()]
    return "\n".join(lines).rstrip("\n") + "\n"


def _entry(rule: Rule) -> str:
    knobs = ", ".join(f"`{name}` = {_plain(default)}" for name, default in rule.knobs.items())
    profile = "; ".join(filter(None, (
        f"step of {rule.gate}" if rule.gate else "", "acts" if rule.acts else "",
        "asked again when its hour has come" if rule.due else "", "fixed" if rule.code in FIXED else "")))
    cells = (rule.code, rule.severity.value, " ".join(rule.needs), rule.fires, rule.remedy, knobs, profile)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(default: Knob) -> str:
    return ", ".join(default) if isinstance(default, tuple) else str(default)


def codes() -> list[str]:
    """Every code there is."""
    return sorted({rule.code for rule in (*RULES, *BOOK)})
