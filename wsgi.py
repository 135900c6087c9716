"""The web application, for granian (`wsgi:app`) and gunicorn alike."""

from connector import failpoints
from connector.app import create_app
from connector.log import configure_log
from connector.settings import load_settings

settings = load_settings()
configure_log(settings.log_level)
failpoints.configure(settings)
app = create_app(settings)
