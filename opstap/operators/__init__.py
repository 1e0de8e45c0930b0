"""What operators do on a data folder, while the system runs on it or while it does not.

Commands connect to the folder's own PostgreSQL with the services' background roles. Where a service has to handle
something again it is handled in the command's process, through the same inbox and under the same locks as in the
service's own, so that it makes no difference which of the two does it.
"""
