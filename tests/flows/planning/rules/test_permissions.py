"""LGL002: what somebody else made, and who is seen, goes out only as they allowed, and as long."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from flows.planning.rules import permissions
from schemas.ledger import Slot
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
BYTES = b"\xff\xd8\xff" + b"\0" * 2000
TWO = (
    "channels:\n"
    '  - {id: one, network: mastodon, handle: "@one@social.example", timezone: Pacific/Auckland}\n'
    '  - {id: two, network: mastodon, handle: "@two@social.example"}\n'
)
ASK = "Write permission: granted, with on: and proof:, when it is; or take it out."
FULL = "alt: Two people at a bench, credit: Nell, people: none"


def folder(front: str = "", library: str = "", at: str = "at: 2027-03-04 09:30", **more: str) -> dict[str, Any]:
    files = {
        "networks/channels.yaml": TWO,
        "media/a.jpg": BYTES,
        "posts/a.md": f"---\n{at}\n{front}---\nHello.\n",
        **more,
    }
    return files | ({"media/library.yaml": f"a.jpg: {{{library}}}\n"} if library else {})


@pytest.mark.parametrize(
    ("front", "said"),
    [
        ('ugc: {creator: "@nell", permission: granted}\n', None),
        ('ugc: {creator: "@nell", permission: granted, uses: [organic, print]}\n', None),
        (
            'ugc: {creator: "@nell", permission: requested}\n',
            f"3:25: Permission for the work of @nell is requested. {ASK}",
        ),
        ("ugc: {permission: refused}\n", f"3:7: Permission for what somebody else made is refused. {ASK}"),
        ('ugc: {creator: "@nell"}\n', f"3:1: Permission for the work of @nell is not written down. {ASK}"),
        (
            'ugc: {creator: "@nell", permission: granted, uses: [print]}\n',
            "3:46: Permission for the work of @nell is print, not organic. Ask for it and add organic to uses:, or "
            "leave it out.",
        ),
        (
            'promoted: {money: 20}\nugc: {creator: "@nell", permission: granted}\n',
            "4:1: Permission for the work of @nell is organic, not paid. Ask for it and add paid to uses:, or leave "
            "it out.",
        ),
        ('promoted: {money: 20}\nugc: {creator: "@nell", permission: granted, uses: [organic, paid]}\n', None),
        ('promoted: {money: 20}\nugc: {creator: "@nell", permission: granted, uses: [paid]}\n', None),
        (
            "origin: curated\n",
            "3:1: Permission for what others made is not clear: no credit. Name who made it under credit:.",
        ),
        ("origin: curated\ncredit: Nell\n", None),
        ("origin: created\n", None),
    ],
)
def test_what_others_made_is_granted_for_this_use(front: str, said: str | None, judged: Judged, lines: Lines) -> None:
    """LGL002: permission is granted in words, for posts, for money only where it says so; credit is given."""
    where, _, words = (said or "").partition(": ")

    assert lines(judged(permissions.RULES, folder(front))) == (
        [f"posts/a.md:{where}: LGL002 error: {words}"] if said else []
    )


@pytest.mark.parametrize(
    ("library", "front", "said"),
    [
        ("", "", None),  # a small start: no library at all
        (f"{FULL}, licence: own", "", None),
        (f"{FULL}, licence: cc", "", None),
        (
            f"{FULL}",
            "",
            "not clear: the library gives no licence. Add licence: in media/library.yaml: own, partner, ugc, "
            "stock or cc.",
        ),
        (
            "alt: A bench, licence: own, people: none",
            "",
            "not clear: the library gives no credit. Add credit: in media/library.yaml: who made it.",
        ),
        (
            "licence: own, credit: N, people: adults-consented",
            "",
            "not written down: it shows people, and the library has "
            "no consent of theirs. Add consent: {until: …, ref: …} in media/library.yaml, or take the file out.",
        ),
        (
            "licence: own, credit: N, people: minors-consented, consent: {}",
            "",
            "not written down: it shows people, and the "
            "library has no consent of theirs. Add consent: {until: …, ref: …} in media/library.yaml, or take the file "
            "out.",
        ),
        ("licence: own, credit: N, people: adults-consented, consent: {ref: form-1}", "", None),
        ("licence: own, credit: N, people: crowd", "", None),
        (
            "licence: ugc, credit: N",
            "",
            "not written down: it is somebody else's. Add ugc: to the post, or consent: in "
            "media/library.yaml, or take the file out.",
        ),
        ("licence: ugc, credit: N, consent: {ref: form-1}", "", None),
        ("licence: ugc, credit: N", 'ugc: {creator: "@nell", permission: granted}\n', None),
        (
            "licence: ugc, credit: N, consent: {ref: form-1}",
            "promoted: {money: 20}\n",
            "not written down for paid support: "
            "it is somebody else's. Add ugc: with uses: [organic, paid] to the post, or do not promote it.",
        ),
    ],
)
def test_the_library_knows_licence_credit_and_consent(
    library: str, front: str, said: str | None, judged: Judged, lines: Lines
) -> None:
    """LGL002: what the library knows of a file is enough to show it; what it does not know at all is not judged."""
    assert lines(judged(permissions.RULES, folder(f"media: [a.jpg]\n{front}", library))) == (
        [f"posts/a.md:3:9: LGL002 error: Permission for a.jpg is {said}"] if said else []
    )


def test_only_the_channel_that_gets_the_file_is_stopped(judged: Judged) -> None:
    """LGL002: a file for one channel stops the post there."""
    found = judged(permissions.RULES, folder("media: [{file: a.jpg, channels: [two]}]\n", "credit: N"))

    assert [(problem.channel, problem.message) for problem in found] == [
        ("two", "On two: Permission for a.jpg is not clear: the library gives no licence.")
    ]


CONSENT = "licence: own, credit: N, people: adults-consented, consent: {ref: form-1, until: 2027-03-04}"
MOVE = "Move the post before that, ask again, or take it out."


@pytest.mark.parametrize(
    ("at", "said"),
    [
        ("at: {default: 2027-03-04 21:00, one: 2027-03-04 23:00}", []),  # the last day is allowed, on each own wall
        (
            "at: 2027-03-05 00:30",
            [f"3:9: LGL002 error: Permission for a.jpg is over after 2027-03-04: it goes out on 2027-03-05. {MOVE}"],
        ),
        (
            "at: {default: 2027-03-04 21:00, one: 2027-03-05 23:00}",
            [
                "3:9: LGL002 error: Permission for a.jpg is over after 2027-03-04: on one it goes out on 2027-03-05. "
                f"{MOVE} channel=one"
            ],
        ),
        (
            "every: 2w at 09:30\nfrom: 2027-02-25\nruns: 2",
            [
                "5:9: LGL002 error: Permission for a.jpg is over after 2027-03-04: on one it goes out on 2027-03-11. "
                f"{MOVE} channel=one run=20270311",
                "5:9: LGL002 error: Permission for a.jpg is over after 2027-03-04: on two it goes out on 2027-03-11. "
                f"{MOVE} channel=two run=20270311",
            ],
        ),
    ],
)
def test_consent_holds_on_the_day(at: str, said: list[str], judged: Judged, lines: Lines) -> None:
    """LGL002: on its last day consent holds, by the clock of the channel; later slots are stopped."""
    assert lines(judged(permissions.RULES, folder("media: [a.jpg]\n", CONSENT, at))) == [
        f"posts/a.md:{line}" for line in said
    ]


@pytest.mark.rule("LGL002", "fires")
def test_permission_of_a_creator_ends_too(judged: Judged, lines: Lines) -> None:
    """LGL002: `ugc.until` ends like consent does."""
    front = 'ugc: {creator: "@nell", permission: granted, until: 2027-03-03}\n'

    assert lines(judged(permissions.RULES, folder(front))) == [
        "posts/a.md:3:46: LGL002 error: Permission for the work of @nell is over after 2027-03-03: it goes out on "
        f"2027-03-04. {MOVE}"
    ]


@pytest.mark.rule("LGL002", "near")
def test_permission_holds_on_its_last_day(judged: Judged) -> None:
    """LGL002: granted, for posts, until the evening on which it goes out."""
    front = 'ugc: {creator: "@nell", permission: granted, uses: [organic], until: 2027-03-04}\n'
    last_minutes = "at: {one: 2027-03-04 23:59, two: 2027-03-04 23:59}"

    assert judged(permissions.RULES, folder(f"media: [a.jpg]\n{front}", CONSENT, last_minutes)) == []


@pytest.mark.rule("LGL002", "missing")
def test_without_a_library_every_picture_is_our_own(judged: Judged) -> None:
    """LGL002: a small start needs no library; without one and without ugc: nobody else made anything."""
    assert judged(permissions.RULES, folder("media: [a.jpg]\n")) == []
    assert judged(permissions.RULES, folder()) == []


@pytest.mark.parametrize(
    ("now", "sent", "many"),
    [
        (datetime(2027, 3, 5, 0, 0, tzinfo=UTC), None, 1),
        (datetime(2027, 3, 7, 0, 0, tzinfo=UTC), None, 0),
        (datetime(2027, 3, 5, 0, 0, tzinfo=UTC), ("one", "two"), 0),
        (datetime(2027, 3, 5, 0, 0, tzinfo=UTC), ("one",), 1),
    ],
)
def test_what_is_out_is_not_told(now: datetime, sent: tuple[str, ...] | None, many: int, judged: Judged) -> None:
    """LGL002: consent that was over when a post went out helps nobody to know now."""
    known = None if sent is None else dict.fromkeys([Slot("posts/a", channel) for channel in sent])
    files = folder("media: [a.jpg]\n", CONSENT, "at: 2027-03-06 09:30")

    assert len(judged(permissions.RULES, files, now=now, sent=known)) == many


def test_a_post_without_a_time_is_judged_as_of_today(judged: Judged) -> None:
    """LGL002: what waits for a time is told once the consent is over."""
    files = folder("media: [a.jpg]\n", CONSENT, "slot: next") | {
        "networks/channels.yaml": TWO.replace("handle", "slots: [], handle")
    }

    assert judged(permissions.RULES, files, now=datetime(2027, 3, 4, 0, 0, tzinfo=UTC)) == []
    assert len(judged(permissions.RULES, files, now=datetime(2027, 3, 6, 0, 0, tzinfo=UTC))) == 1


def test_the_sample_has_every_permission(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here, with a picture of others and one of people."""
    assert of_sample(permissions.RULES) == []
