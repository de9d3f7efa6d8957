"""Every file of the folder is read, and every problem of every file is told at once, with its place and a remedy
(SYN).
"""

from collections.abc import Callable, Iterator
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.planning.dividing import hidden, placeholder
from flows.planning.parsing import Unreadable, commented_out, parse_by_events
from flows.planning.preparing import Prepared
from flows.planning.reading import TEXT_BYTES, canonical_id, read
from schemas.content import SourceFile

Make = Callable[..., Prepared]
Tell = Callable[..., list[str]]
AT = "---\nat: 2027-03-04 09:30\n"


def post(front: str = "", body: str = "Hello.") -> str:
    return f"{AT}{front}---\n{body}\n"


def link_to(path: str, kind: Any) -> SourceFile:
    return SourceFile(path, "0" * 40, 0, kind)


@pytest.mark.parametrize(("path", "made"), [
    ("posts/hello.md", ("posts/hello", None, None)),
    ("posts/2027/03/hello.md", ("posts/hello", None, None)),
    ("campaigns/spring/posts/launch.md", ("spring/launch", "spring", None)),
    ("campaigns/spring/posts/week-1/launch.md", ("spring/launch", "spring", None)),
    ("evergreen/screw.md", ("evergreen/screw", None, None)),
    ("evergreen/tips/screw.md", ("evergreen/screw", None, "tips")),
])
def test_paths_give_ids(path: str, made: tuple[str, str | None, str | None]) -> None:
    """The canonical id comes from the folder and the file name; folders between them are for people."""
    assert canonical_id(path) == made


def test_the_smallest_folder_is_clean(prepared: Make, told: Tell) -> None:
    """Three files and a post of two lines: nothing to report, one item."""
    made = prepared({"posts/hello.md": "---\n---\nHello.\n"})

    assert (told(made.problems, advice=True), [str(item.slot) for item in made.plan.items]) == (
        [],
        ["posts/hello@mastodon#1"],
    )


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ("pilar: how-to", "3:1: error: pilar is not known here. [SYN002] Did you mean pillar?"),
        (
            "intent: giv",
            "3:1: error: intent: 'giv' is not known here. [SYN002] Did you mean give? Use one of: give, respond, "
            "inform, ask.",
        ),
        ("draft: yes", "3:1: error: draft: 'yes' is neither true nor false. [SYN002] Write true or false."),
        ("draft:", "3:1: error: draft is empty. [SYN002] Write a value, or remove the line."),
        ("credit: 007", "3:1: error: credit: '007' is not text. [SYN002] Put it in quotes: credit: \"007\"."),
        ("credit: true", "3:1: error: credit: 'true' is not text. [SYN002] Put it in quotes: credit: \"true\"."),
        ("credit: [a]", '3:1: error: credit must be one text. [SYN002] Write credit: "…".'),
        ("hashtags: Mend", "3:1: error: hashtags must be a list. [SYN002] Write hashtags: [Mend]."),
        ("hashtags: [A, 1]", "3:15: error: hashtags: '1' is not text. [SYN002] Put it in quotes: hashtags: \"1\"."),
        ("utm: spring", "3:1: error: utm must be keys with values. [SYN002] Write utm: {source: …, medium: …}."),
        ("utm: {sauce: x}", "3:7: error: sauce is not known here. [SYN002] Did you mean source?"),
        ("media: [{alt: x}]", "3:9: error: file is missing. [SYN002] Add 'file: …' here."),
        ("poll: {options: [a]}", "3:8: error: options must have at least 2 entries. [SYN002] Add entries."),
        ("runs: 0", "3:1: error: runs: '0' must be at least 1. [SYN002] Write a number in that range."),
        ("runs: many", "3:1: error: runs: 'many' is not a whole number. [SYN002] Write a whole number."),
        (
            "until: 2027-13-01",
            "3:1: error: until: '2027-13-01' cannot be used: month must be in 1..12. [SYN002] Write it that way.",
        ),
        (
            "until: 20270301",
            "3:1: error: until: '20270301' cannot be used: a day looks like 2027-03-04. [SYN002] Write it that way.",
        ),
        (
            "not_after: 17",
            "3:1: error: not_after: '17' cannot be used: a time looks like 2027-03-04 09:30, with an offset when it "
            "needs one: "
            "2027-03-04 09:30+01:00. [SYN002] Write it that way.",
        ),
        (
            "not_after: 9999-12-31 23:59-12:00",
            "3:1: error: not_after: '9999-12-31 23:59-12:00' cannot be used: a year is one from 1970 to 2999. "
            "[SYN002] Write it that way.",
        ),
        (
            "grace: 2mo",
            "3:1: error: grace: '2mo' cannot be used: this needs a fixed length: use m, h, d or w, not mo. [SYN002] "
            "Write it that way.",
        ),
        (
            "timezone: Europe/Dublyn",
            "3:1: error: timezone: 'Europe/Dublyn' cannot be used: a time zone is a name of the IANA list, such as "
            "Europe/Dublin. [SYN002] Write it that way.",
        ),
        (
            "link: /evenings",
            "3:1: error: link: '/evenings' cannot be used: an address looks like https://example.org/page, without "
            "spaces. "
            "[SYN002] Write it that way.",
        ),
        (
            "link: 'https://[x'",
            "3:1: error: link: 'https://[x' cannot be used: it is no address (Invalid IPv6 URL). [SYN002] Write it "
            "that way.",
        ),
    ],
)
def test_what_is_not_known_is_an_error(front: str, said: str, prepared: Make, told: Tell) -> None:
    """SYN002 quotes what was written, where it stands, and what could stand there."""
    assert told(prepared({"posts/a.md": post(f"{front}\n")}).problems) == [f"content/posts/a.md:{said}"]


def test_a_key_far_from_all_others_gets_the_list(prepared: Make, told: Tell) -> None:
    """SYN002 without a near name lists what is known there; a very long key is cut."""
    [said] = told(prepared({"posts/a.md": post(f"{'q' * 200}: 1\n")}).problems)

    assert said.startswith(
        f"content/posts/a.md:3:1: error: {'q' * 60} is not known here. [SYN002] Remove it, or begin it with x- to keep "
        "a note. Known: at, slot, after, every, from, until, runs, "
    )


def test_an_entry_without_an_id_is_an_error(prepared: Make, told: Tell) -> None:
    """SYN002 also stands for what an entry cannot do without."""
    assert told(prepared({"people/team.yaml": "people:\n  - name: Wren\n"}).problems) == [
        "content/people/team.yaml:2:5: error: id is missing. [SYN002] Add 'id: …' here."]


def test_own_notes_are_kept_apart(prepared: Make, told: Tell) -> None:
    """Keys that begin with x- are never judged, at any depth."""
    made = prepared({"posts/a.md": post("x-note: {a: [1, {x: 2}]}\nutm: {x-why: 1, source: news}\n"),
                     "people/team.yaml": "x-todo: 1\npeople:\n  - {id: wren, x-desk: 4}\n"})

    assert told(made.problems) == []


@pytest.mark.parametrize(("front", "said"), [
    ("slot: next\n", ["3:1: error: 2 times given: at, slot. [SYN003] Keep one."]),
    ("slot: next\nevery: 4w\n", ["3:1: error: 3 times given: at, slot, every. [SYN003] Keep one."]),
    ("slot:\n", []),
])
def test_two_times_are_an_error(front: str, said: list[str], prepared: Make, told: Tell) -> None:
    """SYN003 counts the times that have a value, and says nothing else about them."""
    made = prepared({"posts/a.md": post(front)})

    assert told(made.problems) == [f"content/posts/a.md:{line}" for line in said]
    assert [waiting.why for waiting in made.plan.waiting] == ["more than one time is given"] * bool(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("---\nslot: next\n---\n", ["4:1: error: Nothing to publish. [SYN004] Write the text below the front matter."]),
        ("---\nslot: next\n---", ["4:1: error: Nothing to publish. [SYN004] Write the text below the front matter."]),
        (
            "---\nslot: next\n---\n\n<!-- x -->\n## notes\nA\n",
            ["4:1: error: Nothing to publish. [SYN004] Write the text below the front matter."],
        ),
        (
            "---\nslot: next\n---\nTODO\n",
            ["4:1: error: A placeholder is left: TODO. [SYN004] Write what it stands for."],
        ),
        (
            "---\nslot: next\nhashtags: [Mend, XX]\n---\nA\n",
            ["3:18: error: A placeholder is left: XX. [SYN004] Write what it stands for."],
        ),
        (
            "---\nslot: next\nlink: https://x.example/{{page}}\n---\n"
            "Bring a kettle that is broken, and mend it with us on Thursday.\n",
            ["3:1: error: A placeholder is left: {{page}}. [SYN004] Write what it stands for."],
        ),
        ("---\nslot: next\ncredit: XX\n---\nA\n", []),
    ],
)
def test_a_post_without_words_is_an_error(text: str, said: list[str], prepared: Make, told: Tell) -> None:
    """SYN004 fires on an empty body and on placeholders in all that readers will see, and not in what they will not."""
    assert told(prepared({"posts/a.md": text}).problems) == [f"content/posts/a.md:{line}" for line in said]


def test_a_picture_needs_no_words(prepared: Make, told: Tell) -> None:
    """SYN004 is silent where an image is what the post says."""
    made = prepared(
        {
            "posts/a.md": "---\nslot: next\nmedia: [{file: a.jpg, alt: A drill on a bench}]\n---\n",
            "media/a.jpg": b"\xff\xd8\xff" * 500,
        }
    )

    assert told(made.problems) == []


@pytest.mark.parametrize(("front", "said"), [
    ("hashtags: #SpringMend\n", ["3:1: warning: hashtags is empty: everything after # is a comment. [SYN005] "
                                 "Write hashtags without #, or put the text in quotes."]),
    ("utm:\n  term: # chisels\n", ["4:3: warning: term is empty: everything after # is a comment. [SYN005] "
                                   "Write hashtags without #, or put the text in quotes."]),
    ("hashtags:\n  - #Mend\n", ["4:4: error: hashtags is empty. [SYN002] Write a value, or remove the line.",
                                "4:4: warning: hashtags is empty: everything after # is a comment. [SYN005] "
                                "Write hashtags without #, or put the text in quotes."]),
    ("hashtags: ['#Mend'] # both\n", []),
    ("credit:\n# nobody\n", []),
])
def test_a_value_lost_behind_a_hash_is_a_warning(front: str, said: list[str], prepared: Make, told: Tell) -> None:
    """SYN005 fires where a # ate the only value of a key or an entry, and not on comments."""
    assert told(prepared({"posts/a.md": post(front)}).problems) == [f"content/posts/a.md:{line}" for line in said]


def test_a_lost_value_in_campaign_defaults_is_seen(prepared: Make, told: Tell) -> None:
    """SYN005 looks into every file, at any depth."""
    assert told(
        prepared({"campaigns/spring/campaign.yaml": "title: Spring\ndefaults:\n  hashtags: #Mend\n"}).problems
    ) == [
        "content/campaigns/spring/campaign.yaml:3:3: warning: hashtags is empty: everything after # is a comment. "
        "[SYN005] "
        "Write hashtags without #, or put the text in quotes."
    ]


def test_headings_are_judged_by_the_channels_there_are(prepared: Make, told: Tell) -> None:
    """SYN006 knows the channels of this folder; and none while their file cannot be read."""
    files = {"posts/a.md": post(body="A\n## on mastodom\nB")}

    assert told(prepared(files).problems) == [
        "content/posts/a.md:5:7: error: No section 'on mastodom'. [SYN006] Use '## on mastodon'."
    ]
    assert told(prepared({**files, "networks/channels.yaml": "channels: 1\n"}).problems) == [
        "content/networks/channels.yaml:1:1: error: channels must be a list. [SYN002] Write channels: "
        "[{id: …, network: …}]."]


KEY = "AKIA" + "ABCDEFGHIJKLMNOP"
TOKEN = "ghp_" + "a1" * 18
SECRET = (
    "This looks like a secret ({}…). [SYN007] Remove it and replace the credential: "
    "whoever can read the repository has it."
)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"posts/a.md": post(body=f"Hi\nour key is {KEY}")}, ["posts/a.md:5:12: error: " + SECRET.format("AKIA")]),
        ({"posts/a.md": post(f"credit: {TOKEN}\n")}, ["posts/a.md:3:9: error: " + SECRET.format("ghp_")]),
        (
            {"posts/a.md": post(f"media: [{{file: a.jpg, alt: {TOKEN}}}]\n"), "media/a.jpg": b"\xff\xd8\xff" * 500},
            ["posts/a.md:3:28: error: " + SECRET.format("ghp_")],
        ),
        (
            {"posts/a.md": post(f"intent: {TOKEN}\n")},
            [
                "posts/a.md:3:1: error: intent: 'ghp_…' is not known here. [SYN002] Use one of: give, respond, "
                "inform, ask.",
                "posts/a.md:3:9: error: " + SECRET.format("ghp_"),
            ],
        ),
        (
            {"posts/a.md": post(f"{TOKEN}: 1\n").replace("\n---\nHello", "\nHello", 1)},
            [
                "posts/a.md:1:1: error: cannot be read: the front matter is not closed. [SYN001] "
                "Put a line --- between the front matter and the text.",
                "posts/a.md:3:1: error: " + SECRET.format("ghp_"),
            ],
        ),
        (
            {"posts/a.md": post(f"channels: [{TOKEN}]\n")},
            [
                "posts/a.md:3:12: error: channels: no channel 'ghp_…'. [REF001] Add it to networks/channels.yaml, "
                "or remove it here.",
                "posts/a.md:3:12: error: " + SECRET.format("ghp_"),
            ],
        ),
        (
            {"posts/a.md": f"---\nat: {TOKEN}\n---\nA\n"},
            [
                "posts/a.md:2:1: error: at: 'ghp_…' is not a time. [SYN002] Write it as YYYY-MM-DD HH:MM.",
                "posts/a.md:2:5: error: " + SECRET.format("ghp_"),
            ],
        ),
        (
            {"people/team.yaml": f"people:\n  - id: wren\n    name: 'token {TOKEN}'\n"},
            ["people/team.yaml:3:18: error: " + SECRET.format("ghp_")],
        ),
        (
            {"people/team.yaml": f"people: [\n# {TOKEN}\n"},
            [
                "people/team.yaml:2:3: error: " + SECRET.format("ghp_"),
                "people/team.yaml:3:1: error: cannot be read: did not find expected node content. [SYN001] "
                "Close what was opened before, or write a value here.",
            ],
        ),
        ({"measures/2027.csv": f"date,metric,channel,value,source\n2027-03-01,clicks,all,1,{KEY}\n"},
         ["measures/2027.csv:2:25: error: " + SECRET.format("AKIA")]),
        ({f"media/{TOKEN}.jpg": b"\xff\xd8"}, [f"media/{TOKEN}.jpg:1:1: error: " + SECRET.format("ghp_")]),
        (
            {"posts/a.md": post(body="password = hunter2hunter2hunter2")},
            ["posts/a.md:4:1: error: " + SECRET.format("pass")],
        ),
    ],
)
def test_secrets_are_found_everywhere_and_never_printed(
    files: dict[str, Any], said: list[str], prepared: Make, told: Tell
) -> None:
    """SYN007 finds a token in text, front matter, alt text, keys, file names and broken files, and no message
    shows it.
    """
    made = prepared(files)

    assert told(made.problems) == [f"content/{line}" for line in said]
    assert not any(TOKEN in waiting.why or KEY in waiting.why for waiting in made.plan.waiting)


@pytest.mark.parametrize(
    "text",
    [
        "Our secret: straightforwardness",
        "The secret = perseverance-and-patience",
        "password: short1",
        "AKIA is a name",
        "ghp_short",
        "See https://x.example/EAAB and mend a kettle with us on the evening of Thursday",
        "Secret: the 12 steps",
        "sk_live_ is how they begin",
    ],
)
def test_near_misses_of_secrets(text: str, prepared: Make, told: Tell) -> None:
    """Words about secrets are no secrets."""
    assert told(prepared({"posts/a.md": post(body=text)}).problems) == []


def test_public_keys_are_no_secrets(prepared: Make, told: Tell) -> None:
    """Those of people/allowed_signers and people/openpgp are meant to be seen; a private one there is not."""
    ssh = "Wren ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPq8H1ziqhRYq4ccRIlDc9BoA0YMuuFL8OTsDvQ7kBqE\n"
    block = "-----BEGIN PGP {} KEY BLOCK-----\n\n" + "mDMEZ0AbCdEfGhIjKlMnOpQrStUvWxYz0123456789+/aBcD\n" * 4
    public = {"people/allowed_signers": ssh, "people/openpgp/Wren.asc": block.format("PUBLIC")}

    assert told(prepared(public).problems) == []
    assert [line.partition(": error: ")[0] for line in told(prepared(
        {"people/openpgp/Wren.asc": block.format("PRIVATE")}).problems)] == ["content/people/openpgp/Wren.asc:1:1"]


def test_html_and_invisible_characters_are_found_in_posts(prepared: Make, told: Tell) -> None:
    """SYN008 and SYN009 stop the post; SYN009 also looks into what YAML's escapes make, in any file."""
    made = prepared({"posts/a.md": post('credit: "pay\\u202eexe"\nhashtags: ["M\\u200bend"]\n', "A <b>b</b>\u2060"),
                     "people/team.yaml": 'people:\n  - {id: wren, name: "W\\u0000"}\n'})

    assert told(made.problems) == [
        "content/people/team.yaml:2:16: error: An invisible character is here: U+0000. [SYN009] Delete it and type "
        "the text again.",
        "content/posts/a.md:3:1: error: An invisible character is here: U+202E. [SYN009] Delete it and type the "
        "text again.",
        "content/posts/a.md:4:12: error: An invisible character is here: U+200B. [SYN009] Delete it and type the "
        "text again.",
        "content/posts/a.md:6:3: error: HTML is not published: <b>. [SYN008] Write it as Markdown, or remove it.",
        "content/posts/a.md:6:7: error: HTML is not published: </b>. [SYN008] Write it as Markdown, or remove it.",
        "content/posts/a.md:6:11: error: An invisible character is here: U+2060. [SYN009] Delete it and type the "
        "text again.",
    ]
    assert made.plan.items == ()


@pytest.mark.parametrize(("path", "remedy"), [
    ("post/hello.md", "Move it to posts/, if that is what it is."),
    ("networks/channel.yaml", "Rename it to networks/channels.yaml, if that is what it is."),
    ("strategies.yaml", "Rename it to strategy.yaml, if that is what it is."),
    ("people/team.yml", "Rename it to people/team.yaml."),
    ("posts/hello.markdown", "Rename it to posts/hello.md."),
    ("posts/hello.MD", "Rename it to posts/hello.md."),
    ("wiki/notes.md", "Posts live in posts/, campaigns/<id>/posts/ and evergreen/."),
    ("README.md", "Posts live in posts/, campaigns/<id>/posts/ and evergreen/."),
    ("campaigns/spring/launch.md", "Posts live in posts/, campaigns/<id>/posts/ and evergreen/."),
])
def test_a_file_that_nobody_reads_is_a_warning(path: str, remedy: str, prepared: Make, told: Tell) -> None:
    """SYN010 says where the file may belong."""
    assert told(prepared({path: "a: 1\n"}).problems) == [
        f"content/{path}:1:1: warning: Nothing reads this file. [SYN010] {remedy}"
    ]


def test_near_misses_of_files_nobody_reads(prepared: Make, told: Tell) -> None:
    """Saved replies, figures, licences and images are not in the way."""
    figures = "date,metric,channel,value,source\n"
    assert told(prepared({"engagement/replies/hello.md": "Hi", "measures/2027.csv": figures,
                          "media/LICENSE.txt": "x", "media/a.jpg": b"\xff\xd8"}).problems) == []


def test_links_and_modules_are_named_and_never_followed(prepared: Make, told: Tell) -> None:
    """Symbolic links and submodules are errors wherever they stand, in place of a post, an entry or a folder."""
    made = prepared(
        {
            "posts/a.md": link_to("posts/a.md", "symlink"),
            "strategy.yaml": link_to("strategy.yaml", "symlink"),
            "ideas": link_to("ideas", "symlink"),
            "vendor/lib": link_to("vendor/lib", "submodule"),
        }
    )

    assert told(made.problems) == [
        "content/ideas:1:1: error: cannot be read: it is a symlink. [SYN001] Put the file itself here.",
        "content/posts/a.md:1:1: error: cannot be read: it is a symlink. [SYN001] Put the file itself here.",
        "content/strategy.yaml:1:1: error: cannot be read: it is a symlink. [SYN001] Put the file itself here.",
        "content/vendor/lib:1:1: error: cannot be read: it is a submodule. [SYN001] Put the file itself here."]


def test_a_huge_post_is_refused_unread(prepared: Make, told: Tell) -> None:
    """A post of 10 MB whose bytes nobody loaded is an error with both sizes; one of exactly the limit is read."""
    made = prepared({"posts/big.md": SourceFile("posts/big.md", "0" * 40, 10_000_000, "file", None),
                     "posts/full.md": post() + "x" * (TEXT_BYTES - len(post()) - 1) + "\n"})

    assert told(made.problems)[0] == (
        "content/posts/big.md:1:1: error: cannot be read: it holds 10,000,000 bytes; a text file may hold "
        "256,000. [SYN001] Keep the text, and move everything else out of the file."
    )
    assert [post.id for post in made.content.posts] == ["posts/full"]


def test_names_that_differ_only_in_capitals_are_errors(prepared: Make, told: Tell) -> None:
    """Two files that some computers cannot tell apart are an error, also for images."""
    made = prepared({"media/A.jpg": b"\xff\xd8", "media/a.jpg": b"\xff\xd8"})

    assert told(made.problems) == [
        "content/media/a.jpg:1:1: error: media/a.jpg and media/A.jpg differ only in capitals. [REF001] "
        "Rename one of them: some computers cannot tell them apart."
    ]


def test_front_matter_that_is_no_mapping_is_an_error(prepared: Make, told: Tell) -> None:
    """A list or a bare word in place of keys is told where it stands."""
    made = prepared(
        {"posts/a.md": "---\n- at: x\n---\nA\n", "posts/b.md": "---\nhello\n---\nA\n", "pillars.yaml": "- how-to\n"}
    )

    assert told(made.problems) == [
        "content/pillars.yaml:1:1: error: This must be keys with values, like 'slot: next'. [SYN002] Write "
        "lines like 'key: value', with a space after the colon.",
        "content/posts/a.md:2:1: error: This must be keys with values, like 'slot: next'. [SYN002] Write "
        "lines like 'key: value', with a space after the colon.",
        "content/posts/b.md:2:1: error: This must be keys with values, like 'slot: next'. [SYN002] Write "
        "lines like 'key: value', with a space after the colon.",
    ]


def test_all_problems_of_all_files_come_at_once(prepared: Make, told: Tell) -> None:
    """One look tells everything: several problems of one post, and those of other files, in the order of files and
    lines.
    """
    made = prepared(
        {
            "posts/a.md": "---\npilar: x\ndraft: yes\nslot: next\nat: 2027-03-04 09:30\n---\nTODO\n## on nobody\n<b>\n",
            "posts/b.md": "no front matter",
            "pillars.yaml": "pillars: [{}]\n",
            "people/team.yaml": "people:\n  - {id: Wren}\n",
        }
    )

    assert told(made.problems) == [
        "content/people/team.yaml:2:6: error: id: 'Wren' cannot be used: an id has 1 to 60 characters: small "
        "letters, digits, single hyphens "
        "between them. [REF001] Write it that way.",
        "content/pillars.yaml:1:11: error: id is missing. [SYN002] Add 'id: …' here.",
        "content/posts/a.md:2:1: error: pilar is not known here. [SYN002] Did you mean pillar?",
        "content/posts/a.md:3:1: error: draft: 'yes' is neither true nor false. [SYN002] Write true or false.",
        "content/posts/a.md:7:1: error: A placeholder is left: TODO. [SYN004] Write what it stands for.",
        "content/posts/a.md:8:7: error: No section 'on nobody'. [SYN006] Use '## on mastodon'.",
        "content/posts/a.md:9:1: error: HTML is not published: <b>. [SYN008] Write it as Markdown, or remove it.",
        "content/posts/b.md:1:1: error: cannot be read: it does not begin with front matter. [SYN001] "
        "Begin with a line ---, then for example 'slot: next', then a line ---.",
    ]


def test_every_problem_of_a_post_stops_that_post_only(prepared: Make) -> None:
    """An error names the post it stops; the other posts go out."""
    made = prepared({"posts/a.md": post(body="TODO"), "posts/b.md": post()})

    assert {p.post for p in made.problems} == {"posts/a"}
    assert [str(item.slot) for item in made.plan.items] == ["posts/b@mastodon#1"]
    assert [waiting.why for waiting in made.plan.waiting] == [
        "content/posts/a.md:4:1: A placeholder is left: TODO. Write what it stands for."
    ]


def test_file_order_changes_nothing(sources: Callable[..., list[SourceFile]]) -> None:
    """The same files in another order are the same Read."""
    files = sources(
        {"posts/b.md": post(), "posts/a.md": post(body="TODO"), "posts/A.md": post(), "pillars.yaml": "pillars: 1\n"}
    )

    assert read(files, "content") == read(reversed(files), "content")


_words = st.sampled_from(
    [
        "at",
        "slot",
        "after",
        "every",
        "channels",
        "media",
        "link",
        "hashtags",
        "utm",
        "poll",
        "id",
        "timezone",
        "not_after",
        "not_before",
        "grace",
        "draft",
        "hold",
        "disclosure",
        "default",
        "mastodon",
        "next",
        "file",
        "alt",
        "x-y",
        "people",
        "defaults",
        "limits",
        "slots",
        "2027-03-04 09:30",
        "2027-03-04",
        "9999-12-31 23:59",
        "0001-01-01 00:00+14:00",
        "2027-03-04 09:30+99:99",
        "99999w",
        "a.jpg",
        "../x",
        "https://ours.example/[",
        "https://ours.example?a=b",
        "true",
        "3",
        "-1",
        "1e99",
        "",
        "tue 08:45",
        "mon",
        "wren",
        "Europe/Dublin",
        "..",
        "\ud7ff",
        "{{x}}",
        "@",
    ]
)
_values = st.recursive(
    _words | st.text(max_size=8) | st.none() | st.integers() | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words, inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    path=st.sampled_from(
        [
            "posts/a.md",
            "posts/x/b.md",
            "evergreen/tips/c.md",
            "campaigns/spring/posts/d.md",
            "strategy.yaml",
            "people/team.yaml",
            "networks/channels.yaml",
            "campaigns/spring/campaign.yaml",
            "evergreen/tips/series.yaml",
            "media/library.yaml",
            "rules.yaml",
            "calendar/blackouts.yaml",
            "crisis/plan.yaml",
            "policies/p.md",
            "ideas/i.md",
            "audiences/a.yaml",
        ]
    ),
    keys=st.lists(_words, max_size=4, unique=True),
    values=st.lists(_values, min_size=4, max_size=4),
    body=st.text(max_size=30),
)
def test_nothing_a_team_can_write_raises(
    path: str, keys: list[str], values: list[Any], body: str, prepared: Make
) -> None:
    """Any keys with any values in any file are read, resolved, placed, composed and judged without an exception."""
    import json

    front = "".join(f"{json.dumps(key)}: {json.dumps(value)}\n" for key, value in zip(keys, values, strict=False))
    files: dict[str, Any] = {
        "campaigns/spring/posts/e.md": "---\nslot: next\n---\nE\n",
        "evergreen/tips/f.md": "---\nslot: next\n---\nF\n",
        "media/a.jpg": b"\xff\xd8\xff",
    }

    made = prepared({**files, path: f"---\n{front}---\n{body}" if path.endswith(".md") else front})

    for problem in made.problems:
        assert problem.message
        assert problem.remedy
        assert problem.place.line >= 1


_ODD_KEYS = st.sampled_from(["link", "alt", "author", "x-note", '"x-more"', "hashtags"])
_ODD_VALUES = st.sampled_from(
    [
        "wren", "TODO", "a XX b", "see {{x}}", "'{{x}}'", "[name]", '"[name]"', "[TODO, b]", "{alt: TODO, x-b: TODO}",
        '"\\u202e"', '"\\x58X"', '"TO\\\n  DO"', '"a\\\n  {{b}}"', "a\u202eb", '"a\u200bb"', "a\u2028b", "a\x85b", "''",
        "\U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f", "\U0001f3f4\U000e0067", "a\u00a0b",
        "# lost", "~", "", "a # b", "a#b", "|\n  TODO", ">\n  see {{a\n  b}}", "a\n  TODO", "- # lost", '"\\0"',
        "\n  - # lost\n  - b", "\n  x-alt: TODO\n  alt: '{{b}}'", "👩\u200d🔧", "\ufeffa",
    ]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(values=st.dictionaries(_ODD_KEYS, _ODD_VALUES, max_size=3))
def test_no_odd_value_is_overlooked(values: dict[str, str]) -> None:
    """However a value is written: what nobody sees in it, what stands for a text, and what a # ate is told, once each.
    """
    front = "".join(f"{key}: {value}\n" for key, value in values.items())
    try:
        parsed = parse_by_events(front, "f.md")
    except Unreadable:
        return
    expected = []
    for keys, value in _leaves(parsed.value or {}):
        if isinstance(value, str):
            expected += ["SYN009" for _ in hidden(value)]
            expected += ["SYN004"] if {"link", "alt", "hashtags"} & set(keys) and placeholder(value) else []
    for key, value in values.items():
        lines = [] if "x-" in key else f"{key}: {value}".split("\n")
        expected += ["SYN005" for line in lines if line.endswith("# lost") and commented_out(line)]

    data = f"---\n{front}---\nHello.\n".encode()
    made = read([SourceFile("posts/a.md", "0" * 40, len(data), "file", data)], "content")

    assert sorted(p.code for p in made.problems if p.code in ("SYN004", "SYN005", "SYN009")) == sorted(expected)


def _leaves(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict):
        for key in value:
            if not key.startswith("x-"):
                yield from _leaves(value[key], (*keys, key))
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, keys)
    else:
        yield keys, value


def test_lines_that_only_yaml_counts_are_no_trouble(prepared: Make, told: Tell) -> None:
    """An empty value below line separators, which YAML counts as lines and nobody else does, is read like any other."""
    made = prepared({"posts/a.md": post("x-note: 'a\u2028\u2028\u2028\u2028\u2028b'\nhold: # lost\n")})

    assert told(made.problems) == [
        "content/posts/a.md:4:1: error: hold is empty. [SYN002] Write a value, or remove the line.",
        "content/posts/a.md:4:1: warning: hold is empty: everything after # is a comment. [SYN005] Write hashtags "
        "without #, or put the text in quotes.",
    ]


def test_many_empty_values_are_read_at_once() -> None:
    """A file of 25,000 lost values is read in time that grows as the file does: seconds, where it took an hour."""
    data = b"---\nhashtags: [a]\n---\nHello.\n"
    lost = b"x:\n" + b"- # lost\n" * 25_000

    started = process_time()
    made = read([SourceFile("posts/a.md", "0" * 40, len(data), "file", data),
                 SourceFile("pillars.yaml", "0" * 40, len(lost), "file", lost)], "content")

    assert [p.code for p in made.problems].count("SYN005") == 25_000
    assert process_time() - started < 20
