"""The hub: responses into CRM data, CRM events into invitations, files in and out."""
