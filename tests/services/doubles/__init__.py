"""Doubles: web services that run on this machine for tests and stand in for paid ones.

Each implements the part of a service's published HTTP interface that the pack uses, written from
its documentation, and counts what the real one would charge for. They are driven by the real
SDKs. They know nothing of the services' models: their results are fixed files.
"""
