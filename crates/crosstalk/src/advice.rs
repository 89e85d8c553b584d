//! Commands that somebody is advised to give.

/// `words` with `arguments` in each command of ours that they show, behind what it is called: they say
/// which gateway the command is about. A command that has them already stays as it is.
pub(crate) fn about(words: &str, arguments: &str) -> String {
    let mut parts: Vec<String> = words.split('`').map(ToOwned::to_owned).collect();
    // Every second part stands between two of them.
    for command in parts.iter_mut().skip(1).step_by(2) {
        let is_ours = command.starts_with("crosstalk ");
        if is_ours && !command.contains(arguments) {
            let at = name_of(command).len();
            command.insert_str(at, arguments);
        }
    }
    parts.join("`")
}

/// The part of a command before its own arguments, which are options, or stand in capitals.
fn name_of(command: &str) -> &str {
    let is_own = |byte: u8| byte == b'-' || byte.is_ascii_uppercase();
    let mut pairs = command.as_bytes().windows(2).enumerate();
    let own = pairs.find(|(_, pair)| matches!(pair, [b' ', next] if is_own(*next)));
    own.map_or(command, |(at, _)| command.get(..at).unwrap_or(command))
}

#[cfg(test)]
mod tests {
    use super::about;

    #[test]
    fn commands_are_about_the_gateway_that_was_named() {
        for (words, said) in [
            ("run `crosstalk ca init`", "run `crosstalk ca init --data d`"),
            (
                "`crosstalk api token make NAME` makes one",
                "`crosstalk api token make --data d NAME` makes one",
            ),
            ("`crosstalk mesh id --at H:1`", "`crosstalk mesh id --data d --at H:1`"),
            ("`crosstalk ca init --data d`", "`crosstalk ca init --data d`"),
            ("crosstalk with `listen`, `wipe`", "crosstalk with `listen`, `wipe`"),
        ] {
            assert_eq!(about(words, " --data d"), said);
            assert_eq!(about(words, ""), words, "nothing was named");
        }
    }
}
