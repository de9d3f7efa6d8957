"""A receiver to begin with: it takes signed posts, each once, and prints them. Copy it; it needs Python alone.

`DRUMBEAT_SECRET=… python -m publishers._webhook_receiver 8080` listens on 127.0.0.1; put a web server with TLS before
it. What a receiver must do: check the signature over the very bytes, remember the key before doing anything, answer a
key that it knows with the first answer, and answer any 2xx (with {"id": …, "url": …} if it has them) only when done.
"""
import hashlib
import hmac
import json
import os
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LARGEST = 2_000_000                      # bytes of a post; files come by their addresses


def is_signed(secret: str, key: str, signature: str, body: bytes) -> bool:
    """Whether whoever wrote `body` knows the secret. The key is signed too: a copy with another key does not pass."""
    wanted = hmac.new(secret.encode(), key.encode() + b"." + body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"sha256={wanted}".encode(), signature.encode())


class Receiver(BaseHTTPRequestHandler):
    """One request. `secret` and `memory` (a file) are set on the class before it serves."""

    secret = ""
    memory = "received.sqlite"

    def do_POST(self) -> None:
        """Sources of trouble first; what is left is a post that was never seen."""
        size = int(self.headers.get("Content-Length") or 0)
        if not 0 < size <= LARGEST:
            return self._answer(413, {"error": "too large, or no length"})
        body, key = self.rfile.read(size), self.headers.get("Idempotency-Key", "")
        if not is_signed(self.secret, key, self.headers.get("X-Signature", ""), body):
            return self._answer(401, {"error": "the signature does not fit"})
        with sqlite3.connect(self.memory) as memory:
            memory.execute("create table if not exists seen (key text primary key)")
            is_new = memory.execute("insert or ignore into seen values (?)", (key,)).rowcount
        memory.close()
        if is_new:
            post = json.loads(body)
            print(post["account"], post["text"], sep=": ", flush=True)      # here goes what you want to do with it
        return self._answer(200, {"id": key})

    def _answer(self, status: int, said: dict[str, str]) -> None:
        body = json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    Receiver.secret = os.environ["DRUMBEAT_SECRET"]
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
