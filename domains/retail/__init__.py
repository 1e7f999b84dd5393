"""What to offer, to whom, how much to stock, and why."""
