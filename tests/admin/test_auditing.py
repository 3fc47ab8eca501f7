"""audited(): one transaction, and the fields that it has changed; never a secret."""

import pytest
from flask import Flask, g
from sqlalchemy import select, update

from shop.admin.audit_trail import audited
from shop.admin.models import AuditEntry
from shop.auth.access import identify
from shop.auth.models import Company, User
from shop.database import session
from shop.errors import Conflict
from tests.factories.auth import make_company, make_user, token_of


@pytest.fixture
def at_work(app: Flask):
    """Inside a manager's request."""
    manager = make_user("manager")
    secret = token_of(manager)
    with app.test_request_context("/admin/", environ_base={"REMOTE_ADDR": "192.0.2.1"}):
        identify(secret)
        g.request_id = "request-1"
        yield manager


def the_entry() -> AuditEntry:
    return session().scalars(select(AuditEntry)).one()


def test_it_keeps_who_did_what_from_where_and_why(at_work) -> None:
    company = session().get_one(Company, make_company(name="Старое").id)
    with audited("company.rename", company, reason="опечатка"):
        company.name = "Новое"
    entry = the_entry()
    assert entry.changes == {"name": ["Старое", "Новое"]}
    assert (entry.object_type, entry.object_id, entry.object_name) == ("companies", str(company.id), "Новое")
    assert (entry.user_id, entry.action, entry.reason) == (at_work.id, "company.rename", "опечатка")
    assert (entry.address, entry.request_id) == ("192.0.2.1", "request-1")


def test_it_sees_what_statements_change_behind_the_object(at_work) -> None:
    company = session().get_one(Company, make_company().id)
    with audited("company.block", company):
        session().execute(update(Company).values(status="blocked"), execution_options={"synchronize_session": False})
    assert the_entry().changes == {"status": ["active", "blocked"]}


def test_it_keeps_no_secret(at_work) -> None:
    user = session().get_one(User, make_user().id)
    with audited("user.change", user):
        user.password_hash, user.position = "hash", "director"
    assert the_entry().changes == {"position": [None, "director"]}


def test_what_was_made_and_what_was_deleted_is_kept_whole(at_work) -> None:
    with audited("company.create") as trail:
        made = Company(kind="buyer", name="Новая")
        session().add(made)
        session().flush()
        trail.add_new(made)
    assert the_entry().changes["name"] == [None, "Новая"]
    with audited("company.delete", made):
        session().delete(made)
    last = session().scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert last.changes["name"] == ["Новая", None]


def test_an_act_that_changes_no_field_leaves_its_entry(at_work) -> None:
    user = session().get_one(User, make_user().id)
    with audited("user.send_reset", user):
        pass
    assert the_entry().changes == {}


def test_a_refused_act_leaves_none(at_work) -> None:
    company = session().get_one(Company, make_company(name="Старое").id)
    with pytest.raises(Conflict), audited("company.rename", company):
        company.name = "Новое"
        session().flush()
        raise Conflict
    assert session().scalars(select(AuditEntry)).all() == []
    assert session().get_one(Company, company.id, populate_existing=True).name == "Старое"
