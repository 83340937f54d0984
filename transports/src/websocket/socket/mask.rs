//! Masking, which keeps a client's bytes from looking like a request to what stands between: RFC 6455, section 5.3.

/// Masks or unmasks `bytes`, which begin at the place `from` of a payload.
pub(super) fn apply(key: [u8; 4], from: usize, bytes: &mut [u8]) {
    let mut key = key;
    key.rotate_left(from % 4);
    let four = u32::from_ne_bytes(key);
    let eight = u64::from(four) << 32 | u64::from(four);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ eight).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_masked_as_the_whole_is() {
        let key = [0x12, 0x34, 0x56, 0x78];
        let plain: Vec<u8> = (0..100).collect();
        let whole: Vec<u8> = plain.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
        for split in 0..=plain.len() {
            let mut parts = plain.clone();
            let (first, second) = parts.split_at_mut(split);
            apply(key, 0, first);
            apply(key, split, second);
            assert_eq!(parts, whole, "split at {split}");
        }
    }
}
