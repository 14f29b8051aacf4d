"""The sans-IO core: bytes in, decisions out. Standard library only; opens, reads and closes nothing."""
