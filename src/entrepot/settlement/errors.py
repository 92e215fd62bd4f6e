"""What settlement refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class DoesNotAddUp(Refused):
    code = "settlement.does_not_add_up"
    kind = "invalid"
    says = (
        "Payout {external_id}: its lines make {found} after fees, it says {expected}."
        " Ask the provider for the whole report."
    )


class TakenOtherwise(Refused):
    """The provider's name for a payout stands for another one already."""

    code = "settlement.taken_otherwise"
    says = (
        "Payout {external_id} was taken as {number} over {expected}, not over {found}."
        " Ask the provider which one is right."
    )


class DoesNotFit(Refused):
    """A line is matched by hand with what it can't belong to."""

    code = "settlement.does_not_fit"
    kind = "invalid"
    says = "Line {line} of {payout} is a {expected}; {known} is {found}. Match it with what it pays out."


class PaidOutBefore(Refused):
    """A line is matched by hand with what another line has settled."""

    code = "settlement.paid_out_before"
    says = "{known} was paid out with line {line} of {payout}. If it was paid twice, explain the line by a reason."


class NotALine(Refused):
    code = "settlement.not_a_line"
    kind = "invalid"
    says = "Payout {external_id}: {field}: expected {expected}, found {found}."


class NotACharge(Refused):
    code = "settlement.not_a_charge"
    kind = "invalid"
    says = "Carrier invoice {external_id}, line {line}: {field}: expected {expected}, found {found}."


class InvoiceDoesNotAddUp(Refused):
    code = "settlement.invoice_does_not_add_up"
    kind = "invalid"
    says = (
        "Carrier invoice {external_id}: its lines make {found}, it says {expected}."
        " Ask the carrier for the whole invoice."
    )


class InvoiceTakenOtherwise(Refused):
    """The carrier's name for an invoice stands for another one already."""

    code = "settlement.invoice_taken_otherwise"
    says = (
        "Carrier invoice {external_id} was taken as {number} over {expected}, not over {found}."
        " Ask the carrier which one is right."
    )


class StatementDoesNotAddUp(Refused):
    code = "settlement.statement_does_not_add_up"
    kind = "invalid"
    says = (
        "Bank statement {external_id}: its lines make {found} of the opening balance, it closes with {expected}."
        " Ask the bank for the whole statement."
    )


class StatementTakenOtherwise(Refused):
    """The bank's name for a statement stands for another one already."""

    code = "settlement.statement_taken_otherwise"
    says = "Bank statement {external_id} was taken as {number} with {expected}, not with {found}. Take each once."


class StatementUnderAnotherName(Refused):
    """The lines are those of a statement that is here already."""

    code = "settlement.statement_under_another_name"
    says = (
        "Bank statement {external_id}: all its lines were taken as {number}, under the name {found}."
        " Take each statement once, under one name."
    )


class NotReadyToClose(Refused):
    code = "settlement.not_ready_to_close"
    says = (
        "{month} can't be closed, there are still open: {found}. Settle them, then close it again. The policy"
        " settlement.closing says what stands in the way."
    )


class NotASupplierLine(Refused):
    code = "settlement.not_a_supplier_line"
    kind = "invalid"
    says = "Supplier invoice {external_id}, line {line}: {field}: expected {expected}, found {found}."


class SupplierInvoiceDoesNotAddUp(Refused):
    code = "settlement.supplier_invoice_does_not_add_up"
    kind = "invalid"
    says = (
        "Supplier invoice {external_id}: its lines and tax make {found}, it says {expected}."
        " Ask the supplier for the whole invoice."
    )


class SupplierInvoiceTakenOtherwise(Refused):
    """The supplier's number stands for another invoice already."""

    code = "settlement.supplier_invoice_taken_otherwise"
    says = (
        "Supplier invoice {external_id} was taken as {number} over {expected}, not over {found}."
        " Ask the supplier which one is right."
    )


class NotToBeErasedYet(Refused):
    """Something of theirs is open, or a legal hold keeps it."""

    code = "settlement.not_to_be_erased_yet"
    says = "This person can't be erased yet: {found}. Finish or release that first, then ask again."


class SeveralCustomers(Refused):
    """A guest's mail address is that of several customers, of whom nobody can tell which one asks."""

    code = "settlement.several_customers"
    says = (
        "This order's mail address is that of several customers: {found}. Name the one who asks by their code;"
        " the order is found with the last of them."
    )


class SettledElsewhere(Refused):
    """What is left of an account is not written off in general: its documents say how it ends."""

    code = "settlement.settled_elsewhere"
    says = "Account {account} is settled by its documents: {how}."


class OnlyInOwnCurrency(Refused):
    """A line of the bank in another currency is booked to an account that is kept in the company's alone."""

    code = "settlement.only_in_own_currency"
    kind = "invalid"
    says = (
        "Account {account} is kept in {expected}, and the line is in {found}. Book it as other income, and enter a"
        " journal entry in {expected} that takes it from account {instead} to {account}."
    )


class TooMuch(Refused):
    """More is to be written off than anybody may."""

    code = "settlement.too_much_to_write_off"
    says = (
        "{found} is more than the {expected} that the policy settlement.clearing lets anybody write off."
        " Find what it belongs to, or change the policy."
    )
