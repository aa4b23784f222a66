"""Which addresses a message can be sent to and from."""

from __future__ import annotations

import email_validator
from email_validator import EmailNotValidError, validate_email

# Its documented switch: names such as `.local` and `.test` are no concern of a server whose own mail server may know them.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


class AddressInvalid(Exception):
    """No mail server would take this address; the message says why and does not repeat it."""


def accept_address(address: str) -> str:
    """The address as it goes into an envelope and a header: ASCII, an international domain in its ASCII form. Raises AddressInvalid.

    Nothing is asked of the DNS, and names without a dot are let through: a mail server of one's own may know them.
    """
    try:
        found = validate_email(address, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError as error:
        raise AddressInvalid(str(error)) from None
    if found.ascii_email is None:
        raise AddressInvalid("The part before the @ has characters that mail servers do not have to accept.")
    return found.ascii_email
