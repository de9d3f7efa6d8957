"""How days, weeks and retention are written."""
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from schemas.notation import Day, Week
from schemas.rulebook import Retention


@pytest.mark.parametrize(("kind", "good", "bad"), [
    (Day, ["2027-03-04"], ["2027-3-4", "2027-02-30", "4 March", 0, 20270304, True, "2027-03-04 09:30"]),
    (Week, ["2027-W09", "2026-W53"], ["2027-W53", "2027-W00", "2027-9", "0000-W01"]),
    (Retention, ["90d", "6mo", "3y"], ["0d", "3 years", "30m", ""]),
])
def test_notation_takes_what_people_write(kind: Any, good: list[object], bad: list[object]) -> None:
    """Days, weeks and retention take one form each; anything else is refused, never guessed at."""
    form = TypeAdapter(kind)

    def refuses(value: object) -> bool:
        try:
            form.validate_python(value)
        except ValidationError:
            return True
        return False

    assert [v for v in good if refuses(v)] == []
    assert [v for v in bad if not refuses(v)] == []
