"""What the modalities say of one person at one time, joined into one answer."""
