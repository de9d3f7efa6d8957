"""The first five minutes: init, a commit, and the first post goes out on rehearsal networks."""
import os
import re
import shlex
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from flows.edges.settings import Settings


def commit(words: str, home: Path) -> None:
    """Runs the commands that `init` says come next, as a newcomer with a name set up would."""
    who = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER")
           for what, value in (("NAME", "Wren"), ("EMAIL", "wren@millrace.example"))}
    subprocess.run(words, shell=True, cwd=home, check=True, capture_output=True,
                   env={"PATH": os.environ["PATH"], "HOME": str(home), **who})


def today() -> date:
    """The writer's own calendar day."""
    return datetime.now(UTC).astimezone().date()


def next_words(done, command: str) -> str:
    """The line below "Next:" that begins with `command`."""
    return next(line.strip() for line in done.err.splitlines() if line.strip().startswith(command))


@pytest.mark.slow
@pytest.mark.parametrize("without", ["nothing", "strategy.yaml"])
def test_from_nothing_to_a_published_post(drumbeat, tmp_path, prefect_server, free_port, journal, without):
    """What `init` prints as next steps, run as printed, publishes the first post."""
    home = tmp_path / "club"
    home.mkdir()
    made = drumbeat("init", "content", "--network", "mastodon", "--timezone", "Europe/Dublin", cwd=home)
    assert made.code == 0, made.err
    if without != "nothing":
        (home / "content" / without).unlink()

    checked = drumbeat(*shlex.split(next_words(made, "drumbeat check"))[1:], cwd=home)
    commit(next_words(made, "git add"), home)
    until = f"{today() + timedelta(days=3)}"
    done = drumbeat(*shlex.split(next_words(made, "drumbeat up"))[1:], "--until", until, "--speed", "2000000",
                    "--port", str(free_port()), cwd=home, env=prefect_server.environment)

    assert checked.code == 0, checked.out
    assert done.code == 0, done.err
    assert "posts/hello@mastodon#1  published" in done.out
    assert [post["text"] for post in journal(home)] == ["Hello! We are new here. What would you like to read about?"]


@pytest.mark.parametrize("network", ["mastodon", "x", "facebook_page"])
def test_every_network_begins_clean(drumbeat, tmp_path, network):
    """A new folder has no error and no warning, whichever network it begins with."""
    drumbeat("init", "--network", network, cwd=tmp_path)

    done = drumbeat("check", "--json", cwd=tmp_path)

    assert (done.code, done.json["counts"]["errors"], done.json["counts"]["warnings"]) == (0, 0, 0), done.out
    assert done.json["counts"]["posts"] == 1


def test_two_lines_of_front_matter_are_enough(drumbeat, content_folder):
    """One channel, and a post of two lines of front matter and a text, without a strategy: that goes out."""
    folder = content_folder(channels="channels:\n  - {id: mastodon, network: mastodon}\n")
    (folder.path / "strategy.yaml").unlink()
    folder.write("posts/hello.md", "---\nat: 2027-03-01 12:00\nchannels: [mastodon]\n---\nHello!\n")
    folder.commit()

    done = drumbeat("publish", "--once", "--rehearse", "--now", "2027-03-01 12:00", cwd=folder.home)

    assert done.code == 0, done.err
    assert "posts/hello@mastodon#1  published" in done.out


def test_init_inside_a_repository(drumbeat, tmp_path):
    """In a repository that exists already the next steps work too, and a .gitignore that exists is left as it is."""
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("node_modules/\n")

    made = drumbeat("init", cwd=tmp_path)
    commit(next_words(made, "git add"), tmp_path)

    assert made.code == 0, made.err
    assert (tmp_path / ".gitignore").read_text() == "node_modules/\n"
    tomorrow = f"{today() + timedelta(days=1)} 09:30"
    done = drumbeat("publish", "--once", "--rehearse", "--now", tomorrow, cwd=tmp_path)
    assert "published" in done.out


def test_init_names_the_branch_that_is_published(drumbeat, tmp_path):
    """The new repository is on `main`, as `branch` says when nobody sets it, whatever Git would call it here."""
    git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "init.defaultBranch", "GIT_CONFIG_VALUE_0": "trunk"}

    drumbeat("init", cwd=tmp_path, env=git)

    assert (tmp_path / ".git/HEAD").read_text() == f"ref: refs/heads/{Settings(tmp_path, tmp_path).branch}\n"


def test_init_elsewhere(drumbeat, tmp_path):
    """A folder that is not below the current one gets next steps that work from where one stands."""
    made = drumbeat("init", "clubs/mill/content", cwd=tmp_path)
    commit(next_words(made, "git -C"), tmp_path)

    home = tmp_path / "clubs/mill"
    listed = subprocess.run(["git", "ls-files"], cwd=home, capture_output=True, text=True, check=True)
    assert listed.stdout.split() == [".gitignore", "content/networks/channels.yaml", "content/people/team.yaml",
                                     "content/posts/hello.md", "content/strategy.yaml"]


@pytest.mark.parametrize(("words", "standing"), [
    ("our club/content", "."), ("'quoted' $HOME/content", "."), ("../club/content", "elsewhere"), (".", "club/content"),
])
def test_the_next_steps_can_be_copied(drumbeat, tmp_path, words, standing):
    """They work as printed wherever the folder is, whatever its name has in it, and their paths are plain."""
    here = tmp_path / standing
    here.mkdir(parents=True, exist_ok=True)

    made = drumbeat("init", words, cwd=here)
    commit(next_words(made, "git"), here)
    checked = drumbeat(*shlex.split(next_words(made, "drumbeat check"))[1:], cwd=here)

    assert ".." not in next_words(made, "git")
    assert (checked.code, checked.err.splitlines()[0].partition(":")[0]) == (0, "1 post"), checked.err
    listed = subprocess.run(["git", "ls-files"], cwd=(here / words).resolve().parent, capture_output=True, text=True,
                            check=True)
    assert "content/posts/hello.md" in listed.stdout.split("\n")


def test_init_refuses_a_zone_that_is_none(drumbeat, tmp_path):
    """A slip of the pen in the time zone makes no folder that cannot be checked; what was meant is proposed."""
    done = drumbeat("init", "--timezone", "Europe/Dubln", cwd=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert done.err == ("error: --timezone Europe/Dubln: there is no such time zone.\n"
                        "  remedy: Write a name of the IANA list, such as Europe/Dublin.\n")
    assert list(tmp_path.iterdir()) == []


def test_init_overwrites_nothing(drumbeat, tmp_path):
    """A folder that holds something is refused."""
    (tmp_path / "content").mkdir()
    (tmp_path / "content/mine.md").write_text("mine")

    done = drumbeat("init", cwd=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert [file.name for file in (tmp_path / "content").iterdir()] == ["mine.md"]


def test_a_new_post(drumbeat, sample):
    """`new post` writes two lines of front matter and the title; the file checks clean and has a time."""
    done = drumbeat("new", "post", "How to sharpen: a plane!", "--at", "2027-05-04 12:30", cwd=sample)
    file = sample / "content/posts/how-to-sharpen-a-plane.md"

    assert done.code == 0, done.err
    assert file.samefile(sample / done.out.strip())
    assert file.read_text() == "---\nat: 2027-05-04 12:30\n---\nHow to sharpen: a plane!\n"
    assert drumbeat("check", str(file), cwd=sample).code == 0
    planned = drumbeat("plan", "--json", cwd=sample).json["items"]
    assert "2027-05-04 12:30" in [item["local"] for item in planned if item["post"] == "posts/how-to-sharpen-a-plane"]


def test_a_new_post_takes_the_next_free_slot(drumbeat, sample):
    """Without a time a new post goes into the next free slot of each channel."""
    drumbeat("new", "post", "Sharpen a plane", cwd=sample)

    planned = drumbeat("plan", "--json", "--now", "2027-05-01 12:00", cwd=sample).json["items"]
    mine = {item["channel"]: item["local"] for item in planned if item["post"] == "posts/sharpen-a-plane"}
    assert mine["mastodon"] == "2027-05-06 12:30"                 # the kettle's post asks for a slot since 20 April


def test_a_new_post_of_a_campaign(drumbeat, sample):
    """A campaign's post lands in the campaign; a campaign that does not exist is refused."""
    done = drumbeat("new", "post", "One more thing", "--campaign", "spring-mend", cwd=sample)
    refused = drumbeat("new", "post", "One more thing", "--campaign", "winter", cwd=sample)

    assert re.fullmatch(r".*campaigns/spring-mend/posts/one-more-thing\.md", done.out.strip())
    assert (refused.code, refused.out) == (2, "")
    assert drumbeat("new", "post", "One more thing", "--campaign", "spring-mend", cwd=sample).code == 2
