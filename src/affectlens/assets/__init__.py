"""Third-party weights and samples: what there is, and how it is fetched and verified."""
