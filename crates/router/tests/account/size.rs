//! An idle account is small: a gateway holds very many.

use crosstalk_router::Account;

#[test]
fn an_account_that_does_nothing_is_small() {
    let size = size_of::<Account<u64>>();
    assert!(size <= 288, "{size} bytes");
}
