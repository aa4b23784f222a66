"""The command line: `hexclave serve` and the operator's tools. Every command speaks to the same services as the API."""
