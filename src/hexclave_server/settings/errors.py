"""The one exception of the settings: everything that is wrong with them, at once."""

from collections.abc import Sequence


class SettingsError(Exception):
    """The settings cannot be used; `mistakes` holds one sentence for each, with the variable's name and what it accepts."""

    def __init__(self, mistakes: Sequence[str]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(self.mistakes))
