"""Checking configurations of users against what is known of an engine version."""
