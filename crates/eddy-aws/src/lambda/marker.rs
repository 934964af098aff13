//! Where a list goes on: the last name of the page before, as an opaque text.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eddy_base::Fault;

pub(super) fn write(name: &str) -> String {
    URL_SAFE_NO_PAD.encode(name)
}

pub(super) fn read(marker: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(marker) = marker.filter(|marker| !marker.is_empty()) else { return Ok(None) };
    let bytes = URL_SAFE_NO_PAD.decode(marker).ok();
    let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    name.map(Some).ok_or_else(|| Fault::invalid("The pagination marker is invalid."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_are_read_back_and_others_refused() {
        assert_eq!(read(Some(&write("f-1"))).unwrap().as_deref(), Some("f-1"));
        assert_eq!(read(None).unwrap(), None);
        assert!(read(Some("***")).is_err());
    }
}
