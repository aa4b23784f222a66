"""How a value may be written: each form says in words what it accepts, and reads it.

A parser raises ValueError for what it does not accept; the mistake is reported with the words, so that it always says what to write.
"""

import base64
import binascii
import ipaddress
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

MASTER_SECRET_MIN_BYTES = 32
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TRUE = {"true", "on", "yes", "1"}
_FALSE = {"false", "off", "no", "0"}
_HOST_NAME = re.compile(r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\.[A-Za-z0-9_-]{1,63})*\.?")


@dataclass(frozen=True, slots=True)
class Form:
    """What is accepted, in words that follow "give", and the function that reads it."""

    accepts: str
    parse: Callable[[str], Any]


def _any_text(text: str) -> str:
    if "\x00" in text:
        raise ValueError(text)
    return text


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE | _FALSE:
        raise ValueError(text)
    return word in _TRUE


def _networks(text: str) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
    words = [word.strip().removeprefix("[").removesuffix("]") for word in text.split(",") if word.strip()]
    return tuple(ipaddress.ip_network(word, strict=False) for word in words)


TEXT = Form("any text", _any_text)
BOOLEAN = Form("true or false", _boolean)
ON_OFF = Form("on or off", _boolean)
NETWORKS = Form("addresses and CIDRs, comma separated, such as 10.1.0.0/16", _networks)
PATH = Form("a path", lambda text: Path(_any_text(text)).expanduser().absolute())


def number(low: int, high: int) -> Form:
    """A whole number in decimal digits, both bounds included."""

    def parse(text: str) -> int:
        digits = text.strip()
        if not (digits.isascii() and digits.isdigit()) or not low <= int(digits) <= high:
            raise ValueError(text)
        return int(digits)

    return Form(f"a whole number from {low} to {high}", parse)


def one_of(*words: str) -> Form:
    """One of a few words, in any case."""

    def parse(text: str) -> str:
        word = text.strip().lower()
        if word not in words:
            raise ValueError(text)
        return word

    return Form("one of " + ", ".join(words), parse)


def list_of(*words: str) -> Form:
    """Some of a few words, separated by commas; each once."""

    def parse(text: str) -> tuple[str, ...]:
        found = tuple(dict.fromkeys(part.strip().lower() for part in text.split(",") if part.strip()))
        if not set(found) <= set(words):
            raise ValueError(text)
        return found

    return Form("a comma-separated list of " + ", ".join(words), parse)


def duration(low: int, high: int, words: str) -> Form:
    """A number with a unit (`45s`, `10m`, `24h`, `1d`, also `1h30m`), as seconds between the bounds."""

    def parse(text: str) -> int:
        compact = text.strip().lower().replace(" ", "")
        parts = re.findall(r"([0-9]{1,9})([smhd])", compact)
        if not parts or "".join(count + unit for count, unit in parts) != compact:
            raise ValueError(text)
        seconds = sum(int(count) * _UNITS[unit] for count, unit in parts)
        if not low <= seconds <= high:
            raise ValueError(text)
        return seconds

    return Form(words, parse)


def _rate_limits(text: str) -> float:
    word = text.strip().lower()
    if word in _TRUE | _FALSE and word not in {"0", "1"}:
        return 1.0 if word in _TRUE else 0.0
    if not word.endswith("x"):
        raise ValueError(text)
    factor = float(word[:-1])
    if not math.isfinite(factor) or not 0 < factor <= 1_000_000:  # noqa: PLR2004 - keeps products finite
        raise ValueError(text)
    return factor


RATE_LIMITS = Form("on, off or a factor such as 10x", _rate_limits)


def _split_url(text: str, schemes: tuple[str, ...]) -> Any:
    parts = urlsplit(text.strip())
    port = parts.port  # raises ValueError for one that is no port
    if parts.scheme not in schemes or not parts.hostname or port == 0 or re.search(r"[\s\\]", text.strip()):
        raise ValueError(text)
    return parts


def _origin(text: str) -> str:
    parts = _split_url(text, ("http", "https"))
    if parts.path not in ("", "/") or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(text)
    default_port = {"http": 80, "https": 443}[parts.scheme]
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" + (f":{parts.port}" if parts.port not in (None, default_port) else "")


def _web_url(text: str) -> str:
    parts = _split_url(text, ("http", "https"))
    if parts.fragment or "@" in parts.netloc:
        raise ValueError(text)
    return text.strip().rstrip("/")


ORIGIN = Form("an origin such as https://auth.example.com, without a path", _origin)
WEB_URL = Form("an http:// or https:// URL", _web_url)
REDIS_URL = Form("redis://host:port/0 or rediss://…", lambda text: _split_url(text, ("redis", "rediss")).geturl())


def _database_url(text: str) -> str:
    url = text.strip()
    if url.startswith("sqlite:///") and len(url) > len("sqlite:///") and "?" not in url and ":memory:" not in url:
        return "sqlite:///" + str(Path(url.removeprefix("sqlite:///")).expanduser().absolute())
    parts = _split_url(url, ("postgresql", "postgres")) if "?host=" not in url else urlsplit(url)
    if parts.scheme not in ("postgresql", "postgres") or not parts.path.strip("/"):
        raise ValueError(text)
    return "postgresql" + url[len(parts.scheme) :]


DATABASE_URL = Form("sqlite:///path or postgresql://user:password@host:port/database", _database_url)


def _host(text: str) -> str:
    host = text.strip().removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        if host == "localhost":
            return "127.0.0.1"
        raise ValueError(text) from None


def _host_name(text: str) -> str:
    name = text.strip()
    try:
        return str(ipaddress.ip_address(name.removeprefix("[").removesuffix("]")))
    except ValueError:
        if not _HOST_NAME.fullmatch(name):
            raise ValueError(text) from None
        return name


LISTEN_HOST = Form("an address of this machine such as 127.0.0.1, 0.0.0.0 or ::", _host)
HOST_NAME = Form("a host name or an address", _host_name)


def _master_secret(text: str) -> bytes:
    compact = re.sub(r"\s", "", text)
    if re.fullmatch(r"([0-9a-fA-F]{2})+", compact):  # sixty-four hex digits are base64 as well: hex is what was meant
        secret = bytes.fromhex(compact)
    else:
        try:
            digits = compact.rstrip("=").replace("-", "+").replace("_", "/")
            secret = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True)
        except binascii.Error as error:
            raise ValueError from error
    if len(secret) < MASTER_SECRET_MIN_BYTES or len(set(secret)) < MASTER_SECRET_MIN_BYTES // 4:
        raise ValueError
    return secret


MASTER_SECRET = Form("at least 32 random bytes in base64 or hex, as `openssl rand -base64 32` prints them", _master_secret)


def _locations(text: str) -> Path:
    from hexclave_server.core.geoip import require_locations  # noqa: PLC0415 - which the command line seldom needs

    return require_locations(Path(_any_text(text)).expanduser().absolute())


LOCATIONS = Form("the path of a MaxMind-format database of countries or cities (.mmdb)", _locations)


def _email(text: str) -> str:
    address = text.strip()
    if not re.fullmatch(r"[^@\s<>]{1,64}@[^@\s<>]{1,255}", address):
        raise ValueError(text)
    return address


EMAIL = Form("an email address", _email)


def _sender(text: str) -> str:
    named = re.fullmatch(r"\s*([^<>\r\n]*)<([^<>]+)>\s*", text)
    _email(named.group(2) if named else text)
    return text.strip()


SENDER = Form("an email address, or a name and one: Shop <no-reply@example.com>", _sender)
