"""The lab of scripts/lab.sh as the cases see it: who is there, and what reached the API server."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netns import inside

ROOT = Path(__file__).resolve().parents[3]
DIR = Path(os.environ["KS_LAB_DIR"])
NS_CLIENT, NS_GW, NS_API = (os.environ[name] for name in ("KS_NS_CLIENT", "KS_NS_GW", "KS_NS_API"))
HOST, PORT = "10.98.0.2", 6443
URL = f"https://{HOST}:{PORT}"
API_HOST = "10.99.0.1"
# Addresses of nobody, for cases that need many sources.
SPARE = [f"10.98.0.{octet}" for octet in range(100, 200)]
COMMAND_SECONDS = 40
_ADMIN = ("127.0.0.1", 8001)


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str


def run(*words: str, stdin: str | bytes = "", seconds: float = COMMAND_SECONDS) -> Done:
    """A command in the client namespace, where this process is. Late ones are killed and say so."""
    data = stdin.encode() if isinstance(stdin, str) else stdin
    try:
        done = subprocess.run(words, input=data, capture_output=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired as late:
        return Done(-1, _text(late.stdout), f"{_text(late.stderr)}\n{words[0]}: killed after {seconds} s")
    return Done(done.returncode, _text(done.stdout), _text(done.stderr))


def _text(data: bytes | None) -> str:
    return (data or b"").decode("utf-8", "replace")


def script(*words: str, seconds: float = COMMAND_SECONDS) -> Done:
    """scripts/lab.sh."""
    return run(str(ROOT / "scripts/lab.sh"), *words, seconds=seconds)


def kubectl(client: str, *words: str, stdin: str = "") -> Done:
    """Real kubectl, as the client and from its address."""
    return run(str(ROOT / "scripts/lab.sh"), "run", client, "kubectl", "--request-timeout=30s", *words, stdin=stdin)


def kubectl_start(client: str, *words: str) -> subprocess.Popen[str]:
    """kubectl in the background, in a session of its own: end it with kubectl_end."""
    command = [str(ROOT / "scripts/lab.sh"), "run", client, "kubectl", *words]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, bufsize=1, start_new_session=True)


def kubectl_end(process: subprocess.Popen[str]) -> None:
    """Ends what kubectl_start began."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def address(client: str) -> str:
    """The client's address."""
    for line in (DIR / "clients.tsv").read_text().splitlines():
        name, own, *_ = line.split("\t")
        if name == client:
            return own
    raise KeyError(client)


def token(client: str) -> str:
    """The client's service-account token."""
    return (DIR / "clients" / client / "token").read_text().strip()


def ca() -> str:
    """The file of the cluster's authority."""
    return str(DIR / "pki" / "ca.crt")


def context(client: str = "", alpn: tuple[str, ...] = ("http/1.1",)) -> ssl.SSLContext:
    """TLS that verifies the gateway and shows the client's certificate, if it has one."""
    tls = ssl.create_default_context(cafile=ca())
    if alpn:
        tls.set_alpn_protocols(list(alpn))
    home = DIR / "clients" / client
    if client and (home / "client.crt").exists():
        tls.load_cert_chain(home / "client.crt", home / "client.key")
    return tls


class ApiServer:
    """The stand-in API server: its process, and its own port where it says what reached it."""

    def start(self) -> None:
        """Returns when it answers."""
        done = script("apiserver")
        if done.code != 0:
            raise RuntimeError(f"lab.sh apiserver: {done.err}")

    def stop(self) -> None:
        """Ends it; its connections are closed."""
        script("stop", "apiserver")

    def pid(self) -> int:
        """Its process."""
        return int((DIR / "run" / "apiserver.pid").read_text().split()[0])

    def pause(self) -> None:
        """It neither answers nor closes any more, as a machine that hangs."""
        os.kill(self.pid(), signal.SIGSTOP)

    def go_on(self) -> None:
        """The end of pause()."""
        os.kill(self.pid(), signal.SIGCONT)

    def _ask(self, method: str, path: str) -> Any:
        connection = http.client.HTTPConnection(*_ADMIN, timeout=20)
        with inside(NS_API):
            connection.connect()
        try:
            connection.request(method, path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def counts(self, recent: int = 0) -> dict[str, Any]:
        """What reached it since its start, with the last `recent` requests."""
        return dict(self._ask("GET", f"/kubescope-lab/counts?recent={recent}"))

    def total(self) -> int:
        """How many requests reached it."""
        return int(self.counts()["total"])

    def seen(self, part: str) -> list[dict[str, Any]]:
        """The last requests whose target holds `part`, oldest first."""
        return [one for one in self.counts(recent=500)["recent"] if part in one["target"]]


def headers_of(record: dict[str, Any], name: str) -> list[str]:
    """Every value of a header in a record of what reached the API server."""
    return [value for key, value in record["headers"] if key.lower() == name.lower()]


def sleep_through(seconds: float) -> None:
    """A wait that a case is about (an idle connection, a quiet watch)."""
    time.sleep(seconds)


def plain_socket(source: str = "", seconds: float = 20.0) -> socket.socket:
    """TCP to the gateway."""
    return socket.create_connection((HOST, PORT), timeout=seconds, source_address=(source, 0) if source else None)
