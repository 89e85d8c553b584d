//! The network between gateways: directory, links, trust and storage.
