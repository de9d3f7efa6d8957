"""The Graph API as Meta specifies it, node by node: `api_specs/specs/` of facebook/facebook-business-sdk-codegen.

A node's file names its edges, their parameters and its fields. An address does not tell of what kind a node is, so the
kinds that an adapter speaks to are taken together. Values that one of a list is wanted for are read as any text.
"""
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from closed_schemas import closed
from described import Description, Operation, Parameter

# developers.facebook.com/docs/graph-api: access tokens, field expansion, paginated results; read 2026-11-22
_EVERYWHERE = {"access_token": "string", "appsecret_proof": "string"}
_OF_READS = {"limit": "unsigned int", "after": "string", "before": "string", "since": "datetime", "until": "datetime"}
_KINDS: Mapping[str, dict[str, Any]] = {
    "int": {"type": "integer"}, "unsigned int": {"type": "integer", "minimum": 0}, "bool": {"type": "boolean"},
    "float": {"type": "number"}, "datetime": {"type": ["string", "integer"]}, "map": {"type": "object"},
    "Object": {"type": ["object", "string"]}, "list": {"type": "array"}}


def graph_specs(folder: Path, kinds: Iterable[str]) -> Description:
    """The edges of nodes of these kinds."""
    nodes = {kind: json.loads((folder / f"{kind}.json").read_text("utf-8")) for kind in kinds}
    edges: dict[tuple[str, str], dict[str, str]] = {}
    fields: dict[str, set[str]] = {}
    for kind, node in nodes.items():
        for api in node["apis"]:
            edge = "" if api.get("name", "").startswith("#") else f"/{api['endpoint'].strip('/')}"
            edges.setdefault((api["method"], edge), {}).update({one["name"]: one["type"] for one in api["params"]})
            shown = nodes.get(api.get("return", "") if edge else kind, {"fields": (), "apis": ()})
            further = (other["endpoint"].strip("/") for other in shown["apis"] if "endpoint" in other)
            fields.setdefault(edge, set()).update(further, (field["name"] for field in shown["fields"]))
    return Description(tuple(_operation(method, edge, params, fields[edge])
                             for (method, edge), params in edges.items()), {})


def _operation(method: str, edge: str, params: Mapping[str, str], fields: Iterable[str]) -> Operation:
    path = f"/{{version}}/{{node}}{edge}"
    given = {name: _schema(kind) for name, kind in {**params, **_EVERYWHERE}.items()}
    if method == "POST":
        form = closed({"type": "object", "properties": given})
        return Operation(method, path, bodies={"application/x-www-form-urlencoded": form, "multipart/form-data": form})
    asked = {**given, **{name: _schema(kind) for name, kind in _OF_READS.items()}, "fields": _fields(fields)}
    return Operation(method, path, query=tuple(Parameter(name, schema) for name, schema in asked.items()))


def _schema(kind: str) -> dict[str, Any]:
    if inner := re.fullmatch(r"list<(.*)>", kind):
        return {"type": "array", "items": _schema(inner[1])}
    return _KINDS.get(kind, {"type": "string"})


def _fields(names: Iterable[str]) -> dict[str, Any]:
    """Fields and edges with commas between, each with what is wanted of it in brackets; any, where none are known."""
    one = rf"(?:{'|'.join(map(re.escape, sorted(names)))})(?:\..*?)?(?:\{{.*?\}}+)?"
    return {"type": "string", "pattern": f"^{one}(?:,{one})*$"} if names else {"type": "string"}
