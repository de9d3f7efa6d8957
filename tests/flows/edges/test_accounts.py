"""Which account each channel is: said once, kept, and never changed by whoever comes later."""
import threading

import pytest

from flows.edges.accounts import Bound, bind
from flows.edges.store import open_store
from schemas.errors import StoreError

MILL = Bound(network="x", handle="mill", account_id="115000000000000001")
KEY = "v1/account/x.json"


@pytest.fixture
def store(tmp_path):
    return open_store(f"dir:{tmp_path / 'archive'}")


def test_first_publisher_binds_the_channel(store):
    """The first answer is kept under the channel's name, ids as text."""
    assert bind(store, "x", MILL) == MILL
    assert store.get(KEY) == b'{"account_id":"115000000000000001","handle":"mill","network":"x"}'
    assert list(store.list("v1/account/")) == [KEY]


def test_later_ones_learn_what_was_said_first(store):
    """Another account is answered with the one that stands there, and nothing is written."""
    bind(store, "x", MILL)

    assert bind(store, "x", MILL) == MILL
    assert bind(store, "x", MILL.model_copy(update={"account_id": "7"})) == MILL
    assert bind(open_store(store.address), "x", MILL.model_copy(update={"handle": "the-mill"})) == MILL


def test_channels_are_bound_one_by_one(store):
    """Two channels may be the same account, or not: neither knows of the other."""
    other = Bound(network="mastodon", handle="@mill", account_id="1")
    bind(store, "x", MILL)

    assert bind(store, "mastodon", other) == other


def test_rivals_agree(store):
    """Publishers that bind the same channel at once all get the same answer."""
    start, answers = threading.Barrier(8), list[Bound]()

    def ask(number: int) -> None:
        wanted = MILL.model_copy(update={"account_id": str(number)})
        start.wait()
        answers.append(bind(open_store(store.address), "x", wanted))

    rivals = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()

    assert len(answers) == 8
    assert len({one.account_id for one in answers}) == 1


@pytest.mark.parametrize("body", [b"", b"{}", b"not JSON", b'{"network":"x","handle":"mill"}'])
def test_a_binding_that_cannot_be_read_stops_the_channel(store, body):
    """A damaged binding is never replaced by a guess: its key is named, and what to do."""
    store.create(KEY, body)

    with pytest.raises(StoreError, match=KEY) as refused:
        bind(store, "x", MILL)
    assert refused.value.remedy == "restore it from a copy, or move it away"
    assert store.get(KEY) == body
