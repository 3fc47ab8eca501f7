"""A document's PDF: made once, in the task that promises the mails, and kept beside the data it was made of."""

from sqlalchemy import update
from sqlalchemy.orm import undefer

from shop.database import session
from shop.orders.documents.pdf import render_invoice
from shop.orders.models import Invoice


def keep_paper(invoice_id: int) -> None:
    """Both mails and every download get these bytes. Where one was annulled meanwhile, its stamp is not lost."""
    invoice = session().get_one(Invoice, invoice_id, options=[undefer(Invoice.data)], populate_existing=True)
    unchanged = Invoice.annulled_at.is_not_distinct_from(invoice.annulled_at)
    paper = render_invoice(invoice.document)
    kept = update(Invoice).where(Invoice.id == invoice_id, unchanged).values(paper=paper)
    session().execute(kept, execution_options={"synchronize_session": False})


def paper_of(invoice: Invoice) -> bytes:
    """As it was made first; anew where the task has not come to it yet."""
    return invoice.paper or render_invoice(invoice.document)
