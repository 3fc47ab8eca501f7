"""Orders at the desk: the list, one order with all that belongs to it, and every allowed move, by the stories."""

from decimal import Decimal, InvalidOperation
from typing import Any

from flask import Response, redirect, request
from sqlalchemy import Select, and_, exists, func, or_, select
from werkzeug import Response as BaseResponse

from shop.admin.access_guard import manager
from shop.admin.base import ManagedView, expose
from shop.admin.bulk import Bulk, stated_reason
from shop.admin.filters import Filter, choice, contains, flag, since, until
from shop.admin.formats import badge, linked, money, number, shown, zone
from shop.admin.inputs import typed_number
from shop.admin.mails import mail_kind
from shop.auth.models import Company, User
from shop.database import now, session
from shop.errors import FieldError, NotFound, Refusal
from shop.http.requests import shown_file
from shop.mail.models import MailMessage
from shop.orders import queries
from shop.orders.documents.stored_pdf import paper_of
from shop.orders.errors import CutImpossible, ReceiptImpossible
from shop.orders.models import Order, OrderEvent, OrderLine, SupplierOrder
from shop.orders.parts.agreement import agree_total
from shop.orders.parts.confirmation import confirm_part, steps_of
from shop.orders.parts.default_rates import totals_to_agree
from shop.orders.parts.lifecycle import cancel_order, fulfill_order, move_order, move_part, moves_of
from shop.orders.parts.receipt import Received, receive_part
from shop.orders.parts.shipment import send_part
from shop.orders.parts.short_delivery import Cut, Cuts, Steps, off_step
from shop.orders.states import ASSEMBLED, CANCELED, CONFIRMED, NEW, PART_STATES, SENT, STATES, WENT_WRONG, before
from shop.translations import t

STATE_CHOICES = [(state, f"state|{state}") for state in STATES]


def _suppliers() -> Any:
    return (
        select(func.array_agg(Company.name))
        .join(SupplierOrder, SupplierOrder.supplier_id == Company.id)
        .where(SupplierOrder.order_id == Order.id)
        .scalar_subquery()
    )


def _has_part(*conditions: Any) -> Any:
    return exists().where(SupplierOrder.order_id == Order.id, *conditions)


def _of_supplier(name: str) -> Any:
    return _has_part(SupplierOrder.supplier_id == Company.id, Company.name.icontains(name, autoescape=True)).correlate(
        Order.__table__
    )


def _is_late() -> Any:
    today = now().astimezone(zone()).date()
    return and_(Order.requested_delivery_on <= today, Order.state.in_(before(SENT)))


def _has_cut_line() -> Any:
    cut = exists().where(
        SupplierOrder.order_id == Order.id,
        OrderLine.supplier_order_id == SupplierOrder.id,
        OrderLine.quantity < OrderLine.ordered_quantity,
    )
    return cut.correlate(Order.__table__)


def _is_to_be_agreed() -> Any:
    """A part is not confirmed before the buyer agrees to its total with the VAT that was unknown."""
    rateless = exists().where(
        SupplierOrder.order_id == Order.id,
        SupplierOrder.state == NEW,
        ~SupplierOrder.price_includes_vat,
        OrderLine.supplier_order_id == SupplierOrder.id,
        OrderLine.vat_rate.is_(None),
    )
    return rateless.correlate(Order.__table__)


class OrdersView(ManagedView):
    model = Order
    title, group, slug = "Orders", "Orders", "orders"
    details = "desk/order.html"
    column_list = (
        "number", "state", "company", "suppliers", "total", "created_at", "requested_delivery_on", "client_reference",
    )  # fmt: skip
    column_labels = {
        "company": "Buyer",
        "total": "Total",
        "created_at": "Placed",
        "requested_delivery_on": "Wanted on",
        "client_reference": "Buyer's reference",
    }
    column_formatters = {
        "number": linked(lambda row: f"/admin/orders/{row.id}/"),
        "state": shown(badge),
        "total": shown(money),
    }
    numeric = ("total",)
    sorts = {"number": Order.id, "total": Order.total, "created_at": Order.id, "company": Company.name}
    searched = (Order.number, Order.client_reference, Company.name)
    filters = (
        choice("state", "State", Order.state, STATE_CHOICES),
        contains("number", "Number", Order.number),
        contains("buyer", "Buyer", Company.name),
        Filter("supplier", "Supplier", _of_supplier),
        contains("reference", "Buyer's reference", Order.client_reference),
        since("since", "From", Order.created_at),
        until("until", "To", Order.created_at),
        flag("waiting", "A part waits for its confirmation", _has_part(SupplierOrder.state == NEW)),
        Filter("late", "Due and not sent", lambda _: _is_late(), "flag"),
        flag("cut", "With cut lines", _has_cut_line()),
        flag("to_agree", "A total with VAT is to be agreed to", _is_to_be_agreed()),
        flag("standing", "Not canceled", Order.state != CANCELED),
    )
    bulk = (
        Bulk("confirm", "Confirm", lambda order, _: fulfill_order(order.id, by=manager()), "order.confirm"),
        Bulk("assemble", "Assembled", lambda order, _: _to(order, ASSEMBLED), "order.assemble"),
        Bulk("send", "Sent", lambda order, _: _to(order, SENT), "order.send"),
        Bulk(
            "cancel",
            "Cancel",
            lambda order, reason: cancel_order(order.id, by=manager(), reason=reason),
            "order.cancel",
            needs_reason=True,
            is_grave=True,
        ),
    )
    empty = "No orders yet. They appear here as soon as a buyer places one."

    def statement(self) -> Select[*tuple[Any, ...]]:
        return select(
            Order.id,
            Order.number,
            Order.state,
            Company.name.label("company"),
            _suppliers().label("suppliers"),
            Order.total,
            Order.created_at,
            Order.requested_delivery_on,
            Order.client_reference,
        ).join(Company, Company.id == Order.company_id)

    def find(self, id_: int) -> Order:
        return queries.find_order(id_, by=manager())

    def page_facts(self, order: Order) -> dict[str, Any]:
        invoices = queries.invoices_of(order)
        return {
            "buyer": session().get_one(Company, order.company_id),
            "author": session().get_one(User, order.user_id),
            "history": _history(order),
            "invoices": invoices,
            "mails": _mails(order, [invoice.id for invoice in invoices]),
            "moves": {part.id: moves_of(part, manager()) for part in order.parts},
            "totals_to_agree": totals_to_agree(order),
            "grave": WENT_WRONG,
            "labels": {state.name: state.move for state in PART_STATES.values()},
            "mail_kind": mail_kind,
        }

    @expose("/<id:id_>/parts/<id:part_id>/move", methods=("POST",))
    def move(self, id_: int, part_id: int) -> BaseResponse:
        part, to, reason = _part(id_, part_id), request.form.get("to", ""), stated_reason()
        with self.acting(f"part.{to}"[:50], part.order, part, reason=reason, done=_moved(part, to)):
            move_part(part.id, to=to, by=manager(), reason=reason, version=_version())
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/parts/<id:part_id>/confirm", methods=("POST",))
    def confirm(self, id_: int, part_id: int) -> BaseResponse:
        """Whole, or less of some lines."""
        part = _part(id_, part_id)
        with self.acting("part.confirmed", part.order, part, done=_moved(part, CONFIRMED)) as trail:
            stated = _stated(part, CutImpossible, steps_of(part))
            trail.add_all(line for line in part.lines if line.id in stated)
            confirm_part(part.id, by=manager(), cuts=_cuts(stated), version=_version())
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/parts/<id:part_id>/agree", methods=("POST",))
    def agree(self, id_: int, part_id: int) -> BaseResponse:
        """To the total with VAT, for a buyer who has said so; the reason says how."""
        part, reason = _part(id_, part_id), stated_reason()
        total = _decimal(typed_number("total") or "", Decimal("0.01")) or Decimal(0)
        with self.acting(
            "part.agreed", part.order, part, reason=reason, done=t("Noted that the buyer agrees.")
        ) as trail:
            trail.add_all(line for line in part.lines if line.vat_rate is None)
            agree_total(part.id, total=total, by=manager(), reason=reason, version=_version())
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/parts/<id:part_id>/send", methods=("POST",))
    def send(self, id_: int, part_id: int) -> BaseResponse:
        """With less than the invoice says; the correction follows."""
        part, reason = _part(id_, part_id), stated_reason()
        with self.acting("part.sent", part.order, part, reason=reason, done=_moved(part, SENT)) as trail:
            stated = _stated(part, CutImpossible)
            trail.add_all(line for line in part.lines if line.id in stated)
            send_part(part.id, by=manager(), cuts=_cuts(stated), reason=reason, version=_version())
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/parts/<id:part_id>/receive", methods=("POST",))
    def receive(self, id_: int, part_id: int) -> BaseResponse:
        """What came, for a buyer who has told it by telephone; nothing at all is a refusal."""
        part = _part(id_, part_id)
        with self.acting("part.received", part.order, part, done=t("Noted what was received.")) as trail:
            receipt = {id_: Received(*said) for id_, said in _stated(part, ReceiptImpossible).items()}
            trail.add_all(line for line in part.lines if line.id in receipt)
            receive_part(part.id, by=manager(), receipt=receipt, version=_version())
        return self.back(self.page_of(id_))

    @expose("/parts/<id:part_id>/")
    def of_part(self, part_id: int) -> BaseResponse:
        """To its order."""
        part = queries.find_part(part_id, by=manager())
        return redirect(f"{self.page_of(part.order_id)}#part-{part.id}")

    @expose("/invoices/<id:invoice_id>.pdf")
    def invoice(self, invoice_id: int) -> Response:
        found = queries.find_invoice(invoice_id, by=manager())
        answer = Response(paper_of(found), mimetype="application/pdf")
        answer.headers["Content-Disposition"] = shown_file(f"{found.number}.pdf")
        return answer


def _to(order: Order, state: str) -> None:
    move_order(order.id, to=state, by=manager())


def _part(order_id: int, part_id: int) -> SupplierOrder:
    part = queries.find_part(part_id, by=manager())
    if part.order_id != order_id:
        raise NotFound
    return part


def _version() -> int | None:
    """What the person has looked at, as the form remembers it."""
    given = request.form.get("version", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) < 19 else None


def _moved(part: SupplierOrder, to: str) -> str:
    return t("{supplier}: {state}", supplier=part.supplier.name, state=t(f"state|{to}"))


def _stated(part: SupplierOrder, refusal: type[Refusal], steps: Steps | None = None) -> dict[int, tuple[Decimal, str]]:
    """By line id, of a form in which each line has its quantity: those that are not as agreed, and why."""
    stated: dict[int, tuple[Decimal, str]] = {}
    wrong = []
    for line in part.lines:
        given = "".join(request.form.get(f"quantity-{line.id}", "").split()).replace(",", ".")[:20]
        quantity = _decimal(given, Decimal("0.001")) if given else line.quantity
        why = "".join(filter(str.isprintable, " ".join(request.form.get(f"why-{line.id}", "").split())))[:200]
        if problem := _problem(line, quantity, why, (steps or {}).get(line.id)):
            wrong.append(FieldError("form", f"lines.{line.id}", f"{line.name}: {problem}"))
        elif quantity is not None and quantity != line.quantity:
            stated[line.id] = (quantity, why)
    if wrong:
        raise refusal(errors=wrong)
    return stated


def _problem(line: OrderLine, quantity: Decimal | None, why: str, step: Decimal | None) -> str:
    """The stories refuse these, too; here it is said in the reader's language."""
    if quantity is None or not 0 <= quantity <= line.quantity:
        return t("a quantity from 0 to {most} is needed.", most=number(line.quantity))
    if quantity != line.quantity and (below := off_step(line, quantity, step)) is not None:
        return t("it is not divided so; nearest below: {below} {unit}.", below=number(below), unit=line.unit)
    return t("say why; it is read by those concerned.") if quantity < line.quantity and not why else ""


def _cuts(stated: dict[int, tuple[Decimal, str]]) -> Cuts:
    return {line_id: Cut(*said) for line_id, said in stated.items()}


def _decimal(text: str, place: Decimal) -> Decimal | None:
    try:
        amount = Decimal(text).quantize(place)
    except InvalidOperation:
        return None
    return amount if amount.is_finite() else None


def _history(order: Order) -> Any:
    """Events with who did them and to which supplier's part."""
    statement = (
        select(OrderEvent, User.first_name, User.last_name, User.email, Company.name.label("supplier"))
        .outerjoin(User, User.id == OrderEvent.user_id)
        .outerjoin(SupplierOrder, SupplierOrder.id == OrderEvent.supplier_order_id)
        .outerjoin(Company, Company.id == SupplierOrder.supplier_id)
        .where(OrderEvent.order_id == order.id)
        .order_by(OrderEvent.id)
    )
    return session().execute(statement).all()


def _mails(order: Order, invoice_ids: list[int]) -> Any:
    """By what their contexts name; an index answers (ix_mail_messages_context)."""
    about = [{"order_id": order.id}]
    about += [{"supplier_order_id": part.id} for part in order.parts]
    about += [{"invoice_id": invoice_id} for invoice_id in invoice_ids]
    is_about = or_(*(MailMessage.context.contains(ids) for ids in about))
    return session().scalars(select(MailMessage).where(is_about).order_by(MailMessage.id)).all()
