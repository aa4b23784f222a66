"""The settings as the server sees them: one frozen struct with every default filled in."""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from hexclave_server.core.client_address import TrustedProxies
from hexclave_server.settings.errors import SettingsError
from hexclave_server.settings.sources import from_environment, from_file
from hexclave_server.settings.variables import BY_FILE_KEY, OAUTH_PARTS, PROVIDERS, VARIABLES, Variable

SQLITE_FILE = "hexclave.db"
DATA_DIR = "hexclave-data"
FUTURE_PREFIXES = ("bot_challenge_",)
FUTURE_KEYS = ("cron_secret", "redis_url")
_SMTP_PORTS = {"none": 25, "starttls": 587, "tls": 465}


class OAuthProviderSettings(msgspec.Struct, frozen=True):
    """The shared keys and endpoints of one OAuth provider; a URL of None is the vendor's."""

    client_id: str | None = None
    client_secret: str | None = None
    authorize_url: str | None = None
    token_url: str | None = None
    userinfo_url: str | None = None
    issuer: str | None = None
    jwks_url: str | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set, valid and complete. Durations are seconds; `rate_limits` is a factor, 0 for off."""

    public_url: str
    dashboard_url: str
    host: str
    port: int
    workers: int
    data_dir: Path
    database_url: str
    database_pool: int
    master_secret: bytes | None
    access_token_ttl_seconds: int
    trusted_proxies: TrustedProxies
    geoip_database: Path | None
    smtp_host: str | None
    smtp_port: int
    smtp_username: str | None
    smtp_password: str | None
    smtp_security: str
    smtp_sender: str | None
    email_capacity_per_hour: int
    seed_internal_publishable_client_key: str | None
    seed_internal_secret_server_key: str | None
    seed_internal_super_secret_admin_key: str | None
    seed_internal_sign_up_enabled: bool | None
    seed_internal_otp_enabled: bool | None
    seed_internal_allow_localhost: bool | None
    seed_internal_display_name: str | None
    seed_internal_oauth_providers: tuple[str, ...] | None
    seed_admin_email: str | None
    seed_admin_password: str | None
    security_notices: bool
    oauth_mock_url: str | None
    allow_shared_oauth_access_tokens: bool
    outgoing_allow: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]
    cron_secret: str | None
    redis_url: str | None
    rate_limits: float
    unsafe_no_throttle: bool
    bot_challenge_verify_url: str | None
    bot_challenge_secret: str | None
    log_format: str
    log_level: str
    metrics: bool
    metrics_port: int
    unsafe_clock_file: Path | None
    oauth: Mapping[str, OAuthProviderSettings]
    warnings: tuple[str, ...] = ()

    @classmethod
    def load(cls, environ: Mapping[str, str], config_file: Path | None = None) -> Settings:
        """Reads the environment and, below it, a TOML file. Raises SettingsError with all mistakes at once."""
        from_env, warnings = from_environment(environ)
        in_file, mistakes = from_file(config_file) if config_file is not None else ({}, [])
        values: dict[str, Any] = {variable.field: variable.default for variable in VARIABLES}
        for key, text in {**in_file, **from_env}.items():
            variable = BY_FILE_KEY[key]
            try:
                values[variable.field] = variable.form.parse(text)
            except ValueError:
                where = variable.name if key in from_env else f"{config_file.name if config_file else ''}: {key} ({variable.name})"
                mistakes.append(_mistake(variable, where, text))
        mistakes.extend(_contradictions(values))
        if mistakes:
            raise SettingsError(mistakes)
        values["oauth"] = _oauth(values)
        _fill_in(values)
        return cls(**values, warnings=(*warnings, *_without_effect({**in_file, **from_env}), *_unsafe(values)))

    @property
    def uses_sqlite(self) -> bool:
        """Whether the database is SQLite."""
        return self.database_url.startswith("sqlite:")

    @property
    def sqlite_path(self) -> Path:
        """The SQLite file."""
        return Path(self.database_url.removeprefix("sqlite:///"))


def _without_effect(given: Iterable[str]) -> list[str]:
    """Warnings of settings that are read and checked, but belong to what this version does not have yet."""
    return [
        f"{BY_FILE_KEY[key].name} has no effect yet: what it sets belongs to a later version."
        for key in given
        if key.startswith(FUTURE_PREFIXES) or key in FUTURE_KEYS
    ]


def _mistake(variable: Variable, where: str, text: str) -> str:
    shown = "its value" if variable.secret else repr(text if len(text) <= 80 else text[:80] + "…")  # noqa: PLR2004 - a line of a terminal
    return f"{where}: {shown} is not accepted; give {variable.form.accepts}."


def _contradictions(values: Mapping[str, Any]) -> list[str]:
    """Values that are right by themselves and wrong together."""
    found = []
    for first, second in (("seed_admin_email", "seed_admin_password"), ("bot_challenge_verify_url", "bot_challenge_secret")):
        if (values[first] is None) != (values[second] is None):
            given, missing = (first, second) if values[first] is not None else (second, first)
            found.append(f"{BY_FILE_KEY[given].name} is set without {BY_FILE_KEY[missing].name}; give both or neither.")
    if values["smtp_host"] is None:
        lonely = [
            BY_FILE_KEY[key].name for key in ("smtp_port", "smtp_username", "smtp_password", "smtp_security") if values[key] is not None
        ]
        found.extend(f"{name} is set without HEXCLAVE_SMTP_HOST; give the host of the mail server too." for name in lonely)
    for provider in PROVIDERS:
        found.extend(_provider_contradictions(values, provider))
    if values["unsafe_clock_file"] is not None and not ipaddress.ip_address(values["host"]).is_loopback:
        found.append("HEXCLAVE_UNSAFE_CLOCK_FILE is for tests: it is accepted only with a loopback HEXCLAVE_HOST such as 127.0.0.1.")
    if values["metrics"] and values["metrics_port"] == values["port"]:
        found.append("HEXCLAVE_METRICS_PORT is the same as HEXCLAVE_PORT; give another whole number from 1 to 65535.")
    return found


def _provider_contradictions(values: Mapping[str, Any], provider: str) -> list[str]:
    found = []
    client_id, client_secret = values.get(f"oauth_{provider}_client_id"), values.get(f"oauth_{provider}_client_secret")
    if (client_id is None) != (client_secret is None):
        missing = "CLIENT_SECRET" if client_secret is None else "CLIENT_ID"
        found.append(f"HEXCLAVE_OAUTH_{provider.upper()}_{missing} is missing; give client id and client secret, or neither.")
    elif client_id == "MOCK" and values["oauth_mock_url"] is None:
        found.append(f"HEXCLAVE_OAUTH_{provider.upper()}_CLIENT_ID is MOCK without HEXCLAVE_OAUTH_MOCK_URL; give the URL of the provider.")
    return found


def _oauth(values: dict[str, Any]) -> dict[str, OAuthProviderSettings]:
    """Takes the providers' values out of the flat ones."""
    found = {}
    for provider in PROVIDERS:
        given = {part: values.pop(f"oauth_{provider}_{part}", None) for part in OAUTH_PARTS}
        if any(value is not None for value in given.values()):
            found[provider] = OAuthProviderSettings(**given)
    return found


def _fill_in(values: dict[str, Any]) -> None:
    """Defaults that follow from other values."""
    values["public_url"] = values["public_url"] or f"http://localhost:{values['port']}"
    values["dashboard_url"] = values["dashboard_url"] or values["public_url"] + "/dashboard"
    values["data_dir"] = values["data_dir"] or Path(DATA_DIR).absolute()
    values["database_url"] = values["database_url"] or f"sqlite:///{values['data_dir'] / SQLITE_FILE}"
    if values["workers"] is None:
        values["workers"] = 1 if values["database_url"].startswith("sqlite:") else _cores()
    values["smtp_security"] = values["smtp_security"] or "starttls"
    values["smtp_port"] = values["smtp_port"] or _SMTP_PORTS[values["smtp_security"]]
    values["log_format"] = values["log_format"] or ("text" if sys.stderr.isatty() else "json")


def _cores() -> int:
    """The cores that this process may use (a container may have fewer than the machine)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _unsafe(values: Mapping[str, Any]) -> list[str]:
    """What an operator should be told of at each start."""
    found = []
    if values["unsafe_no_throttle"]:
        found.append("HEXCLAVE_UNSAFE_NO_THROTTLE: passwords and codes may be guessed without any limit. Never use this in production.")
    if values["unsafe_clock_file"] is not None:
        found.append("HEXCLAVE_UNSAFE_CLOCK_FILE: the clock follows a file. Never use this in production.")
    return found
