"""The error catalogue of the contract, complete: one class per code, grouped by area in the modules of this package.

Names are the codes in CamelCase (with OAuth and WebAuthn spelt so). Codes are never invented: SDKs throw an untyped error for one that
they do not know. So codes of features that are not built yet are here too.
"""

from hexclave_server.core.errors import KnownError
from hexclave_server.core.known_errors.analytics import *  # noqa: F403 - the package is the sum of its modules
from hexclave_server.core.known_errors.api_keys import *  # noqa: F403
from hexclave_server.core.known_errors.emails import *  # noqa: F403
from hexclave_server.core.known_errors.oauth import *  # noqa: F403
from hexclave_server.core.known_errors.payments import *  # noqa: F403
from hexclave_server.core.known_errors.project_authentication import *  # noqa: F403
from hexclave_server.core.known_errors.requests import *  # noqa: F403
from hexclave_server.core.known_errors.sign_in import *  # noqa: F403
from hexclave_server.core.known_errors.teams import *  # noqa: F403
from hexclave_server.core.known_errors.user_sessions import *  # noqa: F403
from hexclave_server.core.known_errors.users import *  # noqa: F403

BY_CODE: dict[str, type[KnownError]] = {
    error.code: error for error in list(globals().values()) if isinstance(error, type) and issubclass(error, KnownError) and error.code
}
"""Every error that can be sent, by its code on the wire; the groups, which have none, are not in it."""
