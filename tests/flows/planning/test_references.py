"""REF: whatever names something else finds it, names are unique, nothing waits for itself, and nothing is told
twice.
"""

from collections.abc import Callable
from typing import Any

import pytest

from flows.planning.preparing import Prepared
from schemas.content import SourceFile

Make = Callable[..., Prepared]
Tell = Callable[..., list[str]]
JPEG = b"\xff\xd8\xff" + b"\0" * 2000


def post(front: str = "", body: str = "Hello.") -> str:
    return f"---\nat: 2027-03-04 09:30\n{front}---\n{body}\n"


CHANNELS = ('channels:\n  - {id: mastodon, network: mastodon, handle: "@us@social.example", slots: ["tue 08:45"]}\n'
            '  - {id: talk, network: mastodon, handle: "@talk@social.example", status: listening}\n')
STRATEGY = ("strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\nown_domains: [ours.example]\n"
            "tactics:\n  - {id: fix-tips}\nsocial_goals:\n  - {id: new-members, text: More}\n")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (
            {"posts/a.md": post("channels: [mastadon]\n")},
            "posts/a.md:3:12: error: channels: no channel 'mastadon'. [REF001] Closest: mastodon.",
        ),
        (
            {"posts/a.md": post("channels: [mastodon, talk]\n"), "networks/channels.yaml": CHANNELS},
            "posts/a.md:3:22: error: channels: talk is listening and takes no posts. [REF001] "
            "Remove talk here, or set status: active in networks/channels.yaml.",
        ),
        (
            {"posts/a.md": post("channels: []\n")},
            "posts/a.md:3:1: error: channels: the list is empty, so the post goes nowhere. [REF001] "
            "Name a channel, or remove the line.",
        ),
        (
            {"posts/a.md": post(), "networks/channels.yaml": "channels: []\n"},
            "posts/a.md:1:1: error: channels: there is no active channel to send this to. [REF001] Add a channel to "
            "networks/channels.yaml.",
        ),
        (
            {"posts/a.md": post("author: ren\n")},
            "posts/a.md:3:1: error: author: no person 'ren'. [REF001] Closest: wren.",
        ),
        (
            {"posts/a.md": post("author: zoe\n")},
            "posts/a.md:3:1: error: author: no person 'zoe'. [REF001] Add it to people/team.yaml, or remove it here.",
        ),
        (
            {"posts/a.md": post("approved_by: [wren, zoe]\n")},
            "posts/a.md:3:21: error: approved_by: no person 'zoe'. [REF001] Add it to people/team.yaml, or remove "
            "it here.",
        ),
        (
            {"posts/a.md": post("tactic: fix-tip\n"), "strategy.yaml": STRATEGY},
            "posts/a.md:3:1: error: tactic: no tactic 'fix-tip'. [REF001] Closest: fix-tips.",
        ),
        (
            {"posts/a.md": post("goal: members\n"), "strategy.yaml": STRATEGY},
            "posts/a.md:3:1: error: goal: no social goal 'members'. [REF001] Closest: new-members.",
        ),
        (
            {"posts/a.md": post("audience: all\n")},
            "posts/a.md:3:1: error: audience: no audience 'all'. [REF001] Add it to audiences/, or remove it here.",
        ),
        (
            {"posts/a.md": post("pillar: how-to\n")},
            "posts/a.md:3:1: error: pillar: no pillar 'how-to'. [REF001] Add it to pillars.yaml, or remove it here.",
        ),
        (
            {"posts/a.md": post("idea: kettle\n")},
            "posts/a.md:3:1: error: idea: no idea 'kettle'. [REF001] Add it to ideas/, or remove it here.",
        ),
        (
            {"people/team.yaml": "people:\n  - {id: wren, backup: odil}\n  - {id: odile}\n"},
            "people/team.yaml:2:16: error: backup: no person 'odil'. [REF001] Closest: odile.",
        ),
        (
            {
                "campaigns/spring/campaign.yaml": "start: 2027-03-02\nmaintenance: {thanks: thanx}\n",
                "campaigns/spring/posts/thanks.md": post(),
            },
            "campaigns/spring/campaign.yaml:2:15: error: thanks: no post 'thanx'. [REF001] "
            "Add it to posts/, or remove it here.",
        ),
        (
            {
                "audiences/flats.yaml": "audience: flats\nevidence:\n  - {id: desk, text: x}\ninsights:\n  - {id: "
                                        "a, text: y, evidence: dessk}\n"
            },
            "audiences/flats.yaml:5:22: error: evidence: no evidence 'dessk'. [REF001] Closest: desk.",
        ),
        (
            {
                "policies/house.md": "---\npolicy: house\nversion: 2\n---\nBe kind.\n",
                "people/team.yaml": "people:\n  - {id: wren}\nacknowledged:\n  house@1: {wren: 2026-11-02}\n  "
                                    "house@3: {wren: 2026-11-02}\n",
            },
            "people/team.yaml:5:3: error: house has no version 3. [REF001] content/policies/house.md says version: 2.",
        ),
        (
            {
                "people/team.yaml": "people:\n  - {id: wren}\nacknowledged:\n  hous@1: {wren: 2026-11-02}\n",
                "policies/house.md": "---\npolicy: house\nversion: 2\n---\nBe kind.\n",
            },
            "people/team.yaml:4:3: error: hous@1: no policy 'hous@1'. [REF001] Closest: house@2.",
        ),
    ],
)
def test_a_name_that_finds_nothing_is_an_error(files: dict[str, Any], said: str, prepared: Make, told: Tell) -> None:
    """REF001 points at the very entry, quotes it, and names the closest id or the file that would hold it."""
    assert told(prepared(files).problems) == [f"content/{said}"]


def test_what_is_found_is_no_problem(prepared: Make, told: Tell) -> None:
    """Near misses: a bare stem, a canonical id, an older version, the same evidence id in two audiences, the
    crisis plan as a policy.
    """
    made = prepared(
        {
            "campaigns/spring/campaign.yaml": "start: 2027-03-02\nmaintenance: {thanks: thanks}\n",
            "campaigns/spring/posts/thanks.md": post(),
            "ideas/kettle.md": "---\nbecame: spring/thanks\n---\nx\n",
            "audiences/flats.yaml": "audience: flats\nevidence: [{id: desk, text: x}]\ninsights: [{id: a, text: y, "
                                    "evidence: desk}]\n",
            "audiences/fixers.yaml": "audience: fixers\nevidence: [{id: desk, text: x}]\ninsights: [{id: a, text: "
                                     "y, evidence: desk}]\n",
            "policies/house.md": "---\npolicy: house\nversion: 2\n---\nBe kind.\n",
            "crisis/plan.yaml": "plan: crisis\nversion: 1\n",
            "people/team.yaml": "people:\n  - {id: wren}\nacknowledged:\n  house@1: {wren: 2026-11-02}\n  house@2: "
                                "{wren: 2026-11-02}\n"
            "  crisis@1: {wren: 2026-11-02}\n",
        }
    )

    assert told(made.problems) == []


def test_a_bare_stem_of_two_posts_names_neither(prepared: Make, told: Tell) -> None:
    """REF001: a stem that two posts have needs its folder in front."""
    made = prepared(
        {"posts/hello.md": post(), "evergreen/hello.md": post("draft: true\n"),
         "ideas/kettle.md": "---\nbecame: hello\n---\nx\n"}
    )

    assert told(made.problems) == [
        "content/ideas/kettle.md:2:1: error: became: no post 'hello'. [REF001] Closest: posts/hello."
    ]


@pytest.mark.parametrize(("files", "said"), [
    ({"posts/x/a.md": post(), "posts/y/a.md": post()},
     ["content/posts/y/a.md:1:1: error: post 'posts/a' stands twice: also in content/posts/x/a.md:1:1. [REF001] "
      "Rename one of the files, or give one an id: of its own."]),
    ({"posts/a.md": post(), "posts/b.md": post("id: a\n")},
     ["content/posts/b.md:3:1: error: post 'posts/a' stands twice: also in content/posts/a.md:1:1. [REF001] "
      "Rename one of the files, or give one an id: of its own."]),
    ({"posts/a.md": post(), "evergreen/b.md": post("id: posts/a\n")},
     ["content/posts/a.md:1:1: error: post 'posts/a' stands twice: also in content/evergreen/b.md:3:1. [REF001] "
      "Rename one of the files, or give one an id: of its own."]),
    ({"posts/x/a.md": post(), "posts/y/a.md": "broken"},
     ["content/posts/y/a.md:1:1: error: post 'posts/a' stands twice: also in content/posts/x/a.md:1:1. [REF001] "
      "Rename one of the files, or give one an id: of its own.",
      "content/posts/y/a.md:1:1: error: cannot be read: it does not begin with front matter. [SYN001] "
      "Begin with a line ---, then for example 'slot: next', then a line ---."]),
    ({"people/team.yaml": "people:\n  - {id: wren}\n  - {id: wren}\n"},
     ["content/people/team.yaml:3:6: error: person 'wren' stands twice: also in content/people/team.yaml:2:6. [REF001] "
      "Give one of them another id."]),
])
def test_an_id_that_stands_twice_is_an_error(
    files: dict[str, Any], said: list[str], prepared: Make, told: Tell
) -> None:
    """REF001 names both places of an id that two files, or two lines, claim; neither post goes out."""
    made = prepared(files)

    assert told(made.problems) == said
    assert made.plan.items == ()


def test_a_channel_that_stands_twice_gets_nothing(prepared: Make, told: Tell) -> None:
    """REF001: while a channel's id means two accounts, its posts wait, and those of others go out."""
    channel = '  - {{id: {}, network: mastodon, handle: "@{}@social.example"}}\n'
    made = prepared(
        {
            "posts/a.md": post(),
            "networks/channels.yaml": "channels:\n"
            + channel.format("us", "a")
            + channel.format("us", "b")
            + channel.format("them", "c"),
        }
    )

    said = "channel 'us' stands twice: also in content/networks/channels.yaml:2:6."
    assert told(made.problems) == [
        f"content/networks/channels.yaml:3:6: error: {said} [REF001] Give one of them another id."
    ]
    assert [str(item.slot) for item in made.plan.items] == ["posts/a@them#1"]
    assert [(str(w.slot), w.why) for w in made.plan.waiting] == [
        ("posts/a@us#1", f"content/networks/channels.yaml:3:6: {said} Give one of them another id.")]


@pytest.mark.parametrize(
    ("path", "front", "said"),
    [
        (
            "posts/Hello World.md",
            "",
            "posts/Hello World.md:1:1: error: 'posts/Hello World' cannot be a post id. [REF001] "
            "Name the file with small letters, digits and single hyphens, for example my-first-post.",
        ),
        (
            f"posts/{'a' * 61}.md",
            "",
            f"posts/{'a' * 61}.md:1:1: error: 'posts/{'a' * 61}' cannot be a post id. [REF001] "
            "Name the file with small letters, digits and single hyphens, for example my-first-post.",
        ),
        (
            "posts/a.md",
            "id: a/b/c\n",
            "posts/a.md:3:1: error: 'a/b/c' cannot be a post id. [REF001] "
            "Write the id with small letters, digits and single hyphens, for example my-first-post.",
        ),
        (
            "posts/a.md",
            "id: ''\n",
            "posts/a.md:3:1: error: 'posts/' cannot be a post id. [REF001] "
            "Write the id with small letters, digits and single hyphens, for example my-first-post.",
        ),
    ],
)
def test_an_id_that_is_no_id_is_an_error(path: str, front: str, said: str, prepared: Make, told: Tell) -> None:
    """REF001 judges the names of files and the ids that are written, and says which of the two to change."""
    assert told(prepared({path: post(front)}).problems) == [f"content/{said}"]


def test_a_renamed_file_keeps_its_id(prepared: Make, told: Tell) -> None:
    """A pinned id survives a rename and a move: the slot is the same, and nothing published has vanished."""
    before = prepared({"posts/hello.md": post()})
    after = prepared({"posts/2027/better-name.md": post("id: hello\n")}, published=frozenset({"posts/hello"}))

    assert told(after.problems) == []
    assert [i.slot for i in after.plan.items] == [i.slot for i in before.plan.items]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            "../../etc/passwd",
            "media: '../../etc/passwd' leads out of the content folder. [REF001] Put the file into media/ and name "
            "it from there.",
        ),
        (
            "/etc/passwd",
            "media: '/etc/passwd' leads out of the content folder. [REF001] Put the file into media/ and name it "
            "from there.",
        ),
        (
            "media\\a.jpg",
            "media: 'media\\a.jpg' leads out of the content folder. [REF001] Put the file into media/ and name it "
            "from there.",
        ),
        ("b.jpg", "media: no media file 'b.jpg'. [REF001] Closest: a.jpg."),
        (
            "nothing-like-it.png",
            "media: no media file 'nothing-like-it.png'. [REF001] Add it to media/, or remove it here.",
        ),
        ("link.jpg", "media: 'media/link.jpg' is a symlink. [REF001] Put the file itself there."),
        (
            "lfs.jpg",
            "media: 'media/lfs.jpg' is a Git LFS pointer, not the file. [REF001] Commit the file itself, without LFS.",
        ),
        ("empty.jpg", "media: 'media/empty.jpg' is empty. [REF001] Save the file again."),
    ],
)
def test_media_that_is_not_there_is_an_error(name: str, said: str, prepared: Make, told: Tell) -> None:
    """REF001 keeps media inside the folder, and refuses links, LFS pointers and empty files; the post waits."""
    made = prepared(
        {
            "posts/a.md": post(f"media: [{{file: '{name}', alt: A drill on a bench}}]\n"),
            "media/a.jpg": JPEG,
            "media/empty.jpg": b"",
            "media/lfs.jpg": b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n",
            "media/link.jpg": SourceFile("media/link.jpg", "0" * 40, 13, "symlink"),
        }
    )

    assert [line for line in told(made.problems) if "/posts/" in line] == [f"content/posts/a.md:3:10: error: {said}"]
    assert made.plan.items == ()


def test_a_nul_in_a_media_name_is_an_error(prepared: Make, told: Tell) -> None:
    """A name with a NUL leads nowhere, and is told as what it is."""
    made = prepared({"posts/a.md": post('media: ["a.jpg\\0.png"]\n'), "media/a.jpg": JPEG})

    assert [line.partition(": error: ")[2][:20] for line in told(made.problems)] == [
        "media: 'a.jpg\x00.png' ",
        "An invisible charact",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "posts/a.jpg",
        "campaigns/spring/a.jpg",
        "campaigns/spring/media/a.jpg",
        "campaigns/spring/posts/a.jpg",
        "media/a.jpg",
        "a.jpg",
    ],
)
def test_media_is_found_beside_the_post_in_its_campaign_and_in_media(path: str, prepared: Make) -> None:
    """A bare name is looked up near the post first; each of these places is one of them."""
    home = "posts/p.md" if path.startswith("posts") else "campaigns/spring/posts/p.md"
    made = prepared({home: post("media: [{file: a.jpg, alt: A drill on a bench}]\n"), path: JPEG})

    assert [[m.file.path for m in p.media] for p in made.content.posts] == [[path]]


def test_library_and_campaign_assets_name_files_that_are_there(prepared: Make, told: Tell) -> None:
    """REF001 covers the media library and a campaign's list of materials."""
    made = prepared({"media/a.jpg": JPEG, "media/library.yaml": "a.jpg: {alt: A drill}\nb.jpg: {alt: A saw}\n",
                     "campaigns/spring/campaign.yaml": "assets: {needed: [a.jpg, c.jpg]}\n"})

    assert told(made.problems) == [
        "content/campaigns/spring/campaign.yaml:1:26: error: needed: no media file 'c.jpg'. [REF001] Closest: a.jpg.",
        "content/media/library.yaml:2:1: error: b.jpg: no media file 'b.jpg'. [REF001] Closest: a.jpg."]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (
            {"a": "a + 1d"},
            [
                "content/posts/a.md:2:1: error: posts/a waits for itself through posts/a. [REF002] Give one of them "
                "a time of its own."
            ],
        ),
        (
            {"a": "c + 1d", "b": "a + 1d", "c": "b + 1d", "d": "a + 1d"},
            [
                "content/posts/a.md:2:1: error: posts/a waits for itself through posts/c → posts/b → posts/a. [REF002] "
                "Give one of them a time of its own."
            ],
        ),
        (
            {"a": "b + 1d", "b": "c + 1d", "c": "b + 1d"},
            [
                "content/posts/b.md:2:1: error: posts/b waits for itself through posts/c → posts/b. [REF002] Give "
                "one of them a time of its own."
            ],
        ),
        ({"a": "b + 1d", "b": "c + 1d"}, []),
    ],
)
def test_posts_that_wait_for_themselves_are_an_error(
    after: dict[str, str], said: list[str], prepared: Make, told: Tell
) -> None:
    """REF002 tells each circle once, with its way round; a chain with an end is none."""
    posts = {f"posts/{stem}.md": f"---\nafter: {target}\n---\nHi, {stem}.\n" for stem, target in after.items()}

    made = prepared({"posts/c.md": post(), **posts})

    assert [line for line in told(made.problems) if "SUP001" not in line] == said


def test_a_long_chain_is_followed_once(prepared: Make, told: Tell) -> None:
    """Two thousand posts, each after the next, are followed in one walk."""
    chain = {f"posts/p{n}.md": f"---\nafter: p{(n + 1) % 2000} + 1d\n---\nHi\n" for n in range(2000)}

    said = [line for line in told(prepared(chain).problems) if "REF002" in line]

    assert len(said) == 1
    assert said[0].startswith(
        "content/posts/p0.md:2:1: error: posts/p0 waits for itself through posts/p1 → posts/p2 → "
    )


def test_a_reference_of_a_relation_is_looked_up(prepared: Make, told: Tell) -> None:
    """REF001 covers `after:` too, at its line."""
    made = prepared({"posts/a.md": "---\nafter: helo + 2d\n---\nHi\n", "posts/hello.md": post()})

    assert [line for line in told(made.problems) if "SUP001" not in line] == [
        "content/posts/a.md:2:1: error: after: no post 'helo'. [REF001] Closest: posts/hello."]


@pytest.mark.parametrize(
    ("published", "said"),
    [
        (
            frozenset({"posts/old", "posts/a"}),
            [
                "content:1:1: error: posts/old was published; no file has this id now. [REF003] "
                "Keep its id ('id: posts/old') in the renamed file, or put the file back and set withdraw: true."
            ],
        ),
        (frozenset({"posts/a"}), []),
        (None, []),
    ],
)
def test_a_published_post_that_is_gone_is_an_error(
    published: frozenset[str] | None, said: list[str], prepared: Make, told: Tell
) -> None:
    """REF003 needs the archive: with it, a vanished id is an error; without it, the rule says nothing."""
    assert told(prepared({"posts/a.md": post()}, published=published).problems) == said


def test_a_published_post_that_cannot_be_read_has_not_vanished(prepared: Make, told: Tell) -> None:
    """REF003 near miss: the file is there and broken; that is its one problem."""
    made = prepared({"posts/a.md": "---\nat: x\n"}, published=frozenset({"posts/a"}))

    assert [line.rpartition("[")[2][:6] for line in told(made.problems)] == ["SYN001"]


def test_what_nothing_uses_is_told_as_advice(prepared: Make, told: Tell) -> None:
    """REF004 lists audiences, pillars, tactics, goals and media that nothing names, and leaves out what is used."""
    files = {
        "strategy.yaml": STRATEGY,
        "pillars.yaml": "pillars:\n  - {id: how-to}\n  - {id: used, audiences: [flats]}\n",
        "audiences/flats.yaml": "audience: flats\n",
        "audiences/alone.yaml": "audience: alone\n",
        "media/a.jpg": JPEG,
        "media/b.jpg": JPEG,
        "media/library.yaml": "a.jpg: {alt: A drill on a bench, credit: us, licence: own}\nb.jpg: {alt: A saw}\n",
        "posts/a.md": post("pillar: used\nmedia: [media/a.jpg]\n"),
    }

    assert told(prepared(files).problems, advice=True) == [
        "content/audiences/alone.yaml:1:1: advice: audience alone is unused. [REF004] Use it or remove it.",
        "content/media/library.yaml:2:1: advice: media file b.jpg is unused. [REF004] Use it or remove it.",
        "content/pillars.yaml:2:6: advice: pillar how-to is unused. [REF004] Use it or remove it.",
        "content/strategy.yaml:6:6: advice: tactic fix-tips is unused. [REF004] Use it or remove it.",
        "content/strategy.yaml:8:6: advice: social goal new-members is unused. [REF004] Use it or remove it."]


@pytest.mark.parametrize(
    "broken",
    [{"networks/channels.yaml": "channels: 1\n"}, {"posts/b.md": "---\naudience: flats\n"}],
    ids=["entry", "post"],
)
def test_what_a_broken_file_may_use_is_not_called_unused(broken: dict[str, str], prepared: Make, told: Tell) -> None:
    """REF004 says nothing while a file that may hold the only use cannot be read."""
    made = prepared({"audiences/flats.yaml": "audience: flats\n", **broken})

    assert [line for line in told(made.problems, advice=True) if "REF004" in line] == []


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (
            "networks/channels.yaml",
            "content/networks/channels.yaml:1:1: error: channels must be a list. [SYN002] Write channels: "
            "[{id: …, network: …}].",
        ),
        ("people/team.yaml", "content/people/team.yaml:1:1: error: people must be a list. [SYN002] Write people: "
         "[{id: …, name: …}]."),
        ("strategy.yaml", "content/strategy.yaml:1:1: error: tactics must be a list. [SYN002] Write tactics: "
         "[{id: …, goals: …}]."),
        (
            "campaigns/spring/campaign.yaml",
            "content/campaigns/spring/campaign.yaml:1:1: error: team must be a list. [SYN002] Write team: [1].",
        ),
        ("pillars.yaml", "content/pillars.yaml:1:1: error: pillars must be a list. [SYN002] Write pillars: "
         "[{id: …, name: …}]."),
        (
            "media/library.yaml",
            "content/media/library.yaml:1:1: error: a.jpg must be keys with values. [SYN002] Write a.jpg: {name: …}.",
        ),
    ],
)
def test_one_broken_file_is_one_problem(path: str, said: str, prepared: Make, told: Tell) -> None:
    """What a file defines is not known while it cannot be read: one problem, no flood, and nothing goes out that
    depends on it.
    """
    files: dict[str, str | bytes] = {
        "strategy.yaml": STRATEGY,
        "people/team.yaml": "people:\n  - {id: wren}\n",
        "pillars.yaml": "pillars: [{id: how-to}]\n",
        "campaigns/spring/campaign.yaml": "owner: wren\nchannels: [mastodon]\ngoals: [{goal: "
                                          "new-members}]\ndefaults: {hashtags: [Mend]}\n",
        "media/a.jpg": JPEG,
        "media/library.yaml": "a.jpg: {alt: A drill on a bench, credit: us, licence: own}\n",
        "policies/house.md": "---\npolicy: house\nversion: 1\nowner: wren\n---\nBe kind.\n",
        "crisis/plan.yaml": "plan: crisis\nversion: 1\nowner: wren\nroles: {decides: [wren]}\n",
    }
    for number in range(3):
        files[f"campaigns/spring/posts/p{number}.md"] = (
            f"---\nat: {{default: 2027-03-04 09:30, mastodon: 2027-03-0{4 + number} 10:00}}\nchannels: [mastodon]\n"
            "tactic: fix-tips\ngoal: new-members\n"
            "author: wren\napproved_by: [wren]\npillar: how-to\nmedia: [a.jpg]\n---\nHello.\n"
            f"## on mastodon\nHi {number}.\n"
        )
    broken = {
        "networks/channels.yaml": "channels: 1\n",
        "people/team.yaml": "people: 1\n",
        "strategy.yaml": "tactics: 1\nstrategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n",
        "campaigns/spring/campaign.yaml": "team: 1\n",
        "pillars.yaml": "pillars: 1\n",
        "media/library.yaml": "a.jpg: 1\n",
    }

    made = prepared({**files, path: broken[path]})

    errors = [line for line in told(made.problems, advice=True) if "[ACC" not in line]
    assert errors == [said]
    depends = path in (
        "strategy.yaml",
        "campaigns/spring/campaign.yaml",
        "media/library.yaml",
        "networks/channels.yaml",
    )
    assert len(made.plan.items) == (0 if depends else 3)
    if depends and path != "networks/channels.yaml":
        place, _, rest = said.partition(": error: ")
        assert {w.why for w in made.plan.waiting} == {f"{place}: {rest.replace(' [SYN002]', '')}"}


def test_several_strategies_are_looked_up_and_suppressed_too(prepared: Make, told: Tell) -> None:
    """A strategy in strategies/ defines tactics; while it cannot be read, references to them are not judged."""
    files = {"strategy.yaml": None, "posts/a.md": post("tactic: fix-tips\n")}

    assert told(prepared({**files, "strategies/mend.yaml": STRATEGY}).problems) == []
    assert told(prepared({**files, "strategies/mend.yaml": "strategy: [\n"}).problems) == [
        "content/strategies/mend.yaml:2:1: error: cannot be read: did not find expected node content. [SYN001] "
        "Close what was opened before, or write a value here."]
