"""LNK: addresses that nobody can follow are told, and pages that nobody can find in time."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.rules import links
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
COPY = "Copy the address from the browser, from https:// to its end."


def folder(front: str = "", body: str = "Hello.", **more: str) -> dict[str, Any]:
    return {"posts/a.md": f"---\nat: 2027-03-04 09:30\n{front}---\n{body}\n", **more}


@pytest.mark.parametrize(
    "url",
    [
        "https://ours.example",
        "HTTP://Ours.Example/",
        "https://ours.example:8443/a/b.html?c=d&e=%C3%A9#f",
        "https://a-b.c--d.example/~x/(y)/z;w,v@u!*'$",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/größe",
        "https://例え.example/例",
        "https://192.0.2.7/x",
        "https://[2001:db8::1]:443/x",
        "https://ours.example./",
        "https://_dmarc.ours.example",
        "https://ours.example/a|b^c`d{e}",
        "https://ours.example?x=1",
        f"https://{'a' * 63}.example",
    ],
)
def test_what_browsers_follow_is_right(url: str) -> None:
    """Hosts in any alphabet, ports, queries, fragments and numbers are addresses."""
    assert links.fault(url) is None


@pytest.mark.parametrize(
    ("url", "what"),
    [
        ("ours.example/a", "it does not begin with https://"),
        ("ftp://ours.example", "it does not begin with https://"),
        ("https://", "it names no host"),
        ("https:///a", "it names no host"),
        ("https://ours", "ours is no host that everybody can reach"),
        ("https://https://ours.example", "https is no host that everybody can reach"),
        ("https://ours..example", "there can be no host ours..example"),
        ("https://-ours.example", "there can be no host -ours.example"),
        ("https://ours-.example", "there can be no host ours-.example"),
        ("https://ours.example,com", "there can be no host ours.example,com"),
        ("https://ours.example.7", "there can be no host ours.example.7"),
        ("https://300.1.2.3", "there can be no host 300.1.2.3"),
        (f"https://{'a' * 64}.example", f"there can be no host {'a' * 64}.example"),
        (f"https://{'a.' * 130}example", f"there can be no host {'a.' * 40}"),
        ("https://ours.example:port/", "the part behind https:// is no host"),
        ("https://ours.example:99999/", "the part behind https:// is no host"),
        ("https://[2001:db8::1/", "the part behind https:// is no host"),
        ("https://ours.example/a b", "it holds a space or a sign that no address has"),
        ("https://ours.example/a\\_b", "it holds a space or a sign that no address has"),
        ("https://ours.example/100%", "a % in it stands for nothing; for the sign itself write %25"),
        ("https://ours.example/%zz", "a % in it stands for nothing; for the sign itself write %25"),
    ],
)
def test_what_nobody_can_follow_is_wrong(url: str, what: str) -> None:
    """Each kind of mistake has words of its own."""
    assert links.fault(url) == what


@given(st.text(alphabet="htps:/.a1-%[]@?#é漢 ", max_size=40))
def test_any_text_is_judged(text: str) -> None:
    """No text, however odd, makes the judgement fail, and an address that is right begins like one."""
    assert links.fault(text) is not None or text.lower().startswith(("http://", "https://"))


@pytest.mark.parametrize(
    ("front", "body", "said"),
    [
        ("link: https://ours.example/a\nutm: {campaign: spring-mend}\n", "Hello.", None),
        ("link: https://ours/a\n", "Hello.", f"3:1|https://ours/a: ours is no host that everybody can reach. {COPY}"),
        (
            'utm: {campaign: "utm_campaign=x"}\n',
            "Hello.",
            "3:7|utm.campaign: 'utm_campaign=x' is a piece of an address. Write the bare word, such as spring-mend.",
        ),
        (
            "utm: {content: https://x.example}\n",
            "Hello.",
            "3:7|utm.content: 'https://x.example' is a piece of an address. Write the bare word, such as spring-mend.",
        ),
        ("", "See https://ours.example/a, (https://ours.example/b) and <https://ours.example/c>.", None),
        (
            "",
            "**https://ours.example** _https://ours.example/a_ [a](https://ours.example) [b](https://ours.example/c_(d))!",
            None,
        ),
        ("", "“https://ours.example” ‘https://ours.example’ `https://ours.example`", None),
        ("", "Hello.\n\nSee https://ours, now", f"6:5|https://ours: ours is no host that everybody can reach. {COPY}"),
        ("", "[a](https://ours)", f"4:5|https://ours: ours is no host that everybody can reach. {COPY}"),
        ("", "See htps://ours.example/a.", f"4:5|htps://ours.example/a: it does not begin with https://. {COPY}"),
        ("", "See https//ours.example", f"4:5|https//ours.example: it does not begin with https://. {COPY}"),
        ("", "See https:/ours.example", f"4:5|https:/ours.example: it does not begin with https://. {COPY}"),
        ("", "See https;//ours.example", f"4:5|https;//ours.example: it does not begin with https://. {COPY}"),
        ("", "See ttps://ours.example", f"4:5|ttps://ours.example: it does not begin with https://. {COPY}"),
        ("", "HTTP/2 or http/1.1, and/or 3://4, a//b, smtp://x, x:/y", None),
        (
            "",
            "See [our page](ours.example/a)",
            "4:5|[our page](ours.example/a): readers would see the brackets, for no "
            "address in them begins with https://. Write the whole address, or take the brackets away.",
        ),
        (
            "",
            "See [our page]()",
            "4:5|[our page](): readers would see the brackets, for no address in them begins with "
            "https://. Write the whole address, or take the brackets away.",
        ),
        ("", "[a] (b) and [c], f(x)[i](j", None),
        (
            "channels: [mastodon]\n",
            "Hello.\n## on mastodon\nHi.\n***\nSee https://ours\n## first comment\nx",
            f"9:5|https://ours: ours is no host that everybody can reach. {COPY}",
        ),
    ],
)
def test_addresses_in_posts_are_looked_at(
    front: str, body: str, said: str | None, judged: Judged, lines: Lines
) -> None:
    """LNK001: in the link, in UTM fields, and wherever a text has one or nearly one."""
    where, _, what = (said or "").partition("|")

    assert lines(judged(links.RULES, folder(front, body))) == (
        [f"posts/a.md:{where}: LNK001 error: {what}"] if said else []
    )


@pytest.mark.rule("LNK001", "fires")
def test_addresses_of_campaigns_are_looked_at(judged: Judged, lines: Lines) -> None:
    """LNK001: of its pages, its offer and its terms."""
    campaign = (
        "campaign: mend\npages: [{url: ours.example}, {url: https://ours.example}]\noffer: {url: https://ours}\n"
        "competition_terms: https://ours.example/100%\n"
    )

    assert lines(judged(links.RULES, {"campaigns/mend/campaign.yaml": campaign})) == [
        f"campaigns/mend/campaign.yaml:2:10: LNK001 error: ours.example: it does not begin with https://. {COPY}",
        f"campaigns/mend/campaign.yaml:3:9: LNK001 error: https://ours: ours is no host that everybody can "
        f"reach. {COPY}",
        "campaigns/mend/campaign.yaml:4:1: LNK001 error: https://ours.example/100%: a % in it stands for nothing; for "
        f"the sign itself write %25. {COPY}",
    ]


@pytest.mark.rule("LNK001", "near")
def test_addresses_that_can_be_followed_are_not_told(judged: Judged) -> None:
    """LNK001: with everything that an address may hold, in a post and in a campaign."""
    files = folder("link: https://ours.example:8443/a_(b)?c=%25#d\nutm: {campaign: spring-mend}\n",
                   "See [here](https://ours.example/a), https://ours.example/b.")
    files["campaigns/mend/campaign.yaml"] = "campaign: mend\noffer: {url: https://ours.example/mend}\n"

    assert judged(links.RULES, files) == []


@pytest.mark.rule("LNK001", "missing")
def test_without_addresses_nothing_leads_nowhere(judged: Judged) -> None:
    """LNK001: a link may be left out, of posts, offers and pages."""
    files = folder() | {"campaigns/mend/campaign.yaml": "campaign: mend\noffer: {text: Free}\npages: [{}]\n"}

    assert judged(links.RULES, files) == []


@pytest.mark.parametrize(
    "text",
    [
        "https://" + "a." * 30_000,
        "https://" * 8_000,
        "[" * 64_000,
        "[a](" * 16_000,
        "h" * 64_000,
        "https://a.example/" + "(" * 60_000,
        "https://" + "a" * 60_000,
        "https://\u0300" * 7_000,
    ],
)
def test_hostile_texts_end(text: str, judged: Judged) -> None:
    """64 kB made to be slow are judged all the same."""
    assert len(judged(links.RULES, folder("", text))) <= 8_000


# --- LNK002 -----------------------------------------------------------------------------------------------------------

MARCH = "campaign: mend\nstart: 2027-03-02\nend: 2027-04-12\n"


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("{url: https://ours.example, live: 2027-02-02}", None),
        (
            "{url: https://ours.example, live: 2027-02-03}",
            "4:37: LNK002 warning: https://ours.example is live on "
            "2027-02-03, less than 28 days before mend begins. Publish it by 2027-02-02 so it can be found.",
        ),
        (
            "{url: https://ours.example, live: 2027-03-09}",
            "4:37: LNK002 warning: https://ours.example is live on "
            "2027-03-09, when or after mend begins. Publish it by 2027-02-02 so it can be found.",
        ),
        (
            "{url: https://ours.example}",
            "4:9: LNK002 warning: https://ours.example has no live: date. Publish it by "
            "2027-02-02 so it can be found, and write live: with the day.",
        ),
        (
            "{keywords: [drill]}",
            "4:9: LNK002 warning: the page has no live: date. Publish it by 2027-02-02 so it can be "
            "found, and write live: with the day.",
        ),
    ],
)
def test_pages_are_live_in_time(page: str, said: str | None, judged: Judged, lines: Lines) -> None:
    """LNK002: four weeks before its campaign starts, a page is live."""
    assert lines(judged([links.LATE], {"campaigns/mend/campaign.yaml": f"{MARCH}pages: [{page}]\n"})) == (
        [f"campaigns/mend/campaign.yaml:{said}"] if said else []
    )


@pytest.mark.rule("LNK002", "fires")
def test_a_page_that_is_live_too_late_is_told(judged: Judged, lines: Lines) -> None:
    """LNK002: a day less than four weeks before the campaign."""
    files = {"campaigns/mend/campaign.yaml": f"{MARCH}pages: [{{url: https://ours.example, live: 2027-02-03}}]\n"}

    assert lines(judged([links.LATE], files)) == [
        "campaigns/mend/campaign.yaml:4:37: LNK002 warning: https://ours.example is live on 2027-02-03, less than 28 "
        "days before mend begins. Publish it by 2027-02-02 so it can be found."
    ]


@pytest.mark.rule("LNK002", "near")
def test_a_page_that_is_live_four_weeks_before_is_not(judged: Judged) -> None:
    """LNK002: 28 days to the day, and found by the first day of the campaign."""
    page = "{url: https://ours.example, live: 2027-02-02, indexed: 2027-03-02}"
    files = {"campaigns/mend/campaign.yaml": f"{MARCH}pages: [{page}]\n"}

    assert judged([links.LATE], files) == []
    assert judged([links.LATE], files, now=datetime(2027, 3, 2, 12, 0, tzinfo=UTC)) == []


@pytest.mark.parametrize(
    ("now", "page", "severities"),
    [
        (datetime(2027, 3, 1, 23, 0, tzinfo=UTC), "{live: 2027-01-01}", []),
        (datetime(2027, 3, 2, 0, 0, tzinfo=UTC), "{live: 2027-01-01}", ["error"]),
        (datetime(2027, 3, 2, 0, 0, tzinfo=UTC), "{live: 2027-01-01, indexed: 2027-01-09}", []),
        (datetime(2027, 3, 2, 0, 0, tzinfo=UTC), "{live: 2027-03-01, indexed: 2027-03-02}", []),
        (datetime(2027, 3, 2, 0, 0, tzinfo=UTC), "{live: 2027-01-01, indexed: 2027-03-09}", ["error"]),
        (datetime(2027, 4, 12, 12, 0, tzinfo=UTC), "{live: 2027-01-01}", ["error"]),
        (datetime(2027, 4, 13, 12, 0, tzinfo=UTC), "{live: 2027-04-01}", []),
    ],
)
def test_a_campaign_that_runs_needs_pages_that_are_found(
    now: datetime, page: str, severities: list[str], judged: Judged
) -> None:
    """LNK002: from the first day to the last, a page that no search engine has is an error; after that, nothing."""
    files = {"campaigns/mend/campaign.yaml": f"{MARCH}pages: [{page}]\n"}

    assert [problem.severity for problem in judged([links.LATE], files, now=now)] == severities


@pytest.mark.parametrize(("knob", "many"), [("7", 0), ("60", 1), ("0", 0), ("-5", 0), ("999999999", 1), ("28d", 1)])
def test_how_many_days_is_a_knob(knob: str, many: int, judged: Judged) -> None:
    """LNK002: rules.yaml says how long search engines need; what is no number leaves it at 28 days."""
    files = {
        "campaigns/mend/campaign.yaml": f"{MARCH}pages: [{{live: 2027-02-20}}]\n",
        "rules.yaml": f"knobs: {{index_days: {knob}}}\n",
    }

    assert len(judged([links.LATE], files)) == many


@pytest.mark.rule("LNK002", "missing")
def test_a_campaign_without_a_start_is_not_judged(judged: Judged) -> None:
    """LNK002: before a start is written, nothing can be late."""
    assert (
        judged([links.LATE], {"campaigns/mend/campaign.yaml": "campaign: mend\npages: [{url: https://ours.example}]\n"})
        == []
    )


def test_the_sample_leads_somewhere(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here."""
    assert of_sample(links.RULES) == []
