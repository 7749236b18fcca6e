"""What is installed around this package: its version, the extras that are there, libraries kept off the network."""
