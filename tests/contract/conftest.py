"""The running product, to be played with over HTTP."""

from tests.journeys.conftest import mailbox, product

__all__ = ["mailbox", "product"]  # fixtures
