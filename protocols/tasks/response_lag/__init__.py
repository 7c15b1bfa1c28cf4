"""The response lag of chains."""
