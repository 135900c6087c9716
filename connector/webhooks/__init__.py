"""Signed webhooks that tell a customer's own systems what became of responses.

events.py      what is told, written in the transaction of what it tells
endpoints.py   where to: an address, the events, the secrets that sign
sending.py     messages that are due go out, by a job
trail.py       the messages and their tries, as people look at them
"""
