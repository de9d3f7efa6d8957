"""The web app: the hook that pushes reach, and pages that only show. It sends nothing and writes nothing but a mark."""
