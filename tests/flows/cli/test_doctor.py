"""doctor: the whole command, as somebody runs it at night. One look says what has to be put right."""
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flows.cli.doctoring import lines, summary
from flows.edges.prefect_health import ask
from flows.edges.trials import recorded
from publishers.rehearsal._twin import Rehearsal
from schemas.finding import Finding

TOKEN = "".join(("s3cret", "-", "Tok3n"))


def test_the_sample_is_well_offline(drumbeat: Callable[..., Any], sample: Path) -> None:
    """The example of its help text: nothing is set up here, nobody is called, nothing has to be put right, and nothing
    is left behind."""
    done = drumbeat("doctor", "--offline", cwd=sample)

    assert done.code == 0, done.out
    assert re.search(r"^skipped: channels: no credentials are set here for any of 6: ", done.out, re.MULTILINE)
    assert re.search(r"^ok +posts +\d+ posts to come, the next ", done.out, re.MULTILINE)
    assert done.err.endswith("3 not looked at.\n")
    assert not (sample / ".drumbeat/archive").exists()
    assert recorded(sample) == {}


def test_without_credentials_each_account_is_told(drumbeat: Callable[..., Any], sample: Path) -> None:
    """What is wrong comes first, each with its fix; the exit code says that something has to be put right."""
    done = drumbeat("doctor", cwd=sample, env={"DRUMBEAT_CRM_URL": "http://127.0.0.1:9/"})

    first = done.out.splitlines()[:2]
    assert done.code == 3
    assert first == ["error: channel mastodon: DRUMBEAT_MASTODON_MILLRACE_ACCESS_TOKEN, "
                     "DRUMBEAT_MASTODON_MILLRACE_BASE_URL are not set.",
                     "  fix: Run 'drumbeat connect mastodon --channel mastodon'."]
    errors = [line for line in done.out.splitlines() if line.startswith("error: ")]
    assert [line.split(": ")[1] for line in errors] == [
        *(f"channel {one}" for one in ("mastodon", "bluesky", "linkedin", "instagram", "x", "facebook")), "CRM"]
    assert done.err == "7 errors.\n"


def test_json_says_the_same(drumbeat: Callable[..., Any], sample: Path) -> None:
    """One object; a finding has the words, and what to do or null."""
    done = drumbeat("doctor", "--json", cwd=sample)

    assert done.code == 3
    assert set(done.json) == {"ok", "findings"}
    assert done.json["ok"] is False
    for one in done.json["findings"]:
        assert set(one) == {"check", "state", "what", "remedy"}
        assert one["state"] in ("error", "warning", "advice", "skipped", "ok")
        assert one["state"] != "error" or one["remedy"]
    assert drumbeat("doctor", "--offline", "--json", cwd=sample).json["ok"] is True


def test_rehearsal_networks_are_asked_without_accounts(
        drumbeat: Callable[..., Any], sample: Path, networks: Rehearsal) -> None:
    """All six answer as their accounts; nothing counts as a test of the real ones."""
    done = drumbeat("doctor", "--rehearse-at", networks.url, cwd=sample)

    assert done.code == 0, done.out
    assert len(re.findall(r"^ok +channel ", done.out, re.MULTILINE)) == 6
    assert recorded(sample) == {}

    networks.twin("mastodon").scopes = ("read", "write")          # type: ignore[attr-defined]
    assert "warning: channel mastodon: The application may do more than posting needs (read, write)." in drumbeat(
        "doctor", "--rehearse-at", networks.url, cwd=sample).out


@pytest.mark.parametrize("words", [("--rehearse-at", "https://social.example"), ("--rehearse-at", "nonsense"),
                                   ("--rehearse-at", "http://127.0.0.1:9", "--offline")])
def test_a_rehearsal_stays_on_this_computer(words: tuple[str, ...], drumbeat: Callable[..., Any], sample: Path) -> None:
    """Another address, and two words that exclude each other, are refused."""
    done = drumbeat("doctor", *words, cwd=sample)
    assert (done.code, done.out) == (2, "")


def test_credentials_that_others_can_read_are_an_error_and_never_shown(
        drumbeat: Callable[..., Any], sample: Path) -> None:
    """Also offline: it is looked at where it lies. The accounts say only that they wait for it."""
    file = sample / ".drumbeat/credentials.toml"
    file.parent.mkdir()
    file.write_text(f'[MASTODON_MILLRACE]\naccess_token = "{TOKEN}"\nbase_url = "https://m.example"\n')
    file.chmod(0o644)

    done = drumbeat("doctor", "--offline", cwd=sample)

    assert done.code == 3
    assert f"error: credentials: {file} can be read by others.\n  fix: Run 'chmod 600 {file}'." in done.out
    assert done.out.count("can be read by others") == 1
    assert TOKEN not in done.out + done.err

    file.chmod(0o600)
    assert drumbeat("doctor", "--offline", cwd=sample).code == 3   # the other five have none
    assert TOKEN not in drumbeat("doctor", "--json", cwd=sample).out


def test_it_starts_without_prefect(sample: Path, networks: Rehearsal) -> None:
    """Whatever it looks at, no module of Prefect is imported."""
    script = ("import sys\nfrom flows.cli.doctoring import doctor_command\n"
              f"doctor_command.main(['--rehearse-at', {networks.url!r}, '--json'], standalone_mode=False)\n"
              "print([name for name in sys.modules if name.partition('.')[0] == 'prefect'], file=sys.stderr)")
    done = subprocess.run([sys.executable, "-c", script], cwd=sample, capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_the_worst_comes_first() -> None:
    """Errors, warnings and advice with what to do, then what was not looked at, then what is well; and how many."""
    findings = [Finding("ok", "fine", None, "disk"), Finding("warning", "odd", "look", "git"),
                Finding("skipped", "not called", None, "CRM"), Finding("error", "broken", "mend", "archive"),
                Finding("advice", "could be", "do", "plan")]

    assert list(lines(findings)) == [
        "error: archive: broken", "  fix: mend", "warning: git: odd", "  fix: look", "advice: plan: could be",
        "  fix: do", "skipped: CRM: not called", "ok  disk  fine"]
    assert summary(findings) == "1 error, 1 warning, 1 advice; 1 not looked at."
    assert summary(findings[:1]) == "Nothing is wrong."
    assert summary([findings[0], findings[2]]) == "Nothing wrong was seen; 1 not looked at."


@pytest.mark.slow
def test_a_real_prefect_server_is_recognised(
        drumbeat: Callable[..., Any], sample: Path, prefect_server: Any, networks: Rehearsal) -> None:
    """It answers, and its version is the one that is installed here."""
    address, deadline = prefect_server.environment["PREFECT_API_URL"], time.monotonic() + 120
    while ask(f"{address}/health", {}).status != 200:             # a fresh one needs a while
        assert time.monotonic() < deadline
        threading.Event().wait(0.2)

    done = drumbeat("doctor", "--rehearse-at", networks.url, cwd=sample, env={"PREFECT_API_URL": address})

    assert done.code == 0, done.out

    assert re.search(r"^ok +Prefect +3\.\S+ answers at http://127\.0\.0\.1:\d+/api$", done.out, re.MULTILINE), done.out
