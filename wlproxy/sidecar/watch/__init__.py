"""Recording and tracing: sessions that are watched, what is written of them, and who prints it."""
