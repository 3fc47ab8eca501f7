"""Approval, blocking, and the same by command."""

import pytest
from sqlalchemy import select

from shop.auth.models import ACTIVE, BLOCKED, PENDING, SUPPLIER, Company, User
from shop.cli.users import users
from shop.companies import approval as companies
from shop.companies import legal_entities
from shop.companies.approval import CompanyIncomplete, CompanyNotPending
from shop.companies.legal_entities import LegalEntityInvalid
from shop.database import session
from shop.errors import NotFound
from tests.factories.auth import PASSWORD, make_company, make_user

DETAILS = {
    "full_name": "Общество с ограниченной ответственностью «Молочный Путь»",
    "short_name": "ООО «Молочный Путь»",
    "inn": "0000100012",
    "kpp": "000001001",
    "ogrn": "1240000000019",
    "legal_address": "160000, г. Вологда, ул. Маслодельная, д. 4",
    "bank_name": "АО «Образцовый банк»",
    "bank_bik": "040000101",
    "bank_account": "40702810800000000101",
    "correspondent_account": "30101810000000000101",
    "default_vat_rate": "10",
    "document_prefix": "МП",
}


def _bare(status: str = PENDING) -> Company:
    company = Company(kind=SUPPLIER, name="ООО Молочный Путь", status=status)
    session().add(company)
    session().flush()
    return company


def test_approves_a_complete_supplier(edge):
    pending = make_company(SUPPLIER, status=PENDING)
    with edge():
        companies.approve(companies.find_company(pending.id, lock=True), by=make_user("manager"))
    with edge():
        assert session().get_one(Company, pending.id).is_active


def test_refuses_to_approve_without_any_legal_entity(edge):
    with edge(), pytest.raises(CompanyIncomplete) as refusal:
        companies.approve(_bare(), by=None)
    assert refusal.value.facts["missing"] == list(legal_entities.NEEDED)


@pytest.mark.parametrize(
    ("change", "missing"),
    [
        ({"inn": "0000100013"}, ["inn"]),
        ({"inn": ""}, ["inn"]),
        ({"kpp": None}, ["kpp"]),
        ({"inn": "000010006065", "kpp": None, "ogrn": "324000000000040"}, []),
        ({"inn": "000010006065"}, ["kpp", "ogrn"]),
        ({"ogrn": "1240000000018"}, ["ogrn"]),
        ({"bank_account": "40702810800000000102"}, ["bank_account"]),
        ({"bank_bik": "040000112"}, ["bank_account"]),
        ({"default_vat_rate": "18"}, ["default_vat_rate"]),
        ({"time_zone": "Europe/Atlantis"}, ["time_zone"]),
        ({"document_prefix": None}, ["document_prefix"]),
        ({"document_prefix": "мп1"}, ["document_prefix"]),
        ({"legal_address": "  "}, ["legal_address"]),
    ],
)
def test_names_what_is_missing_or_wrong(edge, change, missing):
    with edge():
        company = _bare()
        entity = legal_entities.describe_legal_entity(company, by=None, **DETAILS)
        for name, value in change.items():
            setattr(entity, name, value)
        assert legal_entities.missing_details(entity) == missing


def test_describes_step_by_step_and_refuses_what_is_wrong(edge):
    with edge():
        company = _bare()
        first = legal_entities.describe_legal_entity(company, by=None, full_name=DETAILS["full_name"])
        second = legal_entities.describe_legal_entity(company, by=None, inn=DETAILS["inn"])
        assert first is second
        with pytest.raises(LegalEntityInvalid) as refusal:
            legal_entities.describe_legal_entity(company, by=None, inn="123", document_prefix="x")
        assert [error.field for error in refusal.value.errors] == ["inn", "document_prefix"]


@pytest.mark.parametrize("status", [ACTIVE, BLOCKED])
def test_approves_only_pending_ones(edge, status):
    with edge(), pytest.raises(CompanyNotPending):
        companies.approve(_bare(status), by=None)


def test_blocking_is_no_way_around_approval(edge):
    complete = make_company(SUPPLIER)
    with edge():
        for company, after in ((session().get_one(Company, complete.id), ACTIVE), (_bare(), PENDING)):
            companies.block(company, by=None)
            assert company.status == BLOCKED
            companies.unblock(company, by=None)
            assert company.status == after


def test_an_unknown_company_is_not_found(edge):
    with edge(), pytest.raises(NotFound, match="404"):
        companies.find_company(404)


def test_commands_take_a_supplier_from_pending_to_active(app, edge):
    with edge():
        _bare()
    run = app.test_cli_runner().invoke

    listed = run(args=["users", "list-companies", "--status", "pending"])
    refused = run(args=["users", "approve-company", "1"])
    options = [part for name, value in DETAILS.items() for part in (f"--{name.replace('_', '-')}", value)]
    described = run(args=["users", "describe-company", "1", *options])
    approved = run(args=["users", "approve-company", "1"])
    unknown = run(args=["users", "approve-company", "404"])

    assert "ООО Молочный Путь\tlacks full_name" in listed.output
    assert (refused.exit_code, "document_prefix" in refused.output) == (1, True)
    assert (described.exit_code, described.output) == (0, "Complete.\n")
    assert (approved.exit_code, "is active" in approved.output) == (0, True)
    assert (unknown.exit_code, "no company 404" in unknown.output) == (1, True)


def test_no_command_takes_a_password_as_an_argument():
    """Whoever is on the machine reads the arguments of its processes."""
    options = [option for command in users.commands.values() for option in command.params if "password" in option.name]
    assert [(option.name, option.is_flag) for option in options] == [("password_stdin", True)]


def test_command_makes_a_manager_from_standard_input_or_a_prompt(app, edge):
    run = app.test_cli_runner().invoke
    names = ["--first-name", "Иван", "--last-name", "Петров"]

    piped = run(
        args=["users", "create-manager", "--email", "a@shop.example", *names, "--password-stdin"], input=PASSWORD + "\n"
    )
    asked = run(args=["users", "create-manager", "--email", "b@shop.example", *names], input=f"{PASSWORD}\n" * 2)
    weak = run(args=["users", "create-manager", "--email", "c@shop.example", *names, "--password-stdin"], input="1\n")

    assert (piped.exit_code, asked.exit_code, weak.exit_code) == (0, 0, 1)
    assert PASSWORD not in piped.output + asked.output
    with edge():
        assert session().scalars(select(User.role).order_by(User.id)).all() == ["manager", "manager"]
