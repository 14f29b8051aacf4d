"""From an admin's TOML to the compiled tables the core obeys. Only load.py opens files."""
