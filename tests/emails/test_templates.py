"""What the built-in emails say, read as a mail client reads them (contract 08 §6)."""

from __future__ import annotations

from tests.emails.queueing import LINK, queue
from tests.server import Project, RunningServer, new_email


def test_an_email_arrives_with_its_subject_and_its_link(server: RunningServer, project: Project):
    address = new_email()
    queue(project, address)
    mail = server.mail.wait_for(address)
    assert mail.subject == "Verify your email at Test project"
    assert mail.link == LINK
