//! Time as request contexts have it.

use eddy_base::Timestamp;

/// `12/Mar/2020:19:03:58 +0000`.
pub(super) fn clf(at: Timestamp) -> String {
    at.civil().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()
}
