"""The audit, and what its acts are called (`act|thing.verb`)."""

RUSSIAN = {
    "When": "Когда",
    "Who": "Кто",
    "What": "Что",
    "Of what": "С чем",
    "Before and after": "Было и стало",
    "Object type": "Таблица",
    "Object id": "Номер записи",
    "Kind of thing": "Вид",
    "Value before or after": "Значение до или после",
    "From where": "С адреса",
    "Nobody has changed anything here yet. Every act of a manager leaves its line.": (
        "Пока никто ничего не менял. Каждое действие менеджера оставит здесь строку."
    ),
    "act|order.confirm": "заказ подтверждён",
    "act|order.confirmed": "часть подтверждена",
    "act|order.agreed": "покупатель согласен на сумму с НДС",
    "act|order.assemble": "заказ собран",
    "act|order.assembled": "часть собрана",
    "act|order.send": "заказ отправлен",
    "act|order.sent": "часть отправлена",
    "act|order.received": "записано, что получено",
    "act|order.delivered": "часть доставлена",
    "act|order.refused": "часть не принята",
    "act|order.cancel": "заказ отменён",
    "act|order.canceled": "часть отменена",
}
