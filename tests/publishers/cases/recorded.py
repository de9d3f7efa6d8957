"""Every request that reaches a twin, as it was heard: method, path, query, content type, body."""
from described import Request
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from publishers.rehearsal._twin import Twin
from publishers.rehearsal._wire import replay, take_body


def recorded(kind: type[Twin], heard: list[Request]) -> type[Twin]:
    """A twin of the same kind that writes down what it is asked, paths that it does not know too."""

    class Recorded(kind):  # type: ignore[valid-type, misc]
        def routes(self) -> list[BaseRoute]:
            return [Mount("", _Ear(Router(super().routes()), heard))]

    return Recorded


class _Ear:
    def __init__(self, inner: ASGIApp, heard: list[Request]) -> None:
        self._inner, self._heard = inner, heard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await take_body(receive)
        if body is None:
            return
        path = scope["raw_path"].decode("ascii").removeprefix(scope["root_path"])
        kinds = [value.decode("latin-1") for name, value in scope["headers"] if name == b"content-type"]
        self._heard.append(Request(scope["method"], path, scope["query_string"].decode("ascii"), "".join(kinds), body))
        await self._inner(scope, replay(body, receive), send)
