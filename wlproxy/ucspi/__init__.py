"""vsockserver and vsockclient: AF_VSOCK for programs that know nothing of sockets, in the manner of UCSPI. Usable without the rest."""
