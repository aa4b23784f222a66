"""A mail server that is away, slow, busy, strict or not who it says (QUALITY F8): requests do not notice, the reason is visible, no
message is lost silently and none arrives twice.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.emails.own_servers import certificate, entry, error_types, use_server, wait_until
from tests.emails.queueing import queue
from tests.mail import SmtpReceiver
from tests.server import DatabaseKind, Project, RunningServer, new_email


@pytest.fixture(scope="module")
def shifted(database: DatabaseKind) -> Iterator[RunningServer]:
    """A server whose clock these tests move."""
    with RunningServer(database, {"HEXCLAVE_OUTGOING_ALLOW": "127.0.0.0/8"}) as server:
        yield server


@pytest.fixture(scope="module")
def minutes(shifted: RunningServer):
    """Lets minutes pass."""
    passed = 0.0

    def pass_(count: float) -> None:
        nonlocal passed
        passed += count
        shifted.shift_clock(round(passed * 60_000))

    return pass_


@pytest.fixture
def own(shifted: RunningServer) -> Project:
    return shifted.new_project()


@contextlib.contextmanager
def silent_server() -> Iterator[int]:
    """Accepts connections and never says a word."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    held.append(listener.accept()[0])

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)
        accepting.join(5)
    for connection in held:
        connection.close()


def test_mails_wait_for_a_server_that_is_down_and_arrive_once(shifted: RunningServer, minutes):
    shifted.mail.stop()
    addresses = [new_email() for _ in range(20)]
    ids = queue(shifted.project, addresses)
    try:
        waiting = wait_until(shifted, ids[0], "server_error")
        assert waiting["server_error"] == "The mail server refuses connections."
        for _ in range(8):  # far more often than a message may fail
            minutes(2)
            time.sleep(1.1)
        waiting = entry(shifted, ids[0])
        assert waiting["finished_at"] is None
        assert waiting["send_retries"] == 0
        assert [shifted.project.sign_up()["email"] for _ in range(3)]  # requests go on
    finally:
        shifted.mail.start()
    minutes(5)
    for address in addresses:
        shifted.mail.wait_for(address, seconds=30)
    for email_id in ids:
        assert wait_until(shifted, email_id, "finished_at")["server_error"] is None
    assert [len(shifted.mail.all_for(address)) for address in addresses] == [1] * len(addresses)


def test_requests_are_as_fast_beside_a_silent_mail_server(shifted: RunningServer, own: Project):
    with own.http("client") as client:

        def slowest() -> float:
            times = []
            for _ in range(20):
                began = time.perf_counter()
                assert client.get("/projects/current").status_code == 200
                times.append(time.perf_counter() - began)
            return sorted(times)[len(times) // 2]

        before = slowest()
        with silent_server() as port:
            use_server(own, port)
            queue(own, [new_email() for _ in range(30)])
            assert slowest() < before + 0.1


def test_a_silent_server_delays_no_other_project(shifted: RunningServer, own: Project):
    with silent_server() as port:
        use_server(own, port)
        queue(own, [new_email() for _ in range(150)])
        address = new_email()
        queue(shifted.project, address)
        shifted.mail.wait_for(address, seconds=20)


def test_a_greylisted_message_arrives_at_the_second_try(shifted: RunningServer, own: Project, minutes):
    with SmtpReceiver() as receiver:
        tries: list[str] = []

        def greylist(address: str) -> str | None:
            tries.append(address)
            return "450 4.2.0 Greylisted, come back" if tries.count(address) == 1 else None

        receiver.handler.on_recipient = greylist
        use_server(own, receiver.port)
        address = new_email()
        (email_id,) = queue(own, address)
        waiting = wait_until(shifted, email_id, "send_retries")
        assert error_types(waiting) == ["TEMPORARY"]
        assert "450 4.2.0 Greylisted" in waiting["server_error"]
        assert waiting["finished_at"] is None
        minutes(2)
        receiver.wait_for(address, seconds=20)
        finished = wait_until(shifted, email_id, "finished_at")
        assert (finished["server_error"], finished["send_retries"]) == (None, 1)


def test_a_message_is_given_up_after_five_tries(shifted: RunningServer, own: Project, minutes):
    with SmtpReceiver() as receiver:
        receiver.handler.on_data = lambda _: "451 4.3.0 Not now"
        use_server(own, receiver.port)
        (email_id,) = queue(own, new_email())
        for number in range(1, 6):
            deadline = time.monotonic() + 20
            while len(entry(shifted, email_id)["errors"]) < number:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            minutes(20)
        finished = wait_until(shifted, email_id, "finished_at")
        assert error_types(finished) == ["TRANSIENT_NEGATIVE_COMPLETION_REPLY"] * 5
        assert [attempt["attempt_number"] for attempt in finished["errors"]] == [1, 2, 3, 4, 5]
        assert finished["server_error"] == finished["errors"][-1]["external_message"]


@pytest.mark.parametrize(
    ("reply", "error_type"),
    [("550 5.1.1 No such user", "UNKNOWN"), ("553 5.1.3 Bad address", "INVALID_EMAIL_ADDRESS"), ("554 5.7.1 Spam", "REJECTED")],
)
def test_a_refused_message_is_final_at_once(shifted: RunningServer, own: Project, reply: str, error_type: str):
    with SmtpReceiver() as receiver:
        receiver.handler.on_recipient = lambda _: reply
        use_server(own, receiver.port)
        (email_id,) = queue(own, new_email())
        finished = wait_until(shifted, email_id, "finished_at")
        assert error_types(finished) == [error_type]
        assert reply in finished["server_error"]
        assert finished["rendered_at"]


def test_an_unknown_host_is_final_at_once(shifted: RunningServer, own: Project):
    use_server(own, 25, host="mail.nowhere.invalid")
    (email_id,) = queue(own, new_email())
    found = wait_until(shifted, email_id, "server_error", seconds=30)
    if found["finished_at"]:  # a machine without any DNS does not know that there is no such host
        assert error_types(found) == ["HOST_NOT_FOUND"]


def test_a_wrong_password_is_final_and_never_shown(shifted: RunningServer, own: Project):
    with SmtpReceiver(login=("shop", "right")) as receiver:
        use_server(own, receiver.port, username="shop", password="wrong-and-secret")
        (email_id,) = queue(own, new_email())
        finished = wait_until(shifted, email_id, "finished_at")
        assert error_types(finished) == ["AUTH_FAILED"]
        assert "wrong-and-secret" not in str(finished) + shifted.log()


def test_a_right_password_is_accepted(shifted: RunningServer, own: Project):
    with SmtpReceiver(login=("shop", "right")) as receiver:
        use_server(own, receiver.port, username="shop", password="right")
        address = new_email()
        queue(own, address)
        mail = receiver.wait_for(address, seconds=20)
        assert mail.sender == "Shop <shop@own.example.com>"
        assert receiver.logins == [("shop", "right")]


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(shifted: RunningServer, own: Project, tmp_path):
    _, context = certificate(tmp_path, "127.0.0.1")
    with SmtpReceiver(tls=context) as receiver:
        use_server(own, receiver.port)
        (email_id,) = queue(own, new_email())
        waiting = wait_until(shifted, email_id, "server_error")
        assert waiting["server_error"].startswith("The certificate of the mail server is not trusted: self-signed certificate")
        assert waiting["finished_at"] is None


def test_mails_that_waited_a_day_for_their_server_fail_visibly(shifted: RunningServer, own: Project, minutes):
    use_server(own, 1)
    (email_id,) = queue(own, new_email())
    wait_until(shifted, email_id, "server_error")
    minutes(25 * 60)
    finished = wait_until(shifted, email_id, "finished_at")
    assert finished["server_error"] == "The mail server refuses connections."


def test_a_message_without_a_verdict_is_not_sent_again(shifted: RunningServer, own: Project, minutes):
    """The server took the text and the connection broke before its answer: it may have arrived."""
    with SmtpReceiver() as receiver:
        receiver.handler.data_delay = lambda _: 600
        use_server(own, receiver.port)
        address = new_email()
        (email_id,) = queue(own, address)
        receiver.wait_for(address, seconds=20)
        receiver.stop()
        finished = wait_until(shifted, email_id, "finished_at")
        assert error_types(finished) == ["SOCKET_CLOSED"]
        assert "may or may not have arrived" in finished["server_error"]


def test_a_server_that_serves_one_connection_gets_all_mails_over_it(shifted: RunningServer, own: Project):
    with SmtpReceiver() as receiver:
        receiver.handler.most_sessions = 1
        use_server(own, receiver.port)
        addresses = [new_email() for _ in range(30)]
        ids = queue(own, addresses)
        for address in addresses:
            receiver.wait_for(address, seconds=30)
        assert all(wait_until(shifted, email_id, "finished_at")["errors"] == [] for email_id in ids)
        assert [len(receiver.all_for(address)) for address in addresses] == [1] * len(addresses)
