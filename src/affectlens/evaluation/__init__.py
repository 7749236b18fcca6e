"""Scores of models on corpora, and the protocols under which recipes are tested."""
