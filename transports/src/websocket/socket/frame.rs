//! The first bytes of a frame: RFC 6455, section 5.2.

use super::violation::Violation;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Data(Kind),
    Close,
    Ping,
    Pong,
}

impl Opcode {
    fn read(number: u8) -> Result<Self, Violation> {
        Ok(match number {
            0x0 => Self::Continuation,
            0x1 => Self::Data(Kind::Text),
            0x2 => Self::Data(Kind::Binary),
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            other => return Err(Violation::Opcode(other)),
        })
    }

    fn number(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Data(Kind::Text) => 0x1,
            Self::Data(Kind::Binary) => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    pub(super) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The longest payload of a control frame.
pub(super) const MAX_CONTROL: usize = 125;
/// The longest head: two bytes, a length of eight, a key of four.
pub(super) const MAX_HEAD: usize = 14;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    pub(super) key: Option<[u8; 4]>,
    pub(super) len: u64,
}

impl Head {
    /// How long a head is that begins with these two bytes.
    pub(super) fn size(second: u8) -> usize {
        let length = match second & 0x7F {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        2 + length + if second & 0x80 == 0 { 0 } else { 4 }
    }

    /// Reads the head at the beginning of `bytes`, which has all of it.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Violation> {
        let (first, second) = (bytes[0], bytes[1]);
        if first & 0x70 != 0 {
            return Err(Violation::ReservedBits);
        }
        let opcode = Opcode::read(first & 0x0F)?;
        let (len, at) = match second & 0x7F {
            126 => (u64::from(u16::from_be_bytes([bytes[2], bytes[3]])), 4),
            127 => {
                let mut length = [0; 8];
                length.copy_from_slice(&bytes[2..10]);
                (u64::from_be_bytes(length), 10)
            }
            short => (u64::from(short), 2),
        };
        if len >> 63 == 1 || (at == 4 && len < 126) || (at == 10 && len <= 0xFFFF) {
            return Err(Violation::Length);
        }
        let key = (second & 0x80 != 0).then(|| [bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let head = Self { fin: first & 0x80 != 0, opcode, key, len };
        if opcode.is_control() && (!head.fin || len > MAX_CONTROL as u64) {
            return Err(Violation::Control);
        }
        Ok(head)
    }

    /// Writes itself to the beginning of `bytes`, and gives how many that are.
    pub(super) fn write(&self, bytes: &mut [u8; MAX_HEAD]) -> usize {
        bytes[0] = self.opcode.number() | if self.fin { 0x80 } else { 0 };
        let masked = if self.key.is_some() { 0x80 } else { 0 };
        let mut at = match self.len {
            short @ 0..=125 => {
                bytes[1] = masked | short as u8;
                2
            }
            medium @ 126..=0xFFFF => {
                bytes[1] = masked | 126;
                bytes[2..4].copy_from_slice(&(medium as u16).to_be_bytes());
                4
            }
            long => {
                bytes[1] = masked | 127;
                bytes[2..10].copy_from_slice(&long.to_be_bytes());
                10
            }
        };
        if let Some(key) = self.key {
            bytes[at..at + 4].copy_from_slice(&key);
            at += 4;
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for len in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, u64::MAX >> 1] {
            for key in [None, Some([1, 2, 3, 4])] {
                for opcode in [Opcode::Continuation, Opcode::Data(Kind::Text), Opcode::Data(Kind::Binary)] {
                    for fin in [false, true] {
                        let head = Head { fin, opcode, key, len };
                        let mut bytes = [0; MAX_HEAD];
                        let size = head.write(&mut bytes);
                        assert_eq!(size, Head::size(bytes[1]));
                        assert_eq!(Head::read(&bytes[..size]), Ok(head));
                    }
                }
            }
        }
    }

    #[test]
    fn each_broken_rule_has_a_name() {
        let cases: [(&[u8], Violation); 8] = [
            (&[0xC1, 0], Violation::ReservedBits),
            (&[0x83, 0], Violation::Opcode(3)),
            (&[0x8B, 0], Violation::Opcode(11)),
            (&[0x81, 126, 0, 125], Violation::Length),
            (&[0x81, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], Violation::Length),
            (&[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], Violation::Length),
            (&[0x09, 0], Violation::Control),
            (&[0x89, 126, 0, 126], Violation::Control),
        ];
        for (bytes, violation) in cases {
            assert_eq!(Head::read(bytes), Err(violation), "{bytes:x?}");
        }
    }
}
