//! What another library signs by the manual is taken.

use crosstalk_interop::DirectoryExample;

#[test]
fn the_example_keeps_and_replaces_what_it_signs() {
    let example = DirectoryExample::start();
    assert_eq!(example.keeps("city", "Oslo"), "city Oslo\n");
    assert_eq!(
        example.keeps("a/b w\u{f6}rk", "Gr\u{fc}\u{df}e"),
        "a/b w\u{f6}rk Gr\u{fc}\u{df}e\ncity Oslo\n"
    );
    assert_eq!(example.keeps("city", "Bergen"), "a/b w\u{f6}rk Gr\u{fc}\u{df}e\ncity Bergen\n");
}
