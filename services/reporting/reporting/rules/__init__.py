"""What the figures are made of, without a database: histories, figures, targets and what may be published."""
