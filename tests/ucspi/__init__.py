"""vsockserver and vsockclient over Unix sockets: only a VM may open AF_VSOCK (tests/vm has that)."""
