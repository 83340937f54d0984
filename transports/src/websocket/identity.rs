//! Who a client is, and what it may be allowed.

use std::fmt;
use std::time::{Duration, SystemTime};

use compact_str::CompactString;

use super::wire::{SELF_ID, Token};
use crate::{Address, Position};

/// Who a client is: a name that the hub's authenticator gave it.
///
/// The name is what `@self` stands for on its connections, so it can be the id of an event. It is not empty, has at most
/// [`MAX_LEN`](Self::MAX_LEN) bytes and no `:`, so that who builds ids of several parts never mistakes one for another.
///
/// ```
/// use std::time::Duration;
/// use pubsub_transports::websocket::Identity;
///
/// let ada = Identity::new("ada")?.valid_for(Duration::from_secs(3600));
/// assert_eq!(ada.name(), "ada");
/// assert!(Identity::new("ada:admin").is_err());
/// # Ok::<(), pubsub_transports::websocket::InvalidIdentity>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    name: CompactString,
    lifetime: Option<Duration>,
}

impl Identity {
    /// How many bytes a name may have.
    pub const MAX_LEN: usize = 128;

    /// Somebody of this name, for as long as the connection lasts.
    ///
    /// # Errors
    /// If it cannot be a name.
    pub fn new(name: impl AsRef<str>) -> Result<Self, InvalidIdentity> {
        let name = name.as_ref();
        if name.is_empty() {
            return Err(InvalidIdentity::Empty);
        }
        if name.len() > Self::MAX_LEN {
            return Err(InvalidIdentity::TooLong { len: name.len() });
        }
        if name == SELF_ID || name.contains(|it: char| it == ':' || it.is_control()) {
            return Err(InvalidIdentity::Reserved);
        }
        Ok(Self { name: name.into(), lifetime: None })
    }

    /// For so long from when the hub hears of it. A client that has not proved itself again by then, with a further
    /// `__connect`, is closed with 4005 and comes back.
    #[must_use]
    pub fn valid_for(self, lifetime: Duration) -> Self {
        Self { lifetime: Some(lifetime), ..self }
    }

    /// Until this moment, which is the `exp` of a token: as [`valid_for`](Self::valid_for) what is left until then.
    #[must_use]
    pub fn valid_until(self, end: SystemTime) -> Self {
        self.valid_for(end.duration_since(SystemTime::now()).unwrap_or_default())
    }

    /// The name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For how long it was said to hold; `None` for as long as the connection lasts.
    #[must_use]
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Why a text is nobody's name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidIdentity {
    /// It is empty.
    Empty,
    /// It has more than [`Identity::MAX_LEN`] bytes.
    TooLong {
        /// So many.
        len: usize,
    },
    /// It has a `:` or a control character, or is `@self`.
    Reserved,
}

impl fmt::Display for InvalidIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("an identity needs a name"),
            Self::TooLong { len } => {
                write!(
                    f,
                    "the name of an identity has {len} bytes; at most {} are possible",
                    Identity::MAX_LEN
                )
            }
            Self::Reserved => f.write_str(
                "the name of an identity cannot contain `:` or a control character, nor be `@self`",
            ),
        }
    }
}

impl std::error::Error for InvalidIdentity {}

/// What a client wants to do with an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// To receive its events.
    Subscribe,
    /// To send one.
    Publish,
}

/// What a client asks leave for: an action on an address, `@self` already replaced by its name.
///
/// `Subscribe` with an address of every id (`address.id()` is `None`) is for all events of the type, those with
/// somebody's name as id included.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Permission {
    /// What it wants to do.
    pub action: Action,
    /// With what.
    pub address: Address,
}

impl Permission {
    /// Leave to do this with this address.
    #[must_use]
    pub fn new(action: Action, address: Address) -> Self {
        Self { action, address }
    }
}

/// What a hub's protocol cannot answer by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Question {
    /// Who brings this token? Answered with [`authenticated`](super::HubProtocol::authenticated).
    Authenticate(Token),
    /// Which of these is this client allowed? Answered with [`authorized`](super::HubProtocol::authorized).
    Authorize(Option<Identity>, Vec<Permission>),
    /// Is all of this there? Answered with [`fetched`](super::HubProtocol::fetched), as soon as it is so, or it took too long.
    Fetch(Vec<Fetch>),
}

/// What a client waits for: that an event type which was [asked for](super::HubOutput::Follow) is there, and more.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Fetch {
    /// The type.
    pub topic: CompactString,
    /// How far it has to have come: a client that was at another hub may know more than this one has heard.
    pub reach: Option<Position>,
    /// Whether what was [recalled](super::HubOutput::Recall) has to be there: the client has missed more than is kept here.
    pub past: bool,
}

impl Fetch {
    /// Wait for this.
    #[must_use]
    pub fn new(topic: impl Into<CompactString>, reach: Option<Position>, past: bool) -> Self {
        Self { topic: topic.into(), reach, past }
    }
}
