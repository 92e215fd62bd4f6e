"""Purchase orders to suppliers, and the receipt of what they send."""
