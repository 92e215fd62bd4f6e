"""What the web server calls."""

import os
from importlib import import_module

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "entrepot.settings")
application = get_wsgi_application()
# Django would read the pages when the first of them is asked for, and that request would wait for seconds.
import_module("entrepot.web.urls")
import_module("entrepot.web.reasons").sentences()
