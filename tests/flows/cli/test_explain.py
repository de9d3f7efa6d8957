"""`drumbeat explain`: what a rule means here, and where each value and each time of a post comes from."""
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

NOW = ("--now", "2026-10-01 12:00")


@pytest.fixture
def explain(drumbeat: Callable[..., Any], sample: Path) -> Callable[..., Any]:
    """The command on the sample content."""
    return lambda *words: drumbeat("explain", *NOW, *words, cwd=sample)


# --- a rule -----------------------------------------------------------------------------------------------------------


def test_a_rule_in_words(explain: Callable[..., Any]) -> None:
    """What it is, when it fires, what to do, what it needs."""
    done = explain("REF003")

    assert (done.code, done.err) == (0, "")
    assert done.out.splitlines() == [
        "REF003: error",
        "  fires:      A post was published, and no file has its id now. Under another id the same post would be "
        "published again.",
        "  remedy:     Add the line 'id: <the former id>' to the renamed file ('drumbeat plan' says which), or put the "
        "file back with 'withdraw: true'.",
        "  needs:      the archive, or figures, the Git history",
    ]
    assert explain("ref003").out == done.out


def test_a_rule_as_this_content_has_it(explain: Callable[..., Any], sample: Path) -> None:
    """Its severity here, its knobs with their values here, and the waivers that hold today."""
    rules = sample / "content/rules.yaml"
    rules.write_text(rules.read_text().replace("knobs:\n", "severity: {SCH007: advice, SYN001: off}\nknobs:\n  "
                                               "horizon_days: 21\n"))

    done = explain("SCH007")

    assert done.out.splitlines()[0] == "SCH007: warning, here advice"
    assert "  knob:       horizon_days = 21 in rules.yaml (default 14)" in done.out
    assert "  waived:     instagram until 2027-04-12, by odile: Instagram carries makers' photos only" in done.out
    told = explain("SCH007", "--json").json
    assert (told["severity"], told["here"], told["can_be_changed"]) == ("warning", "advice", True)
    assert told["knobs"] == [{"name": "horizon_days", "default": 14, "value": 21}]
    assert [waiver["where"] for waiver in told["waivers"]] == ["instagram"]
    over = explain("SCH007", "--json", "--now", "2027-05-01")
    assert over.json["waivers"] == []
    fixed = explain("SYN001", "--json").json
    assert (fixed["here"], fixed["can_be_changed"]) == ("error", False)
    assert explain("SYN001").out.startswith("SYN001: error (nobody can change that)\n")


def test_a_rule_json(explain: Callable[..., Any]) -> None:
    """explain CODE --json: one object with all that the text says."""
    assert set(explain("TXT001", "--json").json) == {
        "code", "evaluated", "severity", "here", "can_be_changed", "needs", "fires", "remedy", "knobs", "waivers",
        "gate", "lacking", "problems"}


def test_a_rule_without_its_data(explain: Callable[..., Any]) -> None:
    """A rule that has nothing to look at is said to be neither fired nor passed, and why."""
    done = explain("MNT001")

    assert done.code == 0
    assert "  not judged: no archive was named (--archive)." in done.out.splitlines()
    told = explain("MNT001", "--json").json
    assert (told["evaluated"], told["problems"]) == (False, [])
    assert told["lacking"] == ["no archive was named (--archive)"]


def test_a_rule_by_profile_and_now(explain: Callable[..., Any], sample: Path) -> None:
    """What the profiles make of it, and where it fires at this moment."""
    strategy = sample / "content/strategy.yaml"
    strategy.write_text(strategy.read_text().replace("executive: true", "executive: false").replace(
        "  person: ilse", "  person: wren"))

    done = explain("STR001")

    assert ("  profile:    relaxed, guided: advice, a step of STRATEGY, until an ask or a campaign depends on it; "
            "strict: error at once") in done.out.splitlines()
    assert re.search(r"  now:        content/strategy\.yaml:\d+:\d+: .*wren", done.out)
    asks = explain("INT001")
    assert "  profile:    relaxed: a warning, and nothing waits for it; guided, strict: what it names waits" in asks.out


def test_every_rule_as_a_page(explain: Callable[..., Any]) -> None:
    """explain --all is the catalogue; nothing at all to explain is a question back."""
    page = (Path(__file__).parents[3] / "flows/planning/rules/RULES.md").read_text(encoding="utf-8")

    assert explain("--all").out == page
    assert explain().code == 2


def test_a_rule_needs_no_content(drumbeat: Callable[..., Any], tmp_path: Path) -> None:
    """Codes can be looked up anywhere."""
    done = drumbeat("explain", "SYN002", cwd=tmp_path)

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("SYN002: error\n")


@pytest.mark.parametrize(
    ("name", "meant"), [("lanch", "launch"), ("STR099", "STR009"), ("SYM001", "SYN001"),
                        ("spring-mend/lauch", "spring-mend/launch"), ("zzz", "'drumbeat check' prints codes")])
def test_a_name_that_nothing_has(explain: Callable[..., Any], name: str, meant: str) -> None:
    """What is neither a rule nor a post is refused, with what may be meant."""
    done = explain(name)

    assert (done.code, done.out) == (2, "")
    assert f"There is no rule and no post '{name}'." in done.err
    assert meant in done.err


# --- a post -----------------------------------------------------------------------------------------------------------


def test_a_post_of_the_sample(explain: Callable[..., Any]) -> None:
    """Each value with its source and its line, then each time with how it came about."""
    done = explain("last-call")

    assert (done.code, done.err) == (0, "")
    said = [re.sub(" {2,}", "  ", line) for line in done.out.splitlines()]
    assert said[0] == "spring-mend/last-call  content/campaigns/spring-mend/posts/last-call.md"
    for line in (
        "  not_after  2027-04-08 16:00  own line  content/campaigns/spring-mend/posts/last-call.md:5",
        "  goal  new-members  tactic spring-asks  content/strategy.yaml:125",
        "  pillar  library-life  defaults of campaign spring-mend  content/campaigns/spring-mend/campaign.yaml:65",
        "  channels  mastodon, bluesky, linkedin  campaign spring-mend  content/campaigns/spring-mend/campaign.yaml:9",
        "  origin  created  built in",
        "  timezone  Europe/Dublin  strategy  content/strategy.yaml:5",
        "  max_per_day on mastodon  2  channel mastodon  content/networks/channels.yaml:17",
        "  max_per_day on bluesky, linkedin  3  built in",
        "  mastodon  Tue 2027-04-06 08:45 (Europe/Dublin)  as written: 2027-04-06 08:45",
        "  bluesky  Tue 2027-04-06 09:05 (Europe/Dublin)  2027-04-06 08:45 + 1 × 20m, as channel 2 of 3",
        "  linkedin  Tue 2027-04-06 12:15 (Europe/Dublin)  its own time, at.linkedin: 2027-04-06 12:15",
    ):
        assert line in said


@pytest.mark.parametrize("post", ["thanks", "answered-your-questions", "loose-screw", "meet-the-fixers"])
def test_every_line_that_is_named_says_so(explain: Callable[..., Any], sample: Path, post: str) -> None:
    """The line that a value is said to come from holds its key, or the value itself."""
    values = explain(post, "--json").json["values"]

    assert len(values) > 10
    for one in values:
        if one["file"] is None:
            assert one["source"].startswith("built in")
            continue
        line = (sample / one["file"]).read_text().splitlines()[one["line"] - 1]
        first = one["value"][0] if isinstance(one["value"], list) else one["value"]
        assert one["field"].split()[0] in line or str(first) in line, (one, line)


def test_a_post_json(explain: Callable[..., Any]) -> None:
    """explain POST --json: its values with file and line, its times with how they came about."""
    told = explain("spring-mend/launch", "--json").json

    assert set(told) == {"post", "file", "draft", "values", "times", "problems"}
    assert {"field": "intent", "value": "inform", "channels": [], "source": "own line",
            "file": "content/campaigns/spring-mend/posts/launch.md", "line": 3} in told["values"]
    assert told["times"][0] == {
        "slot": "spring-mend/launch@mastodon#1", "channel": "mastodon", "at": "2027-03-02T08:45:00Z",
        "local": "2027-03-02 08:45", "zone": "Europe/Dublin", "how": "as written: 2027-03-02 08:45", "waits": False,
        "why": None}


def test_a_post_by_any_of_its_names(explain: Callable[..., Any]) -> None:
    """Its id, its bare name and its file mean the same post."""
    one = explain("spring-mend/launch").out

    assert one.startswith("spring-mend/launch  ")
    assert explain("launch").out == one
    assert explain("content/campaigns/spring-mend/posts/launch.md").out == one


def test_many_runs_are_cut_short(explain: Callable[..., Any]) -> None:
    """Of a repeating post the next runs are shown, and how many more there are; --json has all."""
    done = explain("loose-screw")

    assert len(re.findall(r"run \d+ of 13", done.out)) == 9
    assert done.err == "30 more runs: 'drumbeat plan' lists all.\n"
    assert len(explain("loose-screw", "--json").json["times"]) == 39


def test_the_times_are_those_of_the_plan(content_folder: Any, drumbeat: Callable[..., Any]) -> None:
    """A free slot that an accepted plan gave is explained as given, also when an earlier one has become free since."""
    channel = '{id: mastodon, network: mastodon, handle: "@mill", slots: ["tue 12:00", "thu 12:00"]}'
    folder = content_folder(channels=f"channels:\n  - {channel}\n")
    folder.post("first", "Flat back first.", at=datetime(2027, 3, 2, 12, tzinfo=UTC))
    folder.write("posts/queued.md", "---\nslot: next\n---\nWhat broke at home?\n")
    folder.commit()
    now = ("--now", "2027-03-01 12:00")
    assert drumbeat("publish", "--once", "--rehearse", *now, cwd=folder.home).code == 0
    (folder.path / "posts/first.md").unlink()

    done = drumbeat("explain", "queued", *now, cwd=folder.home)

    assert ("Thu 2027-03-04 12:00 (UTC)  the next free slot of mastodon (tue 12:00, thu 12:00); it was given this "
            "time before, and keeps it") in done.out


def test_a_draft_goes_nowhere(explain: Callable[..., Any], sample: Path) -> None:
    """A draft's values are explained too, and that it has no time."""
    (sample / "content/posts/idea.md").write_text("---\ndraft: true\n---\nNot yet.\n")

    done = explain("idea")

    assert done.code == 0
    assert "  draft" in done.out
    assert done.out.endswith("It goes nowhere: it is a draft.\n")


def test_a_post_that_cannot_be_read(explain: Callable[..., Any], sample: Path) -> None:
    """A file with an error that keeps it from being read is answered with that error."""
    (sample / "content/posts/broken.md").write_text("---\nchanels: [mastodon]\n---\nHello.\n")

    for name in ("broken", "posts/broken", "content/posts/broken.md"):
        done = explain(name)
        assert done.code == 1
        assert "content/posts/broken.md:2:1: error: chanels is not known here.  [SYN002]" in done.out


def test_a_name_of_two_posts(explain: Callable[..., Any], sample: Path) -> None:
    """A bare name that two posts have is refused with both ids."""
    (sample / "content/posts/launch.md").write_text("---\nslot: next\n---\nAnother launch.\n")

    done = explain("launch")

    assert (done.code, done.out) == (2, "")
    assert "posts/launch, spring-mend/launch" in done.err


def test_a_secret_and_control_characters_are_not_printed(explain: Callable[..., Any], sample: Path) -> None:
    """What authors wrote is shown masked, and steers no terminal."""
    secret = "ghp_" + "a1B2" * 9
    head = f'at: 2027-03-02 08:45\nhold: "{secret} \\x1b[2J"\n'
    (sample / "content/posts/bad.md").write_text(f"---\n{head}---\nHello.\n")

    for words in (("bad",), ("bad", "--json")):
        done = explain(*words)
        assert secret not in done.out + done.err
        assert "\x1b" not in done.out + done.err
        assert "ghp_…" in done.out
