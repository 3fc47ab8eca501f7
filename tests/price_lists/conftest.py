"""Guards stay out of the way of tests that are about something else."""

import pytest
from flask import Flask


@pytest.fixture
def unguarded(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much a list changes, it is applied."""
    limits = dict.fromkeys(("guard_price_percent", "guard_median_percent", "guard_withdrawn_percent"), 1_000_000)
    monkeypatch.setitem(app.extensions, "settings", app.extensions["settings"].model_copy(update=limits))
