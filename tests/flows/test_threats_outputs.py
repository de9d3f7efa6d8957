"""What is shown and what is installed, row by row: F1, F3 to F5 and F7 to F9.

F2 is the comment of `review` and F4 the feed's text, which `planning/test_feeding.py` has; F6 is no output of today.
"""
import base64
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import tomllib
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from flows.cli import _COMMANDS
from flows.edges.clock import RealClock
from publishers.rehearsal import twins

PROJECT = Path(__file__).parents[2]
DRUMBEAT = str(Path(sys.executable).with_name("drumbeat"))
NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
NOW = ("--now", "2027-03-01 12:00")
EVIL = "x\x1b]0;owned\x07\nerror: FORGED\r\x9b31m\u202e\x7f<!--@team-->"
WRITTEN = '"x\\e]0;owned\\a\\nerror: FORGED\\r\\x9b31m\\u202e\\x7f<!--@team-->"'
"""The same in double quotes, as YAML has it."""
STEERING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")

# Runs every command line of a JSON list in turn, each as `drumbeat` would; prints what came of each.
EACH = """
import contextlib, io, json, sys, traceback
from flows.cli import main
told = []
for words in json.load(sys.stdin):
    sys.argv, code = ["drumbeat", *words], 0
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="", write_through=True) for _ in range(2))
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main()
        except SystemExit as end:
            code = end.code
        except Exception:
            traceback.print_exc()
    told.append([words, code, *(one.buffer.getvalue().decode() for one in (out, err))])
json.dump(told, sys.stdout)
"""


class Ran(NamedTuple):
    words: list[str]
    code: int
    out: str
    err: str


def run_each(home: Path, *lines: tuple[str, ...]) -> list[Ran]:
    """What each command line came to, in one process."""
    asked = json.dumps([list(words) for words in lines])
    done = subprocess.run([sys.executable, "-P", "-c", EACH], cwd=home, input=asked, capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return [Ran(*one) for one in json.loads(done.stdout)]


def sent(home: Path) -> list[str]:
    """The texts that the rehearsal's Mastodon got, as it kept them."""
    return [post.text for post in twins()["mastodon"](RealClock().now, home / ".drumbeat/rehearsal/networks").posts]


# --- F5 ---------------------------------------------------------------------------------------------------------------

def hostile(folder: Any) -> None:
    """Whatever a folder can say for people to read says something for their terminals too; one post is good."""
    folder.write("strategy.yaml", f"strategy: ours\nstart: 2026-01-01\ntimezone: UTC\ntitle: {WRITTEN}\n")
    folder.write("networks/channels.yaml", "stagger: 1m\nchannels:\n  - {id: good, network: mastodon, handle: g}\n"
                 f"  - {{id: bad, network: mastodon, handle: {WRITTEN}, connection: {WRITTEN}}}\n")
    folder.write("people/team.yaml", f"people:\n  - {{id: wren, name: {WRITTEN}, git: [{WRITTEN}]}}\n")
    folder.write("campaigns/spring/campaign.yaml",
                 f"campaign: spring\ntitle: {WRITTEN}\nwhy: {WRITTEN}\n{WRITTEN}: 1\n")
    folder.write("rules.yaml", f"severity: {{{WRITTEN}: off}}\nwaivers: [{{rule: TXT003, where: {WRITTEN}, "
                               f"until: 2028-01-01, by: wren, reason: {WRITTEN}}}]\n")
    folder.write("media/library.yaml", f"media:\n  - {{file: {WRITTEN}, alt: {WRITTEN}}}\n")
    folder.write("measures/2027.csv", f"date,channel,measure,value\n2027-01-01,{EVIL!r},\x1b[31m,=1\n")
    folder.post("good", "Good.", channels="good")
    folder.post("held", "Held.", channels="good", at=NOON + timedelta(hours=1), more=f"hold: {WRITTEN}\n")
    for name in ("title", "link", "campaign", "author", WRITTEN, "intent", "follows", "id", "disclosure", "warning",
                 "review"):
        folder.post(f"bad-{name[:4].strip('x')}".rstrip('"-\\'), "Bad.", channels="good", more=f"{name}: {WRITTEN}\n")
    for name in ("hashtags", "media"):
        folder.post(f"bad-{name}", "Bad.", channels="good", more=f"{name}: [{WRITTEN}]\n")
    folder.post("bad-options", "Bad.", channels="good", more=f"options: {{{WRITTEN}: {{a: b}}}}\n")
    folder.post("bad-text", f"Bad {EVIL}.", channels="good")
    folder.write("posts/bad-at.md", f"---\nat: {WRITTEN}\nchannels: [{WRITTEN}]\n---\nBad.\n")
    folder.write("posts/a\x1b]0;owned\x07\nerror: FORGED.md",
                 "---\nat: 2027-03-01 12:00\nchannels: [good]\n---\nBad.\n")
    folder.write("posts/torn.md", f"---\n{WRITTEN}: [\n---\nBad.\n")
    folder.commit()


GOOD = "posts/good@good#1"
LINES: dict[str, tuple[tuple[str, ...], ...]] = {
    "check": (("--advice",), ("--json",), ("--format", "github"), (EVIL,)),
    "plan": ((), ("--json",), ("--diff", EVIL)),
    "calendar": (("--ics", "-"),),
    "preview": ((), ("--json",), (EVIL,), ("--channel", EVIL)),
    "gates": ((), ("--json",), ("--campaign", EVIL)),
    "explain": (("posts/held",), (EVIL,), ("--json", "posts/good")),
    "publish": (("--once", "--rehearse"), ("--once", "--rehearse", "--slot", EVIL), ("--once", "--rehearse-at", EVIL)),
    "status": ((), ("--json",), ("--state", EVIL)),
    "why": ((GOOD,), ("posts/held@good#1",), ("posts/held@good#1", "--json"), (EVIL,)),
    "hold": (("--channel", "good", "--reason", EVIL, "--by", EVIL), ("--channel", EVIL, "--reason", "r", "--by", "b")),
    "resume": (("--channel", "good", "--by", EVIL, "--reason", EVIL), ("--campaign", EVIL, "--by", "b")),
    "reconcile": (("--rehearse",), ("--rehearse", "--slot", EVIL)),
    "resolve": ((GOOD, "--absent", "--by", EVIL), (GOOD, "--live", EVIL, "--by", EVIL),
                (EVIL, "--absent", "--by", "b")),
    "withdraw": ((GOOD, "--reason", EVIL, "--by", EVIL), (EVIL, "--reason", EVIL, "--by", EVIL)),
    "audit": ((), ("--json",)),
    "archive": (("ls", EVIL), ("verify", "--json"), ("ls",), (EVIL,)),
    "networks": ((EVIL,),),
    "connect": ((EVIL,), ("mastodon", "--channel", EVIL)),
    "sync": (("--json",), ()),
    "up": (("--archive", EVIL),),
    "rehearsal": (("--faults", EVIL), ("--port", EVIL)),
    "init": ((EVIL + "/x",),),
    "review": (("--base", "HEAD", "--annotate"), ("--base", EVIL)),
    "doctor": ((), ("--json",)),
    "new": (("post", EVIL), (EVIL,)),
}


OTHERWISE = ((f"--{EVIL}",),)
"""What a command is tried with that is not among them."""


def test_f5_no_command_lets_anybody_steer_a_terminal_or_forge_a_line(content_folder):
    """F5: titles, reasons, names, paths, arguments: escapes are written out in all that is printed for people, and no
    line break of theirs begins a line. The good post of the same commit goes out.
    """
    folder = content_folder()
    hostile(folder)

    ran = run_each(folder.home, (EVIL,), (f"--{EVIL}",), *(
        (command, *words, *(NOW if command in WITH_NOW else ()))
        for command in (*LINES, *(_COMMANDS.keys() - LINES)) for words in LINES.get(command, OTHERWISE)))

    printed = {" ".join(one.words).replace(EVIL, "EVIL"): (one.out + one.err).replace("\r\n", "\n") for one in ran
               if "--json" not in one.words}
    assert {words: text[-1000:] for words, text in printed.items() if "Traceback" in text} == {}
    assert {words: found for words, text in printed.items() if (found := STEERING.findall(text))} == {}
    assert [words for words, text in printed.items() if re.search("^error: FORGED", text, re.MULTILINE)] == []
    done = {one.words[0] for one in ran if one.code in (0, 1)}
    assert done >= {"check", "plan", "preview", "gates", "publish", "status", "why", "hold", "resume", "new"}
    assert sent(folder.home) == ["Good."]


WITH_NOW = frozenset(("check", "plan", "calendar", "preview", "gates", "explain", "publish", "status", "why"))


# --- F1 ---------------------------------------------------------------------------------------------------------------

class Page(HTMLParser):
    """What a browser would make of a page: its elements, with their attributes, and its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data


def test_f1_nothing_of_a_post_is_markup_in_the_preview(content_folder, picture):
    """F1: titles, texts, alt texts, links and reasons are words on the page: no element, attribute, address or script
    of theirs; the page forbids whatever would run or be fetched. The good post goes out.
    """
    evil = '"><img src=x onerror=alert(1)><script>alert(1)</script><a href=javascript:alert(1)>'
    folder = content_folder()
    folder.write("media/a.png", picture(1))
    folder.post("good", "Good.")
    folder.post("title", "Hello &lt;b&gt; https://x.example",
                more=f"title: '{evil}'\nwarning: '{evil}'\nhold: '{evil}'\n")
    folder.post("alt", "Hello.", more=f"media: [{{file: a.png, alt: '{evil}'}}]\n")
    folder.post("link", "Hello.", more=f"link: 'javascript:alert(1)//{evil}'\n")
    folder.post("text", evil)
    folder.post("poll", "Which?", more=f"poll: {{options: ['{evil}', b], closes: 1d}}\n")
    folder.commit()

    made, *_ = run_each(folder.home, ("preview", "--html", "page.html", *NOW),
                        ("publish", "--once", "--rehearse", *NOW))
    text = (folder.home / "page.html").read_text()
    page = Page(text)

    assert made.code in (0, 1)
    assert {tag for tag, _ in page.elements} <= {
        "html", "head", "meta", "title", "style", "body", "main", "header", "h1", "p", "article", "h2", "h3", "div",
        "span", "figure", "img", "figcaption", "strong", "ul", "li"}
    assert [attributes for _, attributes in page.elements for name in attributes
            if name.startswith("on") or name in ("href", "action", "formaction", "style", "srcset")] == []
    assert {attributes["src"].partition(",")[0] for tag, attributes in page.elements if tag == "img"} == {
        "data:image/png;base64"}
    assert "default-src 'none'; img-src data:; style-src 'unsafe-inline'" in text
    assert page.words.count("<script>alert(1)</script>") >= 4
    assert sorted(sent(folder.home)) == ["Good.", "Hello."]       # what a picture shows may be told in any words


# --- F7 ---------------------------------------------------------------------------------------------------------------

LOCKS = sorted(file.relative_to(PROJECT) for folder in (PROJECT, PROJECT / "infra") for file in folder.glob("*.lock"))
ENTRY = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[0-9][0-9a-z.+!-]*)(?: ; [^\n\\]+)?"
                   r"(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n")


@pytest.mark.parametrize("lock", LOCKS, ids=str)
def test_f7_every_line_of_a_lock_is_pinned_by_hash_and_names_no_host(lock):
    """F7: a lock holds names, versions and hashes, and nothing else: no host, no path, no option."""
    text = (PROJECT / lock).read_text()
    entries = list(ENTRY.finditer(text))

    rest = [line for line in ENTRY.sub("", text).splitlines() if line.strip() and not line.strip().startswith("#")]
    assert rest == []
    assert len(entries) >= 1
    assert not re.search(r"://|@|--(?!hash=)|-[ef] ", text)


def test_f7_the_lock_holds_all_that_is_asked_for():
    """F7: whatever pyproject.toml asks for is locked."""
    asked = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["dependencies"]
    locked = {entry["name"] for entry in ENTRY.finditer((PROJECT / "requirements.lock").read_text())}

    assert {re.split(r"[\[<>=!~; ]", line)[0].lower().replace("_", "-") for line in asked} - locked == set()


def a_wheel(folder: Path, body: bytes = b"VALUE = 1\n") -> Path:
    """A package of one module, as an index would hand it out."""
    about = "tiny_thing-1.0.dist-info"
    files = {"tiny_thing.py": body, f"{about}/METADATA": b"Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n",
             f"{about}/WHEEL": b"Wheel-Version: 1.0\nGenerator: us\nRoot-Is-Purelib: true\nTag: py3-none-any\n"}
    record = "".join(f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip('=')},"
                     f"{len(data)}\n" for name, data in files.items()) + f"{about}/RECORD,,\n"
    wheel = folder / "tiny_thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, data in {**files, f"{about}/RECORD": record.encode()}.items():
            archive.writestr(name, data)
    return wheel


@pytest.mark.parametrize("changed", ["nothing", "hash", "package"])
def test_f7_one_changed_hash_or_package_installs_nothing(tmp_path, changed):
    """F7: from a lock of our form pip installs what was locked; with a hash or a package that is another, nothing."""
    digest = hashlib.sha256(a_wheel(tmp_path).read_bytes()).hexdigest()
    if changed == "hash":
        digest = digest[:-1] + ("0" if digest[-1] != "0" else "1")
    if changed == "package":
        a_wheel(tmp_path, b"VALUE = 2\n")
    lock = f"tiny-thing==1.0 \\\n    --hash=sha256:{digest}\n"
    assert ENTRY.fullmatch(lock)
    (tmp_path / "our.lock").write_text(lock)

    done = subprocess.run(
        [sys.executable, "-m", "pip", "--isolated", "install", "--require-hashes", "--no-index", "--no-input",
         "--find-links", str(tmp_path), "--target", str(tmp_path / "there"), "--disable-pip-version-check",
         "--no-cache-dir", "-r", "our.lock"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode == 0) == (changed == "nothing"), done.stderr
    assert (tmp_path / "there/tiny_thing.py").exists() == (changed == "nothing")
    assert changed == "nothing" or "DO NOT MATCH THE HASHES" in done.stderr


# --- F8, F9 -----------------------------------------------------------------------------------------------------------

def test_f8_an_adapter_that_is_not_ours_is_not_loaded(content_folder, tmp_path):
    """F8: a network is a name of our own list. What looks like a module, a path, or lies in the way is an unknown
    network, and runs nothing; the good post goes out.
    """
    folder, proof = content_folder(), tmp_path / "ran"
    names = ("evil", "os", "publishers.evil", "../../evil", "base", "_http", "rehearsal", "rehearsal.x_twin",
             "__init__", "evil:PUBLISHER", "X", "mastodon.", "content/evil")
    for place in ("evil.py", "publishers/evil.py", "publishers/__init__.py", "content/evil.py",
                  "content/publishers/evil.py"):
        (folder.home / place).parent.mkdir(parents=True, exist_ok=True)
        (folder.home / place).write_text(f"open({str(proof)!r}, 'a').write(__file__)\nPUBLISHER = object\n")
    lines = "".join(f"  - {{id: bad-{number}, network: '{name}', handle: b}}\n" for number, name in enumerate(names))
    folder.write("networks/channels.yaml",
                 f"stagger: 1m\nchannels:\n  - {{id: good, network: mastodon, handle: g}}\n{lines}")
    folder.post("good", "Good.", channels="good")
    folder.post("bad", "Bad.", channels=", ".join(f"bad-{number}" for number in range(len(names))))
    folder.git("add", "--all")
    folder.commit()

    check, published = run_each(folder.home, ("check", "--json", *NOW), ("publish", "--once", "--rehearse", *NOW))
    other = subprocess.run([DRUMBEAT, "preview", *NOW], cwd=folder.path, capture_output=True, text=True, check=False)

    told = [(p["line"], p["message"]) for p in json.loads(check.out)["problems"] if p["code"] == "SUP001"]
    assert told == [(number + 4, f"{name} is not supported yet: posts for bad-{number} wait.")
                    for number, name in enumerate(names)]
    assert "Traceback" not in check.err + published.err + other.stderr
    assert not proof.exists()
    assert sent(folder.home) == ["Good."]


EVIL_FILES = ("sitecustomize.py", "usercustomize.py", "conftest.py", "drumbeat.py", "json.py", "logging.py", "yaml.py",
              "click.py", "prefect.py", "flows/__init__.py", "flows/cli/__init__.py", "schemas/__init__.py",
              "publishers/__init__.py", "publishers/mastodon.py", "pydantic/__init__.py", "encodings/__init__.py")


def plant(place: Path, proof: Path, port: int) -> None:
    """Whatever some program would read or run because it lies where it was started."""
    for name in EVIL_FILES:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(f"open({str(proof)!r}, 'a').write(__file__)\n")
    away = f"http://127.0.0.1:{port}/api"
    (place / ".env").write_text(
        f"DRUMBEAT_ARCHIVE=dir:{proof}-archive\nDRUMBEAT_MASTODON_ACCESS_TOKEN=stolen\nPREFECT_API_URL={away}\n"
        f"PREFECT_HOME={proof}-home\nPREFECT_LOGGING_SETTINGS_PATH={place}/logging.yml\nHTTPS_PROXY={away}\n"
        f"PREFECT_SERVER_DATABASE_CONNECTION_URL=sqlite+aiosqlite:///{proof}-db\n")
    (place / "logging.yml").write_text(
        f"version: 1\nformatters:\n  x:\n    (): subprocess.check_call\n    args: [touch, {proof}]\n")
    settings = (f'home = "{proof}-home"\n[{{0}}api]\nurl = "{away}"\n'
                f'[{{0}}logging]\nconfig_path = "{place}/logging.yml"\n'
                f'[{{0}}server.database]\nconnection_url = "sqlite+aiosqlite:///{proof}-db"\n')
    (place / "prefect.toml").write_text(settings.format(""))
    (place / "pyproject.toml").write_text("[tool.prefect]\n" + settings.format("tool.prefect."))
    (place / "profiles.toml").write_text(f'active = "x"\n[profiles.x]\nPREFECT_API_URL = "{away}"\n')


@pytest.fixture
def trap() -> Iterator[tuple[int, list[bytes]]]:
    """A port that nobody of ours should talk to, and what was said to it."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        def listen() -> None:
            while True:
                try:
                    talk, _ = server.accept()
                except OSError:
                    return
                with talk:
                    talk.settimeout(1.0)
                    heard.append(talk.recv(1000))
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield server.getsockname()[1], heard
        server.shutdown(socket.SHUT_RDWR)
    thread.join(5.0)


def test_f9_nothing_that_lies_in_the_content_runs_or_is_read(content_folder, tmp_path, trap):
    """F9: started inside of the content folder, beside modules with our names, settings and secrets of other programs,
    the command runs none of them, and goes by none. The good post goes out, to where it should.
    """
    folder, proof = content_folder(), tmp_path / "ran"
    port, heard = trap
    folder.post("good", "Good.")
    for place in (folder.path, folder.home, folder.path / "posts"):
        plant(place, proof, port)
    folder.git("add", "--all", "--force")
    folder.commit()

    done = [subprocess.run([DRUMBEAT, *words, *NOW], cwd=folder.path, capture_output=True, text=True, check=False)
            for words in (("check",), ("plan",), ("publish", "--once", "--rehearse"), ("status",))]
    done += [subprocess.run([sys.executable, "-P", "-m", "flows.cli", "status", *NOW], cwd=folder.path,
                            capture_output=True, text=True, check=False)]

    assert "Traceback" not in "".join(one.stderr for one in done)
    assert not proof.exists()
    assert heard == []
    assert [path.name for path in tmp_path.glob("ran*")] == []
    assert sent(folder.home) == ["Good."]


@pytest.mark.slow
def test_f9_nothing_that_lies_there_reaches_prefect(content_folder, tmp_path, trap, free_port):
    """F9: the same for the whole service: Prefect's own settings and modules in the content, and beside it, move
    neither its server nor what follows the publisher.
    """
    folder, proof = content_folder(), tmp_path / "ran"
    port, heard = trap
    folder.post("good", "Good.")
    for place in (folder.path, folder.home):
        plant(place, proof, port)
    folder.git("add", "--all", "--force")
    folder.commit()
    for place in (folder.home / ".drumbeat", folder.home / ".drumbeat/rehearsal"):
        plant(place, proof, port)
    at = NOON + timedelta(minutes=5)

    done = subprocess.run(
        [DRUMBEAT, "up", "--rehearse", "--clock", f"{NOON - timedelta(minutes=5):%Y-%m-%d %H:%M}", "--until",
         f"{at:%Y-%m-%d %H:%M}", "--speed", "100000", "--port", str(free_port())], cwd=folder.path,
        env={name: value for name, value in os.environ.items() if not name.startswith(("PREFECT_", "DRUMBEAT_"))},
        capture_output=True, text=True, timeout=120, check=False)

    assert done.returncode == 0, done.stderr
    assert not proof.exists()
    assert heard == []
    assert [path.name for path in tmp_path.glob("ran*")] == []
    assert (folder.home / ".drumbeat/rehearsal/prefect/prefect.db").exists()
    assert sent(folder.home) == ["Good."]


@pytest.mark.parametrize("words", [("check",), ("plan",), ("preview",), ("gates",), ("status",),
                                   ("why", "posts/held@good#1"), ("explain", "posts/held")])
def test_f5_json_steers_no_terminal(content_folder, words):
    """F5: JSON on a terminal is as harmless as a table, and says the same: what could steer is written as \\uXXXX."""
    folder = content_folder()
    hostile(folder)

    (ran,) = run_each(folder.home, (*words, "--json", *NOW))

    assert STEERING.findall(ran.out + ran.err) == []
    assert "\\u202e" in ran.out.lower() or words[0] not in ("check", "plan")
    assert json.loads(ran.out)


@pytest.mark.parametrize("words", [("plan", "--from", EVIL), ("status", "--on", EVIL), ("up", "--until", EVIL),
                                   ("check", "--now", EVIL),
                                   ("web", EVIL), ("doctor", EVIL), ("serve", EVIL), ("status", EVIL)])
def test_f5_a_time_that_is_none_steers_no_terminal(content_folder, words):
    """F5: what somebody typed, or had typed for them, is quoted without its escapes."""
    folder = content_folder()
    folder.post("good", "Good.")
    folder.commit()

    (ran,) = run_each(folder.home, words)

    assert ran.code == 2
    assert STEERING.findall(ran.out + ran.err) == []
    assert not re.search("^error: FORGED", ran.err, re.MULTILINE)


def test_f9_a_repository_that_carries_our_state_is_refused(content_folder, tmp_path):
    """F9: state, credentials and plans in short lie in .drumbeat/; what a commit puts there is not believed."""
    folder = content_folder()
    folder.post("good", "Good.")
    (folder.home / ".drumbeat").mkdir()
    (folder.home / ".drumbeat/credentials.toml").write_text("")
    folder.git("add", "--all", "--force")
    folder.commit()

    (ran,) = run_each(folder.home, ("publish", "--once", "--rehearse", *NOW))

    assert ran.code == 3
    assert ".drumbeat/ is committed" in ran.err
    assert sent(folder.home) == []
