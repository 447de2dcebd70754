"""Reading about people: every function takes the customer, so nobody reaches another's rows."""
