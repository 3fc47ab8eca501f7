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
    "Nobody here is linked to this identity. Log in with your password, and link it on your own page.": (
        "Эта личность здесь ни с кем не связана. Войдите с паролем и привяжите её на своей странице."
    ),
    "This code was used already, has expired, or was made for somebody or something else. Start again.": (
        "Этот код уже использован, устарел или предназначен для другого. Начните ещё раз."
    ),
    "The log-in was canceled at the provider.": "Вход отменён у провайдера.",
    "This log-in was not begun in this browser, or too long ago. Start again.": (
        "Этот вход начат не в этом браузере или слишком давно. Начните ещё раз."
    ),
    "This log-in was finished already. Start again.": "Этот вход уже завершён. Начните ещё раз.",
    "The provider did not answer as it should. Try again, or log in with your password.": (
        "Служба входа не ответила как должна. Повторите или войдите с паролем."
    ),
    "This identity is linked to an account already.": "Эта личность уже связана с учётной записью.",
    "Your account is linked to somebody at this provider already. Unlink that first.": (
        "Ваша учётная запись уже связана с кем-то у этого провайдера. Сначала отвяжите."
    ),
    "Your account is not linked to this provider.": "Ваша учётная запись не связана с этим провайдером.",
    "Without this provider nothing would open your account. Set a password or link another provider first.": (
        "Без этого провайдера в учётную запись было бы не войти. Сначала задайте пароль."
    ),
    "Your account has no password. Log in with your provider again and repeat this within ten minutes.": (
        "У вас нет пароля. Войдите через провайдера ещё раз и повторите в течение десяти минут."
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
    "A part that is {state} cannot become {to}; it could become: {allowed}.": (
        "Часть в состоянии «{state}» нельзя перевести в «{to}»; можно: {allowed}."
    ),
    "Making a part {to} is for: {roles}.": "Перевести часть в «{to}» могут: {roles}.",
    "{supplier} has no legal entity with a document prefix, so its invoice cannot be numbered.": (
        "У поставщика {supplier} в реквизитах нет префикса документов, поэтому накладную не пронумеровать."
    ),
    "Neither the price list nor the supplier's legal entity states the VAT rate of: {names}.": (
        "Ставки НДС нет ни в прайс-листе, ни в реквизитах поставщика: {names}."
    ),
    "VAT was unknown when this was ordered; the buyer has to agree to {total} instead of {placed} first.": (
        "При заказе ставка НДС была неизвестна; сначала покупатель должен согласиться на {total} вместо {placed}."
    ),
    "The total with VAT is {total}, not {stated}. Read it again, then decide.": (
        "Сумма с НДС — {total}, а не {stated}. Посмотрите ещё раз."
    ),
    "The total stands at {total}; there is nothing to agree to.": "Сумма {total} не меняется: соглашаться не на что.",
    "These are counted in whole pieces: {names}. Confirm fewer of them, or none, or cancel the part.": (
        "Это считают целыми штуками: {names}. Подтвердите меньше, уберите строку или отмените часть."
    ),
    "Say how the buyer has agreed.": "Напишите, как покупатель согласился.",
    "There is not enough left of these goods; in brackets how much there is: {goods}.": (
        "Этих товаров не хватает, в скобках — сколько есть: {goods}."
    ),
    "The present state does not allow this.": "Сейчас это невозможно.",
    "Your account is not allowed to do this.": "Вам это нельзя.",
    "The second factor is on already. Switch it off first.": "Второй фактор уже включён.",
    "This cursor does not belong to this list. Start again without one.": "Эта страница устарела. Начните сначала.",
    "This address cannot be fetched.": "По этому адресу ничего не загрузить.",
    "This is no web address.": "Это не адрес в интернете.",
    "An address must begin with http:// or https:// and name a host.": (
        "Адрес начинается с http:// или https:// и называет сервер."
    ),
    "An address must not hold a user name or a password.": "В адресе не должно быть имени и пароля.",
    "Must be a number.": "Нужно число.",
    "Not a valid integer.": "Нужно целое число.",
    "Missing data for required field.": "Заполните это поле.",
    "Must be 0 or more, with at most two decimals.": "Нужна сумма от 0, не больше двух знаков после запятой.",
    'Must be a decimal number as text, like "1250.50".': "Нужна сумма, например 1250,50.",
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
