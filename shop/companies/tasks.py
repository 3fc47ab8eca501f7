"""What follows from what happens to companies: mails to their people. Names of tasks are older than the package."""

from sqlalchemy import select

from shop.auth.models import User
from shop.auth.tasks import mail_user
from shop.companies import mails
from shop.companies.events import CompanyMoved, MemberInvited
from shop.companies.models import Invitation
from shop.config import current_settings
from shop.database import session
from shop.mail.queue import queue_mail
from shop.outbox.handler import handles


@handles(MemberInvited, name="auth.mail_invitation")
def mail_invitation(event: MemberInvited, event_id: int) -> None:
    """Mails the link to join the company, unless the invitation was taken back already."""
    invitation = session().get(Invitation, event.invitation_id)
    if invitation is not None:
        queue_mail(
            mails.INVITATION,
            to=invitation.email,
            locale=invitation.locale,
            event_id=event_id,
            domain=current_settings().mail_domain,
            invitation_id=invitation.id,
            company_id=invitation.company_id,
        )


@handles(CompanyMoved, name="auth.mail_company_moved")
def mail_company_moved(event: CompanyMoved, event_id: int) -> None:
    """Tells the company's owner that it was approved, blocked or unblocked: also who may not log in any more for it."""
    owner = session().scalar(select(User.id).where(User.company_id == event.company_id, User.is_owner))
    mail_user(mails.COMPANY_MOVED, owner, event_id, company_id=event.company_id, status=event.to_status)
