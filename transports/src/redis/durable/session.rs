//! The two connections of one who reads: one waits for entries, the other asks for everything else meanwhile.

use std::sync::Arc;

use super::epoch::unexpected;
use crate::redis::refusal;
use crate::redis::resp::{self, Value};
use crate::redis::wire::{Dialer, Wire};
use crate::{ConnectError, ErrorCode, Rejection};

pub(in crate::redis) struct Session {
    pub(super) wire: Wire,
    pub(super) asker: Wire,
    /// What the server calls the connection that waits.
    client: String,
    /// The run of the server.
    pub(super) run: Arc<str>,
    /// Whether we may wake the connection that waits; otherwise it waits only briefly.
    pub(super) may_unblock: bool,
}

impl Session {
    /// # Errors
    /// As the dialer's, and if the server does not say which run it is.
    pub(in crate::redis) async fn open(dialer: &Dialer) -> Result<Self, ConnectError> {
        let mut wire = dialer.open().await?;
        let mut asker = dialer.open().await?;
        resp::command(&mut wire.out, &[b"CLIENT", b"ID"]);
        let client = match &wire.call(1).await?[..] {
            [Value::Integer(id)] => Some(id.to_string()),
            _ => None,
        };
        let info = info(&mut asker).await?;
        if !dialer.is_cluster() && info.lines().any(|line| line == "redis_mode:cluster") {
            let message = "this server is one of a cluster: connect with `connect_cluster`";
            return Err(ConnectError::Refused(Rejection::new(ErrorCode::BadRequest, message)));
        }
        let run = run_in(&info)?;
        let may_unblock = client.is_some();
        Ok(Self { wire, asker, client: client.unwrap_or_default(), run, may_unblock })
    }

    /// Asks on both connections whether the server is there.
    pub(super) async fn ping(&mut self) -> Result<(), ConnectError> {
        for wire in [&mut self.wire, &mut self.asker] {
            resp::command(&mut wire.out, &[b"PING"]);
            wire.call(1).await?;
        }
        Ok(())
    }

    /// Ends a read that waits. Whether there was one.
    pub(super) async fn unblock(&mut self) -> Result<bool, ConnectError> {
        if !self.may_unblock {
            return Ok(false);
        }
        resp::command(&mut self.asker.out, &[b"CLIENT", b"UNBLOCK", self.client.as_bytes()]);
        match &self.asker.call(1).await?[..] {
            [Value::Integer(count)] => Ok(*count > 0),
            _ => {
                self.may_unblock = false;
                Ok(false)
            }
        }
    }
}

/// Which run of the server this is.
///
/// # Errors
/// If it does not say.
pub(in crate::redis) async fn run_id(wire: &mut Wire) -> Result<Arc<str>, ConnectError> {
    run_in(&info(wire).await?)
}

/// By the server's run; and of one that was a replica of somebody else meanwhile, by what it calls the data that it has: that is
/// another each time. Of others it changes for less, as with the first replica that comes.
fn run_in(info: &str) -> Result<Arc<str>, ConnectError> {
    let said = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let run = said("run_id").ok_or_else(unexpected)?;
    let was_replica = said("master_replid2").is_some_and(|before| before.bytes().any(|byte| byte != b'0'));
    let data = said("master_replid").filter(|_| was_replica);
    Ok(data.map_or_else(|| Arc::from(run), |data| format!("{run}/{data}").into()))
}

async fn info(wire: &mut Wire) -> Result<String, ConnectError> {
    for section in [&b"server"[..], b"replication"] {
        resp::command(&mut wire.out, &[b"INFO", section]);
    }
    let mut info = String::new();
    for answer in wire.call(2).await? {
        match answer {
            Value::Error(error) => return Err(ConnectError::Refused(refusal::rejection(&error))),
            answer => info.push_str(answer.text().unwrap_or_default()),
        }
    }
    Ok(info)
}
