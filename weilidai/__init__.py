"""The roof: settings, addresses, jobs, back office."""
