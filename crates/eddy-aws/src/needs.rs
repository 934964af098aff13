//! What a caller must be allowed to do before an operation runs.

/// Pairs of action and resource, all of which must be allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs(pub(crate) Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A caller who is known; no permission.
    Nothing,
    /// The operation asks itself, once it has looked up what it is about.
    Later,
    All(Vec<Need>),
}

/// One pair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need {
    pub action: &'static str,
    pub resource: String,
}

impl Needs {
    /// One permission, such as `s3:PutObject` on an ARN.
    pub fn one(action: &'static str, resource: impl Into<String>) -> Needs {
        Needs(Kind::All(vec![Need { action, resource: resource.into() }]))
    }

    /// One more.
    #[must_use]
    pub fn and(self, action: &'static str, resource: impl Into<String>) -> Needs {
        let mut all = match self.0 {
            Kind::All(all) => all,
            Kind::Nothing | Kind::Later => Vec::new(),
        };
        all.push(Need { action, resource: resource.into() });
        Needs(Kind::All(all))
    }

    /// Whoever is known may do it (sts:GetCallerIdentity).
    pub fn nothing() -> Needs {
        Needs(Kind::Nothing)
    }

    /// The operation must call [`crate::Cx::allow`] before it changes or tells anything; an answer without
    /// that becomes an internal error.
    pub fn later() -> Needs {
        Needs(Kind::Later)
    }
}
