"""The fixed categories of email (contract 05 §4). `can_disable` is information: transactional mail is sent to those who switched it off, too."""

from __future__ import annotations

import msgspec

from hexclave_server.emails.service import Category


class NotificationCategory(msgspec.Struct, frozen=True):
    """A category, and whether those who never said anything get it."""

    id: str
    category: Category
    is_default: bool
    can_disable: bool


CATEGORIES = (
    NotificationCategory("7bb82d33-2f54-4a3d-9d23-82739e0d66ef", Category.TRANSACTIONAL, is_default=True, can_disable=False),
    NotificationCategory("4f6f8873-3d04-46bd-8bef-18338b1a1b4c", Category.MARKETING, is_default=True, can_disable=True),
)
_BY_ID = {category.id: category for category in CATEGORIES}


def find_category(category_id: str) -> NotificationCategory | None:
    """The category with this id, or None."""
    return _BY_ID.get(category_id)


def id_of(category: Category) -> str:
    """The id of a category."""
    return next(known.id for known in CATEGORIES if known.category is category)
