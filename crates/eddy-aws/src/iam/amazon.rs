//! The managed policies of Amazon's, as far as they matter to functions: whether one may be attached.
//!
//! There are more than a thousand, and new ones come; so one that is not known here is taken. What is caught is the
//! usual mistake: a known name under a path that it is not under, such as `AWSLambdaBasicExecutionRole` without
//! `service-role/`.

/// How the ARN of a policy of Amazon's starts.
const PREFIX: &str = "arn:aws:iam::aws:policy/";

/// Path and name, by name.
const KNOWN: [&str; 62] = [
    "service-role/AWSLambdaBasicDurableExecutionRolePolicy",
    "service-role/AWSLambdaBasicExecutionRole",
    "service-role/AWSLambdaDynamoDBExecutionRole",
    "service-role/AWSLambdaENIManagementAccess",
    "AWSLambdaExecute",
    "AWSLambdaInvocation-DynamoDB",
    "service-role/AWSLambdaKinesisExecutionRole",
    "service-role/AWSLambdaMSKExecutionRole",
    "service-role/AWSLambdaRole",
    "service-role/AWSLambdaSQSQueueExecutionRole",
    "service-role/AWSLambdaVPCAccessExecutionRole",
    "AWSLambda_FullAccess",
    "AWSLambda_ReadOnlyAccess",
    "AWSStepFunctionsFullAccess",
    "AWSXRayDaemonWriteAccess",
    "AWSXrayFullAccess",
    "AWSXrayReadOnlyAccess",
    "AWSXrayWriteOnlyAccess",
    "AdministratorAccess",
    "AmazonAPIGatewayAdministrator",
    "AmazonAPIGatewayInvokeFullAccess",
    "service-role/AmazonAPIGatewayPushToCloudWatchLogs",
    "AmazonCognitoPowerUser",
    "AmazonDynamoDBFullAccess",
    "AmazonDynamoDBReadOnlyAccess",
    "AmazonEC2ContainerRegistryReadOnly",
    "AmazonEC2FullAccess",
    "AmazonEC2ReadOnlyAccess",
    "AmazonElasticFileSystemClientFullAccess",
    "AmazonEventBridgeFullAccess",
    "AmazonKinesisFullAccess",
    "AmazonKinesisReadOnlyAccess",
    "AmazonRDSDataFullAccess",
    "AmazonRDSFullAccess",
    "AmazonRekognitionFullAccess",
    "AmazonRekognitionReadOnlyAccess",
    "AmazonS3FullAccess",
    "service-role/AmazonS3ObjectLambdaExecutionRolePolicy",
    "AmazonS3OutpostsFullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSESFullAccess",
    "AmazonSNSFullAccess",
    "AmazonSNSReadOnlyAccess",
    "AmazonSQSFullAccess",
    "AmazonSQSReadOnlyAccess",
    "AmazonSSMFullAccess",
    "AmazonSSMManagedInstanceCore",
    "AmazonSSMReadOnlyAccess",
    "AmazonTextractFullAccess",
    "AmazonVPCFullAccess",
    "AmazonVPCReadOnlyAccess",
    "CloudFrontFullAccess",
    "CloudWatchFullAccess",
    "CloudWatchLambdaInsightsExecutionRolePolicy",
    "CloudWatchLogsFullAccess",
    "CloudWatchLogsReadOnlyAccess",
    "CloudWatchReadOnlyAccess",
    "IAMFullAccess",
    "IAMReadOnlyAccess",
    "PowerUserAccess",
    "ReadOnlyAccess",
    "SecretsManagerReadWrite",
];

/// Might there be such a policy?
pub(super) fn may_be(arn: &str) -> bool {
    let Some(path) = arn.strip_prefix(PREFIX) else { return false };
    let name = name_of(path);
    let is_name = !name.is_empty()
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || "+=,.@_-".contains(letter));
    is_name && KNOWN.iter().find(|known| name_of(known) == name).is_none_or(|known| *known == path)
}

fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_under_their_paths() {
        for (path, expected) in [
            ("service-role/AWSLambdaBasicExecutionRole", true),
            ("AWSLambdaBasicExecutionRole", false),
            ("AmazonS3FullAccess", true),
            ("service-role/AmazonS3FullAccess", false),
            ("AmazonSomethingNewFullAccess", true),
            ("", false),
            ("job-function/", false),
            ("a b", false),
        ] {
            assert_eq!(may_be(&format!("{PREFIX}{path}")), expected, "{path}");
        }
        assert!(!may_be("arn:aws:iam::000000000000:policy/mine"));
    }
}
