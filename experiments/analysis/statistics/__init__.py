"""The statistics: pure functions on arrays that cite their source and know nothing of sweeps."""
