"""The calls that Terraform's AWS provider makes for the resources of a serverless application, in its order: what a plan
creates, what a refresh reads, what a change updates, what a destroy deletes. Whatever else it asks is refused by name.
"""
import io
import json
import uuid
import zipfile

import botocore.exceptions
import pytest

TRUST = json.dumps({'Version': '2012-10-17', 'Statement': [
    {'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]})
BASIC = 'arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole'
HANDLER = 'def handler(event, context):\n    return "%s"\n'


def package(word):
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, 'w') as archive:
        archive.writestr('app.py', HANDLER % word)
    return zipped.getvalue()


def refused(code, call, **parameters):
    """The error that the provider takes for an answer."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**parameters)
    assert caught.value.response['Error']['Code'] == code, caught.value
    return caught.value


@pytest.fixture
def name():
    return f't-{uuid.uuid4().hex[:16]}'


@pytest.fixture
def role(client, name):
    """`aws_iam_role`, made by the first call that the provider makes for it."""
    iam = client('iam')
    iam.create_role(RoleName=name, Path='/', AssumeRolePolicyDocument=TRUST, MaxSessionDuration=3600,
                    Tags=[{'Key': 'made-by', 'Value': 'terraform'}])
    yield iam.get_role(RoleName=name)['Role']['Arn']
    iam.delete_role(RoleName=name)


def test_the_provider_begins(client):
    identity = client('sts').get_caller_identity()
    assert identity['Account'] == '000000000000'


def test_role(client, name, role):
    iam = client('iam')

    def refresh():
        read = iam.get_role(RoleName=name)['Role']
        inline = iam.list_role_policies(RoleName=name)['PolicyNames']
        attached = iam.list_attached_role_policies(RoleName=name)['AttachedPolicies']
        return read, inline, attached

    read, inline, attached = refresh()
    assert (read['Path'], read['MaxSessionDuration'], inline, attached) == ('/', 3600, [], [])
    assert read['Tags'] == [{'Key': 'made-by', 'Value': 'terraform'}]
    assert read['AssumeRolePolicyDocument'] == json.loads(TRUST)
    # aws_iam_role_policy, aws_iam_role_policy_attachment
    policy = {'Version': '2012-10-17',
              'Statement': [{'Effect': 'Allow', 'Action': 's3:GetObject', 'Resource': '*'}]}
    iam.put_role_policy(RoleName=name, PolicyName='inline', PolicyDocument=json.dumps(policy))
    assert iam.get_role_policy(RoleName=name, PolicyName='inline')['PolicyDocument'] == policy
    iam.attach_role_policy(RoleName=name, PolicyArn=BASIC)
    assert refresh()[1:] == (['inline'], [{'PolicyName': 'AWSLambdaBasicExecutionRole', 'PolicyArn': BASIC}])
    # update
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=TRUST)
    assert iam.update_role_description(RoleName=name, Description='changed')['Role']['Description'] == 'changed'
    iam.update_role(RoleName=name, MaxSessionDuration=7200)
    iam.untag_role(RoleName=name, TagKeys=['made-by'])
    iam.tag_role(RoleName=name, Tags=[{'Key': 'team', 'Value': 'a'}])
    read = refresh()[0]
    assert (read['Description'], read['MaxSessionDuration']) == ('changed', 7200)
    # delete
    iam.delete_role_policy(RoleName=name, PolicyName='inline')
    refused('NoSuchEntity', iam.get_role_policy, RoleName=name, PolicyName='inline')
    iam.detach_role_policy(RoleName=name, PolicyArn=BASIC)
    assert iam.list_instance_profiles_for_role(RoleName=name)['InstanceProfiles'] == []
    refused('NoSuchEntity', iam.list_instance_profiles_for_role, RoleName='nobody')
    refused('NoSuchEntity', iam.get_role, RoleName='nobody')


def test_log_group(client, name):
    logs = client('logs')
    group = f'/aws/lambda/{name}'
    logs.create_log_group(logGroupName=group, logGroupClass='STANDARD', deletionProtectionEnabled=False,
                          tags={'a': '1'})
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)

    def refresh():
        found = logs.describe_log_groups(logGroupNamePrefix=group)['logGroups']
        read = next(one for one in found if one['logGroupName'] == group)
        arn = read['arn'].removesuffix(':*')
        return read, logs.list_tags_for_resource(resourceArn=arn)['tags'], arn

    read, tags, arn = refresh()
    assert (read['retentionInDays'], read['logGroupClass'], tags) == (7, 'STANDARD', {'a': '1'})
    logs.delete_retention_policy(logGroupName=group)
    logs.untag_resource(resourceArn=arn, tagKeys=['a'])
    logs.tag_resource(resourceArn=arn, tags={'b': '2'})
    read, tags, arn = refresh()
    assert ('retentionInDays' in read, tags) == (False, {'b': '2'})
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_log_groups(logGroupNamePrefix=group)['logGroups'] == []
    refused('InvalidParameterException', logs.create_log_group, logGroupName='aws/mine')
    refused('InvalidParameterException', logs.describe_log_groups, nextToken='madeup')


def make_function(awslambda, name, role, runtime, **more):
    settings = {
        'FunctionName': name, 'Role': role, 'Runtime': runtime, 'Handler': 'app.handler', 'Description': '',
        'MemorySize': 128, 'Timeout': 3, 'PackageType': 'Zip', 'Publish': False,
        'Architectures': ['x86_64'], 'EphemeralStorage': {'Size': 512}, 'TracingConfig': {'Mode': 'PassThrough'},
        'Code': {'ZipFile': package('first')}, 'Tags': {'made-by': 'terraform'},
    }
    awslambda.create_function(**{**settings, **more})
    awslambda.get_waiter('function_active_v2').wait(FunctionName=name)


def test_function(client, name, role, runtime):
    awslambda = client('lambda')
    make_function(awslambda, name, role, runtime, Environment={'Variables': {'STAGE': '1'}})

    def refresh():
        read = awslambda.get_function(FunctionName=name)
        versions = awslambda.list_versions_by_function(FunctionName=name, MaxItems=10000)['Versions']
        assert [version['Version'] for version in versions] == ['$LATEST']
        signing = awslambda.get_function_code_signing_config(FunctionName=name)
        assert 'CodeSigningConfigArn' not in signing or not signing['CodeSigningConfigArn']
        assert 'ReservedConcurrentExecutions' not in awslambda.get_function_concurrency(FunctionName=name)
        return read

    read = refresh()
    configuration = read['Configuration']
    assert (configuration['MemorySize'], configuration['Timeout'], configuration['State']) == (128, 3, 'Active')
    assert (read['Tags'], read['Code']['RepositoryType']) == ({'made-by': 'terraform'}, 'S3')
    assert configuration['TracingConfig'] == {'Mode': 'PassThrough'}
    assert configuration['LoggingConfig'] == {'LogFormat': 'Text', 'LogGroup': f'/aws/lambda/{name}'}
    assert configuration['EphemeralStorage'] == {'Size': 512}
    assert awslambda.get_runtime_management_config(FunctionName=name)['UpdateRuntimeOn'] == 'Auto'
    assert awslambda.get_function_recursion_config(FunctionName=name)['RecursiveLoop'] == 'Terminate'
    # update
    arn = configuration['FunctionArn']
    awslambda.untag_resource(Resource=arn, TagKeys=['made-by'])
    awslambda.tag_resource(Resource=arn, Tags={'team': 'a'})
    awslambda.update_function_configuration(
        FunctionName=name, Role=role, Runtime=runtime, Handler='app.handler', Description='changed',
        MemorySize=256, Timeout=5, DeadLetterConfig={'TargetArn': ''}, FileSystemConfigs=[], KMSKeyArn='',
        Layers=[], SnapStart={'ApplyOn': 'None'}, VpcConfig={'SubnetIds': [], 'SecurityGroupIds': []},
        LoggingConfig={'LogFormat': 'Text', 'LogGroup': f'/aws/lambda/{name}'}, Environment={'Variables': {'STAGE': '2'}}, EphemeralStorage={'Size': 512},
        TracingConfig={'Mode': 'PassThrough'})
    awslambda.get_waiter('function_updated_v2').wait(FunctionName=name)
    awslambda.update_function_code(FunctionName=name, ZipFile=package('second'), Architectures=['x86_64'],
                                   DryRun=False, Publish=False)
    awslambda.get_waiter('function_updated_v2').wait(FunctionName=name)
    read = refresh()
    assert (read['Configuration']['MemorySize'], read['Tags']) == (256, {'team': 'a'})
    assert json.load(awslambda.invoke(FunctionName=name)['Payload']) == 'second'
    # delete
    awslambda.delete_function(FunctionName=name)
    refused('ResourceNotFoundException', awslambda.get_function, FunctionName=name)


def test_what_hangs_on_a_function(client, name, role, runtime):
    awslambda = client('lambda')
    make_function(awslambda, name, role, runtime)
    # aws_lambda_permission
    refused('ResourceNotFoundException', awslambda.get_policy, FunctionName=name)
    awslambda.add_permission(FunctionName=name, StatementId='bucket', Action='lambda:InvokeFunction',
                             Principal='s3.amazonaws.com', SourceArn='arn:aws:s3:::b')
    statements = json.loads(awslambda.get_policy(FunctionName=name)['Policy'])['Statement']
    assert [statement['Sid'] for statement in statements] == ['bucket']
    awslambda.remove_permission(FunctionName=name, StatementId='bucket')
    refused('ResourceNotFoundException', awslambda.get_policy, FunctionName=name)
    # aws_lambda_function_url
    awslambda.create_function_url_config(FunctionName=name, AuthType='NONE', InvokeMode='BUFFERED')
    awslambda.add_permission(FunctionName=name, StatementId='FunctionURLAllowPublicAccess',
                             Action='lambda:InvokeFunctionUrl', Principal='*', FunctionUrlAuthType='NONE')
    assert awslambda.get_function_url_config(FunctionName=name)['AuthType'] == 'NONE'
    awslambda.update_function_url_config(FunctionName=name, AuthType='AWS_IAM', InvokeMode='BUFFERED')
    awslambda.delete_function_url_config(FunctionName=name)
    refused('ResourceNotFoundException', awslambda.get_function_url_config, FunctionName=name)
    # aws_lambda_function_event_invoke_config
    awslambda.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=1,
                                               MaximumEventAgeInSeconds=60)
    read = awslambda.get_function_event_invoke_config(FunctionName=name)
    assert (read['MaximumRetryAttempts'], read['MaximumEventAgeInSeconds']) == (1, 60)
    awslambda.delete_function_event_invoke_config(FunctionName=name)
    refused('ResourceNotFoundException', awslambda.get_function_event_invoke_config, FunctionName=name)
    awslambda.delete_function(FunctionName=name)


def test_api(client, name, role, runtime):
    awslambda, gateway = client('lambda'), client('apigatewayv2')
    make_function(awslambda, name, role, runtime)
    function = awslambda.get_function(FunctionName=name)['Configuration']['FunctionArn']
    invoke = f'arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations'
    # aws_apigatewayv2_api
    api = gateway.create_api(
        Name=name, ProtocolType='HTTP', ApiKeySelectionExpression='$request.header.x-api-key',
        RouteSelectionExpression='$request.method $request.path', DisableExecuteApiEndpoint=False,
        IpAddressType='ipv4', Description='', Version='', Tags={'a': '1'})['ApiId']
    read = gateway.get_api(ApiId=api)
    assert (read['Name'], read['ProtocolType'], read['Tags']) == (name, 'HTTP', {'a': '1'})
    assert read['IpAddressType'] == 'ipv4'
    # aws_apigatewayv2_integration
    integration = gateway.create_integration(
        ApiId=api, IntegrationType='AWS_PROXY', IntegrationMethod='POST', IntegrationUri=invoke,
        ConnectionType='INTERNET', PayloadFormatVersion='2.0', TimeoutInMillis=30000)['IntegrationId']
    assert gateway.get_integration(ApiId=api, IntegrationId=integration)['IntegrationUri'] == invoke
    # aws_apigatewayv2_route
    route = gateway.create_route(ApiId=api, RouteKey='GET /hello', ApiKeyRequired=False, AuthorizationType='NONE',
                                 Target=f'integrations/{integration}')['RouteId']
    assert gateway.get_route(ApiId=api, RouteId=route)['RouteKey'] == 'GET /hello'
    # aws_apigatewayv2_stage, aws_apigatewayv2_deployment
    gateway.create_stage(ApiId=api, StageName='$default', AutoDeploy=True, Tags={'a': '1'})
    read = gateway.get_stage(ApiId=api, StageName='$default')
    assert (read['AutoDeploy'], read['Tags']) == (True, {'a': '1'})
    deployment = gateway.create_deployment(ApiId=api, Description='by hand')['DeploymentId']
    assert gateway.get_deployment(ApiId=api, DeploymentId=deployment)['DeploymentStatus'] == 'DEPLOYED'
    # update
    arn = f'arn:aws:apigateway:us-east-1::/apis/{api}'
    gateway.update_api(ApiId=api, Description='changed', CorsConfiguration={'AllowOrigins': ['*']})
    gateway.delete_cors_configuration(ApiId=api)
    gateway.untag_resource(ResourceArn=arn, TagKeys=['a'])
    gateway.tag_resource(ResourceArn=arn, Tags={'b': '2'})
    gateway.update_integration(ApiId=api, IntegrationId=integration, TimeoutInMillis=10000)
    gateway.update_route(ApiId=api, RouteId=route, RouteKey='POST /hello')
    gateway.update_stage(ApiId=api, StageName='$default', AutoDeploy=True, Description='changed',
                         StageVariables={})
    read = gateway.get_api(ApiId=api)
    assert (read['Description'], read['Tags'], 'CorsConfiguration' in read) == ('changed', {'b': '2'}, False)
    assert gateway.get_integration(ApiId=api, IntegrationId=integration)['TimeoutInMillis'] == 10000
    # delete
    gateway.delete_stage(ApiId=api, StageName='$default')
    refused('NotFoundException', gateway.get_stage, ApiId=api, StageName='$default')
    gateway.delete_deployment(ApiId=api, DeploymentId=deployment)
    gateway.delete_route(ApiId=api, RouteId=route)
    gateway.delete_integration(ApiId=api, IntegrationId=integration)
    gateway.delete_api(ApiId=api)
    refused('NotFoundException', gateway.get_api, ApiId=api)
    awslambda.delete_function(FunctionName=name)


def read_bucket(s3, bucket):
    """What a refresh of `aws_s3_bucket` asks."""
    s3.head_bucket(Bucket=bucket)
    assert s3.get_bucket_acl(Bucket=bucket)['Grants'][0]['Permission'] == 'FULL_CONTROL'
    assert 'Status' not in s3.get_bucket_versioning(Bucket=bucket)
    assert 'Status' not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)['Payer'] == 'BucketOwner'
    assert 'LoggingEnabled' not in s3.get_bucket_logging(Bucket=bucket)
    assert s3.get_bucket_location(Bucket=bucket)['LocationConstraint'] is None
    assert s3.get_bucket_abac(Bucket=bucket)['AbacStatus']['Status'] == 'Disabled'
    rule = s3.get_bucket_encryption(Bucket=bucket)['ServerSideEncryptionConfiguration']['Rules'][0]
    assert rule['ApplyServerSideEncryptionByDefault'] == {'SSEAlgorithm': 'AES256'}
    for code, call in [
        ('NoSuchBucketPolicy', s3.get_bucket_policy),
        ('NoSuchCORSConfiguration', s3.get_bucket_cors),
        ('NoSuchWebsiteConfiguration', s3.get_bucket_website),
        ('NoSuchLifecycleConfiguration', s3.get_bucket_lifecycle_configuration),
        ('ReplicationConfigurationNotFoundError', s3.get_bucket_replication),
        ('ObjectLockConfigurationNotFoundError', s3.get_object_lock_configuration),
    ]:
        refused(code, call, Bucket=bucket)


def test_bucket(client, name):
    s3 = client('s3')
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=False)
    s3.get_waiter('bucket_exists').wait(Bucket=name)
    refused('NoSuchTagSet', s3.get_bucket_tagging, Bucket=name)
    s3.put_bucket_tagging(Bucket=name, Tagging={'TagSet': [{'Key': 'a', 'Value': '1'}]})
    assert s3.get_bucket_tagging(Bucket=name)['TagSet'] == [{'Key': 'a', 'Value': '1'}]
    read_bucket(s3, name)
    # aws_s3_bucket_public_access_block
    block = {'BlockPublicAcls': True, 'BlockPublicPolicy': True, 'IgnorePublicAcls': True,
             'RestrictPublicBuckets': True}
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=block)
    assert s3.get_public_access_block(Bucket=name)['PublicAccessBlockConfiguration'] == block
    # aws_s3_bucket_ownership_controls
    controls = {'Rules': [{'ObjectOwnership': 'BucketOwnerEnforced'}]}
    s3.put_bucket_ownership_controls(Bucket=name, OwnershipControls=controls)
    assert s3.get_bucket_ownership_controls(Bucket=name)['OwnershipControls'] == controls
    # aws_s3_bucket_server_side_encryption_configuration
    rules = [{'ApplyServerSideEncryptionByDefault': {'SSEAlgorithm': 'AES256'}, 'BucketKeyEnabled': False}]
    s3.put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={'Rules': rules})
    # aws_s3_object
    s3.put_object(Bucket=name, Key='a', Body=b'x', ContentType='text/plain')
    assert s3.head_object(Bucket=name, Key='a')['ContentType'] == 'text/plain'
    assert s3.get_object_tagging(Bucket=name, Key='a')['TagSet'] == []
    s3.delete_object(Bucket=name, Key='a')
    # delete
    s3.delete_bucket_tagging(Bucket=name)
    s3.delete_bucket(Bucket=name)
    refused('404', s3.head_bucket, Bucket=name)


def test_notification(client, name, role, runtime):
    awslambda, s3 = client('lambda'), client('s3')
    make_function(awslambda, name, role, runtime)
    s3.create_bucket(Bucket=name)
    arn = awslambda.get_function(FunctionName=name)['Configuration']['FunctionArn']
    awslambda.add_permission(FunctionName=name, StatementId='s3', Action='lambda:InvokeFunction',
                             Principal='s3.amazonaws.com', SourceArn=f'arn:aws:s3:::{name}')
    wanted = {'Id': 'tf-s3-lambda-1', 'LambdaFunctionArn': arn, 'Events': ['s3:ObjectCreated:*'],
              'Filter': {'Key': {'FilterRules': [{'Name': 'suffix', 'Value': '.jpg'}]}}}
    s3.put_bucket_notification_configuration(
        Bucket=name, NotificationConfiguration={'LambdaFunctionConfigurations': [wanted]})
    read = s3.get_bucket_notification_configuration(Bucket=name)['LambdaFunctionConfigurations'][0]
    assert (read['Id'], read['Events']) == ('tf-s3-lambda-1', ['s3:ObjectCreated:*'])
    assert [rule['Value'] for rule in read['Filter']['Key']['FilterRules']] == ['.jpg']
    s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={})
    assert 'LambdaFunctionConfigurations' not in s3.get_bucket_notification_configuration(Bucket=name)
    s3.delete_bucket(Bucket=name)
    awslambda.delete_function(FunctionName=name)
