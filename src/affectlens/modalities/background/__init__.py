"""The background as a module: what the frame without its people says, explained by its things."""
