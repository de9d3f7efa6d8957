"""What is told without being asked: overdue slots, silent channels, credentials that end, gates that changed."""
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from flows.alarm import OLD, Named, changed, look, overdue
from flows.close import zombies
from flows.edges.ledger import worker_id
from flows.edges.settings import find
from flows.pull import remote_of, repository_of

NOON = datetime(2027, 3, 1, 12, tzinfo=UTC)


def slot(state: str, minutes_ago: float | None) -> dict[str, object]:
    """A slot of `status --json`."""
    at = None if minutes_ago is None else f"{NOON - timedelta(minutes=minutes_ago):%Y-%m-%dT%H:%M:%SZ}"
    return {"slot": "posts/a@x#1", "state": state, "at": at, "reason": None, "next": None}


@pytest.mark.parametrize(("state", "minutes_ago", "is_overdue"), [
    ("planned", 14.9, False), ("planned", 15, True), ("planned", 600, True), ("planned", -5, False),
    ("planned", None, False), ("publishing", 30, False), ("publishing", 60, True),
    ("planned", OLD.total_seconds() / 60 + 1, False),
    *((state, 60, False) for state in ("waiting", "held", "unknown", "published", "failed", "missed", "skipped"))])
def test_overdue_is_what_nothing_holds(state, minutes_ago, is_overdue):
    """Due a quarter of an hour ago, no end, no reason to wait."""
    assert bool(list(overdue([slot(state, minutes_ago)], NOON))) == is_overdue


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
