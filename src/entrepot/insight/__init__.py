"""What the house can tell about itself. The one room that may read every table; it writes none."""
