"""One module a model: from corpora to weights, scores and card."""
