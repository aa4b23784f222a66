"""C6: nobody gets another person's account by an address. Every provider, every strategy, whoever verified what.

What a vendor's word on an address is worth is written down here once more, apart from the code: the four that let anybody enter an address, or
do not say, are worth nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, Literal

import pytest

from hexclave_server.oauth.person import person_of
from hexclave_server.oauth.resolution import EmailOwner, SignIn, decide_sign_in
from hexclave_server.providers.oauth import (
    apple,
    bitbucket,
    discord,
    facebook,
    github,
    gitlab,
    google,
    linkedin,
    microsoft,
    mock,
    oidc,
    spotify,
    twitch,
    x,
)
from hexclave_server.providers.oauth.provider import Profile
from hexclave_server.providers.oauth.registry import KNOWN_TYPES
from tests.doubles.idp import IdentityProvider
from tests.mfa.calls import set_totp
from tests.oauth.dance import Application, me, new_project, person, refused
from tests.server import Project, RunningServer, new_email
from tests.sessions.tokens import known_error

VICTIM = "victim@example.com"
Word = Literal["theirs", "never", "always", "no address"]
Strategy = Literal["link_method", "raise_error", "allow_duplicates"]
STRATEGIES: tuple[Strategy, ...] = ("link_method", "raise_error", "allow_duplicates")
ISSUER = "https://id.example.com"

# Whose word counts, and somebody's profile who says that the victim's address is his, verified or not.
VENDORS: dict[str, tuple[Word, Callable[[bool], Profile]]] = {
    "google": ("theirs", lambda v: google.parse({"sub": "1", "email": VICTIM, "email_verified": v})),
    "github": ("theirs", lambda v: github.parse({"id": 1}, [{"email": VICTIM, "primary": True, "verified": v}])),
    "microsoft": ("never", lambda v: microsoft.parse({"id": "1", "mail": VICTIM, "email_verified": v, "verified": v})),
    "spotify": ("never", lambda v: spotify.parse({"id": "1", "email": VICTIM, "email_verified": v, "verified": v})),
    "facebook": ("never", lambda v: facebook.parse({"id": "1", "email": VICTIM, "verified": v, "email_verified": v}, {})),
    "discord": ("theirs", lambda v: discord.parse({"id": "1", "username": "a", "email": VICTIM, "verified": v})),
    "gitlab": (
        "theirs",
        lambda v: gitlab.parse({"id": 1, "email": VICTIM}, [{"email": VICTIM, "confirmed_at": "2021-03-26T19:07:56Z" if v else None}]),
    ),
    "bitbucket": ("theirs", lambda v: bitbucket.parse({"account_id": "1"}, {"values": [{"email": VICTIM, "is_confirmed": v}]})),
    "linkedin": ("theirs", lambda v: linkedin.parse({"sub": "1", "email": VICTIM, "email_verified": v})),
    "apple": ("theirs", lambda v: apple.parse({"sub": "1", "email": VICTIM, "email_verified": v})),
    "x": ("no address", lambda v: x.parse({"data": {"id": "1", "username": "a", "email": VICTIM, "verified": v}})),
    "twitch": ("always", lambda v: twitch.parse({"data": [{"id": "1", "email": VICTIM, "verified": v}]})),
    "oidc": ("theirs", lambda v: oidc.parse({"sub": "1", "email": VICTIM, "email_verified": v}, {}, ISSUER)),
    "mock": ("always", lambda _: mock.parse({"sub": VICTIM})),
}
OWNERS = (None, *(EmailOwner(is_verified=v, uses_provider=u) for v in (False, True) for u in (False, True)))
TABLE = list(itertools.product(VENDORS, (False, True), OWNERS, STRATEGIES, (False, True)))


def is_proved(word: Word, claimed: bool) -> bool:
    return word == "always" or (word == "theirs" and claimed)


def expected(word: Word, claimed: bool, owner: EmailOwner | None, strategy: Strategy, sign_up: bool) -> SignIn:
    """What becomes of somebody whose account nobody has, in the words of contract 03 §4."""
    if word == "no address" or owner is None:
        return SignIn.AS_NEW_USER if sign_up else SignIn.REFUSED_NO_SIGN_UP
    if strategy == "allow_duplicates":
        return SignIn.AS_NEW_USER_WITH_SAME_EMAIL if sign_up else SignIn.REFUSED_NO_SIGN_UP
    if strategy == "link_method" and not owner.is_verified:
        return SignIn.REFUSED_UNTIL_OWNER_VERIFIES
    if strategy == "link_method" and is_proved(word, claimed) and not owner.uses_provider:
        return SignIn.AS_OWNER_OF_EMAIL
    return SignIn.REFUSED_EMAIL_IS_TAKEN


def test_every_provider_is_in_the_table() -> None:
    assert set(KNOWN_TYPES) | {"mock"} == set(VENDORS)


@pytest.mark.parametrize(("vendor", "claimed", "owner", "strategy", "sign_up"), TABLE)
def test_whose_account_it_is(vendor: str, claimed: bool, owner: EmailOwner | None, strategy: Strategy, sign_up: bool) -> None:
    word, profile = VENDORS[vendor]
    somebody = person_of(profile(claimed))
    assert (somebody.email is None) is (word == "no address")
    decision = decide_sign_in(
        account_has_owner=False,
        has_email=somebody.email is not None,
        email_is_verified=somebody.email_verified,
        email_owner=owner if somebody.email is not None else None,
        strategy=strategy,
        sign_up_is_enabled=sign_up,
    )
    assert decision is expected(word, claimed, owner, strategy, sign_up)


@pytest.mark.parametrize("odd", ["true", "false", "yes", "1", 1, 0, 2, None, [], [True], {"a": 1}, "verified"])
@pytest.mark.parametrize("vendor", [name for name, (word, _) in VENDORS.items() if word == "theirs" and name != "gitlab"])
def test_only_a_plain_yes_counts(vendor: str, odd: Any) -> None:
    """Some say it in a word, `"true"`; all else that is not `true` proves nothing."""
    profile = VENDORS[vendor][1](odd)
    assert profile.email_verified is (odd == "true")


# --- over HTTP, with sessions and second factors ---


@pytest.fixture(scope="module")
def shops(oauth_server: RunningServer) -> dict[Strategy, Project]:
    return {strategy: new_project(oauth_server, oauth_account_merge_strategy=strategy) for strategy in STRATEGIES}


ROWS = list(itertools.product(STRATEGIES, (False, True), (False, True), (False, True)))


@pytest.mark.parametrize(("strategy", "owner_verified", "claimed", "second_factor"), ROWS)
def test_the_owner_of_an_address_stays_who_he_is(
    shops: dict[Strategy, Project], idp: IdentityProvider, strategy: Strategy, owner_verified: bool, claimed: bool, second_factor: bool
) -> None:
    shop, address = shops[strategy], new_email()
    owner = shop.create_user(primary_email=address, primary_email_verified=owner_verified, primary_email_auth_enabled=True)
    if second_factor:
        set_totp(shop, owner["id"])
    profile = person(address, verified=claimed)
    joins = strategy == "link_method" and owner_verified and claimed
    if strategy == "allow_duplicates":
        application = Application(shop)
        tokens = application.sign_in(idp, profile)
        assert me(shop, tokens["access_token"])["id"] != owner["id"]
    elif not joins:
        assert refused(shop, idp, profile)["errorCode"] == "CONTACT_CHANNEL_ALREADY_USED_FOR_AUTH_BY_SOMEONE_ELSE"
    elif second_factor:
        application = Application(shop)
        assert known_error(application.exchange(application.code_for(idp, profile))) == "MULTI_FACTOR_AUTHENTICATION_REQUIRED"
    else:
        assert me(shop, Application(shop).sign_in(idp, profile)["access_token"])["id"] == owner["id"]
    with shop.http("server") as client:
        seen = client.get(f"/users/{owner['id']}").json()
        sessions = client.get("/auth/sessions", params={"user_id": owner["id"]}).json()["items"]
    assert (seen["oauth_providers"] != []) is joins
    assert (len(sessions) > 0) is (joins and not second_factor)
    assert (seen["primary_email"], seen["primary_email_verified"]) == (address, owner_verified)
