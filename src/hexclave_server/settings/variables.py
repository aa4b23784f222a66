"""All settings there are, as data: the name after `HEXCLAVE_`, the form of the value, the default, and whether it is a secret.

A default of None means: not set. Defaults that depend on others are filled in by `model.Settings.load`.
"""

from dataclasses import dataclass
from typing import Any

from hexclave_server.core.client_address import ACCEPTED, TrustedProxies
from hexclave_server.settings import forms
from hexclave_server.settings.forms import Form

PREFIX = "HEXCLAVE_"
PROVIDERS = ("google", "github", "microsoft", "spotify", "facebook", "discord", "gitlab", "bitbucket", "linkedin", "apple", "x", "twitch")
OAUTH_PARTS = ("client_id", "client_secret", "authorize_url", "token_url", "userinfo_url", "issuer", "jwks_url")

# What the SDKs read from the same environment: not ours, and no typing mistake either (contract 14 §1).
SDK_NAMES = frozenset(
    f"{PREFIX}{name}"
    for name in (
        "API_URL",
        "EXTRA_REQUEST_HEADERS",
        "PROJECT_ID",
        "PUBLISHABLE_CLIENT_KEY",
        "SECRET_SERVER_KEY",
        "SUPER_SECRET_ADMIN_KEY",
    )
)


@dataclass(frozen=True, slots=True)
class Variable:
    """One setting."""

    field: str
    form: Form
    default: Any = None
    secret: bool = False
    key: str = ""

    @property
    def file_key(self) -> str:
        """Its key in the TOML file."""
        return self.key or self.field

    @property
    def name(self) -> str:
        """Its environment variable."""
        return PREFIX + self.file_key.upper()


_PROXIES = Form(ACCEPTED, TrustedProxies.parse)
_PORT = forms.number(1, 65535)
_TTL = forms.duration(45, 86400, "a duration from 45s to 24h, such as 10m")

VARIABLES: tuple[Variable, ...] = (
    Variable("public_url", forms.ORIGIN),
    Variable("dashboard_url", forms.WEB_URL),
    Variable("host", forms.LISTEN_HOST, "127.0.0.1"),
    Variable("port", _PORT, 8102),
    Variable("workers", forms.number(1, 256)),
    Variable("data_dir", forms.PATH),
    Variable("database_url", forms.DATABASE_URL, secret=True),
    Variable("database_pool", forms.number(1, 1000), 10),
    Variable("master_secret", forms.MASTER_SECRET, secret=True),
    Variable("access_token_ttl_seconds", _TTL, 600, key="access_token_ttl"),
    Variable("trusted_proxies", _PROXIES, TrustedProxies()),
    Variable("geoip_database", forms.LOCATIONS),
    Variable("smtp_host", forms.HOST_NAME),
    Variable("smtp_port", _PORT),
    Variable("smtp_username", forms.TEXT),
    Variable("smtp_password", forms.TEXT, secret=True),
    Variable("smtp_security", forms.one_of("none", "starttls", "tls")),
    Variable("smtp_sender", forms.SENDER),
    Variable("email_capacity_per_hour", forms.number(0, 1_000_000_000), 200),
    Variable("seed_internal_publishable_client_key", forms.TEXT, secret=True),
    Variable("seed_internal_secret_server_key", forms.TEXT, secret=True),
    Variable("seed_internal_super_secret_admin_key", forms.TEXT, secret=True),
    Variable("seed_internal_sign_up_enabled", forms.BOOLEAN),
    Variable("seed_internal_otp_enabled", forms.BOOLEAN),
    Variable("seed_internal_allow_localhost", forms.BOOLEAN),
    Variable("seed_internal_display_name", forms.TEXT),
    Variable("seed_internal_oauth_providers", forms.list_of(*PROVIDERS)),
    Variable("seed_admin_email", forms.EMAIL),
    Variable("seed_admin_password", forms.TEXT, secret=True),
    Variable("security_notices", forms.ON_OFF, True),
    Variable("oauth_mock_url", forms.WEB_URL),
    Variable("allow_shared_oauth_access_tokens", forms.BOOLEAN, False),
    Variable("outgoing_allow", forms.NETWORKS, ()),
    Variable("cron_secret", forms.TEXT, secret=True),
    Variable("redis_url", forms.REDIS_URL, secret=True),
    Variable("rate_limits", forms.RATE_LIMITS, 1.0),
    Variable("unsafe_no_throttle", forms.BOOLEAN, False),
    Variable("bot_challenge_verify_url", forms.WEB_URL),
    Variable("bot_challenge_secret", forms.TEXT, secret=True),
    Variable("log_format", forms.one_of("text", "json")),
    Variable("log_level", forms.one_of("debug", "info", "warning", "error"), "info"),
    Variable("metrics", forms.ON_OFF, False),
    Variable("metrics_port", _PORT, 9464),
    Variable("unsafe_clock_file", forms.PATH),
)

_OAUTH_FORMS = {"client_id": forms.TEXT, "client_secret": forms.TEXT}
OAUTH_VARIABLES: tuple[Variable, ...] = tuple(
    Variable(f"oauth_{provider}_{part}", _OAUTH_FORMS.get(part, forms.WEB_URL), secret=part == "client_secret")
    for provider in PROVIDERS
    for part in OAUTH_PARTS
)

BY_FILE_KEY = {variable.file_key: variable for variable in (*VARIABLES, *OAUTH_VARIABLES)}
