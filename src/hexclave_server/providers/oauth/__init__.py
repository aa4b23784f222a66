"""Identity providers: one small file each, all behind `provider.Provider` (contract 03 §8)."""
