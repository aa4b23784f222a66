"""Projects, their key sets, and the in-process directory that requests are resolved against."""
