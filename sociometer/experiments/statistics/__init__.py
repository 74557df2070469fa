"""The statistics themselves: pure functions on arrays of numbers, each naming its source; nothing here knows a sweep."""
