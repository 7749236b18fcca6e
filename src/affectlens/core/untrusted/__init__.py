"""Files of others: read without running anything of them, and measured before room is made for what they promise."""
