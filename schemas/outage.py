"""What is pushed does not arrive at a publisher: for how long, and why."""
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple

from schemas.report import rfc3339


class Outage(NamedTuple):
    """`machines` do not reach the remote. `why` and `remedy`: as git told it last; `at`: when that was noted.

    `behind`: those of the machines that lack the commit in force, which another publisher has taken meanwhile.
    `is_over`: they reach it again, since `at`.
    """

    branch: str
    since: datetime
    at: datetime
    why: str
    remedy: str
    machines: tuple[str, ...]
    behind: tuple[str, ...] = ()
    is_over: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The object of `status --json`; times are RFC 3339 UTC."""
        return {"branch": self.branch, "since": rfc3339(self.since), "at": rfc3339(self.at), "why": self.why,
                "remedy": self.remedy, "machines": list(self.machines), "behind": list(self.behind)}

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "Outage":
        """The outage of such an object."""
        return cls(said["branch"], datetime.fromisoformat(said["since"]), datetime.fromisoformat(said["at"]),
                   said["why"], said["remedy"], tuple(said["machines"]), tuple(said["behind"]))
