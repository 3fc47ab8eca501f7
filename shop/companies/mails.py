"""Mails about companies: to who is invited, and to the owner of one that was approved or blocked."""

from shop.auth.mails import page_link
from shop.auth.models import Company
from shop.companies.invitations import invitation_token
from shop.companies.models import Invitation
from shop.config import Settings
from shop.database import session
from shop.mail.content import Facts
from shop.mail.kinds import mail_kind
from shop.mail.models import MailMessage

INVITATION = "invitation"
COMPANY_MOVED = "company_moved"


@mail_kind(INVITATION, goes_first=True)
def invitation(mail: MailMessage, settings: Settings) -> Facts:
    """An invitation taken back meanwhile brings a link that does not work."""
    found = session().get(Invitation, mail.context["invitation_id"])
    token = invitation_token(found, secret_key=settings.signing_key) if found else ""
    company = session().get_one(Company, mail.context["company_id"]).name
    hours = settings.invitation_lifetime_hours
    return Facts(page_link(settings, "accept-invitation", token) | {"company": company, "hours": hours})


@mail_kind(COMPANY_MOVED, goes_first=True)
def company_moved(mail: MailMessage, settings: Settings) -> Facts:
    company = session().get_one(Company, mail.context["company_id"])
    status = mail.context["status"]
    reason = company.status_reason if company.status == status else None
    return Facts({"shop": settings.base_url, "company": company.name, "status": status, "reason": reason})
