"""Which forwarding headers are believed, and from whom (`HEXCLAVE_TRUSTED_PROXIES`, contract 00 §1.2).

Three forms that exclude one another: a number of hops; addresses and networks; a preset, with networks after it if wanted.
"""

import ipaddress
from dataclasses import dataclass

PRESETS = ("cloudflare", "vercel", "cloudrun")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """Nothing is believed unless one of these is set."""

    hops: int = 0
    preset: str | None = None
    networks: tuple[Network, ...] = ()

    def __str__(self) -> str:
        if self.hops:
            return str(self.hops)
        return ",".join([*([self.preset] if self.preset else []), *map(str, self.networks)])


def parse_trusted_proxies(text: str) -> TrustedProxies:
    """Reads the setting; raises ValueError."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if len(parts) == 1 and parts[0].isascii() and parts[0].isdigit():
        hops = int(parts[0])
        if not 1 <= hops <= 32:  # noqa: PLR2004 - more proxies in a row than anyone has
            raise ValueError(text)
        return TrustedProxies(hops=hops)
    preset = parts.pop(0).lower() if parts and parts[0].lower() in PRESETS else None
    networks = tuple(ipaddress.ip_network(part, strict=False) for part in parts)
    if preset is None and not networks:
        raise ValueError(text)
    return TrustedProxies(preset=preset, networks=networks)
