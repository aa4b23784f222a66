"""Hosted pages for people; they speak only to services."""
