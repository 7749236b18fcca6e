"""What clusters and directions of a speech latent mean."""
