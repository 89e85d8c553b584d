//! Clients and servers of other people.
