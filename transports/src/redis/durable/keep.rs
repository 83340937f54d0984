//! Adding events to streams: the command, and what has to be seen to before and between.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use compact_str::CompactString;
use tokio::time::Instant;

use super::keys::Keys;
use super::retention::Retention;
use super::{entry, epoch, session};
use crate::redis::resp::{self, EntryId};
use crate::redis::wire::Wire;
use crate::{ConnectError, EventId, Memory};

/// Writes the commands that add events.
#[derive(Debug)]
pub(in crate::redis) struct Adding {
    pub(in crate::redis) keys: Arc<Keys>,
    pub(in crate::redis) retention: Retention,
}

impl Adding {
    pub(in crate::redis) fn write(&self, command: &mut Vec<u8>, topic: &str, id: &str, message: &[u8]) {
        resp::header(command, b'*', if self.retention.events.is_some() { 11 } else { 8 });
        resp::bulk(command, &[b"XADD"]);
        resp::bulk(command, &self.keys.stream(topic));
        resp::bulk(command, &[b"NOMKSTREAM"]);
        if let Some(events) = self.retention.events {
            resp::bulk(command, &[b"MAXLEN"]);
            resp::bulk(command, &[b"~"]);
            resp::number(command, events);
        }
        resp::bulk(command, &[b"*"]);
        resp::bulk(command, &[entry::ID]);
        resp::bulk(command, &[id.as_bytes()]);
        resp::bulk(command, &[entry::EVENT]);
        resp::bulk(command, &[message]);
    }

    /// The same, of an event that is added once however often it is sent.
    pub(in crate::redis) fn write_once(
        &self,
        command: &mut Vec<u8>,
        (topic, id, event_id): (&str, &str, EventId),
        message: &[u8],
        memory: Memory,
    ) {
        let keep = self.retention.events.map(|events| events.to_string()).unwrap_or_default();
        let millis = u64::try_from(memory.ids_for.as_millis()).unwrap_or(u64::MAX).max(1);
        resp::header(command, b'*', 12);
        resp::bulk(command, &[b"EVAL"]);
        resp::bulk(command, &[ADD_ONCE]);
        resp::number(command, 3);
        resp::bulk(command, &self.keys.stream(topic));
        resp::bulk(command, &self.keys.ids(topic));
        resp::bulk(command, &self.keys.order(topic));
        // Event ids can be guessed where they are derived: that of another address is another event.
        resp::bulk(command, &[event_id.to_string().as_bytes(), b":", id.as_bytes()]);
        resp::bulk(command, &[id.as_bytes()]);
        resp::bulk(command, &[message]);
        resp::number(command, memory.ids.max(1) as u64);
        resp::number(command, millis);
        resp::bulk(command, &[keep.as_bytes()]);
    }
}

/// Adds an event, unless one with this event id was added before: then gives the name of that. A reply of nothing is that
/// there is no stream.
///
/// The ids are a hash, and a list in the order in which they came. Both are gone when the type was quiet for long enough.
const ADD_ONCE: &[u8] = b"\
local known = redis.call('HGET', KEYS[2], ARGV[1])
if known then return known end
local add = {'XADD', KEYS[1], 'NOMKSTREAM'}
if ARGV[6] ~= '' then add[4], add[5], add[6] = 'MAXLEN', '~', ARGV[6] end
for _, word in ipairs({'*', 'id', ARGV[2], 'event', ARGV[3]}) do add[#add + 1] = word end
local entry = redis.call(unpack(add))
if not entry then return false end
redis.call('HSET', KEYS[2], ARGV[1], entry)
if redis.call('RPUSH', KEYS[3], ARGV[1]) > tonumber(ARGV[4]) then
    redis.call('HDEL', KEYS[2], redis.call('LPOP', KEYS[3]))
end
redis.call('PEXPIRE', KEYS[2], ARGV[5])
redis.call('PEXPIRE', KEYS[3], ARGV[5])
return entry";

/// Notes where a stream ends now, and trims what came before where it ended so long ago: at the server, so that it does not matter
/// how long those live who publish.
///
/// The ends are a list of `<milliseconds> <entry>`, each so much later than the one before.
const TRIM_OLD: &[u8] = b"\
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local last = redis.call('LINDEX', KEYS[2], -1)
if not last or tonumber(string.match(last, '^%d+')) + ARGV[3] <= now then
    redis.call('RPUSH', KEYS[2], string.format('%.0f %s', now, ARGV[1]))
end
local old
while true do
    local first = redis.call('LINDEX', KEYS[2], 0)
    local at, entry = string.match(first or '', '^(%d+) (.+)$')
    if not at or at + ARGV[2] > now then break end
    old = entry
    redis.call('LPOP', KEYS[2])
end
if old then redis.call('XTRIM', KEYS[1], 'MINID', '~', old) end";

/// The streams that one who publishes has seen to, on one connection.
pub(in crate::redis) struct Kept {
    keys: Arc<Keys>,
    ready: HashSet<CompactString>,
    age: Option<Duration>,
    next_trim: Instant,
}

/// How many times within the age it is looked how far a stream is.
const LOOKS: u32 = 16;
/// Ages that a number of Lua counts exactly: some thousands of years.
const MAX_MILLIS: u64 = 1 << 47;

impl Kept {
    pub(in crate::redis) fn new(keys: Arc<Keys>, retention: Retention) -> Self {
        let age = retention.age;
        Self { keys, ready: HashSet::new(), age, next_trim: Instant::now() }
    }

    /// How many streams are ready.
    pub(in crate::redis) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// Nothing is known of the streams any more.
    pub(in crate::redis) fn forget(&mut self) {
        self.ready.clear();
    }

    fn interval(&self) -> Option<Duration> {
        self.age.map(|age| (age / LOOKS).max(Duration::from_millis(1)))
    }

    /// Whether it is time to trim. Who waits is woken when it is.
    pub(in crate::redis) fn is_due(&self, wire: &mut Wire) -> bool {
        if self.age.is_none() || self.ready.is_empty() {
            return false;
        }
        wire.wake_before(self.next_trim);
        Instant::now() >= self.next_trim
    }

    /// Sees to it that all streams are there, and belong to this run of the server; and trims those with something too
    /// old. One that we are not allowed to see to is left alone: what is added to it says so.
    pub(in crate::redis) async fn tend(
        &mut self,
        wire: &mut Wire,
        topics: Vec<CompactString>,
    ) -> Result<(), ConnectError> {
        let run = session::run_id(wire).await?;
        let now = Instant::now();
        let trims = self.interval().filter(|_| now >= self.next_trim);
        if let Some(interval) = trims {
            self.next_trim = now + interval;
        }
        let due: Vec<_> =
            topics.into_iter().filter(|topic| trims.is_some() || !self.ready.contains(topic)).collect();
        let tops = epoch::stand(wire, &self.keys, &run, &due, |_, _| true).await?;
        for (topic, top) in due.into_iter().zip(tops) {
            if let (Ok(top), Some(age)) = (top, self.age) {
                self.trim(wire, &topic, top.id, age).await?;
            }
            self.ready.insert(topic);
        }
        Ok(())
    }

    async fn trim(
        &self,
        wire: &mut Wire,
        topic: &CompactString,
        end: EntryId,
        age: Duration,
    ) -> Result<(), ConnectError> {
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX).min(MAX_MILLIS);
        let out = &mut wire.out;
        resp::header(out, b'*', 8);
        resp::bulk(out, &[b"EVAL"]);
        resp::bulk(out, &[TRIM_OLD]);
        resp::number(out, 2);
        resp::bulk(out, &self.keys.stream(topic));
        resp::bulk(out, &self.keys.ends(topic));
        resp::bulk(out, &[end.to_string().as_bytes()]);
        resp::number(out, millis(age));
        resp::number(out, millis(age / LOOKS / 2));
        // Whatever it answers: what is not trimmed now is trimmed later, or may not be.
        wire.call(1).await.map(drop)
    }
}
