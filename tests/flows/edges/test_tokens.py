"""Credentials that die young: renewed once, by one of many, kept for their owner only, never replaced by nothing."""
import json
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from flows.edges.store import open_store
from flows.edges.tokens import Tokens, expiry, is_due
from schemas.errors import SettingsError, Unauthorized, Unavailable

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def fields(**said: str) -> dict[str, SecretStr]:
    return {name: SecretStr(value) for name, value in said.items()}


def open_(secrets) -> dict[str, str]:
    return {name: value.get_secret_value() for name, value in secrets.items()}


class Rotating:
    """A network whose refresh token is good for one exchange: a second use of it revokes everything."""

    def __init__(self) -> None:
        self.good, self.exchanges, self.lock = "r0", 0, threading.Lock()

    def refresh(self, given) -> dict[str, str]:
        with self.lock:
            if given["refresh_token"].get_secret_value() != self.good:
                raise Unauthorized("invalid_grant")
            self.exchanges += 1
            self.good = f"r{self.exchanges}"
            return {"access_token": f"a{self.exchanges}", "refresh_token": self.good,
                    "expires_at": (NOON + timedelta(hours=2)).isoformat()}


@pytest.fixture
def tokens(tmp_path):
    return Tokens(tmp_path, open_store(f"dir:{tmp_path}/archive"), threading.Event().wait)


GIVEN = fields(client_id="us", refresh_token="r0")


def test_ten_workers_renew_once(tmp_path):
    """Ten workers with the same dead credential: one exchange, no refusal, all have the new one (threats D6)."""
    network = Rotating()
    start = threading.Barrier(10)

    def worker(_: int) -> dict[str, str]:
        mine = Tokens(tmp_path, open_store(f"dir:{tmp_path}/archive"), threading.Event().wait)
        start.wait()
        return open_(mine.renew("US", GIVEN, GIVEN, network.refresh))

    with ThreadPoolExecutor(10) as pool:
        got = list(pool.map(worker, range(10)))

    assert network.exchanges == 1
    assert {one["access_token"] for one in got} == {"a1"}
    assert {one["client_id"] for one in got} == {"us"}


def test_it_is_renewed_again_and_again(tokens):
    """Each renewal goes from what the last one gave; whoever holds an older one gets the newest without asking."""
    network = Rotating()
    first = tokens.renew("US", GIVEN, GIVEN, network.refresh)
    second = tokens.renew("US", GIVEN, first, network.refresh)

    assert open_(second)["access_token"] == "a2"
    assert open_(tokens.renew("US", GIVEN, first, network.refresh)) == open_(second)
    assert network.exchanges == 2
    assert open_(tokens.current("US", GIVEN)) == open_(second)


def test_what_a_person_configures_wins(tokens):
    """New credentials set by hand are used at once: what older ones were renewed to is forgotten."""
    tokens.renew("US", GIVEN, GIVEN, Rotating().refresh)
    fresh = fields(client_id="us", refresh_token="by hand")

    assert open_(tokens.current("US", fresh)) == open_(fresh)


@pytest.mark.parametrize("answer", [{}, {"access_token": ""}, {"access_token": "a", "refresh_token": " "}])
def test_nothing_replaces_a_secret_by_nothing(tokens, answer):
    """A network that answers with empty fields leaves the old ones in place, and says so; the next try is free."""
    with pytest.raises(Unavailable, match="renewed the credential to nothing"):
        tokens.renew("US", GIVEN, GIVEN, lambda _: answer)

    assert open_(tokens.current("US", GIVEN)) == open_(GIVEN)
    assert open_(tokens.renew("US", GIVEN, GIVEN, Rotating().refresh))["access_token"] == "a1"


def test_a_refusal_is_told_and_frees_the_lease(tokens):
    """What the network refuses is raised, and nobody waits for two minutes after it."""
    spent = fields(refresh_token="spent")
    with pytest.raises(Unauthorized, match="invalid_grant"):
        tokens.renew("US", spent, spent, Rotating().refresh)

    assert open_(tokens.renew("US", GIVEN, GIVEN, Rotating().refresh))["access_token"] == "a1"


def test_only_its_owner_can_read_it(tokens, tmp_path):
    """The file is 0600 in a folder 0700; one that others can read is refused; the archive holds no byte of a secret."""
    made = tokens.renew("US", GIVEN, GIVEN, Rotating().refresh)
    (file,) = (tmp_path / ".drumbeat/tokens").iterdir()

    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    archive = [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]
    kept = b"".join(path.read_bytes() + path.name.encode() for path in archive)
    assert not any(value.encode() in kept for value in open_(made).values() if value != "us")

    file.chmod(0o644)
    with pytest.raises(SettingsError, match="can be read by others"):
        tokens.current("US", GIVEN)


def test_a_torn_file_is_named(tokens, tmp_path):
    """A file that cannot be read stops the connection with what to do: to renew with a spent token would revoke it."""
    tokens.renew("US", GIVEN, GIVEN, Rotating().refresh)
    (file,) = (tmp_path / ".drumbeat/tokens").iterdir()
    file.write_text(file.read_text()[:20])

    with pytest.raises(SettingsError, match="cannot be read"):
        tokens.current("US", GIVEN)


DIES = """
import os, sys, threading
from pathlib import Path
from pydantic import SecretStr
from flows.edges.store import open_store
from flows.edges.tokens import Tokens
home = Path(sys.argv[1])
given = {"client_id": SecretStr("us"), "refresh_token": SecretStr("r0")}
Tokens(home, open_store(f"dir:{home}/archive"), threading.Event().wait).renew("US", given, given, lambda _: os._exit(9))
"""


def test_the_lease_of_a_dead_worker_ends(tmp_path):
    """A worker that died while it renewed keeps others from it for its lease, not for ever."""
    died = subprocess.run([sys.executable, "-c", DIES, str(tmp_path)], check=False)
    assert died.returncode == 9
    (lease,) = (tmp_path / "archive").rglob("000001.json")
    waits: list[float] = []

    def wait(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:                                       # two minutes go by
            before = lease.stat().st_mtime - 200
            os.utime(lease, (before, before))

    tokens = Tokens(tmp_path, open_store(f"dir:{tmp_path}/archive"), wait)
    assert open_(tokens.renew("US", GIVEN, GIVEN, Rotating().refresh))["access_token"] == "a1"
    assert len(waits) == 3


def test_a_full_disk_loses_nothing_silently(tokens, tmp_path):
    """When the new credential cannot be kept, that is said with its place."""
    (tmp_path / ".drumbeat").mkdir()
    (tmp_path / ".drumbeat/tokens").write_text("in the way")

    with pytest.raises(SettingsError, match="cannot be"):
        tokens.renew("US", GIVEN, GIVEN, Rotating().refresh)


@pytest.mark.parametrize(("said", "due"), [
    ({}, True), ({"access_token": "a"}, False),
    ({"access_token": "a", "expires_at": "2026-11-22T12:04:59+00:00"}, True),
    ({"access_token": "a", "expires_at": "2026-11-22T12:05:00Z"}, True),
    ({"access_token": "a", "expires_at": "2026-11-22T12:05:01Z"}, False),
    ({"access_token": "a", "expires_at": "2026-11-22T12:05:01"}, False),
    ({"access_token": "a", "expires_at": "soon"}, False),
])
def test_when_it_wants_renewing(said, due):
    """Five minutes ahead of its end, or when there is none yet; never when nobody knows its end."""
    assert is_due(fields(**said), 300.0, NOON) is due


def test_the_file_is_plain(tokens, tmp_path):
    """What is kept: the number of the lease, a hash of what was configured, and the new fields."""
    tokens.renew("US", GIVEN, GIVEN, Rotating().refresh)
    (file,) = (tmp_path / ".drumbeat/tokens").iterdir()
    kept = json.loads(Path(file).read_text())

    assert (file.name, kept["number"], sorted(kept["fields"])) == (
        "us.json", 1, ["access_token", "expires_at", "refresh_token"])
    assert expiry(tokens.current("US", GIVEN)) == NOON + timedelta(hours=2)
