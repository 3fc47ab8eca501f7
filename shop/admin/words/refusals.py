"""What refusals say, under the English message of their class."""

RUSSIAN = {
    "The e-mail or the password is wrong.": "Неверный адрес или пароль.",
    "This is not your present password.": "Это не ваш нынешний пароль.",
    "Open the link in the confirmation mail first, or ask for a new one.": (
        "Сначала подтвердите адрес по ссылке из письма."
    ),
    "This account or its company is blocked. Please write to the operator.": "Учётная запись заблокирована.",
    "This account has a second factor. Log in with `otp`: a code of the app, or a recovery code.": (
        "У этой учётной записи есть второй фактор: введите ещё раз пароль и код из приложения или код восстановления."
    ),
    "This code is wrong or was used already. Wait for the next one.": (
        "Код неверен или уже использован. Дождитесь следующего."
    ),
    "Only managers work here. Your account is another kind; use the ordering program of your company.": (
        "Здесь работают только менеджеры. Ваша учётная запись другая: заказывайте в программе вашей компании."
    ),
    "This form was not sent from a page that we have shown you, or too long ago. Open the page again.": (
        "Эта форма отправлена не с нашей страницы или слишком давно. Откройте страницу ещё раз."
    ),
    "This has changed since you read it. Read it again, then decide.": (
        "Пока вы смотрели, это изменилось. Посмотрите ещё раз."
    ),
    "There is no such thing here.": "Такого здесь нет.",
    "Somebody else is changing the same things right now. Try again in a moment.": (
        "Это сейчас меняет кто-то другой. Повторите через мгновение."
    ),
    "A part of the service does not answer at the moment. Try again shortly.": (
        "Часть сервиса не отвечает. Повторите чуть позже."
    ),
    "There is no such order among those you may see.": "Такого заказа нет.",
    "There is no such part of an order among those you may see.": "Такой части заказа нет.",
    "There is no such invoice among those you may see.": "Такой накладной нет.",
    "No part of this order is waiting for confirmation; the order is {state}.": (
        "В этом заказе нечего подтверждать; его состояние: {state}."
    ),
    "No part of this order can be {to} now; the order is {state}.": (
        "Ни одну часть этого заказа нельзя перевести в «{to}»; его состояние: {state}."
    ),
    "Nothing of this order can be canceled any more; the order is {state}.": (
        "В этом заказе уже нечего отменить; его состояние: {state}."
    ),
}
