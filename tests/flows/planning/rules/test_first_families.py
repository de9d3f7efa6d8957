"""The casebook of SYN, REF and MED: files, names and media. Each row is told, nearly told, or has nothing to judge."""
import hashlib
from collections.abc import Callable, Mapping

import pytest

from schemas.content import Probe, SourceFile

Files = Mapping[str, str | bytes | SourceFile | None]
Said = Callable[..., list[str]]
PHOTO = b"\xff\xd8\xff" + b"\0" * 2000
PICTURE = "media: [{file: a.jpg, alt: A wall of drills}]\n"
KEY = "AKIA" + "IOSFODNN7EXAMPLE"


def post(body: str = "Hello.", front: str = "", at: str = "at: 2027-02-02 09:30") -> str:
    return f"---\n{at}\n{front}---\n{body}\n"


def picture(probe: Probe | None) -> SourceFile:
    return SourceFile("media/a.jpg", hashlib.sha1(PHOTO).hexdigest(), len(PHOTO), probe=probe)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        pytest.param(
            {"posts/a.md": post().encode() + b"\xff", "discovery.yaml": "checked: [\n"},
            ["discovery.yaml:2:1: SYN001 error: cannot be read: did not find expected node content. Close what was "
             "opened before, or write a value here.",
             "posts/a.md:5:1: SYN001 error: cannot be read: it is not UTF-8 (byte 0xff). Save the file as UTF-8."],
            marks=pytest.mark.rule("SYN001", "fires")),
        pytest.param(
            {"posts/a.md": post(front="Intent: give\nruns: many\n")},
            ["posts/a.md:3:1: SYN002 error: Intent is not known here. Did you mean intent?",
             "posts/a.md:4:1: SYN002 error: runs: 'many' is not a whole number. Write a whole number."],
            marks=pytest.mark.rule("SYN002", "fires")),
        pytest.param(
            {"posts/a.md": post(front="slot: next\n")},
            ["posts/a.md:3:1: SYN003 error: 2 times given: at, slot. Keep one."],
            marks=pytest.mark.rule("SYN003", "fires")),
        pytest.param(
            {"posts/a.md": post(""), "posts/b.md": post("Hello TODO")},
            ["posts/a.md:4:1: SYN004 error: Nothing to publish. Write the text below the front matter.",
             "posts/b.md:4:7: SYN004 error: A placeholder is left: TODO. Write what it stands for."],
            marks=pytest.mark.rule("SYN004", "fires")),
        pytest.param(
            {"posts/a.md": post(front="hashtags: #drill\n")},
            ["posts/a.md:3:1: SYN005 warning: hashtags is empty: everything after # is a comment. Write hashtags "
             "without #, or put the text in quotes."],
            marks=pytest.mark.rule("SYN005", "fires")),
        pytest.param(
            {"posts/a.md": post("Hi.\n## on mastadon\nHello.")},
            ["posts/a.md:5:7: SYN006 error: No section 'on mastadon'. Use '## on mastodon'."],
            marks=pytest.mark.rule("SYN006", "fires")),
        pytest.param(
            {"posts/a.md": post(f"Our key is {KEY}.")},
            ["posts/a.md:4:12: SYN007 error: This looks like a secret (AKIA…). Remove it and replace the credential: "
             "whoever can read the repository has it."],
            marks=pytest.mark.rule("SYN007", "fires")),
        pytest.param(
            {"posts/a.md": post("Hi <b>you.")},
            ["posts/a.md:4:4: SYN008 error: HTML is not published: <b>. Write it as Markdown, or remove it."],
            marks=pytest.mark.rule("SYN008", "fires")),
        pytest.param(
            {"posts/a.md": post("Hi \u202eyou.")},
            ["posts/a.md:4:4: SYN009 error: An invisible character is here: U+202E. Delete it and type the text "
             "again."],
            marks=pytest.mark.rule("SYN009", "fires")),
        pytest.param(
            {"post/a.md": post(), "discovery.yml": "checked: 2026-10-01\n"},
            ["discovery.yml:1:1: SYN010 warning: Nothing reads this file. Rename it to discovery.yaml.",
             "post/a.md:1:1: SYN010 warning: Nothing reads this file. Move it to posts/, if that is what it is."],
            marks=pytest.mark.rule("SYN010", "fires")),
        pytest.param(
            {"posts/a.md": post("Hi @everyone!")},
            ["posts/a.md:4:4: SYN011 error: This calls everybody at once: @everyone. Name the accounts that are "
             "meant."],
            marks=pytest.mark.rule("SYN011", "fires")),
        pytest.param(
            {"posts/a.md": post("See https://\u043eurs.example/a")},
            ["posts/a.md:4:13: SYN012 warning: The host name \u043eurs.example looks like another: machines read "
             "xn--urs-red.example. Write the name that is meant, or xn--urs-red.example if it is this one."],
            marks=pytest.mark.rule("SYN012", "fires")),
        pytest.param(
            {"posts/a.md": post(front="approved_by: [wern]\ntactic: fix-tips\n")},
            ["posts/a.md:3:15: REF001 error: approved_by: no person 'wern'. Closest: wren.",
             "posts/a.md:4:1: REF001 error: tactic: no tactic 'fix-tips'. Add it to strategy.yaml, or remove it here."],
            marks=pytest.mark.rule("REF001", "fires")),
        pytest.param(
            {"posts/a.md": post(at="after: b + 1d"), "posts/b.md": post(at="after: a + 1d")},
            ["posts/a.md:2:1: REF002 error: posts/a waits for itself through posts/b → posts/a. Give one of them a "
             "time of its own."],
            marks=pytest.mark.rule("REF002", "fires")),
        pytest.param(
            {"pillars.yaml": "pillars: [{id: how-to}]\n", "posts/a.md": post()},
            ["pillars.yaml:1:12: REF004 advice: pillar how-to is unused. Use it or remove it."],
            marks=pytest.mark.rule("REF004", "fires")),
        pytest.param(
            {"media/a.jpg": picture(Probe("png", 20, 20, why="a.jpg is a PNG.", remedy="Rename it to a.png.")),
             "posts/a.md": post(front=PICTURE)},
            ["posts/a.md:3:9: MED001 error: a.jpg is a PNG. Rename it to a.png."],
            marks=pytest.mark.rule("MED001", "fires")),
    ],
)
def test_it_is_told(files: Files, told: list[str], said: Said) -> None:
    """Where the rule fires it says where, what is wrong, and what to do."""
    assert said(files) == told


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"posts/a.md": post("Größe, 工具 und 🔧").encode(), "discovery.yaml": "checked: \n"},
                     id="UTF-8 of any alphabet, and a key without a value",
                     marks=pytest.mark.rule("SYN001", "near")),
        pytest.param({"posts/a.md": post(front="x-Intent: mine\nruns: 3\n", at="every: 4w at 09:30\nfrom: 2027-02-02")},
                     id="a note of one's own, and a whole number",
                     marks=pytest.mark.rule("SYN002", "near")),
        pytest.param({"posts/a.md": post(front="not_before: 2027-02-01 09:30\nnot_after: 2027-02-03 09:30\n")},
                     id="one time and its window",
                     marks=pytest.mark.rule("SYN003", "near")),
        pytest.param({"posts/a.md": post("A todo list, [name](https://ours.example), in XXL.")},
                     id="words that only look like a placeholder",
                     marks=pytest.mark.rule("SYN004", "near")),
        pytest.param({"posts/a.md": post(front="hashtags: [drill]   # one is enough\nlink:\n")},
                     id="a comment behind a value, and a key that is simply empty",
                     marks=pytest.mark.rule("SYN005", "near")),
        pytest.param({"posts/a.md": post("#drill first.\n## on mastodon\nHello ## there.\n## notes\nOurs.")},
                     id="a hashtag, two signs within a line, and sections that are known",
                     marks=pytest.mark.rule("SYN006", "near")),
        pytest.param({"posts/a.md": post(f"Our key is {KEY[:-1]}.")},
                     id="a character short of a key",
                     marks=pytest.mark.rule("SYN007", "near")),
        pytest.param({"posts/a.md": post("2 < 3, a <- b, I <3 you, <https://ours.example>, [x]: no such line")},
                     id="signs that open no tag",
                     marks=pytest.mark.rule("SYN008", "near")),
        pytest.param({"posts/a.md": post("👩\u200d🔧 mends; \U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e"
                                         "\U000e0067\U000e007f too")},
                     id="joiners and tags of emoji that everybody sees",
                     marks=pytest.mark.rule("SYN009", "near")),
        pytest.param({"posts/tips/a.md": post(), "media/read-me.txt": "ours", "engagement/replies/a.md": "Thanks!"},
                     id="files in their places, and one that nobody takes for a post",
                     marks=pytest.mark.rule("SYN010", "near")),
        pytest.param({"posts/a.md": post("Hi @everyones, @here@social.example, @channel.example and me@here")},
                     id="accounts with such names",
                     marks=pytest.mark.rule("SYN011", "near")),
        pytest.param({"posts/a.md": post("See https://bücher.example/\u043eurs")},
                     id="another alphabet behind the host, and a host of one alphabet",
                     marks=pytest.mark.rule("SYN012", "near")),
        pytest.param({"posts/a.md": post(front="approved_by: [wren]\n"), "posts/b.md": post(at="after: a + 1d")},
                     id="names that lead somewhere",
                     marks=pytest.mark.rule("REF001", "near")),
        pytest.param({"posts/a.md": post(at="after: b + 1d"), "posts/b.md": post(at="after: c + 1d"),
                      "posts/c.md": post()},
                     id="a row of followers that begins somewhere",
                     marks=pytest.mark.rule("REF002", "near")),
        pytest.param({"pillars.yaml": "pillars: [{id: how-to}]\n", "posts/a.md": post(front="pillar: how-to\n")},
                     id="used once",
                     marks=pytest.mark.rule("REF004", "near")),
        pytest.param({"media/a.jpg": picture(Probe("jpeg", 20, 20)), "posts/a.md": post(front=PICTURE)},
                     id="what its name says",
                     marks=pytest.mark.rule("MED001", "near")),
    ],
)
def test_nearly_is_not_told(files: Files, said: Said) -> None:
    """One sign or one field away from it, the rule says nothing."""
    assert said(files) == []


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"strategy.yaml": None, "people/team.yaml": None, "networks/channels.yaml": None},
                     id="a file that is not there needs not be read",
                     marks=pytest.mark.rule("SYN001", "missing")),
        pytest.param({"posts/a.md": "---\n---\nHello.\n", "discovery.yaml": ""},
                     id="every key may be left out",
                     marks=pytest.mark.rule("SYN002", "missing")),
        pytest.param({"posts/a.md": "---\nintent: give\n---\nHello.\n"},
                     id="without a time a post takes the next slot",
                     marks=pytest.mark.rule("SYN003", "missing")),
        pytest.param({"posts/a.md": post("", PICTURE), "media/a.jpg": PHOTO},
                     id="without a text the picture is published",
                     marks=pytest.mark.rule("SYN004", "missing")),
        pytest.param({"posts/a.md": post()},
                     id="a key that is not written has no comment behind it",
                     marks=pytest.mark.rule("SYN005", "missing")),
        pytest.param({"posts/a.md": post("Hello.\n\nNo heading at all.")},
                     id="without headings all channels get the text",
                     marks=pytest.mark.rule("SYN006", "missing")),
        pytest.param({"posts/a.md": "", "media/a.jpg": picture(None)},
                     id="nothing is written: nothing can be given away",
                     marks=pytest.mark.rule("SYN007", "missing")),
        pytest.param({"posts/a.md": post("", PICTURE), "media/a.jpg": PHOTO},
                     id="a picture alone holds no HTML",
                     marks=pytest.mark.rule("SYN008", "missing")),
        pytest.param({"posts/a.md": post("", PICTURE), "media/a.jpg": PHOTO},
                     id="a picture alone hides no character",
                     marks=pytest.mark.rule("SYN009", "missing")),
        pytest.param({},
                     id="a folder without posts has none astray",
                     marks=pytest.mark.rule("SYN010", "missing")),
        pytest.param({"posts/a.md": post("", PICTURE), "media/a.jpg": PHOTO},
                     id="a picture alone calls nobody",
                     marks=pytest.mark.rule("SYN011", "missing")),
        pytest.param({"posts/a.md": post("No link here.")},
                     id="without a link there is no host",
                     marks=pytest.mark.rule("SYN012", "missing")),
        pytest.param({"posts/a.md": post(front="approved_by: [wern]\n"), "people/team.yaml": "people: [\n"},
                     id="who is in a team that cannot be read nobody knows",
                     marks=pytest.mark.rule("REF001", "missing")),
        pytest.param({"posts/a.md": post(at="after: b + 1d")},
                     id="who waits for a post that is not there waits for no circle",
                     marks=pytest.mark.rule("REF002", "missing")),
        pytest.param({"pillars.yaml": "pillars: [{id: how-to}]\n", "posts/a.md": "---\npillar: [\n---\nHello.\n"},
                     id="a post that cannot be read may be the one that uses it",
                     marks=pytest.mark.rule("REF004", "missing")),
        pytest.param({"media/a.jpg": picture(None), "posts/a.md": post(front=PICTURE)},
                     id="nobody looked into the file",
                     marks=pytest.mark.rule("MED001", "missing")),
    ],
)
def test_what_is_not_there_is_not_judged(files: Files, said: Said) -> None:
    """Where what the rule looks at is absent, it says nothing: the row says what is right then."""
    assert said(files) == []


# --- REF003: what the archive knows -----------------------------------------------------------------------------------

OLD = frozenset({"posts/old"})


@pytest.mark.rule("REF003", "fires")
def test_a_published_post_without_a_file_is_told(said: Said) -> None:
    """REF003: the archive has it, and no file has its id."""
    assert said({"posts/a.md": post()}, published=OLD) == [
        "content:1:1: REF003 error: posts/old was published; no file has this id now. Keep its id ('id: posts/old') in "
        "the renamed file, or put the file back and set withdraw: true."]


@pytest.mark.parametrize("files", [{"posts/old.md": post()}, {"posts/new.md": post(front="id: old\n")},
                                   {"posts/old.md": "---\nat: [\n---\nHello.\n"}])
@pytest.mark.rule("REF003", "near")
def test_a_published_post_keeps_its_id(files: Files, said: Said) -> None:
    """REF003: by its name, by a pinned id, and also while its file cannot be read."""
    assert said(files, published=OLD) == []


@pytest.mark.rule("REF003", "missing")
def test_what_was_published_is_not_guessed(said: Said) -> None:
    """REF003: where nobody looked into the archive nothing is said; nor of an empty archive."""
    assert said({"posts/a.md": post()}, published=None) == []
    assert said({"posts/a.md": post()}, published=frozenset()) == []
