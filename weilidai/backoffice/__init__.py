"""The roof of the back office: theme, home page, the page about one customer, operations."""
