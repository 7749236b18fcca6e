"""Measurements of every frame: faces, voices and bodies as numbers, before any emotion is named."""
