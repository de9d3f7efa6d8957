"""What a post leaves out it inherits: from its campaign or series, its tactic, its channel, the strategy, in that
order.
"""

from collections.abc import Callable
from typing import Any

import pytest

import publishers
from flows.planning.preparing import Prepared

Make = Callable[..., Prepared]
Tell = Callable[..., list[str]]
JPEG = b"\xff\xd8\xff" + b"\0" * 2000
CHANNELS = "channels:\n" + "".join(
    f'  - {{id: {id}, network: {network}, handle: "@us@social.example"{more}}}\n'
    for id, network, more in (
        ("first", "mastodon", ""),
        ("second", "mastodon", ""),
        ("pictures", "instagram", ""),
        ("old", "mastodon", ", status: retired"),
    )
)


def post(front: str = "", body: str = "Hello.") -> str:
    return f"---\n{front}---\n{body}\n"


def where(made: Prepared, id: str) -> list[str]:
    return next([channel.id for channel in p.channels] for p in made.content.posts if p.id == id)


@pytest.mark.parametrize(
    ("files", "channels"),
    [
        ({"posts/a.md": post()}, ["first", "second"]),
        ({"posts/a.md": post("media: [{file: a.jpg, alt: A drill on a bench}]\n")}, ["first", "second", "pictures"]),
        ({"posts/a.md": post("channels: [second, first]\n")}, ["first", "second"]),
        ({"posts/a.md": post("tactic: t\n"), "strategy.yaml": "tactics: [{id: t, channels: [second]}]\n"}, ["second"]),
        (
            {
                "posts/a.md": post("tactic: t\nchannels: [first]\n"),
                "strategy.yaml": "tactics: [{id: t, channels: [second]}]\n",
            },
            ["first"],
        ),
        ({"campaigns/c/posts/a.md": post(), "campaigns/c/campaign.yaml": "channels: [second]\n"}, ["second"]),
        (
            {
                "campaigns/c/posts/a.md": post(),
                "campaigns/c/campaign.yaml": "channels: [second]\ndefaults: {channels: [first]}\n",
            },
            ["first"],
        ),
        (
            {
                "campaigns/c/posts/a.md": post("tactic: t\n"),
                "campaigns/c/campaign.yaml": "channels: [first]\n",
                "strategy.yaml": "tactics: [{id: t, channels: [second]}]\n",
            },
            ["first"],
        ),
        (
            {
                "campaigns/c/posts/a.md": post(),
                "campaigns/c/campaign.yaml": "campaign: another-id\nchannels: [second]\n",
            },
            ["second"],
        ),
        ({"evergreen/s/a.md": post(), "evergreen/s/series.yaml": "channels: [second]\n"}, ["second"]),
        (
            {
                "evergreen/s/a.md": post(),
                "evergreen/s/series.yaml": "channels: [second]\ndefaults: {channels: [first]}\n",
            },
            ["first"],
        ),
    ],
)
def test_a_post_goes_where_it_says_or_where_it_inherits(
    files: dict[str, str], channels: list[str], prepared: Make
) -> None:
    """Post before campaign or series before tactic before every active channel that takes its form, in
    channels.yaml's order.
    """
    frame = "strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n"
    made = prepared(
        {
            "networks/channels.yaml": CHANNELS,
            "media/a.jpg": JPEG,
            **files,
            "strategy.yaml": frame + files.get("strategy.yaml", ""),
        }
    )

    [only] = made.content.posts
    assert [channel.id for channel in only.channels] == channels


def test_a_campaign_without_a_living_channel_is_an_error(prepared: Make, told: Tell) -> None:
    """REF001: a post whose inherited channels are all retired is told, and never goes elsewhere."""
    made = prepared(
        {
            "networks/channels.yaml": CHANNELS,
            "campaigns/c/posts/a.md": post(),
            "campaigns/c/campaign.yaml": "channels: [old]\n",
        }
    )

    assert [line for line in told(made.problems) if "SUP001" not in line] == [
        "content/campaigns/c/posts/a.md:1:1: error: channels: there is no active channel to send this to. [REF001] "
        "Name an active one here."
    ]
    assert where(made, "c/a") == []


def test_every_field_of_the_defaults_is_inherited(prepared: Make) -> None:
    """A campaign's defaults fill what a post leaves out, also holds, windows and times; an id is never inherited."""
    made = prepared(
        {
            "campaigns/c/campaign.yaml": "defaults: {hashtags: [Mend], intent: inform, link: "
                                         "'https://ours.example/', language: ga, grace: 1h, "
            "timezone: Europe/Paris, utm: {term: x}, hold: legal check, at: '2027-03-04 09:30', id: nope, "
            "media: [{file: a.jpg, alt: A drill on a bench}]}\n",
            "media/a.jpg": JPEG,
            "campaigns/c/posts/a.md": post(),
            "campaigns/c/posts/b.md": post(
                "hashtags: []\nintent: ask\nlink: https://other.example/\nlanguage: en\ngrace: 4h\nslot: next\n"
                "timezone: Europe/Dublin\nutm: {source: y}\nmedia: []\n"
            ),
        }
    )

    a, b = made.content.posts
    assert (
        a.id,
        a.hashtags,
        a.intent,
        a.link,
        a.language,
        a.grace,
        a.timezone,
        a.utm["term"],
        len(a.media),
        a.post.head.at,
        a.post.head.id,
    ) == (
        *("c/a", ("Mend",), "inform", "https://ours.example/", "ga", "1h", "Europe/Paris", "x", 1, "2027-03-04 09:30"),
        None,
    )
    assert (
        b.id,
        b.hashtags,
        b.intent,
        b.link,
        b.language,
        b.grace,
        b.timezone,
        b.utm["source"],
        len(b.media),
        b.post.head.at,
    ) == ("c/b", (), "ask", "https://other.example/", "en", "4h", "Europe/Dublin", "y", 0, None)
    assert {w.why for w in made.plan.waiting} == {"held by its author: legal check"}


def test_a_draft_by_default_is_no_post(prepared: Make) -> None:
    """draft: true in a campaign's defaults keeps its posts back, but for one that says draft: false."""
    made = prepared({"campaigns/c/campaign.yaml": "defaults: {draft: true}\n", "campaigns/c/posts/a.md": post(),
                     "campaigns/c/posts/b.md": post("draft: false\n"), "posts/d.md": post("draft: true\n")})

    assert ([p.id for p in made.content.posts], [p.id for p in made.content.drafts]) == (["c/b"], ["c/a", "posts/d"])


@pytest.mark.parametrize(("front", "strategy", "intent"), [
    ("", "", "give"), ("tactic: t\n", "tactics: [{id: t, intent: ask}]\n", "ask"),
    ("tactic: t\nintent: inform\n", "tactics: [{id: t, intent: ask}]\n", "inform"),
])
def test_the_intent_is_give_unless_said(front: str, strategy: str, intent: str, prepared: Make) -> None:
    """Post before tactic before the built-in default."""
    made = prepared(
        {"posts/a.md": post(front), "strategy.yaml": "strategy: m\nstart: 2026-09-01\ntimezone: UTC\n" + strategy}
    )

    assert [p.intent for p in made.content.posts] == [intent]


@pytest.mark.parametrize(("use", "library", "alt"), [
    ("a.jpg", "a.jpg: {alt: From the library}\n", "From the library"),
    ("media/a.jpg", "a.jpg: {alt: From the library}\n", "From the library"),
    ("{file: a.jpg, alt: From the post}", "a.jpg: {alt: From the library}\n", "From the post"),
    ("{file: a.jpg, decorative: true}", "a.jpg: {alt: From the library}\n", ""),
    ("a.jpg", "a.jpg: {decorative: true}\n", ""),
    ("{file: a.jpg, alt: From the post}", "a.jpg: {decorative: true}\n", "From the post"),
    ("a.jpg", "", None),
])
def test_alt_text_comes_from_the_post_then_from_the_library(
    use: str, library: str, alt: str | None, prepared: Make
) -> None:
    """What the post says of a file wins over what is true of it everywhere; nothing said is told apart from
    decorative.
    """
    made = prepared({"posts/a.md": post(f"media: [{use}]\n"), "media/a.jpg": JPEG, "media/library.yaml": library})

    assert [m.alt for p in made.content.posts for m in p.media] == [alt]


def test_the_library_describes_a_file_beside_the_post(prepared: Make) -> None:
    """A file that lies beside its post is known to the library by the name the post writes."""
    made = prepared(
        {"posts/p.md": post("media: [b.jpg]\n"), "posts/b.jpg": JPEG, "media/library.yaml": "b.jpg: {alt: A saw}\n"}
    )

    assert [(m.file.path, m.alt) for p in made.content.posts for m in p.media] == [("posts/b.jpg", "A saw")]


@pytest.mark.parametrize(
    ("channel", "said"),
    [
        (
            "{id: c, network: hashnode}",
            [
                "2:13: warning: hashnode is not supported yet: posts for c wait. [SUP001] "
                "Nothing to do; supported so far: {ALL}."
            ],
        ),
        (
            "{id: c, network: facebook}",
            [
                "2:13: warning: facebook is not supported yet: posts for c wait. [SUP001] "
                "Did you mean facebook_page? Otherwise nothing to do; supported so far: {ALL}."
            ],
        ),
        (
            "{id: c, network: Mastodon}",
            [
                "2:13: warning: Mastodon is not supported yet: posts for c wait. [SUP001] "
                "Did you mean mastodon? Otherwise nothing to do; supported so far: {ALL}."
            ],
        ),
        (
            "{id: c, network: mastadon}",
            [
                "2:13: warning: mastadon is not supported yet: posts for c wait. [SUP001] "
                "Did you mean mastodon? Otherwise nothing to do; supported so far: {ALL}."
            ],
        ),
        ("{id: c, network: hashnode, status: retired}", []),
        ("{id: c, network: x}", []),
    ],
)
def test_a_network_of_a_later_day_is_said_once(channel: str, said: list[str], prepared: Make, told: Tell) -> None:
    """SUP001 is a warning at the channel, with the network that may have been meant; posts for it wait, others go
    out.
    """
    made: Any = prepared({"networks/channels.yaml": f"channels:\n  - {channel}\n"})

    assert told(made.problems) == [
        f"content/networks/channels.yaml:{line.replace('{ALL}', ', '.join(publishers.available()))}" for line in said]
