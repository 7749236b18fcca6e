"""Which things in a picture drive a model, over a whole corpus: class activation maps joined with objects."""
