"""B12: after everything that hands out or takes secrets, none of them lies in the database, the data directory, the log or an error answer."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import msgspec
import pytest

from tests.attacks.inside import opened
from tests.cli.commands import Commands
from tests.doubles.idp import IdentityProvider
from tests.mfa.calls import totp
from tests.notification_preferences.test_unsubscribe import link_for as unsubscribe_link_for
from tests.oauth.dance import Application, new_project, person
from tests.passkeys.authenticator import Authenticator
from tests.server import INTERNAL_ADMIN_KEY, INTERNAL_PUBLISHABLE_KEY, INTERNAL_SECRET_KEY, DatabaseKind, RunningServer, new_email
from tests.stored import contents

TOTP = bytes(range(180, 200))
KEY_FIELDS = ("publishable_client_key", "secret_server_key", "super_secret_admin_key")


class Vault:
    """Every secret of the scenario, by a name that says what it is."""

    def __init__(self) -> None:
        self.secrets: dict[str, bytes] = {}

    def new(self, name: str) -> str:
        """A secret that clients bring along: long enough to be found nowhere by chance."""
        secret = f"Zq7-{name}-{hashlib.sha256(name.encode()).hexdigest()[:12]}"
        self.secrets[name] = secret.encode()
        return secret

    def keep(self, name: str, secret: str | bytes) -> None:
        """A secret that the server gave away."""
        self.secrets[name] = secret.encode() if isinstance(secret, str) else secret

    def tokens(self, name: str, answer: dict[str, Any]) -> None:
        """Both tokens of a session. Of an access token the signature is what nobody can make up."""
        self.keep(f"access token of {name}", answer["access_token"].rpartition(".")[2])
        if "refresh_token" in answer:
            self.keep(f"refresh token of {name}", answer["refresh_token"])

    def found_in(self, text: bytes) -> list[str]:
        """The names of the secrets that lie in `text`, in any of the usual encodings, in any case."""
        text = text.lower()
        return [name for name, secret in self.secrets.items() if any(form.lower() in text for form in forms(secret))]


def forms(secret: bytes) -> list[bytes]:
    """A secret as it may have been written."""
    encoded = base64.b64encode(secret).rstrip(b"=")
    whole = len(secret) // 3 * 4  # what follows depends on what was encoded together with it
    return [
        secret,
        secret[::-1],
        secret.hex().encode(),
        encoded[:whole],
        encoded[:whole].translate(bytes.maketrans(b"+/", b"-_")),
        base64.b32encode(secret).rstrip(b"=")[: len(secret) // 5 * 8],
        msgspec.json.encode(secret.decode("latin-1"))[1:-1],
    ]


class Scenario:
    """One server, everything that was done there, and what was answered to failures."""

    def __init__(self, server: RunningServer, idp: IdentityProvider) -> None:
        self.server = server
        self.idp = idp
        self.vault = Vault()
        self.failures: list[httpx.Response] = []
        self.project = server.new_project(magic_link_enabled=True)

    def send(self, access: str, method: str, path: str, token: str | None = None, *, fails: bool = False, **options: Any) -> Any:
        """A request that must succeed, or must not."""
        with self.project.http(access, token) as client:
            answer = client.request(method, path, **options)
        assert answer.is_success is not fails, (method, path, answer.text)
        if fails:
            self.failures.append(answer)
        return answer.json() if not fails and answer.content else answer

    async def play(self) -> None:
        """Everything."""
        self.users()
        self.passkeys()
        await self.links()
        self.mailed_codes()
        self.command_lines()
        self.providers()
        self.keys_and_configuration()
        self.mistakes()
        self.administrators()
        await self.signing_keys()

    def users(self) -> None:
        vault, email = self.vault, new_email()
        password = vault.new("first password")
        vault.tokens("sign-up", self.send("client", "POST", "/auth/password/sign-up", json={"email": email, "password": password}))
        user = self.send("client", "POST", "/auth/password/sign-in", json={"email": email, "password": password})
        vault.tokens("sign-in", user)
        headers = {"x-stack-refresh-token": user["refresh_token"]}
        vault.tokens("refresh", self.send("client", "POST", "/auth/sessions/current/refresh", headers=headers))
        form = {"grant_type": "refresh_token", "refresh_token": user["refresh_token"], "client_id": self.project.id}
        form["client_secret"] = self.project.publishable_client_key
        vault.tokens("token endpoint", self.send("client", "POST", "/auth/oauth/token", data=form))
        changed = vault.new("changed password")
        body = {"old_password": password, "new_password": changed}
        self.send("client", "POST", "/auth/password/update", user["access_token"], json=body, headers=headers)
        for number, extra in enumerate(({}, {"is_impersonation": True})):
            vault.tokens(f"session {number}", self.send("server", "POST", "/auth/sessions", json={"user_id": user["user_id"], **extra}))
        by_server = vault.new("password set by a server")
        self.send("server", "PATCH", f"/users/{user['user_id']}", json={"password": by_server})
        self.send("server", "POST", "/users", json={"primary_email": new_email(), "password": vault.new("password of a new user")})
        self.second_factor(email, by_server, user["user_id"])

    async def links(self) -> None:
        """Codes that are sent by email: one that is used, one that stays good, and one of an unsubscribe link."""
        user_id = self.send("server", "POST", "/users", json={})["id"]
        for name, used in (("used verification code", True), ("verification code", False)):
            value = new_email()
            body = {"user_id": user_id, "type": "email", "value": value, "used_for_auth": False}
            path = f"/contact-channels/{user_id}/{self.send('server', 'POST', '/contact-channels', json=body)['id']}/send-verification-code"
            self.send("server", "POST", path, json={"callback_url": "http://localhost/verify"})
            code = self.server.mail.wait_for(value).code
            self.vault.keep(name, code)
            if used:
                self.send("client", "POST", "/contact-channels/verify", json={"code": code})
        link = await unsubscribe_link_for(self.project, user_id)
        self.vault.keep("unsubscribe code", link.partition("code=")[2])

    def mailed_codes(self) -> None:
        """Codes that sign in and that reset a password: some used, some not."""
        callback = "http://localhost/page"
        email = new_email()
        for name in ("used sign-in code", "sign-in code"):
            body = {"email": email, "callback_url": callback}
            nonce = self.send("client", "POST", "/auth/otp/send-sign-in-code", json=body)["nonce"]
            code = self.server.mail.wait_for(email).code
            self.vault.keep(name, code)
            self.vault.keep(f"all but the guessable part of a {name}", nonce)
            if name.startswith("used"):
                self.vault.tokens("sign-in by code", self.send("client", "POST", "/auth/otp/sign-in", json={"code": code}))
        wrong = {"code": "000000" + nonce}
        for path in ("/auth/otp/sign-in", "/auth/otp/sign-in/check-code"):
            self.send("client", "POST", path, fails=True, json=wrong)
        for name in ("used reset code", "reset code"):
            self.send("client", "POST", "/auth/password/send-reset-code", json={"email": email, "callback_url": callback})
            code = self.server.mail.wait_for(email, subject="Reset").code
            self.vault.keep(name, code)
            if name.startswith("used"):
                body = {"code": code, "password": self.vault.new("password after a reset")}
                self.send("client", "POST", "/auth/password/reset", json=body)
        body = {"code": self.vault.new("bad reset code").ljust(45, "z"), "password": self.vault.new("password for a bad code")}
        self.send("client", "POST", "/auth/password/reset", fails=True, json=body)

    def second_factor(self, email: str, password: str, user_id: str) -> None:
        self.vault.keep("TOTP secret", TOTP)
        self.send("server", "PATCH", f"/users/{user_id}", json={"totp_secret_base64": base64.b64encode(TOTP).decode()})
        refused = self.send("client", "POST", "/auth/password/sign-in", fails=True, json={"email": email, "password": password})
        assert refused.headers["x-stack-known-error"] == "MULTI_FACTOR_AUTHENTICATION_REQUIRED"
        self.failures.remove(refused)  # that answer is where the code is handed out
        code = refused.json()["details"]["attempt_code"]
        self.vault.keep("attempt code", code)
        self.vault.keep("all but the guessable part of an attempt code", code[6:])
        finish = {"code": code, "type": "recovery_code", "recovery_code": self.vault.new("wrong recovery code")}
        self.send("client", "POST", "/auth/mfa/sign-in", fails=True, json=finish)
        self.send("client", "POST", "/auth/mfa/sign-in", fails=True, json={**finish, "totp": self.vault.new("TOTP out of place")})
        finish = {"code": code, "type": "totp", "totp": totp(secret=TOTP)}
        user = self.send("client", "POST", "/auth/mfa/sign-in", json=finish)
        self.vault.tokens("second factor", user)
        codes = self.send("client", "POST", "/auth/mfa/recovery-codes", user["access_token"], json={})["recovery_codes"]
        for number, recovery_code in enumerate(codes):
            self.vault.keep(f"recovery code {number}", recovery_code)
            self.vault.keep(f"recovery code {number} without hyphen", recovery_code.replace("-", ""))
        refused = self.send("client", "POST", "/auth/password/sign-in", fails=True, json={"email": email, "password": password})
        self.failures.remove(refused)
        finish = {"code": refused.json()["details"]["attempt_code"], "type": "recovery_code", "recovery_code": codes[0]}
        self.vault.tokens("recovery code", self.send("client", "POST", "/auth/mfa/sign-in", json=finish))
        finish["recovery_code"] = codes[1]
        self.send("client", "POST", "/auth/mfa/sign-in", fails=True, json=finish)

    def passkeys(self) -> None:
        self.project.configure(passkey_enabled=True, allow_localhost=True)
        token, authenticator = self.project.sign_up()["access_token"], Authenticator()
        start = self.send("client", "POST", "/auth/passkey/initiate-passkey-registration", token, json={})
        self.vault.keep("code of a passkey registration", start["code"])
        registration = {"code": start["code"], "credential": authenticator.create(start["options_json"])}
        self.send("client", "POST", "/auth/passkey/register", token, json=registration)
        self.send("client", "POST", "/auth/passkey/register", token, fails=True, json=registration)
        start = self.send("client", "POST", "/auth/passkey/initiate-passkey-authentication", json={})
        self.vault.keep("code of a passkey sign-in", start["code"])
        answer = {"code": start["code"], "authentication_response": authenticator.get(start["options_json"])}
        self.vault.tokens("passkey", self.send("client", "POST", "/auth/passkey/sign-in", json=answer))

    def command_lines(self) -> None:
        """A login in each of its states; both kinds of refresh tokens lie in its row for a while."""
        visitor = self.send("client", "POST", "/auth/anonymous/sign-up")
        self.vault.tokens("anonymous sign-up", visitor)
        user = self.project.sign_up()
        self.vault.tokens("user of a command line", user)
        for steps in range(3):
            login = self.send("client", "POST", "/auth/cli", json={"anon_refresh_token": visitor["refresh_token"]})
            for name in ("polling_code", "login_code"):
                self.vault.keep(f"{name} after {steps} steps", login[name])
            link = {"project_id": self.project.id, "login_code": login["login_code"]}
            with self.project.http("client") as client:
                assert client.get(f"{self.server.base_url}/cli-login", params=link).status_code == 200
            if steps > 0:
                body = {"login_code": login["login_code"], "refresh_token": user["refresh_token"]}
                self.send("client", "POST", "/auth/cli/complete", json=body)
                self.send("client", "POST", "/auth/cli/complete", fails=True, json=body)
            if steps > 1:
                self.send("client", "POST", "/auth/cli/poll", json={"polling_code": login["polling_code"]})
        self.send("client", "POST", "/auth/cli/poll", fails=True, json={"polling_code": self.vault.new("wrong polling code")})

    def providers(self) -> None:
        """A sign-in with a provider, whose tokens are fetched and refreshed; one code is left over."""
        self.idp.rotates_refresh_tokens = True
        shop, profile = new_project(self.server), person()
        application = Application(shop)
        location = application.start()
        self.vault.keep("inner state", parse_qs(urlsplit(location).query)["state"][0])
        code = parse_qs(urlsplit(application.come_back(self.idp.consent(location, profile)).headers["location"]).query)["code"][0]
        self.vault.keep("authorization code", code)
        self.vault.keep("publishable key of a flow", shop.publishable_client_key)
        user = application.exchange(code).json()
        self.vault.tokens("sign-in with a provider", user)
        self.vault.keep("authorization code that is left over", Application(shop).code_for(self.idp, profile))
        path = "/connected-accounts/me/discord/access-token"
        with shop.http("client", user["access_token"]) as client:
            assert client.post(path, json={}).status_code == 201
            self.idp.revoke_access()
            assert client.post(path, json={}).status_code == 201
            self.idp.revoke()
            self.failures += [client.post(path, json={}), client.post(path, json={"scope": "guilds"})]
        assert all(answer.status_code == 400 for answer in self.failures[-2:])
        for number, asked in enumerate(self.idp.calls("/me")):
            self.vault.keep(f"access token {number} of a provider", asked.headers["authorization"].removeprefix("Bearer "))
        for number, asked in enumerate(self.idp.calls("/token")):
            for name in ("code", "code_verifier", "refresh_token"):
                if name in asked.form:
                    self.vault.keep(f"{name} {number} at a provider", asked.form[name])

    def keys_and_configuration(self) -> None:
        vault = self.vault
        asked = {f"has_{field}": True for field in KEY_FIELDS}
        made = self.send("admin", "POST", "/internal/api-keys", json={"description": "x", "expires_at_millis": 4e12, **asked})
        for field in KEY_FIELDS:
            vault.keep(f"{field} of a new set", made[field])
            vault.keep(f"{field} of the project", getattr(self.project, field))
        seeded = (INTERNAL_PUBLISHABLE_KEY, INTERNAL_SECRET_KEY, INTERNAL_ADMIN_KEY)
        for field, key in zip(KEY_FIELDS, seeded, strict=True):
            vault.keep(f"{field} of the settings", key)
        provider = {"id": "github", "type": "standard", "client_id": "shown", "client_secret": vault.new("client secret")}
        mail = {"type": "standard", "host": "smtp.example.com", "port": 25, "username": "u", "password": vault.new("SMTP password")}
        mail |= {"sender_name": "n", "sender_email": "a@example.com"}
        config = {"oauth_providers": [provider], "email_config": mail}
        self.send("admin", "PATCH", "/internal/projects/current", json={"config": config})
        for level, override in (
            ("environment", {"auth.oauth.providers.spotify": {"type": "spotify", "clientSecret": vault.new("nested client secret")}}),
            ("branch", {"auth.oauth.providers": {}}),
        ):
            body = {"config_override_string": msgspec.json.encode(override).decode()}
            self.send("admin", "PATCH", f"/internal/config/override/{level}", json=body)
        shown = self.send("admin", "GET", "/internal/config/override/environment")["config_string"]
        assert vault.secrets["nested client secret"].decode() in shown, "administrators see what they wrote"

    def mistakes(self) -> None:
        """Secrets sent where they fail: the answer does not send them on to whoever reads the client's log."""
        new, project = self.vault.new, self.project
        user, email = project.create_user(), new_email()
        signed_up = project.sign_up()
        token = signed_up["access_token"]
        for path, body in (
            ("/auth/password/sign-in", {"email": email, "password": new("wrong password")}),
            ("/auth/password/sign-up", {"email": email, "password": new("too long password") * 3}),
            ("/auth/password/sign-up", {"email": email, "password": {"x": new("password in an object")}}),
            ("/auth/password/sign-up", {"email": "no address", "password": new("password beside a defect")}),
            ("/auth/password/sign-up", {"email": email, "pasword": new("password with a slip")}),
            ("/auth/password/set", {"password": new("password of somebody who has one")}),
            ("/auth/password/update", {"old_password": new("wrong old password"), "new_password": new("refused new password")}),
            ("/auth/oauth/token", {"grant_type": "refresh_token", "client_id": project.id, "client_secret": new("wrong client secret")}),
        ):
            self.send("client", "POST", path, token, fails=True, json=body)
        text = f'{{"email": "{email}", "password": "{new("password in broken JSON")}"'
        self.send("client", "POST", "/auth/password/sign-in", fails=True, content=text, headers={"content-type": "application/json"})
        self.send("client", "POST", "/auth/password/sign-in", fails=True, content=new("text"), headers={"content-type": "text/plain"})
        for name in ("x-stack-refresh-token", "x-stack-access-token", "x-stack-secret-server-key", "x-stack-admin-access-token"):
            self.send("client", "POST", "/auth/sessions/current/refresh", fails=True, headers={name: new(f"bad {name}")})
        for name in ("publishable-client-key", "secret-server-key", "super-secret-admin-key"):
            access = {"p": "client", "s": "server"}[name[0]] if not name.startswith("super") else "admin"
            self.send(access, "GET", "/projects/current", fails=True, headers={f"x-stack-{name}": new(f"wrong {name}")})
        for field in ("password_hash", "totp_secret_base64", "passwrd"):
            self.send("server", "PATCH", f"/users/{user['id']}", fails=True, json={field: new(f"bad {field}")})
        long_mail = {"config": {"email_config": {"type": "standard", "password": new("long SMTP password") * 3}}}
        self.send("admin", "PATCH", "/internal/projects/current", fails=True, json=long_mail)
        for text in (
            f'{{"auth.oauth.providers.github.clientSecret": ["{new("client secret in a list")}"]}}',
            f'{{"auth.oauth.providers.github": {{"clientSecret": "{new("client secret in broken JSON")}"',
        ):
            self.send("admin", "PATCH", "/internal/config/override/environment", fails=True, json={"config_override_string": text})
        # An answer may repeat the address it was asked for, but no log keeps it.
        with project.http("client") as client:
            client.get("/users/me", params={"access_token": new("token in a query")})
            client.get(f"{self.server.base_url}/setup", params={"code": new("code in a query")})
            client.post("/auth/password/sign-in", params={"password": new("password in a query")}, json={})
            client.get("/nowhere", params={"token": new("token in the query of nothing")})

    def administrators(self) -> None:
        command = Commands(self.server.directory, {k: v for k, v in self.server.environment.items() if k.startswith("HEXCLAVE_")})
        link = command.json("admin", "link")["setup_link"]
        self.vault.keep("set-up code", link.partition("code=")[2])
        made = command.json("user", "create", "--email", new_email(), "--project", self.project.id, "--generate-password")
        self.vault.keep("generated password", made["password"])

    async def signing_keys(self) -> None:
        async with opened(self.server) as inside:
            key = await inside.signing_key(self.project.id)
        exponent = key._private.private_numbers().private_value.to_bytes(32, "big")
        self.vault.keep("private signing key", exponent)
        self.vault.keep("start of the private signing key", exponent[:16])
        secret = self.server.data_dir / "master.key"
        self.vault.keep("master secret", secret.read_text().strip())


@pytest.fixture(scope="module")
def idp() -> Iterator[IdentityProvider]:
    with IdentityProvider() as provider:
        yield provider


@pytest.fixture(scope="module")
def served(database: DatabaseKind, idp: IdentityProvider) -> Iterator[RunningServer]:
    """Started a second time: the first start prints keys and a link on purpose."""
    with RunningServer(database, {"HEXCLAVE_LOG_LEVEL": "debug", **idp.settings_for("discord")}) as server:
        server.stop()
        server.log_file.unlink()
        yield server.start()


def files(directory: Path) -> Iterator[Path]:
    """Everything in a data directory but the master secret itself."""
    return (path for path in directory.rglob("*") if path.is_file() and path.name != "master.key")


async def test_no_secret_lies_anywhere_in_clear(served: RunningServer, idp: IdentityProvider) -> None:
    scenario = Scenario(served, idp)
    await scenario.play()
    vault = scenario.vault
    assert vault.found_in(b"x" + forms(TOTP)[3] + b"x") == ["TOTP secret"], "the search finds what it is for"
    stored = "\n".join(line for lines in contents(served).values() for line in lines)
    assert scenario.project.id in stored
    assert vault.found_in(stored.encode()) == []
    for path in files(served.data_dir):
        assert vault.found_in(path.read_bytes()) == [], path
    for answer in scenario.failures:
        sent = vault.found_in(answer.content + repr(answer.headers).encode())
        assert sent == [], f"{answer.request.method} {answer.request.url.path}: {answer.text}"
    await asyncio.sleep(0.5)  # lines of the log leave in batches
    log = served.log()
    assert "/auth/password/sign-in" in log
    assert vault.found_in(log.encode()) == []
    served.stop()
    assert vault.found_in(served.log().encode()) == []
    for path in files(served.data_dir):
        assert vault.found_in(path.read_bytes()) == [], path
    print(
        f"{len(vault.secrets)} secrets, {len(stored)} characters of rows, {len(scenario.failures)} failures, {len(log)} characters of log"
    )
