"""EXECUTION, line by line: what one change of the sample content makes of it."""
from collections.abc import Callable, Mapping

import pytest

from schemas.gate import Gate

Sample = Callable[..., dict[str, Gate]]
Edits = Mapping[str, tuple[str, str] | str | None]
Told = Callable[[Gate, str], tuple[str, str, str, str | None]]
CASES = (
    ("EXECUTION-end", "2027-04-12",
     {},
     "amber", "it runs until 2027-04-12",
     "Nothing to do yet; what closes it is listed after its last day.", None),
    ("EXECUTION-end", "2027-04-13",
     {},
     "green", "ended on 2027-04-12",
     "", None),
    ("EXECUTION-review", "2027-04-20",
     {"campaigns/spring-mend/reviews/2027-04-19-final.md":
        "---\nkind: final\ndate: 2027-04-19\nby: wren\ndecision: keep\nagreed_by: [ilse]\nevidence: {asks: "
         "2}\n---\nGood.\n"},
     "green", "2027-04-19, by wren",
     "", "wren"),
    ("EXECUTION-review", "2027-04-20",
     {"campaigns/spring-mend/reviews/2027-04-19-final.md":
        "---\nkind: final\ndate: 2027-04-21\nby: wren\n---\nGood.\n"},
     "red", "there is none",
     "Write campaigns/spring-mend/reviews/2027-04-20-final.md with kind: final.", "wren"),
    ("EXECUTION-results", "2027-04-20",
     {"strategy.yaml": ("    due: 2027-04-30\n", "    due: 2027-04-30\n    result: 58\n")},
     "green", "new-members: 58 of 60",
     "", "wren"),
    ("EXECUTION-thanks", "2027-04-20",
     {"campaigns/spring-mend/campaign.yaml": ("  thanks: thanks\n", "")},
     "red", "no post that thanks people is named",
     "Publish a post that thanks people, and name it under maintenance: thanks.", "odile"),
    ("EXECUTION-thanks", "2027-04-20",
     {"campaigns/spring-mend/campaign.yaml": ("thanks: thanks\n", "thanks: what-was-wrong-with-the-kettle\n")},
     "red", "what-was-wrong-with-the-kettle is not out",
     "Publish a post that thanks people, and name it under maintenance: thanks.", "odile"),
    ("EXECUTION-promises", "2027-04-20",
     {"campaigns/spring-mend/campaign.yaml": ("    due: 2027-04-19\n", "    due: 2027-04-20\n")},
     "green", "0 of 1 promise kept, none late",
     "", "odile"),
    ("EXECUTION-promises", "2027-04-20",
     {"campaigns/spring-mend/campaign.yaml": ("    due: 2027-04-19\n", "    due: 2027-04-19\n    done: 2027-04-20\n")},
     "green", "1 of 1 promise kept, none late",
     "", "odile"),
    ("EXECUTION-promises", "2027-04-20",
     {"campaigns/spring-mend/campaign.yaml": ("    due: 2027-04-19\n", "    due: 2027-04-19\n    done: 2027-04-21\n")},
     "red", "1 promise past due: Publish how many items were mended (2027-04-19)",
     "Do it and write the day as done, or agree on another due.", "odile"),
    ("MNT002", "2027-04-20",
     {"posts/what-was-wrong-with-the-kettle.md": ("slot: next after 2027-04-19", "slot: next after 2027-04-22")},
     "red", "nothing on mastodon, bluesky and linkedin until 2027-04-22",
     "Plan a post for mastodon, bluesky and linkedin, in posts/ or evergreen/; say what comes next.", "odile"),
    ("EXECUTION-profiles", "2027-04-20",
     {"networks/channels.yaml": ("profile_checked: 2027-02-22", "profile_checked: 2027-04-12")},
     "green", "looked at: mastodon, bluesky and linkedin",
     "", "odile"),
    ("EXECUTION-profiles", "2027-04-20",
     {"networks/channels.yaml": ("profile_checked: 2027-02-22", "profile_checked: 2027-04-11")},
     "red", "not looked at since the end: mastodon, bluesky and linkedin",
     "Take the campaign out of profile and pinned post, and write the day as profile_checked.", "wren"),
    ("EXECUTION-learnings", "2027-04-20",
     {"ideas/kettle-post-mortem.md": ("filed: 2027-03-12", "filed: 2027-03-01")},
     "red", "no idea filed, and no finding added",
     "Write what it taught as ideas in ideas/, or as findings in discovery.yaml.", "wren"),
    ("EXECUTION-learnings", "2027-04-20",
     {"ideas/kettle-post-mortem.md": ("filed: 2027-03-12", "filed: 2027-03-02")},
     "green", "1 idea filed since the start: kettle-post-mortem",
     "", "wren"),
    ("EXECUTION-learnings", "2027-04-20",
     {"ideas/kettle-post-mortem.md": ("filed: 2027-03-12", "filed: 2027-03-01"),
      "discovery.yaml": ("checked: 2026-10-01\n", "checked: 2027-04-12\n")},
     "green", "findings looked at again",
     "", "wren"),
)
"""A line, a day, what is changed in the sample content, then the line's state, evidence, remedy and owner."""


@pytest.mark.parametrize(("key", "day", "edits", "state", "evidence", "remedy", "owner"), CASES)
def test_a_line_of_execution(
        sample_gates: Sample, told_line: Told, key: str, day: str, edits: Edits, state: str, evidence: str, remedy: str,
        owner: str | None) -> None:
    """A line is red from one beyond its limit on, and says what is missing and whom to ask."""
    gate = sample_gates(day, edits)["EXECUTION of spring-mend"]

    assert told_line(gate, key) == (state, evidence, remedy, owner)
