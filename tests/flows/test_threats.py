"""What a commit could do to an account, row by row: Git (A5, A9 to A13) and content (B1 to B9).

In each row: what is bad is named by file, line and rule; nothing of it is sent; the good post of the same commit goes
out, unless the plan as a whole is refused.
"""
import hashlib
import json
import os
import subprocess
import sys
import time
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from flows.check import check, check_commit
from flows.edges.repository import Repository
from schemas.errors import ContentError

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)
HEAD = "at: 2027-03-01 12:00\nchannels: [mastodon]\n"
DRUMBEAT = str(Path(sys.executable).with_name("drumbeat"))


def post(body: str, more: str = "") -> str:
    """A post file, due at noon, whose body begins on line 5 when there is no more front matter."""
    return f"---\n{HEAD}{more}---\n{body}\n"


def told(stage) -> list[str]:
    """What `check` says of the newest commit."""
    repository = Repository(stage.folder.path)
    found = check_commit(repository, repository.head(), now=NOON - timedelta(hours=1)).problems
    return [f"{p.place}: {p.severity}: {p.message} [{p.code}]" for p in found if p.severity != "advice"]


def errors(stage) -> list[str]:
    return [line for line in told(stage) if ": error: " in line]


def sent(stage) -> list[str]:
    """What a whole shift leaves on the networks."""
    stage.run()
    return stage.texts()


def entry(mode: str, name: str, object: str) -> bytes:
    """One entry of a tree, as it is written."""
    return f"{mode} {name}".encode() + b"\0" + bytes.fromhex(object)


def tree(stage, *entries: bytes) -> str:
    made = subprocess.run(["git", "hash-object", "-t", "tree", "-w", "--literally", "--stdin"], cwd=stage.home,
                          input=b"".join(entries), capture_output=True, check=True)
    return made.stdout.decode().strip()


def blob(stage, data: str) -> str:
    made = subprocess.run(["git", "hash-object", "-w", "--stdin"], cwd=stage.home, input=data.encode(),
                          capture_output=True, check=True)
    return made.stdout.decode().strip()


def commit_posts(stage, *entries: bytes) -> None:
    """A commit, checked out by nobody, whose posts folder is a tree made by hand; everything else is as it lies."""
    stage.folder.git("add", "--all", "content")
    stage.folder.git("commit", "--quiet", "--allow-empty", "--message", "Change")
    names = stage.folder.git("ls-tree", "HEAD:content").splitlines()
    others = [entry(mode.lstrip("0"), name, object) for mode, _, object, name in (line.split() for line in names)
              if name != "posts"]
    content = tree(stage, *others, entry("40000", "posts", tree(stage, *entries)))
    top = tree(stage, entry("40000", "content", content))
    made = stage.folder.git("commit-tree", "-m", "hostile", "-p", "HEAD", top)
    stage.folder.git("update-ref", "HEAD", made.strip())


# --- what is written into a post, and what is said of it --------------------------------------------------------------

BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{other}'] * 9)}]\n" for other, name in zip("abcdefgh", "bcdefghi", strict=True))
POSTS = {
    "B1 an alias bomb": (
        post("Bad.", BOMB), "4:4: error: cannot be read: anchors and aliases (& and *) are not allowed. [SYN001]"),
    "B1 a tag": (post("Bad.", "x-a: !!python/object:os.system x\n"),
                 "4:6: error: cannot be read: tags (!) are not allowed. [SYN001]"),
    "B1 a merge": (post("Bad.", "<<: {a: 1}\n"),
                   "4:1: error: cannot be read: merge keys (<<) are not allowed. [SYN001]"),
    "B1 a large front matter": (post("Bad.", f"x-a: {'a' * 16_000}\n"),
                                "1:1: error: cannot be read: the front matter is larger than 16000 bytes. [SYN001]"),
    "B2 brackets": (post("Bad.", f"x-a: {'[' * 6000}\n"),
                    "4:18: error: cannot be read: it is nested deeper than 12. [SYN001]"),
    "B2 dashes": (post("Bad.", f"x-a:\n  {'- ' * 3000}\n"),
                  "5:27: error: cannot be read: it is nested deeper than 12. [SYN001]"),
    "B3 a key that stands twice": (post("Bad.", "intent: give\nintent: ask\n"),
                                   "5:1: error: cannot be read: the key 'intent' stands twice. [SYN001]"),
    "B3 a word that was a boolean": (post("Bad.", "draft: NO\n"),
                                     "4:1: error: draft: 'NO' is neither true nor false. [SYN002]"),
    "B3 a time that was a number": ("---\nat: 12:30:00\nchannels: [mastodon]\n---\nBad.\n",
                                    "2:1: error: at: '12:30:00' is not a time. [SYN002]"),
    "B3 a key nobody knows": (post("Bad.", "instance: https://evil.example\n"),
                              "4:1: error: instance is not known here. [SYN002]"),
    "B5 a text turned around": (post("pay \u202eecila"),
                                "5:5: error: An invisible character is here: U+202E. [SYN009]"),
    "B5 an isolate": (post("pay \u2066x"), "5:5: error: An invisible character is here: U+2066. [SYN009]"),
    "B5 no width": (post("p\u200bay"), "5:2: error: An invisible character is here: U+200B. [SYN009]"),
    "B5 a joiner": (post("p\u2060ay"), "5:2: error: An invisible character is here: U+2060. [SYN009]"),
    "B5 a mark in a text": (post("p\ufeffay"), "5:2: error: An invisible character is here: U+FEFF. [SYN009]"),
    "B5 letters of tags": (post("pay\U000e0041\U000e0042"),
                           "5:4: error: An invisible character is here: U+E0041. [SYN009]"),
    "B5 in a hashtag": (post("Bad.", 'hashtags: ["a\\u200bb"]\n'),
                        "4:12: error: An invisible character is here: U+200B. [SYN009]"),
    "B6 HTML": (post("<span hidden>pay him</span>"), "5:1: error: HTML is not published: <span hidden>. [SYN008]"),
    "B6 a fold": (post("A\n\n<details>\npay him"), "7:1: error: HTML is not published: <details>. [SYN008]"),
    "B6 a tag that is not closed": (post("A\n\n<div\npay him"), "7:1: error: HTML is not published: <div. [SYN008]"),
    "B6 a comment that is not closed": (
        post("A <!-- B"), "5:3: error: This comment is not closed: the text after it would be lost. [SYN008]"),
    "B6 what Markdown hides": (
        post("A\n\n[//]: # (pay him)"), "7:1: error: Markdown does not show this line: [//]: #… [SYN008]"),
    "B8 a template": (post("Hello {{config}}"), "5:7: error: A placeholder is left: {{config}}. [SYN004]"),
    "B8 a template around a comment": (
        post("Hello {<!-- -->{config}}"), "5:7: error: A placeholder is left: {{config}}. [SYN004]"),
    "B9 everybody": (post("Hello @everyone"), "5:7: error: This calls everybody at once: @everyone. [SYN011]"),
    "B9 everybody here": (post("@here hello"), "5:1: error: This calls everybody at once: @here. [SYN011]"),
    "B9 a channel": (post("Hello @**channel**"), "5:7: error: This calls everybody at once: @**channel. [SYN011]"),
    "A10 a path that leads out": (
        post("Bad.", "media: [../../etc/passwd]\n"),
        "4:9: error: media: '../../etc/passwd' leads out of the content folder. [REF001]"),
    "A10 an absolute path": (post("Bad.", "media: [/etc/passwd]\n"),
                             "4:9: error: media: '/etc/passwd' leads out of the content folder. [REF001]"),
    "A10 a path of Windows": (post("Bad.", "media: ['..\\\\x.png']\n"),
                              "4:9: error: media: '..\\\\x.png' leads out of the content folder. [REF001]"),
    "A10 a NUL in a path": (post("Bad.", 'media: ["a\\0.png"]\n'),
                            "4:9: error: media: 'a\x00.png' leads out of the content folder. [REF001]"),
}


@pytest.mark.parametrize("row", sorted({name.split()[0] for name in POSTS}))
def test_bad_posts_are_named_and_the_good_one_goes_out(stage, row):
    """B1, B2, B3, B5, B6, B8, B9, A10: each bad post has its error at its place, and only the good post is sent."""
    bad = {f"bad-{number}": made for number, (name, made) in enumerate(sorted(POSTS.items())) if name.split()[0] == row}
    stage.folder.post("good", "Good.")
    for name, (text, _) in bad.items():
        stage.folder.write(f"posts/{name}.md", text)
    stage.folder.commit()

    found = errors(stage)

    for name, (_, said) in bad.items():
        about = [line.removeprefix(f"content/posts/{name}.md:") for line in found if f"/{name}.md:" in line]
        assert about[0].startswith(said), about
    assert {line.split(":")[0] for line in found} == {f"content/posts/{name}.md" for name in bad}
    assert sent(stage) == ["Good."]


# --- A: Git -----------------------------------------------------------------------------------------------------------

def test_a5_a_tag_named_like_the_branch_is_ignored(stage):
    """A5: what is checked out is published, and `plan --diff` compares with the branch, whatever tags are called."""
    stage.folder.post("good", "Good.")
    stage.folder.commit()
    stage.folder.post("bad", "Bad.")
    stage.folder.commit()
    stage.folder.git("tag", "main")
    stage.folder.git("update-ref", "refs/tags/HEAD", "HEAD")
    stage.folder.git("reset", "--quiet", "--hard", "HEAD~1")

    compared = subprocess.run([DRUMBEAT, "plan", "--diff", "main", "--json", "--now", "2027-03-01 11:00"],
                              cwd=stage.home, capture_output=True, text=True, check=False)

    assert (compared.returncode, json.loads(compared.stdout)["changes"]) == (0, []), compared.stderr
    assert sent(stage) == ["Good."]


@pytest.mark.parametrize("rev", ["--upload-pack=touch ran", "-c", "--output=ran", "main\n--help", "ext::touch% ran"])
def test_a5_a11_a_revision_is_never_an_option(stage, rev):
    """A5, A11: what could be an option or an address of git is refused in one line, exit 2, and runs nothing."""
    stage.folder.post("good", "Good.")
    stage.folder.commit()

    done = subprocess.run([DRUMBEAT, "plan", f"--diff={rev}"], cwd=stage.home, capture_output=True, text=True,
                          check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert "error: There is no commit" in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(stage.home.rglob("ran"))


def test_a9_links_modules_and_odd_modes_are_named(stage):
    """A9: a picture that is a link out, a submodule, a post of an odd mode, and one that stands twice are refused; a
    post that may be executed is a post.
    """
    (stage.folder.path / "media").mkdir(parents=True)
    (stage.folder.path / "media/link.png").symlink_to("../../etc/passwd")
    good, bad, runs = (blob(stage, post(text)) for text in ("Good.", "Bad.", "Runs."))
    uses = blob(stage, post("Uses.", "media: [link.png]\n"))
    commit_posts(
        stage, entry("100664", "bad-mode.md", bad), entry("160000", "bad-module.md", bad),
        entry("60000", "bad-device.md", bad), entry("120000", "bad-link.md", bad),
        entry("100644", "bad-twice.md", bad), entry("100644", "bad-twice.md", good),
        entry("100644", "bad-uses.md", uses), entry("100644", "good.md", good), entry("100755", "runs.md", runs))

    unread = {line.removeprefix("content/").split(":1:1: error: cannot be read: ")[0]: line.split("it is a ")[1]
              for line in errors(stage) if "cannot be read" in line}
    assert unread == {
        "media/link.png": "symlink. [SYN001]",
        "posts/bad-mode.md": "file of a mode that Git does not make. [SYN001]",
        "posts/bad-device.md": "file of a mode that Git does not make. [SYN001]",
        "posts/bad-module.md": "submodule. [SYN001]",
        "posts/bad-link.md": "symlink. [SYN001]",
        "posts/bad-twice.md": "file that its folder holds twice. [SYN001]",
    }
    assert [line for line in errors(stage) if "cannot be read" not in line] == [
        "content/posts/bad-uses.md:4:9: error: media: 'media/link.png' is a symlink. [REF001]"]
    assert sorted(sent(stage)) == ["Good.", "Runs."]


def test_a10_names_that_mislead_are_named(stage):
    """A10: backslashes, control characters, other encodings, steps upwards and very long names: each is refused by
    itself, whatever it holds.
    """
    bad, good = blob(stage, post("Bad.")), blob(stage, post("Good."))
    names = ("a\\b.md", "a\x1b[2J.md", "a\u202edm.md", "a\nb.md", "up/../../bad.md",
             "x" * 230 + "/" + "y" * 290 + ".md")
    commit_posts(stage, entry("40000", "..", tree(stage, entry("100644", "bad.md", bad))),
                 b"100644 caf\xe9.md\0" + bytes.fromhex(bad), entry("100644", "good.md", good),
                 *(entry("100644", name, bad) for name in names))

    found = errors(stage)

    wanted = {f"content/posts/{name}" for name in (*names, "../bad.md", "caf\\xe9.md")}
    assert {line.split(":1:1: error: ")[0] for line in found} == wanted
    assert {line for line in found if "cannot be read: it is a misnamed file. [SYN001]" in line} >= {
        f"{name}:1:1: error: cannot be read: it is a misnamed file. [SYN001]" for name in wanted}
    assert sent(stage) == ["Good."]


def test_a10_names_that_differ_only_in_capitals_are_named(stage, picture):
    """A10: two posts, and two pictures, that some computers take for one file are told apart by nobody: an error."""
    stage.folder.post("good", "Good.")
    stage.folder.post("bad", "Bad.")
    stage.folder.post("BAD", "Other.")
    stage.folder.write("media/one.png", picture(1))
    stage.folder.write("media/One.png", picture(2))
    stage.folder.commit()

    found = errors(stage)

    for one, other in (("posts/bad.md", "posts/BAD.md"), ("media/one.png", "media/One.png")):
        assert f"content/{one}:1:1: error: {one} and {other} differ only in capitals. [REF001]" in found
    assert "Other." not in sent(stage)
    assert "Good." in stage.texts()


def test_a11_nothing_that_a_repository_says_runs(stage):
    """A11: hooks, filters, text converters, a file-system monitor, included settings and attributes start nothing while
    content is checked and published, and do not change what is published.
    """
    stage.folder.post("good", "Good.")
    stage.folder.write(".gitattributes", "*.md filter=evil diff=evil\n")
    stage.folder.write("posts/.gitattributes", "* filter=evil\n")
    stage.folder.commit()
    proof = stage.home.parent / "ran"
    evil = stage.home.parent / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {proof}\nsed s/Good/Evil/\n")
    evil.chmod(0o755)
    (stage.home.parent / "evil.config").write_text(
        f'[filter "evil"]\n\tclean = {evil}\n\tsmudge = {evil}\n\tprocess = {evil}\n\trequired = true\n'
        f'[diff "evil"]\n\ttextconv = {evil}\n[diff]\n\texternal = {evil}\n'
        f"[core]\n\tfsmonitor = {evil}\n\tsshCommand = {evil}\n\thooksPath = {stage.home.parent / 'hooks'}\n"
        f"[uploadpack]\n\tpackObjectsHook = {evil}\n[protocol \"ext\"]\n\tallow = always\n")
    (stage.home.parent / "hooks").mkdir()
    for hook in ("post-checkout", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        for folder in (stage.home / ".git/hooks", stage.home.parent / "hooks"):
            (folder / hook).write_bytes(evil.read_bytes())
            (folder / hook).chmod(0o755)
    stage.folder.git("config", "include.path", str(stage.home.parent / "evil.config"))
    proof.unlink(missing_ok=True)

    assert told(stage) == []
    assert sent(stage) == ["Good."]
    assert Repository(stage.folder.path).uncommitted() == []
    assert not proof.exists()


def test_a12_what_is_too_large_is_an_error_and_not_read(stage):
    """A12: a post of 300 kB, and one whose object claims 2 GB and ends after a kilobyte, are refused by their size."""
    claimed = zlib.compress(b"blob 2000000000\0" + os.urandom(5000), 1)[:1000]
    name = hashlib.sha1(claimed).hexdigest()
    stage.folder.post("good", "Good.")
    stage.folder.commit()
    path = stage.home / ".git/objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(claimed)
    long = blob(stage, post("Bad. " * 60_000))
    commit_posts(stage, entry("100644", "bad-huge.md", name), entry("100644", "bad.md", long),
                 entry("100644", "good.md", blob(stage, post("Good."))))

    too_large = "cannot be read: it holds {} bytes; a text file may hold 256,000. [SYN001]"
    assert errors(stage) == [
        f"content/posts/{bad}.md:1:1: error: {too_large.format(size)}"
        for bad, size in (("bad-huge", "2,000,000,000"), ("bad", "300,051"))]
    assert sent(stage) == ["Good."]


@pytest.mark.parametrize("shape", ["deep", "wide"])
def test_a12_folders_that_are_too_deep_or_unfold_without_end_refuse_the_plan(stage, shape):
    """A12: a content folder of thirteen levels, or of ten thousand million files in a few objects, is no plan: nothing
    of it is sent, and the plan before it stays in force.
    """
    stage.folder.post("good", "Good.")
    stage.folder.commit()
    bad = tree(stage, *(entry("100644", f"bad-{number}.md", blob(stage, post("Bad."))) for number in range(10)))
    for _ in range(12 if shape == "deep" else 9):
        bad = tree(stage, *(entry("40000", f"d{number}", bad) for number in range(1 if shape == "deep" else 10)))
    stage.run("first", until=NOON - timedelta(minutes=30))
    good = blob(stage, post("Never seen."))
    commit_posts(stage, entry("40000", "d", bad), entry("100644", "new.md", good))

    with pytest.raises(ContentError) as stop:
        told(stage)

    assert stop.value.what == {"deep": "content/ has folders deeper than 12.",
                               "wide": "content/ holds more than 250,000 files."}[shape]
    stage.run("second")
    assert stage.texts() == ["Good."]


def test_a13_two_posts_with_one_id_are_both_named(stage):
    """A13: a copy of a file in another folder, and an id written twice, name both places; none of them is sent."""
    stage.folder.post("good", "Good.")
    stage.folder.write("posts/bad.md", post("Bad."))
    stage.folder.write("posts/later/bad.md", post("Bad too."))
    stage.folder.write("posts/one.md", post("Bad.", "id: the-same\n"))
    stage.folder.write("posts/two.md", post("Bad.", "id: the-same\n"))
    stage.folder.commit()

    assert errors(stage) == [
        f"content/posts/{one}: error: post 'posts/{id}' stands twice: also in content/posts/{other}. [REF001]"
        for one, id, other in (("later/bad.md:1:1", "bad", "bad.md:1:1"), ("two.md:4:1", "the-same", "one.md:4:1"))]
    assert sent(stage) == ["Good."]


def test_a13_an_id_that_went_out_is_not_used_again(stage):
    """A13: a published post that is gone is an error; another text that comes back under its id is not sent."""
    stage.folder.post("once", "Once.")
    stage.folder.commit()
    stage.run("first", until=NOON + timedelta(minutes=5))
    (stage.folder.path / "posts/once.md").unlink()
    stage.folder.post("good", "Good.", at=NOON + timedelta(hours=1))
    stage.folder.commit()
    gone = check(stage.folder.path, now=NOON, published=frozenset({"posts/once"})).problems
    stage.folder.post("once", "Bad: another text.", at=NOON + timedelta(hours=1))
    stage.folder.commit()

    stage.run("second")

    assert [(p.code, p.message) for p in gone if p.severity == "error"] == [
        ("REF003", "posts/once was published; no file has this id now.")]
    assert stage.texts() == ["Once.", "Good."]


# --- B: content -------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize(("bad", "said"), [
    (BOMB, "anchors and aliases (& and *) are not allowed"), ("a: " + "[" * 250_000, "it is nested deeper than 12")],
    ids=["B1", "B2"])
def test_b1_b2_bombs_are_refused_at_once(stage, bad, said):
    """B1, B2: an alias bomb and deep brackets are refused in less than half a second, in a post and in a settings file;
    where they take the channels with them, the whole plan is refused, and the one before it stays in force.
    """
    stage.folder.post("good", "Good.")
    stage.folder.write("posts/bad.md", post("Bad.", bad[:15_000] + "\n"))
    stage.folder.write("pillars.yaml", bad)
    stage.folder.commit()
    begun = time.process_time()
    found = errors(stage)
    took = time.process_time() - begun

    assert len(found) == 2
    assert all(said in line for line in found)
    assert took < 0.5
    assert sent(stage) == ["Good."]
    stage.folder.write("networks/channels.yaml", bad)
    stage.folder.post("better", "Not sent.", at=NOON + timedelta(days=2))
    stage.folder.commit()
    stage.run("second", until=NOON + timedelta(days=3))
    assert stage.texts() == ["Good."]


HOSTILE = {
    "brackets": "[" * 50_000, "quotes": ">" * 50_000, "quotes in quotes": "> " * 50_000, "one long line": "a" * 64_000,
    "pictures": "![" * 60_000, "links": "[a](http://x" * 15_000, "stars": "**a" * 50_000, "underscores": "_a " * 60_000,
    "definitions": "[a]: <" * 30_000, "headings": "## on x\nA\n" * 15_000, "parts": "A\n***\n" * 30_000,
    "comments": "a<!-- -->" * 20_000, "tags": "<a " * 60_000, "spaces": "## a" + " " * 200_000 + "b",
    "accents": "a" + "\u0301" * 100_000, "families": "👩‍👩‍👧‍👦" * 8_000, "hosts": "раy.com " * 15_000,
    "addresses": "https://x.example/a " * 10_000, "everybody": "@here " * 30_000, "breaks": "a  \n" * 50_000,
}


@pytest.mark.parametrize("what", HOSTILE)
def test_b4_markdown_bombs_end(stage, what):
    """B4: a body made to be slow is judged for three networks in less than two seconds, and is an error."""
    stage.folder.post("good", "Good.")
    stage.folder.post("bad", HOSTILE[what], channels="mastodon, x, facebook")
    stage.folder.commit()
    begun = time.process_time()
    found = errors(stage)

    assert time.process_time() - begun < 2
    assert any(line.startswith("content/posts/bad.md:") for line in found)
    assert not any("good" in line for line in found)


def test_b4_no_bomb_is_sent(stage):
    """B4: of all of them in one commit nothing goes out but the good post. (A page of Facebook's takes 50,000 brackets,
    and to Mastodon a hundred thousand accents on one letter are one character.)
    """
    stage.folder.post("good", "Good.")
    for number, body in enumerate(HOSTILE.values()):
        stage.folder.post(f"bad-{number}", body, channels="x")
    stage.folder.commit()

    assert sent(stage) == ["Good."]


@pytest.mark.parametrize("text", ["👩‍💻 at work", "🏴󠁧󠁢󠁳󠁣󠁴󠁿 wins", "می‌خواهم", "❤️", "שלום", "Tab\there", "пример.рф"])
def test_b5_what_people_write_passes(stage, text):
    """B5: joined emoji, flags, Persian joiners and other directions are sent as they were written."""
    stage.folder.post("good", text)
    stage.folder.commit()

    assert told(stage) == []
    assert sent(stage) == [text]


def test_b5_a_host_that_looks_like_another_is_a_warning(stage):
    """B5: a name with letters of two alphabets is shown as machines read it; a warning stops nothing."""
    text = "All that we mend this week, and what we could not mend: https://раypal.example/a"
    stage.folder.post("good", text)
    stage.folder.commit()

    assert told(stage) == ["content/posts/good.md:5:65: warning: The host name раypal.example looks like another: "
                           "machines read xn--ypal-43d9g.example. [SYN012]"]
    assert sent(stage) == [text]


def test_b5_hidden_characters_in_an_alt_text_are_named(stage, picture):
    """B5: what nobody sees is an error in front matter too, at its line."""
    stage.folder.post("good", "Good.")
    stage.folder.write("media/a.png", picture(1))
    stage.folder.write("posts/bad.md", post("Bad.", "media:\n  - file: a.png\n    alt: pay \u202ehim\n"))
    stage.folder.commit()

    assert errors(stage) == ["content/posts/bad.md:6:5: error: An invisible character is here: U+202E. [SYN009]"]
    assert sent(stage) == ["Good."]


def test_b6_the_preview_is_what_is_sent(stage):
    """B6: comments are left out and this is said; what is previewed is what the network gets, letter by letter."""
    written = "**Hello** <!-- pay him --> [all](https://x.example) who mend  \nwith us week after week"
    stage.folder.post("good", f"{written}\n\n## notes\n<b>never</b>")
    stage.folder.commit()
    asked = [DRUMBEAT, "preview", "good", "--json", "--now", "2027-03-01 11:00"]
    shown = subprocess.run(asked, cwd=stage.home, capture_output=True, text=True, check=True)

    [message] = json.loads(shown.stdout)["messages"]

    assert sent(stage) == [message["parts"][0]["text"]] == [
        "Hello  all https://x.example who mend\nwith us week after week"]
    assert [(p["line"], p["column"], p["severity"], p["message"]) for p in message["problems"]] == [
        (5, 11, "advice", "This comment is left out of what is published.")]


AWS = "AK" + "IAIOSFODNN7EXAMPLE"                                  # in two, so that nobody takes this file for a leak
TOKEN = "aB3-dE5_gH7jK9mN1pQ3sT5vW7yZ9aC2eG4iL6oR8u0"


def test_b7_secrets_are_named_and_never_printed(stage, picture):
    """B7: in a text, an alt text, a link, a file's name, notes, and without any name: an error that stops the post, and
    no output that a command has shows more than four characters.
    """
    stage.folder.post("good", "Good.")
    stage.folder.write("media/a.png", picture(1))
    stage.folder.write("posts/bad-text.md", post(f"Our key: {AWS}"))
    stage.folder.write("posts/bad-alt.md", post("Bad.", f'media: [{{file: a.png, alt: "{AWS}"}}]\n'))
    stage.folder.write("posts/bad-link.md", post("Bad.", f"link: https://x.example/?access_token={TOKEN}\n"))
    stage.folder.write("posts/bad-login.md", post("Bad https://wren:hunter22@x.example/"))
    stage.folder.write("posts/bad-notes.md", post(f"Bad.\n\n## notes\n{TOKEN}"))
    stage.folder.write(f"posts/bad-{AWS}.md", post("Bad."))
    stage.folder.write(f"media/{AWS}.png", picture(2))
    stage.folder.commit()

    found = {line.split(" error: ")[0].removesuffix(":"): line for line in errors(stage) if "[SYN007]" in line}
    printed = b""
    for words in ("check", "check --json", "check --format github", "plan", "plan --json", "preview", "status"):
        done = subprocess.run([DRUMBEAT, *words.split(), "--now", "2027-03-01 11:00"], cwd=stage.home,
                              capture_output=True, check=False)
        printed += done.stdout + done.stderr

    assert {place: line.rsplit("(", 1)[1] for place, line in found.items()} == {
        "content/posts/bad-text.md:5:10": "AKIA…). [SYN007]",
        "content/posts/bad-alt.md:4:29": "AKIA…). [SYN007]",
        "content/posts/bad-link.md:4:26": "acce…). [SYN007]",
        "content/posts/bad-login.md:5:10": "://w…). [SYN007]",
        "content/posts/bad-notes.md:8:1": "aB3-…). [SYN007]",
        f"content/posts/bad-{AWS}.md:1:1": "AKIA…). [SYN007]",
        f"content/media/{AWS}.png:1:1": "AKIA…). [SYN007]",
    }
    assert TOKEN.encode() not in printed
    assert b"hunter22" not in printed
    assert sent(stage) == ["Good."]


@pytest.mark.parametrize("text", ["{0.real}", "{config}", "%(x)s and %s", "${PATH} and $(id)", "{% raw %}", "`id`",
                                  "#{7*7} and <%= 7*7 %>", "{!r:>{width}}", "{0[0]}", "{{}"])
def test_b8_what_looks_like_a_template_stays_text(stage, text):
    """B8: nothing in a text is filled in, called or looked up: it arrives as it was written."""
    stage.folder.post("good", f"A {text} b")
    stage.folder.commit()

    assert errors(stage) == []
    assert sent(stage) == [f"A {text} b"]


def test_b8_underscores_are_only_markdown(stage):
    """B8: `{0.__class__}` is a text with a bold word in it, and one with backslashes arrives as it was meant."""
    stage.folder.post("good", "A {0.__class__} or {0.\\_\\_class\\_\\_}")
    stage.folder.commit()

    assert sent(stage) == ["A {0.class} or {0.__class__}"]


def test_b9_a_mention_of_somebody_is_sent(stage):
    """B9: only everybody at once is refused; accounts may be named, also such as are called like that."""
    text = "Thank you @wren, @here@social.example and @everyoneelse"
    stage.folder.post("good", text)
    stage.folder.commit()

    assert told(stage) == []
    assert sent(stage) == [text]
