"""The proxy against its rivals: README.md says what is measured and how to read it. Not shipped."""
