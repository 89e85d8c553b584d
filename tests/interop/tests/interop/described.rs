//! The API is as its description says.

use crosstalk_interop::ApiUnderTest;

#[test]
fn whatever_a_program_sends_comes_back_as_described() {
    ApiUnderTest::start().is_as_described();
}
