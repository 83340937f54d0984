//! Beginning an epoch, where a stream has none that belongs to this run of the server.

use compact_str::CompactString;

use super::keys::Keys;
use crate::redis::refusal;
use crate::redis::resp::{self, EntryId, Value};
use crate::redis::wire::{Wire, protocol};
use crate::{ConnectError, ErrorCode, Rejection};

/// How a stream stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in crate::redis) struct Top {
    /// Its last entry; 0-0 if it has none.
    pub(in crate::redis) id: EntryId,
    /// What somebody knows who is about to read all that is kept; `None` if that has no name.
    pub(in crate::redis) before_first: Option<EntryId>,
    /// Whether its epoch began on this run of the server. Not so, if we may not write and nobody else did.
    pub(in crate::redis) is_certain: bool,
}

/// How many streams are asked about at a time.
const AT_ONCE: usize = 256;
/// How often others may be faster.
const TRIES: usize = 32;
/// The least number of an epoch: microseconds in 2001, and milliseconds in a far future. A stream with a lesser one was made by
/// somebody else, who did not name its entries so that they count up.
const FIRST: u64 = 1_000_000_000_000_000;

/// Looks at the streams of some types, and begins an epoch in each that has none, or one of another run; and in one that is none
/// of ours, as soon as what is there `is_read`.
///
/// # Errors
/// Those of the connection. Inside: that the server does not let us look.
pub(in crate::redis) async fn stand(
    wire: &mut Wire,
    keys: &Keys,
    run: &str,
    topics: &[CompactString],
    is_read: impl Fn(&CompactString, EntryId) -> bool,
) -> Result<Vec<Result<Top, Rejection>>, ConnectError> {
    let mut tops = Vec::with_capacity(topics.len());
    for some in topics.chunks(AT_ONCE) {
        some.iter().for_each(|topic| ask(wire, keys, topic));
        let answers = wire.call(2 * some.len()).await?;
        for (topic, answer) in some.iter().zip(answers.chunks_exact(2)) {
            let [own, info] = answer else { return Err(unexpected()) };
            tops.push(match end(info)? {
                Err(rejection) => Err(rejection),
                // Most of the time there is nothing to do.
                Ok(Some(top)) if own.text() == Some(run) && (is_ours(top) || !is_read(topic, top.id)) => {
                    Ok(Top { is_certain: true, ..top })
                }
                Ok(_) => begin(wire, keys, run, topic).await?,
            });
        }
    }
    Ok(tops)
}

async fn begin(
    wire: &mut Wire,
    keys: &Keys,
    run: &str,
    topic: &str,
) -> Result<Result<Top, Rejection>, ConnectError> {
    for _ in 0..TRIES {
        let out = &mut wire.out;
        resp::header(out, b'*', 3);
        resp::bulk(out, &[b"WATCH"]);
        resp::bulk(out, &keys.run(topic));
        resp::bulk(out, &keys.stream(topic));
        ask(wire, keys, topic);
        resp::command(&mut wire.out, &[b"TIME"]);
        let answers = wire.call(4).await?;
        let [watched, own, info, time] = &answers[..] else { return Err(unexpected()) };
        let top = match end(info)? {
            Ok(top) => top,
            Err(rejection) => {
                unwatch(wire).await?;
                return Ok(Err(rejection));
            }
        };
        let as_it_is = top.unwrap_or_default();
        let may_look = !matches!(own, Value::Error(_)) && matches!(watched, Value::Status(_));
        if top.is_some_and(is_ours) && own.text() == Some(run) {
            unwatch(wire).await?;
            return Ok(Ok(Top { is_certain: true, ..as_it_is }));
        }
        let Some(now) = micros(time).filter(|_| may_look) else {
            unwatch(wire).await?;
            return Ok(Ok(as_it_is));
        };
        // Later than every epoch before it, whatever clocks do.
        let Some(next) = as_it_is.id.epoch.checked_add(1) else {
            unwatch(wire).await?;
            let message = "a stream with an id after which none can come";
            return Ok(Err(Rejection::new(ErrorCode::BadRequest, message)));
        };
        let id = EntryId { epoch: now.max(next).max(FIRST), offset: 0 };
        match mark(wire, keys, run, topic, id, top.map(|top| top.id)).await? {
            Marked::Done => {
                let before_first = as_it_is.before_first.filter(|before| *before != as_it_is.id).or(Some(id));
                return Ok(Ok(Top { id, before_first, is_certain: true }));
            }
            Marked::Denied => return Ok(Ok(as_it_is)),
            Marked::Overtaken => {}
        }
    }
    Err(protocol("a stream whose epoch others begin again and again"))
}

fn ask(wire: &mut Wire, keys: &Keys, topic: &str) {
    let out = &mut wire.out;
    resp::header(out, b'*', 2);
    resp::bulk(out, &[b"GET"]);
    resp::bulk(out, &keys.run(topic));
    resp::header(out, b'*', 3);
    resp::bulk(out, &[b"XINFO"]);
    resp::bulk(out, &[b"STREAM"]);
    resp::bulk(out, &keys.stream(topic));
}

/// How a stream stands, by XINFO; `None` if there is no stream.
fn end(info: &Value) -> Result<Result<Option<Top>, Rejection>, ConnectError> {
    match info {
        Value::Error(error) if error.starts_with(b"ERR no such key") => Ok(Ok(None)),
        Value::Error(error) => {
            let rejection = refusal::rejection(error);
            if rejection.is_retryable() { Err(ConnectError::Refused(rejection)) } else { Ok(Err(rejection)) }
        }
        info => {
            let id = |value: &Value| value.bytes().and_then(EntryId::read);
            let last = info.get(b"last-generated-id").and_then(id).ok_or_else(unexpected)?;
            let before_first = match info.get(b"first-entry").and_then(Value::array) {
                Some(first) => before(first),
                None => Some(last),
            };
            Ok(Ok(Some(Top { id: last, before_first, is_certain: false })))
        }
    }
}

fn is_ours(top: Top) -> bool {
    top.id.epoch >= FIRST
}

/// What comes right before an entry. What begins an epoch counts as seen, since it is no event; before an event that is the
/// first of its epoch, as others may add one, there is nothing that has a name.
fn before(entry: &[Value]) -> Option<EntryId> {
    let [id, fields] = entry else { return None };
    let id = EntryId::read(id.bytes()?)?;
    match id.offset.checked_sub(1) {
        Some(offset) => Some(EntryId { offset, ..id }),
        None => fields.get(b"run").map(|_| id),
    }
}

enum Marked {
    Done,
    /// Somebody else was faster.
    Overtaken,
    /// We may not.
    Denied,
}

async fn mark(
    wire: &mut Wire,
    keys: &Keys,
    run: &str,
    topic: &str,
    id: EntryId,
    top: Option<EntryId>,
) -> Result<Marked, ConnectError> {
    let out = &mut wire.out;
    resp::command(out, &[b"MULTI"]);
    resp::header(out, b'*', if top.is_some() { 7 } else { 5 });
    resp::bulk(out, &[b"XADD"]);
    resp::bulk(out, &keys.stream(topic));
    resp::bulk(out, &[id.to_string().as_bytes()]);
    resp::bulk(out, &[b"run"]);
    resp::bulk(out, &[run.as_bytes()]);
    if let Some(top) = top {
        resp::bulk(out, &[b"prev"]);
        resp::bulk(out, &[top.to_string().as_bytes()]);
    }
    resp::header(out, b'*', 3);
    resp::bulk(out, &[b"SET"]);
    resp::bulk(out, &keys.run(topic));
    resp::bulk(out, &[run.as_bytes()]);
    resp::command(out, &[b"EXEC"]);
    let answers = wire.call(4).await?;
    let queued = answers.iter().take(3).find_map(|answer| match answer {
        Value::Error(error) => Some(refusal::rejection(error)),
        _ => None,
    });
    match (queued, answers.last()) {
        // A replica can be read as it is.
        (Some(rejection), _) if rejection.is_retryable() && !refusal::is_read_only(&rejection) => {
            Err(ConnectError::Refused(rejection))
        }
        (Some(_), _) => Ok(Marked::Denied),
        (None, Some(Value::Array(done))) if !done.iter().any(|it| matches!(it, Value::Error(_))) => {
            Ok(Marked::Done)
        }
        (None, Some(Value::Array(_) | Value::Nothing)) => Ok(Marked::Overtaken),
        _ => Ok(Marked::Denied),
    }
}

/// A user who may not WATCH may not do this either, and need not.
async fn unwatch(wire: &mut Wire) -> Result<(), ConnectError> {
    resp::command(&mut wire.out, &[b"UNWATCH"]);
    wire.call(1).await.map(drop)
}

/// The answer to TIME, in microseconds.
fn micros(time: &Value) -> Option<u64> {
    let [seconds, micros] = time.array()? else { return None };
    let number = |value: &Value| value.text().and_then(|text| text.parse::<u64>().ok());
    number(seconds)?.checked_mul(1_000_000)?.checked_add(number(micros)?)
}

pub(super) fn unexpected() -> ConnectError {
    protocol("an answer about a stream that Redis does not give")
}
