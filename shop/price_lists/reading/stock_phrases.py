"""How suppliers write what they have, in lower case: words, bounds, and numbers with a unit behind them."""

import re

IN_STOCK = frozenset(
    {"+", "++", "+++", "есть", "есть в наличии", "много", "мало", "да", "имеется", "в наличии", "на складе"}
    | {"достаточно", "доступно", "доступен", "in stock", "instock", "available", "yes", "true", "истина"}
)
SOLD_OUT = frozenset(
    {"-", "--", "–", "—", "нет", "нету", "отсутствует", "отсутствуют", "закончился", "закончилась", "закончилось"}
    | {"закончились", "кончился", "распродан", "распродана", "распродано", "распроданы", "продан", "продано"}
    | {"не в наличии", "недоступен", "недоступна", "недоступно", "ноль", "снят с производства", "снято с производства"}
    | {"снят с продажи", "снято с продажи", "out of stock", "outofstock", "sold out", "soldout", "not in stock"}
    | {"not available", "unavailable", "discontinued", "none", "no", "zero", "nil", "false", "ложь"}
)

# More words may follow: «нет на складе», «0 (под заказ)», «под заказ 5 дней», «ожидается 15.03». None comes first:
# what is not there now may be promised behind it.
SOLD_OUT_PHRASE = re.compile(r"нет[\s,;:(./-].*|\D*\sнет|0+(?:[.,]0*)?(?:\s*[^\d\s.,+–—-].*)?", re.DOTALL)
ON_ORDER_PHRASE = re.compile(
    r"(?:под заказ|на заказ|заказ|заказн[а-я]+|предзаказ|ожида[а-я]+|в пути|в транзите|поставка|скоро|pre-?order"
    r"|back ?order|on order|to order|expected|in transit)(?:[\s,;:(./].*)?",
    re.DOTALL,
)
PROMISE = re.compile(
    r"(?:есть в наличии|в наличии|есть|мало|много|осталось|остаток|на складе|in stock|left)"
    r"\s*[:(–-]?\s*(?P<rest>[^()]*\d[^()]*)\)?"
)
BOUND = re.compile(r"(?:>=?|≥|более|больше|свыше|от|over|more than)(?P<after>[^-–—а-я]+)|(?P<before>.+)\+")
RANGE = re.compile(r"(?:от\s*)?(?P<least>\d+)\s*(?:[-–—]|до)\s*\d+")
BELOW = re.compile(r"(?:<|менее|меньше|less than)\s*(?P<less>\d+)|(?:<=|≤|до)\s*(?P<most>\d+)")
