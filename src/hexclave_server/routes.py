"""The table of contents: every endpoint of the server.

Each declaration names its access type, its traffic limit and, where it checks a secret, its throttle.
"""

from hexclave_server.administrators.routes import ENDPOINTS as SETUP
from hexclave_server.anonymous_users.routes import ENDPOINTS as ANONYMOUS_USERS
from hexclave_server.cli_login.page_routes import ENDPOINTS as CLI_LOGIN_PAGE
from hexclave_server.cli_login.routes import ENDPOINTS as CLI_LOGIN
from hexclave_server.config.routes import ENDPOINTS as CONFIG
from hexclave_server.connected_accounts.routes import ENDPOINTS as CONNECTED_ACCOUNTS
from hexclave_server.contact_channels.routes import ENDPOINTS as CONTACT_CHANNELS
from hexclave_server.core.endpoint import Endpoint
from hexclave_server.emails.mailbox_routes import ENDPOINTS as MAILBOX
from hexclave_server.mfa.routes import ENDPOINTS as MFA
from hexclave_server.notification_preferences.routes import ENDPOINTS as NOTIFICATION_PREFERENCES
from hexclave_server.oauth.routes import ENDPOINTS as OAUTH
from hexclave_server.oauth_providers.routes import ENDPOINTS as OAUTH_PROVIDERS
from hexclave_server.otp.routes import ENDPOINTS as OTP
from hexclave_server.pages.routes import ENDPOINTS as GREETING
from hexclave_server.passkeys.routes import ENDPOINTS as PASSKEYS
from hexclave_server.passwords.routes import ENDPOINTS as PASSWORDS
from hexclave_server.projects.routes import ENDPOINTS as PROJECTS
from hexclave_server.sessions.routes import ENDPOINTS as SESSIONS
from hexclave_server.users.routes import ENDPOINTS as USERS

API: list[Endpoint] = [
    *GREETING,
    *PASSWORDS,
    *OTP,
    *MFA,
    *PASSKEYS,
    *ANONYMOUS_USERS,
    *CLI_LOGIN,
    *SESSIONS,
    *OAUTH,
    *OAUTH_PROVIDERS,
    *CONNECTED_ACCOUNTS,
    *USERS,
    *CONTACT_CHANNELS,
    *NOTIFICATION_PREFERENCES,
    *PROJECTS,
    *CONFIG,
]
"""Everything under `/api/v1` (and its aliases)."""

SITE: list[Endpoint] = [*SETUP, *CLI_LOGIN_PAGE, *MAILBOX]
"""Pages for people, outside `/api`."""
