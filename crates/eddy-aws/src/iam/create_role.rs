use std::collections::BTreeMap;

use eddy_base::Fault;
use eddy_identity::role::NewRole;
use serde::{Deserialize, Serialize};

use super::document;
use super::shape::{RoleShape, Tag, add_tags};
use crate::{Cx, Needs, Operation, Reply};

/// Makes a role. Its name is free in whatever case.
#[derive(Deserialize)]
pub(super) struct CreateRole {
    role_name: String,
    path: Option<String>,
    assume_role_policy_document: String,
    description: Option<String>,
    max_session_duration: Option<u32>,
    tags: Option<Vec<Tag>>,
}

#[derive(Serialize)]
pub(super) struct Output {
    role: RoleShape,
}

/// The longest session, in seconds, where the request says nothing.
const SESSION_SECONDS_DEFAULT: u32 = 3600;

impl Operation for CreateRole {
    const NAME: &'static str = "CreateRole";
    type Output = Output;

    fn needs(&self, cx: &Cx) -> Needs {
        let path = self.path.as_deref().unwrap_or("/");
        let arn = format!("arn:aws:iam::{}:role{path}{}", cx.account(), self.role_name);
        let needs = Needs::one("iam:CreateRole", arn.clone());
        if self.tags.is_some() { needs.and("iam:TagRole", arn) } else { needs }
    }

    async fn check(&self, _: &Cx) -> Result<(), Fault> {
        document::check_trust(&self.assume_role_policy_document)
    }

    async fn call(self, cx: Cx) -> Result<Reply<Output>, Fault> {
        self.check(&cx).await?;
        let mut tags = BTreeMap::new();
        add_tags(&mut tags, self.tags.as_deref().unwrap_or_default())?;
        let new = NewRole {
            name: self.role_name,
            path: self.path.unwrap_or_else(|| "/".to_owned()),
            description: self.description.filter(|text| !text.is_empty()),
            session_seconds_max: self.max_session_duration.unwrap_or(SESSION_SECONDS_DEFAULT),
            trust: self.assume_role_policy_document,
            tags,
        };
        let made = cx.engines.identity.create_role(cx.account(), new).await?;
        Ok(Reply::after(made.map(|role| Output { role: RoleShape::full(cx.account(), role) })))
    }
}
