"""Where each page is."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from entrepot.web.api import house
from entrepot.web.views import (
    books,
    campaigns,
    conflicts,
    drafts,
    errors,
    health,
    home,
    kits,
    order_edit,
    order_import,
    orders,
    people,
    promises,
    returns,
    stock,
    things,
    transfers,
    work,
)

urlpatterns = [
    path("", home.home, name="home"),
    path("orders/", orders.orders_list, name="orders"),
    path("orders/drafts/", drafts.drafts_list, name="drafts"),
    path("orders/drafts/new/", drafts.one, name="draft-new"),
    path("orders/drafts/<uuid:which>/", drafts.one, name="draft"),
    path("orders/import/", order_import.orders, name="orders-import"),
    path("orders/campaigns/", campaigns.told, name="campaigns"),
    path("orders/conflicts/", conflicts.told, name="conflicts"),
    path("orders/promises/", promises.kept, name="promises"),
    path("orders/act/", orders.act, name="orders-act"),
    path("orders/<uuid:which>/", orders.order, name="order"),
    path("orders/<uuid:which>/cancel/", orders.cancel_order, name="order-cancel"),
    path("orders/<uuid:which>/edit/", order_edit.change, name="order-edit"),
    path("orders/<uuid:which>/reject/", orders.reject_order, name="order-reject"),
    path("orders/<uuid:which>/ask-again/", orders.ask_nodes_again, name="order-ask-again"),
    path("orders/<uuid:which>/hold/", orders.hold, name="order-hold"),
    path("orders/<uuid:which>/pay/", orders.pay, name="order-pay"),
    path("orders/<uuid:which>/case/", work.ask_for, name="order-case"),
    path("orders/<uuid:which>/return/", returns.ask, name="order-return"),
    path("returns/", returns.returns_list, name="returns"),
    path("returns/station/", returns.station, name="station"),
    path("returns/station/inspect/", returns.inspect_units, name="station-inspect"),
    path("returns/station/dispose/", returns.dispose_units, name="station-dispose"),
    path("returns/refunds/", returns.approvals, name="refunds"),
    path("returns/refunds/decide/", returns.decide, name="refunds-decide"),
    path("returns/credits/decide/", returns.decide_credit, name="credits-decide"),
    path("returns/<uuid:which>/", returns.one, name="return"),
    path("returns/<uuid:which>/review/", returns.review_one, name="return-review"),
    path("returns/<uuid:which>/receive/", returns.receive_one, name="return-receive"),
    path("returns/<uuid:which>/refund/", returns.refund_one, name="return-refund"),
    path("returns/<uuid:which>/close/", returns.close_one, name="return-close"),
    path("holds/release/", orders.release, name="holds-release"),
    path("stock/", stock.stock_list, name="stock"),
    path("stock/transfers/", transfers.transfers_list, name="transfers"),
    path("stock/transfers/review/", transfers.review, name="transfers-review"),
    path("stock/transfers/act/", transfers.act, name="transfers-act"),
    path("stock/transfers/receive/", transfers.receive, name="transfers-receive"),
    path("stock/<uuid:which>/", stock.sku, name="sku"),
    path("stock/<uuid:which>/preorder/", stock.set_preorder_of, name="sku-preorder"),
    path("stock/<uuid:which>/kit/", kits.set_kit, name="sku-kit"),
    path("work/", work.work_list, name="work"),
    path("work/act/", work.act, name="work-act"),
    path("work/<uuid:which>/", work.item, name="work-item"),
    path("books/", books.trial, name="books"),
    path("books/payouts/", books.payouts, name="payouts"),
    path("books/payouts/explain/", books.explain_line, name="payout-explain"),
    path("books/accounts/<int:code>/", books.account, name="account"),
    path("books/entries/<uuid:which>/", books.entry, name="entry"),
    path("documents/<uuid:which>/", things.document, name="document"),
    path("events/<int:seq>/", things.event, name="event"),
    path("search/", things.search, name="search"),
    path("login/", people.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("company/", people.choose_company, name="company"),
    path("favicon.ico", people.favicon),
    path("healthz", health.healthz),
    path("metrics", health.metrics),
    path("api/", house.urls()),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
