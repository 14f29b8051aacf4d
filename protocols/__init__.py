"""The protocol data as a package, `wlproxy.protocols_data` where installed, so that it is found beside the code that reads it."""
