//! Hubs and spokes with the times of a network on one machine.

use std::net::SocketAddr;
use std::time::Duration;

use pubsub::codec::Codec;
use pubsub::websocket::wire::Token;
use pubsub::websocket::{HubBuilder, HubConfig, Identity, SpokeConfig};
use pubsub::{ConnectionState, ErrorCode, EventMap, Hub, PubSub, Rejection, Spoke};

use crate::waiting::in_time;

/// What has to be answered may take its time: a machine that is busy is no fault.
const PATIENCE: Duration = Duration::from_secs(5);
/// Who does not answer is soon given up, for those who wait for that.
const HASTE: Duration = Duration::from_millis(300);

/// A hub that asks often whether its clients are there.
#[must_use]
pub fn quick_hub() -> HubConfig {
    HubConfig {
        handshake_timeout: PATIENCE,
        ping_every: Duration::from_millis(100),
        pong_timeout: PATIENCE,
        stall_timeout: PATIENCE,
        ..HubConfig::default()
    }
}

/// A hub that soon gives up a client, which may happen without a reason too.
#[must_use]
pub fn hasty_hub() -> HubConfig {
    HubConfig { handshake_timeout: HASTE, pong_timeout: HASTE, stall_timeout: HASTE, ..quick_hub() }
}

/// A spoke that is soon back.
#[must_use]
pub fn quick_spoke() -> SpokeConfig {
    SpokeConfig {
        connect_timeout: PATIENCE,
        stable_after: Duration::from_millis(50),
        backoff_min: Duration::from_millis(2),
        backoff_max: Duration::from_millis(20),
        ping_every: Duration::from_millis(100),
        pong_timeout: PATIENCE,
        ..SpokeConfig::default()
    }
}

/// A spoke that soon gives up a hub, which may happen without a reason too.
#[must_use]
pub fn hasty_spoke() -> SpokeConfig {
    SpokeConfig { pong_timeout: HASTE, ..quick_spoke() }
}

/// A hub that waits for nobody when it closes.
pub fn builder(config: HubConfig) -> HubBuilder {
    soon_closed(Hub::builder().config(config))
}

fn soon_closed<C: Codec>(builder: HubBuilder<C>) -> HubBuilder<C> {
    builder.close_timeout(Duration::from_millis(500)).shutdown_window(Duration::from_millis(20))
}

/// A hub with the defaults.
pub async fn hub() -> Hub {
    hub_with(HubConfig::default()).await
}

/// A hub with these bounds and times.
pub async fn hub_with(config: HubConfig) -> Hub {
    bound(Hub::builder().config(config)).await
}

/// A hub of these settings on a free port, which waits for nobody when it closes.
pub async fn bound<C: Codec>(builder: HubBuilder<C>) -> Hub<C> {
    soon_closed(builder).bind("127.0.0.1:0").await.expect("a free port")
}

/// Where it listens.
#[must_use]
pub fn address<C: Codec>(hub: &Hub<C>) -> SocketAddr {
    hub.local_addr().expect("it listens")
}

/// The URL of that.
#[must_use]
pub fn url<C: Codec>(hub: &Hub<C>) -> String {
    format!("ws://{}", address(hub))
}

/// The transport of a bus that is connected.
pub async fn spoke_with(address: SocketAddr, config: SpokeConfig) -> Spoke {
    let builder = Spoke::builder().config(config).close_timeout(PATIENCE);
    builder.connect(format!("ws://{address}")).await.expect("a connection")
}

/// The first state of which this holds.
pub async fn state<M: EventMap>(bus: &PubSub<M>, is: impl Fn(&ConnectionState) -> bool) -> ConnectionState {
    let mut states = bus.connection();
    in_time("state", async {
        while let Some(state) = states.next().await {
            if is(&state) {
                return state;
            }
        }
        panic!("the connection has ended")
    })
    .await
}

/// Waits until the connection is lost.
pub async fn lost<M: EventMap>(bus: &PubSub<M>) {
    state(bus, |state| matches!(state, ConnectionState::Reconnecting { .. })).await;
}

/// Waits until there is one.
pub async fn connected<M: EventMap>(bus: &PubSub<M>) {
    state(bus, ConnectionState::is_connected).await;
}

/// `token-of-ada` is Ada's, and `brief-token-of-ada` for two seconds.
///
/// # Errors
/// If it is neither.
pub async fn verify(token: Token) -> Result<Identity, Rejection> {
    let unknown = || Rejection::new(ErrorCode::Unauthenticated, "no token of ours");
    let (brief, token) = match token.0.strip_prefix("brief-") {
        Some(token) => (true, token),
        None => (false, &*token.0),
    };
    let name = token.strip_prefix("token-of-").ok_or_else(unknown)?;
    let identity = Identity::new(name).map_err(|_| unknown())?;
    Ok(if brief { identity.valid_for(Duration::from_secs(2)) } else { identity })
}

/// A hub that [asks](verify) who comes.
pub fn guarded(config: HubConfig) -> HubBuilder {
    builder(config).authenticate(verify)
}
