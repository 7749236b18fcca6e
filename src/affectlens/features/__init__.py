"""What is measured of recordings for explainers, audits and training."""
