"""What a voice sounds like: low-level descriptors of speech and the 88 functionals of eGeMAPS."""
