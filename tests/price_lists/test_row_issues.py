"""What is wrong with a row is kept as code and facts, and said in the language of who reads it."""

import ast
import csv
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from shop.auth.models import SUPPLIER, Company
from shop.database import session, transaction
from shop.price_lists import reading
from shop.price_lists.models import FAILED, FULL, STOCK_ONLY, PriceList, PriceListIssue
from shop.price_lists.reasons import explain
from shop.price_lists.row_issues import SENTENCES, issue_text, problem_text
from tests.factories import committed
from tests.factories.auth import bearer, make_company, make_user
from tests.price_lists.lists import good, list_of, run_import

pytestmark = pytest.mark.usefixtures("unguarded")

CATALOG = "/api/v1/catalog"
SOURCES = [Path(reading.__path__[0]) / f"{name}.py" for name in ("row_reader", "row_checks", "cell_values")]
OF_TABLES = "Артикул;Наименование;Цена;Остаток\nA-1;Товар 1;101;1\n".encode()


def problems() -> Iterator[tuple[str, set[str]]]:
    """(sentence, facts) of whatever the code of reading says is wrong with a value."""
    nodes = (node for path in SOURCES for node in ast.walk(ast.parse(path.read_text("utf-8"))))
    for call in (node for node in nodes if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        place = {"UnreadableValueError": 0, "warn": 1}.get(name)
        if place is not None and isinstance(given := call.args[place], ast.Constant):
            yield str(given.value), {str(keyword.arg) for keyword in call.keywords}


def placeholders(sentence: str) -> set[str]:
    return {name for _, name, *_ in Formatter().parse(sentence) if name}


def kept(app: Flask, price_list: PriceList) -> list[PriceListIssue]:
    with app.app_context(), transaction():
        return list(session().scalars(select(PriceListIssue).filter_by(price_list_id=price_list.id)))


@pytest.fixture
def supplier(app: Flask) -> Company:
    return make_company(SUPPLIER)


@pytest.mark.parametrize(("sentence", "facts"), list(problems()))
def test_each_problem_of_a_value_has_a_sentence_and_its_facts(sentence: str, facts: set[str]) -> None:
    """Of one field, or else of the list's categories, which are told apart by their number."""
    wanted = [placeholders(SENTENCES[each]) for each in (sentence, f"category_{sentence}") if each in SENTENCES]

    assert facts - {"parameter"} in [names - {"field", "number"} for names in wanted]


def test_each_sentence_is_said_by_somebody() -> None:
    package = Path(reading.__path__[0]).parent
    sources = (path.read_text("utf-8") for path in package.rglob("*.py") if path.name != "row_issues.py")
    said = set(re.findall(r"""["']([a-z_:]+)["']""", "\n".join(sources)))
    assert {each for each in SENTENCES if each.removeprefix("category_") not in said} == set()


@pytest.mark.parametrize(
    ("field", "code", "facts", "english", "russian"),
    [
        (
            "price",
            "price_not_a_number",
            {"sentence": "not_a_number", "value": "«по запросу»"},
            "price must be a number, not «по запросу»",
            "price: должно быть числом, а не «по запросу»",
        ),
        (
            "name",
            "name_not_text",
            {"sentence": "not_text", "value": "a list"},
            "name must be text, not a list",
            "name: должно быть текстом, а не список",
        ),
        (
            "parameters",
            "parameters_not_a_value",
            {"sentence": "not_a_value", "parameter": "Цвет"},
            "parameters «Цвет» has no value that could be shown",
            "parameters «Цвет»: нет значения, которое можно показать",
        ),
        (
            "categories",
            "category_incomplete",
            {"number": 3},
            "Category 3 must have an id and a name.",
            "Категория 3: нужны id и name",
        ),
        (
            "prise",
            "field_unknown",
            {"goods": 12},
            "This field is not read (12 goods).",
            "Это поле не читается (товаров: 12).",
        ),
        (
            "price",
            "price_not_a_number",
            {"sentence": "not_a_number", "value": "«{0} a|b»"},
            "price must be a number, not «{0} a|b»",
            "price: должно быть числом, а не «{0} a|b»",
        ),
    ],
)
def test_says_it_in_both_languages(
    app: Flask, field: str, code: str, facts: dict[str, Any], english: str, russian: str
) -> None:
    with app.app_context():
        assert problem_text(field, code, facts, "en") == english
        assert problem_text(field, code, facts, "ru") == russian


def test_a_row_from_before_facts_were_kept_has_its_sentence() -> None:
    issue = PriceListIssue(field="price", code="price_missing", kept_message="price is missing")
    assert [issue.message, issue_text(issue, "ru")] == ["price is missing"] * 2


@pytest.mark.parametrize(
    ("raw", "mode", "code", "english", "russian"),
    [
        (list_of(good(1, price=None), good(2)), FULL, "price_missing", "price is missing", "price: не указано"),
        (
            list_of(good(9), good(1)),
            STOCK_ONLY,
            "id_unknown",
            "No good with this id is in your catalog.",
            "Товара с этим кодом нет в вашем каталоге.",
        ),
        (
            OF_TABLES + b"A-3;x;1;1\n",
            STOCK_ONLY,
            "sku_ambiguous",
            "Several of your goods have this SKU; send their ids, too.",
            "Этот артикул у нескольких ваших товаров; пришлите и их коды.",
        ),
    ],
)
def test_what_the_database_finds_is_kept_in_the_same_way(
    app: Flask, supplier: Company, raw: bytes, mode: str, code: str, english: str, russian: str
) -> None:
    run_import(app, supplier, list_of(good(1, sku="A-1"), good(2, sku="A-1"), good(3, sku="A-3")))

    found = [issue for issue in kept(app, run_import(app, supplier, raw, mode=mode)) if issue.code == code]

    assert {(issue.message, issue.kept_message) for issue in found} == {(english, "")}
    with app.app_context():
        assert {issue_text(issue, "ru") for issue in found} == {russian}


@pytest.mark.parametrize(
    ("raw", "english", "russian"),
    [
        (
            list_of(*(good(number, price="много") for number in (1, 2, 3)), good(4, price=0)),
            "Most often: price must be a number, not «много».",
            "Чаще всего: price: должно быть числом, а не «много».",
        ),
        (OF_TABLES, "Most often: sku is not of one good.", "Чаще всего: sku: этот артикул у нескольких товаров."),
        (
            list_of(5, 6),
            "Most often: The entry must be a group of fields (id, name, price …).",
            "Чаще всего: Запись должна быть группой полей (id, name, price …).",
        ),
    ],
)
def test_a_list_of_which_nothing_is_left_says_what_was_wrong_most_often(
    app: Flask, client: FlaskClient, supplier: Company, raw: bytes, english: str, russian: str
) -> None:
    run_import(app, supplier, list_of(good(11, sku="A-1"), good(12, sku="A-1")))

    failed = run_import(app, supplier, raw)

    assert (failed.state, [each["code"] for each in failed.reasons]) == (FAILED, ["NothingUsable"])
    with app.app_context():
        assert explain(failed, "ru")[0].endswith(f"каталог остался прежним. {russian}")
    answer = client.get(f"{CATALOG}/price-lists/{failed.id}", headers=bearer(make_user(SUPPLIER, company=supplier)))
    assert answer.json["message"].endswith(f"the catalog stays as it is. {english}")
    assert answer.json["reasons"][0]["facts"]["commonest"] == english


@committed
def make_older(supplier: Company) -> PriceList:
    """A list that the release before has imported."""
    price_list = PriceList(supplier_id=supplier.id, source="upload", file_name="list.csv", state=FAILED)
    price_list.reasons = [{"code": "NothingUsable", "facts": {"rows": 1, "commonest": "Most often: price is missing."}}]
    session().add(price_list)
    session().flush()
    for field, facts in (("price", None), ("name", {"sentence": "missing"})):
        issue = PriceListIssue(price_list_id=price_list.id, row=1, severity="error", field=field, facts=facts)
        issue.code, issue.kept_message = f"{field}_missing", "" if facts else "price is missing"
        session().add(issue)
    return price_list


def test_what_the_release_before_has_kept_is_answered_as_it_was(
    app: Flask, client: FlaskClient, supplier: Company
) -> None:
    older = make_older(supplier)
    person = make_user(SUPPLIER, company=supplier, locale="ru")
    address = f"{CATALOG}/price-lists/{older.id}"

    items = client.get(f"{address}/issues", headers=bearer(person)).json["items"]
    assert [item["message"] for item in items] == ["price is missing", "name is missing"]
    table = client.get(f"{address}/rejected-rows", headers=bearer(person)).data.decode("utf-8-sig")
    assert list(csv.reader(StringIO(table), delimiter=";"))[1][-1] == "price is missing; name: не указано"
    [reason] = client.get(address, headers=bearer(person)).json["reasons"]
    assert reason["facts"] == {"rows": 1, "commonest": "Most often: price is missing."}
    with app.app_context():
        assert explain(older, "ru")[0].endswith("каталог остался прежним. Most often: price is missing.")
