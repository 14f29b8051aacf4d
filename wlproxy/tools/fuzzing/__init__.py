"""Fuzzing for auditors: made-up guests and compositors against the very core that `wlproxy run` uses."""
