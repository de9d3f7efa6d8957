"""Where Drumbeat runs: templates that a team deploys."""
