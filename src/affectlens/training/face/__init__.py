"""Training of the face model: the run, its scores and its card."""
