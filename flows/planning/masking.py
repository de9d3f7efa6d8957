"""Secrets in content: where one stands, and what is printed instead of it."""
import re
from collections.abc import Iterable, Iterator

from schemas.problem import Problem

# Shapes that the issuers document. A named secret counts only with a digit in it: "secret: perseverance" is text.
_SECRET = re.compile(
    r"A(?:KIA|SIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{40,}|xox[abprs]-[A-Za-z0-9-]{10,}"
    r"|EAA[A-Za-z0-9]{40,}|AAAAAAAAAA[A-Za-z0-9%]{70,}|sk_live_[A-Za-z0-9]{16,}|AIza[A-Za-z0-9_-]{35}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----|glpat-[A-Za-z0-9_-]{20}"
    r"|(?i:password|secret|access_token|api_key)\s*[:=]\s*['\"]?(?=[A-Za-z+/_-]*[0-9])[A-Za-z0-9+/_-]{16,}")


def secrets(text: str) -> Iterator[tuple[int, str]]:
    """Where `text` holds what looks like a secret, and how it may be shown: its first four characters."""
    for match in _SECRET.finditer(text):
        yield match.start(), _shown(match)


def masked(text: str) -> str:
    """`text` with every secret cut to its first four characters."""
    return _SECRET.sub(_shown, text)


def without_secrets(problems: Iterable[Problem]) -> list[Problem]:
    """The same problems; where one quotes a secret, it is masked."""
    return [problem._replace(message=masked(problem.message), remedy=masked(problem.remedy)) for problem in problems]


def _shown(match: re.Match[str]) -> str:
    return f"{match[0][:4]}…"
