"""Coming in and going out."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth
from django.contrib.auth.forms import AuthenticationForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST

from entrepot.access import queries as access
from entrepot.kernel.errors import Refused
from entrepot.web import doors, words
from entrepot.web.edge import COMPANY, Request, back, console, guard, source_of

TOO_MANY = 429


class Login(auth.LoginView):
    """Name and password. Whoever guesses too often is told to wait, on the same page."""

    template_name = "web/login.html"
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = super().dispatch(request, *args, **kwargs)
        guard(response)
        return response

    def form_valid(self, form: AuthenticationForm) -> HttpResponse:
        """Whoever has a second factor is not in yet."""
        user = form.get_user()
        if not doors.has_factor(user.pk):
            response = super().form_valid(form)
            doors.forgets_source(source_of(self.request))
            greet(self.request, user.pk)
            return response
        doors.forgets_source(source_of(self.request))
        doors.wait_for_code(self.request, user.pk, user.get_session_auth_hash(), self.get_success_url())
        return redirect("login-code")

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """A password is looked at only where not too many were wrong from the same address, for whatever names."""
        if doors.counts_source(source_of(request)):
            form = self.get_form()
            form.is_bound = False
            return self.render_to_response(self.get_context_data(form=form, wait=True), status=TOO_MANY)
        return super().post(request, *args, **kwargs)

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


def greet(request: HttpRequest, user: int) -> None:
    """Note that somebody entered; with a password that somebody made for them they are told so: two people know it."""
    doors.enter(request, source_of(request))
    if access.password_is_anothers(user):
        told = gettext("Your password was made by somebody else. Choose one of your own, under My access.")
        messages.info(request, told)


@sensitive_post_parameters()
@never_cache
def login_code(request: HttpRequest) -> HttpResponse:
    """The code of whoever gave the right password."""
    if not doors.waits_for_code(request):
        return redirect("login")
    refused = ""
    if request.method == "POST":
        answer = doors.come_in(request, request.POST.get("code", "")[:40])
        if answer is None:
            return redirect("login")
        if not isinstance(answer, Refused):
            greet(request, int(request.user.pk or 0))
            return redirect(answer)
        refused = words.refusal(answer)
    response = render(request, "web/login_code.html", {"refused": refused}, status=200)
    guard(response)
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
