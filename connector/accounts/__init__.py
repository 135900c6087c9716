"""People who sign in to the pages: passwords, one-time codes, sessions.

passwords.py   what a good password is, and its argon2 hash
codes.py       the second factor: one-time codes and what replaces a lost device
sessions.py    what a browser's cookie stands for
sign_in.py     an address and a password become a session; guessing is held up
people.py       who signs in: let in by an address and a password
invitations.py  let in by a link that serves once
oidc.py         sign-in by a provider of the operator's; provider.py speaks with it
resets.py       a forgotten password, by a link that serves once
letters.py      the mails that carry such links
members.py      what they are in a workspace: roles, rights, removed
"""
