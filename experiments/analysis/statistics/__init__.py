"""The statistics themselves: pure functions on arrays of numbers that name their source and know no sweep."""
