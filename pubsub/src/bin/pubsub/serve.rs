//! A router served to anybody: who takes too long to ask is let go, and only so many may be about to.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{Response, header};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{sleep, timeout};

/// How many may have neither become a WebSocket nor an event stream, as at a hub's own address. More wait in the system's queue.
const HANDSHAKES: usize = 1024;
/// What the head of a request may have in bytes.
const HEAD: usize = 16 * 1024;
/// How long to wait when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);
/// How long a request may go on that is no connection of the hub, when the hub has closed.
const GRACE: Duration = Duration::from_secs(1);

/// Until `closing` is over, and then for those who are in the middle of a request.
///
/// A connection has one request and this much time from its first byte to the last of the answer, except where it becomes a
/// WebSocket or an event stream, which are the hub's to watch.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    limit: Duration,
    closing: impl Future<Output = ()>,
) {
    let (close, closed) = watch::channel(false);
    tokio::select! {
        () = accept(&listener, &app, limit, &closed) => {}
        () = closing => {}
    }
    drop((listener, closed));
    close.send_replace(true);
    // Who has sent half of a request holds up nobody.
    let _ = timeout(GRACE, close.closed()).await;
}

async fn accept(listener: &TcpListener, app: &Router, limit: Duration, closed: &watch::Receiver<bool>) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else { return };
        match listener.accept().await {
            Ok((stream, _)) => {
                // What is written is a batch already.
                let _ = stream.set_nodelay(true);
                tokio::spawn(connection(stream, app.clone(), limit, permit, closed.clone()));
            }
            // One that is gone already, or no room: neither is an end.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => sleep(NO_ROOM).await,
        }
    }
}

async fn connection(
    stream: TcpStream,
    app: Router,
    limit: Duration,
    permit: OwnedSemaphorePermit,
    mut closed: watch::Receiver<bool>,
) {
    let app = TowerToHyperService::new(app);
    let streams = Notify::new();
    let service = service_fn(async |request| {
        let response = app.call(request).await?;
        if is_event_stream(&response) {
            streams.notify_one();
        }
        Ok::<_, Infallible>(response)
    });
    let mut builder = http1::Builder::new();
    builder.keep_alive(false).max_buf_size(HEAD);
    // It is over where the connection is a WebSocket.
    let mut serving = pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
    tokio::select! {
        _ = serving.as_mut() => return,
        // One timer for all of it, which no byte starts again.
        () = sleep(limit) => return,
        () = streams.notified() => drop(permit),
        _ = closed.changed() => {}
    }
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = closed.wait_for(|closed| *closed) => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

fn is_event_stream<B>(response: &Response<B>) -> bool {
    response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == "text/event-stream")
}
