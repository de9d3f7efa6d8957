"""connect: a person sets an account up, at a terminal, by lines, or in a browser; what does not work is not kept."""
import json
import os
import pty
import re
import stat
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

DRUMBEAT = str(Path(sys.executable).with_name("drumbeat"))
GOOD = "base_url=https://tools.social.example\naccess_token=rehearsal:@mill\n"
KEPT = ".drumbeat/rehearsal/credentials.toml"


def test_lines_are_tried_and_kept(drumbeat, networks, sample):
    """Credentials that work are kept under the channel's connection, for their owner only and out of Git's sight."""
    done = drumbeat("connect", "mastodon", "--stdin", "--rehearse-at", networks.url, cwd=sample, stdin=GOOD)

    assert done.code == 0, done.err
    assert re.match(r"mastodon: @mill@\S+ \(\d+\)\n  may: read:accounts, ", done.out)
    file = sample / KEPT
    assert file.read_text() == ('[MASTODON_MILLRACE]\nbase_url = "https://tools.social.example"\n'
                                'access_token = "rehearsal:@mill"\n')
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    said = subprocess.run(["git", "status", "--porcelain"], cwd=sample, capture_output=True, text=True, check=True)
    assert said.stdout == ""

    assert not (sample / ".drumbeat/credentials.toml").exists()   # a rehearsal touches nothing that is real
    again = drumbeat("connect", "mastodon", "--test", "--json", "--rehearse-at", networks.url, cwd=sample)
    assert (again.code, again.json["channel"], again.json["connection"]) == (0, "mastodon", "MASTODON_MILLRACE")


@pytest.mark.parametrize(("lines", "code", "said"), [
    ("base_url=https://m.example\naccess_token=expired\n", 3, "mastodon refuses these credentials: "),
    ("base_url=https://m.example\n", 3, "mastodon has no access_token."),
    ("acess_token=x\n", 2, "Line 1 names no field of mastodon."),
    ("", 3, "mastodon has no access_token, base_url."),
])
def test_what_does_not_work_is_not_kept(drumbeat, networks, sample, lines, code, said):
    """Refused, incomplete or misspelt: said with a remedy, and what was kept before stays."""
    drumbeat("connect", "mastodon", "--stdin", "--rehearse-at", networks.url, cwd=sample, stdin=GOOD)
    before = (sample / KEPT).read_bytes()

    done = drumbeat("connect", "mastodon", "--stdin", "--rehearse-at", networks.url, cwd=sample, stdin=lines)

    assert (done.code, done.out) == (code, "")
    assert f"error: {said}" in done.err
    assert "remedy: " in done.err
    assert (sample / KEPT).read_bytes() == before


def test_what_else_stands_in_the_file_stays(drumbeat, networks, sample):
    """Comments and other connections are untouched; the connection's own lines are replaced."""
    file = sample / KEPT
    file.parent.mkdir(parents=True)
    file.write_text('# ours\n[X_MILLRACE]\nconsumer_key = "k"  # app\n\n[MASTODON_MILLRACE]\naccess_token = "old"\n'
                    '[LAST]\na = "b"\n')
    file.chmod(0o600)

    done = drumbeat("connect", "mastodon", "--stdin", "--rehearse-at", networks.url, cwd=sample, stdin=GOOD)

    assert done.code == 0, done.err
    assert file.read_text() == (
        '# ours\n[X_MILLRACE]\nconsumer_key = "k"  # app\n\n[LAST]\na = "b"\n\n[MASTODON_MILLRACE]\n'
        'base_url = "https://tools.social.example"\naccess_token = "rehearsal:@mill"\n')


def test_nobody_to_ask_is_said(drumbeat, sample):
    """Without a terminal and without --stdin it waits for nobody."""
    done = drumbeat("connect", "mastodon", cwd=sample, stdin="")

    assert (done.code, done.out) == (2, "")
    assert "There is nobody to ask" in done.err


def test_an_unknown_network_and_channel_are_told(drumbeat, sample):
    """A slip of the name is answered with the names there are."""
    assert "There is no network 'mastodo'." in drumbeat("connect", "mastodo", "--test", cwd=sample).err
    done = drumbeat("connect", "mastodon", "--channel", "other", "--test", cwd=sample)
    assert "There are: mastodon." in done.err


class Terminal:
    """A person at a terminal: reads what is asked, types answers."""

    def __init__(self, *words: str, cwd: Path) -> None:
        self.ours, theirs = pty.openpty()
        env = {k: v for k, v in os.environ.items() if not k.startswith("DRUMBEAT_")} | {"BROWSER": "true"}
        self.process = subprocess.Popen([DRUMBEAT, *words], cwd=cwd, env=env, stdin=theirs, stdout=theirs,
                                        stderr=theirs, close_fds=True)
        os.close(theirs)
        self.seen = ""

    def answer(self, question: str, words: str) -> str:
        """Waits for the question, types `words`; what was shown until then."""
        while not re.search(question, self.seen):
            try:
                more = os.read(self.ours, 65536).decode()
            except OSError:
                more = ""
            assert more, self.seen
            self.seen += more
        shown, self.seen = self.seen, ""
        os.write(self.ours, f"{words}\n".encode())
        return shown

    def rest(self) -> str:
        while True:
            try:
                more = os.read(self.ours, 65536).decode()
            except OSError:                                       # Linux: the other end is closed
                break
            self.seen += more
        self.process.wait(60)
        os.close(self.ours)
        return self.seen


def test_a_person_types_and_secrets_are_not_shown(networks, sample):
    """The set-up is explained first; an address is shown as it is typed, a token is not."""
    person = Terminal("connect", "mastodon", "--rehearse-at", networks.url, cwd=sample)
    shown = person.answer(r"Connect in a browser\?", "n")
    asked = person.answer(r"access_token \(.*\)", "rehearsal:@mill")
    typed = person.answer(r"base_url \(.*\)", "https://tools.social.example")
    person.answer(r"client_id \(.*\)", "")
    person.answer(r"client_secret \(.*\)", "")
    rest = person.rest()

    assert person.process.returncode == 0, rest
    assert "Development" in shown
    assert "rehearsal:@mill" not in asked + typed
    assert "@mill@" in rest
    assert "access_token" in (sample / KEPT).read_text()


def test_a_browser_brings_the_answer_back(networks, sample, free_port):
    """The person opens a page and says yes; the browser comes back to this machine with a code that buys the token."""
    port = free_port()
    person = Terminal("connect", "mastodon", "--rehearse-at", networks.url, "--port", str(port), cwd=sample)
    person.answer(r"Connect in a browser\?", "y")
    for field in ("base_url", "client_id", "client_secret"):
        shown = person.answer(rf"{field} \(", {"base_url": networks.address("mastodon")}.get(field, "rehearsal:@mill"))
    while "Waiting for the browser" not in person.seen:
        person.seen += os.read(person.ours, 65536).decode()
    page = re.search(r"http://\S+authorize\S+", shown + person.seen)
    assert page, person.seen

    def browse() -> None:
        answer = httpx.get(page[0])
        while answer.has_redirect_location:
            answer = httpx.get(answer.headers["location"])
        assert "close this page" in answer.text

    browser = threading.Thread(target=browse)
    browser.start()
    rest = person.rest()
    browser.join()

    assert person.process.returncode == 0, rest
    assert "access_token" in (sample / KEPT).read_text()
    assert "access_token" not in json.dumps(rest.replace("access_token (", ""))
