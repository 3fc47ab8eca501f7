"""What orders refuse, with the facts that a person or a program needs to mend it."""

from shop.errors import Conflict, Forbidden, Invalid, NotFound


class OfferUnknown(NotFound):
    code = "OfferUnknown"
    message = "There is no offer {offer_id}."


class NamedTwice(Conflict):
    code = "NamedTwice"
    message = "{name} stands in this list twice; put the whole quantity into one line."


class SkuUnknown(NotFound):
    code = "SkuUnknown"
    message = "Nobody sells a good with the SKU {sku}."


class SkuAmbiguous(Conflict):
    """`offers` names the goods that the SKU could mean."""

    code = "SkuAmbiguous"
    message = "Several suppliers have a good with the SKU {sku}; name the supplier or the offer."


class OrderNotFound(NotFound):
    code = "OrderNotFound"
    message = "There is no such order among those you may see."


class SupplierOrderNotFound(NotFound):
    code = "SupplierOrderNotFound"
    message = "There is no such part of an order among those you may see."


class InvoiceNotFound(NotFound):
    code = "InvoiceNotFound"
    message = "There is no such invoice among those you may see."


class NotInBasket(NotFound):
    code = "NotInBasket"
    message = "Offer {offer_id} is not in the basket."


class BasketEmpty(Conflict):
    code = "BasketEmpty"
    message = "There is nothing to order: the basket is empty."


class BasketChanged(Conflict):
    """`lines` names each changed line with the price seen and the price now."""

    code = "BasketChanged"
    message = "Prices or units changed since these goods were put into the basket. Look at it and acknowledge that."


class OfferWithdrawn(Conflict):
    code = "OfferWithdrawn"
    message = "Some of the goods are not sold any more: {names}."


class OfferOnHold(Conflict):
    """The supplier's last list changed so much about these goods that somebody must confirm it first."""

    code = "OfferOnHold"
    message = "A change of price or unit is being checked, so these cannot be ordered yet: {names}."


class SupplierNotAccepting(Conflict):
    code = "SupplierNotAccepting"
    message = "Not taking orders at present: {names}."


class BelowMinimumOrder(Conflict):
    code = "BelowMinimumOrder"
    message = "{supplier} takes orders from {minimum} on, without the delivery; add goods for {missing}."


class DeliveryDayPassed(Invalid):
    code = "DeliveryDayPassed"
    message = "{day} is over; ask for delivery today or later."


class AmountTooLarge(Invalid):
    code = "AmountTooLarge"
    message = "The sum of this order is beyond what an order can hold."


class QuantityNotMultiple(Invalid):
    """`below` and `above` are the nearest quantities that can be ordered."""

    code = "QuantityNotMultiple"
    message = "{name} is sold from {minimum} on in steps of {step} {unit}; nearest to {quantity}: {nearest}."


class MoveNotAllowed(Conflict):
    """`allowed` names the states to which the part could be moved."""

    code = "MoveNotAllowed"
    message = "A part that is {state} cannot become {to}; it could become: {allowed}."


class MoveNotYours(Forbidden):
    code = "MoveNotYours"
    message = "Making a part {to} is for: {roles}."


class CutImpossible(Invalid):
    code = "CutImpossible"
    message = "These quantities cannot be meant; errors names each line."


class ReceiptImpossible(Invalid):
    code = "ReceiptImpossible"
    message = "The quantities received cannot be meant; errors names each line."


class NothingToFulfill(Conflict):
    code = "NothingToFulfill"
    message = "No part of this order is waiting for confirmation; the order is {state}."


class NothingToMove(Conflict):
    code = "NothingToMove"
    message = "No part of this order can be {to} now; the order is {state}."


class NothingToCancel(Conflict):
    code = "NothingToCancel"
    message = "Nothing of this order can be canceled any more; the order is {state}."


class VatRateUnknown(Conflict):
    """`lines` names each good, `delivery_by` the suppliers whose delivery it is about."""

    code = "VatRateUnknown"
    message = "Neither the price list nor the supplier's legal entity states the VAT rate of: {names}."


class TotalNotAgreed(Conflict):
    """`placed` is what was ordered for, `total` what it comes to with VAT."""

    code = "TotalNotAgreed"
    message = "VAT was unknown when this was ordered; the buyer has to agree to {total} instead of {placed} first."


class TotalChanged(Conflict):
    code = "TotalChanged"
    message = "The total with VAT is {total}, not {stated}. Read it again, then decide."


class NothingToAgree(Conflict):
    code = "NothingToAgree"
    message = "The total stands at {total}; there is nothing to agree to."


class PiecesNotWhole(Conflict):
    """`lines` names each with its quantity. Lines ordered before pieces had to be whole may be so."""

    code = "PiecesNotWhole"
    message = "These are counted in whole pieces: {names}. Confirm fewer of them, or none, or cancel the part."


class SellerIncomplete(Conflict):
    code = "SellerIncomplete"
    message = "{supplier} has no legal entity with a document prefix, so its invoice cannot be numbered."
