"""One module per outside system; knows no Flask, SQL, Redis or RQ."""
