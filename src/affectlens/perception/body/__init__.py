"""Bodies as joints: one skeleton for every source, and what posture and gait can be measured on it."""
