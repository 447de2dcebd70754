"""`make run`: sets the platform up, starts its processes, keeps them running, and ends them together."""
