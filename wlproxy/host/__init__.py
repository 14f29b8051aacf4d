"""The embedded host: a small headless compositor for the demo, `learn` and the tests."""
