"""Concept activation vectors whose tests can be trusted."""
