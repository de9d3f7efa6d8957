"""SKILLS, line by line: what one change of the sample content makes of it."""
from collections.abc import Callable, Mapping

import pytest

from schemas.gate import Gate

Sample = Callable[..., dict[str, Gate]]
Edits = Mapping[str, tuple[str, str] | str | None]
Told = Callable[[Gate, str], tuple[str, str, str, str | None]]
CASES = (
    ("SKILLS-roles", "2027-03-17",
     {"people/team.yaml": (
        "roles: [social_manager, author, responder]",
        "roles: [author, responder]")},
     "red", "nobody is social manager",
     "Give the role to somebody who can do it: roles in people/team.yaml.", "ilse"),
    ("SKILLS-backups", "2027-03-17",
     {"people/team.yaml": ("    backup: odile\n", "")},
     "red", "no backup: social manager",
     "Name a second person: backup in people/team.yaml, or give the role to two.", "wren"),
    ("SKILLS-training", "2027-03-17",
     {"people/team.yaml": ("expires: 2027-11-18", "expires: 2027-03-16")},
     "red", "6 of 10 trainings valid; writing-for-all is due for wren, odile, pip and ilse",
     "Hold the session, and write who came and until when it holds: sessions in people/team.yaml.", "wren"),
    ("SKILLS-training", "2027-03-17",
     {"people/team.yaml": ("expires: 2027-11-18", "expires: 2027-03-17")},
     "green", "10 trainings valid, of 6 people",
     "", "wren"),
    ("SKILLS-sessions", "2027-03-17",
     {"people/team.yaml": ("group: customer-service", "group: marketing-pr")},
     "red", "4 sessions held; not reached: customer-service",
     "Hold sessions for customer-service; write them down: sessions in people/team.yaml.", "wren"),
    ("SKILLS-strengths", "2027-03-17",
     {"people/team.yaml": ("{business: 3, digital: 5}", "{business: 3, digital: 2}")},
     "red", "business: ilse (5) and wren (3); nobody strong in digital",
     "Have somebody who knows it as sponsor or social manager; strengths in people/team.yaml are 0 to 5, "
     "and 3 is enough.", "ilse"),
    ("SKILLS-strengths", "2027-03-17",
     {"people/team.yaml": ("{business: 3, digital: 5}", "{business: 3, digital: 3}")},
     "green", "business: ilse (5) and wren (3); digital: wren (3)",
     "", "ilse"),
)
"""A line, a day, what is changed in the sample content, then the line's state, evidence, remedy and owner."""


@pytest.mark.parametrize(("key", "day", "edits", "state", "evidence", "remedy", "owner"), CASES)
def test_a_line_of_skills(
        sample_gates: Sample, told_line: Told, key: str, day: str, edits: Edits, state: str, evidence: str, remedy: str,
        owner: str | None) -> None:
    """A line is red from one beyond its limit on, and says what is missing and whom to ask."""
    gate = sample_gates(day, edits)["SKILLS"]

    assert told_line(gate, key) == (state, evidence, remedy, owner)
