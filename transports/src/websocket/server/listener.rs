//! The task that takes what comes to the hub's own address.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use super::admission;
use super::shared::{Shared, Task};

/// How many clients may be in their opening handshake. More wait in the system's queue.
const HANDSHAKES: usize = 1024;
/// How long to wait when the system has no room for another connection.
const NO_ROOM: Duration = Duration::from_millis(100);

pub(super) async fn run(shared: Arc<Shared>, listener: TcpListener, _task: Task) {
    let mut deaf = shared.deaf.subscribe();
    tokio::select! {
        () = accept(&shared, &listener) => {}
        _ = deaf.wait_for(|deaf| *deaf) => {}
    }
}

async fn accept(shared: &Arc<Shared>, listener: &TcpListener) {
    let handshakes = Arc::new(Semaphore::new(HANDSHAKES));
    loop {
        let Ok(permit) = Arc::clone(&handshakes).acquire_owned().await else { return };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            // One that is gone already, or no room: neither is an end.
            Err(error) => {
                if error.kind() != std::io::ErrorKind::ConnectionAborted {
                    sleep(NO_ROOM).await;
                }
                continue;
            }
        };
        // What is written is a batch already.
        let _ = stream.set_nodelay(true);
        let (shared, task) = (Arc::clone(shared), shared.task());
        tokio::spawn(async move {
            let mut deaf = shared.deaf.subscribe();
            tokio::select! {
                // Who is not let in was told so.
                () = admit(&shared, stream) => {}
                _ = deaf.wait_for(|deaf| *deaf) => {}
            }
            drop((permit, task));
        });
    }
}

#[cfg(not(feature = "websocket-tls"))]
async fn admit(shared: &Arc<Shared>, stream: TcpStream) {
    let _ = admission::admit(shared, stream).await;
}

/// As much time for the handshake of TLS as for that of the WebSocket.
#[cfg(feature = "websocket-tls")]
async fn admit(shared: &Arc<Shared>, stream: TcpStream) {
    let Some(tls) = &shared.door.tls else {
        let _ = admission::admit(shared, stream).await;
        return;
    };
    if let Ok(Ok(stream)) = tokio::time::timeout(shared.handshake.timeout, tls.accept(stream)).await {
        let _ = admission::admit(shared, stream).await;
    }
}
