"""Corpora of speech clips."""
