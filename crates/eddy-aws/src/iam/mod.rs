//! IAM: roles, as functions need them. They are kept and given back; their policies are not yet enforced.
//!
//! Users, groups, customer-managed policies and instance profiles are refused by name.

mod amazon;
mod attach_role_policy;
mod create_role;
mod delete_role;
mod delete_role_policy;
mod detach_role_policy;
mod document;
mod get_role;
mod get_role_policy;
mod list_attached_role_policies;
mod list_instance_profiles_for_role;
mod list_role_policies;
mod list_role_tags;
mod list_roles;
mod page;
mod put_role_policy;
mod shape;
mod tag_role;
mod untag_role;
mod update_assume_role_policy;
mod update_role;
mod update_role_description;

use eddy_base::{Code, Subject};

use crate::{Cx, Needs, Service, op};

pub(crate) static SERVICE: Service = Service {
    name: "iam",
    operations: &[
        op::<attach_role_policy::AttachRolePolicy>(),
        op::<create_role::CreateRole>(),
        op::<delete_role::DeleteRole>(),
        op::<delete_role_policy::DeleteRolePolicy>(),
        op::<detach_role_policy::DetachRolePolicy>(),
        op::<get_role::GetRole>(),
        op::<get_role_policy::GetRolePolicy>(),
        op::<list_attached_role_policies::ListAttachedRolePolicies>(),
        op::<list_instance_profiles_for_role::ListInstanceProfilesForRole>(),
        op::<list_role_policies::ListRolePolicies>(),
        op::<list_role_tags::ListRoleTags>(),
        op::<list_roles::ListRoles>(),
        op::<put_role_policy::PutRolePolicy>(),
        op::<tag_role::TagRole>(),
        op::<untag_role::UntagRole>(),
        op::<update_assume_role_policy::UpdateAssumeRolePolicy>(),
        op::<update_role::UpdateRole>(),
        op::<update_role_description::UpdateRoleDescription>(),
    ],
    errors,
    form: None,
};

fn errors(code: Code, subject: Subject) -> &'static str {
    match (code, subject) {
        (Code::Missing, _) => "NoSuchEntityException",
        (Code::Exists, _) => "EntityAlreadyExistsException",
        (Code::NotEmpty, _) => "DeleteConflictException",
        (Code::Conflict | Code::ConditionFailed, _) => "ConcurrentModificationException",
        (Code::LimitExceeded, _) => "LimitExceededException",
        (Code::Invalid | Code::TooLarge, Subject::Policy) => "MalformedPolicyDocumentException",
        (Code::Invalid | Code::TooLarge, _) => "InvalidInputException",
        (Code::Throttled, _) => "Throttling",
        (Code::Denied, _) => "AccessDenied",
        (Code::Unauthenticated, _) => "InvalidClientTokenId",
        (Code::Unsupported, _) => "ValidationError",
        (Code::NoRoom | Code::Unavailable, _) => "ServiceUnavailable",
        (Code::Internal | Code::TimedOut | Code::FunctionFailed, _) => "ServiceFailureException",
    }
}

/// A permission on a role. Its path is known only after a look-up that the caller may not be allowed, so the
/// ARN is that of the role with its path where it is there, and without where it is not.
fn on_role(cx: &Cx, action: &'static str, name: &str) -> Needs {
    let arn = match cx.engines.identity.role(cx.account(), name) {
        Ok((role, _)) => role.arn(cx.account()),
        Err(_) => format!("arn:aws:iam::{}:role/{name}", cx.account()),
    };
    Needs::one(action, arn)
}
