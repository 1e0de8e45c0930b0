"""How a service runs: settings, database, messages, time and HTTP. It knows no client, no category, no partner."""
