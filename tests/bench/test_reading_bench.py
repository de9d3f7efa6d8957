"""What reading costs a post, step by step, beside the least that anything must do: parse its front matter, check types.

DRUMBEAT_BENCH_POSTS says how many posts are read (4,000). All of it happens in memory, so that disks play no part.
"""
import gc
import hashlib
import os
import statistics
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import yaml_rs

import publishers
from flows.planning.composing import compose
from flows.planning.dividing import divide
from flows.planning.indexing import references
from flows.planning.masking import secrets
from flows.planning.parsing import parse_by_events, parse_document
from flows.planning.reading import is_post, read
from flows.planning.resolving import resolve
from schemas.content import SourceFile
from schemas.post import Head

POSTS = int(os.environ.get("DRUMBEAT_BENCH_POSTS", "4000"))
RUNS = 5


def folder() -> dict[str, str]:
    """The files of `posts.py`, this file's neighbour."""
    spec = spec_from_file_location("posts", Path(__file__).with_name("posts.py"))
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.folder(POSTS)


@pytest.mark.bench
def test_reading(capsys) -> None:
    """Prints the median microseconds a post of each step, and how many times the least that is."""
    files = [SourceFile(path, hashlib.sha1(data).hexdigest(), len(data), "file", data)
             for path, text in folder().items() for data in [text.encode()]]
    posts = [file.data for file in files if is_post(file.path)]
    documents = [parse_document(data, "p.md") for data in posts]
    content = resolve(read(files, "content"), "content", "working tree", publishers.available(), None)
    channels = content.channels.channels
    messages = [compose(post, channel, content) for post in content.posts for channel in post.channels]

    def least() -> None:
        for data in posts:
            front = data.decode().split("---\n", 2)[1]
            value = yaml_rs.loads(front, parse_datetime=False) if front.strip() else {}
            Head.model_validate({key: inner for key, inner in value.items() if not key.startswith("x-")})

    steps: dict[str, Callable[[], object]] = {
        "yaml-rs and pydantic (the least)": least,
        "parse_document": lambda: [parse_document(data, "p.md") for data in posts],
        "  of libyaml's events instead": lambda: [parse_by_events(one.head.text, "p.md") for one in documents],
        "secrets": lambda: [list(secrets(data.decode())) for data in posts],
        "divide": lambda: [divide(one.body, "p.md", one.first_line, "p", None) for one in documents],
        "read, all of the above and more": lambda: read(files, "content"),
        "references": lambda: [references(post.post.head) for post in content.posts],
        f"compose, {len(messages) / POSTS:.1f} messages": lambda: [
            compose(post, channel, content) for post in content.posts for channel in post.channels],
        f"judge, {len(messages) / POSTS:.1f} messages": lambda: [publishers.judge(message) for message in messages],
    }
    taken: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(RUNS):                                         # in turn, so that a slow minute is slow for all
        for name, step in steps.items():
            gc.collect()
            begun = time.process_time()
            step()
            taken[name].append(time.process_time() - begun)
    base = statistics.median(taken["yaml-rs and pydantic (the least)"])
    with capsys.disabled():
        print(f"\n{f'{POSTS} posts on {len(channels)} channels, median of {RUNS}':<46} {'us a post':>9} {'ratio':>6}")
        for name, seconds in taken.items():
            median = statistics.median(seconds)
            print(f"{name:<46} {median / POSTS * 1e6:9.1f} {median / base:6.1f}")
