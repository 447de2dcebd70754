"""A population to look at: made-up people, their behaviour as feeds, and some weeks of lending lived through."""
