"""What a model did not take becomes problems: what is wrong, where, and what a person can write instead."""
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError

from flows.planning.parsing import Parsed
from schemas.model import Authored
from schemas.notation import BAD_ID
from schemas.place import Place, nearest
from schemas.problem import Problem, Severity

# What other tools, and people, call a field.
_MEANT = {"image": "media", "images": "media", "photo": "media", "picture": "media", "video": "media", "date": "at",
          "time": "at", "when": "at", "publish_at": "at", "tags": "hashtags", "channel": "channels",
          "network": "channels", "networks": "channels", "url": "link", "lang": "language"}
_BARE = frozenset({"media"})
"""Lists whose entries may be one word instead of keys with values."""
_SPANS = frozenset({"grace", "stagger", "min_gap", "min_repeat"})
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "date": "a date like 2027-03-04"}


class _Fault(NamedTuple):
    """One of pydantic's errors. `path` is what the author wrote of its location; `branch`: the rest named a union."""

    kind: str
    path: tuple[str | int, ...]
    branch: bool
    raw: Mapping[str, Any]


def explain(
    error: ValidationError, model: type[Authored], parsed: Parsed, file: str, post: str | None
) -> list[Problem]:
    """The problems of a value that `model` refused, one for each place. `post`: the id of the post it stops."""
    faults = [_fault(raw, parsed.places) for raw in error.errors(include_url=False)]
    deepest = {fault.path[:length] for fault in faults for length in range(len(fault.path))}
    problems: dict[tuple[Place, str], Problem] = {}
    for fault in faults:
        if fault.branch and fault.path in deepest:                # another branch of the union got further
            continue
        key = next((step for step in reversed(fault.path) if isinstance(step, str)), "this")[:60]
        message, remedy = _said(fault, key, model, parsed)
        place = nearest(parsed.places, fault.path, file)
        code = "REF001" if BAD_ID in fault.raw["msg"] else "SYN002"
        problems.setdefault(
            (place, key if fault.kind == "missing" else ""), Problem(code, Severity.error, place, message, remedy, post)
        )
    return list(problems.values())


def _fault(raw: Mapping[str, Any], places: Mapping[str, Place]) -> _Fault:
    path: tuple[str | int, ...] = ()
    for step in raw["loc"]:
        if ".".join(map(str, (*path, step))) in places:
            path = (*path, step)
    missing = raw["type"] == "missing"
    return _Fault(
        raw["type"], (*path, raw["loc"][-1]) if missing else path, not missing and len(path) < len(raw["loc"]), raw
    )


def _said(fault: _Fault, key: str, model: type[Authored], parsed: Parsed) -> tuple[str, str]:
    """What is wrong, and the remedy."""
    value, limits = fault.raw.get("input"), fault.raw.get("ctx", {})
    written = parsed.written.get(
        ".".join(map(str, fault.path)), str(value).lower() if isinstance(value, bool) else value
    )
    match fault.kind:
        case "missing":
            return f"{key} is missing.", f"Add '{key}: …' here."
        case "extra_forbidden":
            known = _fields(model, fault.path[:-1])
            meant = _MEANT.get(key.lower(), key.lower())
            close = [meant] if meant in known else get_close_matches(meant, known, 1, 0.6)
            otherwise = f"Remove it, or begin it with x- to keep a note. Known: {', '.join(known)}."
            return f"{key} is not known here.", f"Did you mean {close[0]}?" if close else otherwise
        case _ if value is None:
            return f"{key} is empty.", "Write a value, or remove the line."
        case "literal_error":
            expected = limits.get("expected", "").replace("'", "").replace(" or ", ", ")
            close = get_close_matches(str(written), expected.split(", "), 1, 0.6)
            meant = f"Did you mean {close[0]}? " if close else ""
            return f"{key}: {_shown(written)} is not known here.", f"{meant}Use one of: {expected}."
        case "string_type" if isinstance(value, list | dict):
            return f"{key} must be one text.", f"Write {key}: \"…\"."
        case "string_type" if value is False and key == "hold":
            return "hold: 'false' is not a reason.", "Remove the line to let the post go out."
        case "string_type" if isinstance(value, int) and key in _SPANS:
            return f"{key}: {_shown(written)} has no unit.", f"Write it with one, like {key}: {value}d."
        case "string_type":
            return f"{key}: {_shown(written)} is not text.", f"Put it in quotes: {key}: \"{written}\"."
        case "bool_type":
            return f"{key}: {_shown(written)} is neither true nor false.", "Write true or false."
        case "tuple_type" | "list_type":
            inner = "" if key in _BARE else _shape(model, fault.path)
            return f"{key} must be a list.", f"Write {key}: [{inner}]." if inner else f"Write {key}: [{written}]." if (
                isinstance(value, str | int)) else f"Write {key}: [a, b]."
        case "dict_type" | "model_type" | "model_attributes_type":
            inner = _shape(model, fault.path) or "{name: …}"
            if isinstance(fault.path[-1] if fault.path else None, int):
                return f"{key} must be a list of entries with keys.", f"Write {key}: [{inner}]."
            return f"{key} must be keys with values.", f"Write {key}: {inner}."
        case "value_error":
            return (
                f"{key}: {_shown(written)} cannot be used: {fault.raw['msg'].removeprefix('Value error, ')}.",
                "Write it that way.",
            )
        case "greater_than_equal" | "less_than_equal":
            bound = f"at least {limits['ge']}" if "ge" in limits else f"at most {limits['le']}"
            return f"{key}: {_shown(written)} must be {bound}.", "Write a number in that range."
        case "too_short" | "too_long":
            count = f"at least {limits['min_length']}" if "min_length" in limits else f"at most {limits['max_length']}"
            return f"{key} must have {count} entries.", "Add entries." if "min_length" in limits else "Remove some."
        case kind if (what := _KINDS.get(kind.split("_")[0])) is not None:
            return f"{key}: {_shown(written)} is not {what}.", f"Write {what}."
        case _:
            return f"{key}: {_shown(written)} cannot be used: {fault.raw['msg']}.", f"Change or remove {key}."


def _shape(model: type[Any], path: tuple[str | int, ...]) -> str:
    """`{id: …, text: …}`: what an entry at `path` begins with; "" where it has no keys of its own."""
    known = _fields(model, path)
    return f"{{{', '.join(f'{name}: …' for name in known[:2])}}}" if known and path else ""


def _fields(model: type[Any], path: tuple[str | int, ...]) -> list[str]:
    """The keys that may stand at `path` inside `model`, as authors write them."""
    current: Any = model
    for step in path:
        if isinstance(step, int):
            continue
        field = next((f for n, f in current.model_fields.items() if (f.alias or n) == step), None)
        nested, queue = None, [field.annotation] if field else []
        while queue and nested is None:
            inner = queue.pop()
            nested = inner if isinstance(inner, type) and issubclass(inner, Authored) else None
            queue += get_args(inner)
        if nested is None:
            return []
        current = nested
    return [f.alias or name for name, f in current.model_fields.items()]


def _shown(value: object) -> str:
    text = str(value)
    return f"'{text[:60]}…'" if len(text) > 60 else f"'{text}'"
