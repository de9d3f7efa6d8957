"""A receiver in rehearsal: it checks signatures, knows keys again, and refuses in the words that the set-up names.

The agreement is the one of section "Generic webhook" and of the set-up text; RFC 9110 for the meaning of statuses.
"""
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from publishers.rehearsal._twin import Kept, Refusal, Twin


class WebhookTwin(Twin):
    """One receiver for any number of accounts; the secret of `@us` is `rehearsal:@us`."""

    network: ClassVar[str] = "webhook"
    title: ClassVar[str] = "Webhook"
    accent: ClassVar[str] = "#57606a"
    creates: ClassVar[tuple[str, ...]] = ("POST /hook",)

    def routes(self) -> list[Route]:
        return [Route("/hook", self._received, methods=["POST"])]

    def unauthorized(self) -> Refusal:
        return Refusal(401, {"error": "the signature does not fit"})

    def overloaded(self, until: datetime | None) -> Refusal:
        return Refusal(503, {"error": "not now"}, self._retry_after(until))

    async def _received(self, request: Request) -> Response:
        body, key = await request.body(), request.headers.get("idempotency-key", "")
        given = self._admitted(body, key, request.headers.get("x-signature", ""))
        account = str(given["account"])
        if first := self._first_with(account, key):
            return self._told(request, first)
        if not str(given.get("text") or "").strip() and not given.get("media"):
            raise Refusal(422, {"error": "there is nothing to post"})
        found = [(item, await self._fetched(str(item.get("url") or ""))) for item in given.get("media") or ()]
        if first := self._first_with(account, key):              # it came again while the files were fetched
            return self._told(request, first)
        ids = []
        for item, data in found:
            id = self.keep_media(data, name=str(item["name"]), mime=str(item["type"]), account=account)
            self.describe_media(id, str(item.get("alt") or ""))
            ids.append(id)
        parent = given.get("in_reply_to")
        kept = self.keep(account=account, text=str(given["text"]), parent=str(parent) if parent else None, media=ids,
                         extra={"key": key, "kind": str(given.get("kind") or "post")})
        return self._told(request, kept)

    def _admitted(self, body: bytes, key: str, signature: str) -> Mapping[str, Any]:
        """What is said, if whoever says it knows the secret of the account that it names."""
        try:
            given = json.loads(body)
            account = given["account"]
        except (ValueError, KeyError, TypeError):
            raise Refusal(400, {"error": "this is not a post"}) from None
        wanted = hmac.new(f"rehearsal:{account}".encode(), key.encode() + b"." + body, hashlib.sha256).hexdigest()
        if not key or not hmac.compare_digest(signature, f"sha256={wanted}"):
            raise self.unauthorized()
        return dict(given)

    async def _fetched(self, address: str) -> bytes:
        import httpx

        try:
            async with httpx.AsyncClient(trust_env=False, timeout=10.0) as client:
                answer = await client.get(address)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Refusal(422, {"error": "a file cannot be fetched"}) from None
        if answer.status_code != 200:
            raise Refusal(422, {"error": "a file cannot be fetched"})
        return answer.content

    def _first_with(self, account: str, key: str) -> Kept | None:
        return next((post for post in self.posts if post.account == account and post.extra["key"] == key), None)

    def _told(self, request: Request, kept: Kept) -> Response:
        return JSONResponse({"id": kept.id, "url": self.link(request, kept.id)})


TWIN = WebhookTwin
