"""The client for what the server asks outside believes certificates, and nothing else."""

from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from hexclave_server.core import outgoing
from hexclave_server.core.outgoing import OutgoingClient
from hexclave_server.core.outgoing_answers import OutgoingFailed
from tests.providers.outside import LOOPBACK, Outside, Reply

NOW = datetime.datetime.now(datetime.UTC)
YEAR = datetime.timedelta(days=365)


class Authority:
    """Signs certificates."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "tests")])
        builder = x509.CertificateBuilder(name, name, self.key.public_key(), x509.random_serial_number(), NOW - YEAR, NOW + YEAR)
        usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True).add_extension(usage, critical=True)
        self.certificate = builder.sign(self.key, hashes.SHA256())
        self.file = folder / "authority.pem"
        self.file.write_bytes(self.certificate.public_bytes(serialization.Encoding.PEM))

    def context(self, *names: x509.GeneralName, until: datetime.datetime = NOW + YEAR) -> ssl.SSLContext:
        """A server's side, with a certificate for these names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
        builder = x509.CertificateBuilder(
            self.certificate.subject, subject, key.public_key(), x509.random_serial_number(), NOW - YEAR, until
        ).add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        file = self.folder / "server.pem"
        file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


@pytest.fixture(name="authority")
def _authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """One that this machine believes."""
    authority = Authority(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    return authority


@pytest.fixture(name="outside")
def _outside() -> Iterator[Outside]:
    with Outside() as outside:
        outside.replies["/"] = {"fine": True}
        outside.replies["/large"] = Reply(b'"' + b"x" * 900_000 + b'"')
        yield outside


def ask(outside: Outside, context: ssl.SSLContext, *urls: str) -> None:
    """Asks URLs of the server, which speaks TLS, one after the other with one client."""
    outside.speak_tls(context)

    async def run() -> None:
        client = OutgoingClient(LOOPBACK)
        try:
            for url in urls:
                answer = await client.get(url.format(port=outside.port))
                assert (answer.status, bool(answer.json())) == (200, True)
        finally:
            await client.close()

    asyncio.run(run())


LOCALHOST = x509.DNSName("localhost")


def test_a_server_with_a_certificate_is_asked(authority: Authority, outside: Outside) -> None:
    urls = ("https://localhost:{port}/", "https://localhost:{port}/large", "https://localhost:{port}/")
    ask(outside, authority.context(LOCALHOST), *urls)
    assert outside.paths() == ["/", "/large", "/"]
    assert outside.connections == 1, "connections are kept"


def test_an_address_may_have_a_certificate_too(authority: Authority, outside: Outside) -> None:
    ask(outside, authority.context(x509.IPAddress(ipaddress.ip_address("127.0.0.1"))), "https://127.0.0.1:{port}/")


def test_a_certificate_that_nobody_vouches_for_is_not_believed(tmp_path: Path, outside: Outside) -> None:
    refused(outside, Authority(tmp_path).context(LOCALHOST))


def test_the_certificate_of_another_name_is_not_believed(authority: Authority, outside: Outside) -> None:
    refused(outside, authority.context(x509.DNSName("example.com")))


def test_a_certificate_without_names_is_not_believed(authority: Authority, outside: Outside) -> None:
    refused(outside, authority.context(x509.DNSName("")))


def test_a_certificate_of_yesterday_is_not_believed(authority: Authority, outside: Outside) -> None:
    refused(outside, authority.context(LOCALHOST, until=NOW - datetime.timedelta(days=1)))


def refused(outside: Outside, context: ssl.SSLContext) -> None:
    with pytest.raises(OutgoingFailed, match="no connection") as failure:
        ask(outside, context, "https://localhost:{port}/")
    assert failure.value.is_transient
    assert not outside.asked


def test_a_server_that_speaks_no_tls_gets_nothing(authority: Authority, outside: Outside) -> None:
    async def run() -> None:
        client = OutgoingClient(LOOPBACK)
        try:
            with pytest.raises(OutgoingFailed):
                await client.get(f"https://localhost:{outside.port}/")
        finally:
            await client.close()

    asyncio.run(run())
    assert not outside.asked


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_server_that_says_nothing_is_not_waited_for(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the handshake nor after it."""
    monkeypatch.setattr(outgoing, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:

        async def run() -> None:
            client = OutgoingClient(LOOPBACK)
            try:
                with pytest.raises(OutgoingFailed, match="no answer within"):
                    await client.get(f"{scheme}://localhost:{silent.getsockname()[1]}/")
            finally:
                await client.close()

        asyncio.run(run())


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x00" * 50,
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000 + b"\r\n",
        b"HTTP/1.1 99 OK\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 1000,
    ],
)
def test_a_server_that_speaks_no_http_is_borne(said: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outgoing, "SECONDS", 2)
    with socket.create_server(("127.0.0.1", 0)) as odd:

        def speak() -> None:
            connection, _ = odd.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(65536):
                    pass

        thread = threading.Thread(target=lambda: _quietly(speak), daemon=True)
        thread.start()

        async def run() -> None:
            client = OutgoingClient(LOOPBACK)
            try:
                answer = await client.get(f"http://127.0.0.1:{odd.getsockname()[1]}/")
                assert answer.status == 101
            except OutgoingFailed:
                pass
            finally:
                await client.close()

        asyncio.run(run())
        thread.join(5)


def _quietly(work: object) -> None:
    import contextlib

    with contextlib.suppress(OSError):
        work()  # type: ignore[operator]
