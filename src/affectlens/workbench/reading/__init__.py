"""Runs and recordings as they lie on disk, read for the page: lanes, curves, evidence, pictures, notices."""
