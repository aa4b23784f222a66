"""Whatever a provider says of somebody, what we take from it can be stored, shown and compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hexclave_server.core.constraints import is_lenient_email
from hexclave_server.oauth.person import person_of
from hexclave_server.providers.oauth.provider import Profile, ProviderFailed

texts = st.text(st.characters(), max_size=40) | st.sampled_from(
    ["", "\0", "\ud800", "a@b", " A@B.example ", "javascript:alert(1)", "x" * 5000]
)
profiles = st.builds(
    Profile,
    account_id=texts,
    email=st.none() | texts,
    email_verified=st.booleans(),
    display_name=st.none() | texts,
    profile_image_url=st.none() | texts,
    issuer=st.none() | st.just("https://issuer.example"),
)


@given(profiles)
def test_a_profile_is_a_person_or_nobody(profile: Profile) -> None:
    try:
        person = person_of(profile)
    except ProviderFailed:
        return
    assert person.account_id
    assert person.email is None or (is_lenient_email(person.email) and person.email == person.email.strip().lower())
    assert not (person.email_verified and person.email is None)
    assert person.profile_image_url is None or person.profile_image_url.lower().lstrip().startswith(("http:", "https:"))
    for text in (person.account_id, person.email, person.display_name, person.profile_image_url):
        assert text is None or ("\0" not in text and text.encode())


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:image/png;base64,AA", "file:///etc/passwd", "//x", "", "https://", "x\0"])
def test_a_picture_is_of_the_web_or_none(url: str) -> None:
    assert person_of(Profile(account_id="a", profile_image_url=url)).profile_image_url is None


def test_an_address_is_normalised_or_nobody_signs_in() -> None:
    assert person_of(Profile(account_id="a", email="Ada@Example.COM", email_verified=True)).email == "ada@example.com"
    assert person_of(Profile(account_id="a", email="", email_verified=True)).email_verified is False
    for malformed in ("ada", "a b@example.com", "ada@example.com\0", "ä@example.com", "x" * 1024 + "@example.com"):
        with pytest.raises(ProviderFailed):
            person_of(Profile(account_id="a", email=malformed))
