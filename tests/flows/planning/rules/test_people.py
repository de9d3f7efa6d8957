"""PPL001 to PPL004: whoever writes, approves and answers is known, trained, and has somebody to stand in."""
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from flows.planning.rules import people, signatures
from schemas.history import Edit, FileHistory, History
from schemas.ledger import Slot
from schemas.problem import Problem
from schemas.world import World

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
NOON = datetime(2027, 1, 4, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
TEAM = (
    "people:\n"
    "  - {id: ilse, roles: [sponsor, approver], git: [Ilse@mill.example]}\n"
    "  - {id: wren, roles: [author, social_manager], git: [wren@mill.example], backup: ilse}\n"
    "  - {id: pip, roles: [author], git: [pip@guild.example], external: {until: 2027-03-10, scope: [campaigns/mend]}}\n"
)


def post(front: str = "", at: str = "2027-03-04 09:30") -> str:
    return f"---\nat: {at}\n{front}---\nHello.\n"


def folder(front: str = "", **more: str) -> dict[str, str]:
    return {"people/team.yaml": TEAM, "posts/a.md": post(front), **more}


def edit(author: str, at: datetime = NOON) -> Edit:
    return Edit("c" * 40, at, author)


def git(path: str = "posts/a.md", author: str = "wren@mill.example", **more: Any) -> World:
    """Git's answer about one file."""
    last = edit(author, more.pop("at", NOON))
    return World(history=History({path: FileHistory(last, last, **more)}, {}, {}))


# --- PPL001 -----------------------------------------------------------------------------------------------------------


@pytest.mark.rule("PPL001", "fires")
def test_an_address_of_nobody(judged: Judged, lines: Lines) -> None:
    """PPL001: whoever committed a text last is somebody of the team."""
    found = judged([signatures.KNOWN], folder(), world=git(author="nobody@else.example"))

    assert lines(found) == [
        "posts/a.md:1:1: PPL001 error: Who wrote this? nobody@else.example is nobody's address. Add "
        "nobody@else.example to the team: under git: of its person in people/team.yaml; or name who answers for it "
        "under author:."
    ]
    assert [one.post for one in found] == ["posts/a"]


@pytest.mark.parametrize(("team", "front", "address", "said"), [
    (TEAM, "author: wren\n", "nobody@else.example",
     "nobody@else.example is nobody's address; wren answers for it."),
    (TEAM, "", "12345+wren@users.noreply.github.com",
     "12345+wren@users.noreply.github.com hides whose address it is."),
    (TEAM, "", "7-wren@users.noreply.gitlab.com", "7-wren@users.noreply.gitlab.com hides whose address it is."),
    (TEAM, "", "wren@noreply.codeberg.org", "wren@noreply.codeberg.org hides whose address it is."),
    (TEAM, "", "noreply@github.com", "noreply@github.com hides whose address it is."),
    (TEAM + "  - {id: tobin}\n", "", "nobody@else.example",
     "nobody@else.example is nobody's address, and tobin has none in people/team.yaml."),
    (TEAM + "".join(f"  - {{id: p{n}}}\n" for n in range(5)), "", "nobody@else.example",
     "nobody@else.example is nobody's address, and p0, p1, p2 and 2 more have none in people/team.yaml."),
])
def test_what_proves_no_stranger(team: str, front: str, address: str, said: str, judged: Judged) -> None:
    """PPL001: as a warning, which holds nothing, where it may be somebody of the team."""
    found = judged([signatures.KNOWN], {**folder(front), "people/team.yaml": team}, world=git(author=address))

    assert [(one.severity, one.message) for one in found] == [("warning", f"Who wrote this? {said}")]
    assert found[0].remedy.startswith(f"Add {address} to the team: under git:")


@pytest.mark.parametrize("team", [TEAM + "  - {id: gone, active: false}\n",
                                  TEAM + "  - {id: gone, external: {until: 2027-01-03}}\n"])
@pytest.mark.parametrize("address", ["nobody@else.example", "noreply-fan@else.example", "me@mynoreply.example"])
def test_what_proves_a_stranger(team: str, address: str, judged: Judged) -> None:
    """PPL001: everybody who is here has an address, and this one is nobody's."""
    found = judged([signatures.KNOWN], {**folder(), "people/team.yaml": team}, world=git(author=address))

    assert [(one.severity, one.post) for one in found] == [("error", "posts/a")]


def test_a_commit_that_names_nobody(judged: Judged) -> None:
    """PPL001: an empty address is told as such."""
    assert [f"{one.message} {one.remedy}" for one in judged([signatures.KNOWN], folder(), world=git(author=""))] == [
        "Who wrote this? its last commit names no address. Set your address with 'git config user.email', and commit "
        "it again; or name who answers for it under author:."]


@pytest.mark.parametrize(("front", "more"), [
    ("withdraw: true\n", {}),
    ("", {"sent": {Slot("posts/a", "mastodon"): None}}),
    ("", {"now": NOON + 90 * 1440 * MINUTE}),
])
def test_what_is_out_was_written_rightly(front: str, more: dict[str, Any], judged: Judged) -> None:
    """PPL001: whoever was taken out of the team since is not asked about, nor about what will never go out."""
    assert judged([signatures.KNOWN], folder(front), world=git(author="nobody@else.example"), **more) == []
    assert judged([signatures.KNOWN], folder(f"author: robin\n{front}"), **more) == []
    assert judged([signatures.KNOWN], folder(f"author: pip\n{front}"), **more) == []


def test_an_author_with_two_addresses(judged: Judged) -> None:
    """PPL001, PPL003: each is theirs, also the one that they merge with."""
    team = TEAM.replace("[wren@mill.example]", "[wren@mill.example, ' Wren@Home.example ']")
    two = {**asked("approved_by: [wren, ilse]\n"), "people/team.yaml": team}

    assert judged([signatures.KNOWN], {**folder(), "people/team.yaml": team}, world=git(author="wren@home.example")) \
        == []
    assert [one.message for one in judged([signatures.APPROVED], two, world=git(PATH, "wren@home.example"))] == [
        "wren changed this text last, as Git says, and approves it."]
    ilse = TEAM.replace("[Ilse@mill.example]", "[Ilse@mill.example, i@home.example]")
    own = {**asked("author: wren\n"), "people/team.yaml": ilse}
    merged = git(PATH, "ilse@mill.example", merged_by=("i@home.example",))
    assert len(judged([signatures.APPROVED], own, world=merged)) == 1


def test_an_address_that_two_share(judged: Judged) -> None:
    """PPL001, PPL003: it is known, one of them who may is enough, and it tells nobody apart."""
    team = TEAM.replace("[wren@mill.example]", "[us@mill.example]").replace("[pip@guild.example]", "[us@mill.example]")
    files, world = {**folder(), "people/team.yaml": team}, git(author="us@mill.example")

    assert judged([signatures.KNOWN], files, world=world) == []
    assert judged([signatures.KNOWN], {**files, "posts/a.md": post("author: pip\n")})[0].message.startswith("pip write")
    gone = team.replace("roles: [author, social_manager]", "active: false")
    assert [one.message for one in judged([signatures.KNOWN], {**files, "people/team.yaml": gone}, world=world)] == [
        "Who wrote this? wren is not active any more."]
    approved = {**asked("approved_by: [odile]\n"), "people/team.yaml": (
        TEAM + "  - {id: odile, roles: [approver], git: [wren@mill.example]}\n")}
    assert judged([signatures.APPROVED], approved, world=git(PATH)) == []
    assert len(judged([signatures.APPROVED], {**approved, PATH: post("author: pip\n")},
                      world=git(PATH, "pip@guild.example", merged_by=("wren@mill.example",)))) == 1


def test_an_author_of_no_team(judged: Judged, lines: Lines) -> None:
    """PPL001: `author:` names somebody of the team, whatever Git knows."""
    found = judged([signatures.KNOWN], folder("author: robin\n"))

    assert lines(found) == [
        "posts/a.md:3:1: PPL001 error: Who wrote this? Nobody in the team is 'robin'. Add robin to people/team.yaml, "
        "or name somebody who is in it."
    ]
    assert [one.post for one in found] == ["posts/a"]


@pytest.mark.rule("PPL001", "near")
def test_addresses_compare_in_small_letters(judged: Judged) -> None:
    """PPL001: Ilse@mill.example is ilse@mill.example; a file that was never committed has no author in Git."""
    assert judged([signatures.KNOWN], folder(), world=git(author="ilse@mill.example")) == []
    assert judged([signatures.KNOWN], folder("author: wren\n"), world=git(author="ilse@mill.example")) == []
    assert judged([signatures.KNOWN], folder(), world=git(path="posts/other.md", author="nobody@else.example")) == []


@pytest.mark.rule("PPL001", "missing")
def test_without_git_the_file_speaks_for_itself(judged: Judged, lines: Lines) -> None:
    """PPL001: a post without `author:` is not judged without Git, nor where the team cannot be read; where nobody has
    an address that is told once, as advice, and no post is held.
    """
    nobody = git(author="nobody@else.example")
    beginner = {"people/team.yaml": "people:\n  - id: wren\n"}

    assert judged([signatures.KNOWN], folder()) == []
    unread = {**folder("author: robin\n"), "people/team.yaml": "people: ]"}
    assert judged([signatures.KNOWN], unread, world=nobody) == []
    found = judged([signatures.KNOWN], {**folder(), **beginner}, world=nobody)
    assert lines(found) == [
        "people/team.yaml:1:1: PPL001 advice: Nobody in the team has a git: address, so nobody can tell who wrote "
        "what. Add git: to each person: the addresses they commit with."
    ]
    assert [one.post for one in found] == [None]
    nowhere = judged([signatures.KNOWN], {**folder(), "people/team.yaml": None}, world=nobody)
    assert [str(one.place) for one in nowhere] == ["content/people/team.yaml:1:1"]


def test_somebody_who_left(judged: Judged, lines: Lines) -> None:
    """PPL001: who is not active answers for nothing that is still to go out; somebody else may."""
    left = {"people/team.yaml": TEAM.replace("backup: ilse", "active: false")}

    assert lines(judged([signatures.KNOWN], {**folder("author: wren\n"), **left})) == [
        "posts/a.md:3:1: PPL001 error: Who wrote this? wren is not active any more. Name who answers for it now under "
        "author:, or set active: true for wren in people/team.yaml."
    ]
    assert [one.place.line for one in judged([signatures.KNOWN], {**folder(), **left}, world=git())] == [1]
    assert judged([signatures.KNOWN], {**folder("author: ilse\n"), **left}, world=git()) == []
    out = {Slot("posts/a", "mastodon"): None}
    assert judged([signatures.KNOWN], {**folder("author: wren\n"), **left}, sent=out) == []


def test_somebody_from_outside_stays_in_scope(judged: Judged, lines: Lines) -> None:
    """PPL001: below the folders of their scope, whoever is named as the author."""
    inside = "campaigns/mend/posts/b.md"
    near = {"campaigns/mend-more/posts/a.md": post("author: pip\n")}
    files = {"people/team.yaml": TEAM, "posts/a.md": None}

    assert judged([signatures.KNOWN], {**files, inside: post("author: pip\n")}) == []
    assert judged([signatures.KNOWN], {**files, inside: post()}, world=git(inside, "pip@guild.example")) == []
    assert lines(judged([signatures.KNOWN], {**files, **near})) == [
        "campaigns/mend-more/posts/a.md:3:1: PPL001 error: pip writes for us in campaigns/mend, and this is "
        "campaigns/mend-more/posts/a.md. Have somebody of the team write it, or add its folder to scope: in "
        "people/team.yaml."
    ]
    committed = judged([signatures.KNOWN], folder("author: wren\n"), world=git(author="pip@guild.example"))
    assert [one.message for one in committed] == ["pip writes for us in campaigns/mend, and this is posts/a.md."]


@pytest.mark.parametrize("scope", ["content/campaigns/mend", "campaigns/mend/", "posts, campaigns/mend", "mend", ".",
                                   "content", "/", "'*'", "campaigns/mend/**", "./campaigns/mend", "campaigns",
                                   "campaigns/mend/posts/a.md", "campaigns/mend/posts/a"])
def test_a_scope_may_be_written_in_other_ways(scope: str, judged: Judged) -> None:
    """PPL001: from the folder's parent, with a slash behind it, one of several, the campaign's name, or everything."""
    team = TEAM.replace("scope: [campaigns/mend]", f"scope: [{scope}]")
    files = {"people/team.yaml": team, "campaigns/mend/posts/a.md": post("author: pip\n")}

    assert judged([signatures.KNOWN], files) == []


def test_somebody_from_outside_until_a_day(judged: Judged, lines: Lines) -> None:
    """PPL001: the day of the first slot, on the wall it is read by, is their last day at the latest."""
    path = "campaigns/mend/posts/a.md"

    def on(at: str) -> list[str]:
        return lines(judged([signatures.KNOWN], {"people/team.yaml": TEAM, path: post("author: pip\n", at)}))

    assert on("2027-03-10 23:59") == []
    assert on("2027-03-11 00:00") == [
        f"{path}:3:1: PPL001 error: pip writes for us until 2027-03-10, and this goes out on 2027-03-11. Name who "
        "answers for it now under author:, move the post before that, or extend until: in people/team.yaml."
    ]
    repeat = {path: "---\nevery: 4w at 09:30\nfrom: 2027-03-10\nruns: 3\nauthor: pip\n---\nHello.\n"}
    assert judged([signatures.KNOWN], {"people/team.yaml": TEAM, **repeat}) == []


TWO_CHANNELS = ("channels:\n  - {id: one, network: mastodon, handle: us}\n"
                "  - {id: two, network: mastodon, handle: us2}\n")


def test_the_first_of_its_channels_counts(judged: Judged) -> None:
    """PPL001: the earliest slot is its first day, whichever channel has it; a slot without a time does not count."""
    path = "campaigns/mend/posts/a.md"

    def on(front: str) -> list[str]:
        files = {"people/team.yaml": TEAM, "networks/channels.yaml": TWO_CHANNELS,
                 path: f"---\n{front}author: pip\n---\nHello.\n"}
        return [one.message for one in judged([signatures.KNOWN], files)]

    assert on("at: {one: 2027-03-12 09:30, two: 2027-03-10 09:30}\n") == []
    assert on("at: {one: 2027-03-10 09:30, two: 2027-03-12 09:30}\n") == []
    late = ["pip writes for us until 2027-03-10, and this goes out on 2027-03-12."]
    assert on("at: {one: 2027-03-12 09:30, two: 2027-03-13 09:30}\n") == late
    assert on("at: {two: 2027-03-12 09:30}\n") == late
    assert on("at: {one: 2027-03-12 09:30}\n") == late
    assert on("slot: next\n") == []


def test_one_channel_still_to_come_is_enough(judged: Judged) -> None:
    """PPL001: somebody who left is asked about as long as any of the post is still to go out."""
    left = {"people/team.yaml": TEAM.replace("backup: ilse", "active: false"), "networks/channels.yaml": TWO_CHANNELS}

    def told(*out: str) -> int:
        sent = {Slot("posts/a", channel): None for channel in out}
        return len(judged([signatures.KNOWN], {**folder("author: wren\n"), **left}, sent=sent))

    assert [told(), told("one"), told("two"), told("one", "two")] == [1, 1, 1, 0]


# --- PPL002 -----------------------------------------------------------------------------------------------------------

POLICY = "---\npolicy: social-media\nversion: 2\neffective: 2027-01-04\n---\nBe kind.\n"


def trained(person: str = "{id: wren, roles: [author]}", session: str = "attended: [wren]", day: str = "2027-01-04",
            acknowledged: str = "social-media@2: {wren: 2027-01-04}") -> dict[str, str]:
    team = (f"people:\n  - {person}\nrequired_training: {{author: [writing], responder: [answering]}}\n"
            f"sessions: [{{id: writing, date: {day}, {session}}}]\nacknowledged: {{{acknowledged}}}\n")
    return {"people/team.yaml": team, "policies/social-media.md": POLICY}


@pytest.mark.rule("PPL002", "fires")
def test_somebody_has_to_learn_and_to_read(judged: Judged, lines: Lines) -> None:
    """PPL002: person by person, all that is due, as a step of SKILLS."""
    both = "{id: wren, roles: [author, responder]}"
    old = "social-media@1: {wren: 2027-01-01}"
    found = judged([people.TRAINED], trained(both, "attended: [odile]", acknowledged=old))

    assert lines(found) == [
        "people/team.yaml:2:5: PPL002 error: wren: writing, answering and social-media@2 are due. Train wren and write "
        "it under attended:. Have wren read it and write the day under acknowledged:."
    ]
    assert found[0].gate == "SKILLS"


@pytest.mark.rule("PPL002", "near")
def test_trained_and_read_today_is_enough(judged: Judged) -> None:
    """PPL002: a session of today that ends today, a policy acknowledged today, one in force tomorrow."""
    assert judged([people.TRAINED], trained(session="attended: [wren], expires: 2027-01-04")) == []
    tomorrow = {"policies/social-media.md": POLICY.replace("01-04", "01-05")}
    assert judged([people.TRAINED], {**trained(acknowledged=""), **tomorrow}) == []


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"session": "attended: [wren], expires: 2027-01-03"}, "writing (expired on 2027-01-03) is due."),
        ({"day": "2027-01-05"}, "writing (held only on 2027-01-05) is due."),
        ({"day": "null"}, "writing (held nobody knows when) is due."),
        ({"session": "headcount: 12"}, "writing is due."),
        ({"acknowledged": "social-media@2: {wren: 2027-01-05}"}, "social-media@2 is due."),
        ({"acknowledged": "social-media@2: {odile: 2027-01-01}"}, "social-media@2 is due."),
    ],
)
def test_what_does_not_count(more: dict[str, str], said: str, judged: Judged) -> None:
    """PPL002: what is over, still to come, or somebody else's."""
    assert [one.message for one in judged([people.TRAINED], trained(**more))] == [f"wren: {said}"]


@pytest.mark.parametrize(
    "person",
    [
        "{id: wren, roles: [analyst, sponsor, department_head]}",
        "{id: wren, roles: [author], active: false}",
        "{id: wren, roles: [author], external: {until: 2027-01-03}}",
    ],
)
def test_who_is_not_asked(person: str, judged: Judged) -> None:
    """PPL002: other roles, those who left, and those from outside whose time is over."""
    nothing = {"session": "headcount: 12", "acknowledged": ""}

    assert judged([people.TRAINED], trained(person, **nothing)) == []
    last_day = "{id: wren, roles: [author], external: {until: 2027-01-04}}"
    assert len(judged([people.TRAINED], trained(last_day, **nothing))) == 1


@pytest.mark.rule("PPL002", "missing")
def test_nothing_to_learn_and_nothing_to_read(judged: Judged) -> None:
    """PPL002: without required training and without policies nothing is due; nor without a team that can be read."""
    small = {"people/team.yaml": "people:\n  - {id: wren, roles: [author, approver, responder, spokesperson]}\n"}

    assert judged([people.TRAINED], small) == []
    assert judged([people.TRAINED], {**small, "policies/a.md": "---\npolicy: a\nversion: 1\n---\nBe kind.\n"}) == []
    assert judged([people.TRAINED], {**trained(session="headcount: 12"), "people/team.yaml": "people: ]"}) == []
    assert judged([people.TRAINED], {"people/team.yaml": None}) == []


def test_the_crisis_plan_is_not_for_everybody(judged: Judged) -> None:
    """PPL002: only those with a part in it acknowledge the crisis plan, and CRI001 asks them."""
    plan = {"crisis/plan.yaml": "plan: crisis-plan\nversion: 1\nroles: {decides: [wren]}\n"}

    assert judged([people.TRAINED], {**trained(), **plan}) == []


# --- PPL003 -----------------------------------------------------------------------------------------------------------

PATH = "campaigns/mend/posts/a.md"
TWO = "start: 2027-03-01\nend: 2027-04-01\napproval: {need: 1, from: [ilse, odile]}\n"


def asked(front: str = "", campaign: str = TWO) -> dict[str, str]:
    team = TEAM + "  - {id: odile, roles: [author, approver], git: [odile@mill.example]}\n"
    return {"people/team.yaml": team, "campaigns/mend/campaign.yaml": campaign, PATH: post(front)}


@pytest.mark.rule("PPL003", "fires")
def test_a_post_that_nobody_approved(judged: Judged, lines: Lines) -> None:
    """PPL003: the post is held, and whom to ask is said."""
    found = judged([signatures.APPROVED], asked())

    assert lines(found) == [
        f"{PATH}:1:1: PPL003 error: Needs 1 approval from ilse or odile; it has none. Ask, and write who agreed under "
        "approved_by:."
    ]
    assert [one.post for one in found] == ["mend/a"]


@pytest.mark.rule("PPL003", "near")
def test_one_approval_of_one_who_may(judged: Judged) -> None:
    """PPL003: as many as are needed, of those whom the campaign names; other posts need none."""
    two = TWO.replace("need: 1", "need: 2")

    assert judged([signatures.APPROVED], asked("approved_by: [odile]\n")) == []
    assert judged([signatures.APPROVED], asked("author: pip\napproved_by: [ilse, odile]\n", two)) == []
    assert judged([signatures.APPROVED], {**asked(), PATH: None, "posts/b.md": post()}) == []
    assert judged([signatures.APPROVED], asked(campaign=TWO.replace("need: 1", "need: 0"))) == []


@pytest.mark.parametrize(
    ("front", "need", "said"),
    [
        ("approved_by: [ilse]\n", 2, "Needs 2 approvals from ilse or odile; it has 1."),
        ("approved_by: [ilse, ilse]\n", 2, "Needs 2 approvals from ilse or odile; it has 1."),
        ("approved_by: [wren]\n", 1, "Needs 1 approval from ilse or odile; it has none."),
        ("author: ilse\n", 1, "Needs 1 approval from odile; it has none."),
        ("author: odile\napproved_by: [odile]\n", 1, "odile wrote this and approves it."),
        ("author: odile\napproved_by: [ilse, odile]\n", 1, "odile wrote this and approves it."),
    ],
)
def test_who_does_not_count(front: str, need: int, said: str, judged: Judged) -> None:
    """PPL003: somebody twice, somebody whom the campaign does not name, the author."""
    files = asked(front, TWO.replace("need: 1", f"need: {need}"))

    assert [one.message for one in judged([signatures.APPROVED], files)] == [said]


def test_the_author_in_git_approves_nothing(judged: Judged, lines: Lines) -> None:
    """PPL003: without `author:` it is who committed the text last."""
    files, world = asked("approved_by: [ilse, odile]\n"), git(PATH, "odile@mill.example")

    assert lines(judged([signatures.APPROVED], files, world=world)) == [
        f"{PATH}:3:21: PPL003 error: odile changed this text last, as Git says, and approves it. Name who wrote it "
        "under author:. If it is odile: take odile out of approved_by:, and ask ilse."
    ]
    assert judged([signatures.APPROVED], asked("author: wren\napproved_by: [odile]\n"), world=world) == []


def late(**more: Any) -> World:
    """Git's answer about a text that was approved a minute before it was changed."""
    return git(PATH, approved=edit("ilse@mill.example", NOON - MINUTE), changed=edit("wren@mill.example"), **more)


def test_a_text_that_changed_after_its_approval(judged: Judged, lines: Lines) -> None:
    """PPL003: an approval is about the text as it was."""
    files = asked("author: wren\napproved_by: [ilse]\n")

    assert lines(judged([signatures.APPROVED], files, world=late())) == [
        f"{PATH}:4:1: PPL003 error: The text was changed on 2027-01-04 12:00, after its approval of 2027-01-04 11:59. "
        "Needs 1 approval from ilse or odile. Ask again: take the names out of approved_by: and commit, then have them "
        "written anew."
    ]
    assert judged([signatures.APPROVED], files, world=git(PATH, approved=edit("ilse@mill.example"))) == []
    two = asked("author: wren\napproved_by: [ilse]\n", TWO.replace("need: 1", "need: 2"))
    assert [one.message for one in judged([signatures.APPROVED], two, world=late())] == [
        "Needs 2 approvals from ilse or odile; it has none."]


def test_clocks_that_differ_approve_and_refuse_nothing(judged: Judged) -> None:
    """PPL003: what came after what is told by Git, not by the times that two computers wrote."""
    files = asked("author: wren\napproved_by: [ilse]\n")
    before, after = edit("ilse@mill.example", NOON - MINUTE), edit("ilse@mill.example", NOON + MINUTE)

    assert judged([signatures.APPROVED], files, world=git(PATH, approved=before)) == []
    assert [one.message for one in judged([signatures.APPROVED], files, world=git(
        PATH, approved=after, changed=edit("wren@mill.example")))] == [
        "The text was changed on 2027-01-04 12:00, after it was approved. Needs 1 approval from ilse or odile."]


@pytest.mark.parametrize(("front", "more"), [
    ("withdraw: true\n", {}),
    ("", {"sent": {Slot("mend/a", "mastodon"): None}}),
    ("", {"now": NOON + 90 * 1440 * MINUTE}),
])
def test_what_is_out_is_not_asked_about(front: str, more: dict[str, Any], judged: Judged) -> None:
    """PPL003: nobody can agree to it in time any more."""
    assert judged([signatures.APPROVED], asked(front), **more) == []
    files = asked(f"author: wren\napproved_by: [ilse]\n{front}")
    assert judged([signatures.APPROVED], files, world=late(), **more) == []


@pytest.mark.parametrize(("front", "names", "need", "said"), [
    ("author: ilse\n", "[ilse]", 1, "Of those under approval: of campaign.yaml nobody may agree to it: add somebody to "
                                    "from: there, or lower need:."),
    ("author: ilse\n", "[ilse, odile]", 2, "Of those under approval: of campaign.yaml only odile may agree to it: add "
                                           "somebody to from: there, or lower need:."),
    ("author: wren\n", "[ilse, odile]", 2, "Ask, and write who agreed under approved_by:."),
])
def test_more_than_there_are_to_ask(front: str, names: str, need: int, said: str, judged: Judged) -> None:
    """PPL003: where even all of those named are too few, what to do is another thing."""
    campaign = TWO.replace("[ilse, odile]", names).replace("need: 1", f"need: {need}")

    assert [one.remedy for one in judged([signatures.APPROVED], asked(front, campaign))] == [said]


@pytest.mark.parametrize(
    ("merged_by", "author", "counts"),
    [
        ("ilse@mill.example", "wren", True),
        ("odile@mill.example", "wren", True),
        ("odile@mill.example", "odile", False),
        ("wren@mill.example", "pip", False),
        ("nobody@else.example", "wren", False),
    ],
)
def test_who_merges_a_change_agrees_to_it(merged_by: str, author: str, counts: bool, judged: Judged) -> None:
    """PPL003: a sponsor or an approver who did not write it; after a late change too."""
    merged, approved = asked(f"author: {author}\n"), asked(f"author: {author}\napproved_by: [ilse]\n")
    assert (judged([signatures.APPROVED], merged, world=git(PATH, merged_by=(merged_by,))) == []) is counts
    assert (judged([signatures.APPROVED], approved, world=late(merged_by=(merged_by,))) == []) is counts


def test_who_merges_must_be_one_of_those_named(judged: Judged) -> None:
    """PPL003: an approver whom the campaign does not name."""
    only = TWO.replace("ilse, odile", "ilse")

    assert len(judged([signatures.APPROVED], asked("author: wren\n", only),
                      world=git(PATH, merged_by=("odile@mill.example",)))) == 1


def test_an_approval_is_not_inherited(judged: Judged) -> None:
    """PPL003: names in a campaign's defaults approve no text."""
    files = asked(campaign=f"{TWO}defaults: {{approved_by: [ilse]}}\n")

    assert len(judged([signatures.APPROVED], files)) == 1


def test_how_many_where_the_campaign_does_not_say(judged: Judged) -> None:
    """PPL003: the knob `need` is for campaigns that leave it out; anybody else in the team may then agree."""
    open_one = "start: 2027-03-01\nend: 2027-04-01\napproval: {}\n"
    knob = {"rules.yaml": "knobs: {need: 2}\n"}

    def said(front: str, campaign: str) -> list[str]:
        return [one.message for one in judged([signatures.APPROVED], {**asked(front, campaign), **knob})]

    assert said("approved_by: [wren]\n", open_one) == ["Needs 2 approvals from ilse or odile; it has 1."]
    assert said("approved_by: [wren, ilse]\n", open_one) == []
    assert said("approved_by: [ilse]\n", TWO) == []
    assert judged([signatures.APPROVED], asked("approved_by: [wren]\n", open_one)) == []


@pytest.mark.rule("PPL003", "missing")
def test_a_campaign_that_asks_for_nothing(judged: Judged) -> None:
    """PPL003: without `approval:` nobody has to agree; without Git the names in the file are enough."""
    assert judged([signatures.APPROVED], asked(campaign="start: 2027-03-01\nend: 2027-04-01\n")) == []
    assert judged([signatures.APPROVED], asked(campaign="approval: ]")) == []
    assert judged([signatures.APPROVED], asked("approved_by: [ilse]\n"), world=git("posts/other.md")) == []


# --- PPL004 -----------------------------------------------------------------------------------------------------------

COVERS = "[blogging, texting, messaging, social]"
KEY = ("people:\n  - {id: ilse, roles: [sponsor, spokesperson], backup: wren}\n"
       "  - {id: wren, roles: [social_manager], backup: ilse}\n")


def covered(covers: str = COVERS, effective: str = "2027-01-04", review_by: str = "2027-01-04",
            team: str = KEY) -> dict[str, str]:
    policy = (f"---\npolicy: social-media\neffective: {effective}\nreview_by: {review_by}\ncovers: {covers}\n"
              "---\nBe kind.\n")
    return {"people/team.yaml": team, "policies/social-media.md": policy}


@pytest.mark.rule("PPL004", "fires")
def test_a_late_review_an_open_topic_and_a_lonely_role(judged: Judged, lines: Lines) -> None:
    """PPL004: each by itself."""
    lonely = KEY.replace("roles: [sponsor, spokesperson], backup: wren", "roles: [sponsor]")
    found = judged([people.COVERED], covered("[blogging, social, privacy]", review_by="2027-01-03", team=lonely))

    assert lines(found) == [
        "people/team.yaml:1:1: PPL004 warning: spokesperson: nobody has this role. Give it to somebody: roles: "
        "[spokesperson], and name a backup: beside it.",
        "people/team.yaml:2:5: PPL004 warning: sponsor: ilse has no backup. Write backup: at ilse, with the id of "
        "somebody active; or give a second person the role sponsor.",
        "policies/social-media.md:4:1: PPL004 warning: social-media: its review was due by 2027-01-03. Read it again, "
        "change what no longer holds, and write a new review_by:.",
        "policies/social-media.md:5:1: PPL004 warning: texting and messaging: no policy in force covers them. Add them "
        "to covers: of a policy in policies/ whose effective: day has come.",
    ]
    assert [one.gate for one in found] == ["SKILLS", "SKILLS", "LAUNCH", "LAUNCH"]


@pytest.mark.rule("PPL004", "near")
def test_in_force_and_reviewed_today(judged: Judged) -> None:
    """PPL004: a policy of today whose review is due today, four topics, and somebody behind each key role."""
    assert judged([people.COVERED], covered()) == []


def test_topics_may_be_spread_over_policies(judged: Judged) -> None:
    """PPL004: each topic in some policy that is in force."""
    other = "---\npolicy: talk\neffective: 2026-01-01\ncovers: [texting, messaging]\n---\nBe brief.\n"

    assert judged([people.COVERED], {**covered("[blogging, social]"), "policies/talk.md": other}) == []
    assert [one.message for one in judged([people.COVERED], covered("[blogging, social, texting]"))] == [
        "messaging: no policy in force covers it."]


def test_a_policy_to_come_covers_nothing(judged: Judged) -> None:
    """PPL004: nor does one without a day."""
    for day in ("2027-01-05", "null"):
        assert [one.message for one in judged([people.COVERED], covered(effective=day))] == [
            "blogging, texting, messaging and social: no policy in force covers them."]


@pytest.mark.parametrize(
    ("sponsor", "backed"),
    [
        ("backup: wren", True),
        ("backup: odile", True),
        ("backup: ilse", False),
        ("backup: gone", False),
        ("backup: nobody", False),
        ("active: true", False),
    ],
)
def test_a_backup_is_somebody_else_who_is_here(sponsor: str, backed: bool, judged: Judged) -> None:
    """PPL004: not oneself, nor somebody who left or is not known."""
    team = (f"people:\n  - {{id: ilse, roles: [sponsor, spokesperson, social_manager], {sponsor}}}\n"
            "  - {id: wren, roles: [author]}\n  - {id: odile}\n  - {id: gone, active: false}\n")

    assert (judged([people.COVERED], covered(team=team)) == []) is backed


def test_two_who_hold_a_role_stand_in_for_each_other(judged: Judged) -> None:
    """PPL004: as long as both are here."""
    two = KEY.replace("[sponsor, spokesperson], backup: wren", "[sponsor, spokesperson, social_manager]").replace(
        "[social_manager], backup: ilse", "[social_manager, sponsor, spokesperson]")

    assert judged([people.COVERED], covered(team=two)) == []
    left = two.replace("manager, sponsor, spokesperson]", "manager, sponsor, spokesperson], active: false")
    assert {one.message for one in judged([people.COVERED], covered(team=left))} == {
        "sponsor: ilse has no backup.", "social manager: ilse has no backup.", "spokesperson: ilse has no backup."}


@pytest.mark.rule("PPL004", "missing")
def test_a_folder_that_begins(judged: Judged, lines: Lines) -> None:
    """PPL004: without policies the four topics are open, told once; what cannot be read is not told as missing."""
    found = judged([people.COVERED], {"people/team.yaml": KEY})

    assert lines(found) == [
        "policies:1:1: PPL004 warning: blogging, texting, messaging and social: no policy in force covers them. Add "
        "them to covers: of a policy in policies/ whose effective: day has come."
    ]
    assert judged([people.COVERED], {**covered(), "policies/social-media.md": "---\ncovers: ]\n---\n"}) == []
    assert judged([people.COVERED], covered(team="people: ]")) == []


def test_the_sample_knows_its_people(of_sample: Callable[..., list[Problem]]) -> None:
    """The sample content gives nothing to say here: tobin has no backup, but ilse speaks for us too."""
    assert of_sample(people.RULES) == []
