"""Tables that other programs measured frame by frame; one file a program, each registers itself with ``base.register_tool``."""
