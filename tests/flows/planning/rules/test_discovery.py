"""DIS001–005: before anything is planned somebody counted, compared, measured, listened, and asked people."""
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from flows.planning.rules import discovery
from schemas.problem import Problem

Judged = Callable[..., list[Problem]]
Lines = Callable[..., list[str]]
Files = dict[str, str | bytes | None]
COUNT = ("Count positive, neutral and negative mentions first, and write them under people: reputation in "
         "discovery.yaml.")
KEYWORDS = ("{term: …, position: 3} under spiders: keywords in discovery.yaml, and position: null where you were not "
            "found.")
UNREADABLE: Files = {"discovery.yaml": "checked: [\n"}


def found(text: str) -> Files:
    return {"discovery.yaml": text}


def test_the_sample_keeps_them_all(of_sample: Callable[..., list[Problem]]) -> None:
    """Nothing is said of the sample content on its day, not even advice."""
    assert of_sample(discovery.RULES) == []


def test_without_discovery_each_rule_speaks_once(judged: Judged) -> None:
    """A folder without discovery.yaml and audiences is told what it misses, as to-dos of the gate."""
    problems = judged(discovery.RULES, {})

    assert sorted(problem.code for problem in problems) == ["DIS001", "DIS002", "DIS003", "DIS004", "DIS005"]
    assert {problem.gate for problem in problems} == {"DISCOVERY"}
    assert {str(problem.place) for problem in problems} == {"content/discovery.yaml:1:1", "content/audiences:1:1"}


def test_what_cannot_be_read_is_not_missing(judged: Judged) -> None:
    """A file with a problem of its own is not said to lack what it may hold."""
    assert judged(discovery.RULES, {**UNREADABLE, "audiences/renters.yaml": "audience: [\n"}) == []


# --- DIS001 -----------------------------------------------------------------------------------------------------------

@pytest.mark.rule("DIS001", "fires")
@pytest.mark.parametrize("counts", ["{positive: 0, neutral: 0, negative: 0}", "{from: 2026-07-01, source: by hand}"])
def test_a_reputation_is_counted(counts: str, judged: Judged, lines: Lines) -> None:
    """DIS001: counts of nothing, or none."""
    assert lines(judged([discovery.COUNTED], found(f"people:\n  reputation: {counts}\n"))) == [
        f"discovery.yaml:2:3: DIS001 error: No mention of you was counted. {COUNT}"]


@pytest.mark.rule("DIS001", "near")
@pytest.mark.parametrize("counts", ["{negative: 1}", "{neutral: 1, positive: 0}", "{positive: 1}"])
def test_one_mention_is_a_reputation(counts: str, judged: Judged) -> None:
    """DIS001: of whatever tone."""
    assert judged([discovery.COUNTED], found(f"people: {{reputation: {counts}}}\n")) == []


@pytest.mark.rule("DIS001", "missing")
@pytest.mark.parametrize("text", [None, "checked: 2026-10-01\n", "people: {}\n"])
def test_without_counts_nobody_has_counted(text: str | None, judged: Judged, lines: Lines) -> None:
    """DIS001: no file, no people, no reputation; a file that cannot be read is another matter."""
    assert lines(judged([discovery.COUNTED], {"discovery.yaml": text})) == [
        f"discovery.yaml:1:1: DIS001 error: Nobody has counted how people speak of you. {COUNT}"]
    assert judged([discovery.COUNTED], UNREADABLE) == []


# --- DIS002 -----------------------------------------------------------------------------------------------------------

HUB = "  - {id: hub, name: Hire Hub, reputation: {positive: 20}, leapfrog: Answer people}\n"
BAY = "  - {id: bay, reputation: {negative: 1}, leapfrog: Local faces}\n"
DESCRIBE = "under competition in discovery.yaml, with reputation: {positive: …, neutral: …, negative: …}"


@pytest.mark.rule("DIS002", "fires")
def test_two_competitors_are_known(judged: Judged, lines: Lines) -> None:
    """DIS002: one has no counts; another one nobody knows how to leap over."""
    text = f"competition:\n{HUB}  - {{id: bay, name: Bay DIY, reputation: {{neutral: 0}}}}\n"

    assert lines(judged([discovery.COMPARED], found(text))) == [
        f"discovery.yaml:1:1: DIS002 error: Only 1 competitor is described with a reputation; it takes 2. Describe 1 "
        f"more {DESCRIBE}, beginning with counts for bay.",
        "discovery.yaml:3:5: DIS002 warning: Nobody has said where you can do better than Bay DIY. Write it under "
        "leapfrog."]


@pytest.mark.rule("DIS002", "near")
def test_two_with_counts_and_a_leap_are_enough(judged: Judged) -> None:
    """DIS002: exactly two, with one mention each."""
    assert judged([discovery.COMPARED], found(f"competition:\n{HUB}{BAY}")) == []


@pytest.mark.rule("DIS002", "missing")
@pytest.mark.parametrize("text", [None, "checked: 2026-10-01\n"])
def test_without_competitors_all_are_missing(text: str | None, judged: Judged, lines: Lines) -> None:
    """DIS002: no file, or none in it."""
    assert lines(judged([discovery.COMPARED], {"discovery.yaml": text})) == [
        f"discovery.yaml:1:1: DIS002 error: No competitor is described with a reputation; it takes 2. Describe 2 more "
        f"{DESCRIBE}."]
    assert judged([discovery.COMPARED], UNREADABLE) == []


@pytest.mark.parametrize(("knob", "codes"), [("1", []), ("2", ["DIS002"]), ("0", [])])
def test_how_many_competitors_is_a_knob(knob: str, codes: list[str], judged: Judged) -> None:
    """DIS002: min_competitors."""
    files = {**found(f"competition:\n{HUB}"), "rules.yaml": f"knobs: {{min_competitors: {knob}}}\n"}

    assert [problem.code for problem in judged([discovery.COMPARED], files)] == codes


def test_a_third_competitor_needs_a_leap_too(judged: Judged) -> None:
    """DIS002: the warning is for each, whether there are enough or not; blank is nothing."""
    text = f"competition:\n{HUB}{BAY}  - {{id: web, leapfrog: ' '}}\n"

    assert [(problem.severity.value, problem.message) for problem in judged([discovery.COMPARED], found(text))] == [
        ("warning", "Nobody has said where you can do better than web.")]


# --- DIS003 -----------------------------------------------------------------------------------------------------------

def keywords(*positions: str) -> str:
    return "spiders:\n  keywords:\n" + "".join(
        f"    - {{term: word {number}{position}}}\n" for number, position in enumerate(positions))


@pytest.mark.rule("DIS003", "fires")
def test_five_keywords_are_measured(judged: Judged, lines: Lines) -> None:
    """DIS003: four, and one at which nobody looked."""
    text = keywords(", position: 3", ", position: 1", ", position: null", ", position: 40", "")

    assert lines(judged([discovery.FOUND], found(text))) == [
        "discovery.yaml:2:3: DIS003 error: Only 4 keywords are measured; it takes 5. Measure how easily people find "
        f"you for 1 more word: {KEYWORDS}"]


@pytest.mark.rule("DIS003", "near")
def test_not_to_be_found_is_a_measure(judged: Judged) -> None:
    """DIS003: five times null is measured."""
    assert judged([discovery.FOUND], found(keywords(*[", position: null"] * 5))) == []


@pytest.mark.rule("DIS003", "missing")
@pytest.mark.parametrize("text", [None, "checked: 2026-10-01\n", "spiders: {}\n"])
def test_without_keywords_none_is_measured(text: str | None, judged: Judged) -> None:
    """DIS003: no file, no spiders, no keywords."""
    (problem,) = judged([discovery.FOUND], {"discovery.yaml": text})

    assert (problem.message, problem.remedy) == (
        "No keyword is measured; it takes 5.",
        f"Measure how easily people find you for 5 more words: {KEYWORDS}")
    assert judged([discovery.FOUND], UNREADABLE) == []


@pytest.mark.parametrize(("knob", "codes"), [("1", []), ("2", ["DIS003"])])
def test_how_many_keywords_is_a_knob(knob: str, codes: list[str], judged: Judged) -> None:
    """DIS003: min_keywords."""
    files = {**found(keywords(", position: 3")), "rules.yaml": f"knobs: {{min_keywords: {knob}}}\n"}

    assert [problem.code for problem in judged([discovery.FOUND], files)] == codes


# --- DIS004 -----------------------------------------------------------------------------------------------------------

HEARD = "listening:\n  - {id: all, query: mend, covers: [brand, product, competitor]}\n"
STAND = "Look how people, competitors and search stand today, then write the day under checked."


@pytest.mark.rule("DIS004", "fires")
def test_discovery_lasts_a_year(judged: Judged, lines: Lines) -> None:
    """DIS004: 366 days old; and nobody listens for a competitor."""
    text = "checked: 2026-01-03\n" + HEARD.replace(", competitor", "")

    assert lines(judged([discovery.CURRENT], found(text))) == [
        f"discovery.yaml:1:1: DIS004 warning: Discovery is out of date: it was checked on 2026-01-03, 366 days ago. "
        f"{STAND}",
        "discovery.yaml:2:1: DIS004 warning: Nobody listens for a competitor. Add a search to listening in "
        "discovery.yaml, with a query and covers: [competitor]."]


@pytest.mark.rule("DIS004", "near")
def test_a_year_is_not_too_old(judged: Judged) -> None:
    """DIS004: 365 days, until midnight in Dublin; searches may share what is heard."""
    text = ("checked: 2026-01-04\nlistening:\n  - {id: us, query: mend, covers: [brand]}\n"
            "  - {id: them, query: hire, covers: [competitor, product]}\n")

    assert judged([discovery.CURRENT], found(text)) == []
    assert judged([discovery.CURRENT], found(text), now=datetime(2027, 1, 4, 23, 59, tzinfo=UTC)) == []
    assert len(judged([discovery.CURRENT], found(text), now=datetime(2027, 1, 5, 0, 0, tzinfo=UTC))) == 1


@pytest.mark.rule("DIS004", "missing")
def test_without_discovery_nobody_listens(judged: Judged, lines: Lines) -> None:
    """DIS004: no file is told once; a file without a day, or with one to come, is not checked."""
    deaf = ("Nobody listens for your name, what you offer and a competitor. Add a search to listening in "
            "discovery.yaml, with a query and covers: [brand, product, competitor].")
    assert lines(judged([discovery.CURRENT], {})) == [f"discovery.yaml:1:1: DIS004 warning: {deaf}"]
    assert lines(judged([discovery.CURRENT], found(HEARD))) == [
        f"discovery.yaml:1:1: DIS004 warning: Nobody has said when discovery was checked. {STAND}"]
    assert lines(judged([discovery.CURRENT], found("checked: 2027-01-05\n" + HEARD))) == [
        f"discovery.yaml:1:1: DIS004 warning: Discovery is not checked yet: 2027-01-05 is still to come. {STAND}"]
    assert judged([discovery.CURRENT], found("checked: 2027-01-04\n" + HEARD)) == []
    assert judged([discovery.CURRENT], UNREADABLE) == []


def test_a_search_without_a_query_hears_nothing(judged: Judged) -> None:
    """DIS004: it covers, and nobody could run it."""
    text = "checked: 2027-01-04\n" + HEARD.replace("query: mend, ", "")

    assert [problem.message for problem in judged([discovery.CURRENT], found(text))] == [
        "Nobody listens for your name, what you offer and a competitor."]


@pytest.mark.parametrize(("knob", "codes"), [("3", []), ("2", ["DIS004"])])
def test_how_old_discovery_may_be_is_a_knob(knob: str, codes: list[str], judged: Judged) -> None:
    """DIS004: discovery_days."""
    files = {**found("checked: 2027-01-01\n" + HEARD), "rules.yaml": f"knobs: {{discovery_days: {knob}}}\n"}

    assert [problem.code for problem in judged([discovery.CURRENT], files)] == codes


# --- DIS005 -----------------------------------------------------------------------------------------------------------

RENTERS = {
    "behaviours": "[buy a drill once]", "wants": "[a shelf]", "needs": "[no storage]", "motivations": "[less clutter]",
    "evidence": "[{id: desk, text: 31 of 48}]", "insights": "[{id: no-room, text: They have no room, evidence: desk}]"}


def renters(without: tuple[str, ...] = (), **other: str) -> Files:
    fields = {**RENTERS, **other}
    text = "".join(f"{field}: {said}\n" for field, said in fields.items() if field not in without)
    return {"audiences/renters.yaml": f"audience: renters\n{text}"}


@pytest.mark.rule("DIS005", "fires")
def test_an_audience_is_known(judged: Judged, lines: Lines) -> None:
    """DIS005: what is missing or empty is named; the place is the first of it."""
    assert lines(judged([discovery.DESCRIBED], renters(("insights",), wants="[]"))) == [
        "audiences/renters.yaml:3:1: DIS005 warning: renters has no wants and insights. Ask some of these people, and "
        "write what you learn there."]


@pytest.mark.rule("DIS005", "near")
def test_an_audience_with_one_of_each_is_known(judged: Judged) -> None:
    """DIS005: each of the six is needed, and no more."""
    assert judged([discovery.DESCRIBED], renters()) == []
    for field in RENTERS:
        assert [problem.message for problem in judged([discovery.DESCRIBED], renters((field,)))] == [
            f"renters has no {field}."]


@pytest.mark.rule("DIS005", "missing")
def test_without_audiences_nobody_is_described(judged: Judged, lines: Lines) -> None:
    """DIS005: none at all is told once; one that cannot be read has a problem of its own."""
    assert lines(judged([discovery.DESCRIBED], {})) == [
        "audiences:1:1: DIS005 warning: No audience is described. Write one in audiences/<id>.yaml: its behaviours, "
        "wants, needs, motivations, evidence and insights."]
    assert judged([discovery.DESCRIBED], {"audiences/renters.yaml": "audience: [\n"}) == []
    assert judged([discovery.DESCRIBED], {**renters(), "audiences/fixers.yaml": "audience: [\n"}) == []
