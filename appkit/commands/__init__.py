"""What the command line can do, one module per command; heavy imports happen when a command runs."""
