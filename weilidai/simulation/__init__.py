"""The figures of the specification's source out of the running system: a made-up population lives through quarters."""
