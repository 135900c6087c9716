"""Alerts: what goes wrong in a workspace is told once, and once more when it is well again.

judging.py    looks, once a minute, by sets: opens, keeps and closes alerts
wording.py    what an alert says (pure)
channels.py   whom they are told to
sending.py    tells them: leased, tried again, never twice in an hour for the same trouble
"""
