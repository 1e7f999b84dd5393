"""Speed and accuracy against peers: one command each, printing tables and ratios."""
