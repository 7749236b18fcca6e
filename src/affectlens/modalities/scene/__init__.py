"""The surroundings: things, looks, the kind of place, adjective-noun pairs; evidence for the situation, no opinion."""
