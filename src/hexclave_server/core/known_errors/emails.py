"""Errors of emails and their templates (contract 00, "Emails")."""

from __future__ import annotations

from hexclave_server.core.errors import KnownError


class EmailTemplateAlreadyExists(KnownError, code="EMAIL_TEMPLATE_ALREADY_EXISTS", status=409):
    """In the catalogue, but no endpoint answers with it."""

    message = "There is an email template of this kind already. Change that one instead."


class EmailRenderingError(KnownError, code="EMAIL_RENDERING_ERROR", status=400):
    """A template, theme or draft cannot be rendered."""

    error: str

    @property
    def message(self) -> str:
        """The renderer's reason."""
        return f"The email cannot be rendered: {self.error}"


class TemplateSourceRewriteError(KnownError, code="TEMPLATE_SOURCE_REWRITE_ERROR", status=400):
    """A template's source cannot be rewritten."""

    error: str

    @property
    def message(self) -> str:
        """The rewriter's reason."""
        return f"The source of the template cannot be rewritten: {self.error}"


class RequiresCustomEmailServer(KnownError, code="REQUIRES_CUSTOM_EMAIL_SERVER", status=400):
    """The action needs the project's own SMTP server."""

    message = "This needs an email server of the project's own. Enter its address in the project's email settings."


class EmailCapacityBoostAlreadyActive(KnownError, code="EMAIL_CAPACITY_BOOST_ALREADY_ACTIVE", status=409):
    """A boost runs until `expires_at` (ISO 8601)."""

    expires_at: str

    @property
    def message(self) -> str:
        """Names the end of the boost."""
        return f"A capacity boost is active until {self.expires_at}. Start the next one after that."


class EmailNotEditable(KnownError, code="EMAIL_NOT_EDITABLE", status=400):
    """An email of the outbox is past the point where it can be changed."""

    email_id: str
    status_: str

    @property
    def message(self) -> str:
        """Names the email and its state."""
        return f"Email {self.email_id} cannot be changed any more; its state is {self.status_}."
