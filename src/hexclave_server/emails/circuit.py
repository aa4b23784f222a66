"""When a mail server may be asked again after it could not be reached: pauses that double up to a minute, then one mail as a probe."""

from __future__ import annotations

from hexclave_server.core import clock, randomness
from hexclave_server.core.log import logger
from hexclave_server.emails.failures import Failure
from hexclave_server.emails.mail_server import MailServer

FIRST_PAUSE_MILLIS = 1_000
LONGEST_PAUSE_MILLIS = 60_000


class Circuit:
    """The health of one mail server, as this process sees it."""

    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._failures = 0
        self._until = 0
        self.failure: Failure | None = None

    @property
    def is_suspect(self) -> bool:
        """Whether the server could not be reached the last time."""
        return self.failure is not None

    def paused_until(self) -> int | None:
        """The end of the pause (epoch milliseconds); None when there is none."""
        now = clock.now_millis()
        is_paused = now < self._until <= now + 2 * LONGEST_PAUSE_MILLIS  # a longer one was begun before the clock was set back
        return self._until if is_paused else None

    def require_closed(self) -> None:
        """Raises the Failure that the pause was begun for, as long as it lasts."""
        if self.failure is not None and self.paused_until() is not None:
            raise self.failure

    def open(self, failure: Failure) -> None:
        """The server could not be reached."""
        pause = min(FIRST_PAUSE_MILLIS * 2 ** min(self._failures, 10), LONGEST_PAUSE_MILLIS)
        pause = round(pause * (0.75 + 0.5 * randomness.fraction()))  # nodes should not ask at the same moment
        self._failures += 1
        self._until = clock.now_millis() + pause
        self.failure = failure
        logger().warning("mail server away", host=self._server.host, port=self._server.port, reason=failure.message, pause_millis=pause)

    def close(self) -> None:
        """The server could be reached."""
        if self._failures:
            logger().info("mail server back", host=self._server.host, port=self._server.port)
        self._failures = 0
        self._until = 0
        self.failure = None
