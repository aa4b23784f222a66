"""The looks that emails can have: three built-in themes under the fixed ids of contract 08 §7.2."""

from __future__ import annotations

import msgspec

DEFAULT_LIGHT = "1df07ae6-abf3-4a40-83a5-a1a2cbe336ac"
DEFAULT_DARK = "a0172b5d-cff0-463b-83bb-85124697373a"
DEFAULT_COLORFUL = "c7e2d94f-8a1b-4e6d-b3f5-9d0a2e7c1b8f"


class Palette(msgspec.Struct, frozen=True):
    """Colours: of the page, the card on it, its border, text, lesser text, the button and the text on it."""

    page: str
    card: str
    line: str
    ink: str
    quiet: str
    accent: str
    on_accent: str


class Theme(msgspec.Struct, frozen=True):
    """`light` is what every client shows; `dark` replaces it where the reader prefers dark, if the theme has both."""

    scheme: str
    light: Palette
    dark: Palette | None = None
    band: str | None = None
    is_dark: bool = False


_LIGHT = Palette("#f4f4f5", "#ffffff", "#e4e4e7", "#18181b", "#52525b", "#18181b", "#ffffff")
_DARK = Palette("#09090b", "#18181b", "#3f3f46", "#fafafa", "#a1a1aa", "#fafafa", "#18181b")
_COLORFUL = Palette("#eef2ff", "#ffffff", "#c7d2fe", "#1e1b4b", "#4c4a73", "#4f46e5", "#ffffff")
_COLORFUL_DARK = Palette("#13112e", "#1e1b4b", "#4338ca", "#eef2ff", "#c7d2fe", "#6366f1", "#ffffff")

THEMES = {
    DEFAULT_LIGHT: Theme("light dark", _LIGHT, _DARK),
    DEFAULT_DARK: Theme("dark", _DARK, is_dark=True),
    DEFAULT_COLORFUL: Theme("light dark", _COLORFUL, _COLORFUL_DARK, band="#4f46e5"),
}


def theme_of(selected_id: str | None) -> Theme:
    """The theme with this id; Default Light for every other (sources of themes of a project's own cannot be executed here)."""
    return THEMES.get(selected_id or "", THEMES[DEFAULT_LIGHT])
