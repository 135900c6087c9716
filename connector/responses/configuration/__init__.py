"""What an admin saves and publishes: mappings, automations, and a connection's standard switch."""
