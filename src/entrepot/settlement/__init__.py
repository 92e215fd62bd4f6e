"""What is compared with the outside: payouts of providers against payments."""
