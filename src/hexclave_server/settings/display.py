"""The effective settings for people and programs, with every secret masked (`hexclave serve --print-config`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from hexclave_server.core.client_address import TrustedProxies
from hexclave_server.settings.model import Settings
from hexclave_server.settings.variables import OAUTH_PARTS, OAUTH_VARIABLES, VARIABLES

MASK = "***"


def effective(settings: Settings) -> dict[str, str | int | float | bool | list[str] | None]:
    """Each variable's name and value in force; None for what is not set. OAuth variables appear only when set."""
    shown = {variable.name: _shown(variable.field, getattr(settings, variable.field), secret=variable.secret) for variable in VARIABLES}
    for variable in OAUTH_VARIABLES:
        part = next(part for part in OAUTH_PARTS if variable.field.endswith(part))
        provider = settings.oauth.get(variable.field.removeprefix("oauth_").removesuffix("_" + part))
        value = getattr(provider, part) if provider is not None else None
        if value is not None:
            shown[variable.name] = _shown(variable.field, value, secret=variable.secret)
    return shown


def _shown(field: str, value: Any, *, secret: bool) -> Any:
    if value is None:
        return None
    if field in ("database_url", "redis_url"):
        return _without_password(value)
    if secret:
        return MASK
    if field == "rate_limits":
        return {0.0: "off", 1.0: "on"}.get(value, f"{value:g}x")
    if field == "access_token_ttl_seconds":
        return f"{value}s"
    if isinstance(value, TrustedProxies):
        return _proxies(value)
    if isinstance(value, Path):
        return str(value)
    return [str(item) for item in value] if isinstance(value, tuple) else value


def _proxies(value: TrustedProxies) -> str | None:
    if value.hops:
        return str(value.hops)
    return ",".join([*([value.preset.value] if value.preset else []), *map(str, value.networks)]) or None


def _without_password(url: str) -> str:
    """The URL without what may be secret in it: the password, wherever it stands."""
    parts = urlsplit(url)
    netloc = parts.netloc
    if "@" in netloc:
        user, _, host = netloc.rpartition("@")
        netloc = user.split(":", 1)[0] + (f":{MASK}" if ":" in user else "") + "@" + host
    query = "&".join(f"password={MASK}" if item.startswith("password=") else item for item in parts.query.split("&"))
    if parts.scheme == "sqlite":
        return url
    return urlunsplit((parts.scheme, netloc, parts.path, query, parts.fragment))
