"""What is said: transcripts and turns."""
