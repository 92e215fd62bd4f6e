"""What the room refuses."""

from __future__ import annotations

from entrepot.kernel.errors import Refused


class DutiesApart(Refused):
    code = "access.duties_apart"
    kind = "forbidden"
    says = "{person} did the other part of {pair} on {document}, so {side} must be done by someone else."


class ConflictsUnseen(Refused):
    """Roles would give somebody both sides of pairs of duties, and whoever gives them has not said that they know."""

    code = "access.conflicts_unseen"
    says = (
        "These roles would give {person} both sides of: {pairs}. Give them to two people, or say that you know it and"
        " give them all the same."
    )


class NameTaken(Refused):
    code = "access.name_taken"
    says = "There is a person named {name} already. Choose another name, or change the roles of that person."


class RolesChanged(Refused):
    """Somebody else changed a person's roles after whoever gives them now read them."""

    code = "access.roles_changed"
    says = (
        "Somebody changed the roles of {person} meanwhile: expected {expected}, found {found}. Look at them again, and"
        " do what is still right."
    )


class CompaniesChanged(Refused):
    """Somebody else changed a person's companies after whoever gives them now read them."""

    code = "access.companies_changed"
    says = "Somebody changed the companies of {person} meanwhile. Look at them again, and do what is still right."


class OwnRights(Refused):
    code = "access.own_rights"
    kind = "forbidden"
    says = "Nobody changes what they may do themselves. Ask another administrator."


class ShutOut(Refused):
    code = "access.shut_out"
    says = "{person} may not enter, and no password changes that. Let them in again first."


class KeyBeyondOwn(Refused):
    code = "access.key_beyond_own"
    kind = "forbidden"
    says = (
        "{person} may do what {actor} may not, and a key would do it for whoever has it. Ask an administrator to issue"
        " it, or make a person for the program."
    )


class KeyFollowed(Refused):
    code = "access.key_followed"
    says = (
        "Key {prefix} is followed by {by} already. Rotate that one, or revoke it and rotate this one again."
    )


class KeyOfOthers(Refused):
    code = "access.key_of_others"
    kind = "forbidden"
    says = (
        "Key {prefix} acts for {person} where {actor} may do nothing. Ask an administrator, or somebody who belongs to"
        " all of their companies, to revoke it."
    )


class TooManyTries(Refused):
    code = "access.too_many_tries"
    kind = "forbidden"
    says = "There were too many tries. Wait {minutes} minutes, then try again."


class NoMailAddress(Refused):
    code = "access.no_mail_address"
    says = "{person} has no mail address that reports could go to. Ask an administrator to write one down."


class NoMailServer(Refused):
    code = "access.no_mail_server"
    says = "This house sends no mail: no mail server is set (ENTREPOT_MAIL_HOST)."


class WrongCode(Refused):
    code = "access.wrong_code"
    kind = "forbidden"
    says = "That is not the code of now, or it was used already. Wait for the next one, and type it as it stands."


class FactorStands(Refused):
    code = "access.factor_stands"
    says = "{person} has a second factor already. Remove it first."


class NoFactor(Refused):
    code = "access.no_factor"
    says = "{person} has no second factor that could be confirmed or removed. Set one up first."
