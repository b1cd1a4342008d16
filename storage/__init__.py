"""Rows in, rows out: the tables, the transactions, and every SQL statement. A session never leaves."""
