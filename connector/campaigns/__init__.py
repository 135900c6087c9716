"""Surveys in versions (surveys); campaigns, segments and distributions (register)."""
