"""The end of day: named steps over one business date, each with a run row, restartable, repeatable."""
