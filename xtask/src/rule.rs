//! The dependency rule: who may see whom.
//!
//! `core <- {networks, overlay, router, services} <- gateway <- api <- crosstalk`; the four in the
//! middle never see each other. What lies under `networks` and `router` knows no sockets, files, clock or randomness.

use std::path::Path;

use crate::graph::Graph;
use crate::steps::Outcome;
use crate::{circles, lengths, sources};

/// Every crate that may be built into the product, and the crates of ours it may depend on.
const MAY_SEE: &[(&str, &[&str])] = &[
    ("crosstalk-core", &[]),
    ("crosstalk-networks", &["crosstalk-core"]),
    ("crosstalk-overlay", &["crosstalk-core"]),
    ("crosstalk-router", &["crosstalk-core"]),
    ("crosstalk-services", &["crosstalk-core"]),
    (
        "crosstalk-gateway",
        &[
            "crosstalk-core",
            "crosstalk-networks",
            "crosstalk-overlay",
            "crosstalk-router",
            "crosstalk-services",
        ],
    ),
    ("crosstalk-api", &["crosstalk-core", "crosstalk-gateway", "crosstalk-overlay"]),
    ("crosstalk-mock", &["crosstalk-core", "crosstalk-networks", "crosstalk-gateway"]),
    (
        "crosstalk",
        &[
            "crosstalk-core",
            "crosstalk-networks",
            "crosstalk-overlay",
            "crosstalk-router",
            "crosstalk-services",
            "crosstalk-gateway",
            "crosstalk-api",
            "crosstalk-mock",
        ],
    ),
];

/// Crates of ours that the tests of a crate may depend on besides: the overlay is simulated with
/// accounts in it.
const TESTS_MAY_SEE: &[(&str, &str)] = &[("crosstalk-overlay", "crosstalk-router")];

/// Crates that are pure: their dependency trees hold none of [`IMPURE`].
const PURE: &[&str] =
    &["crosstalk-core", "crosstalk-networks", "crosstalk-router", "crosstalk-services"];

/// Crates that bring sockets, runtimes or randomness.
const IMPURE: &[&str] =
    &["tokio", "mio", "socket2", "async-std", "smol", "futures-executor", "getrandom", "rand"];

/// Checks the checkout at `root`; the error lists every breach.
pub(crate) fn check(root: &Path) -> Outcome {
    let mut breaches = of_graph(&Graph::load(root)?);
    let crates = root.join("crates");
    breaches.extend(sources::breaches(&crates)?);
    breaches.extend(circles::breaches(&crates)?);
    let folders = ["crates", "xtask", "tests", "bench", "examples", "fuzz/fuzz_targets"];
    breaches.extend(lengths::breaches(root, &folders.map(|folder| root.join(folder)))?);
    if breaches.is_empty() {
        println!("the dependency rule holds");
        return Ok(());
    }
    Err(format!("the dependency rule is broken:\n  {}", breaches.join("\n  ")))
}

fn of_graph(graph: &Graph) -> Vec<String> {
    let mut breaches = Vec::new();
    for member in &graph.members {
        let ours = |name: &&str| graph.members.contains(*name);
        let Some((_, allowed)) = MAY_SEE.iter().find(|(name, _)| name == member) else {
            continue;
        };
        for seen in graph.direct(member).filter(ours).filter(|seen| !allowed.contains(seen)) {
            breaches.push(format!("{member} must not depend on {seen}"));
        }
        let in_tests = |seen: &&str| {
            // The mock servers may stand in for real ones in any crate's tests.
            *seen != "crosstalk-mock"
                && *seen != member
                && !allowed.contains(seen)
                && !TESTS_MAY_SEE.contains(&(member.as_str(), *seen))
        };
        for seen in graph.in_tests(member).filter(ours).filter(in_tests) {
            breaches.push(format!("the tests of {member} must not depend on {seen}"));
        }
    }
    for (name, _) in MAY_SEE.iter().filter(|(name, _)| !graph.members.contains(*name)) {
        breaches.push(format!("{name} is missing: the rule must know every crate"));
    }
    for pure in PURE {
        let tree = graph.tree(pure);
        let impure = IMPURE.iter().filter_map(|name| tree.get(*name));
        breaches.extend(impure.map(|way| format!("no I/O below {pure}: {way}")));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lawful() -> Graph {
        let mut graph = Graph::default();
        for (name, allowed) in MAY_SEE {
            graph.members.insert((*name).to_owned());
            for seen in *allowed {
                graph.link(name, seen, false);
            }
        }
        graph
    }

    #[test]
    fn a_lawful_graph_passes() {
        let mut graph = lawful();
        graph.link("crosstalk-gateway", "tokio", false);
        graph.link("crosstalk-gateway", "crosstalk-mock", true);
        assert_eq!(of_graph(&graph), [""; 0]);
    }

    #[test]
    fn seeing_a_sibling_is_a_breach() {
        let mut graph = lawful();
        graph.link("crosstalk-networks", "crosstalk-overlay", false);
        assert_eq!(of_graph(&graph), ["crosstalk-networks must not depend on crosstalk-overlay"]);
    }

    #[test]
    fn only_the_tests_of_the_overlay_see_the_router() {
        let mut graph = lawful();
        graph.link("crosstalk-overlay", "crosstalk-router", true);
        assert_eq!(of_graph(&graph), [""; 0]);
        graph.link("crosstalk-router", "crosstalk-overlay", true);
        let breach = "the tests of crosstalk-router must not depend on crosstalk-overlay";
        assert_eq!(of_graph(&graph), [breach]);
        graph.link("crosstalk-overlay", "crosstalk-router", false);
        assert!(of_graph(&graph).iter().any(|b| b.starts_with("crosstalk-overlay must not")));
    }

    #[test]
    fn only_the_binary_and_tests_use_the_mock() {
        let mut graph = lawful();
        graph.link("crosstalk-gateway", "crosstalk-mock", false);
        assert_eq!(of_graph(&graph), ["crosstalk-gateway must not depend on crosstalk-mock"]);
    }

    #[test]
    fn a_runtime_below_the_networks_is_a_breach() {
        let mut graph = lawful();
        graph.link("crosstalk-networks", "codec", false);
        graph.link("codec", "tokio", false);
        let breach = "no I/O below crosstalk-networks: crosstalk-networks -> codec -> tokio";
        assert_eq!(of_graph(&graph), [breach]);
    }

    #[test]
    fn a_crate_that_vanished_is_a_breach() {
        let mut graph = lawful();
        graph.members.remove("crosstalk-core");
        assert!(of_graph(&graph).iter().any(|b| b.starts_with("crosstalk-core is missing")));
    }
}
