//! Where a list goes on.

use eddy_base::Fault;

use crate::page_token;

pub(super) fn write(name: &str) -> String {
    page_token::write(name)
}

pub(super) fn read(marker: Option<&str>) -> Result<Option<String>, Fault> {
    let Some(marker) = marker.filter(|marker| !marker.is_empty()) else { return Ok(None) };
    page_token::read(marker).map(Some).ok_or_else(|| Fault::invalid("The pagination marker is invalid."))
}
