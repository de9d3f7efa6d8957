"""Every address of the web app. Pages only show; the hook only leaves a mark, and only for who can sign."""
from collections.abc import Callable
from datetime import date

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flows.planning.reporting import counts
from flows.web.doors import Keys, Page, guarded
from flows.web.health import ails
from flows.web.hook import Hook
from flows.web.looking import Snapshot
from flows.web.lookout import Lookout
from flows.web.metrics import KIND, exposition
from flows.web.pages import calendar, policy
from schemas.report import rfc3339

LAX_S = 60.0
"""So old may be what monitors are told: they ask for ever, and need not keep the archive busy."""
_HEADERS = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"),
            (b"cache-control", b"no-store"), (b"x-frame-options", b"DENY"),
            (b"cross-origin-opener-policy", b"same-origin"), (b"cross-origin-resource-policy", b"same-origin"))


def app(lookout: Lookout, hook: Hook, keys: Keys, *, hook_only: bool = False) -> Starlette:
    """The hook and the health for everybody, the rest for who may see it."""
    async def hear(request: Request) -> Response:
        return await hook(request)

    routes: list[BaseRoute] = [Route("/hook", hear, methods=["POST"]), Route("/health", _health(lookout))]
    if not hook_only:
        pages = {"/": _calendar(lookout), "/status.json": _status(lookout), "/calendar.ics": _feed(lookout),
                 "/metrics": _metrics(lookout, hook)}
        routes += [Route(path, guarded(page, keys.page)) for path, page in pages.items()]
    return Starlette(routes=routes, middleware=[Middleware(_Careful)])


def _calendar(lookout: Lookout) -> Page:
    def page(request: Request) -> Response:
        try:
            said = request.query_params.get("from")
            start = date.fromisoformat(said) if said else None
            if start is not None and not 1971 <= start.year < 3000:
                raise ValueError
        except ValueError:
            return PlainTextResponse("from is no day: write ?from=2027-03-01\n", 400)
        seen = lookout.seen()
        status = 200 if seen.snapshot is not None else 503
        return HTMLResponse(calendar(seen, start), status, {"Content-Security-Policy": policy()})

    return page


def _status(lookout: Lookout) -> Page:
    def page(_: Request) -> Response:
        seen = lookout.seen()
        if seen.snapshot is None:
            return _not_yet(seen.trouble.what if seen.trouble else "The plan is being read.")
        trouble = {"what": seen.trouble.what, "remedy": seen.trouble.remedy} if seen.trouble else None
        return JSONResponse({**_as_json(seen.snapshot), "age_s": round(seen.age_s, 1), "trouble": trouble})

    return page


def _as_json(snapshot: Snapshot) -> dict[str, object]:
    """The object of `status --json`, and what else an operator asks; times are RFC 3339 UTC."""
    rows, good = [line.row for line in snapshot.lines], snapshot.good
    return {"slots": [row.as_dict() for row in rows], "counts": counts(rows), **snapshot.news.as_dict(),
            "in_force_since": rfc3339(good.at) if good is not None else None, "commit": snapshot.commit,
            "now": rfc3339(snapshot.now), "read_at": rfc3339(snapshot.read_at), "rehearsal": snapshot.is_rehearsal}


def _feed(lookout: Lookout) -> Page:
    def page(_: Request) -> Response:
        seen = lookout.seen()
        if seen.snapshot is None:
            return _not_yet(seen.trouble.what if seen.trouble else "The plan is being read.")
        return Response(seen.snapshot.feed, media_type="text/calendar")

    return page


def _metrics(lookout: Lookout, hook: Hook) -> Page:
    def page(_: Request) -> Response:
        return Response(exposition(lookout.seen(within_s=LAX_S), hook.outcomes), headers={"Content-Type": KIND})

    return page


def _health(lookout: Lookout) -> Callable[[Request], Response]:
    def page(_: Request) -> Response:
        wrong = ails(lookout.seen(within_s=LAX_S))
        return JSONResponse({"ok": not wrong, "why": list(wrong)}, 503 if wrong else 200)

    return page


def _not_yet(why: str) -> Response:
    return JSONResponse({"trouble": {"what": why}}, 503, {"Retry-After": "10"})


class _Careful:
    """Every answer, of a fault too, tells the browser to guess nothing, keep nothing and pass nothing on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def careful(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message["headers"])
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append((b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"))
                message = {**message, "headers": [*headers, *_HEADERS]}
            await send(message)

        await self._app(scope, receive, careful)


