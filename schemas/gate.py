"""Phase gates as data: what has to be true before the next step, what shows it, and what to do where it is not."""
from datetime import date
from enum import StrEnum
from typing import Any, NamedTuple


class Light(StrEnum):
    """amber: nobody can tell, for data is missing."""

    green = "green"
    amber = "amber"
    red = "red"


class GateLine(NamedTuple):
    """One criterion. `key` is what a waiver names: the code of its rule, else `<GATE>-<word>`.

    `evidence`: what was seen, in words. `remedy`: "" where it is green. `owner`: the id of the person to ask; None:
    nobody is named. `waived`: the waiver in words, None: there is none; a waived line does not keep its gate shut.
    `why`: what is wrong, where the evidence says more than that; "": the evidence says it.
    """

    state: Light
    key: str
    what: str
    evidence: str
    remedy: str = ""
    owner: str | None = None
    waived: str | None = None
    why: str = ""

    @property
    def shut(self) -> bool:
        return self.state is not Light.green and self.waived is None


class Gate(NamedTuple):
    """`gate`: DISCOVERY, STRATEGY, SKILLS, LAUNCH, EXECUTION, MAINTENANCE. `campaign`: of the two that belong to one.

    `earliest`: the first day on which the campaign may start by the calendar alone; `waiting_adds`: what each further
    month of groundwork would bring, in sentences.
    """

    gate: str
    lines: tuple[GateLine, ...]
    campaign: str | None = None
    earliest: date | None = None
    waiting_adds: tuple[str, ...] = ()

    @property
    def state(self) -> Light:
        """Red when one line is that is not waived, else amber, else green."""
        shut = {line.state for line in self.lines if line.shut}
        return Light.red if Light.red in shut else Light.amber if shut else Light.green

    @property
    def name(self) -> str:
        return f"{self.gate} of {self.campaign}" if self.campaign else self.gate

    def as_dict(self) -> dict[str, Any]:
        """The object of `gates --json`."""
        made: dict[str, Any] = {"gate": self.gate, "campaign": self.campaign, "state": self.state.value, "lines": [
            {"state": line.state.value, "what": line.what, "evidence": line.evidence, "remedy": line.remedy,
             "owner": line.owner, "key": line.key, "waived": line.waived} for line in self.lines]}
        if self.gate == "LAUNCH":
            made["earliest"] = self.earliest.isoformat() if self.earliest else None
            made["waiting_adds"] = list(self.waiting_adds)
        return made
