"""Stripe: what it is asked (`build`), what it answers and sends (`parse`), and the way there (`client`)."""
