"""Named, documented concepts of expressed emotion: predicates over utterances, never over their labels."""
