"""One person's account, as managers block it, open it again, end its sessions and have its password set."""

import pytest
from sqlalchemy import select

from shop.auth.account_control import (
    AccountClosed,
    BlockingOneself,
    block_user,
    end_sessions,
    send_password_reset,
    unblock_user,
)
from shop.auth.models import User
from shop.database import now, session
from shop.mail.models import MailMessage
from tests.factories.auth import bearer, make_api_key, make_user

ME = "/api/v1/auth/me"
COMPANY = "/api/v1/auth/company"


@pytest.fixture
def manager() -> User:
    return make_user("manager")


def do(edge, story, user: User, **others) -> None:
    with edge() as current:
        story(current.get_one(User, user.id), **others)


def test_a_block_works_with_the_next_request(client, edge, manager) -> None:
    user = make_user("buyer")
    header, key = bearer(user), make_api_key(user, "company:read")
    assert client.get(ME, headers=header).status_code == 200
    do(edge, block_user, user, by=manager, reason="чужой человек")
    assert client.get(ME, headers=header).status_code == 401
    assert client.get(COMPANY, headers=key).status_code == 401


def test_colleagues_work_on(client, edge, manager) -> None:
    user = make_user("buyer")
    colleague = bearer(make_user("buyer", company=user.company))
    do(edge, block_user, user, by=manager, reason="x")
    assert client.get(ME, headers=colleague).status_code == 200


def test_unblocking_brings_back_keys_and_no_session(client, edge, manager) -> None:
    user = make_user("buyer")
    header, key = bearer(user), make_api_key(user, "company:read")
    do(edge, block_user, user, by=manager, reason="x")
    do(edge, unblock_user, user, by=manager, reason="ошиблись")
    assert client.get(ME, headers=header).status_code == 401
    assert client.get(COMPANY, headers=key).status_code == 200
    assert client.get(ME, headers=bearer(user)).status_code == 200


def test_a_second_block_keeps_the_time_of_the_first(edge, manager) -> None:
    user = make_user("buyer")
    do(edge, block_user, user, by=manager, reason="x")
    with edge() as current:
        first = current.get_one(User, user.id).blocked_at
    do(edge, block_user, user, by=manager, reason="y")
    with edge() as current:
        assert current.get_one(User, user.id).blocked_at == first


def test_nobody_blocks_himself(edge, manager) -> None:
    with pytest.raises(BlockingOneself):
        do(edge, block_user, manager, by=manager, reason="x")


def test_sessions_end_and_keys_live_on(client, edge, manager) -> None:
    user = make_user("buyer")
    header, key = bearer(user), make_api_key(user, "company:read")
    do(edge, end_sessions, user, by=manager)
    assert client.get(ME, headers=header).status_code == 401
    assert client.get(COMPANY, headers=key).status_code == 200


def test_a_link_to_set_the_password_goes_to_the_person(edge, drain, manager) -> None:
    user = make_user("buyer")
    do(edge, send_password_reset, user, by=manager)
    drain()
    with edge():
        [mail] = session().scalars(select(MailMessage))
    assert (mail.kind, mail.recipient) == ("reset_password", user.email)


@pytest.mark.parametrize("story", [block_user, unblock_user, end_sessions, send_password_reset])
def test_with_a_closed_account_nothing_can_be_done(edge, manager, story) -> None:
    user = make_user("buyer", closed_at=now())
    others = {"reason": "x"} if story in (block_user, unblock_user) else {}
    with pytest.raises(AccountClosed):
        do(edge, story, user, by=manager, **others)
