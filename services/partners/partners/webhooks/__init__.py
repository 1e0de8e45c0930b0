"""How partners are told: Standard Webhooks 1.0.0 with one CloudEvent as the body, sent until it arrives."""
