"""What a published description has against a request: an operation is found by method and path, the rest is judged by
JSON Schema (2020-12), whichever way the network writes its description.
"""
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from email.message import Message
from email.parser import BytesParser
from fnmatch import fnmatchcase
from typing import Any, NamedTuple
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.exceptions import best_match

Schema = Mapping[str, Any] | bool
LONGEST_FAULT = 300
FORMATS = FormatChecker(("date", "email", "uuid"))


@FORMATS.checks("date-time")
def is_a_moment(value: object) -> bool:
    return not isinstance(value, str) or bool(re.fullmatch(
        r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", value))


@FORMATS.checks("uri")
def is_an_address(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


class Request(NamedTuple):
    """A request as it was heard."""

    method: str
    path: str                            # as on the wire: escapes stand
    query: str = ""
    kind: str = ""                       # the whole content type
    body: bytes = b""

    @classmethod
    def of_json(cls, method: str, path: str, query: str = "", body: Any = None) -> "Request":
        """`body` None: there is none."""
        return cls(method, path, query) if body is None else cls(
            method, path, query, "application/json", json.dumps(body).encode())

    def parts(self) -> list[Any]:
        """Of a body of several parts: each with its headers."""
        head = f"Content-Type: {self.kind}\r\n\r\n".encode("latin-1")
        payload = BytesParser().parsebytes(head + self.body).get_payload()
        return payload if isinstance(payload, list) else []


class Parameter(NamedTuple):
    """In the path or the query. `joined`: a list stands in one value, with commas."""

    name: str
    schema: Schema
    required: bool = False
    joined: bool = False


class Operation(NamedTuple):
    """One thing that a network does. `bodies`: schemas by media type or range (`video/*`); True: any bytes.

    `query` None: the description does not say what may stand there.
    """

    method: str
    path: str                            # with `{name}` for its parameters
    steps: tuple[Parameter, ...] = ()    # in the path
    query: tuple[Parameter, ...] | None = ()
    bodies: Mapping[str, Schema] = {}
    needs_body: bool = False

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


class Description(NamedTuple):
    """A network's operations. `definitions`: what the `$ref`s of their schemas point to, from the root."""

    operations: tuple[Operation, ...]
    definitions: Mapping[str, Any]
    judge: Any = Draft202012Validator
    formats: FormatChecker = FORMATS

    def operation(self, request: Request) -> Operation | None:
        """The one that answers the request; a path as it is goes before a pattern."""
        fitting = [one for one in self.operations if one.method == request.method and _fits(one, request)]
        return min(fitting, key=lambda one: one.path.count("{"), default=None)

    def faults(self, request: Request) -> list[str]:
        """What the description has against the request, each with operation and place."""
        operation = self.operation(request)
        if operation is None:
            return [f"{request.method} {request.path}: not described"]
        found = (*self._steps(operation, request), *self._query(operation, request), *self._body(operation, request))
        return [f"{operation.name}: {fault}" for fault in found]

    def _steps(self, operation: Operation, request: Request) -> Iterator[str]:
        matched = _fits(operation, request)
        given = dict(zip(re.findall(r"\{([^}]*)\}", operation.path), matched.groups() if matched else (), strict=True))
        for known in operation.steps:
            yield from self._against(known.schema, self._read(known.schema, unquote(given[known.name])),
                                     f"path {known.name}")

    def _query(self, operation: Operation, request: Request) -> Iterator[str]:
        if operation.query is None:
            return
        given = parse_qs(request.query, keep_blank_values=True)
        yield from (f"query {name}: not described" for name in given
                    if all(known.name != name for known in operation.query))
        for known in operation.query:
            if known.name in given:
                yield from self._parameter(known, given[known.name])
            elif known.required:
                yield f"query {known.name}: missing"

    def _parameter(self, known: Parameter, texts: list[str]) -> Iterator[str]:
        place = f"query {known.name}"
        if self._is_list(known.schema):
            items = [item for text in texts for item in (text.split(",") if known.joined else (text,))]
            one = self._item(known.schema)
            yield from self._against(known.schema, [self._read(one, item) for item in items], place)
        elif len(texts) > 1:
            yield f"{place}: given {len(texts)} times"
        else:
            yield from self._against(known.schema, self._read(known.schema, texts[0]), place)

    def _body(self, operation: Operation, request: Request) -> Iterator[str]:
        if not request.body:
            if operation.needs_body:
                yield "body: missing"
            return
        kind = request.kind.partition(";")[0].strip().lower()
        named = next((one for one in operation.bodies if fnmatchcase(kind, one.partition(";")[0].lower())), None)
        if named is None:
            yield f"body: {kind or 'of no content type'} is not described, {list(operation.bodies) or 'no body'} is"
        elif kind == "application/x-www-form-urlencoded":
            yield from self._form(operation.bodies[named], parse_qsl(request.body.decode(), keep_blank_values=True))
        elif kind == "multipart/form-data":
            pairs = [(str(part.get_param("name", "", "content-disposition")), _value(part)) for part in request.parts()]
            yield from self._form(operation.bodies[named], pairs)
        elif kind == "multipart/related":                        # its first part says what the others are (RFC 2387)
            yield from self._json(operation.bodies[named], request.parts()[0].get_payload(decode=True))
        elif kind.endswith(("/json", "+json")):
            yield from self._json(operation.bodies[named], request.body)

    def _json(self, schema: Schema, body: bytes) -> Iterator[str]:
        try:
            value = json.loads(body)
        except ValueError:
            yield "body: not JSON"
        else:
            yield from self._against(schema, value, "body")

    def _form(self, schema: Schema, pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
        """A list is a name given several times, or one that ends in `[]`, `[0]`, `[1]`…"""
        made: dict[str, Any] = {}
        many: dict[str, list[str]] = {}
        listed: set[str] = set()
        for name, text in pairs:
            field = name if self._property(schema, name) is not None else re.sub(r"\[\d*\]$", "", name)
            many.setdefault(field, []).append(text)
            listed |= {field} if name != field else set()
        for field, texts in many.items():
            known = self._property(schema, field)
            if field in listed or (self._is_list(known) and len(texts) > 1):
                made[field] = [self._read(self._item(known), text) for text in texts]
            else:
                made[field] = self._read(known, texts[-1])
        yield from self._against(schema, made, "body")

    def _against(self, schema: Schema, value: Any, place: str) -> Iterator[str]:
        faults = list(self._judging(schema).iter_errors(value))
        for fault in faults:
            if fault.validator != "unevaluatedProperties":
                deepest = best_match([fault]) or fault
                yield f"{place}{deepest.json_path.removeprefix('$')}: {deepest.message[:LONGEST_FAULT]}"
                continue
            # a field that is wrong in itself counts as unevaluated too, and so does all around it: that is said already
            names = [name for name in fault.instance if self._property(fault.schema, name) is None]
            if names or not any(_says_more(other, fault) for other in faults):
                named = ", ".join(names) or f"one of {', '.join(fault.instance)}"
                yield f"{place}{fault.json_path.removeprefix('$')}: not described: {named}"

    def _judging(self, schema: Schema) -> Any:
        return self.judge({"allOf": [schema], **self.definitions}, format_checker=self.formats)

    def _read(self, schema: Schema | None, text: str) -> Any:
        """Text as its schema means it: numbers, lists and JSON are written as text in queries and forms."""
        known: Schema = True if schema is None else schema
        readings: list[Any] = [text]
        if self._is_list(known):
            readings += [[text], [self._read(self._item(known), item) for item in text.split(",")]]
        with suppress(ValueError):
            readings.append(json.loads(text))
        judging = self._judging(known)
        told = [(reading, [fault.validator for fault in judging.iter_errors(reading)]) for reading in readings]
        right = (reading for reading, faults in told if not faults)
        nearly = (reading for reading, faults in reversed(told) if "type" not in faults)
        return next(right, next(nearly, text))

    def _whole(self, schema: Schema | None) -> Iterator[Mapping[str, Any]]:
        """The schema and all that it is put together from."""
        if not isinstance(schema, Mapping):
            return
        yield schema
        if "$ref" in schema:
            node: Any = self.definitions
            for step in schema["$ref"].split("/")[1:]:
                node = node[unquote(step).replace("~1", "/").replace("~0", "~")]
            yield from self._whole(node)
        for word in ("allOf", "anyOf", "oneOf"):
            for inner in schema.get(word, ()):
                yield from self._whole(inner)

    def _is_list(self, schema: Schema | None) -> bool:
        return any(one.get("type") == "array" for one in self._whole(schema))

    def _item(self, schema: Schema | None) -> Schema:
        return next((one["items"] for one in self._whole(schema) if "items" in one), True)

    def _property(self, schema: Schema, name: str) -> Schema | None:
        """None: there is no such field."""
        return next((one["properties"][name] for one in self._whole(schema) if name in one.get("properties", ())), None)


def _fits(operation: Operation, request: Request) -> re.Match[str] | None:
    steps = re.split(r"(\{[^}]*\})", operation.path)
    return re.fullmatch("".join("([^/]+)" if step.startswith("{") else re.escape(step) for step in steps), request.path)


def _says_more(fault: ValidationError, outer: ValidationError) -> bool:
    """Whether it is of the same place or one within, and more than that something there is unevaluated."""
    place, around = list(fault.absolute_path), list(outer.absolute_path)
    return place[:len(around)] == around and (len(place) > len(around) or fault.validator != outer.validator)


def _value(part: Message) -> str:
    """Its text; of a file only that it is there."""
    payload = part.get_payload(decode=True)
    return "(a file)" if part.get_filename() is not None or not isinstance(payload, bytes) else payload.decode()
