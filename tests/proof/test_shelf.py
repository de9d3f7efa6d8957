"""What the judge of `scale` reads, in a folder or a bucket, is what lies there: raw, all of it, in order."""
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.edges.store import open_store

_OURS = ("keeper", "lineage", "places", "ports", "shelf")         # they import each other by these names


@pytest.fixture(scope="module")
def proof() -> Iterator[Any]:
    """A module of the harness by its name."""
    sys.path.insert(0, str(Path(__file__).parent))
    yield importlib.import_module
    sys.path.remove(str(Path(__file__).parent))
    for name in _OURS:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module", params=["directory", "moto", pytest.param("ministack", marks=pytest.mark.realservers)])
def shelf(request: pytest.FixtureRequest, proof: Any) -> Iterator[Any]:
    """One for all tests, each of which has a post of its own. Its server goes with its keeper."""
    if request.param == "ministack" and "DRUMBEAT_REALSERVERS" not in os.environ:
        pytest.skip("DRUMBEAT_REALSERVERS names no folder of start scripts")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "moto":
            patch.delenv("DRUMBEAT_REALSERVERS", raising=False)
        patch.setenv("SCALE_RUN", "")                             # which the keeper sets, and is unset afterwards
        keeper, kinds = proof("keeper").Keeper(), proof("shelf")
        made = kinds.Folder(keeper.home) if request.param == "directory" else kinds.Bucket(keeper.home, os.environ)
        made.start()
        for name, value in made.environment.items():
            patch.setenv(name, value)
        yield made
        assert keeper.end() == 0
        made.reap()
        assert not keeper.home.exists()


def test_the_judge_reads_what_workers_wrote(shelf: Any) -> None:
    """Every object below a prefix, in order of the keys, byte for byte, and no other."""
    store, keys = open_store(shelf.address), keys_of("hello", 12)
    for key in [*reversed(keys), *keys_of("hello-too", 1), "v1/hold/000001.json"]:
        store.create(key, key.encode() + b"\n\xff")

    assert shelf.keys("v1/ledger/posts.hello/") == keys
    assert shelf.keys(keys[1]) == keys[1:2]
    assert shelf.keys("v1/ledger/posts.hello/mastodon/") == []
    assert shelf.read(keys) == {key: key.encode() + b"\n\xff" for key in keys}


def test_requests_of_workers_are_counted_and_the_judges_own_are_not(shelf: Any) -> None:
    """By kind, from the server's own log; a folder is asked for nothing."""
    store, [key], before = open_store(shelf.address), keys_of("counted", 1), shelf.requests()
    store.create(key, b"{}")
    assert list(store.list("v1/ledger/posts.counted/")) == [key]
    assert shelf.read(shelf.keys("v1/ledger/posts.counted/")) == {key: b"{}"}
    assert store.get(key) == b"{}"

    told = {"PUT": 1, "LIST": 1, "GET": 1} if shelf.address.startswith("s3:") else {}
    assert dict(shelf.requests() - before) == told


def test_a_listing_of_more_than_a_page_is_whole(shelf: Any, monkeypatch: pytest.MonkeyPatch, proof: Any) -> None:
    """An answer of S3 that is cut off is asked on from its last key."""
    store, keys = open_store(shelf.address), keys_of("long", 7)
    for key in keys:
        store.create(key, b"{}")
    monkeypatch.setattr(proof("shelf"), "PAGE", 3)

    assert shelf.keys("v1/ledger/posts.long/") == keys


def keys_of(post: str, records: int) -> list[str]:
    """Of one slot of the post, in order."""
    return [f"v1/ledger/posts.{post}/x/1/{number:06d}.json" for number in range(1, records + 1)]
