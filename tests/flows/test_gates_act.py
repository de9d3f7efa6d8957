"""What gates, balances and incidents keep back in a shift over the sample content, and what lets it go again."""
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flows.check import check_commit
from flows.edges.ledger import Ledger
from flows.edges.repository import Repository
from flows.edges.store import open_store
from flows.know import Knower
from flows.planning.folding import fold
from flows.planning.reporting import rows
from flows.replan import Know
from flows.tell import Told
from schemas.ledger import Slot, State

SAMPLE = Path(__file__).parents[2] / "content"
PLAN = "crisis/plan.yaml"
LAUNCH = "spring-mend/launch@mastodon#1"
HELD = ("LAUNCH of spring-mend is not green: 1 line is open: crisis plan ready (there is none); "
        "'drumbeat gates' says what each needs")
SIGNED = "by: ilse, reason: the sponsor saw it"
GIFT = "---\nat: {at}\nchannels: [mastodon]\n---\nA tip: {name}.\n"
THREAD = ("---\nat: 2027-03-02 09:00\nintent: inform\nchannels: [mastodon]\napproved_by: [ilse]\n---\nOne of two.\n"
          "***\nTwo of two.\n")
Edit = tuple[str, str] | str | None
"""What to replace by what, a whole text, or None: the file goes."""


def day(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Season:
    """The sample content in a repository of its own, and shifts over it from 2027-03-01 on that ask its gates."""

    def __init__(self, stage: Any) -> None:
        self.stage = stage
        shutil.rmtree(stage.folder.path)
        shutil.copytree(SAMPLE, stage.folder.path)
        self._knowers: dict[bool, Knower] = {}

    def edit(self, edits: Mapping[str, Edit]) -> None:
        """Changes files of the working tree."""
        for path, edit in edits.items():
            file = self.stage.folder.path / path
            if edit is None:
                file.unlink()
                continue
            text = edit if isinstance(edit, str) else file.read_text(encoding="utf-8")
            if isinstance(edit, tuple):
                assert edit[0] in text, f"{path} has no {edit[0]!r}"
                text = text.replace(*edit)
            self.stage.folder.write(path, text)

    def commit(self, edits: Mapping[str, Edit] | None = None) -> None:
        self.edit(edits or {})
        self.stage.folder.commit()

    def gift(self, name: str, at: str) -> dict[str, Edit]:
        """A give that only Mastodon gets."""
        return {f"posts/{name}.md": GIFT.format(at=at, name=name)}

    def know(self, *, real: bool = False) -> Know:
        """What a publisher knows: of a rehearsal, or where everything is in earnest."""
        repository = Repository(self.stage.folder.path)
        knower = Knower(repository, home=self.stage.home, rehearsal=not real)
        return lambda content, commit, whole: knower.at(content, commit, whole=whole)

    def run(self, until: str, *, real: bool = False, then: Mapping[tuple[str, str], Mapping[str, Edit]] | None = None,
            **more: Any) -> list[Told]:
        """What a shift tells until then. `then`: what is committed as soon as a slot is told to be in a state."""
        waiting = dict(then or {})

        def hear(told: Told) -> None:
            edits = waiting.pop((told.row.slot, told.row.state.value), None)
            if edits is not None:
                self.edit(edits)
                self.stage.commit_under_way()

        told: list[Told] = self.stage.run(until=day(until), know=self.know(real=real), tell=hear, **more)
        assert not waiting, "the shift never told what the test waits for"
        return told

    def went(self, *slots: str) -> list[str | None]:
        """When each of these slots went out, None where it did not."""
        ledger = Ledger(open_store(self.stage.archive), worker="reader", now=self.stage.clock.now)
        found = [fold(Slot.parse(slot), ledger.read(Slot.parse(slot))).published_at for slot in slots]
        return [f"{at:%m-%d %H:%M}" if at is not None else None for at in found]

    def status(self, at: str) -> dict[str, tuple[str, str | None]]:
        """What `drumbeat status` says of each slot: state and reason."""
        ledger = Ledger(open_store(self.stage.archive), worker="reader", now=self.stage.clock.now)
        repository = Repository(self.stage.folder.path)
        standings = {slot: fold(slot, ledger.read(slot)) for slot, _ in ledger.open_slots()}
        sent = {slot: one.published_at for slot, one in standings.items() if one.state is State.published}
        made = check_commit(repository, repository.head(), now=day(at), sent=sent, home=self.stage.home, rehearsal=True)
        return {one.slot: (one.state.value, one.reason) for one in rows(made.plan, standings, now=day(at))}


@pytest.fixture
def season(stage: Any) -> Season:
    return Season(stage)


def told_of(told: list[Told], slot: str) -> list[tuple[str, str | None]]:
    """Each state that a slot was told to be in, and why."""
    return [(one.row.state.value, one.row.reason) for one in told if one.row.slot == slot]


def incident(level: str, more: str = "status: open\n") -> dict[str, Edit]:
    return {"crisis/incidents/2027-03-02-burn.yaml": (
        f"level: {level}\nopened: 2027-03-02 08:00\nchannels: [mastodon]\n{more}"
        "updates: [{at: 2027-03-02 09:10, post: posts/update}]\n")}


CLOSED = "status: closed\nclosed: 2027-03-02 09:00\nresume_by: ilse\nafter_action: We checked the cable.\n"


def given(season: Season) -> None:
    """Groundwork that is taken for done: nothing has to be given first."""
    season.edit({"rules.yaml": ("  unlock_gives: 6\n  unlock_days: 90\n", "  unlock_gives: 0\n  unlock_days: 0\n")})


# --- a launch ---------------------------------------------------------------------------------------------------------


def test_a_green_launch_goes_out(season: Season) -> None:
    """With all that the gate asks for, every channel gets its launch at its minute."""
    season.commit()

    season.run("2027-03-03")

    assert season.went(LAUNCH, "spring-mend/launch@bluesky#1", "spring-mend/launch@facebook#1") == [
        "03-02 08:45", "03-02 09:05", "03-02 10:05"]


def test_a_launch_without_a_crisis_plan_waits(season: Season) -> None:
    """The campaign's posts wait and say for what, gives go out, and what became too late says what had kept it."""
    season.commit({PLAN: None, **season.gift("meanwhile", "2027-03-02 09:50")})

    told = season.run("2027-03-03")

    assert told_of(told, LAUNCH) == [("waiting", HELD), (
        "missed", "it was more than 2 h past its time before it could go out; nothing is sent late by itself; before "
        f"that: {HELD}")]
    assert season.went(LAUNCH, "spring-mend/launch@linkedin#1", "posts/meanwhile@mastodon#1") == [
        None, None, "03-02 09:50"]
    assert not any("Spring Mend starts today" in text for text in season.stage.texts())


def test_what_is_held_costs_few_records(season: Season) -> None:
    """However often it is looked at: what keeps it is said once, and its end once."""
    season.commit({PLAN: None})

    season.run("2027-03-03")

    assert season.stage.kinds(LAUNCH) == ["claim", "released", "claim", "skipped"]
    assert season.stage.is_sound()


def test_a_commit_in_time_lets_the_launch_go(season: Season) -> None:
    """The crisis plan comes while the launch waits: it goes out at once, and the next channel at its own minute."""
    plan = (SAMPLE / PLAN).read_text(encoding="utf-8")
    season.commit({PLAN: None})

    told = season.run("2027-03-03", then={(LAUNCH, "waiting"): {PLAN: plan}})

    assert [state for state, _ in told_of(told, LAUNCH)] == ["waiting", "published"]
    assert season.went(LAUNCH, "spring-mend/launch@bluesky#1") == ["03-02 08:45", "03-02 09:05"]


def test_a_signed_waiver_lets_the_launch_go_and_is_seen(season: Season) -> None:
    """CMP006 waived by the sponsor: the launch goes out, and until then the status says by whose word."""
    waiver = f"waivers:\n  - {{rule: CMP006, where: spring-mend, until: 2027-03-02, {SIGNED}}}\n"
    season.commit({PLAN: None, "rules.yaml": ("waivers:\n", waiver)})

    before = season.status("2027-03-02 08:00")
    season.run("2027-03-03")

    assert before[LAUNCH] == ("planned", "LAUNCH of spring-mend is not green; a waiver lets it through until "
                              "2027-03-02, by ilse: the sponsor saw it")
    assert season.went(LAUNCH) == ["03-02 08:45"]


# --- the profile ------------------------------------------------------------------------------------------------------


def test_relaxed_holds_nothing(season: Season) -> None:
    """Under relaxed the gate is only told of."""
    season.commit({PLAN: None, "rules.yaml": ("profile: guided", "profile: relaxed")})

    season.run("2027-03-03")

    assert season.went(LAUNCH) == ["03-02 08:45"]


def test_strict_holds_everything_until_the_strategy_stands(season: Season) -> None:
    """Under strict a give waits for STRATEGY too, and goes out once it is green."""
    gift, sponsor = "posts/gift@mastodon#1", ("sponsor:", "x-sponsor:")
    season.commit({"rules.yaml": ("profile: guided", "profile: strict"), "strategy.yaml": sponsor,
                   **season.gift("gift", "2027-03-01 14:00")})

    told = season.run("2027-03-03", then={(gift, "waiting"): {"strategy.yaml": ("x-sponsor:", "sponsor:")}})

    (state, why), *_ = told_of(told, gift)
    assert (state, str(why)[:23]) == ("waiting", "STRATEGY is not green: ")
    assert season.went(gift, LAUNCH) == ["03-01 14:00", "03-02 08:45"]


# --- gives and asks ---------------------------------------------------------------------------------------------------

ASK = "spring-mend/first-ask@mastodon#1"
TWO_GIVES = ("  give_per_ask: 4\n  window_posts: 12\n  unlock_gives: 6\n  unlock_days: 90\n",
             "  give_per_ask: 2\n  window_posts: 12\n  unlock_gives: 2\n  unlock_days: 0\n")


def waived(until: str) -> str:
    return f"waivers:\n  - {{rule: CMP006, where: spring-mend, until: {until}, {SIGNED}}}\n"


def asking(season: Season, *gives: tuple[str, str]) -> None:
    """Two gives for an ask, a launch that is waived, and these gives beside those of the sample."""
    rules = (SAMPLE / "rules.yaml").read_text(encoding="utf-8").replace(*TWO_GIVES)
    posts = {path: text for name, at in gives for path, text in season.gift(name, at).items()}
    season.commit({"rules.yaml": rules.replace("waivers:\n", waived("2027-04-12")), **posts})


def test_an_ask_whose_gives_were_missed_waits(season: Season) -> None:
    """In earnest only what is really out counts: the plan has the gives, the readers never got them."""
    asking(season)

    told = season.run("2027-03-10", real=True)

    assert told_of(told, ASK)[0] == (
        "waiting", "content/campaigns/spring-mend/posts/first-ask.md:3:1: 0 gives for 1 ask on mastodon, in all it "
        "says until then; each ask needs 2. Give 2 more first: plan them on mastodon before this ask.")
    assert season.went(ASK) == [None]


def test_an_ask_goes_out_once_enough_was_given(season: Season) -> None:
    """Two gives go out while the ask waits, within its grace: then it goes."""
    asking(season, ("first", "2027-03-09 12:50"), ("second", "2027-03-09 13:20"))

    told = season.run("2027-03-10", real=True)

    assert [state for state, _ in told_of(told, ASK)] == ["waiting", "published"]
    [first, second, ask] = season.went("posts/first@mastodon#1", "posts/second@mastodon#1", ASK)
    assert (first, second) == ("03-09 12:50", "03-09 13:20")
    assert ask is not None
    assert "03-09 13:20" <= ask <= "03-09 14:30"


# --- incidents --------------------------------------------------------------------------------------------------------


def test_an_incident_holds_all_by_its_level_and_lets_go(season: Season) -> None:
    """It comes in mid-shift: on its channel everything waits but its update; what is closed lets go what is in time."""
    gift, held, update = "posts/early@mastodon#1", "posts/held@mastodon#1", "posts/update@mastodon#1"
    given(season)
    season.commit({**season.gift("early", "2027-03-02 08:10"), **season.gift("held", "2027-03-02 09:00"),
                   **season.gift("update", "2027-03-02 09:10")})

    season.run("2027-03-03", then={(gift, "published"): incident("issue"),
                                   (update, "published"): incident("issue", CLOSED)})

    assert season.went(gift, "spring-mend/launch@bluesky#1", update) == ["03-02 08:10", "03-02 09:05", "03-02 09:10"]
    freed = season.went(LAUNCH, held)
    assert all(at is not None and "03-02 09:10" <= at <= "03-02 11:00" for at in freed)


def test_an_incident_holds_asks_by_its_level(season: Season) -> None:
    """Where the level says hold-asks, gives go on."""
    ask = {"campaigns/spring-mend/posts/first-ask.md": ("at: 2027-03-09 12:30", "at: 2027-03-02 10:30")}
    season.commit({**season.gift("early", "2027-03-02 08:10"), **season.gift("later", "2027-03-02 13:00"), **ask})

    season.run("2027-03-03", then={("posts/early@mastodon#1", "published"): incident("watch")})

    assert season.went(ASK, LAUNCH, "posts/later@mastodon#1") == [None, "03-02 08:45", "03-02 13:00"]
    assert season.went("spring-mend/first-ask@bluesky#1") == ["03-02 10:50"]


def test_an_incident_that_opens_later_holds_from_then_on(season: Season) -> None:
    """What is due before it was opened goes out; what is due then waits, though the plan was made before."""
    later = {"crisis/incidents/2027-03-02-burn.yaml": "level: issue\nopened: 2027-03-02 08:30\nstatus: open\n"}
    season.commit({**season.gift("early", "2027-03-02 08:10"), **later})

    told = season.run("2027-03-03")

    assert season.went("posts/early@mastodon#1", LAUNCH) == ["03-02 08:10", None]
    assert "Held by incident 2027-03-02-burn (issue)" in str(told_of(told, LAUNCH)[0][1])


# --- in earnest -------------------------------------------------------------------------------------------------------


def test_what_nobody_can_tell_holds_a_launch_in_earnest(season: Season) -> None:
    """No connection was tested: amber, and in a real archive the launch waits; in a rehearsal it goes out."""
    given(season)
    season.commit()
    open_store(season.stage.archive).create("v1/kind", b"real\n")

    told = season.run("2027-03-03", real=True)

    assert "connections tested" in str(told_of(told, LAUNCH)[0][1])
    assert season.went(LAUNCH) == [None]


def test_what_nobody_can_tell_stops_no_campaign_half_way(season: Season) -> None:
    """The launch went out by a waiver that has ended; amber holds the posts after it no more."""
    given(season)
    open_store(season.stage.archive).create("v1/kind", b"real\n")
    season.commit({"rules.yaml": ("waivers:\n", waived("2027-03-02"))})

    season.run("2027-03-05", real=True)
    season.run("2027-03-19", real=True)

    assert season.went(LAUNCH, "spring-mend/drill-day@mastodon#1") == ["03-02 08:45", "03-18 12:30"]


# --- what is half done ------------------------------------------------------------------------------------------------


def test_a_thread_half_out_is_finished(season: Season) -> None:
    """The gate turns red between two parts: what readers have begun to read gets its end."""
    slot = "spring-mend/thread@mastodon#1"
    season.commit({"campaigns/spring-mend/posts/thread.md": THREAD})
    season.stage.script({"fault": "429", "network": "mastodon", "after": 2, "retry_after": 1800})

    told = season.run("2027-03-03", then={(slot, "waiting"): {PLAN: None}})

    assert [state for state, _ in told_of(told, slot)] == ["waiting", "published"]
    assert season.went("spring-mend/launch@facebook#1") == [None]


def test_looking_up_what_is_in_doubt_waits_for_no_gate(season: Season) -> None:
    """A lost answer of a campaign's post is looked up though the gate has turned red."""
    season.commit()
    season.stage.script({"fault": "hang up after effect", "network": "mastodon"})
    season.run("2027-03-02 08:46")
    season.commit({PLAN: None})

    shift = season.stage.shift(know=season.know())
    shift.settle_only = shift.courier.settle_only = True
    shift.run(day("2027-03-02 10:00"))

    assert season.stage.standing(LAUNCH).state is State.published

