"""C6: whose account a sign-in is. The whole truth table, and what must hold in every row of it."""

from __future__ import annotations

import itertools

import pytest

from hexclave_server.oauth.resolution import Connection, EmailOwner, SignIn, decide_connection, decide_sign_in

STRATEGIES = ("link_method", "raise_error", "allow_duplicates")
OWNERS = (None, *(EmailOwner(is_verified=v, uses_provider=u) for v in (False, True) for u in (False, True)))
TABLE = list(itertools.product((False, True), (False, True), (False, True), OWNERS, STRATEGIES, (False, True)))
NEW = {SignIn.AS_NEW_USER, SignIn.AS_NEW_USER_WITH_SAME_EMAIL}


def decide(row: tuple[bool, bool, bool, EmailOwner | None, str, bool]) -> SignIn:
    known, has_email, verified, owner, strategy, sign_up = row
    return decide_sign_in(
        account_has_owner=known,
        has_email=has_email,
        email_is_verified=verified,
        email_owner=owner,
        strategy=strategy,  # type: ignore[arg-type]
        sign_up_is_enabled=sign_up,
    )


@pytest.mark.parametrize("row", TABLE)
def test_an_account_is_joined_to_a_user_only_if_both_sides_proved_the_address(
    row: tuple[bool, bool, bool, EmailOwner | None, str, bool],
) -> None:
    known, has_email, verified, owner, strategy, _ = row
    joined = decide(row) is SignIn.AS_OWNER_OF_EMAIL
    both_proved = has_email and verified and owner is not None and owner.is_verified
    assert joined == (not known and strategy == "link_method" and both_proved and owner is not None and not owner.uses_provider)


@pytest.mark.parametrize("row", TABLE)
def test_the_account_itself_always_comes_first(row: tuple[bool, bool, bool, EmailOwner | None, str, bool]) -> None:
    assert (decide(row) is SignIn.AS_OWNER_OF_ACCOUNT) == row[0]


@pytest.mark.parametrize("row", TABLE)
def test_nobody_is_new_where_sign_up_is_off(row: tuple[bool, bool, bool, EmailOwner | None, str, bool]) -> None:
    if not row[5]:
        assert decide(row) not in NEW


@pytest.mark.parametrize("row", TABLE)
def test_two_users_never_sign_in_with_one_address(row: tuple[bool, bool, bool, EmailOwner | None, str, bool]) -> None:
    _, has_email, _, owner, strategy, _ = row
    if decide(row) in NEW and has_email and owner is not None:
        assert (decide(row), strategy) == (SignIn.AS_NEW_USER_WITH_SAME_EMAIL, "allow_duplicates")


@pytest.mark.parametrize(
    ("strategy", "owner_verified", "verified", "expected"),
    [
        ("link_method", False, False, SignIn.REFUSED_UNTIL_OWNER_VERIFIES),
        ("link_method", False, True, SignIn.REFUSED_UNTIL_OWNER_VERIFIES),
        ("link_method", True, False, SignIn.REFUSED_EMAIL_IS_TAKEN),
        ("link_method", True, True, SignIn.AS_OWNER_OF_EMAIL),
        *(("raise_error", o, v, SignIn.REFUSED_EMAIL_IS_TAKEN) for o in (False, True) for v in (False, True)),
        *(("allow_duplicates", o, v, SignIn.AS_NEW_USER_WITH_SAME_EMAIL) for o in (False, True) for v in (False, True)),
    ],
)
def test_the_table_of_the_contract(strategy: str, owner_verified: bool, verified: bool, expected: SignIn) -> None:
    owner = EmailOwner(is_verified=owner_verified, uses_provider=False)
    assert decide((False, True, verified, owner, strategy, True)) is expected


@pytest.mark.parametrize("sign_up", [False, True])
def test_a_conflict_of_addresses_is_told_whether_sign_up_is_on_or_off(sign_up: bool) -> None:
    owner = EmailOwner(is_verified=True, uses_provider=False)
    assert decide((False, True, True, owner, "raise_error", sign_up)) is SignIn.REFUSED_EMAIL_IS_TAKEN
    assert decide((False, True, True, owner, "link_method", sign_up)) is SignIn.AS_OWNER_OF_EMAIL


def test_without_an_email_nobody_has_the_same() -> None:
    for owner, strategy in itertools.product(OWNERS, STRATEGIES):
        assert decide((False, False, False, owner, strategy, True)) is SignIn.AS_NEW_USER
        assert decide((False, False, False, owner, strategy, False)) is SignIn.REFUSED_NO_SIGN_UP


def test_a_user_connects_what_is_his_or_nobodys() -> None:
    assert decide_connection(owner_id=None, user_id="a") is Connection.ADDED
    assert decide_connection(owner_id="a", user_id="a") is Connection.KNOWN
    assert decide_connection(owner_id="b", user_id="a") is Connection.REFUSED
