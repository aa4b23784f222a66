"""Errors of analytics (contract 00, "Payments, analytics"; contract 12)."""

from __future__ import annotations

from hexclave_server.core.errors import KnownError


class AnalyticsNotEnabled(KnownError, code="ANALYTICS_NOT_ENABLED", status=400):
    """The project has analytics switched off."""

    message = "Analytics are switched off in this project. Switch them on in its settings."


class AnalyticsQueryTimeout(KnownError, code="ANALYTICS_QUERY_TIMEOUT", status=400):
    """In the catalogue, but no endpoint answers with it."""

    timeout_ms: int

    @property
    def message(self) -> str:
        """Names the time."""
        return f"The query did not finish within {self.timeout_ms} ms. Ask for less, or for a shorter time."


class AnalyticsQueryError(KnownError, code="ANALYTICS_QUERY_ERROR", status=400):
    """The query failed, or took too long."""

    error: str

    @property
    def message(self) -> str:
        """The reason."""
        return f"The query failed: {self.error}"
