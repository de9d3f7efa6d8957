"""What Instagram and Threads share in rehearsal: containers that show nowhere until they are published, and pages.

Sources: those of the two networks' own twins.
"""
import base64
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from publishers.rehearsal._twin import Kept, Refusal, Twin

LIVES = timedelta(hours=24)


class ContainerTwin(Twin):
    """A network that publishes in two steps. A subclass adds its paths, its limits and how it tells of a post."""

    def __init__(self, now: Callable[[], datetime], folder: Path | None = None) -> None:
        self.containers: dict[str, dict[str, Any]] = {}
        self.looks_at_video = 1          # how often a video is still being processed when asked after
        self.codes: dict[str, tuple[str, str]] = {}      # of authorization: whose, and for which redirect
        super().__init__(now, folder)

    def _told(self, request: Request, post: Kept, names: Sequence[str]) -> dict[str, Any]:
        """A post in an answer, with the fields that were asked for."""
        raise NotImplementedError

    def forget(self) -> None:
        super().forget()
        self.containers.clear()

    def _recall(self, kind: str, value: Any) -> None:
        match kind:
            case "container":
                self.containers[value["id"]] = value
                self._ids += 1
            case "status":
                self.containers[value["id"]] |= value
            case _:
                super()._recall(kind, value)

    def key_of(self, path: str, headers: Mapping[str, str], body: bytes) -> str:
        """A container is published once, whoever asks how often: it is what calls are counted by."""
        creation = parse_qs(body.decode("utf-8", "replace")).get("creation_id")
        return f"container {creation[0]}" if creation else super().key_of(path, headers, body)

    async def _authorize(self, request: Request) -> Response:
        """The person says yes at once. Whose account it is stands in the app's id, as in every rehearsal."""
        asked = request.query_params
        if not all(asked.get(name) for name in ("client_id", "redirect_uri", "scope")) or asked.get(
                "response_type") != "code":
            raise Refusal(400, {"error_type": "OAuthException", "code": 400, "error_message": "Invalid request"})
        code = f"AQ{self.new_id()}"
        self.codes[code] = (self.account_of(f"rehearsal:{asked['client_id']}"), asked["redirect_uri"])
        back = urlencode({"code": code, **({"state": asked["state"]} if "state" in asked else {})})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}#_", 302)

    def _status(self, made: Mapping[str, Any]) -> str:
        if made["published"]:
            return "PUBLISHED"
        if self.now() - datetime.fromisoformat(made["at"]) > LIVES:
            return "EXPIRED"
        if made["looks"] > 0:
            return "IN_PROGRESS"
        return "ERROR" if made["why"] else "FINISHED"

    def _change(self, id: str, **fields: object) -> None:
        self._journal.write("status", {"id": id, **fields})
        self._recall("status", {"id": id, **fields})

    def _page(self, request: Request, given: Mapping[str, str], entries: Sequence[Kept]) -> Response:
        limit, start = min(int(given.get("limit", "25")), 100), 0
        if after := given.get("after"):
            last = base64.urlsafe_b64decode(after).decode()
            start = next((place + 1 for place, post in enumerate(entries) if post.id == last), len(entries))
        shown = entries[start:start + limit]
        body: dict[str, Any] = {"data": [self._told(request, post, names(given)) for post in shown]}
        if shown:
            cursor = base64.urlsafe_b64encode(shown[-1].id.encode()).decode()
            body["paging"] = {"cursors": {"before": cursor, "after": cursor}}
            if start + limit < len(entries):
                query = urlencode({**given, "after": cursor})
                body["paging"]["next"] = f"{request.url.replace(query='')}?{query}"
        return JSONResponse(body)


def names(given: Mapping[str, str]) -> list[str]:
    return re.sub(r"\{[^{}]*\}", "", given.get("fields", "")).split(",")


async def fields(request: Request) -> dict[str, str]:
    """The parameters, of the address and of the form: the Graph API takes them in either."""
    async with request.form() as form:
        return dict(request.query_params) | {name: value for name, value in form.items() if isinstance(value, str)}
