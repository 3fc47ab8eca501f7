"""What a document says in words: its title, who is who, what it rests on, what it comes to."""

from decimal import Decimal

from shop.money import NBSP
from shop.orders.documents.amounts_in_words import count_of_goods, day, sum_in_words
from shop.orders.documents.document_data import Annulled, Bank, Change, Consignee, InvoiceData, Party, is_taxed


def title_of(invoice: InvoiceData) -> str:
    own = f"№{NBSP}{invoice['number']} от{NBSP}{day(invoice['issued_on'])}"
    if invoice["kind"] == "invoice":
        return f"Товарная накладная {own}"
    earlier = invoice["corrects"]
    return (
        f"Корректировочная накладная {own} к{NBSP}накладной №{NBSP}{earlier['number']} от{NBSP}"
        f"{day(earlier['issued_on'])}"
    )


def annulment(annulled: Annulled) -> str:
    reason = annulled.get("reason")
    return f"Аннулирована {day(annulled['on'])}" + (f". Причина: {reason}" if reason else "")


def party_lines(party: Party) -> list[str]:
    """The name first, then what is known of registration, address and bank."""
    registered = _known(("ИНН", party["inn"]), ("КПП", party.get("kpp")), ("ОГРН", party.get("ogrn")))
    return [line for line in (_name_of(party), registered, party.get("address"), _bank_line(party.get("bank"))) if line]


def _name_of(party: Party) -> str:
    return party["full_name"] or party.get("short_name") or ""


def _bank_line(bank: Bank | None) -> str:
    if bank is None:
        return ""
    return _known(
        ("р/с", bank.get("account")),
        ("в банке", bank.get("name")),
        ("БИК", bank.get("bik")),
        ("к/с", bank.get("correspondent_account")),
    )


def _known(*facts: tuple[str, str | None]) -> str:
    return ", ".join(f"{label}{NBSP}{value}" for label, value in facts if value)


def consignee_lines(consignee: Consignee, payer: Party) -> list[str]:
    """A shop signs for its company: the company's name, then where the goods go."""
    phone = _known(("тел.", consignee.get("phone")))
    return [line for line in (_name_of(payer), consignee["name"], consignee.get("address"), phone) if line]


def basis_lines(invoice: InvoiceData) -> list[str]:
    theirs, planned = invoice.get("client_reference"), invoice.get("shipment_on")
    lines = (
        invoice.get("contract"),
        f"Заказ №{NBSP}{invoice['order_number']}",
        f"Номер заказа у покупателя: {theirs}" if theirs else None,
        f"Плановая поставка: {day(planned)}" if planned else None,
    )
    return [line for line in lines if line]


def closing_count(invoice: InvoiceData) -> str:
    if invoice["kind"] == "correction":
        return f"Изменено строк накладной: {len(invoice.get('changes', []))}. Справа: суммы после корректировки."
    delivery = " и услугу доставки" if invoice.get("delivery") else ""
    return f"Накладная содержит {count_of_goods(invoice['totals']['lines'])} товара{delivery}."


def closing_sum(invoice: InvoiceData) -> str:
    totals, currency = invoice["totals"], invoice["currency"]
    if invoice["kind"] == "correction":
        return _closing_difference(invoice.get("changes", []), currency)
    vat = sum_in_words(totals["vat"], currency)
    tail = f"в том числе НДС: {vat[:1].lower()}{vat[1:]}" if is_taxed(totals) else "НДС не облагается"
    return f"Всего на сумму: {sum_in_words(totals['total'], currency)}, {tail}."


def _closing_difference(changes: list[Change], currency: str) -> str:
    difference = sum((Decimal(change["difference"]["total"]) for change in changes), Decimal())
    if not difference:
        return "Сумма накладной не изменилась."
    direction = "увеличена" if difference > 0 else "уменьшена"
    return f"Сумма накладной {direction} на: {sum_in_words(difference, currency)}."
