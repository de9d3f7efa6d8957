"""LAUNCH, line by line: what one change of the sample content makes of it."""
from collections.abc import Callable, Mapping

import pytest

from schemas.gate import Gate

Sample = Callable[..., dict[str, Gate]]
Edits = Mapping[str, tuple[str, str] | str | None]
Told = Callable[[Gate, str], tuple[str, str, str, str | None]]
CASES = (
    ("CMP001", "2027-03-17",
     {"strategy.yaml": ("start: 2026-09-01", "start: 2026-09-02")},
     "green", "groundwork since 2026-09-02, long enough on 2027-03-02; the campaign starts on 2027-03-02",
     "", "wren"),
    ("CMP001", "2027-03-17",
     {"strategy.yaml": ("start: 2026-09-01", "start: 2026-09-03")},
     "red", "groundwork since 2026-09-03, long enough on 2027-03-03; the campaign starts on 2027-03-02",
     "Let it start on 2027-03-03 or later.", "wren"),
    ("CRI001", "2027-03-17",
     {"crisis/plan.yaml": None},
     "red", "there is none",
     "Write crisis/plan.yaml: who decides, speaks, posts and listens, and what stops at which level.", "ilse"),
    ("CRI001", "2027-03-17",
     {"crisis/plan.yaml": ("review_by: 2027-06-04", "review_by: 2027-03-17")},
     "green", "approved on 2026-12-04 by ilse; to be reviewed by 2027-03-17; rehearsed on 2027-01-20; known to all 4 "
     "people in it",
     "", "ilse"),
    ("CRI001", "2027-03-17",
     {"crisis/plan.yaml": ("review_by: 2027-06-04", "review_by: 2027-03-16")},
     "red", "approved on 2026-12-04 by ilse; its review was due on 2027-03-16; rehearsed on 2027-01-20; known to "
     "all 4 people in it",
     "Do what is missing, and write its day in crisis/plan.yaml.", "ilse"),
    ("CRI001", "2027-03-17",
     {"crisis/plan.yaml": ("date: 2027-01-20", "date: 2026-03-17")},
     "green", "approved on 2026-12-04 by ilse; to be reviewed by 2027-06-04; rehearsed on 2026-03-17; known to all 4 "
     "people in it",
     "", "ilse"),
    ("CRI001", "2027-03-17",
     {"crisis/plan.yaml": ("date: 2027-01-20", "date: 2026-03-16")},
     "red", "approved on 2026-12-04 by ilse; to be reviewed by 2027-06-04; last rehearsed on 2026-03-16, 366 days "
     "ago; known to all 4 people in it",
     "Do what is missing, and write its day in crisis/plan.yaml.", "ilse"),
    ("LAUNCH-policies", "2027-03-17",
     {"policies/social-media.md": ("review_by: 2027-11-02", "review_by: 2027-03-16")},
     "red", "the review of social-media@2 was due on 2027-03-16; covers blogging, texting, messaging and social",
     "Review it, and write the next day as review_by.", "odile"),
    ("LAUNCH-policies", "2027-03-17",
     {"policies/social-media.md": ("blogging, texting, ", "blogging, ")},
     "red", "social-media@2 to be reviewed by 2027-11-02; nothing covers texting yet",
     "Write a policy in policies/ that covers texting, or add it to covers.", "odile"),
    ("LAUNCH-acknowledged", "2027-03-17",
     {"people/team.yaml": ("    pip: 2026-11-18\n", "")},
     "red", "4 of 5 authors and responders; still to read: pip (social-media@2)",
     "Read it, and write the day under acknowledged in people/team.yaml.", "pip"),
    ("LAUNCH-acknowledged", "2027-03-17",
     {"policies/social-media.md": ("version: 2", "version: 3")},
     "red", "0 of 5 authors and responders; still to read: wren (social-media@3), tobin (social-media@3), maren "
     "(social-media@3), odile (social-media@3) and 1 more",
     "Read it, and write the day under acknowledged in people/team.yaml.", "wren"),
    ("CMP012", "2027-03-17",
     {"people/team.yaml": ("headcount: 21", "headcount: 18")},
     "red", "18 of 23 people on 2027-02-17",
     "Brief everyone in the 30 days before the start, 80% of them at least, and write it under sessions in "
     "people/team.yaml with campaign: spring-mend.", "wren"),
    ("CMP012", "2027-03-17",
     {"people/team.yaml": ("headcount: 21", "headcount: 19")},
     "green", "19 of 23 people on 2027-02-17",
     "", "wren"),
    ("CMP012", "2027-03-17",
     {"people/team.yaml": ("date: 2027-02-17", "date: 2027-01-30")},
     "red", "21 of 23 people on 2027-01-30, 31 days before the start",
     "Brief everyone in the 30 days before the start, 80% of them at least, and write it under sessions in "
     "people/team.yaml with campaign: spring-mend.", "wren"),
    ("CMP012", "2027-03-17",
     {"people/team.yaml": ("date: 2027-02-17", "date: 2027-01-31")},
     "green", "21 of 23 people on 2027-01-31",
     "", "wren"),
    ("CMP007", "2027-03-17",
     {"campaigns/spring-mend/campaign.yaml": ("      date: 2027-02-04\n", "      date: 2027-03-18\n")},
     "red", "1 of 2 audiences asked; not yet: first-time-fixers",
     "Ask first-time-fixers whether it is worth it to them, and write what they said under offer: validated.", "maren"),
    ("LNK002", "2027-03-17",
     {"campaigns/spring-mend/campaign.yaml": ("    indexed: 2027-01-27\n", "")},
     "red", "https://millracetools.example/spring-mend: live 2027-01-18, not found yet",
     "Put it online 28 days before the start, by 2027-02-02, and write live and indexed under pages.", "wren"),
    ("LNK002", "2027-03-17",
     {"campaigns/spring-mend/campaign.yaml": ("live: 2027-01-18", "live: 2027-02-02")},
     "green", "https://millracetools.example/spring-mend: live 2027-02-02, found 2027-01-27",
     "", "wren"),
    ("LNK002", "2027-03-17",
     {"campaigns/spring-mend/campaign.yaml": ("live: 2027-01-18", "live: 2027-02-03")},
     "red", "https://millracetools.example/spring-mend: live 2027-02-03, only 27 days before the start, found "
     "2027-01-27",
     "Put it online 28 days before the start, by 2027-02-02, and write live and indexed under pages.", "wren"),
    ("CMP011", "2027-03-17",
     {"campaigns/spring-mend/posts/launch.md": ("approved_by", "x-was"),
      "campaigns/spring-mend/posts/first-ask.md": ("approved_by", "x-was")},
     "green", "4 of 6 posts approved",
     "", "ilse"),
    ("CMP011", "2027-03-17",
     {"campaigns/spring-mend/posts/launch.md": ("approved_by", "x-was"),
      "campaigns/spring-mend/posts/first-ask.md": ("approved_by", "x-was"),
      "campaigns/spring-mend/posts/thanks.md": ("approved_by", "x-was")},
     "red", "3 of 6 posts approved",
     "Have 60% of them approved: approved_by in each post.", "ilse"),
    ("LAUNCH-followers", "2027-03-17",
     {"measures/2027.csv": (
        "2027-02-26,followers,mastodon,842",
        "2027-02-26,followers,mastodon,610")},
     "red", "mastodon from 610 to 610; counted less than twice: bluesky and linkedin",
     "Find out why people do not come to mastodon, and give more of what they want first.", "wren"),
    ("LAUNCH-regulars", "2027-03-17",
     {"measures/2027.csv": (
        "2027-02-26,response_rate",
        "2027-03-12,repeat_engagers,mastodon,17,platform\n2027-02-26,response_rate")},
     "green", "17 people come back, 2027-03-12, on mastodon",
     "", "wren"),
    ("LAUNCH-regulars", "2027-03-17",
     {"measures/2027.csv": (
        "2027-02-26,response_rate",
        "2027-03-12,repeat_engagers,all,0,platform\n2027-02-26,response_rate")},
     "red", "0 people come back, 2027-03-12",
     "Answer and thank people until some of them come back.", "wren"),
)
"""A line, a day, what is changed in the sample content, then the line's state, evidence, remedy and owner."""


@pytest.mark.parametrize(("key", "day", "edits", "state", "evidence", "remedy", "owner"), CASES)
def test_a_line_of_launch(
        sample_gates: Sample, told_line: Told, key: str, day: str, edits: Edits, state: str, evidence: str, remedy: str,
        owner: str | None) -> None:
    """A line is red from one beyond its limit on, and says what is missing and whom to ask."""
    gate = sample_gates(day, edits)["LAUNCH of spring-mend"]

    assert told_line(gate, key) == (state, evidence, remedy, owner)


KNOBS = ("index_days", "briefed_share", "ready_share", "unlock_gives", "unlock_days", "rehearse_days")


@pytest.mark.parametrize("knob", KNOBS)
@pytest.mark.parametrize("value", ["4000000", "1e15", "-1", "many", "[]"])
def test_a_knob_that_nobody_can_count_with(sample_gates: Sample, knob: str, value: str) -> None:
    """A number beyond a hundred years of days, below nothing, or no number at all: the default holds."""
    said = sample_gates(edits={"rules.yaml": f"profile: guided\nknobs: {{{knob}: {value}}}\n"})

    assert said == sample_gates(edits={"rules.yaml": "profile: guided\n"})
