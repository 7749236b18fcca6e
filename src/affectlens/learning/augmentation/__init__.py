"""Changes of training inputs as recordings differ: faces, light, covered parts, sounds, misheard words."""
