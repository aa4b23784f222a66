"""Connected accounts and tokens of providers."""
