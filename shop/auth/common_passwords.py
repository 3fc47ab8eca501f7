"""What people put into passwords: common words, keyboard rows and other sequences, in Russian and English."""

_ENGLISH = """
password passwd passw0rd pa55word p@ssword p@ssw0rd pa$$word passphrase pass admin administrator root user guest login
welcome letmein iloveyou love sunshine princess monkey dragon football baseball basketball superman batman master shadow
michael jennifer jordan charlie hello freedom whatever trustno1 starwars pokemon computer internet secret changeme
default qazwsx asdf zxcv killer soccer hockey summer winter spring autumn monday friday january december flower cookie
company business office market store shop order orders catalog price manager buyer supplier purchase google facebook
samsung microsoft windows linux server test testing temp demo example access account money forever friends family
blink182 abc123 ninja mustang access14 please the my is it me you for and new
"""
_RUSSIAN = """
пароль пароли админ администратор любовь люблю привет солнышко зайка котенок москва россия спартак зенит наташа марина
александр алексей дмитрий сергей андрей максим никита кирилл владимир светлана татьяна екатерина анастасия компания
магазин заказ заказы склад закупки менеджер директор бухгалтер поставщик покупатель каталог логин вход доступ секрет
работа деньги мама папа семья лето зима весна осень январь декабрь привет123 тест мой моя это для
"""
# Russian words typed with the English layout on, and the most frequent transliterations.
_TYPED = """
gfhjkm ghbdtn k.,jdm flvby cjkysirj yfnfif vfrcbv fylhtq cthutq dkflbvbh vjcrdf parol privet lubov lyubov solnyshko
natasha marina maksim andrey sergey aleksandr vladimir moskva rossiya spartak zenit nikita zakaz magazin sklad direktor
"""
_YEARS = {str(year) for year in range(1940, 2050)}

WORDS = frozenset(_ENGLISH.split()) | frozenset(_RUSSIAN.split()) | frozenset(_TYPED.split()) | _YEARS

_FORWARD = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдеёжзийклмнопрстуфхцчшщъыьэюя",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,./",
    "qwertyuiopasdfghjklzxcvbnm",
    "йцукенгшщзхъфывапролджэячсмитьбю",
    "!@#$%^&*()_+",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "q1w2e3r4t5y6u7i8o9p0",
    "qazwsxedcrfvtgbyhnujm",
    "1й2ц3у4к5е6н7г8ш9щ0з",
    "147258369147258369",
)

SEQUENCES = _FORWARD + tuple(sequence[::-1] for sequence in _FORWARD)
