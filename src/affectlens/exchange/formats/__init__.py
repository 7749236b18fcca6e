"""One file a format; each registers itself with ``registry.register_format``."""
