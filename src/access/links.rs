use std::time::Duration;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq as _;

use crate::words::{Sensitive, Timestamp};

/// How long a sign-in link is good for: long enough to look for the browser, short enough that one which is left behind in
/// a terminal opens nothing.
pub const LINK_LIFE: Duration = Duration::from_mins(10);
/// How many links wait to be used: a few windows of a few people. A new one takes the place of the oldest.
const LINKS_MAX: usize = 16;

/// The sign-in links that nobody has used yet. Each signs in the owner, once.
#[derive(Debug, Default)]
pub struct Links(Vec<Link>);

/// What is kept of a link: nothing that signs anybody in.
#[derive(Debug)]
struct Link {
    digest: [u8; 32],
    until: Timestamp,
}

impl Links {
    /// Takes a link that was made now.
    pub fn add(&mut self, token: &Sensitive, now: Timestamp) {
        self.0.retain(|link| now < link.until);
        if self.0.len() >= LINKS_MAX {
            self.0.remove(0);
        }
        self.0.push(Link { digest: digest(token), until: now.plus(LINK_LIFE) });
    }

    /// Uses a link up, and returns whether it was good.
    pub fn redeem(&mut self, token: &Sensitive, now: Timestamp) -> bool {
        let wanted = digest(token);
        let mut good = false;
        self.0.retain(|link| {
            let is_it = bool::from(link.digest.ct_eq(&wanted));
            good |= is_it && now < link.until;
            !is_it && now < link.until
        });
        good
    }
}

fn digest(token: &Sensitive) -> [u8; 32] {
    Sha256::digest(token.expose().as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::{LINK_LIFE, LINKS_MAX, Links};
    use crate::words::{Sensitive, Timestamp};

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    #[test]
    fn a_link_is_good_once_and_for_a_while() {
        let mut links = Links::default();
        let (one, other) = (Sensitive::new("one"), Sensitive::new("other"));
        links.add(&one, NOW);
        links.add(&other, NOW);
        assert!(!links.redeem(&Sensitive::new("none"), NOW), "a link that nobody made");
        assert!(links.redeem(&one, NOW.plus(LINK_LIFE / 2)));
        assert!(!links.redeem(&one, NOW.plus(LINK_LIFE / 2)), "twice");
        assert!(!links.redeem(&other, NOW.plus(LINK_LIFE)), "too late");
        assert!(!links.redeem(&other, NOW), "a clock that was set back");
    }

    #[test]
    fn a_new_link_takes_the_place_of_the_oldest() {
        let mut links = Links::default();
        let token = |number: usize| Sensitive::new(number.to_string());
        (0..=LINKS_MAX).for_each(|number| links.add(&token(number), NOW));
        assert!(!links.redeem(&token(0), NOW));
        assert!((1..=LINKS_MAX).all(|number| links.redeem(&token(number), NOW)));
    }
}
