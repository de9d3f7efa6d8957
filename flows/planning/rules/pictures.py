"""MED: what a media file is, by its content: it can be sent, and it is what its name says."""
from collections.abc import Iterator

from flows.planning.rules.ruling import Facts, Rule
from schemas.content import Resolved
from schemas.problem import Problem, Severity


def _unsendable(post: Resolved, _: Facts) -> Iterator[Problem]:
    """A file that no network should get: another kind than its name says, a bomb, a page, a torn one."""
    for media in post.media:
        probe = media.file.probe
        if probe is not None and probe.why is not None:
            yield UNSENDABLE.at(media.place, probe.why, probe.remedy, post.id)


UNSENDABLE = Rule(
    "MED001", Severity.error, "F",
    "A media file cannot be used: it breaks off, is of another kind than its name says or of one that no network "
    "takes, or has more than 50 million pixels or 10,000 on a side.",
    "Save or rename it as the message says.", post=_unsendable)
RULES = (UNSENDABLE,)
