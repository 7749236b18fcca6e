"""Training of networks: recipes, the loop, losses, and what makes their weights ship."""
