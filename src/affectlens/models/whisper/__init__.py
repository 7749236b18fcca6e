"""Whisper's encoder in torch, from the weights that the word recogniser uses: what it hears besides the words."""
