//! Sockets and tasks: ways in, sessions and the router.
