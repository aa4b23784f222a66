"""kill -9 while mails are on their way, and several workers at once: nothing arrives twice, nothing is lost without a word."""

from __future__ import annotations

import signal
import time

from hexclave_server.emails.lane import SENDERS
from hexclave_server.emails.service import Template
from tests.emails.own_servers import wait_until
from tests.emails.queueing import queue
from tests.server import DatabaseKind, RunningServer, new_email
from tests.stored import rows

OPEN = "SELECT count(*) FROM email_outbox WHERE finished_at IS NULL"
LEASE_MILLIS = 60_000


def wait_until_finished(server: RunningServer, seconds: float = 90) -> None:
    """Waits until no entry is on its way."""
    deadline = time.monotonic() + seconds
    while rows(server, OPEN)[0][0]:
        assert time.monotonic() < deadline, server.log()[-2000:]
        time.sleep(0.1)


def test_after_kill_9_no_mail_arrives_twice_and_none_is_lost_silently(database: DatabaseKind):
    with RunningServer(database) as server:
        server.mail.handler.data_delay = lambda _: 0.05
        addresses = [new_email() for _ in range(60)]
        ids = queue(server.project, addresses)
        server.mail.wait_for_count(5)
        server.kill_all()
        server.mail.handler.data_delay = lambda _: 0
        time.sleep(1)  # what the dead process had handed over completely is taken by now
        server.start()
        server.shift_clock(LEASE_MILLIS)
        wait_until_finished(server)
        for email_id, address in zip(ids, addresses, strict=True):
            arrived = len(server.mail.all_for(address))
            reason = wait_until(server, email_id, "finished_at")["server_error"]
            assert arrived <= 1, address
            assert arrived == 1 or "may or may not have arrived" in reason
            assert reason is None or "may or may not have arrived" in reason
        doubtful = [email_id for email_id in ids if wait_until(server, email_id, "finished_at")["server_error"]]
        assert len(doubtful) <= SENDERS


def test_sigterm_hands_back_what_was_not_begun(database: DatabaseKind):
    with RunningServer(database) as server:
        server.mail.handler.data_delay = lambda _: 0.3
        addresses = [new_email() for _ in range(40)]
        ids = queue(server.project, addresses)
        server.mail.wait_for_count(2)
        assert server.stop(signal.SIGTERM) == 0
        server.mail.handler.data_delay = lambda _: 0
        server.start()  # no clock is shifted: nobody waits for a lease
        for address in addresses:
            server.mail.wait_for(address, seconds=20)
        wait_until_finished(server)
        assert [len(server.mail.all_for(address)) for address in addresses] == [1] * len(addresses)
        reasons = [wait_until(server, email_id, "finished_at")["server_error"] for email_id in ids]
        assert reasons == [None] * len(ids), server.log()[-3000:]


def test_two_workers_send_each_mail_once(database: DatabaseKind):
    with RunningServer(database, workers=2) as server:
        addresses = [new_email() for _ in range(150)]
        ids = queue(server.project, addresses[:75], Template.MAGIC_LINK)
        ids += queue(server.project, addresses[75:], is_high_priority=False)
        server.mail.wait_for_count(len(addresses), seconds=60)
        wait_until_finished(server)
        assert sorted(mail.recipients[0] for mail in server.mail.wait_for_count(len(addresses))) == sorted(addresses)
        assert len(ids) == len(server.mail.wait_for_count(len(addresses)))
