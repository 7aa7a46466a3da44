"""What happens when something is killed in the middle."""
