"""What `status` says before its table: what is stopped, and what does not arrive, by the strategy's own clock."""
from datetime import UTC, datetime, timedelta

from flows.edges.holds import Holds
from flows.edges.outages import Clone, Sign, note
from flows.edges.store import open_store
from schemas.hold import Hold

NOON = datetime(2027, 7, 1, 12, 0, tzinfo=UTC)


def test_holds_and_outages_are_told_in_the_zone_of_the_strategy(content_folder, drumbeat, tmp_path):
    """As slots are; and the publisher that noted the outage may be on another machine."""
    folder, archive = content_folder(), f"dir:{tmp_path / 'archive'}"
    folder.write("strategy.yaml", "strategy: ours\nstart: 2026-01-01\ntimezone: Europe/Dublin\n")
    folder.post("hello", "Hello!", at=NOON + timedelta(days=1))
    folder.commit()
    store = open_store(archive)
    Holds(store).add(Hold(number=0, kind="hold", scope="all", by="Wren", reason="the shop burns", at=NOON))
    note(store, Sign(Clone("pub-1", "pub-1", "main"), NOON, NOON + timedelta(minutes=15), "No route.", "Look.", ""))
    words = ("status", "--archive", archive, "--now", "2027-07-01 13:00")

    said, made = drumbeat(*words, cwd=folder.home), drumbeat(*words, "--json", cwd=folder.home).json

    assert said.err.splitlines()[:3] == [
        "pub-1 gets nothing of what is pushed to main since Thu 2027-07-01 13:00 (Europe/Dublin): No route.",
        "  remedy: Look.",
        "Wren holds everything since Thu 2027-07-01 13:00 (Europe/Dublin): the shop burns. "
        "'drumbeat resume --all --by NAME' lets it go on"]
    assert made["unreachable"] == {
        "branch": "main", "since": "2027-07-01T12:00:00Z", "at": "2027-07-01T12:15:00Z", "why": "No route.",
        "remedy": "Look.", "machines": ["pub-1"], "behind": []}
    assert made["reachable"] is None
