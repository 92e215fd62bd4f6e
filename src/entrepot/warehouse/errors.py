"""What the warehouse refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class NothingToRelease(Refused):
    code = "warehouse.nothing_to_release"
    says = "Order {order} has no promised units that wait for release. Allocate it first."


class OnHold(Refused):
    code = "warehouse.on_hold"
    says = "Order {order} is held by {hold}. Release the hold first."


class ShipsLater(Refused):
    code = "warehouse.ships_later"
    says = "Order {order} has SKUs that do not ship before {on}. It is released on that day."


class NotBefore(Refused):
    code = "warehouse.not_before"
    says = "Order {order} may not leave before {on}. It is released on that day."


class PastCancelAfter(Refused):
    code = "warehouse.past_cancel_after"
    says = (
        "Order {order} may not leave after {on}, and that day is over where its goods are. Cancel what has not left,"
        " or agree on another day and change the order."
    )


class BelowFill(Refused):
    code = "warehouse.below_fill"
    says = (
        "Of order {order} {expected} of {ordered} units must go together before any other goes, {found} can. It goes"
        " when they can: wait for stock, or for the day of what ships later, or change the order."
    )


class SerialsNeeded(Refused):
    """Serial numbers are noted of each unit of some SKUs when it is packed, and of no other."""

    code = "warehouse.serials_needed"
    says = (
        "Serial numbers of {sku} in {fulfillment}: expected {wanted}, found {found}. Nothing was packed: read one of"
        " every unit that has none yet."
    )


class SerialIsOut(Refused):
    """A unit under this number went out before, and is not back by what is known."""

    code = "warehouse.serial_is_out"
    says = (
        "Serial number {serial} of {sku} went out with order {order} and has not come back. Nothing was packed: read"
        " the number on this unit again."
    )


class WrongBin(Refused):
    code = "warehouse.wrong_bin"
    says = "This is bin {found}, the goods go to {expected}. Nothing was put away: go to {expected}, or choose {found}."


class PlateEmpty(Refused):
    code = "warehouse.plate_empty"
    says = "Plate {plate} holds nothing any more. Scan its goods, or build the plate anew."


class PlateElsewhere(Refused):
    code = "warehouse.plate_elsewhere"
    says = "Plate {plate} stands in bin {bin}. Move it here first, or take another number."


class PlateStacked(Refused):
    """Cartons stand on pallets, and nothing stands on a carton."""

    code = "warehouse.plate_stacked"
    says = (
        "Plate {plate} stands on a pallet, or others stand on it: a pallet stands on none. Open it first, or move the"
        " carton off."
    )


class PlateWanted(Refused):
    code = "warehouse.plate_wanted"
    says = (
        "Picks will take {committed} units of {sku} from the bin of plate {plate}, and {free} can go: the plate has"
        " {units}. Pick them first, or open the plate and move what is free."
    )


class PlateUnfit(Refused):
    code = "warehouse.plate_unfit"
    says = (
        "Plate {plate} does not hold only what replenishment {number} asks for, in the bin that it comes from. Take"
        " another, or open it and bring its units."
    )


class NotPickable(Refused):
    code = "warehouse.not_pickable"
    says = (
        "Order {order}: {missing} promised units stand in no pick or reserve bin of their node."
        " Put them away, then release again."
    )


class NoStaging(Refused):
    code = "warehouse.no_staging"
    says = "Node {node} has no bin of kind staging, where picked goods wait. Register one."


class TaskUnknown(Refused):
    code = "warehouse.task_unknown"
    kind = "invalid"
    says = "Fulfillment {fulfillment} has no open pick task {task}."


class PickedOutOfRange(Refused):
    code = "warehouse.picked_out_of_range"
    kind = "invalid"
    says = "Pick task {task} asks for {wanted} units; {found} can't be what a short pick found."


class CartonUnknown(Refused):
    code = "warehouse.carton_unknown"
    kind = "invalid"
    says = "There is no carton {carton}. Known are {known}."


class NotInCarton(Refused):
    code = "warehouse.not_in_carton"
    kind = "invalid"
    says = "Fulfillment {fulfillment} can't be in {carton} so: {why}. Take another carton, or several."


class LotExpired(Refused):
    code = "warehouse.lot_expired"
    says = (
        "{units} units of {sku}, lot {lot}, that were picked for {fulfillment} expired on {expires_on}: they are not"
        " sent. Cancel these units of order {order}, so that they are put away, and order what shall go instead."
    )


class NotAllPacked(Refused):
    code = "warehouse.not_all_packed"
    kind = "invalid"
    says = (
        "Fulfillment {fulfillment}: {picked} units of a line were picked, its packages hold {packed}."
        " Say for each package what is in it, so that all of it is packed once."
    )


class WeightOff(Refused):
    code = "warehouse.weight_off"
    says = (
        "The package of {fulfillment} in carton {carton} weighs {found} g; {expected} g are expected, give or take"
        " {tolerance} g. Count what is in it. If it is right, pack it with a note that says why."
    )


class ScansNeeded(Refused):
    code = "warehouse.scans_needed"
    says = (
        "{fulfillment} is packed only with a scan of {asked}, by the policy warehouse.packing; not scanned: {missing}."
        " Scan it, or let a supervisor pack it with a reason."
    )


class WeightNeeded(Refused):
    code = "warehouse.weight_needed"
    says = (
        "{fulfillment} is packed only with the weight of each package, by the policy warehouse.packing; {missing} of"
        " {packages} have none. Weigh them, or let a supervisor pack it with a reason."
    )


class ToteElsewhere(Refused):
    """A tote that passes from zone to zone is not there yet."""

    code = "warehouse.tote_elsewhere"
    says = (
        "The tote of list {list} is still in zone {zone}, on list {before}. Take another list, and this one when the"
        " tote has come."
    )


class ListTaken(Refused):
    code = "warehouse.list_taken"
    says = "List {list} is with {picker}. Take another, or ask a supervisor to give it to you."


class CountWithdrawn(Refused):
    code = "warehouse.count_withdrawn"
    says = "Count {count} of {bin} was withdrawn meanwhile: nothing that you counted is kept. Go on with the next."


class HeldBack(Refused):
    """Pickers did not find units in the bin, and only its count says whether they are there."""

    code = "warehouse.held_back"
    says = (
        "Pickers did not find {units} units in bin {bin}, and they are not sold until they are counted. Have {count}"
        " counted instead of withdrawing it."
    )


class ListGiven(Refused):
    code = "warehouse.list_given"
    says = (
        "List {list} was given to {picker}: this scan did not count, those before it did. Hand over the cart and what"
        " is in your hands."
    )


class ListFree(Refused):
    code = "warehouse.list_free"
    says = "List {list} was given back, and is nobody's: this scan did not count. Take the list again before you go on."


class ListNotSplit(Refused):
    code = "warehouse.list_not_split"
    says = "List {list} can't be split: {why}. Give it to somebody whole, or leave it as it is."


class StopMoved(Refused):
    """A supervisor put the stop on another cart while somebody stood before it."""

    code = "warehouse.stop_moved"
    says = (
        "This stop went to another list: {list}. Nothing was picked: leave it there, and go on with the next."
    )


class ListDone(Refused):
    code = "warehouse.list_done"
    says = "List {list} has no open stops left."


class NothingForAWave(Refused):
    code = "warehouse.nothing_for_a_wave"
    says = (
        "No order of node {node} can join a wave now: {why}. Ask for more, or wait until orders are promised."
    )


class ToteTaken(Refused):
    code = "warehouse.tote_taken"
    says = "Tote {tote} holds {other}. Take an empty one."


class NotPickedYet(Refused):
    code = "warehouse.not_picked_yet"
    says = "Pick task {task} has no picked units that could be sorted."


class CountOfAnother(Refused):
    code = "warehouse.count_of_another"
    says = "Count {count} is with {counter}. Take another, or start it yourself if they have left it."


class CountedBefore(Refused):
    code = "warehouse.counted_before"
    says = "Count {count} was counted by {person} before. Somebody else has to count it again."


class NotCounted(Refused):
    code = "warehouse.not_counted"
    kind = "invalid"
    says = (
        "Count {count}: nothing was said of {missing}. Say what stands there of each, 0 where there is none."
    )


class BinInUse(Refused):
    code = "warehouse.bin_in_use"
    says = "Bin {which} can't be retired: there is {what}. Empty it first, or block it until it is empty."
