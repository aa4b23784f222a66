"""C2: every parameter that a browser is sent on by, or that becomes a link in a mail, leads only to where the project wants it.

Generated from `routes.API`: a new parameter that is called like a URL fails here until it is tried, or is said to be no target.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from hexclave_server import routes
from hexclave_server.core.context import Access
from hexclave_server.core.endpoint import ByAccess
from hexclave_server.core.schema import shape_of
from tests.attacks.redirect_corpus import ELSEWHERE, TRUSTED
from tests.attacks.test_mass_assignment import named, shapes_with
from tests.doubles.idp import IdentityProvider
from tests.oauth.dance import Application, new_project, person
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import known_error

LIKE_A_TARGET = re.compile(r"ur[il]$|ur[il]_|redirect|callback|location|return_to|^next$|^continue$")
AUTHORIZE, HAND_ON = "GET /auth/oauth/authorize/{provider_id}", "POST /auth/oauth/cross-domain/authorize"
IN_DANCES = {  # tried in test_redirect_targets
    *((AUTHORIZE, name) for name in ("redirect_uri", "error_redirect_uri", "error_redirect_url", "after_callback_redirect_url")),
    *((HAND_ON, name) for name in ("redirect_uri", "after_callback_redirect_url")),
    ("POST /auth/oauth/token", "redirect_uri"),  # compared, never followed
}
IN_MAILS = {
    ("POST /auth/password/sign-up", "verification_callback_url"),
    ("POST /auth/password/send-reset-code", "callback_url"),
    ("POST /auth/otp/send-sign-in-code", "callback_url"),
    ("POST /contact-channels/send-verification-code", "callback_url"),
    ("POST /contact-channels/{user_id}/{contact_channel_id}/send-verification-code", "callback_url"),
}
PICTURES = {"profile_image_url", "logo_url", "logo_full_url", "logo_dark_mode_url", "logo_full_dark_mode_url"}


def parameters() -> set[tuple[str, str]]:
    found = set()
    for endpoint in routes.API:
        for part in (endpoint.body, endpoint.query):
            for struct in [part.client, part.server, part.admin or part.server] if isinstance(part, ByAccess) else [part]:
                if struct is not None:
                    found |= {(named(endpoint), name) for shape in shapes_with(shape_of(struct)) for name in shape.fields}
    return found


def test_every_parameter_that_is_called_like_a_target_is_known() -> None:
    like = {(endpoint, name) for endpoint, name in parameters() if LIKE_A_TARGET.search(name) and name not in PICTURES}
    assert like == IN_DANCES | IN_MAILS


@pytest.fixture(scope="module")
def guarded(oauth_server: RunningServer) -> Project:
    """A project that trusts `TRUSTED`, and no localhost."""
    domains = [{"domain": domain, "handler_path": "/handler"} for domain in TRUSTED]
    return new_project(oauth_server, allow_localhost=False, domains=domains)


@pytest.mark.parametrize(("endpoint", "name"), sorted(IN_MAILS))
def test_no_mail_leads_elsewhere(guarded: Project, endpoint: str, name: str) -> None:
    user = guarded.sign_up()
    with guarded.http("server") as server:
        channel = server.get("/contact-channels", params={"user_id": user["user_id"]}).json()["items"][0]
    path = endpoint.removeprefix("POST ").format(user_id=user["user_id"], contact_channel_id=channel["id"])
    body: dict[str, Any] = {"email": user["email"], "password": "correct horse battery"}
    wanted = shape_of(next(each for each in routes.API if named(each) == endpoint).body_shape(Access.CLIENT)).fields
    body = {field: value for field, value in body.items() if field in wanted}
    with guarded.http("client", user["access_token"]) as client:
        # Codes are throttled by network before the target is looked at.
        for url in ("stack-auth-mobile-oauth-url://success", *(ELSEWHERE[::4] if "otp" in path else ELSEWHERE)):
            if "sign-" in path:  # there each try is of somebody new: of one address it is a conflict, or too many
                body["email"] = new_email()
            answer = client.post(path, json={**body, name: url})
            assert answer.status_code == 400, (url, answer.text)
            assert known_error(answer) in {"REDIRECT_URL_NOT_WHITELISTED", "SCHEMA_ERROR"}, url


@pytest.mark.parametrize(
    "state", ["a&code=planted", "a#code=planted", "%0d%0aset-cookie:a=b", "x y", "?redirect=//evil.example", "'\"<script>"]
)
def test_the_state_stays_one_parameter(guarded: Project, idp: IdentityProvider, state: str) -> None:
    application = Application(guarded, redirect_uri="https://app.example.com/callback")
    answer = application.come_back(idp.consent(application.start(state=state), person()))
    location = urlsplit(answer.headers["location"])
    assert (answer.status_code, location.netloc, location.fragment) == (303, "app.example.com", "")
    found = parse_qs(location.query)
    assert (set(found), found["state"]) == ({"code", "state"}, [state])


@pytest.mark.parametrize("state", ["a\r\nset-cookie: a=b", "a\nb", "\u2028", "\x00", "é"])
def test_no_state_splits_the_answer(guarded: Project, idp: IdentityProvider, state: str) -> None:
    application = Application(guarded, redirect_uri="https://app.example.com/callback")
    answer = application.authorize(state=state)
    if answer.status_code == 307:
        answer = application.come_back(idp.consent(answer.headers["location"], person()))
    assert answer.status_code == 400
    assert "location" not in answer.headers


def test_what_a_provider_sends_along_is_not_followed(guarded: Project, idp: IdentityProvider) -> None:
    """Neither a redirect URI nor a state of the application's in the way back is believed."""
    application = Application(guarded, redirect_uri="https://app.example.com/callback")
    back = idp.consent(application.start(), person())
    extra = (
        "&redirect_uri=https://evil.example&redirect_url=https://evil.example&next=//evil.example&error_redirect_uri=https://evil.example"
    )
    answer = application.come_back(back + extra)
    assert answer.headers["location"].startswith("https://app.example.com/callback?code=")
    assert "evil" not in answer.headers["location"]
