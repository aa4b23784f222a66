"""Queries mean the same on both databases."""

from __future__ import annotations

import json

import msgspec
import pytest
from sqlalchemy import MetaData, Table, bindparam, desc, false, func, insert, literal, or_, select, true, update

from hexclave_server.contact_channels.tables import contact_channels
from hexclave_server.core.db import (
    Database,
    Query,
    contains,
    holds,
    id_column,
    in_list,
    insert_if_absent,
    json_array_of,
    one_of,
    text_column,
    upsert,
)
from tests.db.storage import ADD_ONE, COUNT, DELETE, INSERT, RENAME, SELECT, SELECT_ALL, Storage, Thing, thing, things, uuid

pytestmark = pytest.mark.anyio

NAMES = Query(select(things.c.name).where(in_list(things.c.id, "ids")).order_by(things.c.name))


class Name(msgspec.Struct, frozen=True):
    name: str


async def test_a_row_comes_back_as_it_was_written(db: Database):
    await db.execute(INSERT, **thing(1, is_new=False, made_at=2**53, notes='{"b": 1, "a":  [1.0, "\\u0000", 1e400], "b": 2}'))
    assert await db.first(Thing, SELECT, id=uuid(1)) == Thing(
        id=uuid(1), name="thing 1", is_new=False, made_at=2**53, notes='{"b": 1, "a":  [1.0, "\\u0000", 1e400], "b": 2}'
    )


async def test_booleans_are_booleans_and_null_stays_null(db: Database):
    for number, is_new in enumerate((True, False, None)):
        await db.execute(INSERT, **thing(number, is_new=is_new))
    rows = await db.all(Thing, SELECT_ALL)
    assert [row.is_new for row in rows] == [True, False, None]
    assert all(type(row.is_new) is bool for row in rows[:2])
    assert await db.value(Query(select(things.c.is_new).where(things.c.id == bindparam("id"))), id=uuid(1)) is False
    assert await db.value(Query(select((things.c.made_at == 0).label("x")).where(things.c.id == bindparam("id"))), id=uuid(1)) is True


async def test_conditions_on_booleans(db: Database):
    for number, is_new in enumerate((True, False, None)):
        await db.execute(INSERT, **thing(number, is_new=is_new))
    for condition, found in (
        (things.c.is_new, ["thing 0"]),
        (holds(things.c.is_new), ["thing 0"]),
        (~things.c.is_new, ["thing 1"]),
        (things.c.is_new == false(), ["thing 1"]),
        (things.c.is_new.is_(True), ["thing 0"]),
        (things.c.is_new.is_(None), ["thing 2"]),
        (things.c.is_new == bindparam("flag"), ["thing 1"]),
    ):
        params = {"flag": False} if condition is not None and "flag" in str(condition) else {}
        rows = await db.all(Name, Query(select(things.c.name).where(condition).order_by(things.c.name)), **params)
        assert [row.name for row in rows] == found, str(condition)
    assert await db.execute(Query(update(things).values(is_new=true()))) == 3


async def test_no_row_is_none(db: Database):
    assert await db.first(Thing, SELECT, id=uuid(404)) is None
    assert await db.value(Query(select(things.c.name).where(things.c.id == bindparam("id"))), id=uuid(404)) is None
    assert await db.all(Thing, SELECT_ALL) == []
    assert await db.value(COUNT) == 0


async def test_execute_counts_the_rows_it_changed(db: Database):
    assert await db.execute(INSERT, **thing(1)) == 1
    assert await db.execute(RENAME, which=uuid(1), new_name="x") == 1
    assert await db.execute(RENAME, which=uuid(2), new_name="x") == 0
    assert await db.execute(DELETE, id=uuid(1)) == 1
    assert await db.execute(DELETE, id=uuid(1)) == 0


async def test_update_returning_gives_the_new_value(db: Database):
    await db.execute(INSERT, **thing(1, made_at=41))
    assert await db.value(ADD_ONE, which=uuid(1)) == 42
    assert await db.value(ADD_ONE, which=uuid(2)) is None


async def test_lists_as_one_parameter(db: Database):
    for number in range(5):
        await db.execute(INSERT, **thing(number))
    assert await db.all(Name, NAMES, ids=[uuid(1), uuid(3), uuid(99)]) == [Name("thing 1"), Name("thing 3")]
    assert await db.all(Name, NAMES, ids=[]) == []
    by_name = Query(select(things.c.name).where(in_list(things.c.name, "names")))
    assert await db.all(Name, by_name, names=["thing 2", 'it\'s "ö"']) == [Name("thing 2")]
    negated = Query(select(things.c.name).where(or_(~in_list(things.c.name, "names"), literal(1) == 2)).order_by(things.c.name))
    assert len(await db.all(Name, negated, names=["thing 2"])) == 4
    constants = Query(select(things.c.name).where(one_of(things.c.name, "thing 1", "thing 4")).order_by(things.c.name))
    assert await db.all(Name, constants) == [Name("thing 1"), Name("thing 4")]


async def test_contains_knows_no_wildcards(db: Database):
    for number, name in enumerate(("50% off", "50 off", "a_b", "aXb", "Äpfel")):
        await db.execute(INSERT, **thing(number, name=name))
    query = Query(select(things.c.name).where(contains(things.c.name, "text")).order_by(things.c.name))
    for text, found in (("0%", ["50% off"]), ("a_", ["a_b"]), ("pf", ["Äpfel"]), ("Ä", ["Äpfel"]), ("ä", []), ("\\", [])):
        assert [row.name for row in await db.all(Name, query, text=text)] == found


async def test_text_is_ordered_by_code_units(db: Database):
    names = ["b", "B", "a", "_", "ä", "Z", "é", "10", "9", "\U0001f600", "\uffff"]
    for number, name in enumerate(names):
        await db.execute(INSERT, **thing(number, name=name))
    assert [row.name for row in await db.all(Thing, SELECT_ALL)] == sorted(names)
    after = Query(select(things.c.name).where(things.c.name > bindparam("last")).order_by(desc(things.c.name)).limit(2))
    assert [row.name for row in await db.all(Name, after, last="a")] == sorted(names)[:-3:-1]


async def test_ids_are_lower_case_text(db: Database):
    await db.execute(INSERT, **thing(0xABCDEF))
    row = await db.first(Thing, SELECT, id=uuid(0xABCDEF))
    assert row is not None
    assert row.id == "00000000-0000-4000-8000-000000abcdef"
    assert type(row.id) is str


async def test_constants_limits_and_repeated_parameters(db: Database):
    for number in range(5):
        await db.execute(INSERT, **thing(number))
    query = Query(
        select(things.c.name, func.coalesce(bindparam("text", type_=things.c.name.type), "none").label("said"))
        .where(or_(things.c.name >= bindparam("text"), bindparam("text", type_=things.c.name.type).is_(None)))
        .order_by(things.c.name)
        .limit(2)
        .offset(1)
    )

    class Said(msgspec.Struct):
        name: str
        said: str

    assert [row.name for row in await db.all(Said, query, text="thing 2")] == ["thing 3", "thing 4"]
    assert [row.said for row in await db.all(Said, query, text=None)] == ["none", "none"]


async def test_insert_if_absent_and_upsert(db: Database):
    quiet = Query(insert_if_absent(things, "id").returning(things.c.id))
    assert await db.value(quiet, **thing(1, name="first")) == uuid(1)
    assert await db.value(quiet, **thing(1, name="second")) is None
    any_key = Query(insert_if_absent(things))
    assert await db.execute(any_key, **thing(2, name="first")) == 0
    both = Query(upsert(things, "id", update=["name", "notes"]).returning(things.c.name))
    assert await db.value(both, **thing(1, name="third", made_at=99)) == "third"
    row = await db.first(Thing, SELECT, id=uuid(1))
    assert row is not None
    assert (row.name, row.made_at) == ("third", 0)


async def test_rows_of_another_table_as_json(db: Database):
    for number, name in enumerate(("a", 'quote " and \\', "ä")):
        await db.execute(INSERT, **thing(number, name=name, is_new=(True, False, None)[number], made_at=number, notes='{"a":  [1]}'))
    inner = things.alias("inner_things")
    query = Query(
        select(
            things.c.id,
            json_array_of(
                inner.c.id, inner.c.name, inner.c.is_new, inner.c.made_at, inner.c.notes, where=inner.c.made_at <= things.c.made_at,
                order_by=[inner.c.made_at.desc()], within=inner,
            ).label("up_to_here"),
            json_array_of(inner.c.id, where=inner.c.made_at > 100, within=inner).label("none"),
        ).order_by(things.c.made_at)
    )  # fmt: skip

    class Row(msgspec.Struct):
        id: str
        up_to_here: str
        none: str

    rows = await db.all(Row, query)
    assert json.loads(rows[1].up_to_here) == [
        {"id": uuid(1), "name": 'quote " and \\', "is_new": False, "made_at": 1, "notes": {"a": [1]}},
        {"id": uuid(0), "name": "a", "is_new": True, "made_at": 0, "notes": {"a": [1]}},
    ]
    assert json.loads(rows[2].up_to_here)[0]["is_new"] is None
    assert [json.loads(row.none) for row in rows] == [[], [], []]


async def test_mistakes_in_parameters_and_rows_are_found_at_once(db: Database):
    with pytest.raises(TypeError, match="missing: \\['id'\\]"):
        await db.first(Thing, SELECT)
    with pytest.raises(TypeError, match="unknown: \\['extra'\\]"):
        await db.first(Thing, SELECT, id=uuid(1), extra=1)
    with pytest.raises(TypeError, match="the fields of Name"):
        await db.first(Name, SELECT, id=uuid(1))
    with pytest.raises(TypeError, match="one_of"):
        await db.all(Thing, Query(select(things).where(things.c.name.in_(["a"]))))
    with pytest.raises(TypeError, match="defaults"):
        await db.execute(
            Query(insert(Table("other", MetaData(), id_column("id"), text_column("name", default="x"))).values(id=bindparam("i"))),
            i=uuid(1),
        )
    assert await db.value(COUNT) == 0


async def test_partial_indexes_serve(storage: Storage, db: Database):
    query = Query(
        select(contact_channels.c.user_id).where(
            contact_channels.c.tenancy_id == bindparam("tenancy_id"),
            contact_channels.c.type == bindparam("type"),
            contact_channels.c.value == bindparam("value"),
            contact_channels.c.used_for_auth,
        )
    )
    if storage.kind == "sqlite":
        plan = str(storage.run("EXPLAIN QUERY PLAN " + query.for_sqlite().sql.replace("?", "'x'")))
    else:
        sql = query.for_postgresql().sql.replace("$1", f"'{uuid(1)}'").replace("$2", "'x'").replace("$3", "'y'")
        plan = str(storage.run("EXPLAIN " + sql))
    assert "uq_contact_channels_used_for_auth" in plan
