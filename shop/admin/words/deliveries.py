"""Mails, webhooks and events."""

from shop.mail.content import mail_titles

RUSSIAN = {
    "Mails": "Письма",
    "Queued at": "В очереди с",
    "Sent at": "Отправлено",
    "Attempts": "Попыток",
    "Why not": "Почему нет",
    "About": "О чём",
    "Send again": "Отправить снова",
    "The mail to {who} is queued again.": "Письмо для {who} снова в очереди.",
    "It waits for its delivery; nothing has to be done.": "Письмо ждёт отправки; делать ничего не нужно.",
    "It is the same mail with the same Message-ID: a mailbox that has it already may show it once.": (
        "Это то же письмо с тем же Message-ID: почтовый ящик, где оно уже есть, может показать его один раз."
    ),
    "No mails yet. Registrations, orders and price lists send them.": (
        "Писем пока нет. Их рассылают регистрации, заказы и прайс-листы."
    ),
    "Webhooks": "Вебхуки",
    "Promised": "Обещано",
    "Finished at": "Закончено",
    "Receiver": "Получатель",
    "The webhook is switched off": "Вебхук выключен",
    "The company's owner switches it on again by the API; then this can be sent.": (
        "Владелец компании включает его через API; тогда можно отправить снова."
    ),
    "Nothing was sent yet. A company's owner subscribes an address by the API: POST /api/v1/webhooks.": (
        "Пока ничего не отправлялось. Владелец компании подписывает адрес через API: POST /api/v1/webhooks."
    ),
    "It is sent again now.": "Отправляется снова.",
    "It is the same message with the same webhook-id: a receiver that has it already leaves it.": (
        "Это то же сообщение с тем же webhook-id: получатель, у которого оно есть, его пропустит."
    ),
    "What it says": "Что в нём",
    "All attempts": "Все попытки",
    "Status": "Статус",
    "Took, ms": "Заняло, мс",
    "taken": "принято",
    "Company": "Компания",
    "webhook|delivered": "доставлено",
    "webhook|failed": "не доставлено",
    "webhook|queued": "в очереди",
    "webhook off|paused": "приостановил владелец",
    "webhook off|gone": "получатель ответил, что его больше нет (410)",
    "webhook off|failing": "получатель слишком долго не принимал",
    "webhook error|unreachable": "недоступен",
    "webhook error|timeout": "не ответил вовремя",
    "webhook error|tls": "ошибка TLS",
    "webhook error|not_http": "ответил не по HTTP",
    "webhook error|redirect": "перенаправил",
    "webhook error|refused": "отказал",
    "webhook error|secret_lost": "утерян секрет",
    "webhook type|order.placed": "заказ оформлен",
    "webhook type|supplier_order.placed": "новый заказ поставщику",
    "webhook type|supplier_order.confirmed": "часть подтверждена",
    "webhook type|supplier_order.assembled": "часть собрана",
    "webhook type|supplier_order.sent": "часть отправлена",
    "webhook type|supplier_order.delivered": "часть доставлена",
    "webhook type|supplier_order.refused": "часть не принята",
    "webhook type|supplier_order.canceled": "часть отменена",
    "webhook type|invoice.issued": "накладная выписана",
    "webhook type|invoice.corrected": "накладная исправлена",
    "webhook type|invoice.annulled": "накладная аннулирована",
    "webhook type|price_list.applied": "прайс-лист применён",
    "webhook type|price_list.held": "прайс-лист ждёт решения",
    "webhook type|price_list.failed": "ошибка прайс-листа",
    "webhook type|webhook.test": "проверка",
    "There is no such delivery.": "Такой доставки нет.",
    "This webhook is switched off. Switch it on first: PATCH it with active true.": (
        "Вебхук выключен. Сначала его владелец должен включить его через API."
    ),
    "act|webhook_delivery.resend": "вебхук отправлен снова",
    "Events": "События",
    "Happened": "Произошло",
    "Not done yet": "Не выполнено",
    "Sent again at": "Повтор",
    "Parked": "Отложено",
    "Late": "Опаздывает",
    "Replay": "Повторить",
    "event|parked": "отложено",
    "event|late": "опаздывает",
    "event|open": "в работе",
    "Nothing waits: every event has been handled.": "Ничего не ждёт: все события обработаны.",
    "There is no mail {mail_id} in the log.": "Такого письма в журнале нет: {mail_id}.",
    "The recipient of mail {mail_id} has closed the account; the log has forgotten the address.": (
        "Получатель письма {mail_id} закрыл учётную запись, его адрес забыт."
    ),
    "There is no event {event_id}; handled ones are deleted after some days.": (
        "Такого события нет: {event_id}. Обработанные удаляются через несколько дней."
    ),
    "Event {event_id} ({type}) was handled at {handled_at}; there is nothing to replay.": (
        "Событие {event_id} ({type}) обработано {handled_at}; повторять нечего."
    ),
    **{f"mail about|{kind.replace('_', ' ')}": title for kind, title in mail_titles("ru").items()},
    "act|mail.resend": "письмо отправлено снова",
    "act|event.replay": "событие повторено",
}
