"""The web application, for granian (`wsgi:app`) and gunicorn alike."""

from connector.app import create_app

app = create_app()
