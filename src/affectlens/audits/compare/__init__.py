"""Audit: several classifiers side by side on one corpus."""
