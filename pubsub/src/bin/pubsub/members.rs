//! Who a hub lets in, by the tokens that it was told.

use std::fmt;
use std::future::{Ready, ready};
use std::time::Duration;

use pubsub::websocket::{Identity, wire::Token};
use pubsub::{ErrorCode, Rejection};

/// A name, and the token that proves it.
#[derive(Clone)]
pub(crate) struct Member {
    identity: Identity,
    token: String,
}

impl Member {
    /// Reads NAME=TOKEN. What is wrong with it says nothing of the token.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let (name, token) = text.split_once('=').ok_or("a name, `=` and a token")?;
        if token.is_empty() {
            return Err("the token is empty".to_owned());
        }
        let identity = Identity::new(name).map_err(|error| error.to_string())?;
        Ok(Self { identity, token: token.to_owned() })
    }
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("name", &self.identity.name()).finish_non_exhaustive()
    }
}

/// Who brings a token, for so long.
pub(crate) fn verify(
    members: Vec<Member>,
    lifetime: Option<Duration>,
) -> impl Fn(Token) -> Ready<Result<Identity, Rejection>> {
    move |token| {
        // All are looked at, and each to its end: the time it takes says nothing of them.
        let mut found = None;
        for member in &members {
            if is_same(member.token.as_bytes(), token.0.as_bytes()) {
                let identity = member.identity.clone();
                found = Some(match lifetime {
                    Some(lifetime) => identity.valid_for(lifetime),
                    None => identity,
                });
            }
        }
        ready(found.ok_or_else(|| Rejection::new(ErrorCode::Unauthenticated, "there is no such token")))
    }
}

fn is_same(one: &[u8], other: &[u8]) -> bool {
    let differing = one.iter().zip(other).fold(0, |differing, (one, other)| differing | (one ^ other));
    one.len() == other.len() && differing == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_members() {
        let members = ["ada=secret", "bob=a=b"].map(|text| Member::parse(text).unwrap()).to_vec();
        let who = verify(members, None);
        let name = |token: &str| {
            let result = who(Token(token.to_owned())).into_inner();
            result.ok().map(|identity| identity.name().to_owned())
        };
        assert_eq!((name("secret"), name("a=b")), (Some("ada".to_owned()), Some("bob".to_owned())));
        for wrong in ["", "secre", "secret ", "a"] {
            assert_eq!(name(wrong), None, "{wrong}");
        }
        for wrong in ["ada", "ada=", "=secret", "a:b=secret"] {
            let error = Member::parse(wrong).unwrap_err();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
