"""Old configuration keys (contract 04 §8.5, last paragraph)."""

from __future__ import annotations

from typing import Any

import pytest

from hexclave_server.config.migrate import migrate
from hexclave_server.config.schema import Level


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"emails.theme": "x"}, {"emails.selectedThemeId": "x"}),
        ({"emails": {"theme": "x", "themeList": {}, "templateList": {}}}, {"emails": {"selectedThemeId": "x"}}),
        ({"emails": {"theme": "old", "selectedThemeId": "new"}}, {"emails": {"selectedThemeId": "new"}}),
        ({"domains.trustedDomains": [{"baseUrl": "a"}]}, {"domains.trustedDomains": {"0": {"baseUrl": "a"}}}),
        ({"domains": {"trustedDomains": [1, 2]}}, {"domains": {"trustedDomains": {"0": 1, "1": 2}}}),
        ({"payments.stripeAccountId": "x", "payments": {"stripeAccountSetupComplete": True}}, {"payments": {}}),
        ({"payments.items.seat.default.quantity": 1, "payments.items": {"a": {"default": 1, "b": 2}}}, {"payments.items": {"a": {"b": 2}}}),
        ({"workflows.x": 1, "workflows": 2, "apps.installed.workflows.enabled": True}, {}),
        ({"payments.offers.x.displayName": "d"}, {"payments.products.x.displayName": "d"}),
        ({"payments.products.x.groupId": "g"}, {"payments.products.x.productLineId": "g"}),
        ({"payments.offers": {"x": {"catalogId": "g"}}}, {"payments.products": {"x": {"productLineId": "g"}}}),
        (
            {"payments": {"groups": {"g": {"displayName": "G"}}, "offers": {"x": {"groupId": "g", "customerType": "team"}}}},
            {
                "payments": {
                    "productLines": {"g": {"displayName": "G", "customerType": "team"}},
                    "products": {"x": {"productLineId": "g", "customerType": "team"}},
                }
            },
        ),
        ({"sourceOfTruth": {"type": "hosted"}, "sourceOfTruth.type": "neon"}, {}),
        ({"emails": 5, "payments": [1], "x.y": None}, {"emails": 5, "payments": [1], "x.y": None}),
    ],
)
def test_old_keys_become_new_ones(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert migrate(old, Level.BRANCH) == new
    assert migrate(new, Level.BRANCH) == new


def test_the_source_of_truth_stays_at_project_level() -> None:
    assert migrate({"sourceOfTruth": {"type": "hosted"}}, Level.PROJECT) == {"sourceOfTruth": {"type": "hosted"}}
