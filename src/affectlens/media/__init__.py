"""Files that people name, as frames, sound and pictures."""
