"""The fixtures are those of the sidecar's tests, here and inside of a guest."""

from tests.sidecar.conftest import compositor, start

__all__ = ["compositor", "start"]
