//! What a close frame says: RFC 6455, sections 5.5.1 and 7.4.

use bytes::Bytes;

use super::frame::MAX_CONTROL;
use super::violation::Violation;

/// Why a connection ends.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Close {
    /// The code; 1005 where the frame had none.
    pub(crate) code: u16,
    /// A text for people.
    pub(crate) reason: String,
}

impl Close {
    pub(crate) fn new(code: u16, reason: impl Into<String>) -> Self {
        Self { code, reason: reason.into() }
    }

    pub(super) fn read(payload: &[u8]) -> Result<Self, Violation> {
        match payload {
            [] => Ok(Self::new(NO_CODE, "")),
            [high, low, reason @ ..] => {
                let code = u16::from_be_bytes([*high, *low]);
                if !may_be_sent(code) {
                    return Err(Violation::CloseCode);
                }
                let reason = std::str::from_utf8(reason).map_err(|_| Violation::Utf8)?;
                Ok(Self::new(code, reason))
            }
            [_] => Err(Violation::CloseCode),
        }
    }

    /// The payload of its frame. What of the reason does not fit is cut.
    pub(super) fn payload(&self) -> Bytes {
        if !may_be_sent(self.code) {
            return Bytes::new();
        }
        let mut end = self.reason.len().min(MAX_CONTROL - 2);
        while !self.reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = &self.reason[..end];
        let mut payload = Vec::with_capacity(2 + reason.len());
        payload.extend_from_slice(&self.code.to_be_bytes());
        payload.extend_from_slice(reason.as_bytes());
        payload.into()
    }
}

/// Prints the code. The reason is the other side's text.
impl std::fmt::Debug for Close {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Close({})", self.code)
    }
}

/// What stands for a close frame without a code.
pub(crate) const NO_CODE: u16 = 1005;

fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_frame_is_read_as_it_was_written() {
        for close in [Close::new(4002, "slow consumer"), Close::new(1000, ""), Close::new(NO_CODE, "")] {
            assert_eq!(Close::read(&close.payload()), Ok(close));
        }
    }

    #[test]
    fn a_long_reason_is_cut_between_characters() {
        let payload = Close::new(1000, "ä".repeat(100)).payload();
        assert!(payload.len() <= MAX_CONTROL);
        assert_eq!(Close::read(&payload), Ok(Close::new(1000, "ä".repeat(61))));
    }

    #[test]
    fn codes_that_are_never_sent_are_refused() {
        for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000] {
            assert_eq!(Close::read(&code.to_be_bytes()), Err(Violation::CloseCode), "{code}");
        }
        assert_eq!(Close::read(&[3]), Err(Violation::CloseCode));
        assert_eq!(Close::read(&[3, 0xE8, 0xFF]), Err(Violation::Utf8));
    }
}
