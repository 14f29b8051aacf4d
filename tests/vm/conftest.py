"""The fixtures are those of the sidecar's and the end-to-end tests, here and inside of a guest."""

from tests.e2e.conftest import folder
from tests.sidecar.conftest import compositor, serve, start

__all__ = ["compositor", "folder", "serve", "start"]
