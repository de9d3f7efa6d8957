"""What is told without being asked: overdue slots, silent channels, credentials that end, gates that changed."""
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from uuid import UUID

import pytest
from prefect.client.schemas.objects import FlowRun

from flows.alarm import OLD, Arrival, Named, arrival, changed, look, overdue
from flows.automate import ALARMS
from flows.close import zombies
from flows.edges.ledger import worker_id
from flows.edges.settings import find
from flows.observe import News
from flows.pull import remote_of, repository_of
from schemas.outage import Outage

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def slot(state: str, minutes_ago: float | None) -> dict[str, object]:
    """A slot of `status --json`."""
    at = None if minutes_ago is None else f"{NOON - timedelta(minutes=minutes_ago):%Y-%m-%dT%H:%M:%SZ}"
    return {"slot": "posts/a@x#1", "state": state, "at": at, "reason": None, "next": None}


@pytest.mark.parametrize(("state", "minutes_ago", "is_overdue"), [
    ("planned", 14.9, False), ("planned", 15, True), ("planned", None, False), ("waiting", 60, False),
    ("planned", OLD.total_seconds() / 60 + 1, False)])
def test_what_is_overdue_is_told_for_two_days(state, minutes_ago, is_overdue):
    """The rule of the pages; what is older is for the audit to name, once a day."""
    assert bool(list(overdue([slot(state, minutes_ago)], NOON))) == is_overdue


OUTAGE = Outage("main", NOON, NOON + timedelta(minutes=15), "No route.", "Look.", ("pub-1",))


def test_pushes_that_do_not_arrive_are_told_once_and_when_they_do_again():
    """Whatever is noted again, and whoever else is hit: only who falls behind another publisher is told of anew."""
    def told(outage: Outage | None) -> Arrival | None:
        return arrival(News(in_force="c" * 40, outage=outage).as_dict())

    first, more = told(OUTAGE), told(OUTAGE._replace(at=NOON + timedelta(hours=3), machines=("pub-1", "pub-2")))
    behind, over = told(OUTAGE._replace(behind=("pub-1",))), told(OUTAGE._replace(is_over=True))

    assert told(None) is None
    assert first == Arrival("content.unreachable", "main", {
        "reason": "pub-1 gets nothing of what is pushed to main since Mon 2027-03-01 12:00 (UTC): No route.",
        "next": "The plan of commit cccccccccc stays in force. Look."}, first.reason)
    assert more.reason == first.reason != behind.reason
    assert over.event == "content.reachable"
    assert over.payload["reason"].startswith("pub-1 gets what is pushed to main again")
    assert {f"drumbeat.{one.event}" for one in (first, over)} <= set().union(*(alarm.events for alarm in ALARMS))


def test_a_gate_changed_only_against_what_was_seen():
    """A gate of another state than before; a new one, or one that is gone, has not changed."""
    before = [{"gate": "LAUNCH", "campaign": "a", "state": "red"}, {"gate": "SKILLS", "campaign": "", "state": "red"},
              {"gate": "LAUNCH", "campaign": "gone", "state": "red"}]
    now = [{"gate": "LAUNCH", "campaign": "a", "state": "green"}, {"gate": "SKILLS", "campaign": None, "state": "red"},
           {"gate": "LAUNCH", "campaign": "new", "state": "green"}]

    assert list(changed(now, before)) == [{"gate": "LAUNCH", "campaign": "a", "state": "green", "was": "red"}]


def run(**more: object) -> SimpleNamespace:
    """A flow run as Prefect tells it, of a process that lives."""
    return SimpleNamespace(**{"labels": {"drumbeat.worker": worker_id("follow")}, "parameters": {}, "name": "shift",
                              "expected_start_time": NOON, "start_time": NOON, **more})


@pytest.mark.parametrize(("one", "later", "is_over"), [
    (run(), timedelta(hours=1, minutes=11), False), (run(), timedelta(hours=1, minutes=13), True),
    (run(parameters={"until": "2027-03-01T12:30:00Z"}), timedelta(minutes=41), True),
    (run(parameters={"until": "2027-03-01T12:30:00Z"}), timedelta(minutes=39), False),
    (run(parameters={"until": "2026-03-01T12:30:00Z"}), timedelta(days=9), False),
    (run(parameters={"until": "words"}), timedelta(days=9), False),
    (run(labels={}), timedelta(days=9), False)])
def test_a_shift_is_dead_ten_minutes_after_its_end(one, later, is_over):
    """Neither a rehearsal's pretend time nor a flow run that is not ours says anything."""
    assert bool(zombies([one], NOON + later)) == is_over


def test_a_shift_by_the_time_of_prefects_client_lives():
    """Prefect's client tells times of a kind of its own."""
    one = FlowRun(flow_id=UUID(int=1), labels={"drumbeat.worker": worker_id("follow")}, expected_start_time=NOON)

    assert zombies([one], NOON) == []
    assert [closed for closed, _ in zombies([one], NOON + timedelta(hours=2))] == [one]


def test_a_shift_whose_process_is_gone_is_dead_at_once():
    """The label says which process of this machine followed; that pid is nobody's."""
    host, _, boot, name = worker_id("follow").split("/")
    gone = run(labels={"drumbeat.worker": f"{host}/4194000/{boot}/{name}"})

    assert [why for _, why in zombies([gone], NOON)] == [
        "The process that followed it is gone; the archive has what it sent."]


def test_the_rules_name_silent_channels_and_credentials_that_end(stage, monkeypatch):
    """As the committed content, the archive and the credentials here say it; before anything was sent, nothing."""
    stage.folder.write("networks/channels.yaml", "channels:\n  - {id: mastodon, network: mastodon, handle: '@mill'}\n"
                       "  - {id: page, network: linkedin, handle: mill}\n")
    stage.folder.post("hello", "Hello!")
    stage.folder.post("later", "Later.", at=NOON + timedelta(days=60), channels="page")
    stage.folder.commit()
    monkeypatch.setenv("DRUMBEAT_CONTENT", str(stage.folder.path))
    monkeypatch.setenv("DRUMBEAT_ARCHIVE", stage.archive)
    monkeypatch.setenv("DRUMBEAT_PAGE_ACCESS_TOKEN", "token")
    monkeypatch.setenv("DRUMBEAT_PAGE_EXPIRES_AT", "2027-04-01T00:00:00Z")
    assert look(NOON) == []
    stage.run()

    found = look(NOON + timedelta(days=20))

    assert [(one.event, one.channel) for one in found] == [("channel.silent", "mastodon"),
                                                           ("credential.ending", "page")]
    assert all(isinstance(one, Named) and one.message and one.remedy for one in found)


def test_a_publisher_that_fetches_is_told_of_the_plan_in_force(stage, monkeypatch, tmp_path):
    """Its clone has no commit of its own: HEAD names nothing there."""
    stage.folder.post("hello", "Hello!")
    stage.folder.commit()
    stage.run()
    home = tmp_path / "publisher"
    monkeypatch.setenv("DRUMBEAT_CONTENT", str(home / "content"))
    monkeypatch.setenv("DRUMBEAT_ARCHIVE", stage.archive)
    monkeypatch.setenv("DRUMBEAT_REMOTE", str(stage.folder.home))
    settings = find(None)
    remote = remote_of(settings, repository_of(settings))
    assert remote is not None
    remote.fetch()

    assert ("channel.silent", "mastodon") in {(one.event, one.channel) for one in look(NOON + timedelta(days=20))}
