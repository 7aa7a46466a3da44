"""A load test for people: lines for the screen (`told`), one HTML file (`page`) with its plots (`plots`). Pure."""
