"""One file per network. A network's name is its file's name; it is imported only when used."""
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import cast

from publishers.base import Connection, Publisher
from schemas.message import Message
from schemas.problem import Problem


@cache                                                            # a check asks for every message
def available() -> tuple[str, ...]:
    """The networks that can be published to, by name."""
    names = (entry.name for entry in files(__name__).iterdir())
    return tuple(sorted(n[:-3] for n in names if n.endswith(".py") and not n.startswith("_") and n != "base.py"))


@cache
def load(network: str) -> type[Publisher]:
    """The adapter class of `network`. Raises KeyError for a name that is not in `available()`."""
    if network not in available():
        raise KeyError(network)
    return cast("type[Publisher]", import_module(f"publishers.{network}").PUBLISHER)


def judge(message: Message) -> list[Problem]:
    """What the message's network would refuse. Needs no credential and no network."""
    return load(message.network)(Connection(message.account)).check(message)
