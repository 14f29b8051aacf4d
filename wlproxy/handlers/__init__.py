"""What allow and deny cannot say: one pure file per concern."""
