//! The trace header that a guest is told with each event: `Root=..;Parent=..;Sampled=..`.
//!
//! Nothing is sampled here; who asks for it in the header that came along keeps it.

use eddy_base::{Id, Timestamp};

/// The header for the invocation `parent`. The root and whether it is sampled are those of `given`, the header that
/// came with the request, as far as that has them; else the root is made of `at` and `root`, the request that
/// everything goes back to.
#[must_use]
pub fn trace_header(given: Option<&str>, at: Timestamp, root: Id, parent: Id) -> String {
    let field = |name: &str| {
        let fields = given?.split(';').filter_map(|field| field.trim().split_once('='));
        fields.filter(|(key, _)| *key == name).map(|(_, value)| value).next()
    };
    let sampled = field("Sampled").filter(|value| *value == "1").unwrap_or("0");
    let parent = &digits(parent)[..16];
    match field("Root").filter(|root| is_root(root)) {
        Some(root) => format!("Root={root};Parent={parent};Sampled={sampled}"),
        None => format!("{};Parent={parent};Sampled={sampled}", new_root(at, root)),
    }
}

/// `Root=1-`, the seconds in 8 hexadecimal digits, `-` and 24 digits of the id.
#[must_use]
pub fn new_root(at: Timestamp, id: Id) -> String {
    format!("Root=1-{:08x}-{}", at.seconds(), &digits(id)[..24])
}

/// `1-`, 8 hexadecimal digits, `-`, 24 of them. What else a client may send must not reach a header or a variable.
fn is_root(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let [version, seconds, unique] = parts[..] else { return false };
    let hexadecimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_hexdigit());
    version == "1" && seconds.len() == 8 && unique.len() == 24 && hexadecimal(seconds) && hexadecimal(unique)
}

fn digits(id: Id) -> String {
    id.to_string().replace('-', "")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers() {
        let at = Timestamp::from_millis(0x5f84_1234 * 1000);
        let (root, parent) = (Id::from_bytes([0x11; 16]), Id::from_bytes([0x22; 16]));
        let check = |given, expected: &str| assert_eq!(trace_header(given, at, root, parent), expected);
        let own = "Root=1-5f841234-111111111111111111111111;Parent=2222222222222222;Sampled=0";
        check(None, own);
        check(Some(""), own);
        check(Some("Root=1-5f84\nc7a9-0;Sampled=x"), own);
        check(
            Some("Sampled=1; Root=1-67891233-abcdef012345678912345678;Parent=53995c3f42cd8ad8"),
            "Root=1-67891233-abcdef012345678912345678;Parent=2222222222222222;Sampled=1",
        );
        check(
            Some("Root=1-67891233-abcdef012345678912345678"),
            "Root=1-67891233-abcdef012345678912345678;Parent=2222222222222222;Sampled=0",
        );
    }
}
