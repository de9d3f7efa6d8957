"""A person's browser comes back from a network's page, with the network's answer in the address."""
import socket
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from schemas.errors import SettingsError

PATIENCE_S = 300.0


class Return(HTTPServer):
    """Waits on loopback for the one request that the browser makes after the network's page."""

    def __init__(self, port: int, state: str) -> None:
        self.found: str | None = None
        self.over = self.gave_up = False
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = parse_qs(urlsplit(self.path).query)
                mine = said.get("state") == [state]
                outer.found = said["code"][0] if mine and "code" in said else outer.found
                outer.over = outer.over or mine
                words = "You can close this page." if mine else "This page is not part of the conversation."
                body = f"<!doctype html><title>Drumbeat</title><p>{words}".encode()
                self.send_response(200 if mine else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Nothing: the address holds the code."""

        super().__init__(("127.0.0.1", port), Answer)

    def code(self) -> str | None:
        """The code; None when nobody came for a while. Raises SettingsError when the answer was no."""
        self.timeout = PATIENCE_S
        while not (self.over or self.gave_up):
            self.handle_request()
        if self.over and self.found is None:
            raise SettingsError("The network's page was answered with no.", "Begin again, and say yes there.")
        return self.found

    def handle_timeout(self) -> None:
        self.gave_up = True

    def get_request(self) -> tuple[socket.socket, Any]:
        line, peer = super().get_request()
        line.settimeout(10.0)
        return line, peer
