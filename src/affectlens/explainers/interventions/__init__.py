"""Changes of an input along one property, in doses, to turn association into effect."""
