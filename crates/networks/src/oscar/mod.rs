//! AIM and ICQ, which speak OSCAR.

pub mod wire;
