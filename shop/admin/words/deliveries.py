"""Mails and events."""

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
    "mail about|confirm email": "подтверждение адреса",
    "mail about|already registered": "повторная регистрация",
    "mail about|reset password": "смена пароля",
    "mail about|confirm email change": "подтверждение нового адреса",
    "mail about|email change notice": "смена адреса начата",
    "mail about|email changed": "адрес сменён",
    "mail about|security notice": "безопасность",
    "mail about|invitation": "приглашение",
    "mail about|company moved": "состояние компании",
    "mail about|provider linked": "вход через провайдера",
    "mail about|provider unlinked": "отвязан провайдер",
    "mail about|price list held": "прайс-лист ждёт решения",
    "mail about|price list failed": "ошибка прайс-листа",
    "mail about|order placed": "заказ оформлен",
    "mail about|order received": "новый заказ",
    "mail about|invoice": "накладная",
    "mail about|correction": "исправление накладной",
    "mail about|part moved": "заказ продвинулся",
    "mail about|register again": "регистрация заново",
    "mail about|webhook switched off": "вебхук выключен",
    "act|mail.resend": "письмо отправлено снова",
    "act|event.replay": "событие повторено",
}
