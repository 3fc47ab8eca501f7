"""Companies at the desk: who they are on documents, who works there, and whether they may trade."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import flash, redirect, request
from marshmallow import ValidationError
from sqlalchemy import ColumnElement, Select, func, select, union_all
from sqlalchemy.orm import selectinload
from werkzeug import Response
from wtforms import BooleanField, Form, SelectField, StringField

from shop.admin.access_guard import manager
from shop.admin.audit_trail import entries_about
from shop.admin.base import ManagedView, expose
from shop.admin.bulk import stated_reason
from shop.admin.filters import Filter, any_contains, choice, contains, since, until
from shop.admin.formats import badge, linked, shown
from shop.auth.models import ACTIVE, BLOCKED, BUYER, PENDING, SUPPLIER, Company, LegalEntity, User
from shop.companies.approval import CompanyNotFound, approve, block, unblock
from shop.companies.legal_entities import LegalEntityInvalid, describe_legal_entity, missing_details
from shop.companies.models import Contact
from shop.companies.schemas import DescribeLegalEntitySchema
from shop.database import session
from shop.money import VAT_RATES
from shop.translations import t

MEMBERS_SHOWN, CONTACTS_SHOWN = 200, 20
STATUSES = [(status, f"state|{status}") for status in (PENDING, ACTIVE, BLOCKED)]
KINDS = [(kind, f"kind|{kind}") for kind in (BUYER, SUPPLIER)]
LABELS = {
    "full_name": "Full name",
    "short_name": "Short name",
    "inn": "INN",
    "kpp": "KPP",
    "ogrn": "OGRN",
    "legal_address": "Legal address",
    "bank_name": "Bank",
    "bank_bik": "BIK",
    "bank_account": "Account",
    "correspondent_account": "Correspondent account",
    "default_vat_rate": "VAT rate",
    "vat_deducted": "Deducts VAT",
    "time_zone": "Time zone",
    "document_prefix": "Prefix of documents",
}


class LegalEntityForm(Form):  # type: ignore[misc]
    """The fields only: what they may hold is the API's schema and the story's rule."""

    full_name = StringField(LABELS["full_name"])
    short_name = StringField(LABELS["short_name"])
    inn = StringField(LABELS["inn"])
    kpp = StringField(LABELS["kpp"])
    ogrn = StringField(LABELS["ogrn"])
    legal_address = StringField(LABELS["legal_address"])
    bank_name = StringField(LABELS["bank_name"])
    bank_bik = StringField(LABELS["bank_bik"])
    bank_account = StringField(LABELS["bank_account"])
    correspondent_account = StringField(LABELS["correspondent_account"])
    default_vat_rate = SelectField(LABELS["default_vat_rate"], choices=["", *VAT_RATES])
    vat_deducted = BooleanField(LABELS["vat_deducted"], description="Buyers only: they compare prices without VAT.")
    time_zone = StringField(LABELS["time_zone"], default="Europe/Moscow")
    document_prefix = StringField(LABELS["document_prefix"], description="Suppliers only: 2 to 4 capital letters.")


def _kind(_view: Any, _context: Any, row: Any, name: str) -> str:
    return t(f"kind|{getattr(row, name)}")


def _inn() -> Any:
    first = select(LegalEntity.inn).where(LegalEntity.company_id == Company.id).order_by(LegalEntity.id).limit(1)
    return first.correlate(Company.__table__).scalar_subquery()


def _owner() -> Any:
    owner = select(User.email).where(User.company_id == Company.id, User.is_owner).correlate(Company.__table__)
    return owner.scalar_subquery()


def _members() -> Any:
    members = select(func.count()).where(User.company_id == Company.id, User.closed_at.is_(None))
    return members.correlate(Company.__table__).scalar_subquery()


class CompaniesView(ManagedView):
    model = Company
    title, group, slug = "Companies", "Companies and users", "companies"
    details = "desk/company.html"
    column_list = ("name", "kind", "status", "inn", "owner", "members", "created_at")
    column_labels = {"kind": "Kind", "status": "State", "inn": "INN", "created_at": "Since"}
    column_formatters = {
        "name": linked(lambda row: f"/admin/companies/{row.id}/"),
        "kind": _kind,
        "status": shown(badge),
    }
    numeric = ("members",)
    sorts = {"name": Company.name, "created_at": Company.id}
    searched = (Company.name, _inn(), _owner())
    filters = (
        choice("status", "State", Company.status, STATUSES),
        choice("kind", "Kind", Company.kind, KINDS),
        contains("name", "Name", Company.name),
        Filter("inn", "INN", lambda inn: _inn() == inn),
        since("since", "From", Company.created_at),
        until("until", "To", Company.created_at),
    )
    empty = "No companies yet. They appear here as soon as their first person registers."

    def statement(self) -> Select[*tuple[Any, ...]]:
        return select(
            Company.id,
            Company.name,
            Company.kind,
            Company.status,
            _inn().label("inn"),
            _owner().label("owner"),
            _members().label("members"),
            Company.created_at,
        )

    def searching(self, text: str) -> ColumnElement[bool]:
        """A question to each table by its own index: columns of three tables in one OR would read all of them."""
        ways = (
            select(Company.id).where(any_contains([Company.name], text)),
            select(LegalEntity.company_id).where(any_contains([LegalEntity.inn], text)),
            select(User.company_id).where(any_contains([User.email], text), User.is_owner),
        )
        return Company.id.in_(union_all(*ways))

    def find(self, id_: int) -> Company:
        company = session().get(Company, id_, options=[selectinload(Company.legal_entities)])
        if company is None:
            raise CompanyNotFound(company_id=id_)
        return company

    def page_facts(self, company: Company) -> dict[str, Any]:
        members = select(User).where(User.company_id == company.id, User.closed_at.is_(None))
        contacts = select(Contact).where(Contact.company_id == company.id)
        return {
            "entity": company.legal_entity,
            "missing": missing_details(company.legal_entity) if company.kind == SUPPLIER else [],
            "labels": LABELS,
            "members": session().scalars(members.order_by(User.id).limit(MEMBERS_SHOWN)).all(),
            "contacts": session().scalars(contacts.order_by(Contact.id).limit(CONTACTS_SHOWN)).all(),
            "contact_count": session().scalar(select(func.count()).where(Contact.company_id == company.id)),
            "entries": entries_about(company, *company.legal_entities),
        }

    @expose("/<id:id_>/approve", methods=("POST",))
    def approve(self, id_: int) -> Response:
        company = self.find(id_)
        with self.acting("company.approve", company, reason=stated_reason(), done=t("Approved.")):
            approve(company, by=manager(), reason=stated_reason() or None)
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/block", methods=("POST",))
    def block(self, id_: int) -> Response:
        company, reason = self.find(id_), stated_reason()
        if not reason:
            flash(t("Say why: the people concerned read it."), "error")
            return self.back(self.page_of(id_))
        with self.acting("company.block", company, reason=reason, done=t("Blocked.")):
            block(company, by=manager(), reason=reason)
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/unblock", methods=("POST",))
    def unblock(self, id_: int) -> Response:
        company, reason = self.find(id_), stated_reason()
        with self.acting("company.unblock", company, reason=reason, done=t("Unblocked.")):
            unblock(company, by=manager(), reason=reason or None)
        return self.back(self.page_of(id_))

    @expose("/<id:id_>/legal-entity", methods=("GET", "POST"))
    def legal_entity(self, id_: int) -> Any:
        """Its form, and what becomes of it."""
        company = self.find(id_)
        form = LegalEntityForm(request.form if request.method == "POST" else None, obj=company.legal_entity)
        if company.kind != BUYER:
            del form.vat_deducted
        if request.method == "POST" and self._describe(company, form):
            return redirect(self.page_of(id_), 303)
        return self.render("desk/form.html", form=form, heading=company.name, return_url=self.page_of(id_))

    def _describe(self, company: Company, form: Form) -> bool:
        done = []
        with self.acting("company.describe", company, *company.legal_entities, done=t("Saved.")) as trail, _told(form):
            details = DescribeLegalEntitySchema().load(_stated(form))
            entity = describe_legal_entity(company, by=manager(), **details)
            if entity not in company.legal_entities:
                trail.add_new(entity)
            done.append(entity)
        return bool(done)


def _stated(form: Form) -> dict[str, Any]:
    """What nobody typed is nothing; a box that is not ticked is an answer."""
    return {name: value if isinstance(value, bool) else value or None for name, value in form.data.items()}


@contextmanager
def _told(form: Form) -> Iterator[None]:
    """What is wrong stands at its field, and above the form which fields these are."""
    try:
        yield
        return
    except ValidationError as error:
        wrong = error.messages_dict
    except LegalEntityInvalid as refusal:
        wrong = {error.field: [error.message] for error in refusal.errors}
    for name, messages in wrong.items():
        form[name].errors = [t(message) for message in messages]
    raise LegalEntityInvalid(fields=", ".join(t(LABELS[name]) for name in wrong))
