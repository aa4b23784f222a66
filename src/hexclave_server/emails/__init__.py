"""Emails: queued with their cause, rendered and delivered by the worker (contract 08)."""
