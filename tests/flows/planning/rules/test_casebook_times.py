"""The casebook of SCH: times that cannot be kept, posts that crowd, channels that fall silent."""
from collections.abc import Callable, Mapping
from typing import Any

import pytest

Files = Mapping[str, str | None]
Said = Callable[..., list[str]]
THREE = "channels:\n" + "".join(
    f'  - {{id: {name}, network: mastodon, handle: "@{name}@social.example"}}\n' for name in ("one", "two", "three"))
HOLIDAY = "blackouts: [{id: holiday, from: 2027-02-02, to: 2027-02-03, reason: Closed}]\n"
MEND = "campaign: mend\nstart: 2027-03-02\nend: 2027-04-12\n"
COMES_BACK = "every: 4w at 12:30\nfrom: 2027-02-01\nuntil: 2027-06-01"
NOW = {"fresh": frozenset({"posts/new.md"})}                      # at noon; posts/new.md was never committed


def post(at: str, front: str = "", body: str = "Hello.") -> str:
    return f"---\n{at}\n{front}---\n{body}\n"


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param(
            {"calendar/blackouts.yaml": HOLIDAY, "posts/a.md": post("at: 2027-02-02 09:30"),
             "posts/b.md": post("at: 2027-02-04 22:00"), "posts/new.md": post("at: 2027-01-04 09:30")},
            ["posts/a.md:2:1: SCH001 error: 2027-02-02 09:30 on mastodon: nothing goes out in the blackout holiday "
             "(Closed). Next free slot: 2027-02-04 12:30. channel=mastodon",
             "posts/b.md:2:1: SCH001 warning: 2027-02-04 22:00 on mastodon is in the quiet hours (21:00-07:30). Next "
             "free slot: 2027-02-09 08:45. channel=mastodon",
             "posts/new.md:2:1: SCH001 warning: 2027-01-04 09:30 on mastodon has passed; nothing is sent late. Give it "
             "a time to come, or remove the line: it then takes a free slot. channel=mastodon"],
            marks=pytest.mark.rule("SCH001", "fires")),
        pytest.param(
            {"posts/a.md": post("at: 2027-02-02 09:30"), "posts/b.md": post("at: 2027-02-02 10:29"),
             "posts/c.md": post("at: 2027-02-02 12:30"), "posts/d.md": post("at: 2027-02-02 14:30")},
            ["posts/b.md:2:1: SCH002 warning: Crowded on mastodon: posts/a goes out at 09:30, less than 60 minutes "
             "before. Move one of them, or let 'slot: next' find room. channel=mastodon",
             "posts/d.md:2:1: SCH002 warning: Crowded on mastodon: the fourth post on 2027-02-02, and 3 a day is its "
             "limit. Move it to another day, or raise max_per_day. channel=mastodon"],
            marks=pytest.mark.rule("SCH002", "fires")),
        pytest.param(
            {"networks/channels.yaml": THREE, "posts/a.md": post(
                "at: {one: 2027-02-02 09:30, two: 2027-02-02 09:31, three: 2027-02-02 09:35}")},
            ["posts/a.md:2:1: SCH003 warning: Big bang: it goes out on one, two, three within 5 minutes. Give it one "
             "time and let stagger work, or fewer channels."],
            marks=pytest.mark.rule("SCH003", "fires")),
        pytest.param(
            {"campaigns/mend/campaign.yaml": MEND, "campaigns/mend/posts/b.md": post("at: 2027-03-01 09:30"),
             "posts/held.md": post("at: 2027-02-02 09:30", "hold: later\n"), "posts/c.md": post("after: held + 2d")},
            ["campaigns/mend/posts/b.md:2:1: SCH004 error: On mastodon it would go out on 2027-03-01, outside its "
             "campaign (2027-03-02 to 2027-04-12). Choose a day of the campaign, or move the file to posts/. "
             "channel=mastodon",
             "posts/c.md:2:1: SCH004 error: posts/c waits on mastodon for posts/held: posts/held waits: held by its "
             "author: later. Mend posts/held, or give this post a time of its own. channel=mastodon"],
            marks=pytest.mark.rule("SCH004", "fires")),
        pytest.param(
            {"posts/a.md": post("every: 4w at 09:30\nfrom: 2027-02-01", body="Hi.\n## or\nHello."),
             "posts/b.md": post("every: 27d at 09:30\nfrom: 2027-02-01\nruns: 3")},
            ["posts/a.md:2:1: SCH005 error: It would go on for ever. Add 'until: YYYY-MM-DD', or 'runs:' with how many "
             "times.",
             "posts/b.md:2:1: SCH005 warning: It comes back after 27 days. Let 28 days pass, or write posts of their "
             "own.",
             "posts/b.md:2:1: SCH005 warning: It says the same each time. Give it a second wording under '## or'."],
            marks=pytest.mark.rule("SCH005", "fires")),
        pytest.param(
            {"posts/a.md": post("at: 2027-03-28 01:30"), "posts/b.md": post("at: 2027-10-31 01:30")},
            ["posts/a.md:2:1: SCH006 warning: 2027-03-28 01:30 does not exist that day; 02:00 is used (Europe/Dublin). "
             "Choose a time outside the clock change if that is not what you want.",
             "posts/b.md:2:1: SCH006 warning: 2027-10-31 01:30 happens twice that day; the first is used "
             "(Europe/Dublin). Choose a time outside the clock change if that is not what you want."],
            marks=pytest.mark.rule("SCH006", "fires")),
        pytest.param(
            {"posts/a.md": post("at: 2027-01-03 09:30"), "posts/b.md": post("at: 2027-01-18 12:01"),
             "ideas/kettle.md": "---\nstatus: new\n---\nShow the kettle.\n"},
            ["networks/channels.yaml:2:5: SCH007 warning: mastodon is empty until 2027-01-18. Plan a post for it. "
             "Ideas: kettle. channel=mastodon"],
            marks=pytest.mark.rule("SCH007", "fires")),
        pytest.param(
            {"networks/channels.yaml": THREE, "posts/a.md": post("slot: next", "channels: [one]\n")},
            ["posts/a.md:2:1: SCH008 error: one has no slots, so 'slot: next' has no time there. Give the post a time "
             "('at: YYYY-MM-DD HH:MM'), or the channel slots: [\"tue 09:30\"]. channel=one"],
            marks=pytest.mark.rule("SCH008", "fires")),
        pytest.param(
            {"calendar/blackouts.yaml": "blackouts:\n  - {id: a, from: 2027-02-02}\n"
                                        "  - {id: b, from: 2027-02-03, to: 2027-02-02}\n"
                                        "  - {id: c, from: 2027-02-02, to: 2027-02-02, channels: []}\n"},
            ["calendar/blackouts.yaml:2:5: SCH009 error: The blackout a closes nothing: it has no 'to'. Add 'to: "
             "YYYY-MM-DD'; both days are inside.",
             "calendar/blackouts.yaml:3:5: SCH009 error: The blackout b closes nothing: 2027-02-02 is before "
             "2027-02-03. Turn the days round.",
             "calendar/blackouts.yaml:4:5: SCH009 error: The blackout c closes nothing: it names no channel. Name "
             "some, or remove 'channels': without it it is for all."],
            marks=pytest.mark.rule("SCH009", "fires")),
    ],
)
def test_it_is_told(files: Files, told: list[str], said: Said) -> None:
    """Where the rule fires it says where, what is wrong, and what to do."""
    assert said(files, **NOW) == told


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"calendar/blackouts.yaml": HOLIDAY, "posts/a.md": post("at: 2027-02-01 20:59"),
                      "posts/b.md": post("at: 2027-02-04 07:30"), "posts/new.md": post("at: 2027-01-04 10:00")},
                     id="the days about a blackout, the minutes about the night, two hours ago",
                     marks=pytest.mark.rule("SCH001", "near")),
        pytest.param({f"posts/{at[:2]}.md": post(f"at: 2027-02-02 {at}") for at in ("09:30", "10:30", "11:30")},
                     id="sixty minutes, and three a day",
                     marks=pytest.mark.rule("SCH002", "near")),
        pytest.param({"networks/channels.yaml": THREE, "posts/a.md": post(
            "at: {one: 2027-02-02 09:30, two: 2027-02-02 09:31, three: 2027-02-02 09:36}")},
                     id="two together, and the third six minutes after the first",
                     marks=pytest.mark.rule("SCH003", "near")),
        pytest.param({"campaigns/mend/campaign.yaml": MEND, "campaigns/mend/posts/a.md": post("at: 2027-03-02 00:00"),
                      "campaigns/mend/posts/b.md": post("at: 2027-04-12 23:59"),
                      "posts/c.md": post("at: 2027-02-02 09:30"), "posts/d.md": post("after: c + 2d")},
                     id="the first and the last minute of a campaign, and a leader that goes out",
                     marks=pytest.mark.rule("SCH004", "near")),
        pytest.param({"posts/a.md": post(COMES_BACK, body="Hi.\n## or\nHello.")},
                     id="28 days, an end, and two wordings",
                     marks=pytest.mark.rule("SCH005", "near")),
        pytest.param({"posts/a.md": post("at: 2027-03-28 00:59"), "posts/b.md": post("at: 2027-03-28 02:00"),
                      "posts/c.md": post("at: 2027-10-31 00:59"), "posts/d.md": post("at: 2027-10-31 02:00")},
                     id="the minutes about the hour that is skipped or doubled",
                     marks=pytest.mark.rule("SCH006", "near")),
        pytest.param({"posts/a.md": post("at: 2027-01-03 09:30"), "posts/b.md": post("at: 2027-01-18 12:00")},
                     id="14 days to the minute",
                     marks=pytest.mark.rule("SCH007", "near")),
        pytest.param({"networks/channels.yaml": THREE.replace("id: one,", "id: one, slots: [tue 09:30],"),
                      "posts/a.md": post("slot: next", "channels: [one]\n")},
                     id="one slot a week",
                     marks=pytest.mark.rule("SCH008", "near")),
        pytest.param({"calendar/blackouts.yaml": "blackouts: [{id: a, from: 2027-02-02, to: 2027-02-02}]\n"},
                     id="a single day",
                     marks=pytest.mark.rule("SCH009", "near")),
    ],
)
def test_nearly_is_not_told(files: Files, said: Said) -> None:
    """One minute, day or field away from it, the rule says nothing."""
    assert said(files, **NOW) == []


@pytest.mark.parametrize(
    ("files", "more"),
    [
        pytest.param({"posts/new.md": post("at: 2027-01-04 09:30")}, {"fresh": frozenset()},
                     id="who does not know which files are new does not know what was published in time",
                     marks=pytest.mark.rule("SCH001", "missing")),
        pytest.param({"posts/a.md": post("slot: next", "channels: [one]\n"), "posts/b.md": post("slot: next"),
                      "networks/channels.yaml": THREE}, {},
                     id="posts without a time crowd nobody",
                     marks=pytest.mark.rule("SCH002", "missing")),
        pytest.param({"posts/a.md": post("slot: next"), "networks/channels.yaml": THREE}, {},
                     id="a post without times does not bang",
                     marks=pytest.mark.rule("SCH003", "missing")),
        pytest.param({"campaigns/mend/campaign.yaml": "campaign: mend\n",
                      "campaigns/mend/posts/a.md": post("at: 2027-03-01 09:30")}, {},
                     id="nothing is outside a campaign without days",
                     marks=pytest.mark.rule("SCH004", "missing")),
        pytest.param({"posts/a.md": post("at: 2027-02-02 09:30")}, {},
                     id="what does not come back needs no end and no second wording",
                     marks=pytest.mark.rule("SCH005", "missing")),
        pytest.param({"strategy.yaml": None, "posts/a.md": post("at: 2027-03-28 01:30")}, {},
                     id="without a time zone it is UTC, which has no clock change",
                     marks=pytest.mark.rule("SCH006", "missing")),
        pytest.param({"posts/a.md": post("at: 2027-03-28 09:30")}, {},
                     id="a channel that has not begun to speak is not silent",
                     marks=pytest.mark.rule("SCH007", "missing")),
        pytest.param({"networks/channels.yaml": THREE, "posts/a.md": post("at: 2027-02-02 09:30")}, {},
                     id="a post with a time of its own needs no slots",
                     marks=pytest.mark.rule("SCH008", "missing")),
        pytest.param({"calendar/blackouts.yaml": None}, {},
                     id="without blackouts.yaml nothing is closed, and that is right",
                     marks=pytest.mark.rule("SCH009", "missing")),
    ],
)
def test_what_is_not_there_is_not_judged(files: Files, more: dict[str, Any], said: Said) -> None:
    """Where what the rule looks at is absent, it says nothing: the row says what is right then."""
    assert said(files, **more) == []
