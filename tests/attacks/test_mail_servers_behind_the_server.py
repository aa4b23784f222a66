"""D7: whoever configures a project cannot make the server speak to what lies behind it by naming it as a mail server."""

from __future__ import annotations

import socket

import pytest

from tests.emails.own_servers import use_server, wait_until
from tests.emails.queueing import queue
from tests.server import RunningServer, new_email


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "2130706433", "0177.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "169.254.169.254", "10.0.0.1"]
)
def test_a_mail_server_inside_is_never_connected_to(server: RunningServer, host: str) -> None:
    own = server.new_project()
    with socket.create_server(("127.0.0.1", 0)) as inside:
        use_server(own, inside.getsockname()[1], host=host)
        (email_id,) = queue(own, new_email())
        found = wait_until(server, email_id, "finished_at")
        inside.settimeout(0)
        with pytest.raises(BlockingIOError):
            inside.accept()
    assert "not on a public address" in found["server_error"]
    assert [error["external_details"]["errorType"] for error in found["errors"]] == ["REJECTED"]
