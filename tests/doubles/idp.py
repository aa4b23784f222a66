"""An identity provider for tests: it checks what is sent to it as real ones do, and does what a test tells it to.

It speaks for whichever provider's URLs point to it (`settings_for`), and as the provider for tests behind `HEXCLAVE_OAUTH_MOCK_URL`. People
consent by `consent`, which stands for the browser at the provider. `broken` replaces answers, `documents` are served besides.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, parse_qsl, unquote_plus, urlencode, urlsplit


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    form: dict[str, str]

    @property
    def client(self) -> tuple[str, str]:
        """Client id and secret, from wherever they were sent."""
        scheme, _, encoded = self.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            user, _, password = base64.b64decode(encoded).decode().partition(":")
            return unquote_plus(user), unquote_plus(password)
        return self.form.get("client_id", ""), self.form.get("client_secret", "")


@dataclass
class Grant:
    """What one consent gave: a code until it is exchanged, tokens from then on."""

    profile: dict[str, Any]
    challenge: str | None
    redirect_uri: str
    client_id: str
    nonce: str | None = None


@dataclass
class IdentityProvider:
    """Starts with `with`. Profiles are what its user-info endpoint answers."""

    asked: list[Asked] = field(default_factory=list)
    broken: dict[str, tuple[int, str]] = field(default_factory=dict)
    documents: dict[str, Any] = field(default_factory=dict)
    expires_in: int = 3600
    rotates_refresh_tokens: bool = False
    _codes: dict[str, Grant] = field(default_factory=dict)
    _access: dict[str, Grant] = field(default_factory=dict)
    _refresh: dict[str, Grant] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __enter__(self) -> Self:
        self._server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    # --- for tests ---

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def settings_for(self, *providers: str) -> dict[str, str]:
        """Settings of the server that let these providers be here."""
        return {
            f"HEXCLAVE_OAUTH_{provider.upper()}_{name}_URL": f"{self.url}/{path}"
            for provider in providers
            for name, path in (("AUTHORIZE", "auth"), ("TOKEN", "token"), ("USERINFO", "me"))
        }

    def consent(self, location: str, profile: dict[str, Any]) -> str:
        """Somebody whom the application sent here agrees; returns the URL that his browser goes back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        code = secrets.token_urlsafe(16)
        with self._lock:
            self._codes[code] = Grant(
                profile, query.get("code_challenge"), query["redirect_uri"], query["client_id"], nonce=query.get("nonce")
            )
        return query["redirect_uri"] + "?" + urlencode({"code": code, "state": query["state"]})

    def refuse(self, location: str, error: str = "access_denied") -> str:
        """Somebody does not agree, or something goes wrong here; returns the URL that his browser goes back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}
        return query["redirect_uri"] + "?" + urlencode({"error": error, "state": query["state"]})

    def revoke(self) -> None:
        """Nothing that was given is good any more."""
        with self._lock:
            self._access.clear()
            self._refresh.clear()

    def revoke_access(self) -> None:
        """Access tokens are not good any more; refresh tokens are."""
        with self._lock:
            self._access.clear()

    def calls(self, path: str) -> list[Asked]:
        """What was asked at a path."""
        return [each for each in self.asked if each.path == path]

    # --- for the server ---

    def answer(self, asked: Asked) -> tuple[int, str]:
        """Status and body."""
        with self._lock:
            self.asked.append(asked)
            if asked.path in self.broken:
                return self.broken[asked.path]
            if asked.path in self.documents:
                return 200, json.dumps(self.documents[asked.path])
            if asked.path == "/token":
                return self._token(asked)
            grant = self._access.get(asked.headers.get("authorization", "").removeprefix("Bearer "))
            return (401, "{}") if grant is None else (200, json.dumps(grant.profile))

    def _token(self, asked: Asked) -> tuple[int, str]:
        form = asked.form
        if form.get("grant_type") == "refresh_token":
            grant = self._refresh.get(form.get("refresh_token", ""))
            if grant is None:
                return 400, '{"error": "invalid_grant"}'
            if self.rotates_refresh_tokens:
                del self._refresh[form["refresh_token"]]
            return 200, json.dumps(self._tokens(grant, with_refresh=self.rotates_refresh_tokens))
        grant = self._codes.pop(form.get("code", ""), None)
        fits = grant is not None and (
            form.get("redirect_uri") == grant.redirect_uri
            and asked.client[0] == grant.client_id
            and (grant.challenge is None or _challenge(form.get("code_verifier", "")) == grant.challenge)
        )
        if grant is None or not fits:
            return 400, '{"error": "invalid_grant", "error_description": "the secret of the provider"}'
        return 200, json.dumps(self._tokens(grant, with_refresh=True))

    def _tokens(self, grant: Grant, *, with_refresh: bool) -> dict[str, Any]:
        access = "access-" + secrets.token_urlsafe(24)
        self._access[access] = grant
        given: dict[str, Any] = {"access_token": access, "token_type": "Bearer", "expires_in": self.expires_in}
        if with_refresh:
            given["refresh_token"] = "refresh-" + secrets.token_urlsafe(24)
            self._refresh[given["refresh_token"]] = grant
        return given


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of many who come at once none is turned away


def _challenge(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _handler(provider: IdentityProvider) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._respond()

        def do_POST(self) -> None:
            self._respond()

        def _respond(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, text = provider.answer(Asked(self.command, urlsplit(self.path).path, headers, dict(parse_qsl(body))))
            data = text.encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Tests read `asked`."""

    return Handler
