"""Notices to users whose password, address, second factor or passkey was changed (ours, contract 02 §1.8)."""
