//! Random identities.

use std::fmt;
use std::str::FromStr;

use crate::Env;

/// 128 random bits, written as a UUID of version 4: request ids, event ids, revision ids, invocation ids.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 16]);

impl Id {
    /// Draws a new one.
    pub fn random(env: &dyn Env) -> Id {
        let mut bytes = [0; 16];
        env.fill_random(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        Id(bytes)
    }

    pub fn from_bytes(bytes: [u8; 16]) -> Id {
        Id(bytes)
    }

    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// `length` characters of `[a-z0-9]`, drawn evenly, for ids that stand in host names.
    pub fn random_label(env: &dyn Env, length: usize) -> String {
        const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
        // 252 is the largest multiple of 36 in a byte: above it the draw would favour the first letters.
        let mut label = String::with_capacity(length);
        while label.len() < length {
            let mut byte = [0];
            env.fill_random(&mut byte);
            if byte[0] < 252 {
                label.push(ALPHABET[usize::from(byte[0]) % 36] as char);
            }
        }
        label
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The text is not a UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected 32 hexadecimal digits in groups of 8-4-4-4-12")]
pub struct NotAnId;

impl FromStr for Id {
    type Err = NotAnId;

    fn from_str(text: &str) -> Result<Id, NotAnId> {
        let digits: Vec<u8> = text.bytes().filter(|byte| *byte != b'-').collect();
        if digits.len() != 32 || text.len() != 36 {
            return Err(NotAnId);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| NotAnId)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| NotAnId)?;
        }
        let id = Id(bytes);
        if id.to_string() == text.to_ascii_lowercase() { Ok(id) } else { Err(NotAnId) }
    }
}

impl<C> minicbor::Encode<C> for Id {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.bytes(&self.0)?.ok()
    }
}

impl<'b, C> minicbor::Decode<'b, C> for Id {
    fn decode(d: &mut minicbor::Decoder<'b>, _: &mut C) -> Result<Id, minicbor::decode::Error> {
        let bytes = d.bytes()?;
        bytes.try_into().map(Id).map_err(|_| minicbor::decode::Error::message("an id has 16 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::System;

    #[test]
    fn text_round_trips() {
        let id = Id::random(&System::default());
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(id.to_string().len(), 36);
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "x", "00000000-0000-0000-0000-00000000000", "0000000000000000-0000-0000-000000000000"]
        {
            assert_eq!(text.parse::<Id>(), Err(NotAnId), "{text}");
        }
    }

    #[test]
    fn labels_have_their_length_and_alphabet() {
        let label = Id::random_label(&System::default(), 10);
        assert_eq!(label.len(), 10);
        assert!(label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()));
    }
}
