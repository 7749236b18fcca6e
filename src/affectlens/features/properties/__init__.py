"""Measured properties of faces, voices, texts and gaits."""
