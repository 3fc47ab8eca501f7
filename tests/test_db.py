"""What transactions and claims promise."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from shop.database import claimed, db


def claim_elsewhere(app: Flask) -> bool:
    def claim() -> bool:
        with app.app_context(), claimed("thing", 1) as is_claimed:
            return is_claimed

    with ThreadPoolExecutor(1) as other:
        return other.submit(claim).result(10)


def test_a_thing_is_claimed_by_one_and_free_afterwards(app: Flask) -> None:
    with app.app_context(), claimed("thing", 1) as is_claimed:
        assert is_claimed
        assert not claim_elsewhere(app)
    assert claim_elsewhere(app)


def test_a_claim_ends_with_the_failure_of_the_work(app: Flask) -> None:
    with pytest.raises(ValueError, match="broken"), app.app_context(), claimed("thing", 1):
        raise ValueError("broken")
    assert claim_elsewhere(app)


def test_a_claim_costs_no_connection_of_its_own(app: Flask) -> None:
    with app.app_context():
        for _ in range(3):
            with claimed("thing", 1):
                pass
        made = db.engine.pool.checkedin()
        with claimed("thing", 1):
            assert db.engine.pool.checkedin() == made - 1
        assert db.engine.pool.checkedin() == made
