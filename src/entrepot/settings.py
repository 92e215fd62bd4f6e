"""Django's settings. What a house may want otherwise comes from the environment; see docs/reference."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path

import structlog

from entrepot import languages, postgres

PACKAGE = Path(__file__).resolve().parent


def _flag(name: str) -> bool:
    return os.environ.get(name, "").lower() in {"1", "true", "yes", "on"}


def _names(name: str, default: str) -> list[str]:
    return [part.strip() for part in os.environ.get(name, default).split(",") if part.strip()]


def _fonts(name: str) -> list[Path]:
    return [Path(one) for one in os.environ.get(name, "").split(os.pathsep) if one]


def _secret_key() -> str:
    """Given, or made once for this installation and kept where only its owner reads it."""
    if given := os.environ.get("ENTREPOT_SECRET_KEY"):
        return given
    file = postgres.make_home() / "secret_key"
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return file.read_text()
    with os.fdopen(descriptor, "w") as new:
        new.write(secrets.token_urlsafe(50))
    return file.read_text()


SECRET_KEY = _secret_key()
VAULT_KEY = os.environ.get("ENTREPOT_VAULT_KEY", "") or SECRET_KEY
DEBUG = _flag("ENTREPOT_DEBUG")
ALLOWED_HOSTS = _names("ENTREPOT_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = _names("ENTREPOT_ORIGINS", "")

# The rooms, lowest first. The order of imports between them is held by import-linter (pyproject.toml).
ROOMS = [
    "kernel",
    "access",
    "work",
    "catalog",
    "network",
    "parties",
    "tax",
    "carriage",
    "ledger",
    "stock",
    "payments",
    "orders",
    "sourcing",
    "purchasing",
    "warehouse",
    "shipping",
    "returns",
    "settlement",
    "channels",
    "insight",
    "simulation",
    "web",
]

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "pgtrigger",
    "django_htmx",
    "ninja",
    "procrastinate.contrib.django",
    "axes",
    *(f"entrepot.{room}" for room in ROOMS),
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "entrepot.web.shield.Shield",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",  # last, as axes asks
]

ROOT_URLCONF = "entrepot.web.urls"
WSGI_APPLICATION = "entrepot.web.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    }
]

DATABASES = {"default": postgres.django_database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ---- people

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",  # first: it refuses before a password is looked at
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "/login/"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "/login/"
# A guesser is stopped by name and address together, so that nobody can lock a colleague out from elsewhere.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
# Behind a proxy all requests come from one address; a stranger's wrong tries would count for everybody there.
AXES_CLIENT_IP_CALLABLE = "entrepot.web.edge.source_of"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
# Who mistypes may type a password as the name: a log that many read tells neither.
AXES_CLIENT_STR_CALLABLE = "entrepot.web.doors.nobody"

# Who goes no further without a second factor: "administrators", "everybody", or nobody.
SECOND_FACTOR = os.environ.get("ENTREPOT_SECOND_FACTOR", "")

# ---- text, time, files

LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGES = list(languages.LANGUAGES.items())
LOCALE_PATHS = [languages.compiled(postgres.make_home())]
STATIC_URL = "/static/"
# Served straight from the package: no collecting step, and no manifest that a forgotten one would break.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": postgres.home() / "files"},
    },
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}

# ---- safety

BEHIND_TLS = _flag("ENTREPOT_TLS")  # a proxy in front speaks TLS and sets X-Forwarded-Proto
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SESSION_COOKIE_SECURE = BEHIND_TLS
CSRF_COOKIE_SECURE = BEHIND_TLS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
# Names that browsers take only from this host, over TLS and for all of it: no neighbor can plant a cookie.
SESSION_COOKIE_NAME = "__Host-sessionid" if BEHIND_TLS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if BEHIND_TLS else "csrftoken"
# A day's work after somebody entered they enter anew, whatever they did meanwhile: the edge holds sessions to it, since
# Django counts anew with whatever is kept in them.
SESSION_COOKIE_AGE = int(float(os.environ.get("ENTREPOT_SESSION_HOURS", "14")) * 3600)
# Minutes without doing anything after which they enter anew as well; 0: none. Handhelds have a bound of their own.
IDLE_MINUTES = float(os.environ.get("ENTREPOT_IDLE_MINUTES", "0"))
IDLE_MINUTES_SCAN = float(
    os.environ.get("ENTREPOT_IDLE_MINUTES_SCAN", os.environ.get("ENTREPOT_IDLE_MINUTES", "0"))
)
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 20 * 1024 * 1024  # a batch of a thousand orders
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000  # select all, act on all

# ---- what is said

EASYPOST_SECRET = os.environ.get("ENTREPOT_EASYPOST_SECRET", "")
EASYPOST_KEY = os.environ.get("ENTREPOT_EASYPOST_KEY", "")
EASYPOST_URL = os.environ.get("ENTREPOT_EASYPOST_URL", "https://api.easypost.com/v2")
SHOPIFY_SHOPS = os.environ.get("ENTREPOT_SHOPIFY_SHOPS", "")
STRIPE_KEY = os.environ.get("ENTREPOT_STRIPE_KEY", "")
STRIPE_SECRET = os.environ.get("ENTREPOT_STRIPE_SECRET", "")
STRIPE_URL = os.environ.get("ENTREPOT_STRIPE_URL", "https://api.stripe.com/v1")
KARRIO_ACCOUNTS = os.environ.get("ENTREPOT_KARRIO_ACCOUNTS", "")
# Fonts of this machine for letters that ours have none of.
FONTS = _fonts("ENTREPOT_FONTS")
# For tests and closed networks: webhooks may go to this machine and its network, and without TLS.
WEBHOOKS_LOCAL = _flag("ENTREPOT_WEBHOOKS_LOCAL")

# Where people reach the console.
PUBLIC_URL = os.environ.get("ENTREPOT_URL", "http://localhost:8000").rstrip("/")
EMAIL_HOST = os.environ.get("ENTREPOT_MAIL_HOST", "")  # without one nothing is mailed
EMAIL_PORT = int(os.environ.get("ENTREPOT_MAIL_PORT", "25"))
EMAIL_HOST_USER = os.environ.get("ENTREPOT_MAIL_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("ENTREPOT_MAIL_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("ENTREPOT_MAIL_TLS", "") == "starttls"
EMAIL_USE_SSL = os.environ.get("ENTREPOT_MAIL_TLS", "") == "tls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = os.environ.get("ENTREPOT_MAIL_FROM", "entrepot@localhost")

LOG_LEVEL = os.environ.get("ENTREPOT_LOG_LEVEL", "WARNING").upper()
# What lies below the level costs nothing: hot commands have a line each.
structlog.configure(
    wrapper_class=structlog.make_filtering_bound_logger(LOG_LEVEL),
    logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname:<7} {name}: {message}", "style": "{"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Django writes records of its own with handlers of its own; one place is enough.
    "loggers": {"django": {"handlers": [], "propagate": True}},
}
