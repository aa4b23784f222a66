"""Emails: how many codes are accepted per second, and how fast the outbox is drained. `python -m benchmarks.mails [sqlite|postgresql]`.

Three figures: codes accepted on one core with the local mailbox (requests to send a sign-in code, delivery running beside them), mails
drained per second from a full outbox to a receiver in another process, and the server's own CPU per mail.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
from tests.emails.queueing import queue
from tests.server import DatabaseKind, RunningServer
from tests.stored import rows

from benchmarks.load import Spec
from benchmarks.measure import finish_load, start_load
from benchmarks.targets import request

MAILS = 2000
CODES = 2000
UNFINISHED = "SELECT count(*) FROM email_outbox WHERE finished_at IS NULL"
SEND_CODE = "/auth/otp/send-sign-in-code"
CALLBACK = "http://localhost:3000/handler/magic-link-callback"


class MailSink:
    """The receiver's process."""

    def __init__(self) -> None:
        port_file = Path(tempfile.mkdtemp(prefix="mail-sink-")) / "port"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.mail_sink", str(port_file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        while not port_file.exists():
            time.sleep(0.01)
        self.port = int(port_file.read_text())

    def taken(self) -> int:
        """How many messages it has taken."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self) -> None:
        """Ends it."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def drain(database: DatabaseKind) -> None:
    """Fills the outbox and measures until the receiver has everything."""
    sink = MailSink()
    settings = {
        "HEXCLAVE_SMTP_HOST": "127.0.0.1",
        "HEXCLAVE_SMTP_PORT": str(sink.port),
        "HEXCLAVE_SMTP_SECURITY": "none",
        "HEXCLAVE_SMTP_SENDER": "noreply@auth.example.com",
    }
    try:
        with RunningServer(database, settings, mail=False) as server:
            queue(server.project, "first@example.com")
            wait_until(sink, 1)
            spent = cpu_seconds(server)
            began = time.monotonic()
            queue(server.project, [f"user{number}@example.com" for number in range(MAILS)])
            wait_until(sink, MAILS + 1)
            took = time.monotonic() - began
            per_mail = (cpu_seconds(server) - spent) / MAILS * 1000
            print(f"{database}: {MAILS} mails drained at {MAILS / took:.0f}/s (aim 200), {per_mail:.2f} ms of CPU each")
    finally:
        sink.close()


def wait_until(sink: MailSink, count: int) -> None:
    """Waits for so many messages."""
    deadline = time.monotonic() + 120
    while sink.taken() < count:
        assert time.monotonic() < deadline, f"{sink.taken()} of {count}"
        time.sleep(0.02)


def accept(database: DatabaseKind) -> None:
    """Asks for codes for addresses of their own, with the server pinned to one core, and waits until all are in the mailbox."""
    settings = {"HEXCLAVE_UNSAFE_NO_THROTTLE": "true"}
    with RunningServer(database, settings, mail=False) as server:
        project = server.new_project(magic_link_enabled=True, allow_localhost=True)
        for process in processes(server):
            process.cpu_affinity([0])

        def requests(first: int, count: int) -> list[str]:
            bodies = [json.dumps({"email": f"u{first + number}@example.com", "callback_url": CALLBACK}) for number in range(count)]
            return [request(server.port, "POST", SEND_CODE, project.headers("client"), body) for body in bodies]

        finish_load(start_load(Spec(server.port, requests(CODES, 50), count=50)))
        spent = cpu_seconds(server)
        began = time.monotonic()
        finish_load(start_load(Spec(server.port, requests(0, CODES), connections=32, count=CODES)))
        took = time.monotonic() - began
        while rows(server, UNFINISHED)[0][0]:
            time.sleep(0.05)
        all_took = time.monotonic() - began
        per_code = (cpu_seconds(server) - spent) / CODES * 1000
        print(
            f"{database}: {CODES / took:.0f} codes accepted per second on one core (aim 500), "
            f"all in the mailbox {all_took - took:.1f} s later, {per_code:.2f} ms of CPU each with its mail"
        )


def processes(server: RunningServer) -> list[psutil.Process]:
    """All processes of the server."""
    assert server.process is not None
    parent = psutil.Process(server.process.pid)
    return [parent, *parent.children(recursive=True)]


def cpu_seconds(server: RunningServer) -> float:
    """What they have used."""
    return sum(sum(process.cpu_times()[:2]) for process in processes(server))


if __name__ == "__main__":
    chosen: DatabaseKind = "postgresql" if "postgresql" in sys.argv else "sqlite"
    drain(chosen)
    accept(chosen)
