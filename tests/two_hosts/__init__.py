"""Two worker hosts, made of network namespaces, at one job; one of them is cut off in mid-work."""
