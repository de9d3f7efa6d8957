"""What every network promises, each promise tried on each adapter against its rehearsal twin, over real loopback HTTP.

`pytest tests/publishers/test_contract.py -s -k table` prints the table. A network is in it when
`cases/<network>_case.py` exists. `test_once.py` has the odd answers, from raw sockets.
"""
import json
import threading
import traceback
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import httpx
import pytest
from contract_case import FAULTS, OURS, THEIRS, Case
from contract_scene import NOON, Clock, Scene

import publishers
from publishers.base import DRAFT, Connection, Identifies, Outgoing, Publisher, Refreshes, Sent, Verifies, Withdraws
from publishers.rehearsal import twins
from publishers.rehearsal._twin import Rehearsal
from schemas.errors import PublishError, RateLimited, Rejected, Unauthorized, Unavailable, Unconfirmed
from schemas.ledger import PartReceipt, Repeat
from schemas.message import Message
from schemas.problem import Severity

CASES: dict[str, Case] = {name: import_module(f"{name}_case").CASE for name in publishers.available()
                         if find_spec(f"{name}_case")}
BEFORE = NOON - timedelta(minutes=5)
SHORT_S = 0.6
EFFECT = ("500 after effect", "hang up after effect", "stall after effect", "truncate", "not JSON")
NO_EFFECT = ("500 before effect", "hang up before", "stall")


@pytest.fixture(params=sorted(CASES))
def case(request) -> Case:
    return CASES[request.param]


@pytest.fixture
def scene(case) -> Iterator[Scene]:
    clock = Clock()
    twin = import_module(f"publishers.rehearsal.{case.network}_twin").TWIN
    with Rehearsal([twin(clock)]) as running:
        yield Scene(case, running, clock)


def errors(publisher: Publisher, message: Message) -> list[str]:
    return [problem.message for problem in publisher.check(message) if problem.severity == Severity.error]


def tells_nothing(error: BaseException, case: Case) -> bool:
    """Whether no credential stands anywhere in the error, its causes and its traceback's lines."""
    story, deeper = "".join(traceback.format_exception(error)), error
    while deeper is not None:
        story += f"{deeper!r}{deeper.args}"
        deeper = deeper.__cause__ or deeper.__context__  # type: ignore[assignment]
    return not any(value in story for name, value in case.credentials.items() if name not in case.public)


# --- thinking --------------------------------------------------------------------------------------------------------

def test_check_and_the_network_agree_on_what_goes(scene) -> None:
    """What `check` lets pass goes out: as many posts as parts, with alt text, in the account's name."""
    for name, message in scene.case.goes.items():
        before = len(scene.held())
        assert errors(scene.publisher(), message) == [], name
        outgoing = scene.publisher().compose(message)
        receipts = scene.send(message)
        made = scene.held()[before:]

        assert len(receipts) == len(outgoing.parts) == len(made), name
        assert [post["id"] for post in made] == [receipt.id for receipt in receipts], name
        assert {post["account"] for post in made} == {OURS}, name
        for post, part in zip(made, outgoing.parts, strict=True):
            alts = [alt for blob, alt in zip(part.media, part.alts, strict=True)]
            assert [media["alt"] or "" for media in post["media"]] == alts, name
        scene.clock.now += timedelta(hours=2)


def test_what_the_network_refuses_check_has_refused(scene) -> None:
    """What the network's documents refuse is an error in `check`; sent all the same, the twin refuses it: no post."""
    for name, message in scene.case.refused.items():
        publisher = scene.publisher()
        assert errors(publisher, message), name
        with pytest.raises(Rejected):
            scene.send(message, publisher)
        assert len(scene.held()) < max(len(publisher.compose(message).parts), 1), name
        httpx.delete(f"{scene.running.url}/_rehearsal").raise_for_status()


def test_compose_is_pure_and_whole(scene) -> None:
    """The same message is the same payload, without a credential; it reads back from JSON; each part has its key."""
    made = publishers.load(scene.case.network)(Connection(OURS))
    for message in scene.case.goes.values():
        outgoing = made.compose(message)
        assert outgoing == made.compose(message.model_copy(deep=True))
        assert Outgoing.model_validate_json(outgoing.canonical()) == outgoing
        assert len({part.key for part in outgoing.parts}) == len(outgoing.parts)
        assert (outgoing.slot, outgoing.network, outgoing.account) == (message.slot, scene.case.network, OURS)
        assert json.loads(outgoing.canonical())
    assert scene.held() == []


def test_the_setup_names_every_credential(scene) -> None:
    """Whoever sets the network up is told where each field is found; limits have a source and a date."""
    made = publishers.load(scene.case.network)
    assert set(made.setup.fields) == {*made.needs, *made.wants}
    assert made.setup.app
    assert made.limits.source
    assert set(scene.case.credentials) <= {*made.needs, *made.wants}
    assert len({option.name for option in made.options}) == len(made.options)


# --- talking ---------------------------------------------------------------------------------------------------------

def test_a_receipt_is_found_again_from_its_address(scene) -> None:
    """A person who names the post's address, or its id, gives the same receipt."""
    (receipt, *_) = scene.send(scene.case.goes["plain"])
    said = [text for text in (receipt.url, receipt.id) if text]
    assert {scene.publisher().receipt_of(text).id for text in said} == {receipt.id}
    with pytest.raises(ValueError):
        scene.publisher().receipt_of("https://elsewhere.example/not-a-post")


def test_a_later_attempt_needs_the_draft_alone(scene) -> None:
    """Another worker has the recorded draft and no handle of a file: it looks, and publishes, all the same."""
    for name, message in scene.case.goes.items():
        publisher = scene.publisher()
        outgoing, parts = publisher.compose(message), tuple[PartReceipt, ...]()
        for number, piece in enumerate(outgoing.parts):
            sent = scene.readied(publisher, outgoing, number, parts)
            if DRAFT not in sent.handles:
                pytest.skip(f"{scene.case.network} has no drafts")
            later = Sent(parts, {DRAFT: sent.handles[DRAFT]})
            if piece.kind == "post":
                assert publisher.find(outgoing, number, BEFORE, later).matches == (), name
            parts += (publisher.publish(outgoing, number, later),)
        assert len({receipt.id for receipt in parts}) == len(parts), name
        scene.clock.now += timedelta(hours=2)


@pytest.mark.parametrize("fault", FAULTS)
def test_one_call_leaves_under_each_fault(scene, fault) -> None:
    """One create call on the wire; the error says what is certain; a look tells the truth, or that it cannot know."""
    if fault not in scene.case.faults:
        pytest.skip(f"{scene.case.network} cannot have it")
    publisher = scene.publisher(seconds=SHORT_S if "stall" in fault else 20.0)
    outgoing = publisher.compose(scene.case.goes["plain"])
    sent = scene.readied(publisher, outgoing, 0, ())
    slowly = {"seconds": 0.2} if fault in ("slow", "late effect") else {}
    scene.faults({"network": scene.case.network, "fault": fault, **slowly})

    if fault == "slow":
        receipt = publisher.publish(outgoing, 0, sent)
        assert [post["id"] for post in scene.held()] == [receipt.id]
        assert scene.calls() == 1
        return
    with pytest.raises(PublishError) as caught:
        publisher.publish(outgoing, 0, sent)

    expected = {"401": (Unauthorized,), "429": (RateLimited,), "503": (Unconfirmed, Unavailable, RateLimited)}
    assert type(caught.value) in expected.get(fault, (Unconfirmed,))
    assert tells_nothing(caught.value, scene.case)
    assert scene.calls() == 1
    if fault == "late effect":
        return                                                    # nobody can say when it has come
    exists = fault in EFFECT
    assert len(scene.held()) == exists
    if publisher.lookup.repeat is Repeat.blind:
        assert publisher.find(outgoing, 0, BEFORE, sent) == ((), False)
        return
    # what another worker has of it
    later = Sent(sent.parts, {DRAFT: sent.handles[DRAFT]}) if DRAFT in sent.handles else sent
    found = publisher.find(outgoing, 0, BEFORE, later)
    assert found.complete
    assert [match.id for match in found.matches] == [post["id"] for post in scene.held()]
    if publisher.lookup.repeat is Repeat.keyed:
        again = publisher.publish(outgoing, 0, later)             # the same key, the same draft: the same post
        assert [post["id"] for post in scene.held()] == [again.id]


def test_find_knows_its_own(scene) -> None:
    """Among posts of strangers with the same words, and others of the account, `find` names its own and no other."""
    publisher, plain = scene.publisher(), scene.case.goes["plain"]
    if publisher.lookup.repeat is Repeat.blind:
        pytest.skip(f"{scene.case.network} cannot be read back")
    theirs = plain.model_copy(update={"account": THEIRS, "slot": plain.slot._replace(post="posts/theirs")})
    other = _other(plain)
    for message, who in ((theirs, scene.publisher(THEIRS)), (other, publisher)):
        scene.send(message, who)
    outgoing = publisher.compose(plain)
    sent = scene.readied(publisher, outgoing, 0, ())

    assert publisher.find(outgoing, 0, BEFORE, sent) == ((), True)

    receipt = publisher.publish(outgoing, 0, sent)
    scene.send(_other(other), publisher)
    found = publisher.find(outgoing, 0, BEFORE, sent)
    assert found.complete
    assert [match.id for match in found.matches] == [receipt.id]


def _other(message: Message) -> Message:
    """Another post: other words, another slot."""
    first = message.parts[0]
    words = first.model_copy(update={"text": f"Also: {first.text}", "markdown": f"Also: {first.markdown}"})
    title = f"Also: {message.title}" if message.title else None
    return message.model_copy(update={"parts": (words, *message.parts[1:]), "title": title,
                                      "slot": message.slot._replace(post=f"{message.slot.post}-also")})


def test_a_dead_credential_is_known_for_one(scene) -> None:
    """Refused for good, without a word of the credential, and nothing exists."""
    publisher = scene.publisher(credentials=scene.case.dead)
    with pytest.raises(Unauthorized) as caught:
        scene.send(scene.case.goes["plain"], publisher)
    assert tells_nothing(caught.value, scene.case)
    assert scene.held() == []
    for power, call in ((Identifies, "account_id"), (Verifies, "verify")):
        if isinstance(publisher, power):
            with pytest.raises(Unauthorized):
                getattr(publisher, call)()


def test_the_deadline_holds(scene) -> None:
    """A network that says nothing keeps a caller no longer than its deadline."""
    if "stall" not in scene.case.faults:
        pytest.skip(f"{scene.case.network} has deadlines of its own, tested by themselves")
    publisher = scene.publisher(seconds=SHORT_S)
    outgoing = publisher.compose(scene.case.goes["plain"])
    sent = scene.readied(publisher, outgoing, 0, ())
    scene.faults({"network": scene.case.network, "fault": "stall"})
    done = threading.Event()

    def call() -> None:
        with pytest.raises(Unconfirmed):
            publisher.publish(outgoing, 0, sent)
        done.set()

    threading.Thread(target=call, daemon=True).start()
    assert done.wait(SHORT_S * 10)


def test_two_accounts_at_once(scene) -> None:
    """Two threads of execution, an account each: every post is there once, in the right name."""
    plain = scene.case.goes["plain"]
    theirs = plain.model_copy(update={"account": THEIRS})

    def three(message: Message, account: str) -> list[str]:
        ids, publisher = [], scene.publisher(account)
        for _ in range(3):
            message = _other(message)
            ids += [receipt.id for receipt in scene.send(message, publisher)]
        return ids

    with ThreadPoolExecutor(2) as pool:
        ours, strangers = pool.submit(three, plain, OURS), pool.submit(three, theirs, THEIRS)
        names = {OURS: sorted(ours.result()), THEIRS: sorted(strangers.result())}
    held = scene.held()
    assert {who: sorted(post["id"] for post in held if post["account"] == who) for who in names} == names
    assert len(held) == sum(map(len, names.values()))


def test_a_post_is_taken_back_once_and_for_all(scene) -> None:
    """Withdrawn it is gone; a second time is no error; others stay."""
    publisher = scene.publisher()
    if not isinstance(publisher, Withdraws):
        pytest.skip(f"{scene.case.network} cannot take a post back")
    (other, *_) = scene.send(_other(scene.case.goes["plain"]))
    (receipt, *_) = scene.send(scene.case.goes["plain"])
    publisher.withdraw(receipt)
    publisher.withdraw(receipt)
    assert other.id in {post["id"] for post in scene.held()}
    assert receipt.id not in {post["id"] for post in scene.held()}


def test_it_says_whose_credentials_these_are(scene) -> None:
    """Two accounts have two ids, and the same one each time; what is verified names the account."""
    ours, theirs = scene.publisher(), scene.publisher(THEIRS)
    if isinstance(ours, Identifies) and isinstance(theirs, Identifies):
        assert ours.account_id() == scene.publisher().account_id() != theirs.account_id()  # type: ignore[attr-defined]
    if isinstance(ours, Verifies):
        verified = ours.verify()
        assert verified.account
        assert verified.account_id in (None, ours.account_id() if isinstance(ours, Identifies) else None)


def test_a_renewed_credential_works_and_none_is_empty(scene) -> None:
    """Renewing gives fields that the network knows, with words in them, and with them a post goes out."""
    publisher = scene.publisher()
    if not isinstance(publisher, Refreshes):
        pytest.skip(f"{scene.case.network} has nothing to renew")
    fresh = publisher.refresh()
    assert fresh
    assert all(isinstance(value, str) and value.strip() for value in fresh.values())
    assert set(fresh) <= {*publisher.needs, *publisher.wants}
    renewed = scene.publisher(credentials={**scene.case.credentials, **fresh})
    scene.send(scene.case.goes["plain"], renewed)
    assert len(scene.held()) == 1


def test_each_part_is_judged_before_the_first_goes(scene) -> None:
    """A fault in the last part of a thread is an error of `check` while nothing is out."""
    thread = scene.case.goes.get("thread")
    bad = scene.case.refused.get("too long")
    if thread is None or bad is None:
        pytest.skip(f"{scene.case.network} has no threads, or no longest text")
    posts = [part for part in thread.parts if part.kind == "post"]
    last = posts[-1].model_copy(update={"text": bad.parts[0].text, "markdown": bad.parts[0].markdown})
    assert errors(scene.publisher(), thread.model_copy(update={"parts": (*posts[:-1], last)}))


PROMISES: dict[str, Callable[[Any], bool]] = {
    "publish": lambda c: hasattr(c, "publish"), "find": lambda c: c.lookup.repeat is not Repeat.blind,
    "media": lambda c: hasattr(c, "prepare") or hasattr(c, "fetch"), "draft": lambda c: hasattr(c, "draft"),
    "withdraw": lambda c: hasattr(c, "withdraw"), "verify": lambda c: hasattr(c, "verify"),
    "refresh": lambda c: hasattr(c, "refresh"), "authorize": lambda c: hasattr(c, "authorization"),
    "price": lambda c: hasattr(c, "price"),
}


def test_table_of_powers(capsys) -> None:
    """Every adapter has a case, a twin, and the table is printed."""
    assert set(CASES) == set(publishers.available()) == set(twins())
    with capsys.disabled():
        print(f"\n{'network':14} class " + " ".join(f"{name:9}" for name in PROMISES))
        for name in sorted(CASES):
            made = publishers.load(name)
            row = " ".join(f"{'yes' if has(made) else '-':9}" for has in PROMISES.values())
            print(f"{name:14} {made.lookup.repeat:5} {row}")
