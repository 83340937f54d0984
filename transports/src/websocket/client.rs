//! The spoke over a socket: [`SpokeProtocol`](super::SpokeProtocol) with a connection, a task and a clock.

mod answers;
mod builder;
mod link;
mod lost;
mod requests;
mod shared;
mod task;
mod token;

use std::fmt;
use std::sync::Arc;

use tokio::runtime::Handle;

pub use self::builder::SpokeBuilder;
use self::link::SpokeLink;
use self::shared::Shared;
use self::task::SpokeTask;
use crate::codec::{Codec, Json};
use crate::transport::{Connection, sealed};
use crate::{
    Carries, ConnectError, Delivery, Encoded, Guarantees, Inlet, Link, Ordering, OwnEvents, Transport,
};

/// A connection to a hub, as the transport of a bus: one socket for all that the bus follows and publishes.
///
/// When the connection is lost it is made anew after a while, and all that is followed goes on where it was: what was
/// missed comes, once and in order, or a [gap](crate::Gap) says why it cannot. What was published and not acknowledged
/// is sent again, where the hub can be trusted to know it by its event id.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use pubsub_transports::websocket::{Hub, Spoke};
///
/// let hub = Hub::bind("127.0.0.1:0").await?;
/// let spoke = Spoke::connect(format!("ws://{}", hub.local_addr().expect("it listens"))).await?;
/// // `PubSub::new(spoke)` makes a bus of it.
/// # drop(spoke);
/// # hub.close().await;
/// # Ok(()) }
/// ```
pub struct Spoke<C = Json> {
    codec: Arc<C>,
    shared: Arc<Shared>,
    task: SpokeTask,
    runtime: Handle,
}

impl Spoke {
    /// What a bus promises over a hub.
    pub const GUARANTEES: Guarantees = Guarantees {
        ordering: Ordering::PerTopic,
        delivery: Delivery::ExactlyOnce,
        own_events: OwnEvents::Echoed,
        carries: Carries::Bytes,
        backpressure: false,
        history: false,
        acknowledgement: true,
    };

    /// Connects with the defaults to `ws://host[:port][/path]`, and says who it is. This is one try; once it succeeded, the
    /// connection is kept.
    ///
    /// # Errors
    /// If the URL is none, nobody is there, or who is there refuses us or is no hub.
    ///
    /// # Cancel safety
    /// Dropping the future closes what it has opened.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn connect(url: impl AsRef<str>) -> Result<Self, ConnectError> {
        Self::builder().connect(url).await
    }

    /// Settings, to connect with.
    pub fn builder() -> SpokeBuilder {
        SpokeBuilder::default()
    }
}

impl<C: Codec> Transport for Spoke<C> {
    type Body = Encoded<C>;
}

impl<C: Codec> sealed::Connect for Spoke<C> {
    fn connect(self) -> Connection<<Self as Transport>::Body> {
        let Self { codec, shared, task, runtime } = self;
        let attach = Box::new(move |inlet: Arc<dyn Inlet>| {
            runtime.spawn(task.run(inlet));
            Arc::new(SpokeLink { shared }) as Arc<dyn Link>
        });
        Connection::Link { name: "spoke", body: Encoded::new(codec), guarantees: Spoke::GUARANTEES, attach }
    }
}

/// Names the hub, never a token.
impl<C> fmt::Debug for Spoke<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spoke").field("hub", self.task.url()).finish_non_exhaustive()
    }
}
