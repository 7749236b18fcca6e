"""Corpora of faces and of people in their surroundings."""
