"""Errors of items, products and purchases (contract 00, "Payments, analytics"; contract 11)."""

from __future__ import annotations

from hexclave_server.core.errors import KnownError


class ItemNotFound(KnownError, code="ITEM_NOT_FOUND", status=404):
    """No such item; also an unknown session replay or query."""

    item_id: str

    @property
    def message(self) -> str:
        """Names the item."""
        return f"There is no item {self.item_id}."


class ItemCustomerTypeDoesNotMatch(KnownError, code="ITEM_CUSTOMER_TYPE_DOES_NOT_MATCH", status=400):
    """The item is for another type of customer."""

    item_id: str
    customer_id: str
    item_customer_type: str | None
    actual_customer_type: str

    @property
    def message(self) -> str:
        """Names both types."""
        wanted = self.item_customer_type or "another"
        return f"Item {self.item_id} is for customers of type {wanted}; {self.customer_id} is of type {self.actual_customer_type}."


class ItemQuantityInsufficientAmount(KnownError, code="ITEM_QUANTITY_INSUFFICIENT_AMOUNT", status=400):
    """The customer has fewer than are to be taken."""

    item_id: str
    customer_id: str
    quantity: float

    @property
    def message(self) -> str:
        """Names the item and the customer."""
        return f"Customer {self.customer_id} does not have enough of item {self.item_id} to change it by {self.quantity}."


class CustomerDoesNotExist(KnownError, code="CUSTOMER_DOES_NOT_EXIST", status=400):
    """In the catalogue, but no endpoint answers with it."""

    customer_id: str

    @property
    def message(self) -> str:
        """Names the customer."""
        return f"There is no customer {self.customer_id}."


class ProductDoesNotExist(KnownError, code="PRODUCT_DOES_NOT_EXIST", status=400):
    """No such product for this caller; `context` tells an item or a server-only product of the same id."""

    product_id: str
    context: str | None

    @property
    def message(self) -> str:
        """Names the product and, where known, the mix-up."""
        hints = {"item_exists": " There is an item of this id.", "server_only": " It can be bought through a server only."}
        return f"There is no product {self.product_id} for this request.{hints.get(self.context or '', '')}"


class ProductCustomerTypeDoesNotMatch(KnownError, code="PRODUCT_CUSTOMER_TYPE_DOES_NOT_MATCH", status=400):
    """The product is for another type of customer."""

    product_id: str | None
    customer_id: str
    product_customer_type: str | None
    actual_customer_type: str

    @property
    def message(self) -> str:
        """Names both types."""
        product = f"Product {self.product_id}" if self.product_id else "The product"
        wanted = self.product_customer_type or "another"
        return f"{product} is for customers of type {wanted}; {self.customer_id} is of type {self.actual_customer_type}."


class ProductAlreadyGranted(KnownError, code="PRODUCT_ALREADY_GRANTED", status=400):
    """The customer has the product, and it is not one to have twice."""

    product_id: str
    customer_id: str

    @property
    def message(self) -> str:
        """Names the product and the customer."""
        return f"Customer {self.customer_id} has product {self.product_id} already, and it cannot be had twice."


class SubscriptionInvoiceNotFound(KnownError, code="SUBSCRIPTION_INVOICE_NOT_FOUND", status=404):
    """No such invoice to refund."""

    subscription_invoice_id: str

    @property
    def message(self) -> str:
        """Names the invoice."""
        return f"There is no subscription invoice {self.subscription_invoice_id}."


class OneTimePurchaseNotFound(KnownError, code="ONE_TIME_PURCHASE_NOT_FOUND", status=404):
    """No such purchase to refund."""

    one_time_purchase_id: str

    @property
    def message(self) -> str:
        """Names the purchase."""
        return f"There is no one-time purchase {self.one_time_purchase_id}."


class SubscriptionAlreadyRefunded(KnownError, code="SUBSCRIPTION_ALREADY_REFUNDED", status=400):
    """Refunded before."""

    subscription_id: str

    @property
    def message(self) -> str:
        """Names the subscription."""
        return f"Subscription {self.subscription_id} was refunded already."


class OneTimePurchaseAlreadyRefunded(KnownError, code="ONE_TIME_PURCHASE_ALREADY_REFUNDED", status=400):
    """Refunded before."""

    one_time_purchase_id: str

    @property
    def message(self) -> str:
        """Names the purchase."""
        return f"One-time purchase {self.one_time_purchase_id} was refunded already."


class TestModePurchaseNonRefundable(KnownError, code="TEST_MODE_PURCHASE_NON_REFUNDABLE", status=400):
    """No money moved, so none comes back."""

    message = "The purchase was made in test mode, so there is nothing to refund."


class DefaultPaymentMethodRequired(KnownError, code="DEFAULT_PAYMENT_METHOD_REQUIRED", status=400):
    """A change of plan without a way to pay."""

    customer_type: str
    customer_id: str

    @property
    def message(self) -> str:
        """Names the customer."""
        return f"The {self.customer_type} {self.customer_id} has no default payment method. Add one first."


class NewPurchasesBlocked(KnownError, code="NEW_PURCHASES_BLOCKED", status=403):
    """The project sells nothing at the moment."""

    message = "This project does not take new purchases at the moment."


class StripeAccountInfoNotFound(KnownError, code="STRIPE_ACCOUNT_INFO_NOT_FOUND", status=404):
    """No Stripe account is connected."""

    message = "No Stripe account is connected to this project. Connect one in its payment settings."
