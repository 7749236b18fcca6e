"""The voice: recognised by the turn, explained in plain words, by groups of features and by its neighbours."""
