"""Extra fields: a few of the CRM's own, read live beside a contact and edited here."""
