"""How lexicons are read as operations, on those of an invented network."""
import json
from typing import Any

import pytest
from described import Request
from lexicon_reader import lexicons

LEXICONS: list[dict[str, Any]] = [
    {"lexicon": 1, "id": "example.kettle.put", "defs": {"main": {"type": "procedure", "input": {
        "encoding": "application/json", "schema": {
            "type": "object", "required": ["collection", "rkey", "record"], "nullable": ["swap"], "properties": {
                "collection": {"type": "string", "format": "nsid"}, "rkey": {"type": "string", "format": "record-key"},
                "swap": {"type": "string", "format": "cid"}, "record": {"type": "unknown"}}}}}}},
    {"lexicon": 1, "id": "example.kettle.list", "defs": {"main": {"type": "query", "parameters": {
        "type": "params", "required": ["repo"], "properties": {
            "repo": {"type": "string", "format": "at-identifier"}, "limit": {"type": "integer", "maximum": 100}}}}}},
    {"lexicon": 1, "id": "example.kettle.kettle", "defs": {
        "main": {"type": "record", "key": "tid", "record": {
            "type": "object", "required": ["name", "made"], "properties": {
                "name": {"type": "string", "maxLength": 30, "maxGraphemes": 2},
                "made": {"type": "string", "format": "datetime"},
                "lid": {"type": "union", "refs": ["#tin", "example.kettle.kettle#copper"]},
                "photo": {"type": "blob", "accept": ["image/*"], "maxSize": 1000},
                "tags": {"type": "array", "maxLength": 1, "items": {"type": "string"}}}}},
        "tin": {"type": "object", "required": ["size"], "properties": {"size": {"type": "integer"}}},
        "copper": {"type": "object", "properties": {"shine": {"type": "boolean"}}}}},
]
FAMILY = "\U0001F468‍\U0001F469‍\U0001F467‍\U0001F466"       # one grapheme, 25 bytes


def blob(kind: str, size: int) -> dict[str, Any]:
    return {"$type": "blob", "ref": {"$link": "bafkreigh2akiscai"}, "mimeType": kind, "size": size}


@pytest.mark.parametrize(("record", "refused"), [
    ({}, False), ({"name": "KK"}, False), ({"name": "KKK"}, True),
    ({"name": FAMILY}, False), ({"name": FAMILY * 2}, True), ({"made": "yesterday"}, True), ({"made": None}, True),
    ({"$type": "example.kettle.pot"}, True), ({"colour": "red"}, True),
    ({"lid": {"$type": "example.kettle.kettle#tin", "size": 1}}, False),
    ({"lid": {"$type": "example.kettle.kettle#copper", "shine": True}}, False),
    ({"lid": {"$type": "example.kettle.kettle#copper", "size": 1}}, True),
    ({"lid": {"$type": "example.kettle.kettle#iron"}}, True), ({"lid": {"size": 1}}, True),
    ({"photo": blob("image/png", 1000)}, False), ({"photo": blob("image/png", 1001)}, True),
    ({"photo": blob("video/mp4", 10)}, True), ({"photo": {"$link": "bafkreigh2akiscai"}}, True),
    ({"tags": ["a"]}, False), ({"tags": ["a", "b"]}, True)])
def test_a_record_is_judged_by_its_lexicon(tmp_path, record, refused) -> None:
    """Bytes and graphemes, unions, files; nothing that the lexicon does not name."""
    for lexicon in LEXICONS:
        (tmp_path / f"{lexicon['id']}.json").write_text(json.dumps(lexicon), "utf-8")
    whole = {"$type": "example.kettle.kettle", "name": "K", "made": "2026-11-22T12:00:00.000Z", **record}
    body = {"collection": "example.kettle.kettle", "rkey": "3mkettle2222a", "swap": None, "record": whole}

    assert bool(lexicons(tmp_path).faults(
        Request.of_json("POST", "/xrpc/example.kettle.put", body=body))) == refused


@pytest.mark.parametrize(("request_", "refused"), [
    (Request("GET", "/xrpc/example.kettle.list", "repo=us.test&limit=100"), False),
    (Request("GET", "/xrpc/example.kettle.list", "repo=us"), True),
    (Request("GET", "/xrpc/example.kettle.list", "repo=us.test&limit=101"), True),
    (Request("GET", "/xrpc/example.kettle.list", "repo=us.test&colour=red"), True),
    (Request("GET", "/xrpc/example.kettle.list"), True),
    (Request("GET", "/xrpc/example.kettle.kettle"), True),
    (Request("GET", "/xrpc/example.kettle.put"), True),
    (Request.of_json("POST", "/xrpc/example.kettle.put", body={"collection": "example.kettle.pot", "rkey": "a"}), True),
    (Request.of_json("POST", "/xrpc/example.kettle.put", body={
        "collection": "example.kettle.pot", "rkey": "a", "record": {"anything": 1}}), False),
    (Request.of_json("POST", "/xrpc/example.kettle.put", body={
        "collection": "example.kettle.pot", "rkey": "a/b", "record": {}}), True),
    (Request.of_json("POST", "/xrpc/example.kettle.put", body={
        "collection": "example.kettle.kettle", "rkey": "a",
        "record": {"$type": "example.kettle.kettle", "name": "K", "made": "2026-11-22T12:00:00Z"}}), True),
])
def test_a_call_is_judged_by_its_lexicon(tmp_path, request_, refused) -> None:
    """Queries and procedures; a record of another collection is anybody's, and a key is of the collection's kind."""
    for lexicon in LEXICONS:
        (tmp_path / f"{lexicon['id']}.json").write_text(json.dumps(lexicon), "utf-8")

    assert bool(lexicons(tmp_path).faults(request_)) == refused
