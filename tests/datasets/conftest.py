"""The web server of the tests, for these."""

from tests.server import fetch, server

__all__ = ["fetch", "server"]
