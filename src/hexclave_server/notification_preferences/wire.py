"""Notification preferences on the wire (contract 05 §4), and the query of an unsubscribe link (contract 08 §4)."""

from __future__ import annotations

from typing import Literal

from hexclave_server.core.constraints import UserIdOrMe, Uuid
from hexclave_server.core.schema import Body, OpenBody, Wire


class NotificationPreference(Wire):
    """Whether a user gets the emails of a category."""

    notification_category_id: str
    notification_category_name: str
    enabled: bool
    can_disable: bool


class NotificationPreferenceList(Wire):
    """All categories."""

    items: list[NotificationPreference]
    is_paginated: Literal[False] = False


class NotificationPreferenceUpdate(Body):
    """Whether the user wants the emails of the category."""

    enabled: bool


class UserPath(Body):
    """The user that the path names."""

    user_id: UserIdOrMe


class PreferencePath(Body):
    """The user and the category that the path names."""

    user_id: UserIdOrMe
    notification_category_id: Uuid


class UnsubscribeQuery(OpenBody):
    """The code of the link. Mail programs add parameters of their own to links."""

    code: str = ""
