"""A stand-in Kubernetes API server for lab and tests: real protocol, objects in memory."""
