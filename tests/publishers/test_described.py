"""How a published description is read and asked, on descriptions of an invented network: `test_descriptions.py` says
nothing unless a wrong request is really refused.
"""
import json
from functools import partial
from typing import Any

import httpx
import pytest
from described import Description, Request
from discovery_reader import discovery
from ghost_schema_reader import ghost_schemas
from graph_spec_reader import graph_specs
from hypothesis import given
from hypothesis import strategies as st
from openapi_reader import openapi

NAME = {"type": "string", "maxLength": 6}
FIELDS: dict[str, Any] = {"name": NAME, "lid": {"type": "object", "properties": {"colour": {"type": "string"}}},
                          "sizes": {"type": "array", "items": {"type": "integer"}}}
KETTLE = {"type": "object", "required": ["name"], "properties": FIELDS}
TAG = {"type": "string", "pattern": "^.{1,6}$"}
LIMIT = {"type": "integer", "minimum": 1, "maximum": 100}
ID = {"type": "string", "pattern": "^[0-9]+$"}


def kettles_in_openapi(version: str = "3.0.3", kettle: Any = KETTLE) -> Description:
    return openapi({
        "openapi": version, "servers": [{"url": "https://kettles.example/v1"}],
        "components": {"schemas": {"Kettle": kettle}},
        "paths": {
            "/kettles": {
                "get": {"parameters": [{"name": "limit", "in": "query", "required": True, "schema": LIMIT},
                                       {"name": "tag", "in": "query", "schema": {"type": "array", "items": TAG}}]},
                "post": {"requestBody": {"required": True, "content": {
                    kind: {"schema": {"$ref": "#/components/schemas/Kettle"}}
                    for kind in ("application/json", "application/x-www-form-urlencoded", "multipart/form-data")}}}},
            "/kettles/{id}": {"delete": {}, "parameters": [
                {"name": "id", "in": "path", "required": True, "schema": ID}]}}})


def kettles_in_swagger() -> Description:
    return openapi({
        "swagger": "2.0", "basePath": "/v1", "definitions": {"Kettle": KETTLE}, "paths": {
            "/kettles": {
                "get": {"parameters": [{"name": "limit", "in": "query", "required": True, **LIMIT},
                                       {"name": "tag", "in": "query", "type": "array", "items": TAG,
                                        "collectionFormat": "multi"}]},
                "post": {"parameters": [{"name": "kettle", "in": "body", "required": True,
                                         "schema": {"$ref": "#/definitions/Kettle"}}]}},
            "/kettles/{id}": {"delete": {"parameters": [{"name": "id", "in": "path", "required": True, **ID}]}}}})


def kettles_in_discovery() -> Description:
    fields = {**FIELDS, "name": {**NAME, "annotations": {"required": ["kettles.insert"]}}}
    limit = {"type": "integer", "minimum": "1", "maximum": "100", "location": "query", "required": True}
    return discovery({
        "servicePath": "", "schemas": {"Kettle": {"id": "Kettle", "type": "object", "properties": fields}},
        "resources": {"kettles": {"methods": {
            "list": {"id": "kettles.list", "path": "v1/kettles", "httpMethod": "GET", "parameters": {
                "limit": limit, "tag": {**TAG, "location": "query", "repeated": True}}},
            "insert": {"id": "kettles.insert", "path": "v1/kettles", "httpMethod": "POST",
                       "request": {"$ref": "Kettle"}},
            "delete": {"id": "kettles.delete", "path": "v1/kettles/{id}", "httpMethod": "DELETE", "parameters": {
                "id": {**ID, "location": "path", "required": True}}}}}}})


DIALECTS = {"OpenAPI 3.0": kettles_in_openapi, "OpenAPI 3.1": partial(kettles_in_openapi, "3.1.0"),
            "Swagger 2.0": kettles_in_swagger, "discovery": kettles_in_discovery}
RIGHT = [
    Request("GET", "/v1/kettles", "limit=100"),
    Request("GET", "/v1/kettles", "limit=1&tag=tin&tag=copper"),
    Request("DELETE", "/v1/kettles/17"),
    Request.of_json("POST", "/v1/kettles", body={"name": "Copper"}),
    Request.of_json("POST", "/v1/kettles", body={"name": "Tin", "lid": {"colour": "red"}, "sizes": [1, 2]}),
]
WRONG = {
    "a path": Request("DELETE", "/v1/pots/17"),
    "a path without the server's": Request("GET", "/kettles", "limit=1"),
    "a method": Request("PUT", "/v1/kettles/17"),
    "a step of a path": Request("DELETE", "/v1/kettles/seven"),
    "a parameter that is not there": Request("GET", "/v1/kettles"),
    "a parameter nobody knows": Request("GET", "/v1/kettles", "limit=1&colour=red"),
    "a parameter of another kind": Request("GET", "/v1/kettles", "limit=many"),
    "a parameter out of bounds": Request("GET", "/v1/kettles", "limit=101"),
    "a parameter given twice": Request("GET", "/v1/kettles", "limit=1&limit=2"),
    "a list with a wrong item": Request("GET", "/v1/kettles", "limit=1&tag=tin&tag=cast-iron"),
    "a body where none is described": Request.of_json("DELETE", "/v1/kettles/17", body={}),
    "no body": Request("POST", "/v1/kettles"),
    "a body that is not JSON": Request("POST", "/v1/kettles", "", "application/json", b"{"),
    "a body of another kind": Request("POST", "/v1/kettles", "", "text/plain", b'{"name": "Tin"}'),
    "a body of no kind": Request("POST", "/v1/kettles", "", "", b'{"name": "Tin"}'),
    "a field that is not there": Request.of_json("POST", "/v1/kettles", body={"sizes": []}),
    "a field that is too long": Request.of_json("POST", "/v1/kettles", body={"name": "Cast-iron"}),
    "a field of another type": Request.of_json("POST", "/v1/kettles", body={"name": "Tin", "sizes": ["1"]}),
    "null": Request.of_json("POST", "/v1/kettles", body={"name": None}),
    "a field nobody knows": Request.of_json("POST", "/v1/kettles", body={"name": "Tin", "colour": "red"}),
    "a field within that nobody knows": Request.of_json("POST", "/v1/kettles", body={
        "name": "Tin", "lid": {"size": 1}}),
    "another value than an object": Request.of_json("POST", "/v1/kettles", body=["Tin"]),
}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_is_described_is_let_pass(dialect) -> None:
    """A request by the description has no faults, whichever way that is written."""
    description = DIALECTS[dialect]()

    assert [(request, found) for request in RIGHT if (found := description.faults(request))] == []


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_not_described_is_refused(dialect, wrong) -> None:
    """A wrong path, parameter, kind or body each is a fault: else the test above says nothing."""
    assert DIALECTS[dialect]().faults(WRONG[wrong])


def test_a_fault_names_operation_and_place() -> None:
    """So that whoever reads it finds the line, in the description and in the adapter."""
    description = kettles_in_openapi()
    body = {"name": 7, "lid": {"size": 1}, "sizes": [1, "2"], "colour": "red"}

    assert [description.faults(Request.of_json("POST", "/v1/kettles", body=body)),
            description.faults(Request("GET", "/v1/kettles", "limit=0&colour=red")),
            description.faults(Request("POST", "/v1/pots", "", "application/json", b"{}"))] == [
        ["POST /v1/kettles: body.name: 7 is not of type 'string'", "POST /v1/kettles: body.lid: not described: size",
         "POST /v1/kettles: body.sizes[1]: '2' is not of type 'integer'",
         "POST /v1/kettles: body: not described: colour"],
        ["GET /v1/kettles: query colour: not described",
         "GET /v1/kettles: query limit: 0 is less than the minimum of 1"],
        ["POST /v1/pots: not described"]]


@pytest.mark.parametrize(("fields", "refused"), [
    ({"name": "Tin", "sizes": ["1", "2"]}, False), ({"name": "Tin", "sizes[]": ["1"]}, False),
    ({"name": "Tin", "sizes[0]": "1", "sizes[1]": "2"}, False), ({"name": "Tin", "sizes[0]": "many"}, True),
    ({"name": "Tin", "sizes": "[1, 2]"}, False), ({"name": "7"}, False),
    ({"name": "Tin", "lid": '{"colour": "red"}'}, False), ({"name": "Cast-iron"}, True), ({"colour": "red"}, True),
    ({"name": "Tin", "sizes": "many"}, True), ({"name": "Tin", "lid": '{"size": 1}'}, True)])
@pytest.mark.parametrize("files", [{}, {"photo": ("kettle.jpg", b"\xff\xd8\r\n--\x00", "image/jpeg")}],
                         ids=["one form", "parts"])
def test_a_form_is_read_as_its_schema_means_it(fields, refused, files) -> None:
    """Numbers, lists and objects stand in a form as text; a file is a field like another."""
    plain = httpx.Request("POST", "http://there.example/", data=fields, files=files)
    heard = Request("POST", "/v1/kettles", "", plain.headers["content-type"], plain.read())
    photo = {"type": "string", "format": "binary"}
    with_photo = {**KETTLE, "properties": {**FIELDS, "photo": photo}}

    assert bool(kettles_in_openapi(kettle=with_photo).faults(heard)) == refused
    assert bool(kettles_in_openapi().faults(heard)) == (refused or bool(files))


@pytest.mark.parametrize(("schema", "value", "refused"), [
    ({"type": "string", "nullable": True}, None, False),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 1, True),
    ({"type": "integer", "minimum": 1, "exclusiveMinimum": False}, 1, False),
    ({"type": "object"}, {"anything": 1}, False),
    ({"type": "object", "additionalProperties": {"type": "string"}}, {"anything": 1}, True),
    ({"allOf": [{"$ref": "#/components/schemas/Kettle"}, {"type": "object", "required": ["handle"]},
                {"properties": {"handle": {}}}]}, {"name": "Tin", "handle": [{"wood": 1}]}, False),
    ({"allOf": [{"$ref": "#/components/schemas/Kettle"}, {"properties": {"handle": {}}}]},
     {"name": "Tin", "lip": 1}, True),
    ({"oneOf": [{"$ref": "#/components/schemas/Kettle"}, {"properties": {"pot": NAME}, "required": ["pot"]}]},
     {"name": "Tin", "pot": "Tin"}, True),
    ({"properties": {"id": {"type": "string", "readOnly": True}, "of": NAME}, "required": ["id", "of"]},
     {"of": "x"}, False),
    ({"properties": {"id": {"type": "string", "readOnly": True}}}, {"id": "17"}, True),
    ({"type": "string", "format": "date-time"}, "yesterday", True),
    ({"type": "string", "format": "date-time"}, "2026-11-22T12:00:00Z", False),
    ({"type": "string", "format": "uri"}, "kettle", True),
])
def test_words_of_openapi_mean_what_they_mean_there(schema, value, refused) -> None:
    """`nullable`, `readOnly`, flags for bounds, and fields that several schemas name together."""
    document = {"paths": {"/": {"post": {"requestBody": {"content": {"application/json": {"schema": schema}}}}}},
                "components": {"schemas": {"Kettle": KETTLE}}}

    heard = Request("POST", "/", "", "application/json", json.dumps(value).encode())
    assert bool(openapi(document).faults(heard)) == refused


@given(st.text().filter(lambda name: name not in FIELDS))
def test_no_field_without_a_name_in_the_schema_ever_passes(name) -> None:
    """Whatever it is called."""
    assert kettles_in_openapi().faults(Request.of_json("POST", "/v1/kettles", body={"name": "Tin", name: 1}))


FORM = Request("POST", "/v1/photos", "", "application/x-www-form-urlencoded", b"name=Tin&sizes=1&sizes=2")


@pytest.mark.parametrize(("request_", "refused"), [
    (FORM, False), (FORM._replace(body=b"name=Tin&sizes=1,2"), False), (FORM._replace(body=b"sizes=1"), True),
    (FORM._replace(body=b"name=Tin&colour=red"), True), (FORM._replace(body=b"name=Tin&sizes=many"), True),
    (Request.of_json("POST", "/v1/photos", "", {"name": "Tin"}), True)])
def test_a_form_of_swagger_is_made_of_parameters(request_, refused) -> None:
    """They have their types in themselves; what they may come as is said once."""
    fields = [{"name": "name", "in": "formData", "required": True, **NAME},
              {"name": "sizes", "in": "formData", **FIELDS["sizes"]},
              {"name": "photo", "in": "formData", "type": "file"}]
    description = openapi({"swagger": "2.0", "basePath": "/v1/", "consumes": ["application/x-www-form-urlencoded"],
                           "paths": {"/photos": {"parameters": fields, "post": {}}}})

    assert bool(description.faults(request_)) == refused


RELATED = (b'--x\r\nContent-Type: application/json\r\n\r\n{"name": "Tin"}\r\n'
           b"--x\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n--x--\r\n")
UPLOAD = Request("POST", "/upload/v1/kettles", "uploadType=multipart", "multipart/related; boundary=x", RELATED)


@pytest.mark.parametrize(("request_", "refused"), [
    (UPLOAD, False), (UPLOAD._replace(body=RELATED.replace(b"Tin", b"Cast-iron")), True),
    (UPLOAD._replace(query=""), True), (UPLOAD._replace(query="uploadType=slow"), True),
    (UPLOAD._replace(kind="image/png", body=b"\x89PNG"), False),
    (UPLOAD._replace(kind="text/plain", body=b"Tin"), True),
    (Request.of_json("POST", "/upload/v1/kettles", "uploadType=resumable", {"name": "Tin"}), False),
    (Request.of_json("POST", "/upload/v1/kettles", "uploadType=resumable", {"colour": "red"}), True),
    (Request.of_json("POST", "/v1/kettles", "", {"name": "Tin"}), False)])
def test_a_file_goes_to_a_path_of_its_own(request_, refused) -> None:
    """A method that takes files is there twice, the second time with the way of the upload."""
    upload = {"accept": ["image/*"], "protocols": {"simple": {"path": "/upload/v1/kettles"}}}
    description = discovery({
        "servicePath": "v1/", "schemas": {"Kettle": {"type": "object", "properties": FIELDS}},
        "resources": {"kettles": {"methods": {"insert": {
            "id": "kettles.insert", "path": "kettles", "httpMethod": "POST", "request": {"$ref": "Kettle"},
            "mediaUpload": upload}}}}})

    assert bool(description.faults(request_)) == refused


@pytest.mark.parametrize(("path", "query", "refused"), [
    ("/v1/pots/all", "", False), ("/v1/pots/seven", "", True), ("/v1/pots/7", "", False), ("/v1/pots/7/", "", True),
    ("/v2/pots/7", "", False), ("/pots/7", "", True), ("/v1/v1/pots/7", "", True), ("/v1/lids/7", "", False),
    ("/v1/v1/lids/7", "", True), ("/v1/pots/7", "key=secret", False), ("/v1/pots/7", "sizes=1,2", False),
    ("/v1/pots/7", "sizes=1&sizes=2", False), ("/v1/pots/7", "sizes=1,many", True), ("/v1/pots/7", "sizes=", True)])
def test_paths_and_parameters_of_openapi(path, query, refused) -> None:
    """Each server's path stands before each path, once; parameters may be referred to; keys may stand in a query."""
    sizes = {"name": "sizes", "in": "query", "explode": False, "schema": FIELDS["sizes"]}
    description = openapi({
        "servers": [{"url": "https://kettles.example/v1/"}, {"url": "/v2"}],
        "components": {"securitySchemes": {"Key": {"type": "apiKey", "in": "query", "name": "key"}}, "parameters": {
            "Id": {"name": "id", "in": "path", "required": True, "schema": ID}, "Sizes": sizes}},
        "paths": {"/pots/{id}": {"parameters": [{"$ref": "#/components/parameters/Id"}],
                                 "get": {"parameters": [{"$ref": "#/components/parameters/Sizes"}]}},
                  "/pots/all": {"get": {}}, "/v1/lids/{id}": {"get": {}}}})

    assert bool(description.faults(Request("GET", path, query))) == refused


@pytest.mark.parametrize(("method", "path", "post", "refused"), [
    ("POST", "/ghost/api/admin/posts/", {"title": "Tin", "tags": ["a"]}, False),
    ("POST", "/ghost/api/admin/posts/", {"title": "Tin", "tags": [7]}, True),
    ("POST", "/ghost/api/admin/posts/", {"title": "Tin", "colour": "red"}, True),
    ("POST", "/ghost/api/admin/posts/", {}, True),
    ("PUT", "/ghost/api/admin/posts/17/", {}, False),
    ("PUT", "/ghost/api/admin/posts/", {}, True),
])
def test_a_post_of_ghost_is_judged_by_its_schemas(tmp_path, method, path, post, refused) -> None:
    """Files refer to one another, and to themselves."""
    taken = {"type": "object", "additionalProperties": False, "properties": {
        "title": NAME, "tags": {"$ref": "#/definitions/tags"}}}
    tags = {"type": "array", "items": {"type": "string"}}
    for name, needed in (("posts-add", ["title"]), ("posts-edit", [])):
        (tmp_path / f"{name}.json").write_text(json.dumps({
            "$id": name.replace("-", "."), "type": "object", "properties": {"posts": {"type": "array", "items": {
                "allOf": [{"$ref": "posts#/definitions/post"}], "required": needed}}}}), "utf-8")
    (tmp_path / "posts.json").write_text(json.dumps(
        {"$id": "posts", "definitions": {"post": taken, "tags": tags}}), "utf-8")

    assert bool(ghost_schemas(tmp_path).faults(
        Request.of_json(method, path, "source=html", {"posts": [post]}))) == refused


KETTLE_NODE = {"fields": [{"name": "id", "type": "string"}, {"name": "lid", "type": "string"}], "apis": [
    {"name": "#get", "method": "GET", "params": []}, {"name": "#delete", "method": "DELETE", "params": []},
    {"method": "GET", "endpoint": "lids", "return": "Kettle", "params": [{"name": "tin", "type": "bool"}]},
    {"method": "POST", "endpoint": "/lids", "return": "Kettle", "params": [
        {"name": "sizes", "type": "list<unsigned int>"}, {"name": "of", "type": "Object"},
        {"name": "name", "type": "string"}, {"name": "made", "type": "datetime"}, {"name": "tin", "type": "bool"}]}]}
LIDS = Request("POST", "/v25.0/17/lids", "", "application/x-www-form-urlencoded", b"name=Tin&access_token=t")


@pytest.mark.parametrize(("request_", "refused"), [
    (LIDS, False), (LIDS._replace(body=b"colour=red"), True), (LIDS._replace(body=b"sizes=[1,2]&of={}&made=5"), False),
    (LIDS._replace(body=b"sizes=[-1]"), True), (LIDS._replace(body=b"tin=maybe"), True),
    (LIDS._replace(query="a=b"), True), (LIDS._replace(path="/v25.0/17/pots"), True),
    (Request("DELETE", "/v25.0/17", "access_token=t"), False),
    (Request("GET", "/v25.0/17/lids", "limit=5&tin=true&fields=id,lids.limit(5){id,lid{id}},lid"), False),
    (Request("GET", "/v25.0/17/lids", "fields=id,colour"), True), (Request("GET", "/v25.0/17", "fields=lid"), False),
    (Request("GET", "/v25.0/17", "fields=colour"), True), (Request("GET", "/v25.0/17", "tin=true"), True)])
def test_an_edge_is_judged_by_its_node(tmp_path, request_, refused) -> None:
    """Parameters in a form or a query, fields of what is shown, paging of lists."""
    (tmp_path / "Kettle.json").write_text(json.dumps(KETTLE_NODE), "utf-8")

    assert bool(graph_specs(tmp_path, ["Kettle"]).faults(request_)) == refused
