//! Limits of CloudWatch Logs beyond those of its model and of telemetry.

/// Groups or streams in one page, and when nothing is asked for.
pub(super) const DESCRIBE_MAX: usize = 50;

/// Events in one page, when nothing is asked for.
pub(super) const EVENTS_DEFAULT: usize = 10_000;

/// Days for which a group may keep its events.
pub(super) const RETENTION_DAYS: [u32; 22] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/// Tags of one group.
pub(super) const TAGS_MAX: usize = 50;
