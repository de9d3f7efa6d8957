"""A Google discovery document as operations (developers.google.com/discovery/v1/reference/apis, read 2026-11-22)."""
from collections.abc import Iterator, Mapping
from typing import Any

from closed_schemas import closed, opened
from described import Description, Operation, Parameter

_UPLOADS = Parameter("uploadType", {"enum": ["media", "multipart", "resumable"]}, required=True)
_BOUNDS = ("minimum", "maximum")         # numbers, written as text


def discovery(document: dict[str, Any]) -> Description:
    """Every method, and once more for each way to upload a file with it."""
    everywhere = _of(document.get("parameters", {}), "query")
    methods = list(_methods(document))
    operations: list[Operation] = []
    for method in methods:
        path = f"/{document.get('servicePath', '')}{method.get('flatPath', method['path'])}"
        given = method.get("parameters", {})
        query = (*_of(given, "query"), *everywhere)
        about = method.get("request") and closed({"$ref": f"#/{_home(method, document)}/{method['request']['$ref']}"})
        bodies = {"application/json": about} if about else {}
        operations.append(Operation(method["httpMethod"], path, _of(given, "path"), query, bodies, bool(about)))
        files = dict.fromkeys(method.get("mediaUpload", {}).get("accept", ()), True)
        for way in method.get("mediaUpload", {}).get("protocols", {}).values():
            related = {"multipart/related": about, **bodies} if about else {}
            operations.append(Operation(method["httpMethod"], way["path"], _of(given, "path"), (*query, _UPLOADS),
                                        {**related, **files}))
    homes = {"schemas": "", **{_home(method, document): method["id"] for method in methods}}
    return Description(tuple(operations), {
        home: {name: opened(_read(schema, home, id)) for name, schema in document["schemas"].items()}
        for home, id in homes.items()})


def _methods(resource: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def _home(method: Mapping[str, Any], document: Mapping[str, Any]) -> str:
    """Where its schemas are: a copy of its own for a method that wants fields which others can do without."""
    wanted = any(method["id"] in field.get("annotations", {}).get("required", ())
                 for schema in document["schemas"].values() for field in schema.get("properties", {}).values())
    return method["id"] if wanted else "schemas"


def _read(schema: Any, home: str, method: str) -> Any:
    """By the words of JSON Schema: references by whole addresses; required is what the method's id stands at."""
    if not isinstance(schema, Mapping):
        return schema
    made = {word: value for word, value in schema.items() if word not in ("annotations", "required", "id")}
    if "$ref" in made:
        made["$ref"] = f"#/{home}/{made['$ref']}"
    if made.get("type") == "any":
        made.pop("type")
    for word in ("items", "additionalProperties"):
        if word in made:
            made[word] = _read(made[word], home, method)
    fields = made.get("properties", {})
    if fields:
        made["properties"] = {name: _read(field, home, method) for name, field in fields.items()}
        made["required"] = [name for name, field in fields.items()
                            if method in field.get("annotations", {}).get("required", ())]
    return made


def _of(given: Mapping[str, Any], where: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(name, closed(_parameter(one)), one.get("required", False))
                 for name, one in given.items() if one["location"] == where)


def _parameter(said: Mapping[str, Any]) -> dict[str, Any]:
    one = {word: said[word] for word in ("type", "enum", "pattern") if word in said}
    one |= {word: float(said[word]) for word in _BOUNDS if word in said}
    return {"type": "array", "items": one} if said.get("repeated") else one
