"""The senses of the main job, one folder each."""
