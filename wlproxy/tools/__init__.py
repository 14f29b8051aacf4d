"""Offline tools: no guest is attached to any of them."""
