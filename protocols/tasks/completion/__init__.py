"""Digits of which a part is hidden, completed by one network with lateral weights."""
