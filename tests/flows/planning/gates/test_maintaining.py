"""MAINTENANCE, line by line: what one change of the sample content makes of it."""
from collections.abc import Callable, Mapping

import pytest

from schemas.gate import Gate

Sample = Callable[..., dict[str, Gate]]
Edits = Mapping[str, tuple[str, str] | str | None]
Told = Callable[[Gate, str], tuple[str, str, str, str | None]]
CASES = (
    ("MAINTENANCE-begun", "2027-04-12",
     {},
     "amber", "it begins on 2027-04-13",
     "Nothing to do yet; what keeps it green is listed from then on.", None),
    ("MAINTENANCE-checkin", "2027-04-20",
     {"checkins/2027-W15.md":
        "---\ndate: 2027-04-16\npresent: [ilse, wren]\n---\nFine.\n"},
     "green", "week 2027-W15 has one, with ilse and wren",
     "", "wren"),
    ("MAINTENANCE-checkin", "2027-04-20",
     {"checkins/2027-W16.md":
        "---\ndate: 2027-04-20\npresent: [ilse, wren]\n---\nFine.\n"},
     "red", "week 2027-W15 has none",
     "Hold the weekly check-in, and write it down in checkins/2027-W15.md.", "wren"),
    ("MAINTENANCE-checkin", "2027-04-20",
     {"checkins/2027-W15.md":
        "---\ndate: 2027-04-21\npresent: [ilse, wren]\n---\nFine.\n"},
     "red", "week 2027-W15 has none",
     "Hold the weekly check-in, and write it down in checkins/2027-W15.md.", "wren"),
    ("MAINTENANCE-answers", "2027-04-20",
     {"measures/2027.csv": ("2027-02-26,response_rate,all,0.91", "2027-04-06,response_rate,all,0.9")},
     "green", "90% answered in time, counted on 2027-04-06",
     "", "maren"),
    ("MAINTENANCE-answers", "2027-04-20",
     {"measures/2027.csv": (
        "2027-02-26,response_rate,all,0.91",
        "2027-04-06,response_rate,all,0.89")},
     "red", "89% answered in time, counted on 2027-04-06",
     "Answer sooner, or have more people answer: nine of ten in time.", "maren"),
    ("MAINTENANCE-answers", "2027-04-20",
     {"measures/2027.csv": (
        "2027-02-26,response_rate,all,0.91",
        "2027-04-05,response_rate,all,0.89")},
     "amber", "89% answered in time, counted on 2027-04-05, 15 days ago",
     "Write this week's response_rate (0.9: nine of ten) into measures/<year>.csv, channel all.", "maren"),
    ("STR012", "2027-04-20",
     {"strategy.yaml": ("reviewed: 2027-02-01", "reviewed: 2027-01-20")},
     "green", "reviewed on 2027-01-20, 90 days ago",
     "", "ilse"),
    ("STR012", "2027-04-20",
     {"strategy.yaml": ("reviewed: 2027-02-01", "reviewed: 2027-01-19")},
     "red", "reviewed on 2027-01-19, 91 days ago",
     "Read it together, change what no longer holds, and write reviewed: 2027-04-20.", "ilse"),
    ("STR012", "2027-04-20",
     {"strategy.yaml": ("reviewed: 2027-02-01", "reviewed: 2027-04-21")},
     "red", "to be reviewed on 2027-04-21",
     "Read it together, change what no longer holds, and write reviewed: 2027-04-20.", "ilse"),
    ("MAINTENANCE-actions", "2027-04-20",
     {"checkins/2027-W10.md": ("due: 2027-03-19", "due: 2027-04-13")},
     "green", "1 of 1 action open, none overdue",
     "", "wren"),
    ("MAINTENANCE-actions", "2027-04-20",
     {"checkins/2027-W10.md": ("due: 2027-03-19", "due: 2027-04-12")},
     "red", "1 action overdue: 'Photograph the kettle', due 2027-04-12",
     "Do it and write the day as done, or agree on another due.", "maren"),
    ("CRI001", "2027-04-20",
     {"crisis/plan.yaml": ("review_by: 2027-06-04", "review_by: 2027-04-19")},
     "red", "approved on 2026-12-04 by ilse; its review was due on 2027-04-19; rehearsed on 2027-01-20; known to "
     "all 4 people in it",
     "Do what is missing, and write its day in crisis/plan.yaml.", "ilse"),
    ("MAINTENANCE-policies", "2027-04-20",
     {"policies/social-media.md": ("review_by: 2027-11-02", "review_by: 2027-04-19")},
     "red", "the review of social-media@2 was due on 2027-04-19; covers blogging, texting, messaging and social",
     "Review it, and write the next day as review_by.", "odile"),
)
"""A line, a day, what is changed in the sample content, then the line's state, evidence, remedy and owner."""


@pytest.mark.parametrize(("key", "day", "edits", "state", "evidence", "remedy", "owner"), CASES)
def test_a_line_of_maintenance(
        sample_gates: Sample, told_line: Told, key: str, day: str, edits: Edits, state: str, evidence: str, remedy: str,
        owner: str | None) -> None:
    """A line is red from one beyond its limit on, and says what is missing and whom to ask."""
    gate = sample_gates(day, edits)["MAINTENANCE"]

    assert told_line(gate, key) == (state, evidence, remedy, owner)
