"""Secrets in content: where one stands, and what is printed instead of it."""
import re
from collections.abc import Iterable, Iterator
from itertools import groupby, pairwise

from schemas.problem import Problem

_LOGIN = re.compile(r"://[^\s/:@]{1,60}:[^\s/:@]{6,100}@(?=[A-Za-z0-9])")
# Shapes that the issuers document, as gitleaks has them too (github.com/gitleaks/gitleaks, config/gitleaks.toml, read
# 2026-11-22). A named secret counts only with a digit in it: "secret: perseverance" is text.
_SECRET = re.compile(
    r"A(?:KIA|SIA|BIA|CCA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}"
    r"|gl(?:pat|dt|rt)-[A-Za-z0-9_-]{20}|xox[abeprs]-[A-Za-z0-9-]{10,}|EAA[A-Za-z0-9]{40,}"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9+/]{43,56}"
    r"|discord(?:app)?\.com/api/webhooks/[0-9]{17,20}/[A-Za-z0-9_-]{60,}|AAAAAAAAAA[A-Za-z0-9%]{70,}"
    r"|[sr]k_(?:live|test)_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{28}|ya29\.[A-Za-z0-9_-]{20,}"
    r"|sk-ant-[A-Za-z0-9_-]{80,}|sk-[A-Za-z0-9_-]{20,80}T3BlbkFJ[A-Za-z0-9_-]{20,}|npm_[A-Za-z0-9]{36}|hf_[A-Za-z]{34}"
    r"|pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{50,}|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"
    r"|(?<![0-9])[0-9]{5,16}:AA[A-Za-z0-9_-]{33}|AGE-SECRET-KEY-1[0-9A-Z]{58}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY(?: BLOCK)?-----"
    r"|(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{17,}\.eyJ[A-Za-z0-9_-]{17,}\.[A-Za-z0-9_-]{10,}"
    rf"|{_LOGIN.pattern}"
    r"|(?i:passw(?:or)?d|secret|(?:access|auth|refresh|bearer|api|id|security)[_-]?token|(?:api|private)[_-]?key"
    r"|amz-signature)\s*[:=]\s*['\"]?(?=[A-Za-z+/_-]*[0-9])[A-Za-z0-9+/_-]{16,}"
)
# Every other shape has one of these in it. To see that none is there takes a tenth of the time, and most texts have
# none; that they have no word of 14 signs is seen faster still.
_SIGN = re.compile(
    r"KIA|SIA|BIA|ACCA|EAA|AAAAAAAAAA|AIza|AGE-|GOCSPX|SG\.|T3Blbk|-----B|:AA|eyJ|gh[pousr]_|github_pat|gl(?:pat|dt|rt)-"
    r"|xox|hooks\.|/webhooks|k_live|k_test|ya29|sk-ant|npm_|hf_|pypi-"
)
_NAMED = re.compile(r"(?:word|swd|secret|token|key|signature)\s*[:=]")
_LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/_=%-"
_RUNS = bytes(ord("w") if sign in _LETTERS else ord(" ") for sign in range(256))

# A long word outside of addresses, mentions, hashtags and file names, with letters and digits as chance mixes them.
_WORD = re.compile(r"(?<![\w+/=.:%&?#@~-])[A-Za-z0-9+/_=-]{40,}+(?![\w.%@#~]\w)")
_NO_ACCOUNT = frozenset("0OIl+/_-")
"""Addresses of crypto-currencies look like chance too, and are meant to be read: they are written without these signs
(base58). One token in twenty has none of them and passes; a text that nobody may publish would be worse, since this
rule cannot be waived."""


def secrets(text: str) -> Iterator[tuple[int, str]]:
    """Where `text` holds what looks like a secret, and how it may be shown: its first four characters."""
    for start, _ in _found(text):
        yield start, f"{text[start:start + 4]}…"


def masked(text: str) -> str:
    """`text` with every secret cut to its first four characters."""
    made, at = [], 0
    for start, end in _found(text):
        made += [text[at:start], text[start:start + 4], "…"]
        at = end
    return "".join([*made, text[at:]])


def without_secrets(problems: Iterable[Problem]) -> list[Problem]:
    """The same problems; where one quotes a secret, it is masked."""
    return [problem._replace(message=masked(problem.message), remedy=masked(problem.remedy)) for problem in problems]


def _found(text: str) -> list[tuple[int, int]]:
    """Where each secret begins and ends, in order."""
    runs = text.encode("utf-8", "replace").translate(_RUNS)
    found: list[tuple[int, int]] = []
    if (b"w" * 14 in runs or "-----B" in text or "://" in text) and (
            _SIGN.search(text) or _NAMED.search(text.lower()) or ("@" in text and _LOGIN.search(text))):
        found = [match.span() for match in _SECRET.finditer(text)]
    if b"w" * 40 in runs:
        taken = list(found)
        found += [match.span() for match in _WORD.finditer(text) if _is_random(match[0])
                  and all(end <= match.start() or match.end() <= start for start, end in taken)]
        found.sort()
    return found


def _is_random(word: str) -> bool:
    """Whether capitals, small letters and digits follow each other as chance has them: 0.64 changes a sign."""
    kinds = ["A" if sign.isupper() else "a" if sign.islower() else "0" if sign.isdigit() else sign for sign in word]
    runs = [kind for kind, _ in groupby(kinds)]
    changes = sum(1 for one, other in pairwise(kinds) if one != other)
    return (changes >= 0.45 * len(word) and min(runs.count(kind) for kind in "Aa0") >= 3
            and not _NO_ACCOUNT.isdisjoint(word))
