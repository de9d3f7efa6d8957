"""What happens. Every zone is read from the `tzdata` package, as the lock pins it: a system's own zones may be older,
and then the same commit would mean other instants on another machine.
"""
import zoneinfo

zoneinfo.reset_tzpath(to=())
