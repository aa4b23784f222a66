"""The catalogue against the contract's list, and what every error owes to the person who reads it."""

import inspect
import json
from pathlib import Path

import pytest

from hexclave_server.core import known_errors
from hexclave_server.core.errors import KnownError
from hexclave_server.core.known_errors import (
    BY_CODE,
    EmailNotEditable,
    EmailPasswordMismatch,
    PasswordRequirementsNotMet,
    PasswordTooLong,
    SchemaError,
)

CATALOGUE = Path(__file__).parents[3] / "shared" / "contract" / "errors.json"
SAMPLE = "sample"


def class_name(code):
    name = "".join(word.capitalize() for word in code.split("_"))
    return name.replace("Oauth", "OAuth").replace("Webauthn", "WebAuthn")


def make(error):
    names = [name for name in inspect.signature(error).parameters if name != "details"]
    return error(**dict.fromkeys(names or error._fields, SAMPLE))


@pytest.fixture(scope="module")
def catalogue():
    if not CATALOGUE.exists():
        pytest.skip(f"{CATALOGUE} is not beside this checkout, so the catalogue has nothing to be compared with")
    return json.loads(CATALOGUE.read_text())


def test_exactly_the_codes_of_the_contract_exist(catalogue):
    assert set(BY_CODE) == {entry["code"] for entry in catalogue if not entry.get("abstract")}


def test_status_and_details_are_those_of_the_contract(catalogue):
    ours = {code: (error.status, list(make(error).details() or ())) for code, error in BY_CODE.items()}
    assert ours == {entry["code"]: (entry["status"], entry["details"]) for entry in catalogue if not entry.get("abstract")}


def test_names_and_parents_are_those_of_the_contract(catalogue):
    for entry in catalogue:
        error = getattr(known_errors, class_name(entry["code"]))
        parent = getattr(known_errors, class_name(entry["parent"])) if "parent" in entry else KnownError
        assert error.__bases__ == (parent,), entry["code"]
        assert (error.code is None) == bool(entry.get("abstract")), entry["code"]


@pytest.mark.parametrize("error", BY_CODE.values(), ids=BY_CODE)
def test_every_error_says_something_to_a_person(error):
    made = make(error)
    assert made.message.strip()
    assert str(made) == made.message
    assert made.code is not None
    assert made.code not in made.message


@pytest.mark.parametrize("error", BY_CODE.values(), ids=BY_CODE)
def test_the_documented_details_are_those_that_are_sent(error):
    assert list(error.detail_types()) == list(make(error).details() or ())


def test_a_group_of_errors_cannot_be_raised():
    with pytest.raises(TypeError, match="group of errors"):
        PasswordRequirementsNotMet()


def test_details_must_be_complete():
    with pytest.raises(TypeError):
        EmailNotEditable(email_id="1")
    with pytest.raises(TypeError):
        EmailPasswordMismatch(email="ada@example.com")


def test_details_are_absent_where_there_are_none():
    assert EmailPasswordMismatch().details() is None


def test_names_that_would_clash_lose_their_underscore_on_the_wire():
    assert EmailNotEditable(email_id="1", status_="sent").details() == {"email_id": "1", "status": "sent"}


def test_the_wire_spells_the_longest_password_in_camel_case():
    assert PasswordTooLong(maxLength=70).details() == {"maxLength": 70}


def test_a_schema_error_tells_its_text_twice():
    error = SchemaError(text="body.email is required")
    assert error.message == "body.email is required"
    assert error.details() == {"message": error.message}
