"""LGL001, LGL003, LGL005: advertisements and what a machine made are labelled where people see it, and what people
wrote to us is not locked away.
"""

from collections.abc import Callable
from typing import Any

import pytest

from flows.planning.rules import legal
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
BYTES = b"\xff\xd8\xff" + b"\0" * 2000
THREE = (
    "channels:\n"
    '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
    '  - {id: two, network: mastodon, handle: "@two@social.example"}\n'
    "  - {id: three, network: linkedin}\n"
)


def folder(front: str = "", body: str = "Hello.", **more: str | bytes) -> dict[str, Any]:
    text = f"---\nat: 2027-03-04 09:30\n{front}---\n{body}\n"
    return {"networks/channels.yaml": THREE, "media/a.jpg": BYTES, "posts/a.md": text, **more}


# --- LGL001 -----------------------------------------------------------------------------------------------------------

GIFT = "disclosure: {kind: gifted, party: Pike & Co}\n"
NONE = "This is about a gift (Pike & Co), and no label in the first 125 characters says so."


@pytest.mark.parametrize(
    "body",
    [
        "Ad (gift): Pike & Co gave us these.",
        "**Ad** Pike & Co gave us these.",
        "AD: Pike & Co gave us these.",
        "These are new #ad",
        "These are new #AD",
        "These are new. Gift of Pike & Co.",
        "Advertisement: these are new.",
        "This is a paid partnership with Pike & Co.",
        "x" * 122 + " Ad",
        "[Ad](https://ours.example/" + "x" * 200 + ") Pike & Co gave us these.",
    ],
)
@pytest.mark.rule("LGL001", "near")
def test_a_label_at_the_beginning_is_enough(body: str, judged: Judged) -> None:
    """LGL001: an accepted label among the first 125 characters that readers see."""
    assert judged([legal.LABELLED], folder(GIFT, body)) == []


@pytest.mark.parametrize(
    "body",
    [
        "Pike & Co gave us these.",
        "Added today: Pike & Co gave us these.",
        "An ad hoc gift of Pike & Co.",
        "Thanks to Pike & Co. #sp #collab #partner #ads #adfree",
        "Ad-free fun with Pike & Co. Gift-wrapped.",
        "@Ad gave us these.",
        "x" * 123 + " Ad",
        "Pike & Co gave us these.\n***\nAd",
        "Pike & Co gave us these.\n## first comment\nAd",
    ],
)
@pytest.mark.rule("LGL001", "fires")
def test_what_is_no_label_does_not_count(body: str, judged: Judged, lines: Lines) -> None:
    """LGL001: parts of words, weak labels, small short words and what stands further down label nothing."""
    assert lines(judged([legal.LABELLED], folder(GIFT, body))) == [
        f"posts/a.md:5:1: LGL001 error: {NONE} Start with 'Gift'."
    ]


@pytest.mark.parametrize(
    ("disclosure", "said"),
    [
        ("{kind: ad}", "This is an advertisement, and no label in the first 125 characters says so. Start with 'Ad'."),
        (
            "{kind: affiliate, party: Shop}",
            "This is paid by what people buy (Shop), and no label in the first 125 characters says so. "
            "Start with 'Ad'.",
        ),
        (
            "{kind: employee, label: '#collab'}",
            "This is by somebody who works there, and no label in the first 125 "
            "characters says so. '#collab' is no accepted label. Start with 'Ad'.",
        ),
        (
            "{party: Shop}",
            "This is not independent (Shop), and no label in the first 125 characters says so. Start with 'Ad'.",
        ),
    ],
)
def test_the_remedy_names_a_label(disclosure: str, said: str, judged: Judged, lines: Lines) -> None:
    """LGL001: the remedy names an accepted label to begin with."""
    assert lines(judged([legal.LABELLED], folder(f"disclosure: {disclosure}\n"))) == [
        f"posts/a.md:5:1: LGL001 error: {said}"
    ]


def test_a_label_of_the_front_matter_stands_in_front(judged: Judged, lines: Lines) -> None:
    """LGL001: an accepted `label:` is put in front of the text, and so counts."""
    assert lines(judged([legal.LABELLED], folder("disclosure: {kind: partner, label: Ad (partner)}\n"))) == []


def test_every_text_needs_the_label(judged: Judged, lines: Lines) -> None:
    """LGL001: only the channels whose text lacks the label are stopped."""
    body = "Ad: Pike & Co gave us these.\n## on two, three\nPike & Co gave us these."

    assert lines(judged([legal.LABELLED], folder(GIFT, body))) == [
        f"posts/a.md:7:1: LGL001 error: On three: {NONE} Start with 'Gift'. channel=three",
        f"posts/a.md:7:1: LGL001 error: On two: {NONE} Start with 'Gift'. channel=two",
    ]


def test_alternatives_of_a_repeat_need_the_label_too(judged: Judged, lines: Lines) -> None:
    """LGL001: every wording of a repeat begins with it; a second wording that never goes out does not."""
    body = "Ad: Pike & Co gave us these.\n## or\nPike & Co gave us these."
    repeat = folder(**{"posts/a.md": f"---\nevery: 4w at 09:30\nfrom: 2027-02-01\nruns: 2\n{GIFT}---\n{body}\n"})

    assert lines(judged([legal.LABELLED], repeat)) == [f"posts/a.md:9:1: LGL001 error: {NONE} Start with 'Gift'."]
    assert judged([legal.LABELLED], folder(GIFT, body)) == []


LIBRARY = {"media/library.yaml": "a.jpg: {alt: A drill on a wall, licence: partner, credit: Pike, people: none}\n"}
PARTNER = "The picture is a partner's, and no label in the first 125 characters says so. Start with 'Ad'."


def test_a_partners_picture_needs_the_label(judged: Judged, lines: Lines) -> None:
    """LGL001: where the picture is shown, and only there."""
    everywhere = folder("media: [a.jpg]\n", **LIBRARY)
    on_one = folder("media: [{file: a.jpg, channels: [one]}]\n", **LIBRARY)
    labelled = folder("media: [{file: a.jpg, channels: [one]}]\n", "Hello.\n## on one\nAd: hello.", **LIBRARY)

    assert lines(judged([legal.LABELLED], everywhere)) == [f"posts/a.md:5:1: LGL001 error: {PARTNER}"]
    assert lines(judged([legal.LABELLED], on_one)) == [f"posts/a.md:5:1: LGL001 error: On one: {PARTNER} channel=one"]
    assert judged([legal.LABELLED], labelled) == []


def test_a_picture_alone_cannot_bear_the_label(judged: Judged, lines: Lines) -> None:
    """LGL001: a partner's picture without words is told at the picture."""
    assert lines(judged([legal.LABELLED], folder("media: [a.jpg]\n", "", **LIBRARY))) == [
        "posts/a.md:3:1: LGL001 error: The picture is a partner's, and no text says so. Write a text. Start with 'Ad'."
    ]
    on_one = folder("media: [{file: a.jpg, channels: [one]}]\n", "## on two\nHello.", **LIBRARY)
    assert [problem.channel for problem in judged([legal.LABELLED], on_one)] == ["one"]


@pytest.mark.parametrize(
    ("terms", "body", "many"),
    [
        ("gifted", "With @pike@shops.example, who made it.", 1),
        ("paid", "With @Pike@Shops.example.", 1),
        ("paid", "Ad: with @pike@shops.example.", 0),
        ("none", "With @pike@shops.example.", 0),
        ("gifted", "With @pike@shops.example.org and xx@pike@shops.example", 0),
        ("gifted", "With Pike of shops.example.", 0),
        ("gifted", "Hello.\n## on two\nWith @pike@shops.example", 1),
    ],
)
def test_naming_somebody_who_is_paid_needs_the_label(terms: str, body: str, many: int, judged: Judged) -> None:
    """LGL001: a mention of a paid or gifted person of any campaign, in the text that has it."""
    campaign = f'campaign: mend\ninfluencers: [{{handle: "@pike@shops.example", terms: {terms}}}]\n'
    found = judged([legal.LABELLED], folder("", body, **{"campaigns/mend/campaign.yaml": campaign}))

    assert len(found) == many
    assert {problem.channel for problem in found} <= ({"two"} if "## on two" in body else {None})


@pytest.mark.parametrize(
    ("knob", "body", "many"),
    [
        ("[Anzeige]", "Anzeige: hallo", 0),
        ("[Anzeige]", "Ad: hello", 1),
        ("[Anzeige, '#partner']", "#partner hello", 1),
        ("Werbung", "Werbung: hallo", 0),
        ("[]", "Ad: hello", 1),
        ('[" "]', "Ad: hello", 1),
        ("7", "Ad: hello", 0),
    ],
)
def test_the_labels_are_a_knob(knob: str, body: str, many: int, judged: Judged) -> None:
    """LGL001: rules.yaml says which labels people understand; weak ones stay weak, a number changes nothing."""
    files = folder(GIFT, body, **{"rules.yaml": f"knobs: {{labels: {knob}}}\n"})

    assert len(judged([legal.LABELLED], files)) == many


@pytest.mark.rule("LGL001", "missing")
def test_without_a_connection_no_label_is_needed(judged: Judged) -> None:
    """LGL001: no disclosure, no partner's picture, nobody who is paid; a picture unknown to the library is ours."""
    assert judged([legal.LABELLED], folder("media: [a.jpg]\n", "New drills, with @pike@shops.example.")) == []


# --- LGL003 -----------------------------------------------------------------------------------------------------------

AI = "media: [{file: a.jpg, alt: A drill on a wall, ai: generated}]\n"
SAY = "a.jpg was made by AI, and the text does not say so. Say it is AI-made, in words like 'Picture made with AI'."


@pytest.mark.parametrize(
    "body",
    [
        "AI-made picture of our street in 2080.",
        "Our street in 2080.\n\nPicture made with AI.",
        "Our street in 2080 (AI-generated)",
        "Our street, drawn by an AI",
        "Our street. Created with the help of artificial intelligence.",
        "Our street. AI image.",
        "Our street. #MadeWithAI",
        "Our street. #AIart",
        "Unsere Straße 2080. Bild: KI",
        "Notre rue en 2080, image générée par l’IA.",
    ],
)
@pytest.mark.rule("LGL003", "near")
def test_saying_it_is_made_by_a_machine_is_enough(body: str, judged: Judged) -> None:
    """LGL003: a text that says so, wherever it does."""
    assert judged([legal.MACHINE_MADE], folder(AI, body)) == []


@pytest.mark.parametrize(
    "body",
    ["Our street in 2080.", "What AI means for repair.", "Ai, said Nell. We made it with Aidan.", "Ki and ia", ""],
)
@pytest.mark.rule("LGL003", "fires")
def test_not_saying_it_is_told(body: str, judged: Judged, lines: Lines) -> None:
    """LGL003: talk about machines is no label."""
    assert lines(judged([legal.MACHINE_MADE], folder(AI, body))) == [f"posts/a.md:3:9: LGL003 error: {SAY}"]


@pytest.mark.parametrize(
    ("use", "library", "many"),
    [
        ("{file: a.jpg, ai: edited}", "", 0),
        ("{file: a.jpg, ai: none}", "a.jpg: {ai: generated}\n", 0),
        ("a.jpg", "a.jpg: {ai: generated}\n", 1),
        ("a.jpg", "a.jpg: {ai: generated, people: adults-consented}\n", 1),
        ("a.jpg", "a.jpg: {ai: generated, decorative: true}\n", 0),
        ("{file: a.jpg, decorative: true, ai: generated}", "", 0),
        ("a.jpg", "", 0),
    ],
)
def test_only_what_a_machine_made_is_told(use: str, library: str, many: int, judged: Judged) -> None:
    """LGL003: what the post says of a file wins over the library; what is edited or decorative needs no label."""
    files = folder(f"media: [{use}]\n", **({"media/library.yaml": library} if library else {}))

    assert len(judged([legal.MACHINE_MADE], files)) == many


def test_hashtags_and_own_texts_say_it_where_they_go(judged: Judged, lines: Lines) -> None:
    """LGL003: a hashtag says it everywhere, an own text only on its channel; a second wording must say it as well."""
    own = folder(AI, "Our street.\n## on two\nOur street, made with AI.")
    again = f"---\nevery: 4w at 09:30\nfrom: 2027-02-01\nruns: 2\n{AI}---\nAI-made.\n## or\nOur street.\n"

    assert judged([legal.MACHINE_MADE], folder(f"{AI}hashtags: [MadeWithAI]\n")) == []
    assert lines(judged([legal.MACHINE_MADE], own)) == [
        f"posts/a.md:3:9: LGL003 error: On one: {SAY} channel=one",
        f"posts/a.md:3:9: LGL003 error: On three: {SAY} channel=three",
    ]
    assert lines(judged([legal.MACHINE_MADE], folder(**{"posts/a.md": again}))) == [
        f"posts/a.md:5:9: LGL003 error: {SAY}"
    ]


@pytest.mark.rule("LGL003", "missing")
def test_how_it_was_made_is_not_guessed(judged: Judged) -> None:
    """LGL003: what nobody calls made by AI, in post or library, counts as made by hand."""
    assert judged([legal.MACHINE_MADE], folder("media: [{file: a.jpg, alt: A drill on a wall}]\n")) == []
    assert judged([legal.MACHINE_MADE], folder()) == []


# --- LGL005 -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ("{}", None),
        ("{inbox: 7y}", None),
        ("{lock: governance}", None),
        ("{lock: compliance, inbox: 90d, posts: 7y}", None),
        ("{lock: governance, inbox: 1y}", None),
        ("{lock: governance, inbox: 12mo}", None),
        ("{lock: governance, inbox: 52w}", None),
        ("{lock: governance, inbox: 366d}", None),
        ("{lock: governance, inbox: 13mo}", "29: 13mo beside lock: governance"),
        ("{lock: compliance, inbox: 2y}", "29: 2y beside lock: compliance"),
        ("{lock: governance, inbox: 53w}", "29: 53w beside lock: governance"),
        ("{lock: governance, inbox: 367d}", "29: 367d beside lock: governance"),
        ("{legal_hold: true, inbox: 90d}", None),
        ("{legal_hold: true, inbox: 2y}", "29: 2y beside legal_hold: true"),
    ],
)
def test_inbox_data_is_never_kept_like_a_record(records: str, said: str | None, judged: Judged, lines: Lines) -> None:
    """LGL005: beside what is locked or held, inbox data lives for a year at most."""
    where, _, words = (said or "").partition(": ")

    assert lines(judged([legal.LOCKED], {"rules.yaml": f"profile: guided\nrecords: {records}\n"})) == (
        [
            f"rules.yaml:2:{where}: LGL005 error: Inbox data is never locked: {words} keeps people's messages as if "
            "they were records. Keep them for a year at most, for example inbox: 90d."
        ]
        if said
        else []
    )


@pytest.mark.rule("LGL005", "fires")
def test_a_legal_hold_leaves_the_inbox_out_in_words(judged: Judged, lines: Lines) -> None:
    """LGL005: under a legal hold nothing is deleted, so it must be written how long inbox data lives."""
    assert lines(judged([legal.LOCKED], {"rules.yaml": "records: {legal_hold: true, posts: 7y}\n"})) == [
        "rules.yaml:1:11: LGL005 error: Inbox data is never locked: nothing says how long it lives under this hold. "
        "Write it under records, for example inbox: 90d; then it goes all the same."
    ]


@pytest.mark.parametrize("records", ["{lock: governance, inbox: 366d}", "{legal_hold: true, inbox: 1y}",
                                     "{lock: none, inbox: 7y}"])
@pytest.mark.rule("LGL005", "near")
def test_a_year_is_no_record(records: str, judged: Judged) -> None:
    """LGL005: beside a lock or a hold, a year is the most; without them as long as they like."""
    assert judged([legal.LOCKED], {"rules.yaml": f"records: {records}\n"}) == []


@pytest.mark.rule("LGL005", "missing")
def test_no_rules_lock_nothing(judged: Judged) -> None:
    """LGL005: a folder without rules.yaml keeps everything by the defaults."""
    assert judged([legal.LOCKED], {}) == []


def test_the_sample_is_lawful(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here, though it has a gift, a partner's picture and locked records."""
    assert of_sample(legal.RULES) == []


def test_hostile_texts_end(judged: Judged) -> None:
    """64 kB made to be slow are judged all the same."""
    campaign = 'campaign: mend\ninfluencers: [{handle: "@pike@shops.example", terms: paid}]\n'
    files = folder(f"{GIFT}{AI}", "", **{"campaigns/mend/campaign.yaml": campaign})
    for number, text in enumerate(
        [
            "made " * 12_000,
            "made" + " " * 60_000 + "with",
            "#" * 64_000,
            "@pike@" * 10_000,
            "#a" * 30_000,
            "Ad-" * 20_000,
            "AI " * 20_000,
        ]
    ):
        files[f"posts/h{number}.md"] = f"---\nat: 2027-03-04 09:30\n{GIFT}{AI}---\n{text}\n"

    assert len(judged([legal.LABELLED, legal.MACHINE_MADE], files)) >= 8
