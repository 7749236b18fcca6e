"""What every acoustic feature does for a speech model."""
