"""What changed between two versions of an engine: facts (`kinds`), judged by a policy that is apart."""
