"""The settings of a server: read once at start, frozen, all mistakes reported together (contract 15 §2).

`forms` knows how a value may be written, `variables` which values there are, `sources` where they come from, `load` puts them together.
"""

from hexclave_server.settings.errors import SettingsError
from hexclave_server.settings.model import OAuthProviderSettings, Settings

__all__ = ["OAuthProviderSettings", "Settings", "SettingsError"]
