//! A TCP proxy that does what networks do: it cuts, stalls, slices and refuses.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// What the network is like.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weather {
    /// Nothing goes through, and nothing breaks.
    pub stalled: bool,
    /// Connections are accepted and closed at once.
    pub refuses: bool,
    /// At most so many bytes are written at a time.
    pub slice: usize,
    /// Where new connections go.
    pub target: SocketAddr,
    /// All connections of an earlier number are cut.
    cut: u64,
}

/// A listener before another, until it is dropped: then its connections break.
pub struct Proxy {
    /// Where it listens.
    pub address: SocketAddr,
    weather: watch::Sender<Weather>,
}

impl Proxy {
    /// Before this address, in fair weather.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let fair = Weather { stalled: false, refuses: false, slice: usize::MAX, target, cut: 0 };
        let weather = watch::Sender::new(fair);
        let forecast = weather.subscribe();
        tokio::spawn(async move {
            let mut forecast = forecast;
            loop {
                let stream = tokio::select! {
                    accepted = listener.accept() => accepted.expect("it listens").0,
                    // Nobody makes the weather any more.
                    gone = gone(&mut forecast) => return gone,
                };
                let Weather { refuses, target, .. } = *forecast.borrow();
                if refuses {
                    continue;
                }
                let Ok(upstream) = TcpStream::connect(target).await else { continue };
                let (from, to) = stream.into_split();
                let (up_from, up_to) = upstream.into_split();
                tokio::spawn(carry(from, up_to, forecast.clone()));
                tokio::spawn(carry(up_from, to, forecast.clone()));
            }
        });
        Self { address, weather }
    }

    /// Breaks all connections.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cut += 1);
    }

    /// Another weather, at once.
    pub fn change(&self, change: impl FnOnce(&mut Weather)) {
        self.weather.send_modify(change);
    }
}

async fn gone(forecast: &mut watch::Receiver<Weather>) {
    while forecast.changed().await.is_ok() {}
}

async fn carry(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut forecast: watch::Receiver<Weather>) {
    let begun = forecast.borrow_and_update().cut;
    let mut broken = forecast.clone();
    let carry = async {
        let mut room = vec![0; 16 * 1024];
        while let Ok(len @ 1..) = from.read(&mut room).await {
            let slice = forecast.borrow().slice.min(len);
            for part in room[..len].chunks(slice) {
                if forecast.wait_for(|weather| !weather.stalled).await.is_err()
                    || to.write_all(part).await.is_err()
                {
                    return;
                }
            }
        }
    };
    tokio::select! {
        () = carry => {}
        _ = broken.wait_for(|weather| weather.cut > begun) => {}
    }
}
