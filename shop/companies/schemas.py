"""What the routes of companies, their legal entities, members and terms of trade take and answer."""

from decimal import Decimal

from marshmallow import ValidationError, fields, validate

from shop.auth.email_addresses import MAX_LENGTH
from shop.auth.models import ACTIVE, BLOCKED, BUYER, FREE, PENDING, PHYSICAL, SUPPLIER
from shop.auth.schemas import LOCALES, CompanySchema, Password
from shop.http.fields import AnswerSchema, Flag, Identifier, Money, Schema, Text
from shop.http.pagination import PageArgsSchema
from shop.money import VAT_RATES

HIGHEST_SUM = Decimal("999999999999.99")


class LegalEntitySchema(AnswerSchema):
    full_name = fields.String(required=True)
    short_name = fields.String(required=True)
    inn = fields.String(required=True)
    kpp = fields.String(required=True, allow_none=True)
    ogrn = fields.String(required=True, allow_none=True)
    legal_address = fields.String(required=True)
    bank_name = fields.String(required=True, allow_none=True)
    bank_bik = fields.String(required=True, allow_none=True)
    bank_account = fields.String(required=True, allow_none=True)
    correspondent_account = fields.String(required=True, allow_none=True)
    default_vat_rate = fields.String(required=True, allow_none=True, validate=validate.OneOf(VAT_RATES))
    vat_deducted = fields.Boolean(
        required=True, metadata={"description": "Of buyers: prices are compared without the VAT that is got back"}
    )
    time_zone = fields.String(required=True)
    document_prefix = fields.String(required=True, allow_none=True)


class DescribeLegalEntitySchema(Schema):
    full_name = Text(required=True, blank=False, max_length=500)
    short_name = Text(required=True, blank=False)
    inn = Text(required=True, blank=False, max_length=12, metadata={"description": "ИНН: 10 or 12 digits"})
    kpp = Text(load_default=None, allow_none=True, blank=False, max_length=9, metadata={"description": "КПП"})
    ogrn = Text(load_default=None, allow_none=True, blank=False, max_length=15, metadata={"description": "ОГРН(ИП)"})
    legal_address = Text(required=True, blank=False, max_length=500)
    bank_name = Text(load_default=None, allow_none=True, blank=False)
    bank_bik = Text(load_default=None, allow_none=True, blank=False, max_length=9, metadata={"description": "БИК"})
    bank_account = Text(load_default=None, allow_none=True, blank=False, max_length=20)
    correspondent_account = Text(load_default=None, allow_none=True, blank=False, max_length=20)
    default_vat_rate = Text(load_default=None, allow_none=True, validate=validate.OneOf(VAT_RATES))
    vat_deducted = Flag(
        load_default=False,
        metadata={"description": "Buyers only: you get back the VAT that you pay, so prices compare without it"},
    )
    time_zone = Text(load_default="Europe/Moscow", max_length=50, metadata={"description": "Like Europe/Moscow"})
    document_prefix = Text(
        load_default=None,
        allow_none=True,
        blank=False,
        max_length=4,
        metadata={"description": "Suppliers only: 2 to 4 capital letters that their documents' numbers begin with"},
    )


class OwnCompanySchema(CompanySchema):
    status_reason = fields.String(required=True, allow_none=True)
    missing_details = fields.List(
        fields.String(), required=True, metadata={"description": "What the legal entity lacks for documents"}
    )


class ManagedCompanySchema(OwnCompanySchema):
    created_at = fields.AwareDateTime(required=True)
    status_changed_at = fields.AwareDateTime(required=True, allow_none=True)
    legal_entity = fields.Nested(LegalEntitySchema, required=True, allow_none=True)


class ManagedCompaniesSchema(AnswerSchema):
    items = fields.List(fields.Nested(ManagedCompanySchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class CompaniesArgsSchema(PageArgsSchema):
    status = Text(load_default=None, validate=validate.OneOf((PENDING, ACTIVE, BLOCKED)))
    kind = Text(load_default=None, validate=validate.OneOf((BUYER, SUPPLIER)))


class RenameCompanySchema(Schema):
    name = Text(required=True, blank=False)


class ReasonSchema(Schema):
    reason = Text(
        required=True, blank=False, max_length=1000, metadata={"description": "Kept, and mailed to the owner"}
    )


class OptionalReasonSchema(Schema):
    reason = Text(load_default=None, blank=False, max_length=1000, metadata={"description": "Kept and mailed"})


class MemberSchema(AnswerSchema):
    id = Identifier(required=True)
    email = fields.Email(required=True)
    first_name = fields.String(required=True)
    last_name = fields.String(required=True)
    position = fields.String(required=True, allow_none=True)
    is_owner = fields.Boolean(required=True)


class MembersSchema(AnswerSchema):
    items = fields.List(fields.Nested(MemberSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class HandOverSchema(Schema):
    user_id = Identifier(required=True, metadata={"description": "The member who is to be the owner"})


class InviteMemberSchema(Schema):
    email = Text(required=True, blank=False, max_length=MAX_LENGTH, validate=validate.Email())
    locale = Text(load_default="ru", validate=validate.OneOf(LOCALES), metadata={"description": "Language of the mail"})


class InvitationSchema(AnswerSchema):
    id = Identifier(required=True)
    email = fields.Email(required=True)
    created_at = fields.AwareDateTime(required=True)
    expires_at = fields.AwareDateTime(required=True)


class InvitationsSchema(AnswerSchema):
    items = fields.List(fields.Nested(InvitationSchema), required=True)
    next_cursor = fields.String(required=True, allow_none=True)


class AcceptInvitationSchema(Schema):
    token = Text(required=True, blank=False, max_length=1000, metadata={"description": "From the link in the mail"})
    password = Password(required=True)
    first_name = Text(required=True, blank=False, max_length=100)
    last_name = Text(required=True, blank=False, max_length=100)
    position = Text(load_default=None, max_length=100)
    locale = Text(load_default=None, validate=validate.OneOf(LOCALES), metadata={"description": "Language of mails"})


class TermsSchema(AnswerSchema):
    id = fields.Integer(required=True)
    name = fields.String(required=True)
    accepts_orders = fields.Boolean(required=True)
    price_includes_vat = fields.Boolean(required=True)
    delivery_fee = Money(required=True)
    free_delivery_from = Money(required=True, allow_none=True)
    minimum_order = Money(required=True)


class OwnSupplierSchema(TermsSchema):
    status = fields.String(
        required=True,
        validate=validate.OneOf((PENDING, ACTIVE, BLOCKED)),
        metadata={"description": "Buyers see your offers while it is active"},
    )
    stock_means = fields.String(required=True, validate=validate.OneOf([PHYSICAL, FREE]))


def _is_sum(value: Decimal | None) -> None:
    if value is not None and (not 0 <= value <= HIGHEST_SUM or value != round(value, 2)):
        raise ValidationError("Must be 0 or more, with at most two decimals.")


class ChangeTermsOfTradeSchema(Schema):
    accepts_orders = Flag()
    price_includes_vat = Flag()
    delivery_fee = Money(validate=_is_sum)
    free_delivery_from = Money(allow_none=True, validate=_is_sum)
    minimum_order = Money(validate=_is_sum)
    stock_means = fields.String(
        validate=validate.OneOf([PHYSICAL, FREE]),
        metadata={"description": "physical: lists state what is in the warehouse; free: what we reserved is taken off"},
    )
