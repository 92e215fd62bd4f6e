"""What the room refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class ClaimedByAnother(Refused):
    code = "work.claimed_by_another"
    says = "{owner} is working on item {item}. Ask them to put it back, or take another."


class OfAnotherRole(Refused):
    """The item waits for a role that somebody does not have, and nobody gave it to them."""

    code = "work.of_another_role"
    kind = "forbidden"
    says = "Item {item} waits for the {role}. Ask one of them, or have it assigned to you."


class ChangedMeanwhile(Refused):
    """Somebody else changed the item after its page was read, or after what is to be taken back was done."""

    code = "work.changed_meanwhile"
    says = (
        "Somebody changed item {item} meanwhile. Its {field}: expected {expected}, found {found}. Look at it again, and"
        " do what is still right."
    )


# ---- what a scanner said


class ScanUnknown(Refused):
    code = "work.scan_unknown"
    kind = "invalid"
    says = "Nothing here has the barcode {scanned}. Scan {wanted}."


class ScanOutOfTurn(Refused):
    code = "work.scan_out_of_turn"
    says = "{scanned} comes later. First scan {wanted}."


class ScanWrongBin(Refused):
    code = "work.scan_wrong_bin"
    says = "Wrong bin: this is {scanned}. Go to {wanted}."


class ScanWrongItem(Refused):
    code = "work.scan_wrong_item"
    says = "Wrong item: this is {scanned}. Take {wanted}."


class ScanWrongLot(Refused):
    code = "work.scan_wrong_lot"
    says = "Wrong lot: this is {scanned}. Take lot {wanted}."


class ScanWrongSerial(Refused):
    code = "work.scan_wrong_serial"
    says = "Wrong serial number: this is {scanned}. Take {wanted}."


class ScanUnread(Refused):
    """The goods are right, and it is not known yet which of them it is."""

    code = "work.scan_unread"
    says = "{scanned} is right. Scan {wanted} as well, so that it is known which one it is."


class ScanAmbiguous(Refused):
    """The goods are right, and their barcode does not tell which of several of them: lots, conditions, bins."""

    code = "work.scan_ambiguous"
    says = "{scanned} is here more than once: {wanted}. Tap the one that you have in your hand."


class ScanWrongTote(Refused):
    code = "work.scan_wrong_tote"
    says = "Wrong tote: this is {scanned}. Put it into {wanted}."


class ScanExpired(Refused):
    code = "work.scan_expired"
    says = "Expired on {on}: {scanned} can't be used. Set it aside, and take one that lasts longer."


class ScanSerialTwice(Refused):
    code = "work.scan_serial_twice"
    says = "Serial number {scanned} was scanned before. Every piece has its own: scan another."


class ScanTooMany(Refused):
    code = "work.scan_too_many"
    says = "Too many: this makes {found}, and {wanted} is all that is wanted. Put it back."


class ScanDone(Refused):
    code = "work.scan_done"
    says = "Done already: {scanned}. Now scan {wanted}."


class ScanTaken(Refused):
    code = "work.scan_taken"
    says = "{person} is at it. Scan {scanned} again only if you take it over: it begins anew then."


class ScanMoved(Refused):
    code = "work.scan_moved"
    says = "This went on elsewhere, on another device or tab. Look at the screen, and scan again."
