//! Rust sources without comments, strings and characters, so that what is left can be searched.

/// `text` with every comment, string and character literal replaced by spaces. Lines stay where
/// they are, and so does every other character.
pub(crate) fn bare(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&next) = chars.get(at) {
        let end = literal_end(&chars, at);
        if end == at {
            out.push(next);
            at += 1;
            continue;
        }
        for skipped in chars.get(at..end).unwrap_or_default() {
            out.push(if *skipped == '\n' { '\n' } else { ' ' });
        }
        at = end;
    }
    out
}

/// End of the comment or literal that begins at `at`; `at` itself where none begins.
fn literal_end(chars: &[char], at: usize) -> usize {
    let starts = |what: &str| what.chars().enumerate().all(|(i, c)| chars.get(at + i) == Some(&c));
    let in_word = at > 0 && chars.get(at - 1).is_some_and(|c| c.is_alphanumeric() || *c == '_');
    if starts("//") {
        return position(chars, at, |c| c == '\n');
    }
    if starts("/*") {
        return block_comment_end(chars, at);
    }
    // A prefix is one only where no longer word ends with it.
    let prefix = if in_word {
        0
    } else {
        ["br", "cr", "b", "c", "r"].iter().find(|p| starts(p)).map_or(0, |p| p.len())
    };
    let quote = at + prefix;
    let is_raw = prefix > 0 && chars.get(quote - 1) == Some(&'r');
    let hashes = if is_raw { position(chars, quote, |c| c != '#') - quote } else { 0 };
    match chars.get(quote + hashes) {
        Some('"') if is_raw => raw_string_end(chars, quote + hashes + 1, hashes),
        Some('"') => quoted_end(chars, quote + 1, '"'),
        Some('\'') if prefix == 0 || chars.get(at) == Some(&'b') => char_end(chars, at, quote),
        _ => at,
    }
}

/// The end of a character literal; `at` where the quote begins a lifetime.
fn char_end(chars: &[char], at: usize, quote: usize) -> usize {
    let is_char = chars.get(quote + 1) == Some(&'\\') || chars.get(quote + 2) == Some(&'\'');
    if is_char { quoted_end(chars, quote + 1, '\'') } else { at }
}

fn quoted_end(chars: &[char], from: usize, quote: char) -> usize {
    let mut at = from;
    while let Some(&c) = chars.get(at) {
        match c {
            '\\' => at += 2,
            c if c == quote => return at + 1,
            _ => at += 1,
        }
    }
    chars.len()
}

fn raw_string_end(chars: &[char], from: usize, hashes: usize) -> usize {
    let closes = |at: &usize| {
        chars.get(*at) == Some(&'"') && (1..=hashes).all(|i| chars.get(at + i) == Some(&'#'))
    };
    (from..chars.len()).find(closes).map_or(chars.len(), |at| at + 1 + hashes)
}

fn block_comment_end(chars: &[char], from: usize) -> usize {
    let (mut at, mut depth) = (from, 0);
    while at < chars.len() {
        match (chars.get(at), chars.get(at + 1)) {
            (Some('/'), Some('*')) => (depth, at) = (depth + 1, at + 2),
            (Some('*'), Some('/')) => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    chars.len()
}

fn position(chars: &[char], from: usize, is_end: impl Fn(char) -> bool) -> usize {
    let rest = chars.get(from..).unwrap_or_default();
    rest.iter().position(|c| is_end(*c)).map_or(chars.len(), |n| from + n)
}

#[cfg(test)]
mod tests {
    use super::bare;

    #[test]
    fn literals_and_comments_are_blank_and_lines_stay() {
        let text = "let a = \"{\\\"\"; // {\nlet b = r#\"\"{\"#; /* { /* { */ */ let c = '{';\nfn f<'a>(x: &'a str) {}";
        let left = bare(text);
        assert_eq!(left.chars().count(), text.chars().count());
        assert_eq!(left.lines().count(), 3);
        assert_eq!(left.matches('{').count(), 1, "{left}");
        assert!(left.contains("fn f<'a>(x: &'a str) {}"));
    }

    #[test]
    fn bytes_and_escapes_are_literals_too() {
        let left = bare("m(b'{', '\\'', b\"{\", br\"{\", '\\u{7b}', for_{});");
        assert_eq!(left.matches('{').count(), 1, "{left}");
    }
}
