//! Plays: scenarios that read like a script, performed by clients, servers and gateways that
//! really run.
//!
//! A play is a text. `#` begins a comment. First comes the cast, one line a person:
//!
//! ```text
//! alice is on aol at north
//! laptop is alice on aol at south        (another session of the same account)
//! bob is on jabber at south
//! work is another jabber                 (a network of its own, which speaks the same)
//! TLS ends at north                      (of the web pages that clients read; else nowhere)
//! ```
//!
//! Then what the people do:
//!
//! ```text
//! alice signs on | signs off | loses the connection
//! alice adds bob | removes bob | accepts bob | denies bob | blocks bob | unblocks bob
//! alice says "hello" to bob              ("ab"x3 is "ababab"; {bob} is bob as alice spells him)
//! alice says "hello" in bold to bob      (or italic, underline, red)
//! alice types to bob | stops typing to bob
//! alice nudges bob | invites bob to a conference
//! alice goes away "lunch" | comes back | goes idle for 600 s
//! alice goes invisible | becomes visible
//! gateway north is killed | starts again
//! 2 s pass
//! aol got every byte as it was sent      (its server: nothing more, less or different)
//! ```
//!
//! and what they see, which is waited for, 10 seconds unless the line ends in `within 20 s`:
//!
//! ```text
//! bob is asked by alice                  (… in a dialogue | through the control contact)
//! bob is nudged by alice | is invited by alice
//! bob hears "hello" from alice           (the next message of hers; "…lo" is one that ends so)
//! bob hears "hello" in bold from alice
//! bob hears "a long text" in pieces from alice
//! bob hears nothing more
//! alice sees bob available | away "lunch" | offline | idle | typing
//! alice still sees bob offline           (after listening a while)
//! alice has no way to do that            (what she was told: her network cannot)
//! alice never saw bob                    (present, in any of her sessions so far)
//! alice lists bob | does not list bob
//! alice learns that bob was not reached
//! ```
//!
//! A line may go on with `, or` and what may come of it instead, the better first:
//!
//! ```text
//! bob is nudged by alice, or hears "…" from alice, or alice has no way to do that
//! ```
//!
//! What came instead is an [`Outcome`] of its chapter. A chapter begins with a heading that ends
//! in a colon.
//!
//! `crosstalk` is the control contact; anybody who is not cast is written as an address,
//! `zed@aol`. After the last line every play is checked for what holds in all of them: nobody
//! heard what no line expected, and no base server received a foreign name or a message meant
//! for a foreign person.

mod grammar;
mod lines;
mod outcome;
mod perform;
mod person;
mod script;
mod sees;

pub use grammar::{Mistake, Part, Play};
pub use outcome::Outcome;
pub use perform::{Failure, Performance, Stage};
