"""People who sign in to the pages: passwords, one-time codes, sessions.

passwords.py   what a good password is, and its argon2 hash
codes.py       the second factor: one-time codes and what replaces a lost device
sessions.py    what a browser's cookie stands for
sign_in.py     an address and a password become a session; guessing is held up
people.py      who is a member of which workspace
"""
