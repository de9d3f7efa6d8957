"""Text of strangers in Markdown, so that nothing of it is live: in a fence, in a code span, in a line of a log.

In code it makes no link, picture, heading or mention. The fence is longer than any run of backticks inside, and every
line begins with a sign of ours, since some forges look for their commands (a line that begins with /) without parsing.
"""
import re
from collections.abc import Iterable, Sequence

from flows.planning.masking import masked
from schemas.problem import Problem, Severity

LINE = 1_000
"""What is longer is cut, and counted."""
_RUN = re.compile("`+")
# What nobody sees: controls, marks that turn the direction, fillers, lone halves. The flags of Scotland and others are
# made of such signs, and joiners are part of emoji and of many scripts.
_UNSEEN = re.compile(
    "(?P<kept>\U0001f3f4[\U000e0020-\U000e007e]{1,10}\U000e007f|(?<=[^\x00-\x7f])[\u200c\u200d](?=[^\x00-\x7f]))"
    "|[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff\ud800-\udfff\U00013430-\U0001343f\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff]")


def visible(text: str) -> str:
    """`text` in one line, without secrets; what nobody would see is shown as code points."""
    return _UNSEEN.sub(lambda found: found["kept"] or f"⟦U+{ord(found[0]):04X}⟧", masked(text).replace("\n", " ⏎ "))


def coded(text: str) -> str:
    """`text` as a code span; its backticks are more than any run of them inside."""
    shown = visible(text) or " "
    fence = "`" * (longest_run([shown]) + 1)
    pad = " " if shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def fenced(shown: Sequence[str]) -> str:
    """Lines as a block of code."""
    fence = "`" * fence_length(shown)
    return "\n".join((f"{fence}text", *shown, fence))


def fence_length(shown: Iterable[str]) -> int:
    """How many backticks the fence around these lines has."""
    return max(3, longest_run(shown) + 1)


def longest_run(shown: Iterable[str]) -> int:
    """The length of the longest run of backticks."""
    return max((len(run) for line in shown for run in _RUN.findall(line)), default=0)


def behind(sign: str, text: str) -> str:
    """A line that begins with a sign of ours."""
    shown = visible(text)
    more = len(shown) - LINE
    return sign + shown[:LINE] + (f" … {more} more characters" if more > 0 else "")


def annotation(problem: Problem) -> str:
    """A problem as a line that GitHub and Forgejo show beside the file; nothing in it can begin another command."""
    level = {Severity.error: "error", Severity.warning: "warning", Severity.advice: "notice"}[problem.severity]
    place, words = problem.place, visible(f"{problem.message} {problem.remedy}")
    name = visible(place.file).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
    return (f"::{level} file={name},line={place.line},col={place.column},title={problem.code}::"
            + words.replace("%", "%25"))
