"""Hash partitions by customer, in PostgreSQL: which tables, by which keys, and how a database becomes so.

The rules are those of every database that spreads rows by customer, Citus among them: a unique key contains the
customer, and a foreign key points at such a key.
"""
