"""What no file of the content says: credentials that end before a post, months that cost more than they may."""
from datetime import UTC, datetime
from pathlib import Path

import pytest

from flows.check import check
from flows.edges.credentials import save
from flows.edges.settings import Settings
from flows.edges.store import open_store
from flows.edges.tokens import Tokens
from flows.foresee import foresee

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
CHANNELS = """channels:
  - {id: work, network: linkedin, handle: company/mill, connection: WORK, slots: []}
  - {id: x, network: x, handle: "@mill", connection: X, monthly_budget: 1.0}
"""


@pytest.fixture
def home(tmp_path) -> Path:
    folder = tmp_path / "content"
    (folder / "posts").mkdir(parents=True)
    (folder / "networks").mkdir()
    (folder / "networks/channels.yaml").write_text(CHANNELS)
    (folder / "strategy.yaml").write_text("strategy: mill\nstart: 2026-10-01\ntimezone: Europe/Dublin\n")
    return tmp_path


def post(home: Path, name: str, day: str, channel: str, text: str = "A kettle.") -> None:
    (home / f"content/posts/{name}.md").write_text(f"---\nat: {day} 12:30\nchannels: [{channel}]\n---\n{text}\n")


def told(home: Path, **environment: str) -> list[str]:
    settings = Settings(home / "content", home, credentials=home / "secrets.toml" if (home / "secrets.toml").exists()
                        else None)
    done = check(settings.content, now=NOW)
    assert [p.message for p in done.problems if p.severity == "error"] == []
    return [f"{p.code} {p.place.line}: {p.message} {p.remedy}" for p in foresee(done, settings, NOW, environment)]


def test_a_credential_that_ends_before_a_post_is_told(home):
    """With the channel, the day, how many posts, the first of them, and what to do."""
    post(home, "one", "2026-12-01", "work")
    post(home, "two", "2027-01-14", "work")
    post(home, "three", "2027-01-21", "work")
    save(home / "secrets.toml", "WORK", {"access_token": "a", "expires_at": "2027-01-10T09:00:00Z"})

    assert told(home) == [
        "CON001 2: The credential of work ends on 10 January 2027 09:00, and 2 posts are planned after it, the first "
        "on 14 January 2027 12:30: posts/two. Run 'drumbeat connect linkedin --channel work' before that."]


@pytest.mark.parametrize("more", [{}, {"expires_at": "2027-02-01T00:00:00Z"}, {"expires_at": "soon"},
                                  {"expires_at": "2026-12-24T00:00:00Z", "refresh_token": "r"}])
def test_what_lives_long_enough_is_not(home, more):
    """Without an end, with a later one, with one that nobody can read, or where it renews itself: nothing to say."""
    post(home, "two", "2027-01-14", "work")
    save(home / "secrets.toml", "WORK", {"access_token": "a", **more})

    assert told(home) == []


def test_variables_and_renewals_count(home):
    """A variable names the end too; what was renewed since has its own."""
    post(home, "two", "2027-01-14", "work")
    ends = {"DRUMBEAT_WORK_ACCESS_TOKEN": "a", "DRUMBEAT_WORK_EXPIRES_AT": "2026-12-24T00:00:00Z"}
    assert [line[:6] for line in told(home, **ends)] == ["CON001"]

    from flows.edges.credentials import given
    channel = check(home / "content", now=NOW).content.channels.channels[0]
    configured = given(channel, ("access_token", "expires_at"), None, ends)
    tokens = Tokens(home, open_store(f"dir:{home}/archive"), lambda _: None)
    tokens.renew("WORK", configured, configured, lambda _: {"access_token": "b", "expires_at": "2027-06-01T00:00:00Z"})
    assert told(home, **ends) == []


def test_a_month_beyond_its_budget_is_told(home):
    """Each month by itself, in the local calendar, with what it costs by the network's prices."""
    for day in range(1, 8):
        post(home, f"linked-{day}", f"2026-12-{day:02}", "x", f"See https://example.org/{day}")
    post(home, "plain", "2027-01-02", "x")

    (line,) = told(home)
    assert line.startswith("CON002 3: 7 posts cost 1.40 USD on x in 2026-12; the budget is 1 USD.")
