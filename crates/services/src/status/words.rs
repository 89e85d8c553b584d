//! Sentences about what became of work outside.

use crosstalk_core::Quoted;

use super::{Followed, Link, Site};
use crate::speech::{Speech, speech};

/// A site takes the token; `name` is the account as the site calls it.
pub fn linked(link: &Link, name: &Speech) -> Speech {
    speech!(
        "From now on each new status text of yours is posted to {}, as {}, for everybody to read; \
         not while you are invisible, nor while you show yourself to chosen people only. \
         /set {} off ends that.",
        Quoted::words(&(link.site.place)(&link.account)),
        name.clone(),
        link.site.name
    )
}

/// It does not.
pub fn not_linked(site: &Site, why: &Speech) -> Speech {
    speech!("{} was not set up: {}.", site.title, why.clone())
}

/// A site takes the token no more.
pub fn turned_off(site: &Site, why: &Speech) -> Speech {
    speech!(
        "{}, so your status is not posted there any more. Turn it on again with /set {} {}.",
        why.clone(),
        site.name,
        site.usage
    )
}

/// A status was not posted.
pub fn not_posted(site: &Site, why: &Speech) -> Speech {
    speech!("Your last status was not posted to {}: {}.", site.title, why.clone())
}

/// The token was sealed with a key that this gateway does not have.
pub fn sealed_elsewhere(site: &Site) -> Speech {
    speech!(
        "Your status is not posted to {} from here: the token was given to another gateway, and \
         this one does not have its key. Where you gave it, it is still used.",
        site.title
    )
}

/// No more is posted in this month.
pub fn month_is_full() -> Speech {
    "this gateway has posted as much there as its operator pays for in a month".into()
}

/// The number of posts of the month cannot be written down.
pub fn not_counted() -> Speech {
    "this gateway cannot count its posts at the moment".into()
}

/// An account is followed.
pub fn followed(account: &Followed) -> Speech {
    let name = Quoted::name(account.name());
    speech!("You follow {}: new posts are sent to you while you are signed on.", name)
}

/// It is not.
pub fn not_followed(account: &Followed, why: &Speech) -> Speech {
    speech!("You do not follow {}: {}.", Quoted::name(account.name()), why.clone())
}

/// Somebody sets up too much.
pub fn too_often() -> Speech {
    "That was too much in a short time. Please try again in a few minutes.".into()
}

/// As many are followed as the gateway asks for.
pub fn too_many() -> Speech {
    "this gateway follows as many as it can".into()
}
