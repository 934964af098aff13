//! Filter patterns as parameters.

use eddy_base::Fault;
use eddy_telemetry::logs::pattern::Pattern;

/// # Errors
/// When the text is no pattern; the message says where it stops making sense.
pub(super) fn parse(text: &str) -> Result<Pattern, Fault> {
    Pattern::parse(text).map_err(|why| Fault::invalid(format!("Invalid filter pattern: {why}")))
}
