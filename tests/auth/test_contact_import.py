"""A company's delivery points from a file: good rows are taken, and every row is reported."""

import io
from dataclasses import replace

import pytest
import xlsxwriter

from shop.companies import contact_files
from shop.companies.contact_files import ColumnsMissing, FileTooLong, FileUnreadable, read_contacts
from tests.factories.auth import bearer, make_company, make_user

AUTH = "/api/v1/auth"
HEADER = ["Название", "Город", "Улица", "Дом", "Телефон", "Прочее"]
ROWS = [
    ["001", "Москва", "ул. Лесная", 5, "8 (495) 123-45-67", "x"],
    ["002", "Москва", "ул. Полевая", "7а", "не телефон", ""],
    ["", "", "", "", "", ""],
    ["003", "", "ул. Речная", 9, "+7 495 123-45-67", ""],
]


def xlsx(rows, *, formula: str = "") -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
        if formula:
            sheet.write_formula(1, 0, formula, None, "004")
    return buffer.getvalue()


def csv(rows, *, delimiter: str = ";", encoding: str = "utf-8-sig") -> bytes:
    return "\r\n".join(delimiter.join(map(str, row)) for row in rows).encode(encoding)


def send(client, token, raw: bytes, name: str = "shops.xlsx"):
    return client.post(f"{AUTH}/company/contacts/import", data={"file": (io.BytesIO(raw), name)}, headers=token)


@pytest.mark.parametrize("raw", [xlsx([HEADER, *ROWS]), csv([HEADER, *ROWS])], ids=["xlsx", "csv"])
def test_takes_good_rows_and_reports_every_one(client, raw):
    token = bearer(make_user())
    report = send(client, token, raw).json
    assert (report["created"], report["known"], report["refused"]) == (1, 0, 2)
    first, second, third = report["rows"]
    assert (first["row"], first["result"]) == (2, "created")
    assert (second["row"], [error["field"] for error in second["errors"]]) == (3, ["phone"])
    assert (third["row"], [error["field"] for error in third["errors"]]) == (5, ["city"])
    contact = client.get(f"{AUTH}/contacts/{first['contact_id']}", headers=token).json
    assert (contact["name"], contact["house"], contact["phone"]) == ("001", "5", "+74951234567")
    assert contact["belongs_to"] == "company"


def test_a_file_sent_again_adds_nothing(client):
    token, raw = bearer(make_user()), xlsx([HEADER, *ROWS])
    send(client, token, raw)
    again = send(client, token, raw).json
    assert (again["created"], again["known"]) == (0, 1)
    assert len(client.get(f"{AUTH}/contacts", headers=token).json["items"]) == 1


def test_stops_at_the_limit(app, client, settings):
    token = bearer(make_user())
    rows = [[f"{number:03d}", "Москва", "ул. Лесная", number, "84951234567"] for number in range(4)]
    app.extensions["settings"] = settings.model_copy(update={"max_contacts_per_company": 3})
    try:
        report = send(client, token, csv([HEADER[:5], *rows])).json
    finally:
        app.extensions["settings"] = settings
    assert [row["result"] for row in report["rows"]] == ["created"] * 3 + ["refused"]


def test_is_the_owners_matter_and_members_use_what_came(client):
    company = make_company()
    owner, member = bearer(make_user(company=company)), bearer(make_user(company=company))
    raw = csv([HEADER, ROWS[0]])
    assert send(client, member, raw).json["code"] == "OwnerOnly"
    created = send(client, owner, raw).json["rows"][0]["contact_id"]
    assert client.get(f"{AUTH}/contacts/{created}", headers=member).status_code == 200
    assert client.patch(f"{AUTH}/contacts/{created}", json={"city": "Тула"}, headers=member).status_code == 403
    assert client.patch(f"{AUTH}/contacts/{created}", json={"city": "Тула"}, headers=owner).json["city"] == "Тула"
    assert client.delete(f"{AUTH}/contacts/{created}", headers=member).status_code == 403
    assert client.delete(f"{AUTH}/contacts/{created}", headers=owner).status_code == 204


def test_a_contact_of_the_company_is_added_by_its_owner(client):
    company = make_company()
    owner, member = bearer(make_user(company=company)), bearer(make_user(company=company))
    address = {"name": "001", "city": "Москва", "street": "ул. Лесная", "house": "5", "phone": "84951234567"}
    made = client.post(f"{AUTH}/company/contacts", json=address, headers=owner)
    assert (made.status_code, made.json["belongs_to"]) == (201, "company")
    assert client.post(f"{AUTH}/company/contacts", json=address, headers=member).json["code"] == "OwnerOnly"
    assert client.get(made.headers["Location"], headers=bearer(make_user())).status_code == 404


@pytest.mark.parametrize("text", ["=1+1", " =cmd|'/c calc'!A0", "x" * 300])
def test_refuses_formulas_and_long_texts_row_by_row(client, text):
    report = send(client, bearer(make_user()), csv([HEADER, [text, *ROWS[0][1:]]]), "a.csv").json
    assert (report["refused"], report["rows"][0]["errors"][0]["field"]) == (1, "name")


def test_a_formula_counts_with_its_saved_value():
    [(_, values)] = read_contacts(xlsx([HEADER, ROWS[0]], formula="=1+3"))
    assert values["name"] == "004"


def test_refuses_rows_whose_cells_cannot_be_told_apart(client):
    """A comma without quotes in the first one, the end of the file in the last one."""
    rows = [HEADER[:5], [*ROWS[0][:2], "ул. Лесная, 5", *ROWS[0][3:5]], ROWS[0][:5], ["009", "Москва", "ул. Лес"]]
    report = send(client, bearer(make_user()), csv(rows, delimiter=",")).json
    assert [(row["row"], row["result"]) for row in report["rows"]] == [(2, "refused"), (3, "created"), (4, "refused")]
    assert ["more cells" in report["rows"][0]["errors"][0]["message"], "middle" in str(report["rows"][2])] == [
        True,
        True,
    ]


@pytest.mark.parametrize(("delimiter", "encoding"), [(";", "cp1251"), (",", "utf-8"), ("\t", "utf-8")])
def test_reads_csv_as_programs_write_it(delimiter, encoding):
    [(number, values)] = read_contacts(csv([HEADER, ROWS[0]], delimiter=delimiter, encoding=encoding))
    assert (number, values["city"], values["phone"]) == (2, "Москва", "8 (495) 123-45-67")


def test_needs_its_columns(client):
    answer = send(client, bearer(make_user()), csv([["Город", "Улица"], ["Москва", "Лесная"]]))
    assert (answer.status_code, answer.json["code"]) == (422, "ColumnsMissing")
    assert answer.json["facts"]["missing"] == "name, house, phone"
    with pytest.raises(ColumnsMissing):
        read_contacts(b"")


@pytest.mark.parametrize(
    "raw", [b"PK\x03\x04 broken", csv([HEADER, ["a\x00b", *ROWS[0][1:]]]), b'a;b\r\n"x" y";"', xlsx([HEADER])[:-200]]
)
def test_refuses_what_it_cannot_read(raw):
    with pytest.raises((FileUnreadable, ColumnsMissing)):
        read_contacts(raw)


def test_refuses_too_many_rows(monkeypatch):
    monkeypatch.setattr(contact_files, "MAX_ROWS", 2)
    for raw in (csv([HEADER, *[ROWS[0]] * 3]), xlsx([HEADER, *[ROWS[0]] * 3])):
        with pytest.raises(FileTooLong):
            read_contacts(raw)


def test_refuses_bombs_before_the_work(monkeypatch):
    """One cell in the last corner, and more unpacked than there may be."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as workbook:
        sheet = workbook.add_worksheet()
        sheet.write_row(0, 0, HEADER)
        sheet.write(1_048_575, 16_383, "x")
    with pytest.raises(FileTooLong):
        read_contacts(buffer.getvalue())
    monkeypatch.setattr(contact_files, "LIMITS", replace(contact_files.LIMITS, unpacked=1000))
    with pytest.raises(FileTooLong):
        read_contacts(xlsx([HEADER]))
