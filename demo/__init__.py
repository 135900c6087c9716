"""The demo: everything at once against simulated CRMs, then a checker that trusts none of it.

story.py                       from start to end; read this first
campaigns.py questions.py      seven campaigns in five languages, and how they are answered
people.py script.py            2,000 contacts; 1,000 responses, late and repeated ones too
crms.py                        what the simulated CRMs hold already, and the mappings
starting.py processes.py       engines, simulators, web, workers, scheduler; none outlives us
setting_up.py pushing.py       all we say to the product, over HTTP (api.py, signing.py)
watching.py report.py          reading back, and what a person sees
checker.py expected.py expected_fields.py
                               what the CRMs must hold, from the pushed items alone
"""
