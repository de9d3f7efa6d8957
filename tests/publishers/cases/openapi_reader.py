"""A description in OpenAPI 3.0 or 3.1, or in Swagger 2.0, as operations (spec.openapis.org, read 2026-11-22)."""
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from closed_schemas import closed, opened
from described import Description, Operation, Parameter

_METHODS = ("get", "put", "post", "delete", "patch", "head", "options")
_INLINE = ("type", "format", "items", "enum", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
           "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems", "multipleOf")


def openapi(document: dict[str, Any]) -> Description:
    """Every operation, under the path of each of its servers."""
    if "swagger" in document:
        return _swagger(document)
    components = document.get("components", {})
    keys = tuple(Parameter(scheme["name"], True) for scheme in components.get("securitySchemes", {}).values()
                 if scheme.get("in") == "query")
    operations = tuple(
        Operation(method, path, _of(parameters, "path"), (*_of(parameters, "query"), *keys),
                  {kind: closed(said.get("schema", True)) for kind, said in body.get("content", {}).items()},
                  body.get("required", False))
        for method, paths, operation, parameters in _operations(document)
        for body in (_followed(document, operation.get("requestBody", {})),) for path in paths)
    schemas = {name: opened(schema) for name, schema in components.get("schemas", {}).items()}
    return Description(operations, {"components": {"schemas": schemas}})


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, list[str], Any, list[Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                given = {(one["name"], one["in"]): one for said in (item, operation)
                         for one in (_followed(document, one) for one in said.get("parameters", ()))}
                servers = operation.get("servers") or item.get("servers") or document.get("servers") or [{"url": "/"}]
                bases = dict.fromkeys(urlsplit(server["url"]).path.rstrip("/") for server in servers)
                # some descriptions write the path of the server again in front of each path
                paths = [path if base and path.startswith(f"{base}/") else f"{base}{path}" for base in bases]
                yield method.upper(), paths, operation, list(given.values())


def _of(parameters: list[Any], where: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(one["name"], closed(_schema(one)), one.get("required", False),
                           not one.get("explode", one.get("style", "form") == "form"))
                 for one in parameters if one["in"] == where)


def _schema(parameter: Mapping[str, Any]) -> Any:
    kinds = parameter.get("content", {})
    return next((said.get("schema", True) for said in kinds.values()), parameter.get("schema", True))


def _followed(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = document
    for step in node["$ref"].split("/")[1:]:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return _followed(document, found)


def _swagger(document: dict[str, Any]) -> Description:
    """Parameters are their own schemas, bodies are parameters too; lists stand in one value unless `multi` is said."""
    base = document.get("basePath", "").rstrip("/")
    operations = []
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method not in item:
                continue
            operation = item[method]
            given = {(one["name"], one["in"]): one for said in (item, operation)
                     for one in (_followed(document, one) for one in said.get("parameters", ()))}
            kinds = operation.get("consumes", document.get("consumes", ["application/json"]))
            body, needs_body = _swagger_body(list(given.values()))
            operations.append(Operation(
                method.upper(), f"{base}{path}", _inline(given, "path"), _inline(given, "query"),
                {} if body is None else dict.fromkeys(kinds, body), needs_body))
    definitions = {name: opened(_without_files(one)) for name, one in document.get("definitions", {}).items()}
    return Description(tuple(operations), {"definitions": definitions})


def _inline(given: Mapping[Any, Any], where: str) -> tuple[Parameter, ...]:
    return tuple(Parameter(one["name"], closed(_own(one)), one.get("required", False),
                           one.get("collectionFormat", "csv") != "multi")
                 for one in given.values() if one["in"] == where)


def _swagger_body(given: list[Any]) -> tuple[Any, bool]:
    for one in given:
        if one["in"] == "body":
            return closed(one["schema"]), one.get("required", False)
    fields = [one for one in given if one["in"] == "formData"]
    if not fields:
        return None, False
    needed = [one["name"] for one in fields if one.get("required")]
    return closed({"type": "object", "properties": {one["name"]: _own(one) for one in fields},
                   "required": needed}), bool(needed)


def _own(parameter: Mapping[str, Any]) -> Any:
    return _without_files({word: parameter[word] for word in _INLINE if word in parameter})


def _without_files(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": "string"} if schema.get("type") == "file" else schema
