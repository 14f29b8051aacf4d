"""Being looked at and told what to do while it runs: the control socket, its client, and what is asked of whom."""
