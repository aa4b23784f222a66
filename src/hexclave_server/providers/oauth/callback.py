"""What the browser brings back from a provider (RFC 6749 §4.1.2, RFC 9207)."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hexclave_server.providers.oauth.failures import failure_of
from hexclave_server.providers.oauth.provider import CodeRefused

IsIssuer = Callable[[str], bool]
"""Whether a name is the issuer that was asked."""


def code_of(parameters: Mapping[str, str], is_issuer: IsIssuer, aliases: Mapping[str, str], *, issuer_required: bool = False) -> str:
    """The authorization code. Raises ProviderFailed: for an error of the provider, an answer of another one, or none at all.

    The issuer is looked at first, so that a provider answers neither with codes nor with errors in place of another (mix-up).
    """
    issuer = parameters.get("iss")
    if (issuer is None and issuer_required) or (issuer is not None and not is_issuer(issuer)):
        raise CodeRefused("the answer is of another issuer, or of none")
    error = parameters.get("error")
    if error is not None:
        raise failure_of(error, aliases)
    code = parameters.get("code")
    if not code:
        raise CodeRefused("neither a code nor an error")
    return code


def one_of(*issuers: str) -> IsIssuer:
    """An issuer with one of these names, exactly."""
    return frozenset(issuers).__contains__
