"""Training of the fusion model: the run, its scores and its card."""
