"""INT004, INT007: what reads like an ask is marked as one, and we speak of our own success now and then at most."""

from collections.abc import Callable
from typing import Any

import pytest

from flows.planning.rules.begging import ABOUT_US, HIDDEN_ASK
from schemas.ledger import Slot
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
TWO = (
    "channels:\n"
    '  - {id: one, network: mastodon, handle: "@one@social.example"}\n'
    '  - {id: two, network: mastodon, handle: "@two@social.example"}\n'
)
CAMPAIGN = "campaign: mend\nstart: 2027-03-02\nend: 2027-04-12\noffer: {url: %s}\n"
OFFER = "https://ours.example/mend"


def post(body: str, front: str = "", at: str = "2027-03-04 09:30") -> str:
    return f"---\nat: {at}\n{front}---\n{body}\n"


def folder(body: str, front: str = "", **more: str) -> dict[str, Any]:
    return {"networks/channels.yaml": TWO, "posts/a.md": post(body, front), **more}


# --- INT004 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("INT004", "fires")
@pytest.mark.parametrize("intent", ["give", "inform", "respond"])
def test_a_text_that_asks_is_an_ask(intent: str, judged: Judged, lines: Lines) -> None:
    """INT004: the phrase is told with its place, whatever else the post is."""
    found = judged([HIDDEN_ASK], folder("Flat back first.\n\nThen 25 degrees. Sign up!", f"intent: {intent}\n"))

    assert lines(found) == [
        "posts/a.md:7:18: INT004 warning: Reads like an ask: 'Sign up'. Set intent: ask, or drop 'Sign up'."
    ]
    assert [problem.post for problem in found] == ["posts/a"]


@pytest.mark.rule("INT004", "near")
@pytest.mark.parametrize(
    ("front", "body"),
    [
        ("intent: ask\n", "Sign up!"),
        ("", "Bring one broken thing or just come and watch."),
        ("", "Which of the five should we film first?"),
        ("", "Join the two halves with glue; the vote was close. People buy a drill and use it once."),
        ("", "Hello.\n## notes\nSign up!"),
        ("channels: [one]\n", "Hello.\n## on two\nSign up!"),  # which nobody gets
    ],
)
def test_what_does_not_ask_is_none(front: str, body: str, judged: Judged) -> None:
    """INT004: asks may ask, and the words of an ask in another sense are none, nor is what nobody reads."""
    assert judged([HIDDEN_ASK], folder(body, front)) == []


@pytest.mark.rule("INT004", "missing")
def test_a_post_without_text_asks_for_nothing(judged: Judged) -> None:
    """INT004: a picture alone has no phrase."""
    assert judged([HIDDEN_ASK], folder("", "media: [a.jpg]\n")) == []


def test_each_text_is_heard(judged: Judged, lines: Lines) -> None:
    """INT004: threads, comments and texts of one channel too; the first phrase of each."""
    body = "Hello.\n***\nJoin us, then sign up.\n## on two\nHello.\n## first comment\nPlease donate."

    assert lines(judged([HIDDEN_ASK], folder(body))) == [
        "posts/a.md:6:1: INT004 warning: Reads like an ask: 'Join us'. Set intent: ask, or drop 'Join us'. channel=one",
        "posts/a.md:10:8: INT004 warning: Reads like an ask: 'donate'. Set intent: ask, or drop 'donate'.",
    ]


@pytest.mark.parametrize(
    ("post_says", "channel_says", "strategy_says", "body", "many"),
    [
        ("", "", "", "Join us.", 1),
        ("", "", "", "Werde Mitglied.", 0),
        ("", "", "de-AT", "Werde Mitglied.", 1),
        ("", "", "de", "Join us.", 0),
        ("", "de", "en", "Werde Mitglied.", 1),
        ("", "de", "en", "Join us.", 0),
        ("en", "de", "de", "Join us.", 1),
        ("de", "en", "en", "Werde Mitglied.", 1),
        ("cy", "en", "en", "Join us.", 0),  # nobody knows what it means there
    ],
)
def test_it_is_heard_in_the_language_of_the_text(
    post_says: str, channel_says: str, strategy_says: str, body: str, many: int, judged: Judged
) -> None:
    """INT004: the post's language, else the channel's, else the strategy's; English where nobody says."""
    language = f"language: {strategy_says}\n" if strategy_says else ""
    files = {
        "strategy.yaml": f"strategy: mend\nstart: 2026-09-01\ntimezone: Europe/Dublin\n{language}",
        "networks/channels.yaml": "channels:\n  - {id: one, network: mastodon"
                                  f"{f', language: {channel_says}' if channel_says else ''}}}\n",
        "posts/a.md": post(body, f"language: {post_says}\n" if post_says else ""),
    }

    assert len(judged([HIDDEN_ASK], files)) == many


def test_of_several_strategies_the_campaigns_own_counts(judged: Judged) -> None:
    """INT004: a campaign speaks the language of its strategy, even where another stands first."""
    frame = "strategy: {}\nstart: 2026-09-01\ntimezone: Europe/Dublin\nlanguage: {}\n"
    files = {
        "strategy.yaml": None,
        "strategies/a.yaml": frame.format("a", "en"),
        "strategies/b.yaml": frame.format("b", "de"),
        "campaigns/mend/campaign.yaml": "campaign: mend\nstrategy: b\nstart: 2027-03-02\nend: 2027-04-12\n",
        "campaigns/mend/posts/a.md": post("Werde Mitglied. Join us."),
        "posts/b.md": post("Werde Mitglied. Join us."),
    }

    assert [problem.message for problem in judged([HIDDEN_ASK], files)] == [
        "Reads like an ask: 'Werde Mitglied'.", "Reads like an ask: 'Join us'."]


@pytest.mark.parametrize(
    ("knob", "body", "many"),
    [
        ("[mitmachen]", "Willst du mitmachen?", 1),
        ("mitmachen", "Willst du mitmachen?", 1),
        ("[mitmachen]", "Join us.", 0),
        ("[vote]", "The vote was close.", 1),  # wherever it stands: the content says so
        ("[]", "Join us.", 0),
        ("7", "Join us.", 1),
    ],
)
def test_the_phrases_are_a_knob(knob: str, body: str, many: int, judged: Judged) -> None:
    """INT004: phrases of rules.yaml count instead of ours; a number changes nothing."""
    assert len(judged([HIDDEN_ASK], folder(body, **{"rules.yaml": f"knobs: {{ask_phrases: {knob}}}\n"}))) == many


@pytest.mark.rule("INT004", "fires")
@pytest.mark.parametrize(
    ("front", "body", "place"),
    [
        (f"link: {OFFER}\n", "Hello.", "3:1"),
        (f"link: {OFFER}/?utm_source=x#top\n", "Hello.", "3:1"),
        ("", f"See {OFFER}.", "4:13"),
        ("", "See [this](https://www.OURS.example/mend/)", "4:24"),
        ("", "Hello.\n\nSee ours.example/mend", "6:5"),
    ],
)
def test_a_link_to_an_offer_asks(front: str, body: str, place: str, judged: Judged, lines: Lines) -> None:
    """INT004: whoever leads to the page of an offer asks, by the link of the post or in its text."""
    files = folder(body, front, **{"campaigns/mend/campaign.yaml": CAMPAIGN % OFFER})

    assert lines(judged([HIDDEN_ASK], files)) == [
        f"posts/a.md:{place}: INT004 warning: Reads like an ask: it links to the offer of mend (ours.example/mend). "
        "Set intent: ask, or link to a page that wants nothing."
    ]


@pytest.mark.rule("INT004", "near")
@pytest.mark.parametrize(
    ("url", "link", "body"),
    [
        (OFFER, "https://ours.example/mending", "See https://ours.example/mend-it and ours.example/mend/it"),
        (OFFER, "https://ours.example/", "See https://theirs.example/mend and yours.example/mend"),
        (OFFER, "https://ours.example/mend.html", "us@ours.example/mend"),
        ("https://ours.example/?page=mend", "https://ours.example/?page=mending", "https://ours.example/?page=1"),
        ("https://ours.example", "https://ours.example/evenings", "us@ours.example"),
        ("https:///", "https://ours.example/evenings", "https://"),
        ("https://[", "https://ours.example/evenings", "https://["),
    ],
)
def test_another_page_is_no_offer(url: str, link: str, body: str, judged: Judged) -> None:
    """INT004: longer addresses and other hosts are other pages; an address that is none leads nowhere."""
    files = folder(body, f"link: {link}\n", **{"campaigns/mend/campaign.yaml": CAMPAIGN % f'"{url}"'})

    assert judged([HIDDEN_ASK], files) == []


# --- INT007 -----------------------------------------------------------------------------------------------------------


def row(*texts: str) -> dict[str, Any]:
    """A post for each text, a day apart, on one channel."""
    made: dict[str, Any] = {"networks/channels.yaml": TWO}
    for number, text in enumerate(texts):
        made[f"posts/p{number:02d}.md"] = post(text, "channels: [one]\n", f"2027-03-{number + 1:02d} 12:30")
    return made


BOAST, OTHER = "Our award-winning bench.", "Flat back first."
ABOUT = (
    "INT007 advice: 'award-winning' speaks of us, and so did posts/p00 on 2027-03-01, less than 12 posts before on {}. "
    "Less about us: tell what readers can do, or leave it out."
)


@pytest.mark.rule("INT007", "fires")
@pytest.mark.parametrize("between", [0, 10])
def test_two_boasts_in_twelve_posts_are_told(between: int, judged: Judged, lines: Lines) -> None:
    """INT007: the second one within twelve posts on end, itself and the first counted."""
    found = judged([ABOUT_US], row(BOAST, *[OTHER] * between, BOAST))

    assert lines(found) == [f"posts/p{between + 1:02d}.md:5:5: {ABOUT.format('one')}"]


@pytest.mark.rule("INT007", "near")
def test_the_thirteenth_post_may_boast_again(judged: Judged) -> None:
    """INT007: eleven posts in between are enough, and one boast is."""
    assert judged([ABOUT_US], row(BOAST, *[OTHER] * 11, BOAST)) == []
    assert judged([ABOUT_US], row(OTHER, BOAST, OTHER)) == []


@pytest.mark.rule("INT007", "missing")
def test_posts_without_words_boast_of_nothing(judged: Judged) -> None:
    """INT007: no text, no phrase; notes are none either."""
    assert judged([ABOUT_US], row("", "## notes\nOur award-winning bench.")) == []


def test_a_boast_on_several_channels_is_told_once(judged: Judged, lines: Lines) -> None:
    """INT007: one line for a post, with the channels where it comes too soon; one text of two may be meant."""
    both = {"networks/channels.yaml": TWO, "posts/p00.md": post(BOAST, "", "2027-03-01 12:30"),
            "posts/p01.md": post(BOAST, "", "2027-03-02 12:30")}
    on_two = {**both, "posts/p01.md": post(f"{OTHER}\n## on two\n{BOAST}", "", "2027-03-02 12:30")}

    assert lines(judged([ABOUT_US], both)) == [f"posts/p01.md:4:5: {ABOUT.format('one and two')}"]
    assert lines(judged([ABOUT_US], on_two)) == [f"posts/p01.md:6:5: {ABOUT.format('two')}"]


def test_what_is_out_is_not_told(judged: Judged) -> None:
    """INT007: nobody can change it any more; but it counts."""
    files = row(BOAST, BOAST)
    first, second = Slot("posts/p00", "one"), Slot("posts/p01", "one")

    assert judged([ABOUT_US], files, sent={first: None, second: None}) == []
    assert len(judged([ABOUT_US], files, sent={first: None})) == 1


def test_the_sample_reads_as_it_is_meant(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content hides no ask and boasts of nothing."""
    assert of_sample([HIDDEN_ASK, ABOUT_US]) == []
