"""What a language needs to be heard: its phrases, and the words that make a verb an imperative."""
from collections.abc import Mapping
from typing import NamedTuple


class Tongue(NamedTuple):
    """The phrases that ask, that ask to share, and that boast, each under a part of itself that no text without the
    phrase can lack. `^`: only where a clause begins. The rest is the notation of `re`, in small letters; a space stands
    for up to three. Every repetition is bounded, so that no text takes long.

    `invites`: an imperative may follow, whatever stands before. `leads`: it may, unless the sentence has a word of
    `narrates`. `infinitives`: words before an infinitive, which asks at the beginning of a clause or after one of
    `before_infinitives` ("click here to join us").
    """

    asks: Mapping[str, str]
    shares: Mapping[str, str]
    boasts: Mapping[str, str]
    invites: frozenset[str]
    leads: frozenset[str]
    narrates: frozenset[str]
    infinitives: frozenset[str] = frozenset()
    before_infinitives: frozenset[str] = frozenset()


def words(text: str) -> frozenset[str]:
    return frozenset(text.split())
