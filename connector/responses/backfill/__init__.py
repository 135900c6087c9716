"""A mapping that was switched on later is applied to responses that are stored already.

asked.py      what people ask: how much it would be, to begin it, how it stands, to stop it
job.py        batches of 200 in the order of acceptance, each in one transaction with the place it
              has come to, so that a crash repeats nothing and leaves nothing out
outcomes.py   what each response of the span is for the mapping, and the steps to be

A response gets the steps that it would have got, had the mapping been on when it came: those of the
automations that feed it, whose conditions are asked again. Its step has the key of a live one, so a
repeat changes nothing; what an older version of the mapping has settled is moved aside first. Ranks
are the answers' own: the order guard lets no old answer win over a newer one.
"""
