"""ACC: what cannot be seen or heard is described, and words can be read aloud."""

from collections.abc import Callable
from typing import Any

import pytest

from flows.planning.rules import access
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
BYTES = b"\xff\xd8\xff" + b"\0" * 2000
TWO = (
    "channels:\n"
    '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
    '  - {id: two, network: mastodon, handle: "@two@social.example"}\n'
)
GOOD = "A wall of drills and saws."


def folder(front: str = "", body: str = "Hello.", **more: str | bytes) -> dict[str, Any]:
    media = {
        f"media/{name}": BYTES for name in ("a.jpg", "b.PNG", "film.mp4", "talk.mp3", "plan.pdf", "my-Tool_wall.jpg")
    }
    return {
        "networks/channels.yaml": TWO,
        **media,
        "posts/a.md": f"---\nat: 2027-03-04 09:30\n{front}---\n{body}\n",
        **more,
    }


# --- ACC001 -----------------------------------------------------------------------------------------------------------

PICTURE = "Write what it shows: alt: here or in media/library.yaml; or decorative: true."
FILM = "Add captions: with the name of their file, or captions: burned-in."
SOUND = "Add transcript: with what is said, or the name of the file that holds it."


@pytest.mark.parametrize(
    ("media", "said"),
    [
        ("[a.jpg]", f"Describe a.jpg for people who cannot see it: no alt text. {PICTURE}"),
        ("[b.PNG]", f"Describe b.PNG for people who cannot see it: no alt text. {PICTURE}"),
        ('[{file: a.jpg, alt: " "}]', f"Describe a.jpg for people who cannot see it: no alt text. {PICTURE}"),
        (f"[{{file: a.jpg, alt: {GOOD}}}]", None),
        ("[{file: a.jpg, decorative: true}]", None),
        ("[film.mp4]", f"Describe film.mp4 for people who cannot hear it: no captions. {FILM}"),
        ("[{file: film.mp4, captions: burned-in}]", None),
        ("[{file: film.mp4, captions: film.vtt}]", None),
        (
            "[{file: film.mp4, decorative: true}]",
            f"Describe film.mp4 for people who cannot hear it: no captions. {FILM}",
        ),
        ("[talk.mp3]", f"Describe talk.mp3 for people who cannot hear it: no transcript. {SOUND}"),
        ("[{file: talk.mp3, transcript: talk.txt}]", None),
        ("[plan.pdf]", None),
    ],
)
def test_what_cannot_be_seen_or_heard_is_described(media: str, said: str | None, judged: Judged, lines: Lines) -> None:
    """ACC001: a picture has alt text or is decorative, a film has captions, a sound has a transcript."""
    assert lines(judged([access.UNDESCRIBED], folder(f"media: {media}\n"))) == (
        [f"posts/a.md:3:9: ACC001 error: {said}"] if said else []
    )


@pytest.mark.parametrize(
    ("library", "use", "many"),
    [
        (f"a.jpg: {{alt: {GOOD}}}\n", "[a.jpg]", 0),
        ('a.jpg: {alt: ""}\n', "[a.jpg]", 1),  # written, and still empty
        ("a.jpg: {decorative: true}\n", "[a.jpg]", 0),
        ("a.jpg: {decorative: true}\n", '[{file: a.jpg, alt: " "}]', 1),  # here it says something, and says nothing
    ],
)
def test_the_library_describes_for_every_post(library: str, use: str, many: int, judged: Judged) -> None:
    """ACC001: what the library says of a file holds for each use that says nothing else."""
    files = folder(f"media: {use}\n", **{"media/library.yaml": library})

    assert len(judged([access.UNDESCRIBED], files)) == many


@pytest.mark.rule("ACC001", "fires")
def test_only_the_channel_that_gets_the_file_is_stopped(judged: Judged, lines: Lines) -> None:
    """ACC001: a picture for one channel stops the post there, and nowhere else."""
    assert lines(judged([access.UNDESCRIBED], folder("media: [{file: a.jpg, channels: [two]}]\n"))) == [
        f"posts/a.md:3:9: ACC001 error: On two: Describe a.jpg for people who cannot see it: no alt text. {PICTURE} "
        "channel=two"
    ]


@pytest.mark.parametrize(
    "media",
    [
        "{file: a.jpg, alt: W}",
        "{file: a.jpg, decorative: true}",
        "{file: film.mp4, captions: burned-in}",
        "{file: talk.mp3, transcript: W}",
    ],
)
@pytest.mark.rule("ACC001", "near")
def test_one_letter_describes(media: str, judged: Judged) -> None:
    """ACC001: how good a description is, another rule judges; here it only has to be there."""
    assert judged([access.UNDESCRIBED], folder(f"media: [{media}]\n")) == []


@pytest.mark.rule("ACC001", "missing")
def test_words_alone_need_no_description(judged: Judged) -> None:
    """ACC001: without media there is nothing to see or to hear; a document is read, not seen."""
    assert judged([access.UNDESCRIBED], folder()) == []
    assert judged([access.UNDESCRIBED], folder("media: [plan.pdf]\n")) == []


# --- ACC002: alt text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("file", "alt", "said"),
    [
        (
            "a.jpg",
            "Image of a drill on a wall",
            "begins 'Image of a drill on…'. Begin with what it shows: that it is an image, is said.",
        ),
        (
            "a.jpg",
            "A photo of Nell",
            "begins 'A photo of Nell…'. Begin with what it shows: that it is an image, is said.",
        ),
        ("a.jpg", "Picture of us", "begins 'Picture of us…'. Begin with what it shows: that it is an image, is said."),
        ("my-Tool_wall.jpg", "my tool wall", "is its file name. Write what it shows."),
        ("my-Tool_wall.jpg", "my-Tool_wall.jpg", "is its file name. Write what it shows."),
        ("a.jpg", "A drill.", "has 8 characters: 'A drill.'. Say in a sentence what it shows."),
        ("a.jpg", "Ten signs.", None),
        ("a.jpg", "工具掛在牆上", None),  # six signs that say as much as twelve letters
        ("a.jpg", "工具", "has 2 characters: '工具'. Say in a sentence what it shows."),
        ("a.jpg", "Photography of birds is hard", None),
        ("a.jpg", "The wall of my tool shop", None),
    ],
)
def test_alt_text_says_what_is_seen(file: str, alt: str, said: str | None, judged: Judged, lines: Lines) -> None:
    """ACC002: an alt text is no caption of the fact that it is an image, no file name, no single word."""
    assert lines(judged([access.HARD_TO_READ], folder(f'media: [{{file: {file}, alt: "{alt}"}}]\n'))) == (
        [f"posts/a.md:3:9: ACC002 warning: The alt text of {file} {said}"] if said else []
    )


@pytest.mark.rule("ACC002", "fires")
def test_the_library_is_named_where_the_alt_text_stands(judged: Judged, lines: Lines) -> None:
    """ACC002: the remedy names the file in which the alt text is."""
    files = folder("media: [a.jpg]\n", **{"media/library.yaml": "a.jpg: {alt: Drills}\n"})

    assert lines(judged([access.HARD_TO_READ], files)) == [
        "posts/a.md:3:9: ACC002 warning: The alt text of a.jpg has 6 characters: 'Drills'. Say in a sentence what it "
        "shows in media/library.yaml."
    ]


# --- ACC002: hashtags -------------------------------------------------------------------------------------------------

ENGLISH = "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\nlanguage: en-IE\n"


@pytest.mark.parametrize(
    ("front", "body", "said"),
    [
        (
            "hashtags: [springmend]\n",
            "Our Spring Mend begins.",
            "4:12|#springmend is read out as one word. Write #SpringMend.",
        ),
        (
            "hashtags: ['#SPRINGMEND']\n",
            "Our spring mend begins.",
            "4:12|#SPRINGMEND is read out as one word. Write #SpringMend.",
        ),
        ("hashtags: [SpringMend]\n", "Our Spring Mend begins.", None),
        ("hashtags: [springmend]\n", "Our Spring begins. To Mend!", None),
        ("hashtags: [springmend]\n", "Hello.", None),  # may be one word for all we know
        ("", "Our spring mend.\n\nSee #springmend.", "6:5|#springmend is read out as one word. Write #SpringMend."),
        ("", "See https://x.example/#springmend and our spring mend", None),
        ("", "Ours: spring_mend. #spring_mend #spring2027", None),
        ("hashtags: [notsolongasasentence]\n", "Hello.", None),  # 20 letters
        (
            "hashtags: [notquitesolongassentences]\n",
            "Hello.",
            "4:12|#notquitesolongassentences is read out as one word. Begin each of its words with a capital.",
        ),
        ("hashtags: [notquitesolongassentences]\nlanguage: de\n", "Hello.", None),
        ("hashtags: [inone]\n", "In one.", None),  # too short to hold two words that matter
    ],
)
def test_hashtags_of_two_words_have_capitals(
    front: str, body: str, said: str | None, judged: Judged, lines: Lines
) -> None:
    """ACC002: a flat hashtag is told where the post itself has its two words, or where no English word is so long."""
    files = folder(front and f"x-note: 1\n{front}", body, **{"strategy.yaml": ENGLISH})
    where, what = said.split("|") if said else ("", "")

    assert lines(judged([access.HARD_TO_READ], files)) == (
        [f"posts/a.md:{where}: ACC002 warning: {what}"] if said else []
    )


def test_a_campaign_title_tells_the_words_of_its_hashtag(judged: Judged, lines: Lines) -> None:
    """ACC002: the two words may stand in the title of the campaign; the tag is told once, inherited or not."""
    files: dict[str, Any] = folder()
    files["campaigns/mend/campaign.yaml"] = "campaign: mend\ntitle: Spring Mend\ndefaults: {hashtags: [springmend]}\n"
    files["campaigns/mend/posts/b.md"] = "---\nat: 2027-03-05 09:30\n---\nHello. #springmend\n"

    assert lines(judged([access.HARD_TO_READ], files)) == [
        "campaigns/mend/posts/b.md:1:1: ACC002 warning: #springmend is read out as one word. Write #SpringMend."
    ]


# --- ACC002: the text -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Nice 👩‍💻 🇮🇪 1️⃣", None),
        ("Nice ☕☕☕", None),
        ("Nice 👩‍💻🇮🇪1️⃣👍🏽", "4:1|More than 3 emoji: 👩‍💻🇮🇪1️⃣👍🏽."),
        ("One 🎉\n***\nTwo 🎉🎉\n***\nThree 🎉🎉🎉🎉🎉", "8:1|More than 3 emoji: 🎉🎉🎉🎉."),
        ("✔ © ↔ → • … ✓ ™ ★ 2 × 3", None),  # signs, not pictures
        ("Done ✔️ ✔️ ✔️ ✔️", "4:1|More than 3 emoji: ✔️✔️✔️✔️."),
        ("日本語、カタカナ。「かな」〜!", None),
        ("🛠🛠🛠🛠", "4:1|More than 3 emoji: 🛠🛠🛠🛠."),
    ],
)
def test_a_few_emoji_are_enough(body: str, said: str | None, judged: Judged, lines: Lines) -> None:
    """ACC002: more than three emoji in one part are told; families, flags and skin tones are one each."""
    where, what = said.split("|") if said else ("", "")
    keep = "Keep the ones that say something: each is read out by its name."

    assert lines(judged([access.HARD_TO_READ], folder("", body))) == (
        [f"posts/a.md:{where}: ACC002 warning: {what} {keep}"] if said else []
    )


@pytest.mark.parametrize(("knob", "many"), [("0", 1), ("1", 1), ("2", 0), ("40", 0), ("-3", 1), ("two", 0)])
def test_how_many_emoji_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """ACC002: rules.yaml says how many emoji are enough; what is no number leaves it at three."""
    files = folder("", "Nice 🎉🎉", **{"rules.yaml": f"knobs: {{emoji_max: {knob}}}\n"})

    assert len(judged([access.HARD_TO_READ], files)) == many


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Get it 𝗳𝗼𝗿 𝗳𝗿𝗲𝗲", "'𝗳𝗼𝗿' only looks like letters|Write for."),
        ("Get it ⓕⓡⓔⓔ", "'ⓕⓡⓔⓔ' only looks like letters|Write free."),
        ("Get it ｆｒｅｅ", "'ｆｒｅｅ' only looks like letters|Write free."),
        ("Get it 𝒻𝓇ℯℯ", "'𝒻𝓇' only looks like letters|Write fr."),
        ("工具 ｆｒｅｅ", None),  # ordinary there
        ("The length 𝑥 of a side", None),
        ("Straße, żółć, Ελλάδα, Москва, 한국어, 日本語", None),
        ("🅰️ and 🅱️", None),
    ],
)
def test_letters_are_written(body: str, said: str | None, judged: Judged, lines: Lines) -> None:
    """ACC002: letters that are drawn with signs of other blocks are told, alphabets are not."""
    what, fix = said.split("|") if said else ("", "")
    column = 8 if body.startswith("Get") else 1

    assert lines(judged([access.HARD_TO_READ], folder("", body))) == (
        [f"posts/a.md:4:{column}: ACC002 warning: {what}: it is read out sign by sign, or not at all. {fix}"]
        if said
        else []
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Hello.\n\nTHIS IS VERY loud, NOW.", "6:1|4 words in capitals."),
        ("DON'T EVER DO this, (NOW)", "4:1|4 words in capitals."),
        ("DIY, USB and LED. A plan B for Mr X", None),
        ("ЭТО ОЧЕНЬ ГРОМКО СЕЙЧАС", "4:1|4 words in capitals."),
        ("Это очень тихо сейчас же", None),
        ("#DIY #USB #LED #PVC @BBC https://x.example/AB/CD/EF-GH ABC", None),
        ("#DIY ONE TWO SIX TEN", "4:6|4 words in capitals."),
        ("ÄÖ ÜÄ ÖÜ ÄÜ", "4:1|4 words in capitals."),
        ("漢字 漢字 漢字 漢字 漢字", None),
        ("A1 B2 C3 D4 E5 2KW", None),
    ],
)
def test_words_are_not_shouted(body: str, said: str | None, judged: Judged, lines: Lines) -> None:
    """ACC002: more than three words in capitals are told; tags, names and addresses are no words."""
    where, what = said.split("|") if said else ("", "")
    small = "Write them small: capitals are harder to read, and may be read out letter by letter."

    assert lines(judged([access.HARD_TO_READ], folder("", body))) == (
        [f"posts/a.md:{where}: ACC002 warning: {what} {small}"] if said else []
    )


def test_a_text_for_one_channel_is_told_for_it(judged: Judged) -> None:
    """ACC002: what stands in a channel's own text concerns that channel; what nobody gets concerns nobody."""
    own = judged([access.HARD_TO_READ], folder("", "Hello.\n## on two\nONE TWO SIX TEN"))
    nobody = judged([access.HARD_TO_READ], folder("channels: [one]\n", "Hello.\n## on two\nONE TWO SIX TEN"))

    assert [(problem.channel, problem.place.line) for problem in own] == [("two", 6)]
    assert nobody == []


@pytest.mark.parametrize(
    ("front", "body"),
    [
        ("media: [{file: a.jpg, alt: Ten signs.}]\n", "Hello."),
        ("hashtags: [SpringMend]\n", "Our spring mend."),
        ("", "Nice 🎉🎉🎉"),
        ("", "The length 𝑥 of a side"),
        ("", "USE THE USB now."),
    ],
)
@pytest.mark.rule("ACC002", "near")
def test_what_can_just_be_read_aloud_is_not_told(front: str, body: str, judged: Judged) -> None:
    """ACC002: ten characters, a capital for each word, three emoji, one sign of a formula, three words in capitals."""
    assert judged([access.HARD_TO_READ], folder(front, body)) == []


@pytest.mark.rule("ACC002", "missing")
def test_what_is_not_written_cannot_be_hard_to_read(judged: Judged) -> None:
    """ACC002: an alt text that is missing is told by ACC001; without words and hashtags there is nothing to read."""
    assert judged([access.HARD_TO_READ], folder("media: [a.jpg]\n", "")) == []


@pytest.mark.parametrize(
    "text",
    [
        "\U0001f1e6" * 16_000,
        "#springmend " * 5_000 + "spring mend",
        "𝗳" * 16_000,
        "A" * 64_000,
        "AB " * 21_000,
        "👩‍" * 8_000,
        "\u0300" * 30_000 + "🎉",
    ],
)
def test_hostile_texts_end(text: str, judged: Judged) -> None:
    """64 kB made to be slow are judged all the same, and told a few times at most."""
    assert len(judged([access.HARD_TO_READ], folder("", text))) <= 3


def test_the_sample_can_be_read_by_all(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here."""
    assert of_sample(access.RULES) == []
