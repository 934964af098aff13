//! Lambda: functions, who may invoke them, and how.
//!
//! Each function has one version, `$LATEST`. What needs others (versions, aliases, layers, concurrency, event
//! source mappings) is refused by name.

mod add_permission;
mod arn;
mod code;
mod configuration;
mod create_function;
mod create_function_url_config;
mod delete_function;
mod delete_function_event_invoke_config;
mod delete_function_url_config;
mod event_invoke_config;
mod fault;
mod get_account_settings;
mod get_function;
mod get_function_code_signing_config;
mod get_function_concurrency;
mod get_function_configuration;
mod get_function_event_invoke_config;
mod get_function_recursion_config;
mod get_function_url_config;
mod get_policy;
mod get_runtime_management_config;
mod input;
mod invoke;
mod list_function_event_invoke_configs;
mod list_function_url_configs;
mod list_functions;
mod list_tags;
mod list_versions_by_function;
mod logging;
mod marker;
mod name;
pub mod package_url;
mod put_function_event_invoke_config;
mod remove_permission;
mod statement;
mod tag_resource;
mod untag_resource;
mod update_function_code;
mod update_function_configuration;
mod update_function_event_invoke_config;
mod update_function_url_config;
mod url_config;

pub use arn::{dialect, function_arn, may_invoke, parse_function_arn};

use crate::{Service, op};

/// What there is of Lambda.
pub(crate) static SERVICE: Service = Service {
    name: "lambda",
    operations: &[
        op::<add_permission::AddPermission>(),
        op::<create_function::CreateFunction>(),
        op::<create_function_url_config::CreateFunctionUrlConfig>(),
        op::<delete_function::DeleteFunction>(),
        op::<delete_function_event_invoke_config::DeleteFunctionEventInvokeConfig>(),
        op::<delete_function_url_config::DeleteFunctionUrlConfig>(),
        op::<get_account_settings::GetAccountSettings>(),
        op::<get_function::GetFunction>(),
        op::<get_function_code_signing_config::GetFunctionCodeSigningConfig>(),
        op::<get_function_concurrency::GetFunctionConcurrency>(),
        op::<get_function_configuration::GetFunctionConfiguration>(),
        op::<get_function_event_invoke_config::GetFunctionEventInvokeConfig>(),
        op::<get_function_recursion_config::GetFunctionRecursionConfig>(),
        op::<get_function_url_config::GetFunctionUrlConfig>(),
        op::<get_policy::GetPolicy>(),
        op::<get_runtime_management_config::GetRuntimeManagementConfig>(),
        op::<invoke::Invoke>(),
        op::<list_function_event_invoke_configs::ListFunctionEventInvokeConfigs>(),
        op::<list_function_url_configs::ListFunctionUrlConfigs>(),
        op::<list_functions::ListFunctions>(),
        op::<list_tags::ListTags>(),
        op::<list_versions_by_function::ListVersionsByFunction>(),
        op::<put_function_event_invoke_config::PutFunctionEventInvokeConfig>(),
        op::<remove_permission::RemovePermission>(),
        op::<tag_resource::TagResource>(),
        op::<untag_resource::UntagResource>(),
        op::<update_function_code::UpdateFunctionCode>(),
        op::<update_function_configuration::UpdateFunctionConfiguration>(),
        op::<update_function_event_invoke_config::UpdateFunctionEventInvokeConfig>(),
        op::<update_function_url_config::UpdateFunctionUrlConfig>(),
    ],
    errors: fault::name,
    form: None,
};
