"""How X says no: its problems as JSON, in the words that were seen from it, read 2026-11-22."""
import json
from typing import Any

from starlette.requests import Request

from publishers.rehearsal._twin import Refusal


def problem(status: int, title: str, detail: str, kind: str = "about:blank") -> dict[str, Any]:
    return {"detail": detail, "type": kind, "title": title, "status": status}


def forbidden(detail: str) -> Refusal:
    return Refusal(403, problem(403, "Forbidden", detail))


def invalid(message: str, parameter: str) -> Refusal:
    return Refusal(400, {"errors": [{"parameters": {parameter: []}, "message": message}], "title": "Invalid Request",
                         "detail": "One or more parameters to your request was invalid.",
                         "type": "https://api.twitter.com/2/problems/invalid-request"})


async def fields(request: Request) -> dict[str, Any]:
    try:
        body = json.loads(await request.body())
    except (ValueError, RecursionError):
        raise invalid("Requests with bodies must have content-type of application/json.", "") from None
    if not isinstance(body, dict):
        raise invalid("$: must be an object", "")
    return body
