"""Old configuration keys, brought up to date before validation and again when stored overrides are read (contract 04 §8.5).

Keys come as dot paths, as nested objects, or half of each; every rule is a path whose last segment is renamed or removed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hexclave_server.config.schema import Level

_ANY = "*"

# (path, new name of its last segment; None removes it)
_RULES: tuple[tuple[str, str | None], ...] = (
    ("emails.theme", "selectedThemeId"),
    ("emails.themeList", None),
    ("emails.templateList", None),
    ("payments.stripeAccountId", None),
    ("payments.stripeAccountSetupComplete", None),
    ("payments.items.*.default", None),
    ("workflows", None),
    ("apps.installed.workflows", None),
    ("payments.offers", "products"),
    ("payments.groups", "productLines"),
    ("payments.catalogs", "productLines"),
    ("payments.products.*.groupId", "productLineId"),
    ("payments.products.*.catalogId", "productLineId"),
)


def migrate(override: Mapping[str, Any], level: Level) -> dict[str, Any]:
    """The override in today's keys. What it already says in new keys stays; junk is left for validation to find."""
    result = dict(override)
    for path, new_name in _RULES:
        result = _apply(result, path.split("."), new_name)
    if level is not Level.PROJECT:
        result = _apply(result, ["sourceOfTruth"], None)
    return _infer_customer_types(_with_domain_record(result))


def _apply(members: Mapping[str, Any], pattern: list[str], new_name: str | None) -> dict[str, Any]:
    """The members (top-level dot keys, or those of a nested object) with one rule applied."""
    result: dict[str, Any] = {}
    renamed: dict[str, Any] = {}
    for key, value in members.items():
        segments = key.split(".")
        common = min(len(segments), len(pattern))
        if not all(rule in (_ANY, segment) for rule, segment in zip(pattern[:common], segments[:common], strict=True)):
            result[key] = value
        elif len(segments) < len(pattern):
            result[key] = _apply(value, pattern[len(segments) :], new_name) if isinstance(value, dict) else value
        elif new_name is not None:
            segments[len(pattern) - 1] = new_name
            renamed[".".join(segments)] = value
    return {**renamed, **result} if renamed else result


def _with_domain_record(override: Mapping[str, Any]) -> dict[str, Any]:
    """`domains.trustedDomains` was once an array; its places become the keys of the record."""
    result = dict(override)
    if isinstance(result.get("domains.trustedDomains"), list):
        result["domains.trustedDomains"] = _by_place(result["domains.trustedDomains"])
    domains = result.get("domains")
    if isinstance(domains, dict) and isinstance(domains.get("trustedDomains"), list):
        result["domains"] = {**domains, "trustedDomains": _by_place(domains["trustedDomains"])}
    return result


def _by_place(items: list[Any]) -> dict[str, Any]:
    return {str(place): item for place, item in enumerate(items)}


def _infer_customer_types(override: dict[str, Any]) -> dict[str, Any]:
    """Product lines once had no customer type: it is that of their products, where both are in the same nested object."""
    payments = override.get("payments")
    nested = payments if isinstance(payments, dict) else {}
    products = nested.get("products", override.get("payments.products"))
    lines = nested.get("productLines", override.get("payments.productLines"))
    if not isinstance(products, dict) or not isinstance(lines, dict):
        return override
    types = {
        product["productLineId"]: product["customerType"]
        for product in products.values()
        if isinstance(product, dict) and isinstance(product.get("productLineId"), str) and isinstance(product.get("customerType"), str)
    }
    completed = {
        key: {**line, "customerType": types[key]} if isinstance(line, dict) and "customerType" not in line and key in types else line
        for key, line in lines.items()
    }
    if "productLines" in nested:
        return {**override, "payments": {**nested, "productLines": completed}}
    return {**override, "payments.productLines": completed}
