"""Input and output: the relay that faces the guest and the broker that does what the relay may not."""
