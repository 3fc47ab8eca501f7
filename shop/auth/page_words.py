"""What the pages behind mailed links say: (title, text, button) by language, page and what happened."""

Words = tuple[str, str, str]

WORDS: dict[str, dict[str, dict[str, Words]]] = {
    "ru": {
        "confirm_email": {
            "ask": ("Подтверждение адреса", "Нажмите кнопку, чтобы подтвердить адрес {email}.", "Подтвердить"),
            "done": ("Адрес подтверждён", "Теперь вы можете войти со своим паролем.", ""),
            "bad": (
                "Ссылка не действует",
                "Она уже использована, устарела или скопирована не целиком. Запросите новое письмо"
                " (POST /api/v1/auth/resend-confirmation) или зарегистрируйтесь ещё раз с тем же адресом.",
                "",
            ),
        },
        "confirm_email_change": {
            "ask": ("Новый адрес", "Нажмите кнопку, чтобы адресом учётной записи стал {email}.", "Подтвердить"),
            "done": ("Адрес изменён", "Теперь входите с адресом {email}.", ""),
            "bad": (
                "Ссылка не действует",
                "Она уже использована, устарела или скопирована не целиком. Запросите смену адреса ещё раз.",
                "",
            ),
        },
        "reset_password": {
            "ask": ("Новый пароль", "Задайте новый пароль для {email}. Все сеансы завершатся.", "Сохранить"),
            "done": ("Пароль сохранён", "Теперь вы можете войти с новым паролем.", ""),
            "bad": (
                "Ссылка не действует",
                "Она уже использована, устарела или скопирована не целиком. Запросите новое письмо"
                " (POST /api/v1/auth/password-reset).",
                "",
            ),
        },
        "accept_invitation": {
            "ask": ("Приглашение", "Задайте пароль, чтобы присоединиться с адресом {email}.", "Присоединиться"),
            "done": ("Добро пожаловать", "Теперь вы можете войти с адресом {email} и своим паролем.", ""),
            "bad": (
                "Ссылка не действует",
                "Приглашение уже использовано, отозвано или устарело. Попросите прислать новое.",
                "",
            ),
        },
    },
    "en": {
        "confirm_email": {
            "ask": ("Confirm your e-mail", "Press the button to confirm the address {email}.", "Confirm"),
            "done": ("Your e-mail is confirmed", "You can log in with your password now.", ""),
            "bad": (
                "This link does not work",
                "It was used already, has expired or was not copied completely. Ask for a new mail"
                " (POST /api/v1/auth/resend-confirmation) or register once more with the same address.",
                "",
            ),
        },
        "confirm_email_change": {
            "ask": ("Your new address", "Press the button to make {email} the address of your account.", "Confirm"),
            "done": ("Your address is changed", "Log in with {email} from now on.", ""),
            "bad": (
                "This link does not work",
                "It was used already, has expired or was not copied completely. Ask for the change once more.",
                "",
            ),
        },
        "reset_password": {
            "ask": ("A new password", "Set a new password for {email}. All sessions end with it.", "Save"),
            "done": ("Your password is saved", "You can log in with the new password now.", ""),
            "bad": (
                "This link does not work",
                "It was used already, has expired or was not copied completely. Ask for a new mail"
                " (POST /api/v1/auth/password-reset).",
                "",
            ),
        },
        "accept_invitation": {
            "ask": ("You are invited", "Choose a password to join with the address {email}.", "Join"),
            "done": ("Welcome", "You can log in with {email} and your password now.", ""),
            "bad": (
                "This link does not work",
                "The invitation was used already, taken back, or has expired. Ask for a new one.",
                "",
            ),
        },
    },
}

LABELS: dict[str, dict[str, str]] = {
    "ru": {"password": "Пароль", "first_name": "Имя", "last_name": "Фамилия"},
    "en": {"password": "Password", "first_name": "First name", "last_name": "Last name"},
}

# By the refusal's code: what to do about it.
PROBLEMS: dict[str, dict[str, str]] = {
    "ru": {
        "PasswordTooWeak": "Выберите другой пароль: не меньше 12 знаков, не из частых слов, дат и рядов клавиш,"
        " без адреса почты.",
        "EmailTaken": "С этим адресом уже есть учётная запись.",
        "Incomplete": "Заполните все поля.",
    },
    "en": {
        "PasswordTooWeak": "Choose another password: at least 12 characters, no common words, dates or rows of keys,"
        " without your e-mail address.",
        "EmailTaken": "There is an account with this address already.",
        "Incomplete": "Fill in all fields.",
    },
}
