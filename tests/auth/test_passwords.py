"""Good and bad passwords, and that hashing is capped."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from zxcvbn import zxcvbn

from shop.auth import passwords
from shop.auth.passwords import PasswordTooWeak, check_password, hash_password, needs_rehash, verify_password
from shop.errors import Unavailable

EMAIL = "purchasing@chain.example"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "demo-password-1234",
        "вчера шёл мокрый снег",
        "k8#vQz!2mLp0",
        "839201748264",
        "🐎🔋📎✅🦉🌲🚂🎻🧭🪵🧊🥝",
        "passwort vergessen macht nichts",
    ],
)
def test_takes_passwords_that_nobody_guesses(password):
    check_password(password, email=EMAIL)


@pytest.mark.parametrize(
    "password",
    [
        "Password2026!!",
        "password1234",
        "passwordpassword",
        "p@ssw0rd2024",
        "QWERTYuiop123",
        "йцукенгшщзхъ",
        "123456789012",
        "987654321098",
        "1q2w3e4r5t6y",
        "aaaaaaaaaaaa",
        "abababababab",
        "Пароль2026!!",
        "gfhjkmgfhjkm123",
        "iloveyou2024!",
        "admin1234567",
        "unbelievable",
        "manchesterunited",
        "a1b2c3d4e5f6",
        "qwaszxedrfcv",
        "alexander123",
        "hellokitty12",
        "zaq12wsxcde3",
        "Summer2025!!",
        "dragon dragon dragon",
        "любимая12345",
        "k.,bvfz12345",
        "lyubimaya123",
        "солнышко2026!",
        "Екатерина1990",
        "зфыыцщкв2026",
        "фывапролджэ123",
        "йфяцычувскам",
        "москваспартак",
        "заказзаказзаказ",
        "ordershop2026",
    ],
)
def test_refuses_what_attackers_try_first(password):
    with pytest.raises(PasswordTooWeak):
        check_password(password, email=EMAIL)


def test_refuses_short_ones_counting_characters_not_bytes():
    with pytest.raises(PasswordTooWeak, match="12 characters"):
        check_password("ёжик-в-лесу", email=EMAIL)


def test_refuses_more_than_1024_bytes():
    with pytest.raises(PasswordTooWeak, match="1024 bytes"):
        check_password("ёжик в лесу " * 100, email=EMAIL)


def test_refuses_broken_unicode():
    with pytest.raises(PasswordTooWeak, match="Unicode"):
        check_password("correct horse \udcff battery", email=EMAIL)


def test_refuses_the_name_of_the_mailbox():
    with pytest.raises(PasswordTooWeak, match="e-mail"):
        check_password("my-Purchasing-key!", email=EMAIL)


@pytest.mark.parametrize("password", ["Ryabinka2026!", "рябинка-2026", "Калинина1987", "chainchain12"])
def test_refuses_the_names_of_person_company_and_mail_domain(password):
    names = ("Анна", "Калинина", "ООО «Рябинка»", "Ryabinka")
    with pytest.raises(PasswordTooWeak):
        check_password(password, email=EMAIL, names=names)


def test_looks_no_longer_at_a_password_made_to_be_hard_to_judge(monkeypatch):
    """1,024 characters of letters that stand for letters: judged in full, it would take minutes."""
    seen = []
    monkeypatch.setattr(passwords, "zxcvbn", lambda text, **others: seen.append(text) or zxcvbn(text, **others))
    check_password("4@8({[<369$1!|7+" * 64, email=EMAIL)
    assert len(seen[0]) == passwords.LOOKED_AT


def test_the_refusal_names_the_field():
    with pytest.raises(PasswordTooWeak) as refusal:
        check_password("short", email=EMAIL, field="new_password")
    [error] = refusal.value.errors
    assert (error.location, error.field) == ("json", "new_password")


def test_verifies_only_the_same_password():
    hashed = hash_password("correct horse battery")
    assert verify_password(hashed, "correct horse battery")
    assert not verify_password(hashed, "correct horse batterY")
    assert not verify_password(hashed, "correct horse \udcff")
    assert not verify_password(hashed, "x" * 5000)


def test_the_same_characters_in_another_composition_are_the_same_password():
    assert verify_password(hash_password("кофе и йогурт"), "кофе и и\u0306огурт")


def test_no_account_is_never_verified_and_costs_the_same_work(hashes):
    hashed = hash_password("correct horse battery")
    hashes.clear()
    assert not verify_password(hashed, "wrong horse battery")
    assert not verify_password(None, "wrong horse battery")
    assert not verify_password(None, "")
    assert hashes == ["verify"] * 3


def test_a_hash_with_other_parameters_is_to_be_renewed():
    assert needs_rehash(PasswordHasher(time_cost=1, memory_cost=8192).hash("correct horse battery"))
    assert not needs_rehash(hash_password("correct horse battery"))
    assert not needs_rehash(passwords._DUMMY_HASH)


def test_says_so_when_too_many_hash_at_once(monkeypatch):
    monkeypatch.setattr(passwords, "PATIENCE_SECONDS", 0.01)
    for _ in range(passwords.CONCURRENT_HASHES):
        passwords._slots.acquire()
    try:
        with pytest.raises(Unavailable):
            hash_password("correct horse battery")
    finally:
        for _ in range(passwords.CONCURRENT_HASHES):
            passwords._slots.release()


def test_a_few_at_once_wait_for_each_other():
    with ThreadPoolExecutor(3) as pool:
        assert len(set(pool.map(hash_password, ["correct horse battery"] * 3))) == 3


def test_a_flood_is_sent_away_at_once_and_holds_no_threads():
    taken = [passwords._slots, passwords._slots, passwords._waiting]
    for slot in taken:
        assert slot.acquire(blocking=False)
    try:
        with pytest.raises(Unavailable):
            hash_password("correct horse battery")
    finally:
        for slot in taken:
            slot.release()
    assert hash_password("correct horse battery")
