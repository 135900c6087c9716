"""The demo: everything at once against simulated CRMs, then a checker that trusts none of it."""
