"""Concept activation vectors: directions, scores, pseudo-concepts, and the tests made of them."""
