"""Schemas that refuse fields which they do not name.

A network passes over such a field in silence, so a misspelt one would never be missed. Descriptions leave nearly
everything open; it is closed here, by `unevaluatedProperties` of JSON Schema 2020-12.
"""
from collections.abc import Mapping
from typing import Any

_COMBINERS = ("$ref", "allOf", "anyOf", "oneOf")
_OF_OPENAPI = ("nullable", "discriminator", "example", "xml", "readOnly", "writeOnly")


def closed(schema: Any) -> Any:
    """The schema of a value, by the words of 2020-12, with nothing open at any depth that does not say so.

    Understands what OpenAPI 3.0 adds to an older JSON Schema: `nullable`, `readOnly`, exclusive bounds that are flags.
    """
    if not isinstance(schema, Mapping):
        return schema
    inner = opened(schema)
    names_fields = any(word in schema for word in ("properties", *_COMBINERS))
    return {"allOf": [inner], "unevaluatedProperties": False} if names_fields else inner


def opened(schema: Any, beside: bool = False) -> Any:
    """As `closed`, for a schema that is referred to or stands `beside` others: those may name further fields.

    An object of which nothing is said may hold anything; beside others it says nothing of fields at all.
    """
    if not isinstance(schema, Mapping):
        return schema
    made: dict[str, Any] = {}
    for word, value in schema.items():
        match word:
            case "properties" | "patternProperties":
                made[word] = {name: False if _is_read_only(one) else closed(one) for name, one in value.items()}
            case "items" | "additionalProperties" | "contains":
                made[word] = closed(value)
            case "prefixItems":
                made[word] = [closed(one) for one in value]
            case "anyOf" | "oneOf":
                made[word] = [opened(one) for one in value]
            case "allOf":
                made[word] = [opened(one, beside=True) for one in value]
            case "if" | "then" | "else" | "not":
                made[word] = opened(value, beside=True)
            case "exclusiveMinimum" | "exclusiveMaximum" if isinstance(value, bool):
                pass
            case _ if word not in _OF_OPENAPI:
                made[word] = value
    for exclusive, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if schema.get(exclusive) is True:
            made[exclusive] = made.pop(bound)
    if isinstance(schema.get("required"), list):
        fields = schema.get("properties", {})
        made["required"] = [name for name in schema["required"] if not _is_read_only(fields.get(name))]
    if not beside and _says_nothing(schema):
        made["additionalProperties"] = True
    return {"anyOf": [made, {"type": "null"}]} if schema.get("nullable") is True else made


def _is_read_only(schema: Any) -> bool:
    """Whether only the network sets it: no request may."""
    return isinstance(schema, Mapping) and schema.get("readOnly") is True


def _says_nothing(schema: Mapping[str, Any]) -> bool:
    kinds = schema.get("type", ())
    may_be_object = not schema or "object" in ((kinds,) if isinstance(kinds, str) else kinds)
    return may_be_object and not any(word in schema for word in (
        "properties", "patternProperties", "additionalProperties", *_COMBINERS))
