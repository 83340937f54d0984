//! The task that tells the protocol what time it is.

use std::sync::Arc;

use tokio::time::sleep_until;

use super::shared::{Shared, Task};

pub(super) async fn run(shared: Arc<Shared>, _task: Task) {
    loop {
        let next = {
            let mut core = shared.lock();
            if core.stopped {
                return;
            }
            core.armed = core.protocol.next_timer();
            core.armed
        };
        let due = async {
            match next {
                Some(at) => sleep_until(shared.instant(at)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = due => shared.act(|core, now| core.protocol.tick(now)),
            () = shared.timer.notified() => {}
        }
    }
}
