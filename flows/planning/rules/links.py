"""LNK: an address can be followed, and a page can be found by the time people look for it. Nothing is fetched here."""
import re
from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import setting, written
from schemas.campaign import Campaign
from schemas.content import Entry, Resolved
from schemas.problem import Problem, Severity

# What nearly every address looks like; any other is looked at step by step.
_ORDINARY = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,9}[a-z]{2,24}(?:[/?#][^\s%<>\"\\^`{|}]*)?",
                       re.IGNORECASE)
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.IGNORECASE)
_LONGEST_HOST = 253
_BAD_PERCENT = re.compile(r"%(?![0-9a-f]{2})", re.IGNORECASE)
_BAD_SIGN = re.compile(r"[\s<>\"\\\x00-\x1f]")           # ^ ` { | } are wrong too, but every browser mends them
# What begins like an address, rightly written or nearly so. HTTP/2 is a protocol.
_BEGUN = re.compile(
    r"(?<![\w/.@#])(?P<scheme>h{1,2}t{1,3}ps?|h{0,2}t{2,3}ps?)(?P<mark>[:;]/{1,3}|//)(?P<rest>[^\s<>\"]*)",
    re.IGNORECASE)
_MARKDOWN = re.compile(r"(?<!!)\[[^\[\]\n]+\]\((?P<target>[^()\n]*)\)")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_QUOTED = 80


def fault(url: str) -> str | None:
    """What is wrong with an address as it is written; None: nothing that can be seen.

    Source: RFC 3986 (sections 2.1 and 3), RFC 1035 (2.3.4: 63 characters between dots, 253 in all).
    """
    if _ORDINARY.fullmatch(url):
        return None
    if not _SCHEME.match(url):
        return "it does not begin with https://"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "the part behind https:// is no host"
    if _BAD_SIGN.search(url):
        return "it holds a space or a sign that no address has"
    if _BAD_PERCENT.search(url):
        return "a % in it stands for nothing; for the sign itself write %25"
    return None if host.startswith("[") or ":" in host else _host_fault(host)


def _host_fault(host: str) -> str | None:
    if not host:
        return "it names no host"
    try:
        plain = host if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return f"there can be no host {host[:_QUOTED]}"
    labels = plain.removesuffix(".").split(".")
    if len(labels) == 1:
        return f"{host[:_QUOTED]} is no host that everybody can reach"
    sound = len(plain) <= _LONGEST_HOST and all(_LABEL.fullmatch(label) for label in labels)
    if labels[-1].isdecimal():
        sound = len(labels) == 4 and all(label.isdecimal() and len(label) < 4 and int(label) < 256 for label in labels)
    return None if sound else f"there can be no host {host[:_QUOTED]}"


def _malformed(post: Resolved, _: Facts) -> Iterator[Problem]:
    """An address in a post that nobody can follow: in its link, its UTM fields, its texts."""
    if post.link is not None and (what := fault(post.link)) is not None:
        yield MALFORMED.at(post.post.place("link"), *_said(post.link, what), post.id)
    for name, value in post.utm.items():
        if value and re.search(r"[&?#=]|://", value):
            yield MALFORMED.at(post.post.place("utm", name),
                               f"utm.{name}: '{value[:_QUOTED]}' is a piece of an address.",
                               "Write the bare word, such as spring-mend.", post.id)
    for piece in written(post):
        text = piece.text
        if "//" not in text and ":/" not in text and "](" not in text:
            continue
        for match in _BEGUN.finditer(text):
            url = match["scheme"] + match["mark"] + _bare(match["rest"])
            right = match["scheme"].lower() in ("http", "https") and match["mark"] == "://"
            what = fault(url) if right else "it does not begin with https://"
            if what is not None:
                yield MALFORMED.at(piece.place(match.start()), *_said(url, what), post.id)
        for match in _MARKDOWN.finditer(text):
            if not _SCHEME.match(match["target"]) and not _BEGUN.match(match["target"]):
                yield MALFORMED.at(piece.place(match.start()), f"{match[0][:_QUOTED]}: readers would see the brackets, "
                                   "for no address in them begins with https://.",
                                   "Write the whole address, or take the brackets away.", post.id)


def _bare(rest: str) -> str:
    """What of a text behind `https://` belongs to the address: not a bracket around it, nor what ends a sentence."""
    depth = 0
    for at, sign in enumerate(rest):
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            rest = rest[:at]
            break
    return rest.rstrip(".,;:!?'*_`|]}’”…")


def _said(url: str, what: str) -> tuple[str, str]:
    return f"{url[:_QUOTED]}: {what}.", "Copy the address from the browser, from https:// to its end."


def _malformed_page(facts: Facts) -> Iterator[Problem]:
    """An address in a campaign that nobody can follow: of its pages, its offer, its terms."""
    for entry, campaign in _campaigns(facts):
        offer = campaign.offer.url if campaign.offer is not None else None
        named: list[tuple[tuple[str | int, ...], str | None]]
        named = [(("offer", "url"), offer), (("competition_terms",), campaign.competition_terms)]
        named += [(("pages", number, "url"), page.url) for number, page in enumerate(campaign.pages)]
        for path, url in named:
            if url is not None and (what := fault(url)) is not None:
                yield MALFORMED.at(entry.place(*path), *_said(url, what))


def _late(facts: Facts) -> Iterator[Problem]:
    """A campaign's page that search engines have had no time to find.

    What is over is not told of. Once the campaign runs, only one thing can still be put right: a page that no search
    engine has, which is then an error.
    """
    today = facts.today()
    for entry, campaign in _campaigns(facts):
        if campaign.start is None or (campaign.end is not None and campaign.end < today):
            continue
        days = max(0, setting(facts, LATE, "index_days"))
        latest = campaign.start - timedelta(days=min(days, campaign.start.toordinal() - 1))
        for number, page in enumerate(campaign.pages):
            url = (page.url or "the page")[:_QUOTED]
            place = entry.place("pages", number, "live")
            if campaign.start <= today:
                if page.indexed is None or page.indexed > today:
                    yield LATE.at(entry.place("pages", number), f"{url} is in no search engine, and {entry.id} runs.",
                                  "Look it up, ask for it to be indexed, and write indexed: with the day.",
                                  severity=Severity.error)
            elif page.live is None:
                yield LATE.at(place, f"{url} has no live: date.",
                              f"Publish it by {latest} so it can be found, and write live: with the day.")
            elif page.live > latest:
                early = f"less than {days} days before" if page.live < campaign.start else "when or after"
                yield LATE.at(place, f"{url} is live on {page.live}, {early} {entry.id} begins.",
                              f"Publish it by {latest} so it can be found.")


def _campaigns(facts: Facts) -> Iterator[tuple[Entry, Campaign]]:
    for entry in facts.content.entries:
        if isinstance(entry.value, Campaign):
            yield entry, entry.value


MALFORMED = Rule("LNK001", Severity.error, "F", "An address in a link, a text, a UTM field, a campaign's page or its "
                 "offer is malformed.", "Copy the address from the browser, from https:// to its end.", post=_malformed)
LATE = Rule("LNK002", Severity.warning, "FT", "A page of a campaign is live less than 28 days before it starts, or has "
            "no live date; as an error: the campaign runs and no search engine has the page.",
            "Publish the page earlier, so it can be found.", all=_late, knobs={"index_days": 28})
RULES = (MALFORMED, MALFORMED._replace(post=None, all=_malformed_page), LATE)
