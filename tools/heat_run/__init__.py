"""A real run against heat: real daemons under real load, on boards whose heat follows the workers' CPU time."""
