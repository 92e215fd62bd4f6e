"""Where each page is."""

from __future__ import annotations

from django.contrib.auth.views import LogoutView
from django.urls import path

from entrepot.web.api.house import api
from entrepot.web.views import errors, health, home, people

urlpatterns = [
    path("", home.home, name="home"),
    path("orders/", home.home, name="orders"),
    path("stock/", home.home, name="stock"),
    path("work/", home.home, name="work"),
    path("books/", home.home, name="books"),
    path("search/", home.home, name="search"),
    path("login/", people.Login.as_view(), name="login"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("company/", people.choose_company, name="company"),
    path("favicon.ico", people.favicon),
    path("healthz", health.healthz),
    path("api/", api.urls),
]

handler400 = errors.bad_request
handler403 = errors.forbidden
handler404 = errors.not_found
handler500 = errors.broken
