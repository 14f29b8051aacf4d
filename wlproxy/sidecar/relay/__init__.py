"""The process that faces the guest: who is let in, what is read, judged, sent and ended."""
