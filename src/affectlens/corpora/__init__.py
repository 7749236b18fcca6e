"""Readers of corpora in their official layouts, one file each."""
