"""The running product, to be played with over HTTP."""

from tests.journeys.conftest import environment, mailbox, product

__all__ = ["environment", "mailbox", "product"]  # fixtures
