"""Still and moving pictures as arrays: decoded, upright, of ordinary brightness."""
