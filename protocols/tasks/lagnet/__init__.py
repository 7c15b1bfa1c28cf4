"""Errors as they happen beside the adjoint method."""
