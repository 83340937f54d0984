//! What a stream is called at the server.

/// Streams are prefix and `{type}`; what belongs to one begins as it does.
#[derive(Debug)]
pub(in crate::redis) struct Keys {
    prefix: String,
}

impl Keys {
    pub(in crate::redis) fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }

    /// The parts of the name of a type's stream.
    pub(in crate::redis) fn stream<'a>(&'a self, topic: &'a str) -> [&'a [u8]; 4] {
        [self.prefix.as_bytes(), b"{", topic.as_bytes(), b"}"]
    }

    /// The parts of the name of what says on which run of the server its epoch began.
    pub(super) fn run<'a>(&'a self, topic: &'a str) -> [&'a [u8]; 4] {
        [self.prefix.as_bytes(), b"{", topic.as_bytes(), b"}:run"]
    }

    /// The parts of the name of what remembers where it ended when.
    pub(super) fn ends<'a>(&'a self, topic: &'a str) -> [&'a [u8]; 4] {
        [self.prefix.as_bytes(), b"{", topic.as_bytes(), b"}:ends"]
    }

    /// The parts of the names of what remembers event ids: which entries they are, and in what order they came.
    pub(super) fn ids<'a>(&'a self, topic: &'a str) -> [&'a [u8]; 4] {
        [self.prefix.as_bytes(), b"{", topic.as_bytes(), b"}:ids"]
    }

    pub(super) fn order<'a>(&'a self, topic: &'a str) -> [&'a [u8]; 4] {
        [self.prefix.as_bytes(), b"{", topic.as_bytes(), b"}:order"]
    }

    /// The type whose stream has this name.
    pub(super) fn topic<'a>(&self, key: &'a [u8]) -> Option<&'a str> {
        let rest = key.strip_prefix(self.prefix.as_bytes())?.strip_prefix(b"{")?.strip_suffix(b"}")?;
        std::str::from_utf8(rest).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_prefix_and_type_in_braces() {
        let keys = Keys::new("shop:");
        assert_eq!(keys.stream("session.status").concat(), b"shop:{session.status}");
        assert_eq!(keys.run("session.status").concat(), b"shop:{session.status}:run");
        assert_eq!(keys.topic(b"shop:{session.status}"), Some("session.status"));
        assert_eq!(keys.topic(b"shop:{session.status}:run"), None);
        assert_eq!(keys.topic(b"{session.status}"), None);
    }
}
