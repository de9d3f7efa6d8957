"""What an older version of a file says, as far as history asks: agreements, ids, and what a sponsor agrees to."""
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from flows.planning.parsing import Unreadable, divide_document, parse_yaml, text_of
from flows.planning.reading import TEXT_BYTES, is_post
from flows.planning.shelving import shelf_of

__all__ = ["TEXT_BYTES", "Form", "agreed", "form_of"]

Facts = dict[str, Any]
_NO_TEXT = frozenset({
    "approved_by", "author", "draft", "hold", "withdraw", "id", "at", "slot", "after", "every", "from", "until", "runs",
    "not_before", "not_after", "timezone", "tactic", "goal", "funnel", "audience", "pillar", "idea", "answers"})
"""Keys of a post that change nothing of what its readers get."""
_NOTES = re.compile(r"^## notes[ \t]*$.*?(?=^ {0,3}#|\Z)", re.MULTILINE | re.DOTALL)


class Form(NamedTuple):
    """A kind of file whose versions are read. `read`: plain facts of one version, None where it cannot be read."""

    name: str
    read: Callable[[bytes], Facts | None]


def form_of(path: str) -> Form | None:
    """How the versions of the file at `path` are read; None: nobody has to read them."""
    if is_post(path):
        return _POST
    shelf = shelf_of(path)
    return _FORMS.get(shelf.kind) if shelf is not None else None


def agreed(facts: Mapping[str, Any]) -> list[str]:
    """Who agreed to a version of a post, in order of their names."""
    names: list[str] = facts["approved_by"]
    return names


def _post(data: bytes) -> Facts | None:
    """`approved_by`: its names in order. `rest`: stands for what its readers get, and what it asks of them."""
    try:
        document = divide_document(text_of(data, ""), "")
    except Unreadable:
        return None
    head = document.head.value
    if not isinstance(head, dict | None):
        return None
    names = (head or {}).get("approved_by")
    rest = {key: value for key, value in (head or {}).items() if _is_text(key)}
    written = {path: text for path, text in document.head.written.items() if _is_text(path.split(".")[0])}
    return {"approved_by": sorted({str(name) for name in names} if isinstance(names, list) else
                                  {names} if isinstance(names, str) else ()),
            "rest": _digest([rest, written, _NOTES.sub("", document.body).strip("\n")])}


def _is_text(key: object) -> bool:
    return key not in _NO_TEXT and not str(key).startswith("x-")


def _strategy(data: bytes) -> Facts | None:
    """`ids` by kind; `strategy`: its own id; `material`: stands for mission, business goals and social goals."""
    value = _value(data)
    if value is None:
        return None
    goals = [{key: inner for key, inner in one.items() if key != "result"} if isinstance(one, dict) else one
             for one in _list(value.get("social_goals"))]
    id = value.get("strategy")
    return {"strategy": id if isinstance(id, str) else None,
            "ids": {"social_goal": _ids(value.get("social_goals")), "tactic": _ids(value.get("tactics"))},
            "material": _digest(_meant([value.get("mission"), _list(value.get("business_goals")), goals]))}


def _channels(data: bytes) -> Facts | None:
    value = _value(data)
    return None if value is None else {"ids": {"channel": _ids(value.get("channels"))}}


_POST = Form("post", _post)
_FORMS = {"strategy": Form("strategy", _strategy), "channels": Form("channels", _channels)}


def _value(data: bytes) -> dict[str, Any] | None:
    try:
        value = parse_yaml(text_of(data, ""), "").value
    except Unreadable:
        return None
    return value if isinstance(value, dict) else None


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _ids(entries: Any) -> list[str]:
    return [one["id"] for one in _list(entries) if isinstance(one, dict) and isinstance(one.get("id"), str)]


def _meant(value: Any) -> Any:
    """`value` without what nobody means: how a text is broken into lines, keys that say nothing, 60 or 60.0."""
    match value:
        case dict():
            return {key: _meant(inner) for key, inner in value.items() if inner is not None}
        case list():
            return [_meant(inner) for inner in value]
        case str():
            return " ".join(value.split())
        case float() if value.is_integer():
            return int(value)
    return value


def _digest(value: Any) -> str:
    made = json.dumps(value, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(made.encode("utf-8", "surrogatepass")).hexdigest()[:32]
