"""What an upgrade does to a configuration of a user, and the smallest edit that is accepted."""
