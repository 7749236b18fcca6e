"""Models: their contract, how they are opened, adapters for those of others, and the ones that ship."""
