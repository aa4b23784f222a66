"""A13: of the formats that hashes come in only bcrypt of bearable cost is imported over HTTP, and it does not stay bcrypt."""

from __future__ import annotations

import threading
import time

import pytest

from hexclave_server.core.bcrypt_hashes import MAX_COST
from tests.attacks.test_limits_everywhere import SOME_ID
from tests.passwords.calls import sign_in
from tests.server import Project, RunningServer, new_email
from tests.stored import rows

PASSWORD = "correct horse battery"
SALT = "abcdefghijklmnopqrstuu"
HASH = "5DGpv5DBLVyLKqVm7Ysf1nPpr6dpO1K"

GOLDEN = {
    # (password, hash), made by other software: Openwall's crypt_blowfish 1.3 test vectors
    "2a": ("U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    "2b": ("U*U*U", "$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
    "2y": ("U*U*", "$2y$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK"),
}

REFUSED = {
    "argon2id": "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$8yQ9bBwWkPbIDlJmGxGVJd2sJkXh0WyxIkuXvZaIYCU",
    "argon2i": "$argon2i$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
    "argon2id of 4 GiB": "$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$8yQ9bBwWkPbIDlJmGxGVJd2sJkXh0WyxIkuXvZaIYCU",
    "scrypt": "$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E",
    "scrypt of crypt(3)": "$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D",
    "firebase scrypt": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    "pbkdf2": "$pbkdf2-sha256$6400$0ZrzXitFSGltTQnBWOsdeA$Y11AchqV4b0sUisdZd0Xr97KWoymNE0LNNrnEgY4H9M",
    "django pbkdf2": "pbkdf2_sha256$720000$saltsaltsalt$3mIJ3nZ5wZ9Q9k2e2sU0o1bW4dT1h0a3v2w1x0y9z8s=",
    "sha512 of crypt(3)": "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjlO/O817G3uBnIFNjnQJuesI68OTLiBFdcbYEdFCoEOfaS35inz1",
    "md5 of crypt(3)": "$1$28772684$iEwNOgGugqO9.bIz5sk8k/",
    "hexadecimal": "5f4dcc3b5aa765d61d8327deb882cf99",
    "the password itself": PASSWORD,
    "cost 17": f"$2b$17${SALT}{HASH}",
    "cost 31": f"$2b$31${SALT}{HASH}",
    "cost 99": f"$2b$99${SALT}{HASH}",
    "cost 03": f"$2b$03${SALT}{HASH}",
    "cost without a digit": f"$2b$4${SALT}{HASH}x",
    "the broken 2x": f"$2x$05${SALT}{HASH}",
    "2": f"$2$05${SALT}{HASH}",
    "2c": f"$2c$05${SALT}{HASH}",
    "upper case": f"$2B$05${SALT}{HASH}",
    "too short": f"$2b$05${SALT}{HASH}"[:-1],
    "too long": f"$2b$05${SALT}{HASH}e",
    "a line after it": f"$2b$05${SALT}{HASH}\n",
    "space before it": f" $2b$05${SALT}{HASH}",
    "strange letters": f"$2b$05${SALT[:-1]}!{HASH}",
    "other digits": f"$2b$\u0660\u0665${SALT}{HASH}",
}


def stored_hash(server: RunningServer, user_id: str) -> str:
    ((found,),) = rows(server, f"SELECT password_hash FROM users WHERE id = '{user_id}'")
    return str(found)


@pytest.mark.parametrize("prefix", GOLDEN)
def test_bcrypt_signs_in_and_is_argon2id_from_then_on(server: RunningServer, project: Project, prefix: str) -> None:
    password, imported = GOLDEN[prefix]
    email = new_email()
    user = project.create_user(primary_email=email, primary_email_auth_enabled=True, password_hash=imported)
    assert stored_hash(server, user["id"]) == imported
    assert sign_in(project, email, password + "x").status_code == 400
    assert stored_hash(server, user["id"]) == imported, "a failure changes nothing"
    assert sign_in(project, email, password).status_code == 200
    replaced = stored_hash(server, user["id"])
    assert replaced.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert sign_in(project, email, password).status_code == 200
    assert stored_hash(server, user["id"]) == replaced
    assert sign_in(project, email, password + "x").status_code == 400


@pytest.mark.parametrize("name", REFUSED)
def test_everything_else_is_refused_at_once_and_makes_nobody(project: Project, name: str) -> None:
    email = new_email()
    user = project.create_user()
    with project.http("server") as client:
        started = time.perf_counter()
        answers = [
            client.post("/users", json={"primary_email": email, "primary_email_auth_enabled": True, "password_hash": REFUSED[name]}),
            client.patch(f"/users/{user['id']}", json={"password_hash": REFUSED[name]}),
            client.patch(f"/users/{SOME_ID}", json={"password_hash": REFUSED[name]}),
        ]
        assert time.perf_counter() - started < 2, "nothing was computed"
        assert [answer.status_code for answer in answers] == [400, 400, 400]
        assert all(REFUSED[name] not in answer.text for answer in answers)
        assert client.get("/users", params={"query": email}).json()["items"] == []
        assert client.get(f"/users/{user['id']}").json()["has_password"] is False


def test_the_dearest_that_is_accepted_leaves_the_rest_of_the_server_its_time(project: Project) -> None:
    email = new_email()
    project.create_user(primary_email=email, primary_email_auth_enabled=True, password_hash=f"$2b${MAX_COST}${SALT}{HASH}")
    with project.http("client") as client, project.http("server") as other:
        slow = threading.Thread(target=lambda: client.post("/auth/password/sign-in", json={"email": email, "password": "wrong"}))
        slow.start()
        taken = []
        while slow.is_alive():
            started = time.perf_counter()
            assert other.get("/users", params={"limit": 1}).status_code == 200
            taken.append(time.perf_counter() - started)
            time.sleep(0.02)
    assert sorted(taken)[len(taken) * 9 // 10] < 0.3
