"""Corpora of texts."""
