"""Properties of people and recordings, and whether a model's output depends on them."""
