"""Decoding of request bodies: the fast way and the slow way must accept the same and say what is wrong."""

from __future__ import annotations

import json
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Raw, UnsetType

from hexclave_server.core.constraints import (
    LenientEmail,
    NonEmpty,
    StrictEmail,
    Url,
    UserIdOrMe,
    Uuid,
    at_most,
    between,
    is_uuid,
    utf16_length,
)
from hexclave_server.core.schema import Body, BodyUnparsable, Defects, decode_json, decode_value


class Inner(Body):
    bot: Annotated[int, between(0, 100)]


class Example(Body):
    name: Annotated[str, at_most(5)] | None | UnsetType = UNSET
    count: int | UnsetType = UNSET
    ratio: float | UnsetType = UNSET
    flag: bool | UnsetType = UNSET
    email: StrictEmail | UnsetType = UNSET
    loose: LenientEmail | UnsetType = UNSET
    id: Uuid | UnsetType = UNSET
    user_id: UserIdOrMe | UnsetType = UNSET
    link: Url | UnsetType = UNSET
    filled: Annotated[str, NonEmpty] | UnsetType = UNSET
    inner: Inner | UnsetType = UNSET
    items: list[Inner] | UnsetType = UNSET
    free: Raw | UnsetType = UNSET


def decode(value: Any) -> Example:
    return decode_json(Example, json.dumps(value, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    ("sent", "field", "stored"),
    [
        ({"name": 5}, "name", "5"),
        ({"name": True}, "name", "true"),
        ({"name": None}, "name", None),
        ({"count": "5"}, "count", 5),
        ({"count": "1e3"}, "count", 1000),
        ({"count": 5.0}, "count", 5),
        ({"ratio": " 1 000.5 "}, "ratio", 1000.5),
        ({"flag": "TRUE"}, "flag", True),
        ({"flag": 0}, "flag", False),
        ({"flag": "1"}, "flag", True),
        ({"loose": ""}, "loose", ""),
        ({"loose": "a@b"}, "loose", "a@b"),
        ({"id": "AAAAAAAA-AAAA-4AAA-8AAA-AAAAAAAAAAAA"}, "id", "aaaaaaaa-aaaa-4aaa-8aaa-aaaaaaaaaaaa"),
        ({"id": "00000000-0000-0000-0000-000000000000"}, "id", "00000000-0000-0000-0000-000000000000"),
        ({"user_id": "me"}, "user_id", "me"),
        ({"link": "custom-scheme:whatever"}, "link", "custom-scheme:whatever"),
    ],
)
def test_scalars_are_cast_as_the_contract_says(sent: dict[str, Any], field: str, stored: Any) -> None:
    assert getattr(decode(sent), field) == stored


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        ({"name": "abcdef"}, "body.name must be at most 5 characters long"),
        ({"name": "😀😀😀"}, "body.name must be at most 5 characters long"),
        ({"name": {}}, "body.name must be a string"),
        ({"name": "a\0"}, "body.name must not contain a NUL character"),
        ({"count": ""}, "body.count must be a number"),
        ({"count": 1.5}, "body.count must be a whole number"),
        ({"count": None}, "body.count must not be null"),
        ({"count": True}, "body.count must be a number"),
        ({"flag": "yes"}, "body.flag must be true or false"),
        ({"email": "a@b"}, "body.email must be an email address"),
        ({"email": ""}, "body.email must be an email address"),
        ({"email": "a..b@example.com"}, "body.email must be an email address"),
        ({"email": "ä@example.com"}, "body.email must be an email address"),
        ({"loose": " a@b.c"}, "body.loose must be an email address"),
        ({"id": "aaaaaaaa-aaaa-7aaa-8aaa-aaaaaaaaaaaa"}, "body.id must be a UUID"),
        ({"link": "https://a b.com"}, "body.link must be a URL"),
        ({"link": "no"}, "body.link must be a URL"),
        ({"filled": ""}, "body.filled must not be empty"),
        ({"inner": {"bot": 101}}, "body.inner.bot must be at least 0 and at most 100"),
        ({"inner": {"bot": 1, "more": 1}}, "body.inner has an unknown property: more"),
        ({"inner": None}, "body.inner must be an object"),
        ({"items": [{"bot": 1}, {}]}, "body.items[1].bot is required"),
        ({"items": {}}, "body.items must be an array"),
        ({"admin": True}, "body has an unknown property: admin"),
        ([], "body must be an object"),
        ("text", "body must be an object"),
    ],
)
def test_each_defect_is_named_by_its_path(sent: Any, message: str) -> None:
    with pytest.raises(Defects) as found:
        decode(sent)
    assert message in found.value.messages


def test_all_defects_are_listed_at_once() -> None:
    with pytest.raises(Defects) as found:
        decode({"name": "abcdef", "count": "x", "other": 1})
    assert len(found.value.messages) == 3


@pytest.mark.parametrize("text", ['{"a":', "", "nul", '"\\ud800"', '{"free":"\\udc00"}', "[" * 501 + "]" * 501, "[" * 100_000])
def test_what_is_not_json_is_unparsable(text: str) -> None:
    with pytest.raises(BodyUnparsable):
        decode_json(Example, text.encode())


@pytest.mark.parametrize(
    "text", ['{"x" : 1e999999 }', "[ 1,\t2 ]", '{"a":"\\u0000"}', "null", "[" * 490 + "]" * 490, '"\\u00e4"', '{"b":1,"a":2}']
)
def test_free_values_are_kept_as_sent(text: str) -> None:
    value = decode_json(Example, b'{"free":' + text.encode() + b"}")
    assert isinstance(value.free, Raw)
    assert bytes(value.free) == text.encode()


def test_a_form_becomes_the_same_struct() -> None:
    value = decode_value(Example, {"count": "7", "flag": "true", "free": "x"}, "body")
    assert (value.count, value.flag, bytes(value.free)) == (7, True, b'"x"')  # type: ignore[arg-type]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=5), children, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*Example.__struct_fields__, "other"]), json_values, max_size=5))
def test_fast_and_slow_way_agree(sent: dict[str, Any]) -> None:
    def outcome(data: bytes) -> Any:
        try:
            return msgspec.to_builtins(decode_json(Example, data), enc_hook=bytes)
        except Defects as found:
            return found.messages
        except BodyUnparsable:
            return "unparsable"

    plain = json.dumps(sent, ensure_ascii=False)
    if any(0xD800 <= ord(c) <= 0xDFFF for c in plain):
        return
    fast = outcome(plain.encode())
    escaped_key = plain.replace('"other"', '"\\u006fther"').replace('"name"', '"\\u006eame"')
    assert outcome(escaped_key.encode()) == fast


@given(st.text())
def test_lengths_are_counted_in_utf16_units(text: str) -> None:
    assert utf16_length(text) == sum(2 if ord(c) > 0xFFFF else 1 for c in text)


@given(st.uuids(version=4))
def test_every_v4_uuid_passes(value: Any) -> None:
    assert is_uuid(str(value))
