"""The one normal form of an email address (contract 02 §1.1, 05 §1.5).

Whatever stores, compares or counts an address takes it from here. The wire accepts ASCII addresses only, so that trimming and lowering
is all there is to do: no two addresses that differ only by case or by Unicode form can exist, and dots and plus-tags stay as they are.
"""

from __future__ import annotations

from typing import NewType

NormalEmail = NewType("NormalEmail", str)


def normalise_address(address: str) -> NormalEmail:
    """The address as stored and compared: trimmed and lower case, nothing else changed."""
    return NormalEmail(address.strip().lower())
