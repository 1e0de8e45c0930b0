"""Use cases, by noun. Each changes loaded journeys and publishes; `terms.restate` then sets the deadlines anew."""
