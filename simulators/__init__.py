"""Small HTTP services that behave as the CRMs do, so that nobody needs an account to try or to
test.

They import nothing of ours: what they know of a CRM comes from its documents, not from our
adapters.
"""
