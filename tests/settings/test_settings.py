"""Settings: defaults, forms, mistakes reported together, unknown names."""

import base64
from pathlib import Path

import pytest

from hexclave_server.settings import Settings, SettingsError
from hexclave_server.settings.display import effective
from hexclave_server.settings.variables import OAUTH_VARIABLES, VARIABLES

SECRET = bytes(range(32))


def load(file: Path | None = None, **values: str) -> Settings:
    return Settings.load({f"HEXCLAVE_{name}": value for name, value in values.items()}, file)


def mistakes_of(file: Path | None = None, **values: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load(file, **values)
    return caught.value.mistakes


def test_nothing_has_to_be_set() -> None:
    settings = load()
    assert settings.public_url == "http://localhost:8102"
    assert settings.dashboard_url == "http://localhost:8102/dashboard"
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8102, 1)
    assert settings.data_dir == Path.cwd() / "hexclave-data"
    assert settings.sqlite_path == settings.data_dir / "hexclave.db"
    assert settings.access_token_ttl_seconds == 600
    assert settings.rate_limits == 1.0
    assert settings.warnings == ()


def test_public_url_follows_the_port_and_loses_its_slash() -> None:
    assert load(PORT="9000").public_url == "http://localhost:9000"
    assert load(PUBLIC_URL="https://Auth.Example.com:443/").public_url == "https://auth.example.com"
    assert load(PUBLIC_URL="https://auth.example.com").dashboard_url == "https://auth.example.com/dashboard"


def test_all_mistakes_are_reported_together_with_what_is_accepted() -> None:
    mistakes = mistakes_of(
        PORT="0", WORKERS="many", ACCESS_TOKEN_TTL="44s", PUBLIC_URL="https://a.example/path", LOG_FORMAT="xml", METRICS="maybe"
    )
    names = [mistake.split(":")[0].removeprefix("HEXCLAVE_") for mistake in mistakes]
    assert names == ["ACCESS_TOKEN_TTL", "LOG_FORMAT", "METRICS", "PORT", "PUBLIC_URL", "WORKERS"]
    assert all("; give " in mistake for mistake in mistakes)
    assert "from 1 to 65535" in mistakes[3]


def test_a_mistake_in_a_secret_does_not_print_it() -> None:
    mistakes = mistakes_of(MASTER_SECRET="hunter2-hunter2", DATABASE_URL="mysql://root:hunter2@db/x", REDIS_URL="http://:hunter2@redis")
    assert len(mistakes) == 3
    assert not any("hunter2" in mistake for mistake in mistakes)


@pytest.mark.parametrize(
    "text", [SECRET.hex(), SECRET.hex().upper(), base64.b64encode(SECRET).decode(), base64.urlsafe_b64encode(SECRET).decode().rstrip("=")]
)
def test_master_secret_is_hex_or_base64(text: str) -> None:
    assert load(MASTER_SECRET=text).master_secret == SECRET


@pytest.mark.parametrize("text", [SECRET[:31].hex(), "a" * 64, base64.b64encode(b"\0" * 32).decode(), "not base64 !!" * 4])
def test_weak_or_malformed_master_secret_is_refused(text: str) -> None:
    assert "32 random bytes" in mistakes_of(MASTER_SECRET=text)[0]


@pytest.mark.parametrize(("text", "seconds"), [("45s", 45), ("10m", 600), ("24h", 86400), ("1d", 86400), ("1h30m", 5400), ("2 m", 120)])
def test_durations(text: str, seconds: int) -> None:
    assert load(ACCESS_TOKEN_TTL=text).access_token_ttl_seconds == seconds


@pytest.mark.parametrize("text", ["600", "44s", "25h", "10 minutes", "-10m", "m", "10m!", "9999999999s", "٣m"])
def test_what_is_no_duration(text: str) -> None:
    assert "10m" in mistakes_of(ACCESS_TOKEN_TTL=text)[0]


@pytest.mark.parametrize(("text", "factor"), [("on", 1.0), ("off", 0.0), ("10x", 10.0), ("0.5x", 0.5), ("ON", 1.0), ("false", 0.0)])
def test_rate_limits(text: str, factor: float) -> None:
    assert load(RATE_LIMITS=text).rate_limits == factor


@pytest.mark.parametrize("text", ["10", "0x", "-1x", "infx", "nanx", "x", "0"])
def test_what_is_no_rate_limit(text: str) -> None:
    assert "10x" in mistakes_of(RATE_LIMITS=text)[0]


def test_trusted_proxies_in_every_form() -> None:
    assert load(TRUSTED_PROXIES="2").trusted_proxies.hops == 2
    assert [str(n) for n in load(TRUSTED_PROXIES="10.0.0.1, 2001:db8::/32").trusted_proxies.networks] == ["10.0.0.1/32", "2001:db8::/32"]
    preset = load(TRUSTED_PROXIES="cloudflare,173.245.48.0/20").trusted_proxies
    assert (preset.preset, [str(n) for n in preset.networks]) == ("cloudflare", ["173.245.48.0/20"])
    assert load(TRUSTED_PROXIES="vercel").trusted_proxies.networks == ()


@pytest.mark.parametrize("text", ["33", "-1", "proxy", "10.0.0.0/8,cloudflare", "10.0.0.0/99", "2,10.0.0.1"])
def test_what_is_no_trusted_proxy(text: str) -> None:
    assert "number of hops" in mistakes_of(TRUSTED_PROXIES=text)[0]


def test_postgresql_gets_a_worker_per_core() -> None:
    settings = load(DATABASE_URL="postgres://me:pw@db:5432/shop?statement_cache_size=0")
    assert settings.workers >= 1
    assert settings.database_url == "postgresql://me:pw@db:5432/shop?statement_cache_size=0"
    assert load(DATABASE_URL=settings.database_url, WORKERS="3").workers == 3


@pytest.mark.parametrize("text", ["mysql://h/db", "sqlite:///", "sqlite://:memory:", "sqlite:///:memory:", "postgresql://db:5432", "db"])
def test_what_is_no_database_url(text: str) -> None:
    assert "sqlite:///path or postgresql://" in mistakes_of(DATABASE_URL=text)[0]


def test_contradictions_are_mistakes() -> None:
    assert "HEXCLAVE_SEED_ADMIN_PASSWORD" in mistakes_of(SEED_ADMIN_EMAIL="a@example.com")[0]
    assert "loopback" in mistakes_of(UNSAFE_CLOCK_FILE="/tmp/clock", HOST="0.0.0.0")[0]
    assert "HEXCLAVE_SMTP_HOST" in mistakes_of(SMTP_USERNAME="me")[0]
    assert "HEXCLAVE_OAUTH_GITHUB_CLIENT_SECRET" in mistakes_of(OAUTH_GITHUB_CLIENT_ID="x")[0]
    assert "HEXCLAVE_OAUTH_MOCK_URL" in mistakes_of(OAUTH_GITHUB_CLIENT_ID="MOCK", OAUTH_GITHUB_CLIENT_SECRET="MOCK")[0]
    assert "HEXCLAVE_METRICS_PORT" in mistakes_of(METRICS="on", METRICS_PORT="8102")[0]


def test_oauth_keys_are_collected_by_provider() -> None:
    settings = load(OAUTH_GITLAB_CLIENT_ID="id", OAUTH_GITLAB_CLIENT_SECRET="secret", OAUTH_GITLAB_TOKEN_URL="https://git.example/token")
    assert list(settings.oauth) == ["gitlab"]
    assert settings.oauth["gitlab"].token_url == "https://git.example/token"


def test_unknown_variables_are_warned_of_and_refuse_nothing() -> None:
    warnings = load(PROT="1", DATABASE_ULR="x", PROJECT_ID="abc", FLUX_CAPACITOR="on").warnings
    assert any("HEXCLAVE_PROT " in w and "Did you mean HEXCLAVE_PORT?" in w for w in warnings)
    assert any("HEXCLAVE_DATABASE_ULR" in w and "HEXCLAVE_DATABASE_URL?" in w for w in warnings)
    assert any("HEXCLAVE_PROJECT_ID" in w and "SDKs" in w for w in warnings)
    assert any("HEXCLAVE_FLUX_CAPACITOR" in w and "Did you mean" not in w for w in warnings)


def test_unsafe_settings_are_warned_of() -> None:
    assert "NO_THROTTLE" in load(UNSAFE_NO_THROTTLE="true").warnings[0]
    assert "CLOCK_FILE" in load(UNSAFE_CLOCK_FILE="/tmp/clock").warnings[0]


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "hexclave.toml"
    file.write_text(
        'port = 9000\nmetrics = true\nrate_limits = "5x"\ntrusted_proxies = ["10.0.0.1", "10.0.0.2"]\naccess_token_ttl = "1h"\n'
    )
    settings = load(file, PORT="9001")
    assert (settings.port, settings.metrics, settings.rate_limits, settings.access_token_ttl_seconds) == (9001, True, 5.0, 3600)
    assert len(settings.trusted_proxies.networks) == 2


def test_mistakes_of_file_and_environment_come_together(tmp_path: Path) -> None:
    file = tmp_path / "hexclave.toml"
    file.write_text('prot = 9000\nport = "x"\n[table]\na = 1\n')
    mistakes = mistakes_of(file, WORKERS="x")
    assert len(mistakes) == 4
    assert any("prot is not a setting. Did you mean port?" in mistake for mistake in mistakes)


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    assert "cannot be read" in mistakes_of(tmp_path / "absent.toml")[0]
    broken = tmp_path / "broken.toml"
    broken.write_text("port = ")
    assert "is not TOML" in mistakes_of(broken)[0]


def test_an_empty_variable_is_absent() -> None:
    assert load(PORT="", SEED_INTERNAL_SECRET_SERVER_KEY="").seed_internal_secret_server_key is None


def test_shown_settings_mask_every_secret() -> None:
    settings = load(
        MASTER_SECRET=SECRET.hex(),
        DATABASE_URL="postgresql://me:hunter2@db/shop",
        SEED_INTERNAL_SECRET_SERVER_KEY="hunter2",
        CRON_SECRET="hunter2",
        SMTP_HOST="mail",
        SMTP_PASSWORD="hunter2",
        OAUTH_GITHUB_CLIENT_ID="id",
        OAUTH_GITHUB_CLIENT_SECRET="hunter2",
        REDIS_URL="redis://:hunter2@redis:6379/0",
    )
    shown = effective(settings)
    assert "hunter2" not in repr(shown)
    assert SECRET.hex() not in repr(shown)
    assert shown["HEXCLAVE_DATABASE_URL"] == "postgresql://me:***@db/shop"
    assert shown["HEXCLAVE_OAUTH_GITHUB_CLIENT_SECRET"] == "***"


def test_networks_that_may_be_asked_are_read_and_shown() -> None:
    loaded = Settings.load({"HEXCLAVE_OUTGOING_ALLOW": "10.1.0.0/16, 127.0.0.1,[fd00::]"})
    assert [str(network) for network in loaded.outgoing_allow] == ["10.1.0.0/16", "127.0.0.1/32", "fd00::/128"]
    assert effective(loaded)["HEXCLAVE_OUTGOING_ALLOW"] == ["10.1.0.0/16", "127.0.0.1/32", "fd00::/128"]
    with pytest.raises(SettingsError, match="HEXCLAVE_OUTGOING_ALLOW"):
        Settings.load({"HEXCLAVE_OUTGOING_ALLOW": "intranet"})


def test_every_variable_named_like_a_secret_is_one() -> None:
    for variable in (*VARIABLES, *OAUTH_VARIABLES):
        if variable.field.endswith(("password", "secret", "_key")):
            assert variable.secret, variable.name


def test_a_setting_of_a_later_version_is_said_to_have_no_effect() -> None:
    loaded = Settings.load({"HEXCLAVE_REDIS_URL": "redis://localhost:6379", "HEXCLAVE_CRON_SECRET": "x" * 20, "HEXCLAVE_PORT": "9000"})
    assert [warning.split()[0] for warning in loaded.warnings] == ["HEXCLAVE_CRON_SECRET", "HEXCLAVE_REDIS_URL"]
    assert all("no effect" in warning for warning in loaded.warnings)
