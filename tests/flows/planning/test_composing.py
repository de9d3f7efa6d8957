"""A post becomes what one channel gets: plain words, the link where the channel wants it, hashtags once, media and
comments.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning import composing
from flows.planning.composing import compose, plain, texts_of
from flows.planning.preparing import Prepared
from schemas.ledger import Slot
from schemas.message import Message

Make = Callable[..., Prepared]
JPEG = b"\xff\xd8\xff" + b"\0" * 2000
TAGS = "utm_source=mastodon&utm_medium=social&utm_campaign=always-on&utm_content=p"


@pytest.mark.parametrize(
    ("markdown", "words"),
    [
        ("**b** and __b__", "b and b"),
        ("_i_ and *i*", "i and i"),
        ("***both***", "both"),
        ("**a _b_ c**", "a b c"),
        ("**bold\nover lines**", "bold over lines"),
        ('(**b**), "_i_"!', '(b), "i"!'),
        ("2 * 3 * 4", "2 * 3 * 4"),
        ("snake_case_name", "snake_case_name"),
        ("a*b*c", "a*b*c"),
        ("*.py and *.md", "*.py and *.md"),
        ("** not bold **", "** not bold **"),
        ("\\*kept\\* \\_kept\\_ \\# 1\\. \\\\", "*kept* _kept_ # 1. \\"),
        ("[words](https://x.example/a)", "words https://x.example/a"),
        ("[https://x.example](https://x.example)", "https://x.example"),
        ("[a](https://x.example/w_(b)) c", "a https://x.example/w_(b) c"),
        ("**[a](https://x.example)**", "a https://x.example"),
        ("<https://x.example/a>", "https://x.example/a"),
        ("[a]", "[a]"),
        ("[a] (b)", "[a] (b)"),
        ("[a](mailto:b@x.example)", "[a](mailto:b@x.example)"),
        ("https://x.example/a_b_c/*d*_e_", "https://x.example/a_b_c/*d*_e_"),
        ("see _https://x.example/a_b_ now", "see https://x.example/a_b now"),
        ("**see https://x.example/a_b now**", "see https://x.example/a_b now"),
        ("https://x.example/a\\b", "https://x.example/a\\b"),
        ("one\ntwo", "one two"),
        ("one  \ntwo", "one\ntwo"),
        ("one\\\ntwo", "one\ntwo"),
        ("one\n\ntwo", "one\n\ntwo"),
        ("one\n \n\n\ntwo", "one\n\ntwo"),
        ("- a\n- b\n  more\n* c\n+ d", "• a\n• b more\n• c\n• d"),
        ("list:\n- a\n- b", "list:\n• a\n• b"),
        ("-5 degrees", "-5 degrees"),
        ("1. a\n2. b\n10) c", "1. a\n2. b\n10) c"),
        ("1. a\n٢. b\n²) c", "1. a\n٢. b ²) c"),
        ("steps:\n1. a\n2. b", "steps:\n1. a\n2. b"),
        ("since\n2027. And", "since 2027. And"),
        ("Bänke, 木, 👩‍💻", "Bänke, 木, 👩‍💻"),
        ("", ""),
        ("\n\n", ""),
    ],
)
def test_markdown_becomes_plain_words(markdown: str, words: str) -> None:
    """Emphasis and links become words, lists bullets, single line ends join, addresses and sums stay as they are."""
    assert plain(markdown) == words


@given(
    st.text(
        alphabet=st.characters(
            exclude_categories=("Cc", "Cs", "Co", "Zl", "Zp", "Zs"), exclude_characters='*_\\[]<>-+•"'
        ),
        min_size=1,
        max_size=60,
    )
)
def test_words_without_signs_stay_as_they_are(text: str) -> None:
    """A line without Markdown signs is published letter by letter."""
    assert plain(f"a{text}z") == f"a{text}z"


@given(
    path=st.text(alphabet="abc_*~-./()%=&?#0", max_size=30),
    around=st.sampled_from(["{}", "see {} now", "**b** {} _i_", "_see_ {}", "- {}"]),
)
def test_addresses_are_never_changed(path: str, around: str) -> None:
    """Whatever signs an address holds, it stands in the text byte for byte."""
    url = f"https://x.example/{path}/end"

    assert url in plain(around.format(url))


SIGNS = st.sampled_from(
    [
        "*", "**", "***", "_", "__", "\\", "[", "](", ")", "<", ">", "https://a.b/", "[c](https://a.b/_d_)", "- ", "+ ",
        "1. ", "2) ", "\n", "  \n", "\n\n", "\n \t\n", "\\\n", " ", "e", "f g", "•", "\ue000", "\ue002", "é", "٣. ",
        "²", "\u3000", "#", '"',
    ]
)  # fmt: skip


@settings(max_examples=500)
@given(st.lists(SIGNS, max_size=12).map("".join))
def test_no_sign_is_overlooked(markdown: str) -> None:
    """Looking for signs only where one can stand gives what looking for each of them everywhere gives."""
    blocks = re.split(r"\n(?:[ \t]*\n)+", markdown.strip("\n"))

    assert plain(markdown) == "\n\n".join(filter(None, map(looked_at_everywhere, blocks)))


def looked_at_everywhere(block: str) -> str:
    """A paragraph as networks show it, every line held against every pattern."""
    lines: list[str] = []
    joins = numbered = False
    for raw in block.split("\n"):
        line = raw.rstrip().removesuffix("\\").strip()
        bullet, number = composing._BULLET.fullmatch(line), composing._NUMBERED.fullmatch(line)
        if bullet:
            lines.append(f"• {bullet['text']}")
        elif joins and not (number and (numbered or number["number"] == "1")):
            lines[-1] += f" {line}"
        else:
            lines.append(line)
            numbered = number is not None
        joins = not raw.endswith(("  ", "\\"))
    for at, text in enumerate(lines):
        text = composing._LINK.sub(
            lambda m: m["url"] if m["text"].strip() == m["url"] else f"{m['text']} {m['url']}", text)
        text = composing._URL.sub(composing._aside, composing._AUTOLINK.sub(lambda m: m["url"], text))
        for pattern in (composing._BOTH, composing._BOLD, composing._ITALIC):
            text = pattern.sub(lambda m: m["text"], text)
        lines[at] = composing._ESCAPED.sub(r"\1", text).translate(composing._BACK)
    return "\n".join(lines)


PIECES = ["https://a.b/c", "https://a.b/c", "c", ".", ",", ")", '"', "'", " ", "\n", "/", "?"]


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=8).map("".join),
       st.sampled_from(["https://a.b/c", "https://a.b/c.", "https://a.b/c?"]))
def test_an_address_is_said_when_it_stands_there_whole(text: str, link: str) -> None:
    """An address counts as said where only signs of a sentence stand between it and the next space."""
    goes_on = r"[^\s.,;:!?)\]}'\"]|[.,;:!?)\]}'\"]+[^\s.,;:!?)\]}'\"]"

    assert composing._holds(text, None, link) == bool(re.search(f"{re.escape(link)}(?!{goes_on})", text))


@pytest.mark.parametrize(
    "text",
    [
        "**a " * 60_000,
        "[" * 60_000,
        "*a " * 80_000,
        "_" * 200_000,
        "[a](https://" * 20_000,
        "***a " * 50_000,
        "\\" * 200_000,
        "\n \n" * 60_000,
        "> " * 100_000,
        "a\n" * 200_000,
        "- a\n  b\n" * 60_000,
        "[a](https://x[a](https://y)" * 10_000,
        "https://x*" * 30_000,
    ],
)
def test_hostile_markdown_ends(text: str) -> None:
    """Text made to be slow is rendered all the same (going back and forth, each of these would take minutes)."""
    assert isinstance(plain(text), str)


def folder(front: str, body: str, channel: str = "") -> dict[str, Any]:
    return {
        "posts/p.md": f"---\nat: 2027-03-04 09:30\n{front}---\n{body}\n",
        "media/a.jpg": JPEG,
        "media/b.jpg": JPEG,
        "networks/channels.yaml": f'channels:\n  - '
                                  f'{{id: one, network: mastodon, handle: "@one@social.example"{channel}}}\n'
        '  - {id: two, network: mastodon, handle: "@two@social.example"}\n',
    }


def messages(made: Prepared) -> dict[str, Message]:
    return {slot.channel: message for slot, message in made.messages.items()}


def texts(made: Prepared, channel: str = "one") -> list[tuple[str, str]]:
    return [(part.kind, part.text) for part in messages(made)[channel].parts]


def test_a_message_is_whole(prepared: Make) -> None:
    """Slot, network, account, parts with their places and media, language and limits: everything an adapter needs."""
    files = folder(
        "language: ga\nmedia: [{file: a.jpg, alt: A drill on a bench}]\n",
        "One.\n\n***\n\nTwo.",
        ", limits: {text: 400}",
    )

    message = messages(prepared(files))["one"]

    blob = message.parts[0].media[0].blob
    assert message.model_dump() == {
        "slot": ("posts/p", "one", "1"),
        "network": "mastodon",
        "account": "@one@social.example",
        "card": None,
        "language": "ga",
        "limits": {"text": 400},
        "parts": (
            {
                "kind": "post",
                "text": "One.",
                "place": ("content/posts/p.md", 6, 1),
                "media": (
                    {
                        "file": "media/a.jpg",
                        "blob": blob,
                        "size": 2003,
                        "alt": "A drill on a bench",
                        "place": ("content/posts/p.md", 4, 9),
                        "probe": None,
                        "captions": None,
                        "ai": None,
                    },
                ),
                "markdown": "One.",
            },
            {"kind": "post", "text": "Two.", "media": (), "place": ("content/posts/p.md", 10, 1), "markdown": "Two."},
        ),
        "title": None,
        "warning": None,
        "link": None,
        "hashtags": (),
        "poll": None,
        "disclosure": None,
        "options": {},
        "places": {},
    }


def test_what_only_some_networks_have_is_in_the_message(prepared: Make) -> None:
    """Title, warning, poll, disclosure and options, each with its place; the post's options win over the channel's."""
    head = ("title: Mend it\nwarning: a broken kettle\nlink: https://example.org/k\nhashtags: [Mend, mend, tools]\n"
            "poll: {options: [Yes, No], for: 2d}\ndisclosure: {kind: gifted, party: Pike, label: Ad (gift)}\n"
            "options: {mastodon: {visibility: unlisted, sensitive: true}, one: {visibility: private}}\n")

    made = messages(prepared(folder(head, "**Drills** they _gave_ us.", ", options: {visibility: public, tone: dry}")))

    one = made["one"]
    assert (one.title, one.warning, one.link, one.hashtags) == (
        "Mend it", "a broken kettle", "https://example.org/k", ("Mend", "tools"))
    assert one.poll is not None
    assert (one.poll.options, one.poll.lasts_s) == (("Yes", "No"), 172_800)
    assert one.disclosure == "gifted"
    assert one.options == {"visibility": "private", "tone": "dry", "sensitive": True}
    assert one.parts[0].text == "Ad (gift): Drills they gave us.\n\nhttps://example.org/k\n\n#Mend #tools"
    assert one.parts[0].markdown == "Ad (gift): **Drills** they _gave_ us.\n\n<https://example.org/k>"
    assert {name: place.line for name, place in one.places.items()} == {
        "title": 3, "warning": 4, "hashtags": 6, "options.visibility": 9, "options.sensitive": 9}


def test_a_label_stands_in_front_once(prepared: Make) -> None:
    """`label:` is put in front of the text unless readers see it at the beginning anyway."""
    head = "disclosure: {kind: ad, label: Ad}\n"

    assert texts(prepared(folder(head, "Buy.")), "one") == [("post", "Ad: Buy.")]
    assert texts(prepared(folder(head, "This is an ad. Buy.")), "one") == [("post", "This is an ad. Buy.")]
    assert texts(prepared(folder("disclosure: {kind: ad, label: '#ad'}\n", "Buy.\n***\nNow.")), "one") == [
        ("post", "#ad Buy."), ("post", "Now.")]


def test_a_name_that_is_no_channel_has_no_options(prepared: Make) -> None:
    """SUP003: options under a name that is neither channel nor network are an error with the nearest name."""
    made = prepared(folder("options: {mastodn: {visibility: unlisted}}\n", "Hi."))

    assert [(p.code, p.place.line, p.message, p.remedy) for p in made.problems if p.code == "SUP003"] == [
        ("SUP003", 3, "options: no channel and no network 'mastodn'.", "Did you mean mastodon?")]


@pytest.mark.parametrize(("said", "found"), [
    ("burned-in", None), ("words.vtt", "media/words.vtt"), ("lost.vtt", None)])
def test_captions_go_with_their_film(prepared: Make, said: str, found: str | None) -> None:
    """`captions:` names a file of the folder; a name that leads nowhere is an error in its place."""
    files = folder(f"media: [{{file: f.mp4, alt: A film, captions: {said}}}]\n", "Hi.")
    made = prepared({**files, "media/f.mp4": b"film", "media/words.vtt": b"WEBVTT\n"})

    captions = messages(made)["one"].parts[0].media[0].captions
    assert (captions.file if captions else None) == found
    assert [p.message for p in made.problems if p.code == "REF001"] == (
        ["captions: no media file 'lost.vtt'."] if said == "lost.vtt" else [])


def test_each_channel_gets_its_own_words(prepared: Make) -> None:
    """A section for a channel replaces the default text and thread there, and only there."""
    made = prepared(folder("", "Default.\n***\nMore.\n## on two\nFor two.\n## or\nNever yet.\n## notes\nNever."))

    assert texts(made, "one") == [("post", "Default."), ("post", "More.")]
    assert texts(made, "two") == [("post", "For two.")]


def test_each_channel_gets_its_own_first_comment(prepared: Make) -> None:
    """A first comment for all goes under every post; one for a channel replaces it there."""
    made = prepared(folder("", "Hi.\n## first comment\nFor _all_.\n## first comment on two\nFor two."))

    assert texts(made, "one") == [("post", "Hi."), ("comment", "For all.")]
    assert texts(made, "two") == [("post", "Hi."), ("comment", "For two.")]


def test_each_channel_gets_its_own_media(prepared: Make) -> None:
    """Media goes with the first part, and a file for some channels only goes there."""
    front = "media: [{file: a.jpg, alt: A drill on a bench}, {file: b.jpg, alt: A saw on a wall, channels: [two]}]\n"

    made = prepared(folder(front, "One.\n***\nTwo."))

    assert {c: [[m.name for m in part.media] for part in message.parts] for c, message in messages(made).items()} == {
        "one": [["a.jpg"], []], "two": [["a.jpg", "b.jpg"], []]}


@pytest.mark.parametrize(("front", "body", "text"), [
    ("hashtags: [Mend, FixIt]\n", "Hi.", "Hi.\n\n#Mend #FixIt"),
    ("hashtags: [Mend, FixIt]\n", "Hi #mend.", "Hi #mend.\n\n#FixIt"),
    ("hashtags: [Mend]\n", "Hi #MendingDay.", "Hi #MendingDay.\n\n#Mend"),
    ("hashtags: ['#Mend', mend, '']\n", "Hi.", "Hi.\n\n#Mend"),
    ("hashtags: []\n", "Hi.", "Hi."),
])
def test_hashtags_are_added_once(front: str, body: str, text: str, prepared: Make) -> None:
    """A tag that stands in the text, in whatever case, is not added; a longer one that begins alike does not count."""
    assert texts(prepared(folder(front, body))) == [("post", text)]


def test_hashtags_go_to_the_end_of_a_thread(prepared: Make) -> None:
    """The last part carries the tags; one that stands in an earlier part is not said again."""
    assert texts(prepared(folder("hashtags: [Mend, FixIt]\n", "One #FixIt.\n***\nTwo."))) == [
        ("post", "One #FixIt."),
        ("post", "Two.\n\n#Mend"),
    ]


@pytest.mark.parametrize(("placement", "parts", "card"), [
    ("body", [("post", "Hi.\n\nhttps://x.example/a\n\n#Mend")], None),
    ("card", [("post", "Hi.\n\n#Mend")], "https://x.example/a"),
    ("first_comment", [("post", "Hi.\n\n#Mend"), ("comment", "https://x.example/a")], None),
    ("bio", [("post", "Hi.\n\n#Mend")], None),
])
def test_the_link_goes_where_the_channel_wants_it(
    placement: str, parts: list[tuple[str, str]], card: str | None, prepared: Make
) -> None:
    """In the text before the tags, on a card, in the first comment, or only in the profile."""
    made = prepared(folder("link: https://x.example/a\nhashtags: [Mend]\n", "Hi.", f", link_placement: {placement}"))

    assert (texts(made), messages(made)["one"].card) == (parts, card)


@pytest.mark.parametrize(("body", "text"), [
    ("See https://x.example/a.", "See https://x.example/a."), ("See [it](https://x.example/a)", "See it https://x.example/a"),
    ("(https://x.example/a)!", "(https://x.example/a)!"), ("See https://x.example/ab", "See https://x.example/ab\n\nhttps://x.example/a"),
    ("See https://x.example/a.html", "See https://x.example/a.html\n\nhttps://x.example/a"),
    ("See https://x.example/a?b=c", "See https://x.example/a?b=c\n\nhttps://x.example/a"),
])
def test_a_link_in_the_text_is_not_added_again(body: str, text: str, prepared: Make) -> None:
    """Only the whole address counts as said, not a longer one that begins alike."""
    assert texts(prepared(folder("link: https://x.example/a\n", body))) == [("post", text)]


def test_the_first_comment_holds_the_link_under_its_words(prepared: Make) -> None:
    """A written first comment comes first, the link below it."""
    made = prepared(
        folder(
            "link: https://x.example/a\n",
            "Hi.\n## first comment on one\nDates and booking:",
            ", link_placement: first_comment",
        )
    )

    assert texts(made) == [("post", "Hi."), ("comment", "Dates and booking:\nhttps://x.example/a")]


@pytest.mark.parametrize(
    ("link", "sent"),
    [
        ("https://ours.example/a", f"https://ours.example/a?{TAGS}"),
        ("https://www.ours.example", f"https://www.ours.example?{TAGS}"),
        ("https://OURS.example/A", f"https://OURS.example/A?{TAGS}"),
        ("https://ours.example/a?x=1#top", f"https://ours.example/a?x=1&{TAGS}#top"),
        (
            "https://ours.example/a?q=a%20b+c&flag&e=/&x=ü#a?b",
            f"https://ours.example/a?q=a%20b+c&flag&e=/&x=ü&{TAGS}#a?b",
        ),
        ("https://ours.example/a?", f"https://ours.example/a?{TAGS}"),
        ("https://ours.example/a?x=1&", f"https://ours.example/a?x=1&{TAGS}"),
        (
            "https://ours.example/?utm_source=flyer",
            "https://ours.example/?utm_source=flyer&" + TAGS.replace("utm_source=mastodon&", ""),
        ),
        (
            "https://ours.example/?utm_source=a&utm_medium=b&utm_campaign=c&utm_content=d",
            "https://ours.example/?utm_source=a&utm_medium=b&utm_campaign=c&utm_content=d",
        ),
        ("https://notours.example/a?x=%2F#b", "https://notours.example/a?x=%2F#b"),
        ("https://ours.example.evil.example/", "https://ours.example.evil.example/"),
        ("https://evil.example/?u=https://ours.example/", "https://evil.example/?u=https://ours.example/"),
        ("https://ours.example@evil.example/", "https://ours.example@evil.example/"),
    ],
)
def test_links_to_our_own_pages_are_tagged(link: str, sent: str, prepared: Make) -> None:
    """Only own domains and what lies below them get UTM fields; what is written by hand wins and stays byte for
    byte.
    """
    assert texts(prepared(folder(f"link: '{link}'\n", "Hi."))) == [("post", f"Hi.\n\n{sent}")]


def test_utm_fields_come_from_the_post_and_its_campaign(prepared: Make) -> None:
    """The campaign names itself, the post's own words win, all in lower case and safe in an address."""
    files = {
        "campaigns/spring/campaign.yaml": "start: 2027-03-02\n",
        "campaigns/spring/posts/launch.md": "---\nat: 2027-03-04 09:30\nlink: https://ours.example/\nutm: {medium: "
                                            "Big News, term: A&B}\n---\nHi\n",
    }

    assert texts(prepared(files), "mastodon") == [
        ("post", "Hi\n\nhttps://ours.example/?utm_source=mastodon&utm_medium=big+news&utm_campaign=spring&utm_content=launch&utm_term=a%26b")]


@pytest.mark.parametrize(("front", "channel", "frame", "language"), [
    ("language: ga\n", "fr", "en", "ga"), ("", "fr", "en", "fr"), ("", None, "en", "en"), ("", None, None, None)])
def test_the_language_is_inherited(
    front: str, channel: str | None, frame: str | None, language: str | None, prepared: Make
) -> None:
    """Post before channel before strategy; None when nobody says."""
    made = prepared(
        {
            **folder(front, "Hi.", f", language: {channel}" if channel else ""),
            "strategy.yaml": "strategy: m\nstart: 2026-09-01\ntimezone: UTC\n"
            + (f"language: {frame}\n" if frame else ""),
        }
    )

    assert messages(made)["one"].language == language


def test_a_picture_alone_is_a_message(prepared: Make) -> None:
    """Media without words is one part without text, with tags when there are some; a channel that gets no file
    gets nothing.
    """
    front = "hashtags: [Mend]\nmedia: [{file: a.jpg, alt: A drill on a bench, channels: [one]}]\n"

    made = prepared(folder(front, ""))

    assert (texts(made), texts(made, "two")) == ([("post", "#Mend")], [])


ROTATION = "Mine.\n## on two\nTwo's.\n## or\nAgain.\n***\nAnd more.\n## or\nOnce more.\n## first comment\nAsk us."


@pytest.mark.parametrize(
    ("channel", "turn", "said"),
    [
        ("one", 0, ["Mine.", "Ask us."]),
        ("one", 1, ["Again.", "And more.", "Ask us."]),
        ("one", 2, ["Once more.", "Ask us."]),
        ("one", 3, ["Mine.", "Ask us."]),
        ("one", 301, ["Again.", "And more.", "Ask us."]),
        ("two", 0, ["Two's.", "Ask us."]),
        ("two", 2, ["Once more.", "Ask us."]),
    ],
)
def test_texts_take_turns(channel: str, turn: int, said: list[str], prepared: Make) -> None:
    """A channel's own text goes first, then each `## or` in order, then the first again; the comment with each."""
    content = prepared(folder("", ROTATION)).content
    by_id = {c.id: c for c in content.channels.channels}

    message = compose(content.posts[0], by_id[channel], content, Slot("posts/p", channel, "7"), turn)

    assert ([part.text for part in message.parts], message.slot) == (said, Slot("posts/p", channel, "7"))


def test_the_texts_of_a_channel_are_listed_in_turn(prepared: Make) -> None:
    """Own or default text, then the others with their places; a channel without a first text begins with the others."""
    whole, only = (prepared(folder("", body)).content.posts[0] for body in (ROTATION, "## or\nA.\n## on two\nB."))

    assert [(text.kind, text.parts[0], text.places[0].line) for text in texts_of(whole, "two")] == [
        ("text", "Two's.", 6), ("or", "Again.", 8), ("or", "Once more.", 12)]
    assert [[text.parts[0] for text in texts_of(only, id)] for id in ("one", "two")] == [["A."], ["B.", "A."]]


def test_without_a_turn_the_first_text_goes_out(prepared: Make) -> None:
    """A slot that nobody names is the first run, with the first text."""
    content = prepared(folder("", ROTATION)).content

    message = compose(content.posts[0], content.channels.channels[0], content)

    assert (message.slot, message.parts[0].text) == (Slot("posts/p", "one", "1"), "Mine.")


def test_a_turn_carries_link_tags_and_media(prepared: Make) -> None:
    """Whatever goes out with the first text goes out with the others."""
    front = "link: https://x.example/a\nhashtags: [Mend, FixIt]\nmedia: [{file: a.jpg, alt: A drill on a bench}]\n"
    content = prepared(folder(front, "One.\n## or\nTwo #mend.\n***\nThree.")).content

    message = compose(content.posts[0], content.channels.channels[0], content, turn=1)

    assert [(part.text, [media.name for media in part.media]) for part in message.parts] == [
        ("Two #mend.", ["a.jpg"]), ("Three.\n\nhttps://x.example/a\n\n#FixIt", [])]
