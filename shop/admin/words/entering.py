"""The log-in, the second factor, and pages of problems."""

RUSSIAN = {
    "Log in": "Войти",
    "The managers' desk": "Рабочее место менеджера",
    "E-mail": "Эл. почта",
    "Password": "Пароль",
    "Code of the app": "Код из приложения",
    "only if your account has a second factor": "только если включён второй фактор",
    "Second factor": "Второй фактор",
    "Managers work here with a second factor: a code of an app on your phone besides the password.": (
        "Менеджеры работают здесь со вторым фактором: кроме пароля нужен код из приложения в телефоне."
    ),
    "Set it up": "Настроить",
    "Enter this secret in your authenticator app, then the code that it shows.": (
        "Введите этот ключ в приложение-аутентификатор, затем код, который оно покажет."
    ),
    "Open in the app on this device": "Открыть в приложении на этом устройстве",
    "Switch it on": "Включить",
    "It is on. Keep these recovery codes in a safe place: each works once, and nobody can show them again.": (
        "Включено. Сохраните эти коды восстановления: каждый подойдёт один раз, и больше их никто не покажет."
    ),
    "Go to the desk": "На рабочий стол",
    "Go on": "Дальше",
    "or": "или",
    "Log in with {provider}": "Войти через {provider}",
    "You are identified": "Вы подтвердили, кто вы",
    "My account": "Моя учётная запись",
    "Ways to log in": "Как вы входите",
    "since {when}": "с {when}",
    "Your sessions, and what was done to your account": "Ваши сеансы и что делали с вашей учётной записью",
    "Unlink": "Отвязать",
    "Unlinked.": "Отвязано.",
    "Linked. You can log in this way from now on.": "Привязано. Теперь можно входить и так.",
    "Log in this way no more?": "Больше так не входить?",
    "Link {provider}": "Привязать {provider}",
    "Go to {provider}": "Перейти в {provider}",
    "Not now": "Не сейчас",
    "Your identity there opens this account from then on. The second factor is still asked for.": (
        "После этого можно входить через эту службу. Второй фактор всё равно спросим."
    ),
    "Say there who you are; you come back here by yourself. The address works once, for five minutes.": (
        "Подтвердите там, кто вы, и вернётесь сюда сами. Адрес работает один раз в течение пяти минут."
    ),
    "This is closed to you": "Сюда вам нельзя",
    "There is nothing here": "Здесь ничего нет",
    "This was not accepted": "Не принято",
    "Too many tries": "Слишком много попыток",
    "Something went wrong": "Что-то пошло не так",
    "Too many tries. Wait a little, then try again.": "Слишком много попыток. Подождите немного и повторите.",
    "There is no such address here.": "Такого адреса здесь нет.",
    "Something went wrong on our side. It is logged under the request_id.": "Ошибка на нашей стороне; она записана.",
}
