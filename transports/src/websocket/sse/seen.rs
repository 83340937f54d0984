//! What is made of any position, for tests from outside.

use super::positions::Positions;

/// `Last-Event-ID` as it is said again, for these topics; `None` if it is not theirs.
pub fn last_event_id(topics: &[String], said: &str) -> Option<String> {
    let mut positions = Positions::new(topics, Some("ada")).ok()?;
    positions.go_on_after(said).ok()?;
    Some(positions.to_string())
}
