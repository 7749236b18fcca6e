"""Training of the speech model: the run, its scores and its card."""
