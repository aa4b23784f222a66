"""Projects with a mail server of their own, certificates for it, and what the outbox says about an entry."""

from __future__ import annotations

import datetime
import json
import ssl
import time
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.server import Project, RunningServer
from tests.stored import rows

COLUMNS = (
    "finished_at",
    "started_sending_at",
    "rendered_at",
    "send_retries",
    "send_attempt_errors",
    "server_error",
    "skipped_reason",
    "due_at",
)


def use_server(project: Project, port: int, *, host: str = "127.0.0.1", username: str = "user", password: str = "pass") -> None:
    """Lets the project send through a server of its own."""
    server = {
        "isShared": False,
        "provider": "smtp",
        "host": host,
        "port": port,
        "username": username,
        "password": password,
        "senderName": "Shop",
        "senderEmail": "shop@own.example.com",
    }
    project.override("environment", **{"emails.server": server})


def entry(server: RunningServer, email_id: str) -> dict[str, Any]:
    """The entry as it is stored; `errors` are its failed attempts, decoded."""
    (values,) = rows(server, f"SELECT {', '.join(COLUMNS)} FROM email_outbox WHERE id = '{email_id}'")
    found = dict(zip(COLUMNS, values, strict=True))
    return found | {"errors": json.loads(found["send_attempt_errors"] or "[]")}


def wait_until(server: RunningServer, email_id: str, *fields: str, seconds: float = 20) -> dict[str, Any]:
    """Waits until all these fields of the entry are set."""
    deadline = time.monotonic() + seconds
    while True:
        found = entry(server, email_id)
        if all(found[field] for field in fields):
            return found
        assert time.monotonic() < deadline, f"still {found}\n{server.log()[-2000:]}"
        time.sleep(0.05)


def error_types(found: dict[str, Any]) -> list[str]:
    """The kinds of the failed attempts, as on the wire."""
    return [attempt["external_details"]["errorType"] for attempt in found["errors"]]


def certificate(directory: Path, *names: str) -> tuple[Path, ssl.SSLContext]:
    """A self-signed certificate for these host names: the file to trust it by, and a context for a server that uses it."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = [x509.IPAddress(ipaddress.ip_address(found)) if found[0].isdigit() else x509.DNSName(found) for found in names]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate_file, key_file = directory / f"{names[0]}.pem", directory / f"{names[0]}.key"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return certificate_file, context
