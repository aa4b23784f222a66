"""Every configuration key with its type, the levels that may write it, and its default: the table of contract 04 §10 as data.

Defaults are what an unset key means; what a new project gets instead is in new_project.py. The order of members is the rendered order.
"""

from __future__ import annotations

import re

from hexclave_server.config.schema import (
    ENTRY_ID,
    FROM_ENVIRONMENT,
    PROJECT_ONLY,
    Either,
    Interval,
    KeyRule,
    Node,
    Record,
    Scalar,
    Section,
)

APP_IDS = (
    "authentication",
    "fraud-protection",
    "onboarding",
    "teams",
    "rbac",
    "api-keys",
    "payments",
    "emails",
    "email-api",
    "data-vault",
    "webhooks",
    "tv-mode",
    "launch-checklist",
    "catalyst",
    "neon",
    "convex",
    "vercel",
    "analytics",
)
PROVIDER_TYPES = (
    "google",
    "github",
    "microsoft",
    "spotify",
    "facebook",
    "discord",
    "gitlab",
    "bitbucket",
    "linkedin",
    "apple",
    "x",
    "twitch",
    "oidc",
)
CURRENCIES = ("USD", "EUR", "GBP", "JPY", "INR", "AUD", "CAD")

DEFAULT_THEME_ID = "1df07ae6-abf3-4a40-83a5-a1a2cbe336ac"
# No sources: the built-in ones are template files of emails, not TSX, which this server cannot execute.
BUILT_IN_THEMES = {
    DEFAULT_THEME_ID: {"displayName": "Default Light", "tsxSource": ""},
    "a0172b5d-cff0-463b-83bb-85124697373a": {"displayName": "Default Dark", "tsxSource": ""},
    "c7e2d94f-8a1b-4e6d-b3f5-9d0a2e7c1b8f": {"displayName": "Default Colorful", "tsxSource": ""},
}
BUILT_IN_TEMPLATES = {
    "e7d009ce-8d47-4528-b245-5bf119f2ffa3": {"displayName": "Email Verification", "tsxSource": ""},
    "a70fb3a4-56c1-4e42-af25-49d25603abd0": {"displayName": "Password Reset", "tsxSource": ""},
    "822687fe-8d0a-4467-a0d1-416b6e639478": {"displayName": "Magic Link/OTP", "tsxSource": ""},
    "e84de395-2076-4831-9c19-8e9a96a868e4": {"displayName": "Team Invitation", "tsxSource": ""},
    "066dd73c-36da-4fd0-b6d6-ebf87683f8bc": {"displayName": "Sign In Invitation", "tsxSource": ""},
    "70372aee-0441-4d80-974c-2e858e40123a": {"displayName": "Payment Receipt", "tsxSource": ""},
    "f64b1afe-27ec-4a28-a277-7178f3261f9a": {"displayName": "Payment Failed", "tsxSource": ""},
}

_ID = KeyRule(re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9_-]{0,62}"), "1 to 63 letters, digits, _ and - that do not begin with -")
_PERMISSION = KeyRule(re.compile(r"\$?[a-z0-9_:]+"), "lower-case letters, digits, _ and :, with a $ in front for system permissions")
_CUSTOM_PERMISSION = KeyRule(re.compile(r"[a-z0-9_:]+"), "lower-case letters, digits, _ and :")
_UUID = KeyRule(re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"), "a UUID", nested=True)
_APP = KeyRule(re.compile(""), "one of " + ", ".join(APP_IDS), nested=True, ids=APP_IDS)


_TEXT = Scalar("string")
_OFF = Scalar("boolean", False)
_ON = Scalar("boolean", True)


def _enum(*choices: str, default: str | None = None) -> Scalar:
    return Scalar("string", default, choices=choices) if default is not None else Scalar("string", choices=choices)


_ENV_TEXT = Scalar("string", levels=FROM_ENVIRONMENT)
_ENV_SECRET = Scalar("string", levels=FROM_ENVIRONMENT, secret=True)
_TRUE = Scalar("boolean")

_PROVIDER = Section(
    {
        "type": _enum(*PROVIDER_TYPES),
        "allowSignIn": _OFF,
        "allowConnectedAccounts": _OFF,
        "isShared": Scalar("boolean", True, FROM_ENVIRONMENT),
        "clientId": _ENV_TEXT,
        "clientSecret": _ENV_SECRET,
        "facebookConfigId": _ENV_TEXT,
        "microsoftTenantId": _ENV_TEXT,
        "appleBundles": Record(_ID, Section({"bundleId": _ENV_TEXT}), optional=True),
        # Ours, for type `oidc`:
        "issuer": _ENV_TEXT,
        "scopes": _ENV_TEXT,
        "displayName": _ENV_TEXT,
    }
)

_SIGN_UP_RULE = Section(
    {
        "enabled": _OFF,
        "displayName": _TEXT,
        "priority": Scalar("number", 0),
        "condition": _TEXT,
        "action": Section({"type": _enum("allow", "reject", "restrict", "log", default="allow"), "message": _TEXT}),
    }
)

_PRICE = Section(
    {
        **dict.fromkeys(CURRENCIES, _TEXT),
        "interval": Interval(),
        "serverOnly": _OFF,
        "freeTrial": Interval(),
    }
)
_CUSTOMER_TYPE = _enum("user", "team", "custom")
_USER_BY_DEFAULT = _enum("user", "team", "custom", default="user")
_PRODUCT = Section(
    {
        "displayName": Scalar("string", ENTRY_ID),
        "productLineId": _TEXT,
        "isAddOnTo": Either((Scalar("boolean"), Record(_ID, _TRUE)), default=False),
        "customerType": _USER_BY_DEFAULT,
        "freeTrial": Interval(),
        "serverOnly": _OFF,
        "stackable": Scalar("boolean"),
        "prices": Either((_enum("include-by-default"), Record(_ID, _PRICE)), default={}),
        "includedItems": Record(
            _ID,
            Section(
                {
                    "quantity": Scalar("number", 0),
                    "repeat": Either((_enum("never"), Interval()), default="never"),
                    "expires": _enum("never", "when-purchase-expires", "when-repeated", default="when-repeated"),
                }
            ),
        ),
    }
)

_QUERY = Section(
    {
        "displayName": Scalar("string", "Unnamed query", FROM_ENVIRONMENT),
        "sqlQuery": Scalar("string", "", FROM_ENVIRONMENT),
        "description": _ENV_TEXT,
    }
)
_QUERY_FOLDER = Section(
    {
        "displayName": Scalar("string", "Unnamed folder", FROM_ENVIRONMENT),
        "sortOrder": Scalar("number", 0, FROM_ENVIRONMENT),
        "queries": Record(_ID, _QUERY),
    }
)

_AUTH: dict[str, Node] = {
    "allowSignUp": _ON,
    "password": Section({"allowSignIn": _OFF, "refuseBreached": Scalar("boolean")}),
    "otp": Section({"allowSignIn": _OFF}),
    "passkey": Section({"allowSignIn": _OFF}),
    "oauth": Section(
        {
            "accountMergeStrategy": _enum("link_method", "raise_error", "allow_duplicates", default="link_method"),
            "providers": Record(_PERMISSION, _PROVIDER),
        }
    ),
    "signUpRules": Record(_ID, _SIGN_UP_RULE),
    "signUpRulesDefaultAction": _enum("allow", "reject", default="allow"),
}

_RBAC: dict[str, Node] = {
    "permissions": Record(
        _CUSTOM_PERMISSION,
        Section({"description": _TEXT, "scope": _enum("team", "project"), "containedPermissionIds": Record(_PERMISSION, _TRUE)}),
    ),
    "defaultPermissions": Section(
        {"teamCreator": Record(_PERMISSION, _TRUE), "teamMember": Record(_PERMISSION, _TRUE), "signUp": Record(_PERMISSION, _TRUE)}
    ),
}

_EMAILS: dict[str, Node] = {
    "server": Section(
        {
            "isShared": Scalar("boolean", True, FROM_ENVIRONMENT),
            "provider": Scalar("string", "smtp", FROM_ENVIRONMENT, choices=("smtp", "resend", "managed")),
            "host": _ENV_TEXT,
            "port": Scalar("number", levels=FROM_ENVIRONMENT),
            "username": _ENV_TEXT,
            "password": _ENV_SECRET,
            "senderName": _ENV_TEXT,
            "senderEmail": _ENV_TEXT,
            "managedSubdomain": _ENV_TEXT,
            "managedSenderLocalPart": _ENV_TEXT,
        }
    ),
    "selectedThemeId": Scalar("string", DEFAULT_THEME_ID),
    "themes": Record(_UUID, Section({"displayName": _TEXT, "tsxSource": _TEXT}), BUILT_IN_THEMES),
    "templates": Record(
        _UUID,
        Section({"displayName": _TEXT, "tsxSource": _TEXT, "themeId": Either((_TEXT, Scalar("boolean")))}),
        BUILT_IN_TEMPLATES,
    ),
}

_PAYMENTS: dict[str, Node] = {
    "blockNewPurchases": _OFF,
    "autoPay": Section({"interval": Interval()}, optional=True),
    "testMode": Scalar("boolean", True, FROM_ENVIRONMENT),
    "productLines": Record(_ID, Section({"displayName": _TEXT, "customerType": _CUSTOMER_TYPE})),
    "products": Record(_ID, _PRODUCT),
    "items": Record(_ID, Section({"displayName": Scalar("string", ENTRY_ID), "customerType": _USER_BY_DEFAULT})),
}

_DOMAINS: dict[str, Node] = {
    "allowLocalhost": Scalar("boolean", False, FROM_ENVIRONMENT),
    "trustedDomains": Record(_ID, Section({"baseUrl": _ENV_TEXT, "handlerPath": Scalar("string", "/handler", FROM_ENVIRONMENT)})),
}

_SOURCE_OF_TRUTH = Section(
    {
        "type": Scalar("string", "hosted", PROJECT_ONLY, choices=("hosted", "neon", "postgres")),
        "connectionStrings": Record(_ID, Scalar("string", levels=PROJECT_ONLY, secret=True)),
        "connectionString": Scalar("string", levels=PROJECT_ONLY, secret=True),
    }
)

_EXTERNAL_DATABASE = Section({"type": _enum("postgres"), "connectionString": Scalar("string", secret=True)})
_DASHBOARD = Section(
    {
        "displayName": Scalar("string", "Unnamed dashboard", FROM_ENVIRONMENT),
        "tsxSource": Scalar("string", "", FROM_ENVIRONMENT),
    }
)

ROOT = Section(
    {
        "sourceOfTruth": _SOURCE_OF_TRUTH,
        "project": Section({"requirePublishableClientKey": Scalar("boolean", False, PROJECT_ONLY)}),
        "rbac": Section(_RBAC),
        "teams": Section({"createPersonalTeamOnSignUp": _OFF, "allowClientTeamCreation": _OFF}),
        "users": Section({"allowClientUserDeletion": _OFF}),
        "onboarding": Section({"requireEmailVerification": _OFF}),
        "apiKeys": Section({"enabled": Section({"team": _OFF, "user": _OFF})}),
        "apps": Section({"installed": Record(_APP, Section({"enabled": _OFF}))}),
        "auth": Section(_AUTH),
        "emails": Section(_EMAILS),
        "domains": Section(_DOMAINS),
        "payments": Section(_PAYMENTS),
        "dbSync": Section({"externalDatabases": Record(_ID, _EXTERNAL_DATABASE)}),
        "dataVault": Section({"stores": Record(_ID, Section({"displayName": Scalar("string", "Unnamed vault")}))}),
        "analytics": Section({"queryFolders": Record(_ID, _QUERY_FOLDER)}),
        "customDashboards": Record(_UUID, _DASHBOARD),
    }
)
