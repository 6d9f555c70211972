#!/usr/bin/python3
"""A pod with a hole: a web form whose field goes to a shell.

This is the victim of the demo. It looks up the host name a visitor types in /etc/hosts, by handing it
to `sh -c` unquoted. Because of that hole it refuses to run as root or on an address outside of the lab.
"""

from __future__ import annotations

import argparse
import html
import os
import subprocess
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qs

MAX_FORM_BYTES = 16384
PAGE = """<!doctype html><title>Where is it?</title><h1>Where is it?</h1>
<form method="post"><input name="host" placeholder="host name"><button>Look up</button></form>
<pre id="answer">{answer}</pre>
"""


def look_up(host: str) -> str:
    """The hole: what the visitor typed becomes part of a command line."""
    done = subprocess.run(["sh", "-c", f"grep -i {host} /etc/hosts"], capture_output=True, timeout=20, check=False)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


class Form(BaseHTTPRequestHandler):
    """One page with one field."""

    def _page(self, answer: str) -> None:
        body = PAGE.format(answer=html.escape(answer)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._page("")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MAX_FORM_BYTES:
            self.send_error(413)
            return
        fields = parse_qs(self.rfile.read(int(length)).decode("utf-8", "replace"))
        self._page(look_up(fields.get("host", [""])[0]))

    def log_message(self, format: str, *args: object) -> None:
        """No log: the form's fields are nobody's business."""


class Server(ThreadingTCPServer):
    """Not http.server's own: that one asks a name server for its name before it listens."""

    allow_reuse_address = True
    daemon_threads = True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--listen", default="10.98.0.50:8080", help="HOST:PORT (default %(default)s)")
    args = parser.parse_args()
    host, _, port = args.listen.rpartition(":")
    if not host.startswith(("10.98.0.", "127.")) or not port.isdigit():
        parser.error("this form has a hole on purpose: it listens on lab addresses (10.98.0.x) only")
    if os.getuid() == 0:
        parser.error("this form has a hole on purpose: it does not run as root (use lab.sh run web ...)")
    Server((host, int(port)), Form).serve_forever()


if __name__ == "__main__":
    main()
