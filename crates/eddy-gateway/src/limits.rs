//! Every limit of this crate, with its unit and where it comes from.

use std::time::Duration;

// ---- configuration ------------------------------------------------------------------------------------

/// HTTP APIs of one account in one region (the documented quota).
pub const APIS_MAX: usize = 600;
/// Routes of one API (the documented quota).
pub const ROUTES_MAX: usize = 300;
/// Integrations of one API (the documented quota).
pub const INTEGRATIONS_MAX: usize = 300;
/// Stages of one API (the documented quota).
pub const STAGES_MAX: usize = 10;
/// Deployments of one API that were made by hand. Not documented; it bounds what one API keeps.
pub const DEPLOYMENTS_MAX: usize = 500;
/// A route's key, in characters.
pub const ROUTE_KEY_CHARS_MAX: usize = 512;
/// Segments of a route's path.
pub const SEGMENTS_MAX: usize = 64;
/// A stage's name, in characters.
pub const STAGE_NAME_CHARS_MAX: usize = 128;
/// An API's name, in characters.
pub const API_NAME_CHARS_MAX: usize = 128;
/// A description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 1_024;
/// Variables of one stage, and the length of a value in characters.
pub const STAGE_VARIABLES_MAX: usize = 100;
pub const STAGE_VARIABLE_CHARS_MAX: usize = 2_048;
/// Tags on one API or stage.
pub const TAGS_MAX: usize = 50;
/// Origins, methods or headers that one CORS configuration lists.
pub const CORS_VALUES_MAX: usize = 100;
/// How long a browser may keep a preflight's answer, in seconds.
pub const CORS_AGE_SECONDS_MAX: i32 = 86_400;
/// How long an integration may take: least, most (also the default).
pub const TIMEOUT_MIN: Duration = Duration::from_millis(50);
pub const TIMEOUT_MAX: Duration = Duration::from_millis(30_000);
/// Characters of an API's, route's, integration's or deployment's id. Ids of APIs stand in host names.
pub const API_ID_CHARS: usize = 10;
pub const PART_ID_CHARS: usize = 7;
pub const DEPLOYMENT_ID_CHARS: usize = 6;
/// How often a change is decided again because another change of the same API came first.
pub const CHANGE_TRIES_MAX: usize = 16;
/// One row of a deployment's snapshot, in bytes. A whole snapshot may be larger than a row should be.
pub const SNAPSHOT_ROW_BYTES_MAX: usize = 48 * 1024;

// ---- requests -----------------------------------------------------------------------------------------

/// The body of a request to an API, in bytes (the documented 10 MB).
pub const API_BODY_BYTES_MAX: usize = 10 * 1024 * 1024;
/// The body of a request to a function's URL, in bytes (the documented 6 MB).
pub const URL_BODY_BYTES_MAX: usize = 6 * 1024 * 1024;
/// How long a request to a function's URL waits for the function: longer than any function may take.
pub const URL_WAIT_MAX: Duration = Duration::from_secs(960);
/// APIs whose compiled routes are kept in memory.
pub const LIVE_APIS_MAX: usize = 4_096;
