//! Base servers and clients for demos, plays and benchmarks.
