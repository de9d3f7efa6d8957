"""The JSON Schemas that Ghost publishes for the bodies of its Admin API: `lib/schemas/` of TryGhost/SDK's
`packages/admin-api-schema` (npm: @tryghost/admin-api-schema). Paths and queries are not described there.
"""
import json
from pathlib import Path
from typing import Any

from closed_schemas import closed, opened
from described import Description, Operation

_BODIES = {("POST", "/ghost/api/admin/posts/"): "posts-add", ("PUT", "/ghost/api/admin/posts/{id}/"): "posts-edit"}


def ghost_schemas(folder: Path) -> Description:
    """Making and changing a post."""
    schemas = {path.stem: opened(_addressed(json.loads(path.read_text("utf-8")), path.stem))
               for path in sorted(folder.glob("*.json"))}
    operations = tuple(
        Operation(method, path, query=None, needs_body=True,
                  bodies={"application/json": closed({"$ref": f"#/schemas/{name}"})})
        for (method, path), name in _BODIES.items())
    return Description(operations, {"schemas": schemas})


def _addressed(node: Any, file: str) -> Any:
    """References from one file to another become references within one document."""
    if isinstance(node, list):
        return [_addressed(one, file) for one in node]
    if not isinstance(node, dict):
        return node
    made = {word: _addressed(value, file) for word, value in node.items() if word not in ("$id", "$schema")}
    if isinstance(ref := node.get("$ref"), str):
        where, _, place = ref.partition("#")
        made["$ref"] = f"#/schemas/{where or file}{place}"
    return made
