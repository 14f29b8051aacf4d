"""Runs inside a guest, started by tests/vm/test_guests.py; elsewhere nothing here is collected."""
