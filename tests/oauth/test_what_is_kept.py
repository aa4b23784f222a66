"""What lies in the database of a sign-in that is under way (B12), and that it does not lie there for ever."""

from __future__ import annotations

import pytest

from hexclave_server.core import clock
from hexclave_server.oauth import codes, flows
from tests.attacks.inside import opened
from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, person
from tests.oauth.test_cross_domain import ask, code_of
from tests.server import Project, RunningServer
from tests.stored import contents, rows

HOUR = 60 * 60 * 1000
DAY = 24 * HOUR


def test_neither_state_nor_code_nor_token_lies_open(shop: Project, idp: IdentityProvider, oauth_server: RunningServer) -> None:
    application = Application(shop)
    location = application.start(token=shop.sign_up()["access_token"])
    inner_state = application.cookies.jar.__iter__().__next__().name.removeprefix("stack-oauth-inner-")
    under_way = contents(oauth_server)
    answer = application.come_back(idp.consent(location, person()))
    code = answer.headers["location"].partition("code=")[2].partition("&")[0]
    verifier = idp.calls("/token")[-1].form["code_verifier"]
    other = Application(shop)
    user = shop.sign_up()
    handed_on = code_of(ask(shop, user, other))
    given = [
        *(form for grants in (idp._access, idp._refresh) for form in grants),
        inner_state,
        application.state,
        verifier,
        code,
        handed_on,
        user["refresh_token"],
        shop.publishable_client_key,
    ]
    text = "\n".join(row for kept in (under_way, contents(oauth_server)) for table in kept.values() for row in table)
    assert [secret for secret in given if secret in text] == []
    log = oauth_server.log()
    assert [secret for secret in given if secret in log] == []


@pytest.mark.anyio
async def test_flows_and_codes_go_some_time_after_they_are_over(oauth_server: RunningServer, shop: Project, idp: IdentityProvider) -> None:
    Application(shop).sign_in(idp, person())
    now = clock.now_millis()
    async with opened(oauth_server) as inside:
        await inside.database.write(flows.purge)
        await inside.database.write(codes.purge)
        assert rows(oauth_server, f"SELECT count(*) FROM oauth_flows WHERE expires_at > {now}")[0][0] >= 1
        assert rows(oauth_server, f"SELECT count(*) FROM oauth_codes WHERE expires_at > {now}")[0][0] >= 1
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(clock, "now_millis", lambda: now + DAY + HOUR)
            assert await inside.database.write(flows.purge) >= 1
            assert await inside.database.write(codes.purge) >= 1
    assert rows(oauth_server, "SELECT count(*) FROM oauth_flows")[0][0] == 0
    assert rows(oauth_server, "SELECT count(*) FROM oauth_codes")[0][0] == 0
