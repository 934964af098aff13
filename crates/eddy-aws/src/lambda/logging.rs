//! `LoggingConfig`: the form of a function's log, its levels, and its group.

use eddy_base::Fault;
use eddy_functions::logging::{Level, Levels, Logging};
use serde::{Deserialize, Serialize};

/// As it is asked for. What is not named stays as it is.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct LoggingConfig {
    log_format: Option<String>,
    application_log_level: Option<String>,
    system_log_level: Option<String>,
    log_group: Option<String>,
}

/// As it is shown.
#[derive(Debug, Serialize)]
pub(super) struct LoggingShape {
    log_format: &'static str,
    application_log_level: Option<&'static str>,
    system_log_level: Option<&'static str>,
    log_group: String,
}

impl LoggingConfig {
    /// # Errors
    /// When levels are asked for that text does not have, or a group that is Amazon's own.
    pub(super) fn check(&self) -> Result<(), Fault> {
        let has_levels = self.application_log_level.is_some() || self.system_log_level.is_some();
        if has_levels && self.log_format.as_deref() == Some("Text") {
            return Err(Fault::invalid(
                "ApplicationLogLevel and SystemLogLevel are only supported when LogFormat is JSON.",
            ));
        }
        let is_amazons = |group: &String| group.to_ascii_lowercase().starts_with("aws/");
        if self.log_group.as_ref().is_some_and(is_amazons) {
            return Err(Fault::invalid("Log groups starting with AWS/ are reserved for AWS."));
        }
        Ok(())
    }

    /// How the function logs then; nothing where that is as usual.
    pub(super) fn apply(&self, name: &str, old: Option<&Logging>) -> Option<Logging> {
        let old = old.cloned().unwrap_or_default();
        let is_json = match self.log_format.as_deref() {
            Some(format) => format == "JSON",
            None => old.json.is_some(),
        };
        let levels = old.json.unwrap_or(Levels { application: Level::Info, system: Level::Info });
        let level = |asked: &Option<String>, old| asked.as_deref().and_then(Level::parse).unwrap_or(old);
        let json = is_json.then(|| Levels {
            application: level(&self.application_log_level, levels.application),
            system: level(&self.system_log_level, levels.system),
        });
        let group = self.log_group.clone().or(old.group).filter(|group| *group != usual_group(name));
        Some(Logging { group, json }).filter(|logging| *logging != Logging::default())
    }
}

impl LoggingShape {
    pub(super) fn new(name: &str, logging: Option<Logging>) -> LoggingShape {
        let Logging { group, json } = logging.unwrap_or_default();
        LoggingShape {
            log_format: if json.is_some() { "JSON" } else { "Text" },
            application_log_level: json.map(|levels| levels.application.word()),
            system_log_level: json.map(|levels| levels.system.word()),
            log_group: group.unwrap_or_else(|| usual_group(name)),
        }
    }
}

/// The log group of a function that asks for no other.
pub(super) fn usual_group(name: &str) -> String {
    format!("/aws/lambda/{name}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(format: &str, application: &str, system: &str, group: &str) -> LoggingConfig {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        LoggingConfig {
            log_format: given(format),
            application_log_level: given(application),
            system_log_level: given(system),
            log_group: given(group),
        }
    }

    #[test]
    fn what_is_named_changes_and_the_rest_stays() {
        let json = |application, system| Some(Levels { application, system });
        let mut logging = None;
        for (config, expected) in [
            (asked("Text", "", "", "/aws/lambda/f"), None),
            (asked("JSON", "", "", ""), Some((None, json(Level::Info, Level::Info)))),
            (asked("", "DEBUG", "WARN", "/mine"), Some((Some("/mine"), json(Level::Debug, Level::Warn)))),
            (asked("", "", "", "/other"), Some((Some("/other"), json(Level::Debug, Level::Warn)))),
            (asked("Text", "", "", ""), Some((Some("/other"), None))),
            (asked("", "", "", "/aws/lambda/f"), None),
        ] {
            assert_eq!(config.check(), Ok(()));
            logging = config.apply("f", logging.as_ref());
            let expected = expected.map(|(group, json)| Logging { group: group.map(str::to_owned), json });
            assert_eq!(logging, expected, "{config:?}");
        }
        assert!(asked("Text", "INFO", "", "").check().is_err());
        assert!(asked("JSON", "", "", "aws/mine").check().is_err());
    }
}
