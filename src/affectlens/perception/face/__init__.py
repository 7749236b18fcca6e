"""Faces: detection, landmarks, crops, movements and quality."""
