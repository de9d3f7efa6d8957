"""Two sides held against each other: problems and gates."""
from flows.planning.contrasting import Found, Swing, marked, swings
from schemas.gate import Gate, GateLine, Light
from schemas.place import Place
from schemas.problem import Problem, Severity


def a_problem(message: str, line: int = 1, severity: Severity = Severity.error, file: str = "a.md") -> Problem:
    return Problem("TXT001", severity, Place(file, line), message, "Mend it.")


def a_line(state: Light, key: str = "CMP001", evidence: str = "seen") -> GateLine:
    return GateLine(state, key, "a plan", evidence)


def test_a_problem_that_moved_down_its_file_is_not_new() -> None:
    """New is what the base has not: another message, another file, one more of the same, a worse severity."""
    before = [a_problem("same", 3), a_problem("gone"), a_problem("worse", severity=Severity.warning)]
    same, twice, other = a_problem("same", 7), a_problem("same", 9), a_problem("same", 3, file="b.md")
    worse, advice = a_problem("worse"), a_problem("late", severity=Severity.advice)

    assert marked(before, [advice, other, worse, twice, same]) == ((
        Found(worse, True), Found(same, False), Found(twice, True), Found(other, True), Found(advice, True)), 2)


def test_only_gates_that_stand_otherwise_are_told() -> None:
    """A line that changed, a gate that is new, one that is gone; what is the same is left out."""
    green, red, told = a_line(Light.green), a_line(Light.red), a_line(Light.green, evidence="seen anew")
    before = [Gate("SKILLS", (green,)), Gate("LAUNCH", (green, red), "spring"), Gate("LAUNCH", (green,), "winter")]
    after = [Gate("SKILLS", (green,)), Gate("LAUNCH", (told, red), "spring"), Gate("LAUNCH", (red,), "summer")]

    assert swings(before, after) == (
        Swing("LAUNCH of spring", Light.red, Light.red, ((green, told),)),
        Swing("LAUNCH of summer", None, Light.red, ((None, red),)),
        Swing("LAUNCH of winter", Light.green, None, ((green, None),)),
    )


def test_lines_of_one_rule_are_held_against_each_other_in_turn() -> None:
    """A rule with two lines in a gate: the second that changed is told, and a third one is new."""
    one, two, three = a_line(Light.green), a_line(Light.red), a_line(Light.amber)

    assert swings([Gate("SKILLS", (one, one))], [Gate("SKILLS", (one, two, three))]) == (
        Swing("SKILLS", Light.green, Light.red, ((one, two), (None, three))),)
