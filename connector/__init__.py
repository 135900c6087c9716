"""The hub: Flask, SQL, Redis and RQ; the only folder that knows how the parts are wired."""
