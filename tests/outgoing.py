"""Servers of a test that messages are sent to: real HTTP and SMTP on loopback, with and without TLS."""

import http.server
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import trustme


@dataclass
class Asked:
    """One request as it came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Web:
    """An HTTP server that remembers what it was asked and answers what the test says."""

    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b'{"ok": true}'
    dripping_s: float = 0.0  # between one byte of the answer and the next
    # Called with each request; what it gives is the body of its answer, though others come at the same time.
    before: Callable[[Asked], bytes | None] = lambda asked: None

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"


@contextmanager
def web(authority: trustme.CA | None = None) -> Iterator[Web]:
    """A server on a free port; with an authority, it speaks TLS under a certificate for `localhost`."""
    told = Web()

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            one = Asked(
                self.command, self.path, {n.lower(): v for n, v in self.headers.items()}, self.rfile.read(length)
            )
            told.asked.append(one)
            own = told.before(one)
            status, headers, dripping_s = told.status, dict(told.headers), told.dripping_s
            body = told.body if own is None else own
            try:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if not dripping_s and "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if dripping_s:
                    for byte in body:
                        self.wfile.write(bytes([byte]))
                        time.sleep(dripping_s)
                else:
                    self.wfile.write(body)
            except OSError:
                self.close_connection = True  # whoever asked went away

        do_GET = do_POST = do_PUT = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if authority is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    told.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield told
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """What trusts the authority of a test."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context
