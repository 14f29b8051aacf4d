"""Real guests: what an AF_VSOCK socket and a VMM do, which no test on the host may or can try."""
