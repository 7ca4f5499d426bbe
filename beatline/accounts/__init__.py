"""Who may do what: accounts, their roles, and the ways in which they prove who they are."""
