"""Story 1: a response becomes CRM data. Read the files in this order.

intake (accept) -> planner (the batch job) -> plan, rules, mapping, transforms, tags, note (pure)
-> outbox (rows) -> deliver (the drain) -> fold (pure) -> work (find, write, tag, note) -> ledger
"""
