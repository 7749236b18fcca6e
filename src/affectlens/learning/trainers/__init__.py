"""One fit a network: what goes in, the loss, what comes out for `learning.export`."""
