"""Members of a company: invited, removed, and handing over ownership."""

import pytest
import time_machine
from sqlalchemy import select

from shop.auth.models import Company, User
from shop.database import now, session
from tests.factories.auth import PASSWORD, bearer, make_api_key, make_company, make_user

AUTH = "/api/v1/auth"
JOINING = {"password": PASSWORD, "first_name": "Игорь", "last_name": "Белов", "position": "Закупщик"}


@pytest.fixture
def company():
    return make_company()


@pytest.fixture
def owner(company) -> dict[str, str]:
    return bearer(make_user(company=company, locale="en"))


@pytest.fixture
def member(company, owner) -> User:
    return make_user(company=company)


def invite(client, token, email: str = "igor@chain.example", **others):
    return client.post(f"{AUTH}/company/invitations", json={"email": email, **others}, headers=token)


def join(client, token: str, **others):
    return client.post(f"{AUTH}/accept-invitation", json={"token": token, **JOINING, **others})


class TestInvitations:
    def test_bring_a_member_who_sees_the_companys_things(self, client, owner, company, drain, mailbox):
        made = invite(client, owner, locale="en")
        assert made.status_code == 201
        assert client.get(made.headers["Location"], headers=owner).json == made.json
        drain()
        assert (mailbox[-1]["To"], company.name in mailbox[-1]["Subject"]) == ("igor@chain.example", True)
        assert join(client, mailbox.token).status_code == 201
        answer = client.post(f"{AUTH}/login", json={"email": "igor@chain.example", "password": PASSWORD})
        token = {"Authorization": f"Bearer {answer.json['access_token']}"}
        me = client.get(f"{AUTH}/me", headers=token).json
        assert (me["company"]["id"], me["role"], me["is_owner"]) == (company.id, "buyer", False)
        people = client.get(f"{AUTH}/company/members", headers=token).json["items"]
        assert [person["is_owner"] for person in people] == [True, False]
        assert client.get(f"{AUTH}/company/invitations", headers=owner).json["items"] == []
        assert join(client, mailbox.token).json["code"] == "LinkNotValid"

    def test_a_strangers_registration_of_the_address_keeps_nobody_from_joining(
        self, client, owner, company, form, drain, mailbox, edge
    ):
        body = {**form, "email": "igor@chain.example", "role": "supplier", "company": "Чужая"}
        assert client.post(f"{AUTH}/register", json=body).status_code == 202
        drain()
        strangers = mailbox.token
        invite(client, owner)
        drain()
        assert join(client, mailbox.token).status_code == 201
        assert client.post(f"{AUTH}/confirm-email", json={"token": strangers}).status_code == 422
        with edge():
            user = session().scalars(select(User).filter_by(email="igor@chain.example")).one()
            facts = (user.first_name, user.role, user.company_id, user.is_owner, bool(user.email_confirmed_at))
            assert facts == ("Игорь", "buyer", company.id, False, True)
            assert session().scalars(select(Company.name)).all() == [company.name]

    def test_a_second_one_replaces_the_first(self, client, owner, drain, mailbox):
        invite(client, owner)
        drain()
        first = mailbox.token
        invite(client, owner, "Igor@chain.example")
        drain()
        assert join(client, first).status_code == 422
        assert join(client, mailbox.token).status_code == 201

    def test_die_when_taken_back_and_with_their_time(self, client, owner, drain, mailbox, settings):
        made = invite(client, owner)
        drain()
        late = now().timestamp() + settings.invitation_lifetime_hours * 3600 + 60
        with time_machine.travel(late, tick=False):
            assert join(client, mailbox.token).status_code == 422
        assert client.delete(made.headers["Location"], headers=owner).status_code == 204
        assert join(client, mailbox.token).status_code == 422

    def test_do_not_tell_that_somebody_has_an_account(self, client, owner, drain, mailbox):
        make_user(email="igor@chain.example")
        assert invite(client, owner).status_code == 201
        drain()
        assert join(client, mailbox.token).json["code"] == "EmailTaken"

    def test_are_refused_for_members_and_beyond_a_number(self, client, owner, member, monkeypatch):
        assert invite(client, owner, member.email).json["code"] == "MemberAlready"
        monkeypatch.setattr("shop.companies.invitations.MAX_OPEN", 0)
        assert invite(client, owner).json["code"] == "TooManyInvitations"

    def test_are_the_owners_matter(self, client, owner, member):
        made, token, stranger = invite(client, owner), bearer(member), bearer(make_user())
        assert invite(client, token, "x@chain.example").json["code"] == "OwnerOnly"
        assert client.get(f"{AUTH}/company/invitations", headers=token).status_code == 403
        for method in ("GET", "DELETE"):
            assert client.open(made.headers["Location"], method=method, headers=token).status_code == 403
            assert client.open(made.headers["Location"], method=method, headers=stranger).status_code == 404

    def test_the_page_asks_and_joins(self, client, owner, drain, mailbox):
        invite(client, owner, locale="en")
        drain()
        page = client.get(f"/accept-invitation?token={mailbox.token}")
        assert (page.status_code, 'name="first_name"' in page.text) == (200, True)
        data = {"token": mailbox.token, "first_name": '"><b>', "last_name": "Белов", "password": PASSWORD}
        empty = client.post("/accept-invitation", data=data | {"last_name": " "})
        assert (empty.status_code, "Fill in" in empty.text, "<b>" in empty.text) == (422, True, False)
        done = client.post("/accept-invitation", data=data)
        assert (done.status_code, "Welcome" in done.text) == (200, True)
        assert client.get(f"/accept-invitation?token={mailbox.token}").status_code == 400


class TestRemoval:
    def test_ends_the_members_tokens_at_once(self, client, owner, member, edge):
        token, key = bearer(member), make_api_key(member, "account:read")
        assert client.delete(f"{AUTH}/company/members/{member.id}", headers=owner).status_code == 204
        for header in (token, key):
            assert client.get(f"{AUTH}/me", headers=header).status_code == 401
        assert len(client.get(f"{AUTH}/company/members", headers=owner).json["items"]) == 1
        with edge():
            assert session().get_one(User, member.id).closed_at is not None

    def test_is_the_owners_matter_and_not_about_the_owner(self, client, owner, member):
        me = client.get(f"{AUTH}/me", headers=owner).json["id"]
        assert client.delete(f"{AUTH}/company/members/{me}", headers=bearer(member)).json["code"] == "OwnerOnly"
        assert client.delete(f"{AUTH}/company/members/{me}", headers=owner).json["code"] == "OwnerStays"

    def test_strangers_are_unknown(self, client, owner):
        stranger = make_user()
        for user_id in (stranger.id, 404):
            assert client.delete(f"{AUTH}/company/members/{user_id}", headers=owner).status_code == 404
            handed = client.put(f"{AUTH}/company/owner", json={"user_id": user_id}, headers=owner)
            assert handed.status_code == 404


class TestOwnership:
    def test_is_handed_over(self, client, owner, member, drain, mailbox):
        handed = client.put(f"{AUTH}/company/owner", json={"user_id": member.id}, headers=owner)
        assert (handed.status_code, handed.json["id"]) == (200, member.id)
        again = client.put(f"{AUTH}/company/owner", json={"user_id": member.id}, headers=owner)
        assert again.json["code"] == "OwnerOnly"
        me = client.get(f"{AUTH}/me", headers=owner).json["email"]
        drain()
        told = {mail["To"]: mail["Subject"] for mail in mailbox}
        assert told == {me: "You own your company no more", member.email: "Теперь вы владелец компании"}

    def test_is_given_by_an_operator_where_the_owner_is_lost(self, app, owner, member, edge):
        done = app.test_cli_runner().invoke(args=["users", "make-owner", member.email])
        unknown = app.test_cli_runner().invoke(args=["users", "make-owner", "nobody@chain.example"])
        assert (done.exit_code, unknown.exit_code) == (0, 1)
        with edge():
            assert session().scalars(select(User.id).where(User.is_owner)).all() == [member.id]
