"""`drumbeat plan`: the calendar by day, and what a branch would change, in words a reviewer understands."""
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

NOON = datetime(2027, 3, 2, 12, 0, tzinfo=UTC)
DRILL = "You need a hole, not a drill. Ours is free to borrow on Tuesdays. What would you hang up first?"
CHANNELS = """\
stagger: 1m
channels:
  - {id: mastodon, network: mastodon, handle: "@mill", slots: ["tue 12:00", "thu 12:00", "fri 12:00"]}
  - {id: x, network: x, handle: mill}
  - {id: blue, network: hashnode, handle: mill}
"""
ARCHIVE = ("--archive", "dir:.drumbeat/rehearsal/archive")
ITEM = {"slot", "post", "channel", "network", "at", "local", "zone", "intent", "stage", "campaign", "state", "why"}
BEFORE = ("--now", "2027-03-01 12:00")


@pytest.fixture
def club(content_folder: Any) -> Any:
    """A content repository in Dublin with three channels."""
    folder = content_folder(channels=CHANNELS)
    folder.write("strategy.yaml", "strategy: ours\nstart: 2026-01-01\ntimezone: Europe/Dublin\n")
    return folder


@pytest.fixture
def run(drumbeat: Callable[..., Any], club: Any) -> Callable[..., Any]:
    """A command in the club's folder."""
    return lambda *words: drumbeat(*words, cwd=club.home)


# --- the table --------------------------------------------------------------------------------------------------------


def test_the_calendar_is_a_table_by_day(club: Any, run: Callable[..., Any]) -> None:
    """A line a day, then local time, zone, state, post and channel, what it wants, and why something waits."""
    club.post("drill", DRILL, at=NOON, channels="mastodon, x, blue", more="intent: inform\n")
    club.write("posts/held.md", "---\nat: 2027-03-02 09:00\nchannels: [x]\nhold: Nell is asked first\n---\nWait.\n")
    club.write("posts/late.md", "---\nat: 2027-03-30 22:30\nchannels: [mastodon]\n---\nLate at night.\n")
    club.write("posts/never.md", "---\nslot: next\nchannels: [x, mastodon]\n---\nNo slots on x.\n")

    done = run("plan", *BEFORE)

    assert done.code == 1
    assert done.out == """\
Tuesday 2027-03-02
  09:00 GMT  waiting    posts/held → x          (give)                held by its author: Nell is asked first
  12:00 GMT  planned    posts/drill → mastodon  (inform, groundwork)
  12:01 GMT  planned    posts/drill → x         (inform, groundwork)
  12:02 GMT  waiting    posts/drill → blue      (inform)              hashnode is not supported yet
Thursday 2027-03-04
  12:00 GMT  planned    posts/never → mastodon  (give, groundwork)
Tuesday 2027-03-30
  22:30 IST  planned    posts/late → mastodon   (give, groundwork)    in the quiet hours (21:00-07:30)
  posts/never → x  x has no slots
"""
    assert done.err == "1 slot waiting without a time:\n1 error: run 'drumbeat check'.\n"


def test_days_are_those_of_the_posts_own_zone(club: Any, run: Callable[..., Any]) -> None:
    """Two zones at one instant stand under their own days, each day once, in order."""
    club.write("posts/here.md", "---\nat: 2027-03-02 20:00\nchannels: [mastodon]\n---\nHere.\n")
    club.write("posts/there.md", "---\nat: 2027-03-03 05:30\nchannels: [x]\ntimezone: Asia/Tokyo\n---\nThere.\n")
    club.write("posts/later.md", "---\nat: 2027-03-02 20:45\nchannels: [x]\n---\nLater.\n")

    done = run("plan", *BEFORE)

    assert re.sub(" {2,}", " ", done.out) == """\
Tuesday 2027-03-02
 20:00 GMT planned posts/here → mastodon (give, groundwork)
 20:45 GMT planned posts/later → x (give, groundwork)
Wednesday 2027-03-03
 05:30 JST planned posts/there → x (give, groundwork)
"""


def test_states_come_from_the_archive(club: Any, run: Callable[..., Any]) -> None:
    """What is out is published, what was too late is missed and says why, the rest is planned."""
    club.post("out", "One two three.", at=NOON)
    club.post("late", "Four five six.", at=NOON, channels="x")
    club.commit()
    publish = ("publish", "--once", "--rehearse", "--now")
    assert run(*publish, "2027-03-02 12:00", "--slot", "posts/out@mastodon#1").code == 0
    assert run(*publish, "2027-03-02 18:00").code == 4
    club.post("soon", "Seven eight nine.", at=datetime(2027, 3, 3, 12, tzinfo=UTC))

    done = run("plan", "--now", "2027-03-02 18:00")

    assert re.findall(r"(\w+) +posts/(\w+) → (\w+) +\(.*?\) *(.*)", done.out) == [
        ("published", "out", "mastodon", ""),
        ("missed", "late", "x", "it was more than 2 h past its time before it could go out; nothing is sent late by "
                                "itself"),
        ("planned", "soon", "mastodon", ""),
    ]


def test_plan_json_is_the_table(club: Any, run: Callable[..., Any]) -> None:
    """--json holds each slot with exactly the fields that are documented, and the same reasons."""
    club.post("drill", DRILL, at=NOON, channels="mastodon, blue")

    items = run("plan", "--json", *BEFORE).json["items"]

    assert [set(item) for item in items] == [ITEM, ITEM]
    assert [(item["slot"], item["state"], item["local"], item["why"]) for item in items] == [
        ("posts/drill@mastodon#1", "planned", "2027-03-02 12:00", None),
        ("posts/drill@blue#1", "waiting", "2027-03-02 12:01", "hashnode is not supported yet"),
    ]


def test_plan_shows_what_is_asked_for(club: Any, run: Callable[..., Any]) -> None:
    """--channel, --campaign, --from, --to narrow the table; a name that nothing has is refused with what there is."""
    club.write("campaigns/spring/campaign.yaml", "campaign: spring\nstart: 2027-03-01\nend: 2027-04-01\n")
    club.write("campaigns/spring/posts/launch.md", "---\nat: 2027-03-05 12:00\nchannels: [mastodon]\n---\nLaunch.\n")
    club.post("drill", DRILL, at=NOON, channels="mastodon, x")

    def slots(*words: str) -> list[str]:
        return [item["slot"] for item in run("plan", "--json", *BEFORE, *words).json["items"]]

    assert slots("--channel", "x") == ["posts/drill@x#1"]
    assert slots("--campaign", "spring") == ["spring/launch@mastodon#1"]
    assert slots("--from", "2027-03-02", "--to", "2027-03-02") == ["posts/drill@mastodon#1", "posts/drill@x#1"]
    assert slots("--from", "2027-03-02 12:01", "--to", "2027-03-05") == ["posts/drill@x#1", "spring/launch@mastodon#1"]
    nothing = run("plan", "--to", "2027-02-01", *BEFORE)
    assert (nothing.out, nothing.err.splitlines()[0]) == ("", "Nothing is planned in that time.")
    for option, name, said in (("--channel", "mastodn", "Did you mean mastodon?"),
                               ("--campaign", "autumn", "There is spring.")):
        refused = run("plan", option, name)
        assert (refused.code, refused.out) == (2, "")
        assert said in refused.err


# --- the difference ---------------------------------------------------------------------------------------------------


def test_a_branch_is_told_in_a_reviewers_words(club: Any, run: Callable[..., Any]) -> None:
    """New, moved, cancelled, reworded: one line each, and the sum; the commit itself is not touched."""
    club.post("moved", DRILL, at=NOON, channels="mastodon, x")
    club.post("gone", "Flat back first, then the bevel, then a strip of leather.", at=NOON, channels="x")
    club.post("same", "What broke at home this week? Tell us.", at=NOON)
    club.post("word", "Lawnmower will not start? Old fuel.", at=NOON, channels="x")
    before = club.commit()
    club.post("moved", DRILL, at=datetime(2027, 3, 3, 9, tzinfo=UTC), channels="mastodon, x")
    (club.path / "posts/gone.md").unlink()
    club.post("word", "Lawnmower will not start? Empty it, fill it.", at=NOON, channels="x")
    club.post("extra", "Bike brake rubbing? Loosen the cable bolt.", at=NOON, channels="x")

    done = run("plan", "--diff", "HEAD", *BEFORE)

    assert (done.code, done.out.splitlines()) == (0, [
        "cancelled: posts/gone on x: was Tue 2 Mar 12:00 (Europe/Dublin); its file is gone",
        "moved: posts/moved on mastodon, x: Tue 2 Mar 12:00 → Wed 3 Mar 09:00 (Europe/Dublin), the others after it",
        "new: posts/extra on x: Tue 2 Mar 12:00 (Europe/Dublin)",
        "text changed: posts/word on x: Tue 2 Mar 12:00 (Europe/Dublin); the text",
    ])
    assert done.err == (
        "1 cancelled, 2 moved, 1 new, 1 text changed (counted by post and channel); nothing else changes.\n")
    assert club.git("rev-parse", "HEAD").strip() == before
    assert [run("plan", "--diff", name, *BEFORE).out for name in (before, "main", before[:9])] == [done.out] * 3


def test_diff_json(club: Any, run: Callable[..., Any]) -> None:
    """--diff --json: each change with its slot, its times before and after, and why; and how many of each kind."""
    club.post("drill", DRILL, at=NOON)
    club.commit()
    club.post("drill", DRILL, at=NOON, more="hold: wait\n")
    club.post("extra", "Bike brake rubbing?", at=NOON, channels="x")

    done = run("plan", "--diff", "HEAD", "--json", *BEFORE)

    time = {"at": "2027-03-02T12:00:00Z", "local": "2027-03-02 12:00"}
    assert done.json == {
        "changes": [
            {"kind": "cancelled", "slot": "posts/drill@mastodon#1", "post": "posts/drill", "channel": "mastodon",
             "before": time, "after": time, "why": "held by its author: wait"},
            {"kind": "new", "slot": "posts/extra@x#1", "post": "posts/extra", "channel": "x",
             "before": {"at": None, "local": None}, "after": time, "why": None},
        ],
        "counts": {"cancelled": 1, "new": 1},
    }


def test_a_diff_shows_what_is_asked_for(club: Any, run: Callable[..., Any]) -> None:
    """--channel and --from narrow the difference too: by the time before or after."""
    club.post("drill", DRILL, at=NOON, channels="mastodon, x")
    club.commit()
    club.post("drill", DRILL, at=datetime(2027, 3, 9, 12, tzinfo=UTC), channels="mastodon, x")

    def changed(*words: str) -> list[str]:
        return [c["slot"] for c in run("plan", "--diff", "HEAD", "--json", *BEFORE, *words).json["changes"]]

    assert changed("--channel", "x") == ["posts/drill@x#1"]
    assert len(changed("--from", "2027-03-09")) == len(changed("--to", "2027-03-02")) == 2
    assert changed("--from", "2027-03-10") == []


def test_nothing_changes_is_said(club: Any, run: Callable[..., Any]) -> None:
    """A clean working tree changes nothing."""
    club.post("drill", DRILL, at=NOON)
    club.commit()

    done = run("plan", "--diff", "HEAD", *BEFORE)

    assert (done.code, done.out, done.err) == (0, "", "Nothing changes.\n")


def test_free_slots_that_did_not_change_stay(club: Any, run: Callable[..., Any]) -> None:
    """A new post in the queue takes a free slot of its own: those before it do not wander, with and without archive."""
    queued = "---\nslot: next\nchannels: [mastodon]\n---\n{}\n"
    club.write("posts/b.md", queued.format("Flat back first, then the bevel."))
    club.write("posts/c.md", queued.format("What broke at home this week?"))
    club.commit()
    club.write("posts/a.md", queued.format("Lawnmower will not start? Old fuel."))

    without = run("plan", "--diff", "HEAD", *BEFORE)
    assert run("publish", "--once", "--rehearse", *BEFORE).code == 0
    with_archive = run("plan", "--diff", "HEAD", *BEFORE)

    assert without.out == with_archive.out == "new: posts/a on mastodon: Fri 5 Mar 12:00 (Europe/Dublin)\n"


def test_errors_of_the_working_tree_end_with_1(club: Any, run: Callable[..., Any]) -> None:
    """What a change breaks is told as cancelled with its reason, and the exit code says that something is wrong."""
    club.post("drill", DRILL, at=NOON)
    club.commit()
    club.write("posts/drill.md", "---\nat: never\nchannels: [mastodon]\n---\nDrill.\n")

    done = run("plan", "--diff", "HEAD", *BEFORE)

    assert done.code == 1
    assert "cancelled: posts/drill on mastodon: was Tue 2 Mar 12:00 (Europe/Dublin); 'never' is not a time" in done.out
    assert "1 error: run 'drumbeat check'." in done.err


@pytest.mark.parametrize("revision", ["nonsense", "--help", "HEAD~99", "0000000", "main:content", ""])
def test_a_revision_that_is_none(club: Any, run: Callable[..., Any], revision: str) -> None:
    """A name that no commit has is refused in words; nothing of it is taken for an option of git."""
    club.post("drill", DRILL, at=NOON)
    club.commit()

    done = run("plan", f"--diff={revision}")

    assert done.code in (1, 2)
    assert "remedy:" in done.err
    assert "Traceback" not in done.err


def test_a_diff_needs_a_repository(drumbeat: Callable[..., Any], tmp_path: Any) -> None:
    """Outside of Git there is nothing to hold the folder against."""
    (tmp_path / "content/posts").mkdir(parents=True)
    (tmp_path / "content/posts/a.md").write_text("---\nslot: next\n---\nHello.\n")

    done = drumbeat("plan", "--diff", "HEAD", cwd=tmp_path)

    assert done.code == 3
    assert "in no Git repository" in done.err


# --- what was sent under another name ---------------------------------------------------------------------------------


def sent(club: Any, run: Callable[..., Any]) -> None:
    """`posts/drill` is published."""
    club.post("drill", DRILL, at=NOON)
    club.commit()
    assert run("publish", "--once", "--rehearse", "--now", "2027-03-02 12:00").code == 0


def test_a_sent_post_that_is_edited_is_already_sent(club: Any, run: Callable[..., Any]) -> None:
    """An edit of what is out is told as without effect."""
    sent(club, run)
    club.post("drill", f"{DRILL} Come in!", at=NOON)

    done = run("plan", "--diff", "HEAD", "--now", "2027-03-02 13:00")

    assert done.out == ("already sent: posts/drill on mastodon: Tue 2 Mar 12:00 (Europe/Dublin); the text changed, "
                        "which has no effect\n")


def test_a_renamed_file_is_never_published_again_with_the_line(club: Any, run: Callable[..., Any]) -> None:
    """The rename of a sent post is told with its danger; with the proposed line nothing changes, nothing goes out."""
    sent(club, run)
    (club.path / "posts/drill.md").rename(club.path / "posts/hole.md")
    later = ("--now", "2027-03-02 12:30")

    told = run("plan", "--diff", "HEAD", *later)
    line = re.search(r"'(id: .+?)'", told.out)[1]  # type: ignore[index]
    text = (club.path / "posts/hole.md").read_text()
    club.write("posts/hole.md", text.replace("---\n", f"---\n{line}\n", 1))
    after = run("plan", "--diff", "HEAD", *later)
    club.commit()
    again = run("publish", "--once", "--rehearse", *later, "--json")

    assert told.out == ("id changed: posts/hole on mastodon: Tue 2 Mar 12:00 (Europe/Dublin); it was sent as "
                        "posts/drill; as posts/hole it is another post, and waits. Add the line 'id: drill' to the "
                        "front matter of content/posts/hole.md.\n")
    assert "1 id changed" in told.err
    assert (after.out, after.err.splitlines()[-1]) == ("", "Nothing changes.")
    assert (again.code, again.json) == (0, {"outcomes": []})


def test_without_the_line_it_waits(club: Any, run: Callable[..., Any]) -> None:
    """The renamed file without the line is not published a second time: it waits, and says why and what to write."""
    sent(club, run)
    (club.path / "posts/drill.md").rename(club.path / "posts/hole.md")
    club.commit()

    done = run("publish", "--once", "--rehearse", "--now", "2027-03-02 12:10", "--json")

    (outcome,) = done.json["outcomes"]
    assert (outcome["slot"], outcome["state"]) == ("posts/hole@mastodon#1", "waiting")
    assert "Add the line 'id: drill' to the front matter of content/posts/hole.md." in outcome["reason"]


def test_a_plain_plan_names_what_lost_its_id(club: Any, run: Callable[..., Any]) -> None:
    """After the rename is committed, the plan still knows from archive and Git which file it was, and says the line."""
    sent(club, run)
    old = club.path / "posts/drill.md"
    club.write("campaigns/spring/campaign.yaml", "campaign: spring\nstart: 2027-03-01\nend: 2027-04-01\n")
    club.write("campaigns/spring/posts/hole.md", old.read_text().replace("Tuesdays", "Fridays"))
    old.unlink()
    club.commit()

    done = run("plan", "--now", "2027-03-02 13:00", *ARCHIVE)

    assert ("posts/drill was published; no file has this id now. content/campaigns/spring/posts/hole.md looks like it, "
            "and as spring/hole it is another post, and waits. Add the line 'id: posts/drill' to the front matter of "
            "content/campaigns/spring/posts/hole.md.") in done.err
    assert done.code == 1


def test_a_plain_plan_names_what_is_gone(club: Any, run: Callable[..., Any]) -> None:
    """A published post whose file is gone and resembles none is named with what can be done."""
    sent(club, run)
    (club.path / "posts/drill.md").unlink()
    club.post("other", "Flat back first, then the bevel.", at=NOON)
    club.commit()

    done = run("plan", "--now", "2027-03-02 11:00", *ARCHIVE)

    assert "posts/drill was published; no file has this id now. Keep its id ('id: posts/drill')" in done.err
    assert "put the file back and set withdraw: true." in done.err
    assert done.code == 1


def test_a_rehearsal_is_no_error(club: Any, run: Callable[..., Any]) -> None:
    """What only a rehearsal sent is named, and stops nobody."""
    sent(club, run)
    (club.path / "posts/drill.md").unlink()
    club.post("other", "Flat back first, then the bevel.", at=NOON)

    done = run("plan", "--now", "2027-03-02 11:00")

    assert "Nothing was published for real yet" in done.err
    assert "posts/drill was published; no file has this id now." in done.err
    assert done.code == 0


def test_the_plan_steers_no_terminal(club: Any, run: Callable[..., Any]) -> None:
    """What authors write steers no terminal and forges no line, in the table and in the difference."""
    club.post("drill", DRILL, at=NOON)
    club.commit()
    club.post("drill", DRILL, at=NOON, more='hold: "\\x1b]0;evil\\x07\\nforged: line"\n')

    for words in (("plan",), ("plan", "--diff", "HEAD")):
        done = run(*words, *BEFORE)
        assert "posts/drill" in done.out
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f]|^forged", done.out + done.err, re.MULTILINE)
