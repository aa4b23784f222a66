"""Sessions: refresh tokens, the access tokens issued from them, and the signing keys behind those."""
