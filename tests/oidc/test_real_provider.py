"""Signing in with a real OpenID provider: the shared provider for tests, and a company's directory by generic OpenID Connect."""

from __future__ import annotations

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.oauth.dance import Application
from tests.oidc.provider import CLIENT_ID, OpenIdProvider, add_company, openid_provider
from tests.oidc.steps import refused, sign_in, told
from tests.server import Project, RunningServer, new_email

PROVIDERS = ("google", "company")
each_provider = pytest.mark.parametrize("provider", PROVIDERS)
CONFLICT = "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"


def user_with(project: Project, address: str, *, verified: bool) -> str:
    """The id of a user who signs in with the address."""
    user = project.create_user(primary_email=address, primary_email_verified=verified, primary_email_auth_enabled=True)
    return str(user["id"])


@each_provider
def test_somebody_signs_up_and_comes_again(shop: Project, directory: OpenIdProvider, provider: str) -> None:
    account = new_email()
    first = sign_in(shop, directory, account, provider)
    assert first["is_new_user"] is True
    assert first["user"]["primary_email"] == account
    assert first["user"]["primary_email_verified"] is True
    assert first["user"]["oauth_providers"] == [{"id": provider, "account_id": account, "email": account}]
    again = sign_in(shop, directory, account, provider)
    assert (again["is_new_user"], again["user"]["id"]) == (False, first["user"]["id"])


def test_a_directory_brings_names_and_says_what_is_verified(shop: Project, directory: OpenIdProvider) -> None:
    address = new_email()
    user = sign_in(shop, directory, f"id-of-{address}", "company", address=address, verified=False)["user"]
    assert (user["primary_email"], user["primary_email_verified"]) == (address, False)
    assert user["display_name"] == f"Name of id-of-{address}"


def test_what_goes_to_a_directory(shop: Project, directory: OpenIdProvider) -> None:
    query = {name: values[0] for name, values in parse_qs(urlsplit(Application(shop).start("company")).query).items()}
    assert (query["client_id"], query["response_type"]) == (CLIENT_ID, "code")
    assert query["code_challenge_method"] == "S256"
    assert query["redirect_uri"] == f"{shop.server.api_url}/auth/oauth/callback/company"
    assert len(query["nonce"]) == len(query["state"]) == 43


@each_provider
def test_an_account_is_linked_and_unlinked(shop: Project, directory: OpenIdProvider, provider: str) -> None:
    account, user = new_email(), shop.sign_up()
    linked = sign_in(shop, directory, account, provider, type="link", token=user["access_token"])
    assert (linked["is_new_user"], linked["user"]["id"]) == (False, user["user_id"])
    assert sign_in(shop, directory, account, provider)["user"]["id"] == user["user_id"]
    with shop.http("server") as client:
        [link] = client.get("/oauth-providers", params={"user_id": user["user_id"]}).json()["items"]
        assert client.delete(f"/oauth-providers/{user['user_id']}/{link['id']}").status_code == 200
    again = sign_in(shop, directory, account, provider)
    assert again["is_new_user"] is True
    assert again["user"]["id"] != user["user_id"]


def test_nobody_links_the_account_of_another(shop: Project, directory: OpenIdProvider) -> None:
    account, other = new_email(), shop.sign_up()
    sign_in(shop, directory, account, "company")
    answer = refused(shop, directory, account, "company", type="link", token=other["access_token"])
    assert answer["errorCode"] == "OAUTH_CONNECTION_ALREADY_CONNECTED_TO_ANOTHER_USER"


@pytest.mark.parametrize(
    ("strategy", "owner_verified", "verified", "outcome"),
    [
        ("link_method", True, True, "joined"),
        ("link_method", True, False, "refused"),
        ("link_method", False, True, "refused until verified"),
        ("raise_error", True, True, "refused"),
        ("allow_duplicates", True, True, "new"),
    ],
)
def test_a_conflict_of_addresses(
    own_shop: Project, directory: OpenIdProvider, strategy: str, owner_verified: bool, verified: bool, outcome: str
) -> None:
    own_shop.configure(oauth_account_merge_strategy=strategy)
    address = new_email()
    owner = user_with(own_shop, address, verified=owner_verified)
    person = {"address": address, "verified": verified}
    account = f"id-of-{address}"
    if outcome.startswith("refused"):
        answer = refused(own_shop, directory, account, "company", **person)
        assert answer["errorCode"] == CONFLICT
        assert json.loads(answer["details"])["would_work_if_email_was_verified"] is (outcome == "refused until verified")
        return
    tokens = sign_in(own_shop, directory, account, "company", **person)
    assert (tokens["user"]["id"] == owner) is (outcome == "joined")
    assert tokens["is_new_user"] is (outcome == "new")
    assert tokens["user"]["primary_email_auth_enabled"] is (outcome == "joined")


@each_provider
def test_consent_that_is_denied_is_told_without_the_providers_words(shop: Project, directory: OpenIdProvider, provider: str) -> None:
    application = Application(shop)
    answer = application.come_back(directory.refuse(application.start(provider)))
    assert told(answer)["errorCode"] == "OAUTH_PROVIDER_ACCESS_DENIED"
    assert "secret+words" not in answer.headers["location"]
    assert "secret%20words" not in answer.headers["location"]


def test_a_code_is_good_once_at_the_provider_and_here(shop: Project, directory: OpenIdProvider) -> None:
    application = Application(shop)
    back = directory.agree(application.start("company"), new_email())
    cookies = application.cookies
    assert application.come_back(back).status_code == 303
    application.cookies = cookies
    assert application.come_back(back).status_code == 400


def access_token(project: Project, user_id: str, provider: str = "company") -> tuple[int, str]:
    """Status, and the access token or the code of the error."""
    with project.http("server") as client:
        answer = client.post(f"/connected-accounts/{user_id}/{provider}/access-token", json={})
    return answer.status_code, answer.json().get("access_token") or answer.headers["x-stack-known-error"]


def test_a_token_of_the_provider_is_handed_out_while_the_provider_takes_it(shop: Project, directory: OpenIdProvider) -> None:
    account = new_email()
    user_id = sign_in(shop, directory, account, "company")["user"]["id"]
    given = directory.given(account)
    assert access_token(shop, user_id) == (201, given["access_token"])
    directory.end_access(account)
    status, fresh = access_token(shop, user_id)
    assert status == 201
    assert fresh == directory.given(account)["access_token"] != given["access_token"]


def test_a_revoked_refresh_token_asks_for_a_new_connection(shop: Project, directory: OpenIdProvider) -> None:
    account = new_email()
    user_id = sign_in(shop, directory, account, "company")["user"]["id"]
    directory.revoke(directory.given(account)["refresh_token"])
    assert access_token(shop, user_id) == (400, "OAUTH_CONNECTION_DOES_NOT_HAVE_REQUIRED_SCOPE")
    sign_in(shop, directory, account, "company")
    assert access_token(shop, user_id) == (201, directory.given(account)["access_token"])


def test_tokens_that_shared_keys_got_stay_here(shop: Project, directory: OpenIdProvider) -> None:
    user_id = sign_in(shop, directory, new_email(), "google")["user"]["id"]
    assert access_token(shop, user_id, "google") == (400, "OAUTH_ACCESS_TOKEN_NOT_AVAILABLE_WITH_SHARED_OAUTH_KEYS")


def test_a_provider_that_is_down_is_told_and_costs_no_connection(running: tuple[RunningServer, OpenIdProvider], own_shop: Project) -> None:
    server, _ = running
    with openid_provider(server) as other:
        add_company(own_shop, other.issuer)
        user_id = sign_in(own_shop, other, new_email(), "company")["user"]["id"]
        application = Application(own_shop)
        back = other.agree(application.start("company"), new_email())
        other.stop()
    answer = told(application.come_back(back))
    assert answer["errorCode"] == "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE"
    assert access_token(own_shop, user_id) == (503, "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE")


def test_a_directory_that_was_never_there_is_told_at_once(running: tuple[RunningServer, OpenIdProvider], own_shop: Project) -> None:
    add_company(own_shop, "http://127.0.0.1:9")
    answer = Application(own_shop).authorize("company")
    assert (answer.status_code, answer.headers["x-stack-known-error"]) == (503, "OAUTH_PROVIDER_TEMPORARILY_UNAVAILABLE")


def test_a_subject_of_another_issuer_is_somebody_else(running: tuple[RunningServer, OpenIdProvider], own_shop: Project) -> None:
    """C8: when a project moves to another directory, whoever has the same subject there is not the user of old."""
    server, directory = running
    first = sign_in(own_shop, directory, "subject-1", "company", address=new_email())
    with openid_provider(server) as other:
        add_company(own_shop, other.issuer)
        second = sign_in(own_shop, other, "subject-1", "company", address=new_email())
    assert second["user"]["id"] != first["user"]["id"]
    assert access_token(own_shop, first["user"]["id"]) == (400, "OAUTH_CONNECTION_NOT_CONNECTED_TO_USER")
