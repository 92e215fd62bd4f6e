"""Where a carrier tells of a parcel: the address of its own page, by the number on the parcel. Data, and pure.

The addresses are those to which the carriers' own pages lead with a number filled in. Of carriers whose page asks for
more than the number there is none.
"""

from __future__ import annotations

from urllib.parse import quote

from entrepot.carriage import tracking

PAGES = {
    "amazon": "https://track.amazon.com/tracking/{number}",
    "an post": "https://www.anpost.com/Post-Parcels/Track/History?item={number}",
    "australia post": "https://auspost.com.au/mypost/track/#/details/{number}",
    "bpost": "https://track.bpost.cloud/btr/web/#/search?itemCode={number}",
    "canada post": "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor={number}",
    "colissimo": "https://www.laposte.fr/outils/suivre-vos-envois?code={number}",
    "dhl": "https://www.dhl.com/global-en/home/tracking.html?tracking-id={number}",
    "dpd": "https://tracking.dpd.de/status/en_US/parcel/{number}",
    "fedex": "https://www.fedex.com/fedextrack/?trknbr={number}",
    "japan post": "https://trackings.post.japanpost.jp/services/srv/search/direct?reqCodeNo1={number}&locale=en",
    "la poste": "https://www.laposte.fr/outils/suivre-vos-envois?code={number}",
    "lasership": "https://www.ontrac.com/tracking/?number={number}",
    "ontrac": "https://www.ontrac.com/tracking/?number={number}",
    "parcelforce": "https://www.parcelforce.com/track-trace?trackNumber={number}",
    "purolator": "https://www.purolator.com/en/shipping/tracker?pin={number}",
    "royal mail": "https://www.royalmail.com/track-your-item#/tracking-results/{number}",
    "ups": "https://www.ups.com/track?tracknum={number}",
    "usps": "https://tools.usps.com/go/TrackConfirmAction?tLabels={number}",
}
"""By carriers as `tracking.known_carrier` names them."""


def page(number: str, carrier: str) -> str:
    """The address of the page on which a carrier tells of a parcel; '' where it is not certain whose the number is.

    `carrier` is what the house calls it. Where that is no carrier that is known, a number tells that only one carrier's
    form with a check digit agrees with.
    """
    reading = tracking.read(number)
    mine = tracking.known_carrier(carrier)
    if mine:
        whose = mine if not tracking.judge(number, carrier).problem else ""
    else:
        whose = reading.carriers[0] if len(reading.carriers) == 1 and reading.forms[0].check else ""
    return PAGES[whose].format(number=quote(reading.number, safe="")) if whose in PAGES else ""
