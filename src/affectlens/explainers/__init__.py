"""What a single answer rests on: maps, words, Shapley values, and tests of whether they say what the model does."""
