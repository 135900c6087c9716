"""How fast, how many calls: beside what a user would write, in one run, as ratios."""
