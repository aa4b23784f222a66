"""The one schema for both databases: the metadata that every `tables.py` registers on, and the column types they use.

Only types that both drivers hand over cheaply: text, ids (UUIDs as lower-case text), big integers, booleans, JSON as the text that was
written (`json`, never `jsonb`, which would not keep it). Text is compared and ordered in code units on both (`COLLATE "C"`).
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, Column, Integer, MetaData, Text
from sqlalchemy.dialects.postgresql import TEXT, UUID
from sqlalchemy.types import TypeEngine

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

ID: TypeEngine[str] = Text().with_variant(UUID(as_uuid=False), "postgresql")
TEXT_IN_CODE_UNITS: TypeEngine[str] = Text().with_variant(TEXT(collation="C"), "postgresql")
JSON_TEXT: TypeEngine[str] = Text().with_variant(JSON(), "postgresql")


def id_column(name: str, *args: Any, **options: Any) -> Column[str]:
    """A UUID, lower-case text in Python; takes what `Column` takes."""
    return Column(name, ID, *args, **options)


def text_column(name: str, *args: Any, **options: Any) -> Column[str]:
    """Text without NUL, compared and ordered by code units; takes what `Column` takes."""
    return Column(name, TEXT_IN_CODE_UNITS, *args, **options)


def json_column(name: str, *args: Any, **options: Any) -> Column[str]:
    """JSON as text, kept byte for byte; the caller passes and receives `str`. Takes what `Column` takes."""
    return Column(name, JSON_TEXT, *args, **options)


def millis_column(name: str, *args: Any, **options: Any) -> Column[int]:
    """A time in milliseconds since 1970 UTC; takes what `Column` takes."""
    return Column(name, BigInteger, *args, **options)


def big_int_column(name: str, *args: Any, **options: Any) -> Column[int]:
    """An integer of 64 bits; takes what `Column` takes."""
    return Column(name, BigInteger, *args, **options)


def int_column(name: str, *args: Any, **options: Any) -> Column[int]:
    """An integer of 32 bits; takes what `Column` takes."""
    return Column(name, Integer, *args, **options)


def bool_column(name: str, *args: Any, **options: Any) -> Column[bool]:
    """True or false; takes what `Column` takes."""
    return Column(name, Boolean, *args, **options)
