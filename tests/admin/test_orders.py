"""Orders at the desk: found, looked at, moved by the stories, each move with its line in history and audit."""

import csv
import io
from datetime import timedelta

import pytest
import python_calamine
from sqlalchemy import select, update

from shop.admin.models import AuditEntry
from shop.catalog.models import Offer
from shop.database import now, session
from shop.orders.models import Invoice, Order, OrderEvent, OrderLine, SupplierOrder
from shop.orders.parts.lifecycle import fulfill_order
from tests.factories.auth import make_company, make_user
from tests.factories.catalog import make_offer
from tests.factories.orders import make_order


def numbers(page) -> list[str]:
    """Of the orders that a list shows."""
    return [cell.split("<")[0] for cell in page.text.split('/">') if cell[:2] == "20"]


def state_of(edge, order: Order) -> str:
    with edge():
        return session().scalar(select(Order.state).where(Order.id == order.id))


def entries(edge) -> list[AuditEntry]:
    with edge():
        return list(session().scalars(select(AuditEntry).order_by(AuditEntry.id)))


def lines_of(edge, order: Order) -> list[OrderLine]:
    with edge():
        statement = select(OrderLine).where(OrderLine.supplier_order_id == order.parts[0].id)
        return list(session().scalars(statement.order_by(OrderLine.id)))


def move_address(order: Order) -> str:
    return f"/admin/orders/{order.id}/parts/{order.parts[0].id}/move"


def test_the_list_shows_the_newest_first(desk) -> None:
    orders = [make_order() for _ in range(3)]
    assert numbers(desk.get("/admin/orders/")) == [order.number for order in reversed(orders)]


def test_filters_narrow_it(desk, edge) -> None:
    supplier = make_company("supplier", name="ООО Рога 100%")
    buyer = make_user("buyer", company=make_company(name="Сеть «Юг»"))
    wanted = make_order({make_offer(supplier=supplier).id: 1}, buyer=buyer, client_reference="REF-7")
    other = make_order()
    with edge() as current:
        by = current.merge(desk.user)
        fulfill_order(other.id, by=by)
        current.execute(update(Order).where(Order.id == other.id).values(created_at=now() - timedelta(days=3)))
    today = now().date()
    for query in (
        {"state": "new"},
        {"supplier": "рога 100%"},
        {"buyer": "«юг»"},
        {"reference": "ref-7"},
        {"number": wanted.number},
        {"search": "ЮГ"},
        {"since": (today - timedelta(days=1)).isoformat()},
        {"waiting": "1"},
    ):
        assert numbers(desk.get("/admin/orders/", **query)) == [wanted.number], query
    assert numbers(desk.get("/admin/orders/", until=(today - timedelta(days=2)).isoformat())) == [other.number]
    assert numbers(desk.get("/admin/orders/", search="100_")) == []


@pytest.mark.parametrize(
    "query",
    [
        {"state": "nonsense"},
        {"since": "yesterday"},
        {"since": "9999-12-31"},
        {"page": "-1"},
        {"page": "99999999999999999999"},
        {"page_size": "100000"},
        {"sort": "99"},
        {"sort": "-1"},
        {"search": "\x00"},
        {"number": "\x00"},
    ],
)
def test_what_cannot_be_meant_breaks_nothing(desk, query: dict[str, str]) -> None:
    make_order()
    assert desk.get("/admin/orders/", **query).status_code == 200
    assert desk.get("/admin/orders/export/csv/", **query).status_code == 200


def test_pages_do_not_overlap(desk) -> None:
    buyer, offer = make_user("buyer"), make_offer(on_hand=1000)
    orders = [make_order({offer.id: 1}, buyer=buyer) for _ in range(21)]
    by_total = {"sort": 4, "page_size": 20}
    first, second = (numbers(desk.get("/admin/orders/", page=page, **by_total)) for page in (0, 1))
    assert sorted(first + second) == [order.number for order in orders]


def test_a_list_costs_the_same_number_of_statements_however_long(desk, count_statements) -> None:
    counts = []
    for _ in range(2):
        for _ in range(3):
            make_order({offer.id: 1 for offer in (make_offer(), make_offer())})
        with count_statements() as statements:
            desk.get("/admin/orders/")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 4


def test_a_page_costs_the_same_number_of_statements_however_long(desk, count_statements) -> None:
    counts = []
    for size in (1, 4):
        order = make_order({make_offer().id: 1 for _ in range(size)})
        with count_statements() as statements:
            desk.get(f"/admin/orders/{order.id}/")
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 10


def test_the_page_offers_the_allowed_moves_only(desk) -> None:
    order = make_order()
    page = desk.get(f"/admin/orders/{order.id}/").text
    assert 'value="confirmed"' in page
    assert 'value="canceled"' in page
    assert 'value="sent"' not in page


def test_confirming_a_part_issues_its_invoice_and_says_who(desk, edge) -> None:
    order = make_order()
    page = desk.post(move_address(order), to="confirmed", version="1")
    assert "confirmed" in page.text
    with edge():
        event = session().scalar(select(OrderEvent).where(OrderEvent.to_state == "confirmed"))
        assert event.user_id == desk.user.id
        invoice = session().scalar(select(Invoice))
    assert invoice.number in page.text
    pdf = desk.get(f"/admin/orders/invoices/{invoice.id}.pdf")
    assert pdf.data.startswith(b"%PDF")


def test_a_move_leaves_its_entries_in_the_audit(desk, edge) -> None:
    order = make_order()
    desk.post(move_address(order), to="canceled", reason="Покупатель передумал", version="1")
    about_order, about_part = entries(edge)
    assert (about_order.action, about_order.object_name) == ("part.canceled", order.number)
    assert about_order.user_id == desk.user.id
    assert about_order.reason == "Покупатель передумал"
    assert about_order.changes["state"] == ["new", "canceled"]
    assert about_order.changes["total"] == [f"{order.total:.2f}", "0.00"]
    assert about_part.object_type == "supplier_orders"
    assert about_part.changes == {"state": ["new", "canceled"]}
    listed = desk.get("/admin/audit/", search=order.number).text
    assert "Покупатель передумал" in listed
    assert desk.user.email in listed


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ({"field": "state"}, "order"),
        ({"field": "status"}, "company"),
        ({"value": "НЕ ПЛАТИТ"}, "company"),
        ({"value": "передумали"}, ""),
        ({"search": "передумали"}, "order"),
        ({"type": "orders"}, "order"),
        ({"what": "company.block"}, "company"),
    ],
)
def test_the_audit_is_searched_field_by_field(desk, query: dict[str, str], shown: str) -> None:
    order, company = make_order(), make_company(name="ООО Рога")
    desk.post(move_address(order), to="canceled", reason="Передумали", version="1")
    desk.post(f"/admin/companies/{company.id}/block", reason="Не платит")
    page = desk.get("/admin/audit/", **query).text
    assert (order.number in page, "ООО Рога" in page) == (shown == "order", shown == "company")


def test_a_refusal_is_shown_with_its_sentence_and_changes_nothing(desk, edge) -> None:
    order = make_order()
    page = desk.post(move_address(order), to="delivered", version="1")
    assert page.status_code == 200
    assert "note bad" in page.text
    assert state_of(edge, order) == "new"
    assert entries(edge) == []


def test_who_looked_at_an_older_version_changes_nothing(desk, edge) -> None:
    order = make_order()
    desk.post(move_address(order), to="confirmed", version="1")
    page = desk.post(move_address(order), to="canceled", reason="x", version="1")
    assert "This has changed since you read it." in page.text
    assert state_of(edge, order) == "confirmed"


def test_less_can_be_confirmed_with_the_reason(desk, edge) -> None:
    order = make_order({make_offer(price="10.00").id: 5, make_offer(price="20.00").id: 1})
    part = order.parts[0]
    line = next(line for line in lines_of(edge, order) if line.quantity == 5)
    address = f"/admin/orders/{order.id}/parts/{part.id}/confirm"
    refused = desk.post(address, **{f"quantity-{line.id}": "2,5"})
    assert "say why" in refused.text
    page = desk.post(address, **{f"quantity-{line.id}": "2", f"why-{line.id}": "Нет на складе"})
    assert "Нет на складе" in page.text
    with edge():
        assert session().get(SupplierOrder, part.id).subtotal == 20


@pytest.mark.parametrize(("step", "given", "below"), [(1, "2,5", "2 шт"), (6, "11", "6 шт")])
def test_the_nearest_quantity_is_named_in_the_readers_language(desk, edge, step: int, given: str, below: str) -> None:
    order = make_order({make_offer(quantity_step=step).id: 12})
    [line] = lines_of(edge, order)
    address = f"/admin/orders/{order.id}/parts/{order.parts[0].id}/confirm"
    page = desk.post(address, **{f"quantity-{line.id}": given, f"why-{line.id}": "Нет на складе"})
    assert f"it is not divided so; nearest below: {below}." in page.text
    assert state_of(edge, order) == "new"


def test_a_manager_notes_that_the_buyer_agrees_to_the_total_with_vat(desk, edge) -> None:
    order = make_order({make_offer(supplier=make_company("supplier", price_includes_vat=False)).id: 10})
    make_order()
    part = order.parts[0]
    with edge() as current:
        found, line = current.get_one(SupplierOrder, part.id), current.get_one(OrderLine, part.lines[0].id)
        line.vat_rate, line.vat, line.total, found.vat_total = None, 0, line.net, 0
        found.subtotal = found.total = found.order.total = line.net
    with edge():
        session().execute(update(Offer).values(vat_rate=None))
    assert numbers(desk.get("/admin/orders/", to_agree="1")) == [order.number]
    page = desk.get(f"/admin/orders/{order.id}/").text
    assert "With VAT it is 1,220.00" in page
    assert "VAT unknown" in page
    address = f"/admin/orders/{order.id}/parts/{part.id}/agree"
    assert "how the buyer has agreed" in desk.post(address, total="1220.00").text
    assert "to 1220.00 instead of 1000.00" in desk.post(move_address(order), to="confirmed").text
    told = desk.post(address, total="1220.00", reason="По телефону").text
    assert "Noted that the buyer agrees." in told
    assert "the supplier&#39;s own rate" in told
    by_thing = {entry.object_type: entry for entry in entries(edge) if entry.action == "part.agreed"}
    assert by_thing["supplier_orders"].changes["total"] == ["1000.00", "1220.00"]
    assert (by_thing["order_lines"].changes["vat_rate"], by_thing["orders"].reason) == ([None, "22"], "По телефону")
    desk.post(move_address(order), to="confirmed")
    assert state_of(edge, order) == "confirmed"


def test_less_can_be_sent_with_the_reason_and_a_correction(desk, edge) -> None:
    order = make_order({make_offer(price="10.00").id: 5})
    part = order.parts[0]
    [line] = lines_of(edge, order)
    desk.post(move_address(order), to="confirmed")
    assert f"/parts/{part.id}/send" in desk.get(f"/admin/orders/{order.id}/").text
    address = f"/admin/orders/{order.id}/parts/{part.id}/send"
    assert "say why" in desk.post(address, **{f"quantity-{line.id}": "4"}).text
    page = desk.post(address, **{f"quantity-{line.id}": "4", f"why-{line.id}": "Разбилась"})
    assert "Разбилась" in page.text
    assert state_of(edge, order) == "sent"
    with edge():
        kinds = session().scalars(select(Invoice.kind).order_by(Invoice.id)).all()
        assert (kinds, session().get(SupplierOrder, part.id).subtotal) == (["invoice", "correction"], 40)
    about = next(entry for entry in entries(edge) if entry.object_type == "order_lines")
    assert about.changes["quantity"] == ["5.000", "4.000"]
    assert about.changes["cut_reason"] == [None, "Разбилась"]


def test_what_was_received_is_noted_line_by_line(desk, edge) -> None:
    order = make_order({make_offer().id: 5})
    part = order.parts[0]
    [line] = lines_of(edge, order)
    for state in ("confirmed", "sent"):
        desk.post(move_address(order), to=state)
    address = f"/admin/orders/{order.id}/parts/{part.id}/receive"
    assert address in desk.get(f"/admin/orders/{order.id}/").text
    assert "say why" in desk.post(address, **{f"quantity-{line.id}": "4"}).text
    page = desk.post(address, **{f"quantity-{line.id}": "4", f"why-{line.id}": "Помято"})
    assert "Noted what was received." in page.text
    assert "Помято" in page.text
    assert state_of(edge, order) == "delivered"
    [line] = lines_of(edge, order)
    assert (line.received_quantity, line.received_reason) == (4, "Помято")


def test_nothing_received_is_a_refusal(desk, edge) -> None:
    order = make_order({make_offer().id: 5})
    [line] = lines_of(edge, order)
    for state in ("confirmed", "sent"):
        desk.post(move_address(order), to=state)
    fields = {f"quantity-{line.id}": "0", f"why-{line.id}": "Не то"}
    desk.post(f"/admin/orders/{order.id}/parts/{order.parts[0].id}/receive", **fields)
    assert state_of(edge, order) == "refused"


@pytest.mark.parametrize("given", ["many", "-1", "NaN", "1e999", "6"])
def test_a_quantity_that_cannot_be_confirmed_is_refused(desk, edge, given: str) -> None:
    order = make_order({make_offer().id: 5})
    [line] = lines_of(edge, order)
    address = f"/admin/orders/{order.id}/parts/{order.parts[0].id}/confirm"
    page = desk.post(address, **{f"quantity-{line.id}": given, f"why-{line.id}": "x"})
    assert "note bad" in page.text
    assert state_of(edge, order) == "new"


def test_a_part_of_another_order_is_unknown(desk) -> None:
    order, other = make_order(), make_order()
    answer = desk.post(f"/admin/orders/{order.id}/parts/{other.parts[0].id}/move", to="confirmed")
    assert answer.status_code == 404


def test_many_are_moved_at_once_with_a_result_for_each(desk, edge) -> None:
    orders = [make_order() for _ in range(3)]
    desk.post(move_address(orders[0]), to="confirmed")
    page = desk.post("/admin/orders/action/", action="confirm", rowid=[order.id for order in orders])
    assert f"{orders[1].number}, {orders[2].number}" in page.text
    assert f"{orders[0].number}: No part of this order is waiting for confirmation" in page.text
    assert {state_of(edge, order) for order in orders} == {"confirmed"}
    for action, state in (("assemble", "assembled"), ("send", "sent")):
        desk.post("/admin/orders/action/", action=action, rowid=[orders[1].id])
        assert state_of(edge, orders[1]) == state


def test_many_are_canceled_only_with_a_reason(desk, edge) -> None:
    order = make_order()
    fields = {"action": "cancel", "rowid": [order.id]}
    assert "Say why" in desk.post("/admin/orders/action/", **fields).text
    assert state_of(edge, order) == "new"
    desk.post("/admin/orders/action/", reason="Закрылся магазин", **fields)
    assert state_of(edge, order) == "canceled"


def test_the_export_honors_filters_and_runs_nothing(desk) -> None:
    wanted = make_order(client_reference="=1+1")
    make_order(client_reference="REF-8")
    answer = desk.get("/admin/orders/export/csv/", reference="1+1")
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    header, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert header[0] == "Number"
    assert [(row[0], row[-1]) for row in rows] == [(wanted.number, "'=1+1")]


def test_the_export_is_a_workbook_too(desk) -> None:
    order = make_order(client_reference="=1+1")
    answer = desk.get("/admin/orders/export/xlsx/")
    workbook = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(answer.data))
    header, row = workbook.get_sheet_by_index(0).to_python()
    assert dict(zip(header, row, strict=True))["Number"] == order.number
    assert row[-1] == "'=1+1"


def test_the_export_says_where_it_ends(desk, monkeypatch) -> None:
    monkeypatch.setattr("shop.admin.export_files.MOST_ROWS", 2)
    for _ in range(3):
        make_order()
    lines = desk.get("/admin/orders/export/csv/").text.splitlines()
    assert len(lines) == 4
    assert "narrow the list" in lines[-1]


def test_what_people_type_stays_text(desk) -> None:
    attack = "<script>alert(1)</script>"
    company = make_company(name=attack)
    buyer = make_user("buyer", company=company, first_name=attack)
    offer = make_offer(name=attack, supplier=make_company("supplier", name=attack))
    order = make_order({offer.id: 1}, buyer=buyer, comment=attack, client_reference=attack[:20])
    desk.post(move_address(order), to="canceled", reason=attack)
    for path in ("/admin/", "/admin/orders/", f"/admin/orders/{order.id}/", "/admin/audit/"):
        page = desk.get(path).text
        assert "<script>alert" not in page, path
    assert "&lt;script&gt;alert(1)" in desk.get(f"/admin/orders/{order.id}/").text
