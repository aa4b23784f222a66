"""A user adds addresses himself up to a number: each change reads all of them, in the one write transaction that SQLite has."""

from __future__ import annotations

from tests.contact_channels.channels import add, body_of, channels_of, path_of
from tests.server import Project, new_email
from tests.users.answers import ok

MOST = 100


def test_a_client_adds_addresses_up_to_a_number(project: Project) -> None:
    user = project.sign_up()
    last = [add(project, user["user_id"], new_email()) for _ in range(MOST - 1)][-1]
    with project.http("client", user["access_token"]) as client:
        for answer in (
            client.post("/contact-channels", json=body_of("me", new_email())),
            client.patch("/users/me", json={"primary_email": new_email()}),
        ):
            assert (answer.status_code, answer.headers.get("x-stack-known-error")) == (400, None)
        ok(client.patch("/users/me", json={"display_name": "Ada"}))
        ok(client.patch("/users/me", json={"primary_email": last["value"]}))
        ok(client.patch("/users/me", json={"primary_email": user["email"]}))
        ok(client.delete(path_of(last)))
        ok(client.patch("/users/me", json={"primary_email": new_email()}))
    assert len(channels_of(project, user["user_id"])) == MOST
    add(project, user["user_id"], new_email())
