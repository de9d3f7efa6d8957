"""What our adapters send, held against the descriptions that the networks publish of their APIs.

`DRUMBEAT_DISCORD_OPENAPI=openapi.json pytest tests/publishers/test_descriptions.py` does it for Discord: everything
that the contract suite sends there is recorded at the twin, matched to an operation, and judged by JSON Schema. The
table below names the others. Without a description only this file's own promise is kept: that it can fail.
"""
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlencode

import httpx
import pytest
import yaml
from contract_scene import Clock, Scene
from described import Description, Request
from discovery_reader import discovery
from ghost_schema_reader import ghost_schemas
from graph_spec_reader import graph_specs
from lexicon_reader import lexicons
from openapi_reader import openapi
from recorded import recorded

from publishers.base import Identifies, Refreshes, Verifies, Withdraws
from publishers.rehearsal._twin import Rehearsal
from schemas.ledger import PartReceipt, Repeat

MINUTES = timedelta(minutes=5)


def of_file(read: Callable[[dict[str, Any]], Description], path: Path) -> Description:
    text = path.read_text("utf-8")
    return read(json.loads(text) if path.suffix == ".json" else yaml.safe_load(text))


def as_it_is(request: Request) -> Request:
    return request


def in_one_form(request: Request) -> Request:
    """Discord takes the fields of a message with files as JSON in one field, which its description does not have.

    Source: discord.com/developers/docs/reference, "Uploading Files" (`payload_json`), read 2026-11-22.
    """
    if not request.kind.startswith("multipart/form-data"):
        return request
    parts = {part.get_param("name", "", "content-disposition"): part for part in request.parts()}
    fields = json.loads(parts.pop("payload_json").get_payload(decode=True))
    files = {name: (part.get_filename(), b"", part.get_content_type()) for name, part in parts.items()}
    texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in fields.items()}
    plain = httpx.Request("POST", "http://there.example/", data=texts, files=files)
    return request._replace(kind=plain.headers["content-type"], body=plain.read())


def as_a_form(request: Request) -> Request:
    """Slack takes JSON too where it writes, with the same fields; its description knows forms only.

    Source: docs.slack.dev/apis/web-api, "POST bodies", read 2026-11-22.
    """
    if not request.kind.startswith("application/json"):
        return request
    fields = {name: one if isinstance(one, str) else json.dumps(one) for name, one in json.loads(request.body).items()}
    return request._replace(kind="application/x-www-form-urlencoded", body=urlencode(fields).encode())


class Described(NamedTuple):
    """A network and what it publishes. Patterns are for whole texts; each has its reason beside it.

    `beside`: "METHOD path" of requests that no description could have; `apart`: faults that are the description's.
    """

    variable: str                        # names the file or folder
    read: Callable[[Path], Description]
    names: Mapping[str, str] = {}        # what a rehearsal calls something, and what the network would
    put: Callable[[Request], Request] = as_it_is
    beside: Mapping[str, str] = {}
    apart: Mapping[str, str] = {}


TABLE = {
    "bluesky": Described("DRUMBEAT_BLUESKY_LEXICONS", lexicons),
    "devto": Described("DRUMBEAT_DEVTO_OPENAPI", partial(of_file, openapi), apart={
        r"POST /api/articles: body\.article\.tags: .* is not of type 'string'":
            "a list is what forem permits, in app/controllers/concerns/api/articles_controller.rb at 004a2bc1",
        r".*: body\.article: not described: ai_disclosure_level":
            "newer than the description; DEV's llms.txt asks for it"}),
    "discord": Described("DRUMBEAT_DISCORD_OPENAPI", partial(of_file, openapi), put=in_one_form, names={
        "rehearsal%3A%40us": "1212345678901234568", "%40us": "1212345678901234567"}, apart={
        r"POST .*/messages: body\.attachments\[\d\]\.id: \d is not of type 'string'":
            "the reference, \"Uploading Files\", numbers them 0, 1, 2 as numbers"}),
    "facebook_page": Described("DRUMBEAT_GRAPH_SPECS", partial(graph_specs, kinds=(
        "Page", "PagePost", "Photo", "Comment", "User")), beside={
        r"GET /v[\d.]+/debug_token": "about a token, not about a node"}, apart={
        r"POST .*/photos: body: not described: source":
            "the file itself: developers.facebook.com/docs/graph-api/reference/photo, read 2026-11-22"}),
    "ghost": Described("DRUMBEAT_GHOST_SCHEMAS", ghost_schemas, beside={
        r"(GET|DELETE) .*": "no body, and only bodies are described",
        r"POST /ghost/api/admin/(images|media)/upload/": "a file, described as it is kept"}),
    "instagram": Described("DRUMBEAT_GRAPH_SPECS", partial(graph_specs, kinds=(
        "IGUser", "IGMedia", "IGComment", "IGUserForIGOnlyAPI", "IGMediaForIGOnlyAPI")), beside={
        r"GET /refresh_access_token": "about a token, not about a node"}, apart={
        r"GET .*: query fields: 'status_code,status' does not match .*": "of a container, which no file describes"}),
    "pinterest": Described("DRUMBEAT_PINTEREST_OPENAPI", partial(of_file, openapi)),
    "slack": Described("DRUMBEAT_SLACK_OPENAPI", partial(of_file, openapi), put=as_a_form, beside={
        r"POST /api/files\.(getUploadURL|completeUpload)External": "newer than the description, which is of 2020",
        r"POST /upload/v1/.*": "an address that Slack makes up for each file"}, apart={
        r".*: query include_all_metadata: not described": "newer than the description",
        r".*: body: not described: metadata": "newer than the description"}),
    "x": Described("DRUMBEAT_X_OPENAPI", partial(of_file, openapi)),
    "youtube": Described("DRUMBEAT_YOUTUBE_DISCOVERY", partial(of_file, discovery), beside={
        r"PUT /upload/youtube/v3/sessions/.*": "an address that YouTube makes up for each upload",
        r"POST /(token|tokeninfo)": "Google's login, not YouTube's API"}),
}


class Played(NamedTuple):
    story: str                           # which message it was sent for
    request: Request


def played(network: str) -> list[Played]:
    """All that leaves an adapter: its case's messages out, found again and taken back; then its questions."""
    case = import_module(f"{network}_case").CASE
    told: list[Played] = []
    with rehearsal(network) as (scene, heard):
        for story, message in case.goes.items():
            publisher = scene.publisher()
            outgoing, parts = publisher.compose(message), tuple[PartReceipt, ...]()
            for number in range(len(outgoing.parts)):
                sent = scene.readied(publisher, outgoing, number, parts)
                parts += (publisher.publish(outgoing, number, sent),)
                if publisher.lookup.repeat is not Repeat.blind:
                    publisher.find(outgoing, number, scene.clock.now - MINUTES, sent)
            for receipt in reversed(parts):
                if isinstance(publisher, Withdraws):
                    publisher.withdraw(receipt)
            scene.clock.now += timedelta(hours=2)
            told += [Played(story, request) for request in heard]
            heard.clear()
        asking = scene.publisher()
        if isinstance(asking, Verifies):
            asking.verify()
        if isinstance(asking, Identifies):
            asking.account_id()
        if isinstance(asking, Refreshes):
            asking.refresh()
        return [*told, *(Played("the account", request) for request in heard)]


@contextmanager
def rehearsal(network: str) -> Iterator[tuple[Scene, list[Request]]]:
    heard: list[Request] = []
    clock = Clock()
    twin = recorded(import_module(f"publishers.rehearsal.{network}_twin").TWIN, heard)
    with Rehearsal([twin(clock)]) as running:
        yield Scene(import_module(f"{network}_case").CASE, running, clock), heard


def differences(row: Described, description: Description, told: list[Played]) -> list[str]:
    """What the description has against the requests, once each, with the first message it was sent for."""
    found: dict[str, str] = {}
    for story, request in ((story, _as_there(row, request)) for story, request in told):
        if _matches(row.beside, f"{request.method} {request.path}"):
            continue
        for fault in description.faults(request):
            if not _matches(row.apart, fault):
                found.setdefault(fault, story)
    return [f"{fault}  [{story}]" for fault, story in found.items()]


def _as_there(row: Described, request: Request) -> Request:
    """The request as the description speaks of it, with the network's kind of names."""
    for ours, theirs in row.names.items():
        request = request._replace(path=request.path.replace(ours, theirs), query=request.query.replace(ours, theirs))
    return row.put(request)


def _creates(network: str, request: Request) -> bool:
    patterns = import_module(f"publishers.rehearsal.{network}_twin").TWIN.creates
    return any(re.fullmatch(pattern, f"{request.method} {unquote(request.path)}") for pattern in patterns)


def _matches(patterns: Mapping[str, str], text: str) -> bool:
    return any(re.fullmatch(pattern, text, re.DOTALL) for pattern in patterns)


@pytest.mark.parametrize("network", TABLE)
def test_every_request_is_as_the_network_describes_it(network) -> None:
    """No path, parameter or field that the network's own description does not know, or knows otherwise."""
    row = TABLE[network]
    if not (path := os.environ.get(row.variable)):
        pytest.skip(f"{row.variable} names no description of this network's API")
    if find_spec(f"{network}_case") is None:
        pytest.skip(f"there is no adapter for {network}")
    description = row.read(Path(path))
    told = played(network)

    assert any(description.operation(_as_there(row, one.request)) for one in told if _creates(network, one.request))
    assert differences(row, description, told) == []


def test_a_description_that_an_adapter_does_not_keep_is_told(tmp_path) -> None:
    """From the message to the fault: X's adapter against a description of another X, whose posts are shorter."""
    post = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "maxLength": 3}}}
    (tmp_path / "x.yaml").write_text(yaml.safe_dump({
        "openapi": "3.0.0", "servers": [{"url": "https://api.x.com"}], "paths": {
            "/2/tweets": {"post": {"requestBody": {"content": {"application/json": {"schema": post}}}}}}}), "utf-8")
    row = Described("", partial(of_file, openapi), beside={"GET .*": "looks"}, apart={".*DELETE.*": "takes back"})
    told = [one for one in played("x") if one.story in ("plain", "thread")]

    found = differences(row, row.read(tmp_path / "x.yaml"), told)

    assert "POST /2/tweets: body: not described: reply  [thread]" in found
    assert "POST /2/media/upload: not described  [thread]" in found
    assert any(re.fullmatch(r"POST /2/tweets: body\.text: '.*' is too long  \[plain\]", fault) for fault in found)
    assert not any("GET " in fault or "DELETE " in fault for fault in found)
