"""LGL004: nobody's e-mail address or phone number stands in a content file, unless it is meant for the public.

A file in Git is copied, kept for years and read by more people than anybody knows. Where the text of a private message
was copied without its address, no program can tell.
"""
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from flows.planning.rules.ruling import Facts, Rule
from flows.planning.rules.wording import setting, written
from schemas.content import Resolved
from schemas.model import Authored
from schemas.post import Head
from schemas.problem import Problem, Severity

# An address, not a fediverse handle (@user@server), nor what stands in a path. Each starts where a word starts, so that
# hostile text is walked once.
_EMAIL = re.compile(r"(?<![\w.+/@-])[\w.+-]{1,64}@(?:[\w-]+\.)+(?P<top>[A-Za-z]{2,24})(?![\w@-])")
_FILES = frozenset(("png", "jpg", "jpeg", "gif", "webp", "svg", "mp4"))        # photo@2x.png
_URL = re.compile(r"https?://\S+", re.IGNORECASE)
_SHORTEST = 7                            # digits; shorter numbers belong to helplines
_DIGITS = re.compile(r"(?<![\w#@/.=+-])(?<!\d:)(?:\+ ?)?\(?\d[\d ()./\u2011-]{4,22}\d(?!\w|[-/:.,]\d)")
_CUE = re.compile(r"\b(?:tel(?:ephone|efon|éfono)?|tél(?:éphone)?|phone|mobile|mob|handy|whatsapp|sms|fax|call|ring"
                  r"|text)(?: (?:us|me|him|her|them|now))?\W{0,3}(?:(?:on|at|is|number|no|nr)\W{1,3}){0,2}$",
                  re.IGNORECASE)
_DATE = re.compile(r"(?<!\d)(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2}))(?!\d)")
_YEARS = re.compile(r"(?:19|20)\d\d ?[-/] ?(?:19|20)?\d\d")
_TIMES = re.compile(r"[\d ]\d[.]\d\d ?- ?\d{1,2}[.]\d\d|(?:[01]\d|2[0-3])[0-5]\d(?:[ /-]+(?:[01]\d|2[0-3])[0-5]\d)+")
_AMOUNT = re.compile(r"\+? ?\d{1,3}(?:\.\d{3})+")
_AMERICAN = re.compile(r"(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}")
Steps = tuple[str | int, ...]
_OURS = frozenset(("git", "handle", "knobs"))
"""Keys under which an address is what is asked for: of authors, of accounts, and of what may be shown."""


class Contact(NamedTuple):
    """An e-mail address or phone number in a text, from character `at`; `key` is how it is written in `pii_allow`."""

    at: int
    kind: str
    key: str
    shown: str


def contacts(text: str) -> Iterator[Contact]:
    """The e-mail addresses and phone numbers in `text`; what may as well be a date, a price or an id is none."""
    if "@" in text:
        for match in _EMAIL.finditer(text):
            if match["top"].lower() not in _FILES:
                local, _, domain = match[0].partition("@")
                yield Contact(match.start(), "an e-mail address", match[0].lower(), f"{local[0]}…@{domain}")
    if sum(map(text.count, "0123456789")) >= _SHORTEST:
        bare = _URL.sub(lambda match: " " * len(match[0]), text) if "://" in text else text
        for match in _DIGITS.finditer(bare):
            if _is_phone(match[0], bare[max(0, match.start() - 40):match.start()]):
                digits = re.sub(r"\D", "", match[0])
                yield Contact(match.start(), "a phone number", digits, f"{match[0][:4].rstrip()}…{digits[-2:]}")


def _is_phone(written: str, before: str) -> bool:
    """Whether a run of digits is a phone number: by its +, by the 0 and the gaps it is dialled with (an ISBN has a gap
    behind its 0), as Americans write it, or because the word before says so.

    With its country code a number has at most 15 digits (ITU-T E.164, as ldapwiki.com/wiki/Wiki.jsp?page=E.164 quotes
    it, read 2026-11-22).
    """
    digits = re.sub(r"\D", "", written)
    if written.startswith("+"):
        return 8 <= len(digits) <= 15 and not _AMOUNT.fullmatch(written)
    if _DATE.search(written) or _YEARS.fullmatch(written) or _TIMES.fullmatch(written):
        return False
    named = _CUE.search(before) is not None
    if digits.startswith("00"):
        return 10 <= len(digits) <= 17 and digits[2] != "0" and (named or len(digits) < len(written))
    if digits[0] == "0":
        gaps = re.match(r"\(?0[1-9]", written) is not None and len(digits) < len(written)
        return 9 <= len(digits) <= 12 and (named or gaps)
    if _AMERICAN.fullmatch(written):
        return True
    return named and _SHORTEST <= len(digits) <= 15 and not _AMOUNT.fullmatch(written)


def _in_posts(post: Resolved, facts: Facts) -> Iterator[Problem]:
    for piece in written(post):
        for contact in contacts(piece.text):
            if not _allowed(contact, facts):
                yield CONTACTS.at(piece.place(contact.at), *_said(contact), post.id)
    for path, text in _front_matter(post.post.head):
        for contact in contacts(text) if text else ():
            if not _allowed(contact, facts):
                yield CONTACTS.at(post.post.place(*path), *_said(contact), post.id)


def _front_matter(head: Head) -> Iterator[tuple[Steps, str | None]]:
    """What front matter holds in words; names of creators and parties are handles."""
    yield ("credit",), head.credit
    yield ("hold",), head.hold
    for number, option in enumerate(head.poll.options if head.poll else ()):
        yield ("poll", "options", number), option
    for number, use in enumerate(head.media or ()):
        yield ("media", number, "alt"), use.alt
        yield ("media", number, "transcript"), use.transcript


def _in_files(facts: Facts) -> Iterator[Problem]:
    for entry in facts.content.entries:
        for path, text in (*_texts(entry.value, ()), ((), entry.body)):
            for contact in contacts(text):
                if not _allowed(contact, facts):
                    yield CONTACTS.at(entry.place(*path), *_said(contact))


def _texts(value: Any, path: Steps) -> Iterator[tuple[Steps, str]]:
    """Every text inside `value`, with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Authored):
        fields = type(value).model_fields
        for name, inner in value:
            if inner and name not in _OURS:
                yield from _texts(inner, (*path, fields[name].alias or name if name in fields else name))
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _texts(key, path)
            yield from _texts(inner, (*path, key))
    elif isinstance(value, tuple):
        for number, inner in enumerate(value):
            yield from _texts(inner, (*path, number))


def _allowed(contact: Contact, facts: Facts) -> bool:
    """`pii_allow` names whole addresses and numbers, or `@domain` for all addresses there."""
    for allowed in setting(facts, CONTACTS, "pii_allow"):
        name = str(allowed).strip().lower()
        if "@" in name:
            if contact.key == name or (name.startswith("@") and contact.key.endswith(name)):
                return True
        elif contact.key.isdigit() and contact.key.lstrip("0") == re.sub(r"\D", "", name).lstrip("0"):
            return True
    return False


def _said(contact: Contact) -> tuple[str, str]:
    return (f"Here stands {contact.kind}: {contact.shown}.",
            "Remove personal data; if it is ours and public, list it in rules.yaml under knobs: pii_allow.")


CONTACTS = Rule("LGL004", Severity.error, "F", "An e-mail address or phone number stands in a post or another content "
                "file; team git and handles may.", "Remove personal data, or list what is public in pii_allow.",
                post=_in_posts, knobs={"pii_allow": ()})
RULES = (CONTACTS, CONTACTS._replace(post=None, all=_in_files))
