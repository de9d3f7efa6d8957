"""`drumbeat review`: what a reviewer reads before merging, of real folders in real repositories."""
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from flows.edges.ledger import Ledger
from flows.edges.store import open_store
from flows.planning.folding import fold
from schemas.ledger import Slot

NOON = datetime(2027, 3, 2, 12, 0, tzinfo=UTC)
BEFORE = ("--now", "2027-03-01 12:00")
DRILL = "You need a hole, not a drill. Ours is free to borrow on Tuesdays. What would you hang up first?"
REHEARSED = "dir:.drumbeat/rehearsal/archive"


@pytest.fixture
def club(content_folder: Any) -> Any:
    """A content repository with one post, committed."""
    folder = content_folder()
    folder.post("drill", DRILL, at=NOON, channels="mastodon, x")
    folder.commit()
    return folder


@pytest.fixture
def review(drumbeat: Callable[..., Any], club: Any) -> Callable[..., Any]:
    """`drumbeat review --base HEAD` in the club's folder, the day before."""
    return lambda *words: drumbeat("review", "--base", "HEAD", *BEFORE, *words, cwd=club.home)


def section(comment: str, name: str) -> str:
    return comment.partition(f"### {name}\n")[2].partition("\n### ")[0].strip()


def test_a_reviewer_sees_the_effect(club: Any, review: Callable[..., Any]) -> None:
    """The plan's difference in its own words, and the changed text as each network will show it; nothing is sent."""
    club.post("drill", DRILL.replace("Tuesdays", "Fridays"), at=NOON, channels="mastodon, x")
    club.post("late", "Bike brake rubbing? Loosen the cable bolt.", at=NOON.replace(hour=15), channels="x")

    done = review()

    assert done.code == 0
    assert done.out.startswith("<!-- drumbeat-review -->\n\n## Drumbeat review\n\n**No errors.** No archive was looked")
    assert "| posts | 1 | 2 |\n| planned to go out | 2 | 3 |\n" in done.out
    assert section(done.out, "Plan") == """\
1 new, 2 text changed (counted by post and channel); nothing else changes.

```text
· new: posts/late on x: Tue 2 Mar 15:00 (UTC)
· text changed: posts/drill on mastodon, x: Tue 2 Mar 12:00 (UTC), the others after it; the text
```"""
    shown = re.sub(r"sha256 [0-9a-f]{64}", "sha256 …", section(done.out, "Previews"))
    assert shown == f"""\
2 posts as each network will show them.

**`posts/drill`**

```text
▶ mastodon (mastodon), 2027-03-02 12:00 UTC
  payload sha256 …
  text, 94 of 500:
  │ {DRILL.replace("Tuesdays", "Fridays")}
▶ x (x), 2027-03-02 12:01 UTC
  payload sha256 …
  text, 94 of 280:
  │ {DRILL.replace("Tuesdays", "Fridays")}
```

**`posts/late`**

```text
▶ x (x), 2027-03-02 15:00 UTC
  payload sha256 …
  text, 42 of 280:
  │ Bike brake rubbing? Loosen the cable bolt.
```"""
    assert done.err == "0 errors, 0 new; 3 changes of the plan.\n"


def test_an_error_makes_it_red_and_is_marked(club: Any, review: Callable[..., Any]) -> None:
    """New errors come first and are marked, the base's own are not; --annotate tells the new ones to the forge."""
    club.write("posts/old.md", "---\nat: never\nchannels: [x]\n---\nOld.\n")
    club.commit()
    club.write("posts/new,1.md", "---\nat: never\nchannels: [x]\n---\nNew.\n")

    done = review("--annotate")

    assert done.code == 1
    told = re.findall(r"^([●·] error) content/(.+?):", section(done.out, "Problems"), re.MULTILINE)
    assert ("● error", "posts/new,1.md") in told
    assert ("· error", "posts/old.md") in told
    assert "**No errors" not in done.out
    annotations = [line for line in done.err.splitlines() if line.startswith("::")]
    assert annotations
    beginning = re.compile(r"::(error|warning) file=content/posts/new%2C1\.md,line=\d+,col=\d+,title=[A-Z]{3}\d{3}::")
    assert all(beginning.match(line) for line in annotations)


def test_nothing_of_a_hostile_branch_is_live(club: Any, review: Callable[..., Any]) -> None:
    """Backticks, a mention, a link, an image, HTML, a command of a forge, in text, title and file name: only code."""
    words = ("Ask @team: [x](https://evil.example) ![i](https://evil.example/i.png) <b>bold</b> https://e.example\n\n"
             "````\n/merge\n# Big\n```\n\n@team\n")
    head = "at: 2027-03-02 13:00\nchannels: [x, mastodon]\ntitle: '@team `x`'"
    club.write("posts/`a`@team.md", f"---\n{head}\n---\n{words}")
    club.write("posts/b.md", f"---\nat: 2027-03-02 14:00\nchannels: [x, '@team ``` <img>']\n---\n{words}")

    done = review()

    tokens = MarkdownIt("commonmark", {"html": True}).enable("table").parse(done.out)
    every = [token for outer in tokens for token in (outer, *(outer.children or ()))]
    assert done.code == 1
    assert "@team" in done.out
    assert not {"link_open", "image", "html_inline"} & {token.type for token in every}
    assert [token.content for token in every if token.type == "html_block"] == ["<!-- drumbeat-review -->\n"]
    assert not [token.content for token in every if token.type == "text" and "team" in token.content]
    assert not [line for line in done.out.splitlines() if line.strip().startswith("/")]


def test_the_hash_is_that_of_what_goes_out(club: Any, review: Callable[..., Any], drumbeat: Callable[..., Any],
                                           picture: Callable[[int], bytes]) -> None:
    """What was reviewed is what is sent: the hash stands in the archive's claim afterwards, pictures and all."""
    club.write("media/pixel.png", picture(1))
    club.post("drill", DRILL, at=NOON, channels="mastodon, x", more="media: [{file: pixel.png, alt: A pixel.}]\n")
    hashes = {one["slot"]: one["payload"] for one in review("--json").json["messages"]}
    club.commit()

    done = drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-02 12:05", cwd=club.home)

    assert done.code == 0, done.err
    store = open_store(f"dir:{club.home / REHEARSED[4:]}")
    ledger = Ledger(store, worker="reader/1/boot/test", now=lambda: NOON)
    sent = {str(slot): fold(slot, ledger.read(slot)).pin for slot in map(Slot.parse, hashes)}
    assert {name: pin.payload for name, pin in sent.items() if pin} == hashes
    assert len(hashes) == 2


def test_what_is_out_is_known_from_an_archive_only_when_it_is_named(
        club: Any, review: Callable[..., Any], drumbeat: Callable[..., Any]) -> None:
    """A rehearsal that lies beside the content counts for nothing, unless --archive names it."""
    assert drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-02 12:05", cwd=club.home).code == 0
    club.post("drill", f"{DRILL} Come in!", at=NOON, channels="mastodon, x")

    without, named = review(), review("--archive", REHEARSED)

    assert "· text changed: posts/drill" in section(without.out, "Plan")
    assert "No archive was looked into" in without.out
    assert "· already sent: posts/drill" in section(named.out, "Plan")
    assert "No archive was looked into" not in named.out


def test_a_time_that_has_passed_is_told_of_what_the_base_has_not(club: Any, drumbeat: Callable[..., Any]) -> None:
    """A branch's new post is committed, and yet was never published: that its time has passed is a mistake."""
    club.post("past", "Lawnmower will not start? Old fuel.", at=NOON.replace(day=1, hour=9), channels="x")
    club.commit()

    done = drumbeat("review", "--base", "HEAD^", *BEFORE, cwd=club.home)

    assert "● warning content/posts/past.md:2:1:" in done.out
    assert "[SCH001]" in done.out


def test_gates_that_move_are_told(sample: Path, drumbeat: Callable[..., Any]) -> None:
    """Without its crisis plan the sample's campaign is stopped: which gates turn, which line, and what to do."""
    shutil.rmtree(sample / "content/crisis")

    words = ("review", "--base", "HEAD", "--now", "2027-03-01 09:00")
    done, told = drumbeat(*words, cwd=sample), drumbeat(*words, "--json", cwd=sample).json

    gates = section(done.out, "Gates")
    assert done.code == 1
    assert re.search(r"■ LAUNCH of spring-mend: \w+(?: → \w+)?\n", gates)
    assert re.search(r"    green → red  .*crisis", gates)
    assert "        → " in gates
    assert set(told["gates"][0]) == {"gate", "before", "after", "lines"}


def test_the_first_content_of_a_repository_is_new(content_folder: Any, drumbeat: Callable[..., Any]) -> None:
    """A base without a content folder is held against as an empty one."""
    folder = content_folder()
    folder.git("commit", "--quiet", "--allow-empty", "--message", "Nothing yet")
    folder.post("drill", DRILL, at=NOON)

    done = drumbeat("review", "--base", "HEAD", *BEFORE, cwd=folder.home)

    assert done.code == 0
    assert "| posts | 0 | 1 |" in done.out
    assert "· new: posts/drill on mastodon" in section(done.out, "Plan")


def test_a_folder_that_is_gone_is_a_comment_too(club: Any, review: Callable[..., Any]) -> None:
    """A branch that removes the content gets a comment that says so, and a red check."""
    shutil.rmtree(club.path)

    done = review()

    assert done.code == 1
    assert done.out.startswith("<!-- drumbeat-review -->\n\n## Drumbeat review\n\n**The content cannot be read")
    assert "remedy: " in done.out


@pytest.mark.parametrize("revision", ["nonsense", "--help"])
def test_a_base_that_is_none_is_refused(club: Any, drumbeat: Callable[..., Any], revision: str) -> None:
    """No comment is made of a name that no commit has; the exit code says that the command was wrong."""
    done = drumbeat("review", f"--base={revision}", cwd=club.home)

    assert (done.code, done.out) == (2, "")
    assert f"There is no commit '{revision}'" in done.err


def test_review_json(club: Any, review: Callable[..., Any]) -> None:
    """--json holds the same as data: problems with what is new, counts of both sides, changes, gates, messages."""
    club.post("late", "Bike brake rubbing? Loosen the cable bolt.", at=NOON.replace(hour=15), channels="x")

    told = review("--json").json

    assert set(told) == {"base", "problems", "counts", "changes", "gates", "messages"}
    assert told["counts"]["changes"] == {"new": 1}
    assert [change["slot"] for change in told["changes"]] == ["posts/late@x#1"]
    assert [(one["slot"], one["parts"][0]["text"], len(one["payload"])) for one in told["messages"]] == [
        ("posts/late@x#1", "Bike brake rubbing? Loosen the cable bolt.", 64)]
    assert all(isinstance(one["new"], bool) for one in told["problems"])


def test_runs_that_say_the_same_are_shown_once(club: Any, review: Callable[..., Any]) -> None:
    """A repeating post is previewed once, with how many runs there are like it."""
    head = "every: 1w on tuesday at 09:00\nfrom: 2027-03-02\nuntil: 2027-03-31\nchannels: [x]"
    club.write("posts/weekly.md", f"---\n{head}\n---\nHello.\n")

    done = review("--json")

    assert [one["runs"] for one in done.json["messages"]] == [len(done.json["changes"])]
    assert len(done.json["changes"]) > 2
