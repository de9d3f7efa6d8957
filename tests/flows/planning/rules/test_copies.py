"""STR013: what was written for other people is found again, however many texts there are."""
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.planning.likening import are_alike, bag
from flows.planning.rules import copies
from flows.planning.rules.copies import Text, alike
from schemas.ledger import Slot
from schemas.place import Place
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
Files = dict[str, str | bytes | None]
DIFFERS = "Ask what differs for these people, and say that."
NINE = "one two three four five six seven eight nine"
ANYTHING = Place("content/a.yaml")


def campaigns(**texts: str) -> Files:
    """A campaign a text, each a month long, with one offer and one post; the first begins first."""
    files: Files = {}
    for month, (name, text) in enumerate(texts.items(), 1):
        files[f"campaigns/{name}/campaign.yaml"] = (
            f"start: 2027-0{month}-05\nend: 2027-0{month}-25\noffer: {{text: {text}}}\n")
        files[f"campaigns/{name}/posts/go.md"] = f"---\nat: 2027-0{month}-06 09:30\n---\n{text}\n"
    return files


def strategies(mend: str, north: str | None) -> Files:
    frame = "start: 2026-09-01\ntimezone: Europe/Dublin\nsocial_goals:\n  - {id: "
    files: Files = {"strategy.yaml": f"strategy: mend\n{frame}shares, text: {mend}}}\n"}
    if north is not None:
        files["strategies/north.yaml"] = f"strategy: north\n{frame}visits, text: {north}}}\n"
    return files


@pytest.mark.rule("STR013", "fires")
def test_what_was_said_to_others_is_asked_about(judged: Judged, lines: Lines) -> None:
    """STR013: goals of two strategies, offers and posts of two campaigns; ten of eleven words, or nine of ten."""
    files = {**strategies(f"{NINE} ten", NINE), **campaigns(zinnia=NINE, aster=f"{NINE} ten")}

    assert lines(judged([copies.COPIED], files)) == [
        f"campaigns/aster/campaign.yaml:3:9: STR013 advice: The offer looks copied from the campaign zinnia. {DIFFERS}",
        f"campaigns/aster/posts/go.md:4:1: STR013 advice: It looks copied from zinnia/go. {DIFFERS}",
        f"strategy.yaml:5:18: STR013 advice: shares looks copied from visits of the strategy north. {DIFFERS}"]


@pytest.mark.rule("STR013", "near")
def test_eight_of_ten_words_are_not_a_copy(judged: Judged) -> None:
    """STR013: nine words with one of them changed; and the same words twice in one campaign or strategy."""
    other = NINE.replace("nine", "ten")
    files = {**strategies(NINE, other), **campaigns(zinnia=NINE, aster=other)}
    files["campaigns/zinnia/posts/again.md"] = f"---\nat: 2027-01-07 09:30\n---\n{NINE}\n"
    files["posts/always.md"] = f"---\nat: 2027-01-08 09:30\n---\n{NINE}\n"

    assert judged([copies.COPIED], files) == []


@pytest.mark.rule("STR013", "missing")
def test_without_another_strategy_or_campaign_nothing_is_copied(judged: Judged) -> None:
    """STR013: one of each; campaigns without an offer or a word of text."""
    assert judged([copies.COPIED], {**strategies(NINE, None), **campaigns(zinnia=NINE)}) == []
    assert judged([copies.COPIED], {"strategy.yaml": None}) == []
    bare: Files = {f"campaigns/{name}/campaign.yaml": "start: 2027-01-05\n" for name in ("zinnia", "aster")}
    files = {f"campaigns/{name}/posts/go.md": "---\nat: 2027-01-06 09:30\nmedia: [a.jpg]\n---\n"
             for name in ("zinnia", "aster")}
    assert judged([copies.COPIED], {**bare, **files, "media/a.jpg": b"\xff\xd8\xff"}) == []
    blank: Files = {f"campaigns/{name}/campaign.yaml": "offer: {value_to_us: More}\n" for name in ("zinnia", "aster")}
    assert judged([copies.COPIED], blank) == []


def test_what_is_out_is_not_asked_about(judged: Judged) -> None:
    """STR013: nobody can change a post that went out; what it said counts all the same."""
    files = campaigns(zinnia=NINE, aster=NINE)

    def told(*sent: str) -> list[str | None]:
        found = judged([copies.COPIED], files, sent={Slot(id, "mastodon"): None for id in sent})
        return [problem.post for problem in found if problem.post]

    assert told() == ["aster/go"]
    assert told("zinnia/go") == ["aster/go"]
    assert told("zinnia/go", "aster/go") == []


def test_links_hashtags_and_variants_make_no_difference(judged: Judged) -> None:
    """STR013: the text for everybody is compared, without what differs where the words are the same."""
    files = campaigns(zinnia=NINE, aster=NINE)
    files["campaigns/aster/posts/go.md"] = (
        f"---\nat: 2027-02-06 09:30\n---\nQuite another text.\n## on mastodon\n{NINE}\n")
    files["campaigns/aster/posts/went.md"] = f"---\nat: 2027-02-07 09:30\n---\n**{NINE}** https://ours.example #Aster\n"

    assert [problem.post for problem in judged([copies.COPIED], files) if problem.post] == ["aster/went"]


@pytest.mark.parametrize(("knob", "posts"), [
    ("0.9", ["c/go"]), ("0.8", ["b/go", "c/go"]), ("0.81", ["c/go"]), ("0.91", []), ("1", []),
    ("0", ["c/go"]), ("7", ["c/go"]), (".nan", ["c/go"]), ("much", ["c/go"])])
def test_how_much_is_a_knob(knob: str, posts: list[str], judged: Judged) -> None:
    """STR013: copy_similarity, from a half to all; anything else leaves it at nine tenths."""
    files = {**campaigns(a=NINE, b=NINE.replace("nine", "ten"), c=f"{NINE} eleven"),
             "rules.yaml": f"knobs: {{copy_similarity: {knob}}}\n"}

    assert [problem.post for problem in judged([copies.COPIED], files) if problem.post] == posts


words = st.lists(st.sampled_from("abcdefghijkl"), max_size=14).map(" ".join)
texts = st.lists(st.tuples(st.sampled_from(["one", "two", "three"]), words), max_size=30)


@settings(max_examples=300)
@given(said=texts)
def test_every_copy_is_found_and_nothing_else(said: Sequence[tuple[str, str]]) -> None:
    """What is found is what a comparison of each with each finds: a text before it, of another home, alike."""
    made = [Text(home, home, ANYTHING, bag(text)) for home, text in said]
    expected = {later for later, one in enumerate(made) if any(
        other.home != one.home and are_alike(one.bag, other.bag) for other in made[:later])}

    found = dict(alike(made, Fraction(9, 10)))

    assert set(found) == expected
    for later, earlier in found.items():
        assert earlier < later
        assert made[earlier].home != made[later].home
        assert are_alike(made[earlier].bag, made[later].bag)


class Counted(frozenset[str]):
    """A bag that counts how often it is compared."""

    looked = 0

    def __and__(self, other: AbstractSet[object]) -> frozenset[str]:
        Counted.looked += 1
        return frozenset.__and__(self, other)


@pytest.mark.parametrize(("of_each", "most"), [
    (lambda number, chance: [*NINE.split(), f"x{number}", f"y{number}"], 0),
    (lambda number, chance: chance.sample([f"word{count}" for count in range(60)], 12), 20),
])
def test_a_thousand_texts_of_one_pattern_cost_little(of_each: Callable[[int, Random], list[str]], most: int) -> None:
    """Texts of which all but two words are the same are not compared; of what else has words in common, a few each."""
    chance, many, Counted.looked = Random(7), 1000, 0
    made = [Text(f"home-{number % 7}", "", ANYTHING, Counted(of_each(number, chance))) for number in range(many)]

    assert list(alike(made, Fraction(9, 10))) == []
    assert (most > 0) is (Counted.looked > 0)
    assert Counted.looked <= many * most
