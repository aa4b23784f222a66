"""What each vendor says of a person, in the shape it says it, and what becomes of it: contract 03 §8, row by row."""

from __future__ import annotations

from typing import Any

import pytest

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
from hexclave_server.providers.oauth.provider import CodeRefused, Profile, ProviderFailed

GOOGLE = {
    "sub": "110169484474386276334",
    "name": "Ada Lovelace",
    "given_name": "Ada",
    "picture": "https://lh3.googleusercontent.com/a/x=s96-c",
    "email": "ada@example.com",
    "email_verified": True,
    "hd": "example.com",
}
GITHUB = {"login": "ada", "id": 583231, "avatar_url": "https://avatars.githubusercontent.com/u/583231?v=4", "name": "Ada", "email": None}
GITHUB_EMAILS = [
    {"email": "583231+ada@users.noreply.github.com", "primary": False, "verified": True, "visibility": None},
    {"email": "ada@example.com", "primary": True, "verified": True, "visibility": "private"},
]
MICROSOFT = {
    "@odata.context": "https://graph.microsoft.com/v1.0/$metadata#users/$entity",
    "id": "48d31887-5fad-4d73-a9f5-3c356e68a038",
    "displayName": "Ada",
    "mail": "ada@example.com",
    "userPrincipalName": "ada@contoso.onmicrosoft.com",
}
SPOTIFY = {
    "id": "ada1815",
    "display_name": "Ada",
    "email": "ada@example.com",
    "images": [{"url": "https://i.scdn.co/image/ab", "height": 300}],
}
FACEBOOK = {"id": "10159", "name": "Ada", "email": "ada@example.com"}
FACEBOOK_PICTURES = {
    "picture": {"data": {"height": 50, "is_silhouette": False, "url": "https://platform-lookaside.fbsbx.com/p"}},
    "id": "10159",
}
DISCORD = {
    "id": "80351110224678912",
    "username": "nelly",
    "global_name": "Nelly",
    "avatar": "8342729096ea3675442027381ff50dfe",
    "verified": True,
    "email": "nelly@example.com",
}
GITLAB = {"id": 1, "username": "ada", "name": "Ada", "email": "ada@example.com", "avatar_url": "https://gitlab.com/uploads/a.png"}
GITLAB_EMAILS = [{"id": 1, "email": "ada@example.com", "confirmed_at": "2021-03-26T19:07:56.248Z"}, {"id": 3, "email": "b@example.com"}]
BITBUCKET = {"account_id": "557058:c0", "display_name": "Ada", "links": {"avatar": {"href": "https://secure.gravatar.com/avatar/a"}}}
BITBUCKET_EMAILS = {"values": [{"email": "ada@example.com", "is_primary": True, "is_confirmed": True}], "size": 1}
LINKEDIN = {"sub": "782bbtaQ", "name": "Ada", "picture": "https://media.licdn.com/a", "email": "ada@example.com", "email_verified": True}
APPLE = {"sub": "001999.b3f.1", "email": "x@privaterelay.appleid.com", "email_verified": "true", "is_private_email": "true"}
X = {"data": {"id": "2244994945", "name": "Ada", "username": "ada", "profile_image_url": "https://pbs.twimg.com/a_normal.jpg"}}
TWITCH = {
    "data": [
        {
            "id": "141981764",
            "login": "ada",
            "display_name": "Ada",
            "profile_image_url": "https://static-cdn.jtvnw.net/a.png",
            "email": "ada@example.com",
        }
    ]
}


def _profile(account_id: str, email: str | None, picture: str | None, *, verified: bool = False, name: str | None = "Ada") -> Profile:
    return Profile(account_id=account_id, email=email, email_verified=verified, display_name=name, profile_image_url=picture)


ADA = "ada@example.com"
PARSED = [
    (google.parse(GOOGLE), _profile(GOOGLE["sub"], ADA, GOOGLE["picture"], verified=True, name="Ada Lovelace")),
    (github.parse(GITHUB, GITHUB_EMAILS), _profile("583231", ADA, GITHUB["avatar_url"], verified=True)),
    (microsoft.parse(MICROSOFT), _profile(MICROSOFT["id"], ADA, None)),
    (spotify.parse(SPOTIFY), _profile("ada1815", ADA, "https://i.scdn.co/image/ab")),
    (facebook.parse(FACEBOOK, FACEBOOK_PICTURES), _profile("10159", ADA, "https://platform-lookaside.fbsbx.com/p")),
    (
        discord.parse(DISCORD),
        _profile(
            "80351110224678912",
            "nelly@example.com",
            "https://cdn.discordapp.com/avatars/80351110224678912/8342729096ea3675442027381ff50dfe.png",
            verified=True,
            name="Nelly",
        ),
    ),
    (gitlab.parse(GITLAB, GITLAB_EMAILS), _profile("1", ADA, "https://gitlab.com/uploads/a.png", verified=True)),
    (bitbucket.parse(BITBUCKET, BITBUCKET_EMAILS), _profile("557058:c0", ADA, "https://secure.gravatar.com/avatar/a", verified=True)),
    (linkedin.parse(LINKEDIN), _profile("782bbtaQ", ADA, "https://media.licdn.com/a", verified=True)),
    (apple.parse(APPLE), _profile("001999.b3f.1", "x@privaterelay.appleid.com", None, verified=True, name=None)),
    (x.parse(X), _profile("2244994945", None, "https://pbs.twimg.com/a_normal.jpg")),
    (twitch.parse(TWITCH), _profile("141981764", ADA, "https://static-cdn.jtvnw.net/a.png", verified=True)),
    (mock.parse({"sub": ADA}), _profile(ADA, ADA, None, verified=True, name=None)),
]


@pytest.mark.parametrize(("found", "expected"), PARSED)
def test_each_vendor_is_understood(found: Profile, expected: Profile) -> None:
    assert found == expected


@pytest.mark.parametrize(
    "profile",
    [
        google.parse(GOOGLE | {"email": None, "email_verified": None}),
        github.parse(GITHUB, []),
        github.parse(GITHUB, [{**GITHUB_EMAILS[1], "primary": False}]),
        microsoft.parse({"id": "1", "mail": None, "userPrincipalName": None}),
        spotify.parse({"id": "1"}),
        discord.parse({"id": "1", "email": None, "verified": True}),
        gitlab.parse({"id": 1, "email": ""}, [{"email": "", "confirmed_at": "2021"}]),
        bitbucket.parse(BITBUCKET, {"values": []}),
        linkedin.parse({"sub": "1"}),
        apple.parse({"sub": "1"}),
        twitch.parse({"data": [{"id": "1"}]}),
    ],
)
def test_somebody_without_an_address_has_none(profile: Profile) -> None:
    assert profile.email is None


@pytest.mark.parametrize(
    "profile",
    [
        google.parse(GOOGLE | {"email_verified": False}),
        google.parse(GOOGLE | {"email_verified": "false"}),
        google.parse(GOOGLE | {"email_verified": 1}),
        github.parse(GITHUB, [{**GITHUB_EMAILS[1], "verified": False}]),
        microsoft.parse(MICROSOFT | {"email_verified": True}),
        spotify.parse(SPOTIFY | {"email_verified": True}),
        facebook.parse(FACEBOOK | {"verified": True, "email_verified": True}, None),
        discord.parse(DISCORD | {"verified": None}),
        gitlab.parse(
            GITLAB, [{"email": ADA, "confirmed_at": None}, {"email": "b@example.com", "confirmed_at": "2021-03-26T19:07:56.248Z"}]
        ),
        gitlab.parse(GITLAB, {"error": "insufficient_scope"}),
        bitbucket.parse(BITBUCKET, {"values": [{"email": ADA, "is_confirmed": False}, {"email": ADA, "is_confirmed": True}]}),
        linkedin.parse({"sub": "1", "email": ADA}),
        apple.parse(APPLE | {"email_verified": "false"}),
        oidc.parse({"sub": "1", "email": ADA}, {}, "https://i.example"),
    ],
)
def test_an_address_counts_as_verified_only_where_the_vendor_says_so(profile: Profile) -> None:
    assert profile.email is not None
    assert profile.email_verified is False


def test_names_and_addresses_have_seconds() -> None:
    assert microsoft.parse(MICROSOFT | {"mail": None}).email == "ada@contoso.onmicrosoft.com"
    assert microsoft.parse(MICROSOFT | {"mail": ""}).email == "ada@contoso.onmicrosoft.com"
    assert discord.parse(DISCORD | {"global_name": None}).display_name == "nelly"
    assert x.parse({"data": {"id": "1", "name": "", "username": "ada"}}).display_name == "ada"


def test_avatars_of_discord_move_or_do_not() -> None:
    assert str(discord.parse(DISCORD | {"avatar": "a_1"}).profile_image_url).endswith("/a_1.gif")
    assert discord.parse(DISCORD | {"avatar": None}).profile_image_url is None
    assert str(discord.parse(DISCORD | {"avatar": "../../x?y#"}).profile_image_url).endswith("/..%2F..%2Fx%3Fy%23.png")


def test_facebook_without_an_address_is_refused() -> None:
    with pytest.raises(CodeRefused):
        facebook.parse({"id": "10159", "name": "Ada"}, None)


@pytest.mark.parametrize("account_id", [None, "", "  ", True, 1.5, -1, [], {}, "a\x00b", "a\nb", "x" * 513, 10**30])
def test_nobody_without_an_id_signs_in(account_id: Any) -> None:
    with pytest.raises(ProviderFailed):
        google.parse(GOOGLE | {"sub": account_id})


@pytest.mark.parametrize(
    "email", ["no address", "a@b@c", 7, ["ada@example.com"], {"a": 1}, "x" * 1100 + "@example.com", "ada@example.com\x00"]
)
def test_what_is_no_address_is_refused(email: Any) -> None:
    with pytest.raises(ProviderFailed):
        google.parse(GOOGLE | {"email": email})


@pytest.mark.parametrize(
    "picture", ["javascript:alert(1)", "data:image/png;base64,x", "//x.example/a", "", 7, None, "https://", "https://a b/c"]
)
def test_what_no_page_can_show_is_no_picture(picture: Any) -> None:
    assert google.parse(GOOGLE | {"picture": picture}).profile_image_url is None


def test_a_name_that_cannot_be_kept_is_made_so() -> None:
    assert google.parse(GOOGLE | {"name": "A\x00da" + "x" * 500}).display_name == "Ada" + "x" * 253
    assert google.parse(GOOGLE | {"name": 7}).display_name is None


ISSUER = "https://login.example.com"


def test_an_account_of_any_issuer_is_its_subject_within_the_issuer() -> None:
    claims = {"sub": "1", "email": ADA, "email_verified": True, "name": "Ada", "picture": "https://x.example/a.png"}
    assert oidc.parse(claims, {}, ISSUER) == Profile(
        account_id="1", email=ADA, email_verified=True, display_name="Ada", profile_image_url="https://x.example/a.png", issuer=ISSUER
    )


def test_an_address_and_its_verification_come_from_one_place() -> None:
    userinfo = {"sub": "1", "email": "other@example.com", "email_verified": True}
    profile = oidc.parse({"sub": "1", "email": ADA, "email_verified": False}, userinfo, ISSUER)
    assert (profile.email, profile.email_verified) == (ADA, False)
    profile = oidc.parse({"sub": "1", "email_verified": True}, userinfo | {"email_verified": False}, ISSUER)
    assert (profile.email, profile.email_verified) == ("other@example.com", False)


@pytest.mark.parametrize("userinfo", [{"sub": "2", "email": ADA}, {"email": ADA}, {"sub": 1}])
def test_user_info_of_another_person_is_refused(userinfo: Any) -> None:
    with pytest.raises(ProviderFailed):
        oidc.parse({"sub": "1"}, userinfo, ISSUER)
