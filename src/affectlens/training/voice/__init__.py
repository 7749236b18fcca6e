"""Training of the voice model: the run, its scores and its card."""
