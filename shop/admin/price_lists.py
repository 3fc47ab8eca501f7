"""Price lists at the desk: sent for a supplier, followed while they run, read as a diff, decided about."""

from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Response, flash, request
from markupsafe import Markup
from sqlalchemy import Select, exists, select
from sqlalchemy.orm import aliased
from werkzeug import Response as BaseResponse
from werkzeug.datastructures import FileStorage
from wtforms import BooleanField, FileField, Form, SelectField, StringField
from wtforms.validators import InputRequired, Length

from shop.admin.access_guard import manager
from shop.admin.base import ManagedView, expose
from shop.admin.change_sets import changes_of, tabs_of
from shop.admin.filters import choice, contains, flag, since, until
from shop.admin.formats import NOTHING, badge, linked, number, shown
from shop.admin.forms import LookUp
from shop.admin.inputs import marked_rows
from shop.auth.models import ACTIVE, SUPPLIER, Company, User
from shop.database import session
from shop.errors import FieldError, Invalid
from shop.http.fields import MAX_ID
from shop.price_lists import queries
from shop.price_lists import rejected_rows as reporting
from shop.price_lists.arriving import receipt
from shop.price_lists.imports.decisions import apply_list, discard_list, withdraw_rows
from shop.price_lists.imports.rollback import roll_back
from shop.price_lists.imports.stated_stock import latest_applied
from shop.price_lists.models import (
    APPLIED,
    APPLY,
    HELD,
    MODES,
    QUEUED,
    SOURCES,
    STATES,
    UNFINISHED_STATES,
    PriceList,
    PriceListRow,
)
from shop.price_lists.reasons import explain
from shop.price_lists.row_issues import issue_text
from shop.translations import language, t

COUNTS = ("rows_total", "offers_new", "offers_changed", "offers_withdrawn", "offers_quarantined", "rows_rejected")

Decide = Callable[..., PriceList]


class OneSource(Invalid):
    code = "OneSource"
    message = "Choose a file, or give the address of one; not both."


class SendForm(Form):  # type: ignore[misc]
    supplier_id = LookUp("Supplier", validators=[InputRequired()])
    file = FileField("File", description="YAML, JSON, CSV, XLSX or YML; also packed by gzip")
    url = StringField(
        "… or its address", validators=[Length(max=2000)], description="Fetched now, in the background: http or https"
    )
    mode = SelectField(
        "What the list is",
        choices=lambda: [("", t("as the last time")), *((mode, t(f"mode|{mode}")) for mode in MODES)],
    )
    dry_run = BooleanField("Only try it", description="Shows what the list would do; nothing is changed")


def _state(_view: Any, _context: Any, row: Any, _name: str) -> Markup:
    """With how far a running one is."""
    if row.state in UNFINISHED_STATES and row.rows_total:
        return Markup("{} {} %").format(badge(row.state), min(100, row.rows_done * 100 // row.rows_total))
    return badge(row.state)


def _count(count: int) -> Any:
    return number(count) if count else NOTHING


class PriceListsView(ManagedView):
    model = PriceList
    title, group, slug = "Price lists", "Price lists", "price_lists"
    details = "desk/price_list.html"
    can_create, form_class, making = True, SendForm, ("Send a price list", "Send")
    column_list = ("created_at", "supplier", "file_name", "state", "mode", *COUNTS)
    column_labels = {
        "created_at": "Came",
        "file_name": "File",
        "mode": "Kind",
        "rows_total": "Rows",
        "offers_new": "New",
        "offers_changed": "Changed",
        "offers_withdrawn": "Withdrawn",
        "offers_quarantined": "Quarantined",
        "rows_rejected": "Rejected",
    }
    column_formatters = {
        "created_at": linked(lambda row: f"/admin/price_lists/{row.id}/"),
        "state": _state,
        "mode": shown(lambda mode: t(f"mode|{mode}")),
        **dict.fromkeys(COUNTS, shown(_count)),
    }
    numeric = COUNTS
    sorts = {"created_at": PriceList.id, "supplier": Company.name, "rows_total": PriceList.rows_total}
    searched = (Company.name, PriceList.file_name, PriceList.shop)
    filters = (
        choice("state", "State", PriceList.state, [(state, f"state|{state}") for state in STATES]),
        contains("supplier", "Supplier", Company.name),
        choice("source", "Came by", PriceList.source, [(source, f"source|{source}") for source in SOURCES]),
        choice("mode", "Kind", PriceList.mode, [(mode, f"mode|{mode}") for mode in MODES]),
        since("since", "From", PriceList.created_at),
        until("until", "To", PriceList.created_at),
        flag("quarantined", "With quarantined rows", PriceList.offers_quarantined > 0),
    )
    exported = ("created_at", "supplier", "file_name", "source", "state", "mode", *COUNTS, "message")
    empty = "No price lists yet. Send the first one for a supplier, or let the supplier send it by the API."

    def statement(self) -> Select[*tuple[Any, ...]]:
        columns = ("created_at", "file_name", "state", "mode", "rows_done", "source", "message", *COUNTS)
        return select(
            PriceList.id, Company.name.label("supplier"), *(getattr(PriceList, name) for name in columns)
        ).join(Company, Company.id == PriceList.supplier_id)

    def find(self, id_: int) -> PriceList:
        return queries.price_list_of(manager(), id_)

    def look_ups(self) -> dict[str, Select[*tuple[Any, ...]]]:
        suppliers = select(Company.id, Company.name.label("text"))
        return {"supplier_id": suppliers.where(Company.kind == SUPPLIER, Company.status == ACTIVE)}

    def create_form(self, obj: Any = None) -> Form:
        """For the supplier that the address names, where it does."""
        form = super().create_form(obj)
        given = form.supplier_id
        if given.data is None and (asked := request.args.get("supplier", type=int)) and asked <= MAX_ID:
            given.data = asked
        if given.data:
            wanted = self.look_ups()["supplier_id"]
            given.shown = session().scalar(wanted.with_only_columns(Company.name).where(Company.id == given.data)) or ""
        return form

    def make(self, form: Form) -> PriceList:
        supplier = queries.supplier_for(manager(), form.supplier_id.data)
        url = (form.url.data or "").strip()
        file = form.file.data if isinstance(form.file.data, FileStorage) and form.file.data.filename else None
        if bool(url) == bool(file):
            raise OneSource(errors=[FieldError("form", "file", OneSource.message)])
        chosen: dict[str, Any] = {"mode": form.mode.data or None, "dry_run": form.dry_run.data, "by": manager()}
        if file is None:
            return receipt.receive_address(supplier, url=url, **chosen)
        name = file.filename or ""
        return receipt.receive_price_list(supplier, file_name=name, raw=file.read(), source="admin", **chosen)

    def get_save_return_url(self, model: PriceList, is_created: bool = False) -> str:
        return self.page_of(model.id)

    def page_facts(self, price_list: PriceList) -> dict[str, Any]:
        waiting = _waiting(price_list)
        is_moving = price_list.state in UNFINISHED_STATES or APPLY in waiting
        can_decide = price_list.state == HELD or (price_list.state == APPLIED and None in waiting)
        tabs = tabs_of(price_list)
        tab = request.args.get("tab", "")
        tab = tab if tab in dict(tabs) else tabs[0][0]
        return {
            "people": _people(price_list),
            "reasons": explain(price_list, language()),
            "issue_text": partial(issue_text, locale=language()),
            "is_moving": is_moving,
            "can_apply": can_decide,
            "can_discard": can_decide or price_list.state == QUEUED,
            "can_withdraw": can_decide and price_list.state == APPLIED,
            "can_roll_back": latest_applied(price_list.supplier_id) == price_list.id,
            "tabs": tabs,
            "tab": tab,
            **changes_of(price_list, tab, can_decide=can_decide),
        }

    @expose("/<id:id_>/apply", methods=("POST",))
    def apply(self, id_: int) -> BaseResponse:
        decide = partial(apply_list, with_quarantined=request.form.get("with_quarantined") == "1")
        return self._decide(id_, "price_list.apply", decide, t("A worker applies it now; this page follows."))

    @expose("/<id:id_>/discard", methods=("POST",))
    def discard(self, id_: int) -> BaseResponse:
        return self._decide(id_, "price_list.discard", discard_list, t("Discarded."))

    @expose("/<id:id_>/withdraw", methods=("POST",))
    def withdraw(self, id_: int) -> BaseResponse:
        return self._decide(id_, "price_list.withdraw", withdraw_rows, t("Withdrawn."))

    @expose("/<id:id_>/rollback", methods=("POST",))
    def roll_back(self, id_: int) -> BaseResponse:
        price_list, made = self.find(id_), []
        takes_stock = request.form.get("take_stock_back") == "1"
        reason = t("with stock") if takes_stock else ""
        with self.acting("price_list.roll_back", price_list, reason=reason, done=t("It is being taken back.")) as trail:
            rollback = roll_back(price_list, take_stock_back=takes_stock, by=manager())
            trail.add_new(rollback)
            made.append(rollback)
        return self.back(self.page_of(made[0].id if made else id_))

    @expose("/<id:id_>/rejected-rows.csv")
    def rejected_rows(self, id_: int) -> Response:
        body = b"".join(reporting.rejected_rows(self.find(id_), locale=language()))
        answer = Response(body, content_type="text/csv; charset=utf-8")
        answer.headers.set("Content-Disposition", "attachment", filename=f"rejected-rows-{id_}.csv")
        return answer

    def _decide(self, id_: int, action: str, decide: Decide, done: str) -> BaseResponse:
        """About the rows that were marked where the form is about rows, else about the whole list."""
        price_list, rows = self.find(id_), None
        if request.form.get("of") == "rows":
            rows = marked_rows()
            if not rows:
                flash(t("Mark at least one row first."), "error")
                return self.back(self.page_of(id_))
        reason = "" if rows is None else t("rows {rows}", rows=", ".join(map(str, rows)))
        with self.acting(action, price_list, reason=reason, done=done):
            decide(price_list, rows=rows, by=manager())
        return self.back(self.page_of(id_))


def _waiting(price_list: PriceList) -> set[str | None]:
    """What has been decided about the rows still staged beside an applied or held list; None: nothing yet."""
    if price_list.state not in (HELD, APPLIED):
        return set()
    mine = PriceListRow.price_list_id == price_list.id
    row = (
        session()
        .execute(
            select(
                exists().where(mine, PriceListRow.decision.is_(None)).label("open"),
                exists().where(mine, PriceListRow.decision == APPLY).label("decided"),
            )
        )
        .one()
    )
    return {decision for decision, is_there in ((None, row.open), (APPLY, row.decided)) if is_there}


def _people(price_list: PriceList) -> Any:
    """The supplier's name, and who has sent, approved and discarded the list."""
    sender, approver, discarder = aliased(User), aliased(User), aliased(User)
    statement = (
        select(
            Company.name.label("supplier"),
            sender.email.label("sender"),
            approver.email.label("approver"),
            discarder.email.label("discarder"),
        )
        .select_from(PriceList)
        .join(Company, Company.id == PriceList.supplier_id)
        .outerjoin(sender, sender.id == PriceList.user_id)
        .outerjoin(approver, approver.id == PriceList.approved_by_id)
        .outerjoin(discarder, discarder.id == PriceList.discarded_by_id)
        .where(PriceList.id == price_list.id)
    )
    return session().execute(statement).one()
