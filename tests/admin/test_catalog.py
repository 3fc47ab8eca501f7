"""The catalog at the desk: offers, products merged and split, categories re-mapped, suppliers' terms and guards."""

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from shop.admin import VIEWS
from shop.admin.base import ManagedView
from shop.admin.models import AuditEntry
from shop.auth.models import SUPPLIER, Company
from shop.catalog.models import Category, Offer, OfferRevision, Product, SupplierCategory
from shop.database import now, session
from shop.price_lists.models import ImportTerms, PriceList
from tests.factories.auth import make_company
from tests.factories.catalog import make_category, make_offer, make_product
from tests.factories.orders import make_order
from tests.price_lists.lists import good, list_of, receive, run_import

ATTACK = "<script>alert(1)</script>"


def names(page: Any, slug: str) -> list[str]:
    return re.findall(rf'<a href="/admin/{slug}/\d+/">(.*?)</a>', page.text)


def entries(edge) -> list[AuditEntry]:
    with edge():
        return list(session().scalars(select(AuditEntry).order_by(AuditEntry.id)))


def value_of(edge, column: Any, *conditions: Any) -> Any:
    with edge():
        return session().scalar(select(column).where(*conditions))


def test_offers_are_found_by_the_words_of_the_catalog(desk) -> None:
    make_offer(name="Чайник электрический Bosch", sku="00-TWK/31")
    make_offer(name="Кастрюля")
    for typed in ("чайники", "электрич", "00TWK31", "bosch чайник"):
        assert names(desk.get("/admin/offers/", search=typed), "offers") == ["Чайник электрический Bosch"], typed
    assert names(desk.get("/admin/offers/", search='"-& | !'), "offers") == []


def test_filters_narrow_offers(desk, edge) -> None:
    tea = make_category("Чай")
    make_offer(name="Ждёт", is_quarantined=True)
    make_offer(name="Снят", is_listed=False)
    make_offer(name="Пуэр", category=tea, supplier=make_company(SUPPLIER, name="Рога"), sku="007")
    gone = make_offer(name="Кончился", on_hand=2)
    make_order({gone.id: 2})
    for query, expected in (
        ({"quarantined": "1"}, "Ждёт"),
        ({"state": "quarantined"}, "Ждёт"),
        ({"state": "withdrawn"}, "Снят"),
        ({"sold_out": "1"}, "Кончился"),
        ({"supplier": "рога"}, "Пуэр"),
        ({"category": "чай"}, "Пуэр"),
        ({"sku": "007"}, "Пуэр"),
    ):
        assert names(desk.get("/admin/offers/", **query), "offers") == [expected], query
    assert desk.get("/admin/offers/", barcode="nonsense").status_code == 200


def test_the_page_of_an_offer_tells_how_its_price_came_to_be(app, desk, unguarded) -> None:
    supplier = make_company(SUPPLIER)
    for price in (100, 110, 99):
        run_import(app, supplier, list_of(good(1, price=price, parameters={"Вес": "1 кг"})))
    page = desk.get("/admin/offers/1/").text
    moves = re.findall(r"<b>Price</b> <del>(.*?)\u00a0₽</del> → <ins>(.*?)\u00a0₽</ins>", page)
    assert moves == [("110.00", "99.00"), ("100.00", "110.00")]
    assert 'href="/admin/price_lists/3/"' in page
    assert "Вес" in page


def test_a_manager_reads_offers_of_blocked_suppliers_too(desk) -> None:
    offer = make_offer(supplier=make_company(SUPPLIER, status="blocked"), on_hand=7)
    assert offer.name in desk.get(f"/admin/offers/{offer.id}/").text
    assert desk.get("/admin/offers/999/").status_code == 404


def test_rival_offers_stand_side_by_side_the_cheapest_first(desk, edge) -> None:
    product = make_product("Чай")
    for name, price in (("Дорогой", "20.00"), ("Дешёвый", "10.00"), ("Средний", "15.00")):
        make_offer(name=name, price=price, product=product)
    page = desk.get(f"/admin/products/{product.id}/")
    assert names(page, "offers") == ["Дешёвый", "Средний", "Дорогой"]
    assert page.text.count("the lowest") == 1


def test_rivals_compare_with_vat_per_base_unit(desk, edge) -> None:
    product = make_product("Чай")
    for name, price, includes, unit in (("Без НДС", "10.00", False, "шт"), ("С НДС", "12.00", True, "шт")):
        make_offer(
            supplier=make_company(SUPPLIER, price_includes_vat=includes),
            name=name,
            price=price,
            unit=unit,
            product=product,
        )
    make_offer(name="Килограмм", price="1.00", unit="кг", product=product)
    page = desk.get(f"/admin/products/{product.id}/")
    assert names(page, "offers") == ["С НДС", "Без НДС", "Килограмм"]
    assert "12.20\u00a0₽ / шт" in page.text
    assert page.text.index("the lowest") < page.text.index("Без НДС")


def test_products_are_found_by_their_offers(desk) -> None:
    make_offer(name="Чайник", product=make_product("Чайник Bosch"), sku="TWK-31")
    make_offer(name="Кастрюля")
    assert names(desk.get("/admin/products/", search="twk31"), "products") == ["Чайник Bosch"]
    found = desk.get("/admin/products/ajax/lookup/", name="product_id", query="чайник").json
    assert [text.split(" · ")[0] for _, text in found] == ["Чайник Bosch"]
    assert desk.get("/admin/products/ajax/lookup/", name="product_id", query="").json == []
    assert desk.get("/admin/products/ajax/lookup/", name="supplier_id", query="x").status_code == 404


def test_only_products_of_several_suppliers_have_rivals(desk) -> None:
    both = make_product("Общий")
    make_offer(product=both)
    make_offer(product=both)
    make_offer()
    assert names(desk.get("/admin/products/", rivals="1"), "products") == ["Общий"]


def test_a_product_is_merged_into_the_one_chosen(desk, edge) -> None:
    one, other = make_product("Чай Лисма"), make_product("Лисма чай")
    offers = [make_offer(product=one), make_offer(product=other)]
    page = desk.post(f"/admin/products/{one.id}/merge", product_id=other.id)
    assert "They are one product now." in page.text
    assert set(names(page, "offers")) == {offer.name for offer in offers}
    assert value_of(edge, Product.merged_into_id, Product.id == one.id) == other.id
    assert value_of(edge, Offer.product_decided_by_id, Offer.id == offers[0].id) == desk.user.id
    assert names(desk.get("/admin/products/"), "products") == ["Лисма чай"]
    assert "Лисма чай" in desk.get(f"/admin/products/{one.id}/").text
    about = {entry.object_name: entry.changes for entry in entries(edge)}
    assert about == {"Чай Лисма": {"merged_into_id": [None, other.id]}, "Лисма чай": {}}


@pytest.mark.parametrize("chosen", ["", "999", "x", "9" * 40, "self"])
def test_what_cannot_be_merged_is_refused(desk, edge, chosen: str) -> None:
    product = make_product("Чай")
    make_offer(product=product)
    page = desk.post(f"/admin/products/{product.id}/merge", product_id=str(product.id) if chosen == "self" else chosen)
    assert "note bad" in page.text
    assert value_of(edge, Product.merged_into_id, Product.id == product.id) is None
    assert entries(edge) == []


def test_products_priced_by_other_packs_are_not_merged(desk, edge) -> None:
    one, other = make_product("Бутылка"), make_product("Ящик", pack="12 шт")
    make_offer(product=one)
    make_offer(product=other)
    assert "priced by 12 шт" in desk.post(f"/admin/products/{one.id}/merge", product_id=other.id).text
    assert entries(edge) == []


def test_some_offers_are_split_off(desk, edge) -> None:
    product = make_product("Чай")
    first, second = make_offer(product=product), make_offer(product=product)
    page = desk.post(f"/admin/products/{product.id}/split", rowid=[second.id])
    assert names(page, "offers") == [second.name]
    new = value_of(edge, Offer.product_id, Offer.id == second.id)
    assert new != product.id
    assert value_of(edge, Offer.product_id, Offer.id == first.id) == product.id
    assert [entry.object_id for entry in entries(edge)] == [str(product.id), str(new)]
    refused = desk.post(f"/admin/products/{product.id}/split", rowid=[first.id])
    assert "but not all of them" in refused.text


def test_a_category_is_renamed(desk, edge) -> None:
    category = make_category("Чаи")
    desk.post(f"/admin/categories/{category.id}/rename", name="  Чай ")
    assert value_of(edge, Category.name, Category.id == category.id) == "Чай"
    [entry] = entries(edge)
    assert entry.changes == {"name": ["Чаи", "Чай"]}


@pytest.mark.parametrize(("name", "sentence"), [("", "name:"), ("КОФЕ", "called «КОФЕ» already"), ("x" * 300, "name:")])
def test_a_name_that_no_category_can_have_is_refused(desk, edge, name: str, sentence: str) -> None:
    make_category("Кофе")
    category = make_category("Чай")
    assert sentence in desk.post(f"/admin/categories/{category.id}/rename", name=name).text
    assert value_of(edge, Category.name, Category.id == category.id) == "Чай"
    assert entries(edge) == []


def test_suppliers_categories_are_moved_with_their_offers(app, desk, edge) -> None:
    run_import(app, make_company(SUPPLIER, name="Рога"), list_of(good(1), good(2, category=15)))
    phones = value_of(edge, Category.id, Category.name == "Смартфоны")
    others = value_of(edge, Category.id, Category.name == "Аксессуары")
    mapping = value_of(edge, SupplierCategory.id, SupplierCategory.category_id == phones)
    page = desk.get(f"/admin/categories/{phones}/")
    assert "Рога" in page.text
    page = desk.post(f"/admin/categories/{phones}/map", rowid=[mapping, 999], category_id=others)
    assert "Moved, done: Смартфоны" in page.text
    assert "999: There is no such category." in page.text
    assert value_of(edge, Offer.category_id, Offer.external_id == "1") == others
    assert value_of(edge, OfferRevision.user_id, OfferRevision.revision == 2) == desk.user.id
    [entry] = entries(edge)
    assert entry.changes == {"category_id": [phones, others]}
    assert "<del>Смартфоны</del> → <ins>Аксессуары</ins>" in desk.get("/admin/audit/").text


def test_moving_asks_for_rows_and_for_a_category(app, desk, edge) -> None:
    category = make_category("Чай")
    assert "Mark at least one row" in desk.post(f"/admin/categories/{category.id}/map", category_id=1).text
    assert "Choose the category" in desk.post(f"/admin/categories/{category.id}/map", rowid=[1]).text


def test_categories_come_by_name_with_what_they_hold(desk) -> None:
    tea = make_category("Чай")
    make_category("Кофе")
    make_offer(category=tea)
    assert names(desk.get("/admin/categories/"), "categories") == ["Кофе", "Чай"]
    assert desk.get("/admin/categories/ajax/lookup/", name="category_id", query="ча").json == [[tea.id, "Чай"]]


def test_suppliers_without_a_list_today_are_those_that_the_desk_counts(app, desk, edge) -> None:
    missing = make_company(SUPPLIER, name="Молчит")
    make_company(SUPPLIER, name="Закрыт", accepts_orders=False)
    make_company(SUPPLIER, name="Новый", status="pending")
    yesterday = make_company(SUPPLIER, name="Вчера")
    receive(make_company(SUPPLIER, name="Прислал"), list_of(good(1)))
    old = receive(yesterday, list_of(good(1)))
    with edge() as current:
        values = {"created_at": now() - timedelta(days=1)}
        current.execute(update(PriceList).where(PriceList.id == old.id).values(values))
    listed = names(desk.get("/admin/suppliers/", missing="1"), "suppliers")
    assert sorted(listed) == ["Вчера", missing.name]
    assert f"<b>{len(listed)}</b> suppliers without a price list today" in re.sub(r"\s+", " ", desk.get("/admin/").text)


def test_a_suppliers_terms_are_changed(desk, edge) -> None:
    supplier = make_company(SUPPLIER, accepts_orders=True)
    page = desk.post(
        f"/admin/suppliers/{supplier.id}/terms",
        form="terms",
        price_includes_vat="1",
        delivery_fee="1 500,50",
        free_delivery_from="20000",
        minimum_order="3000.00",
    )
    assert "It holds for orders placed from now on." in page.text
    with edge():
        changed = session().get_one(Company, supplier.id)
        assert not changed.accepts_orders
        assert changed.price_includes_vat
        assert (
            f"{changed.delivery_fee} {changed.free_delivery_from} {changed.minimum_order}" == "1500.50 20000.00 3000.00"
        )
    [entry] = entries(edge)
    assert entry.action == "supplier.change_terms"
    assert entry.changes["accepts_orders"] == [True, False]
    assert entry.changes["delivery_fee"] == ["0.00", "1500.50"]
    desk.post(f"/admin/suppliers/{supplier.id}/terms", free_delivery_from="")
    assert value_of(edge, Company.free_delivery_from, Company.id == supplier.id) is None


@pytest.mark.parametrize(
    "wrong", [{"delivery_fee": "free"}, {"minimum_order": "-1"}, {"minimum_order": ""}, {"delivery_fee": "NaN"}]
)
def test_terms_that_cannot_be_meant_are_refused(desk, edge, wrong: dict[str, str]) -> None:
    supplier = make_company(SUPPLIER)
    page = desk.post(f"/admin/suppliers/{supplier.id}/terms", form="terms", **wrong)
    assert "note bad" in page.text
    assert value_of(edge, Company.accepts_orders, Company.id == supplier.id)
    assert entries(edge) == []


def test_a_suppliers_guards_are_changed_and_given_back(desk, edge) -> None:
    supplier = make_company(SUPPLIER)
    address = f"/admin/suppliers/{supplier.id}/guards"
    desk.post(address, guard_price_percent="15", guard_median_percent="")
    assert value_of(edge, ImportTerms.guard_price_percent, ImportTerms.supplier_id == supplier.id) == 15
    about_company, about_terms = entries(edge)
    assert about_company.object_name == supplier.name
    assert about_terms.changes == {"guard_price_percent": [None, 15]}
    assert "note bad" in desk.post(address, guard_price_percent="many").text
    desk.post(address, guard_price_percent="")
    assert value_of(edge, ImportTerms.guard_price_percent, ImportTerms.supplier_id == supplier.id) is None


def test_a_buyer_is_no_supplier(desk) -> None:
    company = make_company()
    for path in (f"/admin/suppliers/{company.id}/", f"/admin/suppliers/{company.id}/terms"):
        answer = desk.get(path) if path.endswith("/") else desk.post(path, form="terms")
        assert answer.status_code == 404, path


def test_every_list_costs_few_statements_however_long(app: Flask, desk, count_statements) -> None:
    """Of all views of the admin."""
    views = [view for view in VIEWS if issubclass(view, ManagedView)]
    assert len(views) >= 7
    counts: list[list[int]] = []
    for size in (2, 9):
        for _ in range(size):
            supplier = make_company(SUPPLIER)
            run_import(app, supplier, list_of(*map(good, range(size))))
            make_order({make_offer(category=make_category()).id: 1})
        counts.append([])
        for view in views:
            with count_statements() as statements:
                assert desk.get(f"/admin/{view.slug}/").status_code == 200, view
            counts[-1].append(len(statements))
    # A page that is not full is not counted, so a longer list may cost one more.
    assert all(longer - short in (0, 1) for short, longer in zip(*counts, strict=True))
    assert max(counts[1]) <= 4


def test_pages_cost_the_same_number_of_statements_however_long(app: Flask, desk, count_statements) -> None:
    counts = []
    for size in (2, 9):
        supplier, product, category = make_company(SUPPLIER), make_product("Чай"), make_category()
        offers = [make_offer(supplier=supplier, product=product, category=category) for _ in range(size)]
        run_import(app, make_company(SUPPLIER), list_of(*map(good, range(size))))
        counts.append([])
        for path in (
            f"offers/{offers[0].id}",
            f"products/{product.id}",
            f"categories/{category.id}",
            f"suppliers/{supplier.id}",
        ):
            with count_statements() as statements:
                assert desk.get(f"/admin/{path}/").status_code == 200, path
            counts[-1].append(len(statements))
    assert counts[0] == counts[1]
    assert max(counts[0]) <= 10


def test_what_suppliers_write_stays_text(app: Flask, desk, edge, unguarded) -> None:
    supplier = make_company(SUPPLIER, name=ATTACK)
    parameters = {ATTACK: ATTACK}
    run_import(
        app, supplier, list_of(good(1, name=ATTACK, parameters=parameters), categories=[{"id": 224, "name": ATTACK}])
    )
    run_import(app, supplier, list_of(good(1, name=f"{ATTACK}!"), categories=[{"id": 224, "name": ATTACK}]))
    desk.post("/admin/categories/1/rename", name=f"{ATTACK}?")
    for slug in ("offers", "products", "categories", "suppliers"):
        listed = desk.get(f"/admin/{slug}/").text
        page = desk.get(f"/admin/{slug}/1/").text
        for text in (listed, page):
            assert "<script>" not in text, slug
            assert "&lt;script&gt;alert(1)" in text, slug
    assert "<script>" not in desk.get("/admin/audit/").text


def test_an_english_reader_gets_no_russian(app: Flask, desk, edge) -> None:
    supplier = make_company(SUPPLIER, name="Horns")
    run_import(app, supplier, list_of(good(1, name="Tea", unit="pcs"), categories=[{"id": 224, "name": "Drinks"}]))
    with edge() as current:
        current.execute(update(Offer).values(unit="kg", base_unit="kg"))
        current.execute(update(Product).values(pack="1 kg"))
    paths = [
        f"{slug}/{id_}"
        for slug in ("price_lists", "offers", "products", "categories", "suppliers")
        for id_ in ("", "1/")
    ]
    for path in (*paths, "price_lists/new/"):
        page = desk.get(f"/admin/{path}").text.replace("Русский", "").replace(desk.user.full_name, "")
        assert not re.findall("[А-Яа-яЁё]+", re.sub(r"«Связной»|Шт", "", page)), path
