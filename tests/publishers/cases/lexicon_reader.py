"""A folder of AT Protocol lexicons as operations: `lexicons/` of a checkout of atproto.

A lexicon is no JSON Schema, but says the same things in other words; two of its limits are not among the words of
JSON Schema (bytes and graphemes of a string) and are added to the judge.
Sources: atproto.com/specs/lexicon, /record-key and /xrpc, read 2026-11-22.
"""
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import regex
from closed_schemas import closed, opened
from described import Description, Operation, Parameter
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend

_DID = r"did:[a-z]+:[a-zA-Z0-9._:%-]*[a-zA-Z0-9._-]"
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_HANDLE = rf"(?:{_LABEL}\.)+[a-zA-Z](?:[a-zA-Z0-9-]{{0,61}}[a-zA-Z0-9])?"
_NSID = rf"[a-zA-Z](?:[a-zA-Z0-9-]{{0,62}})(?:\.{_LABEL})+\.[a-zA-Z][a-zA-Z0-9]{{0,62}}"
_KEY = r"(?!\.{1,2}$)[a-zA-Z0-9_~.:-]{1,512}"
_TID = r"[234567abcdefghij][234567abcdefghijklmnopqrstuvwxyz]{12}"
_WRITTEN = {
    "did": _DID, "handle": _HANDLE, "nsid": _NSID, "at-identifier": rf"{_DID}|{_HANDLE}", "tid": _TID,
    "record-key": _KEY, "at-uri": rf"at://(?:{_DID}|{_HANDLE})(?:/{_NSID}(?:/{_KEY})?)?",
    "cid": r"[a-zA-Z0-9+=]{8,256}",
    "datetime": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)", "uri": r"[a-z][a-z.-]{0,80}:\S+",
    "language": r"(?:i|[a-zA-Z]{2,3})(?:-[a-zA-Z0-9]+)*",
}
FORMATS = FormatChecker(())
for _name, _pattern in _WRITTEN.items():
    FORMATS.checks(_name)(lambda value, written=_pattern: not isinstance(value, str)
                          or re.fullmatch(written, value) is not None)


def _limit(count: Any, unit: str, at_most: bool) -> Any:
    def keyword(_: Any, bound: int, value: Any, __: Any) -> Iterator[ValidationError]:
        if isinstance(value, str) and (count(value) > bound if at_most else count(value) < bound):
            yield ValidationError(f"{count(value)} {unit}, {'at most' if at_most else 'at least'} {bound} go")
    return keyword


def _bytes(text: str) -> int:
    return len(text.encode())


def _graphemes(text: str) -> int:
    return len(regex.findall(r"\X", text))


JUDGE = extend(Draft202012Validator, {
    "maxBytes": _limit(_bytes, "bytes", True), "minBytes": _limit(_bytes, "bytes", False),
    "maxGraphemes": _limit(_graphemes, "graphemes", True), "minGraphemes": _limit(_graphemes, "graphemes", False)})


def lexicons(folder: Path) -> Description:
    """Every query and procedure of the folder; a record in a call is judged by the lexicon of its collection."""
    files = (json.loads(path.read_text("utf-8")) for path in sorted(folder.rglob("*.json")))
    read = {said["id"]: said for said in files if "lexicon" in said}
    records = {id: said["defs"]["main"] for id, said in read.items()
               if said["defs"].get("main", {}).get("type") == "record"}
    operations = tuple(_operation(id, said["defs"]["main"], records) for id, said in read.items()
                       if said["defs"].get("main", {}).get("type") in ("query", "procedure"))
    definitions = {f"{id}:{name}": opened(_schema(one, id)) for id, said in read.items()
                   for name, one in said["defs"].items()}
    return Description(operations, {"lexicons": definitions}, JUDGE, FORMATS)


def _operation(id: str, said: dict[str, Any], records: Mapping[str, Any]) -> Operation:
    asked = said.get("parameters", {})
    query = tuple(Parameter(name, closed(_schema(one, id)), name in asked.get("required", ()))
                  for name, one in asked.get("properties", {}).items())
    if "input" not in said:
        return Operation("GET" if said["type"] == "query" else "POST", f"/xrpc/{id}", query=query)
    body: Any = closed(_schema(said["input"].get("schema", {"type": "unknown"}), id))
    if {"collection", "record"} <= said["input"].get("schema", {}).get("properties", {}).keys():
        body = {"allOf": [body, *(_of_collection(name, one) for name, one in records.items())]}
    return Operation("POST", f"/xrpc/{id}", query=query, bodies={said["input"]["encoding"]: body}, needs_body=True)


def _of_collection(id: str, said: Mapping[str, Any]) -> dict[str, Any]:
    """A call for this collection has a record of it, under a key as it wants them."""
    keys = {"tid": {"format": "tid"}, "nsid": {"format": "nsid"}, "any": {}}
    kind, _, literal = said["key"].partition(":")
    key = {"const": literal} if kind == "literal" else keys[kind]
    return {"if": {"properties": {"collection": {"const": id}}},
            "then": {"properties": {"record": closed({"$ref": f"#/lexicons/{id}:main"}), "rkey": key}}}


def _schema(said: Mapping[str, Any], id: str) -> dict[str, Any]:
    """One definition by the words of JSON Schema. `id`: the lexicon it stands in."""
    kind = said["type"]
    match kind:
        case "record":
            named = {"type": "object", "properties": {"$type": {"const": id}}, "required": ["$type"]}
            return {"allOf": [_schema(said["record"], id), named]}
        case "object":
            fields = {name: _nullable(_schema(one, id), name in said.get("nullable", ()))
                      for name, one in said.get("properties", {}).items()}
            return {"type": "object", "properties": {"$type": {"type": "string"}, **fields},
                    "required": said.get("required", [])}
        case "array":
            bounds = {f"{word[:3]}Items": said[word] for word in ("minLength", "maxLength") if word in said}
            return {"type": "array", "items": _schema(said["items"], id), **bounds}
        case "ref":
            return {"$ref": _address(said["ref"], id)}
        case "union":
            return {"oneOf": [{"allOf": [{"$ref": _address(one, id)}, _of_type(one, id)]} for one in said["refs"]]}
        case "string":
            lengths = {f"{word[:3]}Bytes": said[word] for word in ("minLength", "maxLength") if word in said}
            words = _taken(said, "format", "enum", "const", "minGraphemes", "maxGraphemes")
            return {"type": "string", **words, **lengths}
        case "integer" | "boolean":
            return {"type": kind, **_taken(said, "minimum", "maximum", "enum", "const")}
        case "blob":
            kinds = "|".join(re.escape(one).replace(r"\*", ".+") for one in said.get("accept", ("*/*",)))
            most = {"maximum": said["maxSize"]} if "maxSize" in said else {}
            return {"type": "object", "required": ["$type", "ref", "mimeType", "size"], "properties": {
                "$type": {"const": "blob"}, "ref": _schema({"type": "cid-link"}, id),
                "mimeType": {"type": "string", "pattern": f"^(?:{kinds})$"},
                "size": {"type": "integer", "minimum": 0, **most}}}
        case "cid-link":
            link = {"type": "string", "format": "cid"}
            return {"type": "object", "required": ["$link"], "properties": {"$link": link}}
        case "bytes":
            return {"type": "object", "required": ["$bytes"], "properties": {"$bytes": {"type": "string"}}}
        case "unknown":
            return {"type": "object"}
        case _:                          # "token", and what is no value: operations
            return {"type": "string"}


def _nullable(schema: dict[str, Any], null: bool) -> dict[str, Any]:
    return {"anyOf": [schema, {"type": "null"}]} if null else schema


def _of_type(ref: str, id: str) -> dict[str, Any]:
    name = _address(ref, id).rpartition("/")[2].removesuffix(":main").replace(":", "#")
    return {"properties": {"$type": {"const": name}}, "required": ["$type"]}


def _address(ref: str, id: str) -> str:
    where, _, name = ref.removeprefix("lex:").partition("#")
    return f"#/lexicons/{where or id}:{name or 'main'}"


def _taken(said: Mapping[str, Any], *words: str) -> dict[str, Any]:
    return {word: said[word] for word in words if word in said}
