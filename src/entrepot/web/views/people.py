"""Coming in and going out."""

from __future__ import annotations

from typing import Any

from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from entrepot.web.edge import COMPANY, Request, back, console, guard

TOO_MANY = 429


class Login(auth.LoginView):
    """Name and password. Whoever guesses too often is told to wait, on the same page."""

    template_name = "web/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        guard(response)
        return response

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.fields["username"].widget.attrs |= {
            "autofocus": True,
            "autocapitalize": "none",
            "autocomplete": "username",
        }
        return form

    def form_invalid(self, form: AuthenticationForm) -> HttpResponse:
        if not getattr(self.request, "axes_locked_out", False):
            return super().form_invalid(form)
        self.request.axes_locked_out = False  # type: ignore[attr-defined]  # we answer, not axes' bare text
        form.errors.clear()
        form.add_error(None, gettext("Too many attempts. Wait a quarter of an hour, then try again."))
        response = super().form_invalid(form)
        response.status_code = TOO_MANY
        return response


@require_POST
@console
def choose_company(request: Request) -> HttpResponse:
    """Look at another company's orders, stock and books."""
    wanted = request.POST.get("company", "")
    known = {str(one.id): one.id for one in request.reader.companies}
    if wanted in known:
        request.session[COMPANY] = known[wanted]
    return redirect("home") if not request.POST.get("next") else back(request, "/")


def favicon(_request: HttpRequest) -> HttpResponse:
    return redirect("/static/web/mark.svg", permanent=True)
