"""Training of the bclstm model: the run, its scores and its card."""
