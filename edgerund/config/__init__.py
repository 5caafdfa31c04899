"""What people write: settings, policy and ladder files, each mistake with its file and line."""
