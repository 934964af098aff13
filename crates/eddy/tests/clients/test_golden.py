"""A data folder of the whole server, checked in, must open and read back through the API.

`golden/v1.tar.gz` was written by this test with EDDY_WRITE_GOLDEN=1 in its environment. It is not written again:
when a format changes, there is a `v2` beside it.
"""
import json
import os
import pathlib
import subprocess
import time

from test_bad_days import make_function

GOLDEN = pathlib.Path(__file__).parent / 'golden' / 'v1.tar.gz'
#: Made anew at each start, or no format of ours.
NOT_KEPT = ['store/ballast', 'store/lock', 'runtimes', 'code', 'jails']
ASSUME = {'Version': '2012-10-17', 'Statement': [{
    'Effect': 'Allow', 'Action': 'sts:AssumeRole', 'Principal': {'Service': 'lambda.amazonaws.com'}}]}
FUNCTION = 'arn:aws:lambda:us-east-1:000000000000:function:golden'
LARGE = b'0123456789abcdef' * 5_000


def write(server, runtime):
    s3, functions, logs = server.client('s3'), server.client('lambda'), server.client('logs')
    iam, gateway = server.client('iam'), server.client('apigatewayv2')
    iam.create_role(RoleName='golden', AssumeRolePolicyDocument=json.dumps(ASSUME))
    make_function(server, runtime, 'golden', 'def handler(event, context):\n    return event\n', Timeout=7,
                  Environment={'Variables': {'NAME': 'value'}}, Tags={'tag': 'one'})
    functions.put_function_event_invoke_config(FunctionName='golden', MaximumRetryAttempts=1)
    functions.add_permission(FunctionName='golden', StatementId='s3', Action='lambda:InvokeFunction',
                             Principal='s3.amazonaws.com', SourceArn='arn:aws:s3:::golden-bucket')
    s3.create_bucket(Bucket='golden-bucket')
    s3.put_object(Bucket='golden-bucket', Key='small+1', Body=b'small', Metadata={'name': 'value'}, Tagging='a=b')
    s3.put_object(Bucket='golden-bucket', Key='large', Body=LARGE)
    s3.put_bucket_notification_configuration(Bucket='golden-bucket', NotificationConfiguration={
        'LambdaFunctionConfigurations': [{'Id': 'all', 'LambdaFunctionArn': FUNCTION,
                                          'Events': ['s3:ObjectCreated:*']}]})
    upload = s3.create_multipart_upload(Bucket='golden-bucket', Key='unfinished')
    s3.upload_part(Bucket='golden-bucket', Key='unfinished', UploadId=upload['UploadId'], PartNumber=1, Body=b'part')
    logs.create_log_group(logGroupName='golden-group')
    logs.create_log_stream(logGroupName='golden-group', logStreamName='golden-stream')
    logs.put_log_events(logGroupName='golden-group', logStreamName='golden-stream',
                        logEvents=[{'timestamp': int(time.time() * 1000), 'message': 'a line'}])
    gateway.create_api(Name='golden-api', ProtocolType='HTTP', Target=FUNCTION, RouteKey='POST /golden')


def check(server):
    s3, functions, logs = server.client('s3'), server.client('lambda'), server.client('logs')
    iam, gateway = server.client('iam'), server.client('apigatewayv2')
    assert iam.get_role(RoleName='golden')['Role']['AssumeRolePolicyDocument'] == ASSUME
    function = functions.get_function(FunctionName='golden')
    assert function['Configuration']['Timeout'] == 7 and function['Tags'] == {'tag': 'one'}
    assert function['Configuration']['Environment']['Variables'] == {'NAME': 'value'}
    assert functions.get_function_event_invoke_config(FunctionName='golden')['MaximumRetryAttempts'] == 1
    assert 'arn:aws:s3:::golden-bucket' in functions.get_policy(FunctionName='golden')['Policy']
    small = s3.get_object(Bucket='golden-bucket', Key='small+1')
    assert small['Body'].read() == b'small' and small['Metadata'] == {'name': 'value'} and small['TagCount'] == 1
    assert s3.get_object(Bucket='golden-bucket', Key='large')['Body'].read() == LARGE
    assert [entry['Key'] for entry in s3.list_objects_v2(Bucket='golden-bucket')['Contents']] == ['large', 'small+1']
    notified = s3.get_bucket_notification_configuration(Bucket='golden-bucket')['LambdaFunctionConfigurations']
    assert [one['LambdaFunctionArn'] for one in notified] == [FUNCTION]
    [upload] = s3.list_multipart_uploads(Bucket='golden-bucket')['Uploads']
    parts = s3.list_parts(Bucket='golden-bucket', Key='unfinished', UploadId=upload['UploadId'])['Parts']
    assert [part['Size'] for part in parts] == [4]
    lines = logs.filter_log_events(logGroupName='golden-group')['events']
    assert [line['message'] for line in lines] == ['a line']
    [api] = gateway.get_apis()['Items']
    assert api['Name'] == 'golden-api'
    assert [route['RouteKey'] for route in gateway.get_routes(ApiId=api['ApiId'])['Items']] == ['POST /golden']


def test_a_folder_of_the_whole_server_opens_and_reads_back(fresh, runtime, tmp_path):
    if os.environ.get('EDDY_WRITE_GOLDEN'):
        made = fresh(folder=tmp_path / 'made')
        write(made, runtime)
        assert made.stop() == 0
        for journal in made.folder.glob('store/rows/*.jnl'):
            # Room set aside in it belongs to no format.
            os.truncate(journal, len(journal.read_bytes().rstrip(b'\0')))
        GOLDEN.parent.mkdir(exist_ok=True)
        left_out = [f'--exclude=./{name}' for name in NOT_KEPT]
        subprocess.run(['tar', '--sort=name', '--owner=0', '--group=0', '--numeric-owner', *left_out, '-czSf', GOLDEN,
                        '-C', made.folder, '.'], check=True)
    folder = tmp_path / 'golden'
    folder.mkdir(mode=0o700)
    subprocess.run(['tar', '-xpzf', GOLDEN, '--no-same-owner', '-C', folder], check=True)
    server = fresh(folder=folder)
    check(server)
    server.client('s3').put_object(Bucket='golden-bucket', Key='zzz', Body=b'new')
    server.kill()
    server.start()
    server.client('s3').delete_object(Bucket='golden-bucket', Key='zzz')
    check(server)
