"""Corpora of walking and gesturing bodies."""
