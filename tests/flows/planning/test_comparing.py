"""What a change of the content does to what goes out: named for every slot, in a reviewer's words, and nothing else."""
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.planning.comparing import Difference, compare
from flows.planning.preparing import Prepared
from flows.planning.renaming import text_of_post
from flows.planning.reviewing import counts, lines, summary
from schemas.content import SourceFile
from schemas.ledger import Slot, Standing, State
from schemas.plan import Item
from schemas.post import Post

Make = Callable[..., Prepared]
NOW = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
QUIET = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
CHANNELS = """\
channels:
  - {id: m, network: mastodon, handle: "@us@social.example", slots: ["tue 08:45", "thu 12:30"]}
  - {id: x, network: x, handle: us}
  - {id: blue, network: hashnode, handle: us}
"""
DRILL = "You need a hole, not a drill. Ours is free to borrow on Tuesdays. What would you hang up first?"


def post(text: str = DRILL, at: str = "2027-03-02 08:45", channels: str = "m, x", more: str = "") -> str:
    return f"---\nat: {at}\nchannels: [{channels}]\n{more}---\n{text}\n"


def published(*slots: str) -> dict[Slot, Standing]:
    return {Slot.parse(slot): Standing(Slot.parse(slot), state=State.published, reason="x") for slot in slots}


@pytest.fixture
def told(prepared: Make) -> Callable[..., list[str]]:
    """The lines of a change: files before, files after (None takes one away), what the archive knows."""

    def tell(before: dict[str, Any], after: dict[str, Any], standings: dict[Slot, Standing] | None = None) -> list[str]:
        frame = {"networks/channels.yaml": CHANNELS}
        changes = compare(prepared({**frame, **before}), prepared({**frame, **after}), standings or {})
        return lines(changes, now=NOW)

    return tell


# --- one change -------------------------------------------------------------------------------------------------------


def test_nothing_changes(told: Callable[..., list[str]]) -> None:
    """The same content changes nothing."""
    assert told({"posts/a.md": post()}, {"posts/a.md": post()}) == []


def test_new(told: Callable[..., list[str]]) -> None:
    """A new post is one line where its channels agree; where it only waits, that is said."""
    assert told({}, {"posts/a.md": post(channels="m, x, blue")}) == [
        "new: posts/a on m, x: Tue 2 Mar 08:45 (Europe/Dublin), the others after it",
        "new: posts/a on blue: Tue 2 Mar 09:25 (Europe/Dublin); it waits: hashnode is not supported yet",
    ]


def test_moved(told: Callable[..., list[str]]) -> None:
    """Another time: from when to when, on the wall's clock."""
    assert told({"posts/a.md": post()}, {"posts/a.md": post(at="2027-03-03 09:00")}) == [
        "moved: posts/a on m, x: Tue 2 Mar 08:45 → Wed 3 Mar 09:00 (Europe/Dublin), the others after it"]


def test_moved_to_another_year(told: Callable[..., list[str]]) -> None:
    """Where the year is not this one, it is said."""
    assert told({"posts/a.md": post(channels="m")}, {"posts/a.md": post(channels="m", at="2028-03-03 09:00")}) == [
        "moved: posts/a on m: Tue 2 Mar 2027 08:45 → Fri 3 Mar 2028 09:00 (Europe/Dublin)"]


def test_one_channel_moved(told: Callable[..., list[str]]) -> None:
    """Only the channels that move are named."""
    own = "{default: 2027-03-02 08:45, x: 2027-03-02 12:00}"

    assert told({"posts/a.md": post()}, {"posts/a.md": post(at=own)}) == [
        "moved: posts/a on x: Tue 2 Mar 09:05 → Tue 2 Mar 12:00 (Europe/Dublin)"]


def test_another_time_zone_is_another_time(told: Callable[..., list[str]]) -> None:
    """The same words in another zone are another instant."""
    tokyo = post(channels="m", more="timezone: Asia/Tokyo\n")

    assert told({"posts/a.md": post(channels="m")}, {"posts/a.md": tokyo}) == [
        "moved: posts/a on m: Tue 2 Mar 08:45 → Tue 2 Mar 08:45 (Asia/Tokyo)"]


@pytest.mark.parametrize(
    ("after", "where", "why"),
    [
        (None, "m, x", "its file is gone"),
        (post(more="draft: true\n"), "m, x", "its file says draft: true"),
        (post(channels="x"), "m", "it no longer goes to m"),
        ("no front matter", "m, x", "content/posts/a.md:1:1: cannot be read: it does not begin with front matter. "
         "Begin with a line ---, then for example 'slot: next', then a line ---."),
    ],
    ids=["gone", "draft", "other channel", "unreadable"],
)
def test_cancelled(told: Callable[..., list[str]], after: str | None, where: str, why: str) -> None:
    """What no longer goes out is named with its time and the reason."""
    others = ", the others after it" if "," in where else ""

    assert told({"posts/a.md": post()}, {"posts/a.md": after, "posts/b.md": post("Another text altogether.")})[0] == (
        f"cancelled: posts/a on {where}: was Tue 2 Mar 08:45 (Europe/Dublin){others}; {why}")


@pytest.mark.parametrize(
    ("channels", "why"),
    [
        (CHANNELS.replace("  - {id: x, network: x, handle: us}\n", ""), "there is no channel x any more"),
        (CHANNELS.replace("network: x,", "network: x, status: retired,"), "x is retired"),
    ],
    ids=["removed", "retired"],
)
def test_a_channel_that_goes(told: Callable[..., list[str]], channels: str, why: str) -> None:
    """A channel that is removed or retired cancels what would have gone there."""
    everywhere = "---\nat: 2027-03-02 08:45\n---\nHello there.\n"

    found = told({"posts/a.md": everywhere}, {"posts/a.md": everywhere, "networks/channels.yaml": channels})

    assert f"cancelled: posts/a on x: was Tue 2 Mar 09:05 (Europe/Dublin); {why}" in found


def test_held_back_and_let_go(told: Callable[..., list[str]]) -> None:
    """What waits now is cancelled with the reason; what waited and goes out now is restored."""
    held = post(channels="m", more="hold: Nell is asked first\n")

    assert told({"posts/a.md": post(channels="m")}, {"posts/a.md": held}) == [
        "cancelled: posts/a on m: Tue 2 Mar 08:45 (Europe/Dublin); held by its author: Nell is asked first"]
    assert told({"posts/a.md": held}, {"posts/a.md": post(channels="m")}) == [
        "restored: posts/a on m: Tue 2 Mar 08:45 (Europe/Dublin); it waited: held by its author: Nell is asked first"]


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (post("Another text."), "the text"),
        (post(more="link: https://ours.example/b\n"), "the text and the link"),
        (post(more="hashtags: [SpringMend]\n"), "the text"),
        (post(more="language: de\n"), "the language"),
        (post(more="media: [{file: a.png, alt: A drill.}]\n"), "the pictures and a description"),
    ],
)
def test_text_changed(told: Callable[..., list[str]], after: str, what: str) -> None:
    """What people would read or see otherwise is named."""
    picture = {"media/a.png": SourceFile("media/a.png", "1" * 40, 9)}

    assert told({"posts/a.md": post(), **picture}, {"posts/a.md": after, **picture}) == [
        f"text changed: posts/a on m, x: Tue 2 Mar 08:45 (Europe/Dublin), the others after it; {what}"]


def test_a_variant_changes_its_channel_only(told: Callable[..., list[str]]) -> None:
    """A section for one channel changes the text there and nowhere else."""
    assert told({"posts/a.md": post()}, {"posts/a.md": post(f"{DRILL}\n## on x\nShort.")}) == [
        "text changed: posts/a on x: Tue 2 Mar 09:05 (Europe/Dublin); the text"]


@pytest.mark.parametrize(("blob", "size", "changes"), [("2" * 40, 9, 1), ("1" * 40, 9, 0), ("", 9, 0), ("", 10, 1)])
def test_another_picture(told: Callable[..., list[str]], blob: str, size: int, changes: int) -> None:
    """A picture is another one by its bytes; where those are not known, by its size."""
    shown = post(more="media: [{file: a.png, alt: A drill.}]\n")

    found = told({"posts/a.md": shown, "media/a.png": SourceFile("media/a.png", "1" * 40, 9)},
                 {"posts/a.md": shown, "media/a.png": SourceFile("media/a.png", blob, size)})

    assert len(found) == changes
    assert all(line.endswith("; the pictures") for line in found)


def test_another_account(told: Callable[..., list[str]]) -> None:
    """A channel that becomes another account says so for every post that would go there."""
    channels = CHANNELS.replace("@us@social.example", "@them@social.example")

    assert told({"posts/a.md": post()}, {"posts/a.md": post(), "networks/channels.yaml": channels}) == [
        "text changed: posts/a on m: Tue 2 Mar 08:45 (Europe/Dublin); the account (@us@social.example → "
        "@them@social.example)"]


def test_moved_and_reworded_is_told_twice(told: Callable[..., list[str]]) -> None:
    """A post may get another time and another text: both are named."""
    found = told({"posts/a.md": post(channels="m")}, {"posts/a.md": post("Other.", "2027-03-03 09:00", "m")})

    assert [line.partition(":")[0] for line in found] == ["moved", "text changed"]


# --- what is out already ----------------------------------------------------------------------------------------------


def test_what_is_sent_does_not_change(told: Callable[..., list[str]]) -> None:
    """A change of something that is out has no effect, and that is said instead."""
    sent = published("posts/a@m#1")

    assert told({"posts/a.md": post()}, {"posts/a.md": post("Other words.", "2027-03-03 09:00")}, sent) == [
        "already sent: posts/a on m: Tue 2 Mar 08:45 → Wed 3 Mar 09:00 (Europe/Dublin); its time and the text changed, "
        "which has no effect",
        "moved: posts/a on x: Tue 2 Mar 09:05 → Wed 3 Mar 09:20 (Europe/Dublin)",
        "text changed: posts/a on x: Tue 2 Mar 09:05 → Wed 3 Mar 09:20 (Europe/Dublin); the text",
    ]


def test_what_is_sent_stays_out_when_its_file_goes(told: Callable[..., list[str]]) -> None:
    """Removing the file of a sent post takes nothing back."""
    assert told({"posts/a.md": post(channels="m")}, {"posts/a.md": None}, published("posts/a@m#1")) == [
        "already sent: posts/a on m: was Tue 2 Mar 08:45 (Europe/Dublin); its file is gone; what is out stays there"]


def test_what_is_sent_and_unchanged_is_not_told(told: Callable[..., list[str]]) -> None:
    """Sent posts that did not change are no news."""
    assert told({"posts/a.md": post()}, {"posts/a.md": post()}, published("posts/a@m#1", "posts/a@x#1")) == []


def test_what_was_missed_opens_again(told: Callable[..., list[str]]) -> None:
    """A new time for a missed post opens it again, and the reviewer is told."""
    slot = Slot("posts/a", "m")

    found = told({"posts/a.md": post(channels="m")}, {"posts/a.md": post(channels="m", at="2027-03-03 09:00")},
                 {slot: Standing(slot, state=State.missed, reason="missed")})

    assert found == ["moved: posts/a on m: Tue 2 Mar 08:45 → Wed 3 Mar 09:00 (Europe/Dublin); it was missed, and this "
                     "opens it again"]


# --- another id -------------------------------------------------------------------------------------------------------


def test_a_renamed_file_that_was_sent_would_publish_again(told: Callable[..., list[str]]) -> None:
    """A sent post under another name is named with the danger and the very line that mends it."""
    sent = published("posts/a@m#1")

    assert told({"posts/a.md": post()}, {"posts/b.md": post()}, sent) == [
        "id changed: posts/b on m: Tue 2 Mar 08:45 (Europe/Dublin); it was sent as posts/a; as posts/b it is another "
        "post, and waits. Add the line 'id: a' to the front matter of content/posts/b.md.",
        "id changed: posts/b on x: Tue 2 Mar 09:05 (Europe/Dublin); it was posts/a, and nothing was sent under that "
        "id. Add the line 'id: a' to the front matter of content/posts/b.md.",
    ]


def test_a_moved_and_mended_file_is_known_again(told: Callable[..., list[str]]) -> None:
    """A file that went to another folder with another time and a word changed is no new post."""
    campaign = "campaign: spring\nstart: 2027-03-01\nend: 2027-04-01\n"
    there = {"campaigns/spring/campaign.yaml": campaign}
    mended = post(DRILL.replace("Tuesdays", "Fridays"), "2027-03-05 09:00", "m")

    assert told({"posts/a.md": post(channels="m"), **there}, {"campaigns/spring/posts/a.md": mended, **there},
                published("posts/a@m#1")) == [
        "id changed: spring/a on m: Tue 2 Mar 08:45 → Fri 5 Mar 09:00 (Europe/Dublin); it was sent as posts/a; as "
        "spring/a it is another post, and waits. Add the line 'id: posts/a' to the front matter of "
        "content/campaigns/spring/posts/a.md."]


def test_with_the_line_nothing_changes(told: Callable[..., list[str]]) -> None:
    """The line that was proposed makes the renamed file the post that it was."""
    assert told({"posts/a.md": post()}, {"posts/b.md": post(more="id: a\n")}, published("posts/a@m#1")) == []


def test_a_renamed_post_that_lost_a_channel(told: Callable[..., list[str]]) -> None:
    """A channel that the renamed post no longer has is cancelled; one that it gained is new."""
    found = told({"posts/a.md": post(channels="m")}, {"posts/b.md": post(channels="x")})

    assert found == [
        "cancelled: posts/a on m: was Tue 2 Mar 08:45 (Europe/Dublin); it no longer goes to m",
        "new: posts/b on x: Tue 2 Mar 08:45 (Europe/Dublin)",
    ]


def test_another_post_in_its_place_is_new(told: Callable[..., list[str]]) -> None:
    """A file that goes and one that comes with quite another text are two changes."""
    other = post("Flat back first, then the bevel.", channels="m")

    found = told({"posts/a.md": post(channels="m")}, {"posts/b.md": other})

    assert [line.partition(":")[0] for line in found] == ["cancelled", "new"]


# --- repeating posts --------------------------------------------------------------------------------------------------


def test_runs_are_counted(told: Callable[..., list[str]]) -> None:
    """Runs that change alike are one line with their number."""
    def repeating(text: str, runs: int) -> str:
        head = f"every: 5w on tuesday at 08:45\nfrom: 2027-03-01\nruns: {runs}\nchannels: [m]\n"
        return f"---\n{head}---\n{text}\n## or\nHo\n"

    assert told({"evergreen/a.md": repeating("Hello.", 2)}, {"evergreen/a.md": repeating("Hello.", 4)}) == [
        "new: evergreen/a on m: Tue 11 May 08:45 (Europe/Dublin), the others after it, 2 runs"]
    assert told({"evergreen/a.md": repeating("Hello.", 3)}, {"evergreen/a.md": repeating("Goodbye.", 3)}) == [
        "text changed: evergreen/a on m: Tue 2 Mar 08:45 (Europe/Dublin), the others after it, 2 runs; the text"]
    assert told({"evergreen/a.md": repeating("Hello.", 2)}, {"evergreen/a.md": repeating("Hello.", 1)}) == [
        "cancelled: evergreen/a on m: was Tue 6 Apr 08:45 (Europe/Dublin); this run is no more"]


# --- any change -------------------------------------------------------------------------------------------------------

_TEXTS = st.sampled_from([DRILL, "Flat back first, then the bevel, then leather.", "What broke at home this week?"])
_POSTS = st.dictionaries(
    st.sampled_from(["posts/a.md", "posts/b.md", "evergreen/c.md", "posts/d.md"]),
    st.builds(post, _TEXTS, st.sampled_from(["2027-03-02 08:45", "2027-03-04 12:00"]),
              st.sampled_from(["m", "m, x", "x, blue"]),
              st.sampled_from(["", "draft: true\n", "hold: wait\n", "id: e\n"])),
    max_size=4)
_SLOTS = [Slot(id, channel) for id in ("posts/a", "posts/b", "evergreen/c", "posts/d", "posts/e", "evergreen/e")
          for channel in ("m", "x")]


@given(files=_POSTS, sent=st.sets(st.sampled_from(_SLOTS)))
@QUIET
def test_content_never_differs_from_itself(prepared: Make, files: dict[str, str], sent: set[Slot]) -> None:
    """Whatever the folder and the archive hold, nothing changes when nothing was changed."""
    made = prepared({"networks/channels.yaml": CHANNELS, **files})

    assert compare(made, made, published(*map(str, sent))) == ()


@given(before=_POSTS, after=_POSTS, sent=st.sets(st.sampled_from(_SLOTS)))
@QUIET
def test_every_slot_that_differs_is_always_told(
    prepared: Make, before: dict[str, str], after: dict[str, str], sent: set[Slot]
) -> None:
    """A slot that is not told goes out before and after at the same time with the same words, or not at all."""
    old = prepared({"networks/channels.yaml": CHANNELS, **before})
    new = prepared({"networks/channels.yaml": CHANNELS, **after})

    changes = compare(old, new, published(*map(str, sent)))

    told = {change.slot for change in changes}
    was = {item.slot: item for item in old.plan.items}
    now = {item.slot: item for item in new.plan.items}
    renamed = {change.slot.channel: change for change in changes if change.kind is Difference.id_changed}
    for slot in was.keys() | now.keys():
        same = slot in was and slot in now and was[slot].at == now[slot].at and (
            old.messages[slot].parts[0].text == new.messages[slot].parts[0].text)
        moved_on = slot in was and slot not in now and slot.channel in renamed
        assert same or slot in told or moved_on or slot in sent, (slot, changes)
    for change in changes:
        is_out = change.slot in sent
        assert change.kind in (Difference.already_sent, Difference.id_changed) or not is_out
        assert change.kind is not Difference.new or isinstance(now.get(change.slot), Item) or "waits" in change.why
    assert sum(counts(changes).values()) == len(changes)
    assert len(lines(changes, now=NOW)) <= len(changes)


@given(before=_POSTS, after=_POSTS)
@QUIET
def test_a_post_is_never_both_cancelled_and_new_under_another_name(
    prepared: Make, before: dict[str, str], after: dict[str, str]
) -> None:
    """A post that came back under another id with the same text on the same channel is told as one: its id changed."""
    old = prepared({"networks/channels.yaml": CHANNELS, **before})
    new = prepared({"networks/channels.yaml": CHANNELS, **after})

    changes = compare(old, new, {})

    gone = {(c.slot.channel, _words(old, c.slot)) for c in changes if c.kind is Difference.cancelled
            and c.slot.post not in _ids(new)}
    come = {(c.slot.channel, _words(new, c.slot)) for c in changes if c.kind is Difference.new
            and c.slot.post not in _ids(old)}
    for channel, words in gone & come:                            # of several alike, who became whom nobody can know
        assert max(_many(old, words), _many(new, words)) > 1, (channel, words)


def _ids(made: Prepared) -> set[str]:
    return {post.id for post in _posts(made)}


def _posts(made: Prepared) -> list[Post]:
    return [*(post.post for post in made.content.posts), *made.content.drafts]


def _words(made: Prepared, slot: Slot) -> str:
    """What the post of a slot says."""
    return next(text_of_post(post) for post in _posts(made) if post.id == slot.post)


def _many(made: Prepared, words: str) -> int:
    """How many posts say so."""
    return sum(1 for post in _posts(made) if text_of_post(post) == words)


# --- the sum ----------------------------------------------------------------------------------------------------------


def test_the_sum_names_each_kind(prepared: Make) -> None:
    """One line at the end says how much of each; nothing is said as nothing."""
    frame = {"networks/channels.yaml": CHANNELS}
    old = prepared({**frame, "posts/a.md": post(), "posts/b.md": post("Flat back first.", channels="m")})
    new = prepared({**frame, "posts/a.md": post(at="2027-03-03 09:00"), "posts/c.md": post("What broke at home?")})

    changes = compare(old, new, {})

    assert counts(changes) == {"cancelled": 1, "moved": 2, "new": 2}
    assert summary(changes) == "1 cancelled, 2 moved, 2 new (counted by post and channel); nothing else changes."
    assert summary(()) == "Nothing changes."
