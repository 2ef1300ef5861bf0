"""Training of the project's own networks. Not part of the installed package."""
