"""LGL004: e-mail addresses and phone numbers are found where they are, and dates, prices, ids and handles are not."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.planning.rules import contacts
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
REMEDY = "Remove personal data; if it is ours and public, list it in rules.yaml under knobs: pii_allow."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Write to nell@mail.example.", ["n…@mail.example"]),
        ("mailto:Nell.Mends+tools@mail.co.example, now", ["N…@mail.co.example"]),
        ("(nell@mail.example)", ["n…@mail.example"]),
        ("https://x.example/?to=nell@mail.example", ["n…@mail.example"]),
        ("größe@büro.example", ["g…@büro.example"]),
        ("a@b.example, c@d.example", ["a…@b.example", "c…@d.example"]),
        ("Nell: +353 86 123 4567", ["+353…67"]),
        ("tel:+353861234567", ["+353…67"]),
        ("+1 (555) 123-4567", ["+1 (…67"]),
        ("+33 6.12.34.56.78", ["+33…78"]),
        ("00353 86 123 4567", ["0035…67"]),
        ("086 123 4567", ["086…67"]),
        ("(01) 234 5678", ["(01)…78"]),
        ("020 7946 0958!", ["020…58"]),
        ("0171/1234567", ["0171…67"]),
        ("01 23 45 67 89", ["01 2…89"]),
        ("044 668 18 00", ["044…00"]),
        ("555-223-4567 or (555) 223-4567", ["555-…67", "(555…67"]),
        ("Call 1850 200 300", ["1850…00"]),
        ("Tel.: 0861234567", ["0861…67"]),
        ("WhatsApp me on 0861234567", ["0861…67"]),
        ("text her at 234 5678", ["234…78"]),
        ("Ring us: 1234567", ["1234…67"]),
    ],
)
def test_addresses_and_numbers_are_found(text: str, shown: list[str]) -> None:
    """What is an e-mail address or a phone number is found, and shown so that nobody can use it."""
    assert [contact.shown for contact in contacts.contacts(text)] == shown


@pytest.mark.parametrize(
    "text",
    [
        "@millrace@tools.social.example and @nell.mends",
        "https://tools.social.example/@millrace@other.example",
        "https://x.example/@53.349800,-6.260300,15z and git@ and a @ b.example",
        "lodash@4.17.21, social-media@2, photo@2x.png, user@localhost",
        "2027-03-04 09:30, 04.03.2027 09:30, 03/04/2027, 01-02-2027 10:30-12:00, 2026-2027",
        "At 09:30 12345678 people came; 1.000.000 of 25.000.000",
        "+10000 more, +25.000.000 views, +5 to +7",
        "EUR 4200, 4.200,00 €, $1,234,567.89, 12 345 678",
        "item-0086 123 456, order #0861234567, 550e8400-e29b-41d4-a716-446655440000, 0x0861234567",
        "ISBN 0-306-40615-2 and ISBN-13: 978-3-16-148410-0",
        "0.3498 6.26034, 53.3498 6.2603, 3.14159265358979",
        "0915 1015 1115 and 0915-1015",
        "Call us in 2026-2027, ring at 10.00-18.00, text 50300, call 116 123, call 2027-03-04",
        "https://x.example/086-123-4567/00353861234567 https://x.example/status/1234567890123",
        "1 2 3 4 5 6 7 8 9 10 11 12",
        "recall 1234567, a ringing 1234567, hypertext 1234567",
        "214 things came in, 171 went home working, and 43 taught us something",
        "",
    ],
)
def test_other_numbers_and_names_are_not(text: str) -> None:
    """Handles, file names, dates, times, prices, ids, codes of books and addresses of pages are nobody's contact."""
    assert list(contacts.contacts(text)) == []


@given(st.text(alphabet="ab1 0+-()./@:#,é漢", max_size=60))
def test_contacts_never_fail_and_stand_in_the_text(text: str) -> None:
    """Whatever the text, each contact begins where it is said to begin."""
    for contact in contacts.contacts(text):
        begins = text[contact.at :].lower()
        assert begins.startswith(contact.key) or begins.startswith(contact.shown.split("…")[0])


@pytest.mark.parametrize(
    "text",
    [
        "a" * 64_000 + "@",
        "a@" * 32_000,
        "a@a." * 16_000,
        "@" * 64_000,
        "1" * 64_000,
        "1 " * 32_000,
        "+1" * 32_000,
        "call " * 13_000 + "1234567",
        "call" + " " * 60_000 + "1234567",
        "a." * 32_000 + "@",
        "0 (" * 21_000,
    ],
)
def test_hostile_texts_end(text: str) -> None:
    """64 kB made to be slow are looked through all the same."""
    assert len(list(contacts.contacts(text))) < 20_000


@pytest.mark.rule("LGL004", "fires")
def test_every_word_of_a_post_is_looked_at(judged: Judged, lines: Lines) -> None:
    """LGL004: texts, own texts that nobody gets, comments, alt texts, credits, polls and holds."""
    post = (
        "---\nat: 2027-03-04 09:30\nmedia: [{file: a.jpg, alt: Ask a@b.example}]\ncredit: c@d.example\n"
        "poll: {options: [Yes, 'No: e@f.example']}\nhold: until g@h.example\n---\n"
        "Hello.\n\nWrite to i@j.example\n## on mastodon\nk@l.example\n## first comment\nm@n.example\n"
    )
    files: dict[str, Any] = {"posts/a.md": post, "media/a.jpg": b"\xff\xd8\xff" + b"\0" * 99}

    assert lines(judged(contacts.RULES, files)) == [
        f"posts/a.md:{where}: LGL004 error: Here stands an e-mail address: {shown}. {REMEDY}"
        for where, shown in [
            ("3:23", "a…@b.example"),
            ("4:1", "c…@d.example"),
            ("5:23", "e…@f.example"),
            ("6:1", "g…@h.example"),
            ("10:10", "i…@j.example"),
            ("12:1", "k…@l.example"),
            ("14:1", "m…@n.example"),
        ]
    ]


@pytest.mark.rule("LGL004", "near")
def test_what_is_nobodys_address_is_not_told(judged: Judged) -> None:
    """LGL004: handles, dates and counts in a post, an author's address in the team."""
    text = "Ask @nell@social.example by 2027-03-04 09:30; 12 345 678 of 25.000.000 people came, item-0861234567."
    files = {"posts/a.md": f"---\nat: 2027-03-04 09:30\n---\n{text}\n",
             "people/team.yaml": "people: [{id: wren, git: [wren@ours.example]}]\n"}

    assert judged(contacts.RULES, files) == []


@pytest.mark.rule("LGL004", "missing")
def test_a_folder_without_texts_names_nobody(judged: Judged) -> None:
    """LGL004: where nothing is written, nobody's address is."""
    assert judged(contacts.RULES, {"people/team.yaml": None, "networks/channels.yaml": None}) == []


def test_other_files_are_looked_at_too(judged: Judged, lines: Lines) -> None:
    """LGL004: every text of every entry and its body; addresses of authors and handles of accounts may stand there."""
    files = {
        "people/team.yaml": "people:\n  - {id: wren, name: Wren w@x.example, git: [wren@ours.example]}\n",
        "networks/channels.yaml": "channels:\n  - {id: mastodon, network: mastodon, handle: us@social.example,\n"
        "     norms: Call 086 123 4567}\n",
        "checkins/2027-W01.md": "---\ndate: 2027-01-08\nactions: [{text: Ask n@m.example}]\n---\n"
        "Nell: +353 86 123 4567\n",
        "campaigns/mend/campaign.yaml": "campaign: mend\ninfluencers: [{handle: pike@shops.example}]\n"
        "risks: [{what: hurt, answer: tell p@q.example}]\n",
    }

    assert lines(judged(contacts.RULES, files)) == [
        f"campaigns/mend/campaign.yaml:3:22: LGL004 error: Here stands an e-mail address: p…@q.example. {REMEDY}",
        f"checkins/2027-W01.md:1:1: LGL004 error: Here stands a phone number: +353…67. {REMEDY}",
        f"checkins/2027-W01.md:3:12: LGL004 error: Here stands an e-mail address: n…@m.example. {REMEDY}",
        f"networks/channels.yaml:3:6: LGL004 error: Here stands a phone number: 086…67. {REMEDY}",
        f"people/team.yaml:2:16: LGL004 error: Here stands an e-mail address: w…@x.example. {REMEDY}",
    ]


@pytest.mark.parametrize(
    ("knob", "many"),
    [
        ("[hello@ours.example]", 1),
        ('["HELLO@ours.example", "+353 (0)86-1234567"]', 1),
        ('["hello@ours.example", "+353 86 1234567"]', 0),
        ('["hello@ours.example", "00353861234567"]', 0),
        ('["@ours.example", "353861234567"]', 0),
        ('["ours.example"]', 2),
        ('"@ours.example"', 1),
        ('["@rs.example", ""]', 2),
        ("12", 2),
    ],
)
def test_what_is_public_can_be_allowed(knob: str, many: int, judged: Judged) -> None:
    """LGL004: pii_allow lists whole addresses, numbers in any spelling, or all addresses of a domain."""
    files = {
        "posts/a.md": "---\nat: 2027-03-04 09:30\n---\nhello@ours.example or +353 86 123 4567\n",
        "rules.yaml": f"knobs: {{pii_allow: {knob}}}\n",
    }

    assert len(judged(contacts.RULES, files)) == many


def test_the_sample_names_nobody(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content holds no contact beyond its authors' own addresses."""
    assert of_sample(contacts.RULES) == []
