//! Where a list goes on: the last item of the page before, as an opaque text that is known again. One that was made up
//! is refused, as AWS does, instead of leading to somewhere.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

/// Bytes of the sum that begins a token. It guards against mistakes, not against malice: whoever may list may see all.
const SUM_BYTES: usize = 6;

/// The token of the page behind an item.
pub(crate) fn write(last: &str) -> String {
    URL_SAFE_NO_PAD.encode([&sum(last), last.as_bytes()].concat())
}

/// The item behind which a token goes on; none if it is not one of ours.
pub(crate) fn read(token: &str) -> Option<String> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (head, last) = bytes.split_at_checked(SUM_BYTES)?;
    let last = std::str::from_utf8(last).ok()?;
    (head == sum(last)).then(|| last.to_owned())
}

fn sum(last: &str) -> [u8; SUM_BYTES] {
    let digest = digest(&SHA256, last.as_bytes());
    *digest.as_ref().first_chunk().expect("a digest is longer")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn tokens_are_read_back_and_others_are_not(last in "\\PC{0,80}", other in "\\PC{0,80}") {
            let token = write(&last);
            prop_assert_eq!(read(&token), Some(last));
            prop_assert_eq!(read(&other), None);
            prop_assert_eq!(read(&URL_SAFE_NO_PAD.encode(&other)), None);
            prop_assert_eq!(read(&token[1..]), None);
        }
    }
}
