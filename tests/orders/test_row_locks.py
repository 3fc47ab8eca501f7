"""What a move reads of its order: each row once, locked, and whoever may not see it locks nothing."""

import pytest

from shop.auth.models import BUYER, MANAGER, SUPPLIER
from shop.orders.errors import OrderNotFound, SupplierOrderNotFound
from shop.orders.models import Order
from shop.orders.parts.row_locks import lock_order, lock_part
from tests.factories.auth import bearer, make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order

LOCKED = ("orders", "supplier_orders", "order_lines")


def test_each_move_reads_order_parts_and_lines_once(client, edge, count_statements) -> None:
    companies = [make_company(SUPPLIER), make_company(SUPPLIER)]
    people = {BUYER: make_user(), SUPPLIER: make_user(SUPPLIER, company=companies[0]), MANAGER: make_user(MANAGER)}
    moved, whole = (
        make_order({make_offer(supplier=each).id: 2 for each in companies for _ in range(2)}, buyer=people[BUYER])
        for _ in range(2)
    )
    part, order = f"/api/v1/supplier-orders/{moved.parts[0].id}", f"/api/v1/orders/{whole.id}"
    acts = [(f"{part}/{verb}", SUPPLIER) for verb in ("confirm", "assemble", "send")]
    acts += [(f"{part}/receive", BUYER), (f"{order}/fulfill", MANAGER), (f"{order}/cancel", BUYER)]
    for path, role in acts:
        with count_statements() as statements:
            answer = client.post(path, headers=bearer(people[role]))
        assert answer.status_code == 200, answer.text
        read = [statement.split()[1].partition(".")[0] for statement in statements if statement.startswith("SELECT ")]
        assert {table: read.count(table) for table in LOCKED} == dict.fromkeys(LOCKED, 1), path


def test_somebody_elses_order_is_an_unknown_one_and_is_not_locked(edge) -> None:
    order, stranger, supplier = make_order(), make_user(), make_user(SUPPLIER)
    with edge() as current:
        by_stranger, by_supplier = current.merge(stranger), current.merge(supplier)
        with pytest.raises(OrderNotFound):
            lock_order(order.id, by=by_stranger)
        for by in (by_stranger, by_supplier):
            with pytest.raises(SupplierOrderNotFound):
                lock_part(order.parts[0].id, by=by)
        with edge() as another:
            assert another.get_one(Order, order.id, with_for_update={"nowait": True})
