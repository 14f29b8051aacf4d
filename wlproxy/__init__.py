"""wlproxy: a filtering Wayland proxy between an untrusted guest VM and the host's compositor.

ARCHITECTURE.md has the trust boundary, the flow of data and the source map.
"""

__version__ = "0.1.0"
