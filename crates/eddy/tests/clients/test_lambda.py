"""Lambda through boto3: functions made, run, changed and removed, and what bad input and bad functions get."""
import base64
import io
import json
import stat
import threading
import time
import urllib.request
import uuid
import zipfile

import botocore.exceptions
import pytest

TRUST = json.dumps({
    'Version': '2012-10-17',
    'Statement': [{'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}],
})

HANDLER = '''
import json, os, sys, time
started = time.time()
count = 0

def handler(event, context):
    global count
    count += 1
    do = event.get('do') if isinstance(event, dict) else None
    if do == 'context':
        return {
            'name': context.function_name, 'version': context.function_version,
            'arn': context.invoked_function_arn, 'memory': context.memory_limit_in_mb,
            'request': context.aws_request_id, 'group': context.log_group_name,
            'stream': context.log_stream_name, 'left': context.get_remaining_time_in_millis(),
            'client': context.client_context.custom if context.client_context else None,
        }
    if do == 'environment':
        return dict(os.environ)
    if do == 'raise':
        raise KeyError('missing')
    if do == 'exit':
        os._exit(3)
    if do == 'leave':
        sys.exit(1)
    if do == 'loop':
        while True: pass
    if do == 'sleep':
        time.sleep(event['seconds'])
        return 'slept'
    if do == 'large':
        return 'x' * event['bytes']
    if do == 'memory':
        return len(bytearray(event['bytes']))
    if do == 'print':
        for line in event['lines']: print(line)
        return len(event['lines'])
    if do == 'tmp':
        with open('/tmp/note', 'a') as note: note.write('x')
        return os.path.getsize('/tmp/note')
    if do == 'count':
        return count
    if do == 'write code':
        open('/var/task/new', 'w')
    return event
'''


def zipped(files=None, **options):
    """A zip of files by name."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, text in (files or {'app.py': HANDLER}).items():
            archive.writestr(name, text)
    return buffer.getvalue()


@pytest.fixture(scope='module')
def functions(client):
    return client('lambda', read_timeout=120, parameter_validation=False)


@pytest.fixture(scope='module')
def role(client):
    iam = client('iam')
    name = f'runs-{uuid.uuid4().hex[:8]}'
    yield iam.create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)['Role']['Arn']
    iam.delete_role(RoleName=name)


@pytest.fixture
def make(functions, role, runtime):
    """Makes functions; all are deleted at the end."""
    made = []

    def make(files=None, **settings):
        settings.setdefault('FunctionName', f'f-{uuid.uuid4().hex[:8]}')
        settings.setdefault('Runtime', runtime)
        settings.setdefault('Role', role)
        settings.setdefault('Handler', 'app.handler')
        settings.setdefault('Code', {'ZipFile': zipped(files)})
        function = functions.create_function(**settings)
        made.append(function['FunctionName'])
        return function

    yield make
    for name in made:
        try:
            functions.delete_function(FunctionName=name)
        except functions.exceptions.ResourceNotFoundException:
            pass


@pytest.fixture
def call(functions):
    """Invokes and gives (payload, answer)."""

    def call(name, event=None, **options):
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event or {}), **options)
        return json.loads(answer['Payload'].read() or 'null'), answer

    return call


def refused(code, text=''):
    """Expects a ClientError of this code whose message has this text."""

    class Refused:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, trace):
            assert isinstance(error, botocore.exceptions.ClientError), f'expected {code}, got {error!r}'
            assert error.response['Error']['Code'] == code, error
            assert text in error.response['Error']['Message'], error
            assert error.response['ResponseMetadata']['RequestId']
            self.response = error.response
            return True

    return Refused()


def until(what, holds, seconds=30):
    """Waits for what something else brings about."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        found = holds()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f'never came: {what}')


# ---- made, shown, changed, removed --------------------------------------------------------------------------


def test_a_function_from_first_to_last(functions, make, call, runtime, role):
    made = make(Description='d', Timeout=7, MemorySize=256, Environment={'Variables': {'KEY': 'value'}},
                Tags={'a': '1'}, EphemeralStorage={'Size': 1024}, Architectures=['x86_64'],
                PackageType='Zip', Publish=False, TracingConfig={'Mode': 'PassThrough'}, VpcConfig={},
                SnapStart={'ApplyOn': 'None'}, LoggingConfig={'LogFormat': 'Text'})
    name = made['FunctionName']
    assert made['ResponseMetadata']['HTTPStatusCode'] == 201
    assert made['FunctionArn'] == f'arn:aws:lambda:us-east-1:000000000000:function:{name}'
    assert (made['Runtime'], made['Role'], made['Handler'], made['Version']) == (runtime, role, 'app.handler', '$LATEST')
    assert (made['Timeout'], made['MemorySize'], made['EphemeralStorage']) == (7, 256, {'Size': 1024})
    assert made['Environment'] == {'Variables': {'KEY': 'value'}}
    assert len(base64.b64decode(made['CodeSha256'])) == 32 and made['CodeSize'] == len(zipped())
    for waiter in ('function_exists', 'function_active_v2', 'function_updated_v2', 'function_active'):
        functions.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={'Delay': 0, 'MaxAttempts': 1})
    got = functions.get_function(FunctionName=name)
    assert got['Configuration']['RevisionId'] == made['RevisionId'] and got['Tags'] == {'a': '1'}
    assert call(name, {'n': 1})[0] == {'n': 1}

    changed = functions.update_function_configuration(
        FunctionName=name, Timeout=8, Environment={'Variables': {'KEY': 'other'}}, RevisionId=made['RevisionId'])
    assert changed['LastUpdateStatus'] == 'Successful' and changed['RevisionId'] != made['RevisionId']
    assert call(name, {'do': 'environment'})[0]['KEY'] == 'other'
    with refused('PreconditionFailedException'):
        functions.update_function_configuration(FunctionName=name, Timeout=9, RevisionId=made['RevisionId'])

    functions.update_function_code(FunctionName=name, ZipFile=zipped({'app.py': 'def handler(e, c): return "new"'}))
    functions.get_waiter('function_updated').wait(FunctionName=name, WaiterConfig={'Delay': 0, 'MaxAttempts': 1})
    assert call(name)[0] == 'new'
    assert functions.delete_function(FunctionName=name)['ResponseMetadata']['HTTPStatusCode'] == 204
    with refused('ResourceNotFoundException', f'Function not found: {made["FunctionArn"]}'):
        functions.get_function(FunctionName=name)


def test_names_in_all_their_forms(functions, make, call):
    name = make()['FunctionName']
    arn = f'arn:aws:lambda:us-east-1:000000000000:function:{name}'
    for form in (name, arn, f'{arn}:$LATEST', f'000000000000:function:{name}', f'{name}:$LATEST'):
        assert functions.get_function_configuration(FunctionName=form)['FunctionName'] == name, form
        assert call(form, 1)[0] == 1
    assert call(name, 1, Qualifier='$LATEST')[1]['ExecutedVersion'] == '$LATEST'
    with refused('ResourceNotFoundException', f'Function not found: {arn}:3'):
        functions.invoke(FunctionName=name, Qualifier='3')
    with refused('InvalidParameterValueException', 'The derived qualifier'):
        functions.get_function(FunctionName=f'{name}:$LATEST', Qualifier='1')
    with refused('ResourceNotFoundException', 'not reachable in this region'):
        functions.get_function(FunctionName=arn.replace('us-east-1', 'eu-central-1'))


def test_the_package_can_be_fetched(functions, make):
    name = make()['FunctionName']
    code = functions.get_function(FunctionName=name)['Code']
    assert code['RepositoryType'] == 'S3'
    with urllib.request.urlopen(code['Location'], timeout=10) as answer:
        assert answer.read() == zipped()


def test_lists_have_pages(functions, make):
    names = {make()['FunctionName'] for _ in range(5)}
    pages = list(functions.get_paginator('list_functions').paginate(PaginationConfig={'PageSize': 2}))
    assert all(len(page['Functions']) <= 2 for page in pages)
    listed = [function['FunctionName'] for page in pages for function in page['Functions']]
    assert names <= set(listed) and len(listed) == len(set(listed))
    every = functions.list_functions(FunctionVersion='ALL')['Functions']
    assert all(function['FunctionArn'].endswith(':$LATEST') for function in every)


def test_code_from_an_object(client, functions, make, call):
    s3 = client('s3')
    bucket = f'code-{uuid.uuid4().hex[:8]}'
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key='a/b c.zip', Body=zipped({'app.py': 'def handler(e, c): return "from s3"'}))
    try:
        name = make(Code={'S3Bucket': bucket, 'S3Key': 'a/b c.zip'})['FunctionName']
        assert call(name)[0] == 'from s3'
        with refused('InvalidParameterValueException', 'S3 Error Code: NoSuchKey'):
            functions.update_function_code(FunctionName=name, S3Bucket=bucket, S3Key='none')
        with refused('InvalidParameterValueException', 'S3 Error Code: NoSuchBucket'):
            functions.update_function_code(FunctionName=name, S3Bucket=f'{bucket}-none', S3Key='none')
    finally:
        s3.delete_object(Bucket=bucket, Key='a/b c.zip')
        s3.delete_bucket(Bucket=bucket)


def test_a_dry_run_changes_nothing(functions, make, call):
    made = make()
    other = zipped({'app.py': 'def handler(e, c): return "new"'})
    dry = functions.update_function_code(FunctionName=made['FunctionName'], ZipFile=other, DryRun=True)
    assert dry['CodeSha256'] != made['CodeSha256'] and dry['CodeSize'] == len(other)
    assert functions.get_function_configuration(FunctionName=made['FunctionName'])['CodeSha256'] == made['CodeSha256']
    assert call(made['FunctionName'], 5)[0] == 5


# ---- refused ------------------------------------------------------------------------------------------------


def bad_zips():
    escape = zipped({'../escape.py': ''})
    absolute = zipped({'/etc/escape.py': ''})
    link = io.BytesIO()
    with zipfile.ZipFile(link, 'w') as archive:
        entry = zipfile.ZipInfo('link')
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(entry, '/etc/passwd')
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, 'w') as archive, pytest.warns(UserWarning):
        archive.writestr('app.py', '1')
        archive.writestr('app.py', '2')
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, 'w', zipfile.ZIP_DEFLATED) as archive:
        zeros = bytes(64 << 20)
        for n in range(5):
            archive.writestr(f'{n}', zeros)
    cut = zipped()[:-10]
    return {'no zip': b'no zip', 'a name that escapes': escape, 'an absolute name': absolute,
            'a link that escapes': link.getvalue(), 'a name twice': twice.getvalue(), 'a bomb': bomb.getvalue(),
            'cut short': cut}


def test_bad_packages_are_refused(functions, make):
    made = make()
    for what, package in bad_zips().items():
        with refused('InvalidParameterValueException', 'Could not unzip uploaded file'):
            functions.update_function_code(FunctionName=made['FunctionName'], ZipFile=package)
            print(what)
    for nothing in [b'', b'PK\x05\x06' + bytes(18)]:
        with refused('InvalidParameterValueException', 'Uploaded file must be a non-empty zip'):
            functions.update_function_code(FunctionName=made['FunctionName'], ZipFile=nothing)
    assert functions.get_function(FunctionName=made['FunctionName'])['Configuration']['CodeSha256'] == made['CodeSha256']


def test_bad_settings_are_refused(functions, make, role):
    invalid = 'InvalidParameterValueException'
    cases = [
        (dict(Runtime='nodejs22.x'), invalid, 'nodejs22.x'),
        (dict(Timeout=901), 'ValidationException', 'timeout'),
        (dict(MemorySize=64), 'ValidationException', 'memorySize'),
        (dict(MemorySize=20000), 'ValidationException', 'memorySize'),
        (dict(EphemeralStorage={'Size': 100}), 'ValidationException', 'ephemeralStorage.size'),
        (dict(FunctionName='no/slash'), 'ValidationException', 'functionName'),
        (dict(FunctionName='x' * 65), 'ValidationException', 'functionName'),
        (dict(Handler='x' * 129), 'ValidationException', 'handler'),
        (dict(Environment={'Variables': {'AWS_REGION': 'x'}}), invalid, 'Reserved keys used in this request: AWS_REGION'),
        (dict(Environment={'Variables': {'KEY': 'x' * 5000}}), invalid, '4KB'),
        (dict(Environment={'Variables': {'1KEY': 'x'}}), 'ValidationException', 'environment.variables'),
        (dict(Layers=['arn:aws:lambda:us-east-1:000000000000:layer:l:1']), invalid, 'Layers'),
        (dict(Publish=True), invalid, 'Publish'),
        (dict(TracingConfig={'Mode': 'Active'}), invalid, 'TracingConfig'),
        (dict(VpcConfig={'SubnetIds': ['subnet-1'], 'SecurityGroupIds': ['sg-1']}), invalid, 'VpcConfig'),
        (dict(DeadLetterConfig={'TargetArn': 'arn:aws:sqs:us-east-1:000000000000:q'}), invalid, 'DeadLetterConfig'),
        (dict(KMSKeyArn='arn:aws:kms:us-east-1:000000000000:key/k'), invalid, 'KMSKeyArn'),
        (dict(Architectures=['arm64']), invalid, 'arm64'),
    ]
    before = {function['FunctionName'] for function in functions.list_functions()['Functions']}
    for settings, code, text in cases:
        with refused(code, text):
            make(**settings)
    assert {function['FunctionName'] for function in functions.list_functions()['Functions']} == before


def test_conflicts_and_missing(functions, make):
    name = make()['FunctionName']
    with refused('ResourceConflictException', f'Function already exist: {name}') as conflict:
        make(FunctionName=name)
    assert conflict.response['ResponseMetadata']['HTTPStatusCode'] == 409
    for refusal in (
        lambda: functions.get_function_configuration(FunctionName='none'),
        lambda: functions.update_function_code(FunctionName='none', ZipFile=zipped()),
        lambda: functions.update_function_configuration(FunctionName='none', Timeout=3),
        lambda: functions.delete_function(FunctionName='none'),
        lambda: functions.invoke(FunctionName='none'),
        lambda: functions.invoke(FunctionName='none', InvocationType='Event'),
        lambda: functions.get_policy(FunctionName='none'),
        lambda: functions.list_tags(Resource='arn:aws:lambda:us-east-1:000000000000:function:none'),
    ):
        with refused('ResourceNotFoundException', 'function:none'):
            refusal()
    with refused('InvalidParameterValueException', '$LATEST'):
        functions.delete_function(FunctionName=name, Qualifier='$LATEST')


def test_operations_that_are_not_there_say_so(functions, make):
    name = make()['FunctionName']
    with pytest.raises(botocore.exceptions.ClientError, match='PublishVersion'):
        functions.publish_version(FunctionName=name)


# ---- run ----------------------------------------------------------------------------------------------------


def test_what_a_handler_is_told(make, call):
    made = make(MemorySize=192, Timeout=20)
    name = made['FunctionName']
    context = base64.b64encode(json.dumps({'custom': {'k': 'v'}}).encode()).decode()
    told, answer = call(name, {'do': 'context'}, ClientContext=context)
    assert told['name'] == name and told['version'] == '$LATEST' and told['arn'] == made['FunctionArn']
    assert int(told['memory']) == 192 and told['request'] == answer['ResponseMetadata']['RequestId']
    assert told['group'] == f'/aws/lambda/{name}' and '/[$LATEST]' in told['stream']
    assert 15_000 < told['left'] <= 20_000 and told['client'] == {'k': 'v'}
    environment = call(name, {'do': 'environment'})[0]
    for variable, value in {
        'AWS_LAMBDA_FUNCTION_NAME': name, 'AWS_LAMBDA_FUNCTION_VERSION': '$LATEST',
        'AWS_LAMBDA_FUNCTION_MEMORY_SIZE': '192', 'AWS_REGION': 'us-east-1', 'AWS_DEFAULT_REGION': 'us-east-1',
        'LAMBDA_TASK_ROOT': '/var/task', '_HANDLER': 'app.handler', 'AWS_LAMBDA_LOG_GROUP_NAME': f'/aws/lambda/{name}',
    }.items():
        assert environment.get(variable) == value, variable
    assert environment['AWS_ACCESS_KEY_ID'].startswith('ASIA') and environment['AWS_SESSION_TOKEN']


def test_payloads_of_all_kinds(functions, make, call):
    name = make()['FunctionName']
    for event in (None, 1, 'text', [1, 2], {'k': '年度 报告'}, {'deep': [[[[{}]]]]}, True, 1.5):
        answer = functions.invoke(FunctionName=name, Payload=json.dumps(event))
        assert json.loads(answer['Payload'].read()) == event
    assert json.loads(functions.invoke(FunctionName=name)['Payload'].read()) == {}
    with refused('InvalidRequestContentException', 'Could not parse request body into json'):
        functions.invoke(FunctionName=name, Payload=b'{no json')


def test_environments_are_used_again(make, call):
    name = make()['FunctionName']
    assert [call(name, {'do': 'count'})[0] for _ in range(3)] == [1, 2, 3]
    assert [call(name, {'do': 'tmp'})[0] for _ in range(2)] == [1, 2]


def test_errors_of_the_function(make, call):
    name = make()['FunctionName']
    document, answer = call(name, {'do': 'raise'})
    assert answer['StatusCode'] == 200 and answer['FunctionError'] == 'Unhandled'
    assert document['errorType'] == 'KeyError' and document['errorMessage'] == "'missing'"
    assert any('handler' in frame for frame in document['stackTrace'])
    assert call(name, {'do': 'count'})[0] == 2, 'the environment lives on'


@pytest.mark.parametrize('files, handler, error_type, text', [
    ({'app.py': 'import none_such'}, 'app.handler', 'Runtime.ImportModuleError', 'none_such'),
    ({'app.py': 'def other(e, c): pass'}, 'app.handler', 'Runtime.HandlerNotFound', 'handler'),
    ({'app.py': 'def ('}, 'app.handler', 'Runtime.UserCodeSyntaxError', 'app.py'),
    ({'app.py': ''}, 'nodot', 'Runtime.MalformedHandlerName', 'nodot'),
    ({'other.py': ''}, 'app.handler', 'Runtime.ImportModuleError', "app"),
])
def test_functions_that_do_not_start(make, call, files, handler, error_type, text):
    name = make(files, Handler=handler)['FunctionName']
    document, answer = call(name)
    assert answer['FunctionError'] == 'Unhandled'
    assert document['errorType'] == error_type and text in document['errorMessage'], document


def test_time_outs(make, call):
    name = make(Timeout=1)['FunctionName']
    for do in ({'do': 'sleep', 'seconds': 60}, {'do': 'loop'}):
        started = time.monotonic()
        document, answer = call(name, do)
        assert time.monotonic() - started < 8
        assert answer['FunctionError'] == 'Unhandled' and document['errorType'] == 'Sandbox.Timedout'
        request = answer['ResponseMetadata']['RequestId']
        assert document['errorMessage'] == f'RequestId: {request} Error: Task timed out after 1.00 seconds'
        assert call(name, 1)[0] == 1, 'the next invocation is fine'


def test_exits(make, call):
    name = make()['FunctionName']
    document, answer = call(name, {'do': 'exit'})
    assert answer['FunctionError'] == 'Unhandled' and document['errorType'] == 'Runtime.ExitError'
    assert document['errorMessage'].endswith('Error: Runtime exited with error: exit status 3')
    assert call(name, 1)[0] == 1


def test_memory(make, call):
    name = make(Timeout=20)['FunctionName']
    document, answer = call(name, {'do': 'memory', 'bytes': 400 << 20})
    assert answer.get('FunctionError') == 'Unhandled', document
    assert document['errorType'] in ('Runtime.OutOfMemory', 'MemoryError'), document
    assert call(name, {'do': 'memory', 'bytes': 1 << 20})[0] == 1 << 20


def test_large_answers(make, call):
    name = make(Timeout=20, MemorySize=512)['FunctionName']
    assert len(call(name, {'do': 'large', 'bytes': 6_000_000})[0]) == 6_000_000
    document, answer = call(name, {'do': 'large', 'bytes': 7_000_000})
    assert answer['FunctionError'] == 'Unhandled' and document['errorType'] == 'Function.ResponseSizeTooLarge'
    assert call(name, 1)[0] == 1


def test_large_payloads(functions, make):
    name = make(Timeout=20, MemorySize=512)['FunctionName']
    text = json.dumps('x' * 6_000_000)
    assert functions.invoke(FunctionName=name, Payload=text)['Payload'].read().decode() == text
    with refused('RequestTooLargeException', '6291456') as large:
        functions.invoke(FunctionName=name, Payload=json.dumps('x' * 7_000_000))
    assert large.response['ResponseMetadata']['HTTPStatusCode'] == 413
    with refused('RequestEntityTooLargeException', 'Event invocation type (limit 1048576 bytes)'):
        functions.invoke(FunctionName=name, InvocationType='Event', Payload=json.dumps('x' * (1 << 20)))


def test_the_code_cannot_be_changed_from_inside(make, call):
    name = make()['FunctionName']
    assert call(name, {'do': 'write code'})[0]['errorType'] in ('OSError', 'PermissionError')


def test_the_end_of_the_log(functions, make, call):
    name = make()['FunctionName']
    _, answer = call(name, {'do': 'print', 'lines': ['one', 'zwei 年']}, LogType='Tail')
    request = answer['ResponseMetadata']['RequestId']
    lines = base64.b64decode(answer['LogResult']).decode().splitlines()
    assert lines[0] == f'START RequestId: {request} Version: $LATEST'
    assert lines[1:3] == ['one', 'zwei 年'] and lines[3] == f'END RequestId: {request}'
    fields = dict(field.split(': ', 1) for field in lines[4].removeprefix('REPORT ').strip().split('\t'))
    assert fields['RequestId'] == request and fields['Memory Size'] == '128 MB'
    assert float(fields['Duration'].split()[0]) > 0 and float(fields['Init Duration'].split()[0]) > 0
    assert 5 <= int(fields['Max Memory Used'].strip('~').split()[0]) <= 128
    _, answer = call(name, {'do': 'print', 'lines': ['x' * 100] * 200}, LogType='Tail')
    tail = base64.b64decode(answer['LogResult'])
    assert len(tail) == 4096 and b'REPORT' in tail and b'START' not in tail and b'Init Duration' not in tail
    assert 'LogResult' not in call(name)[1]


def test_an_initialization_that_fails_is_told(client, make, call):
    code = 'print("first words")\nimport sys\nif True:\n    %s\ndef handler(event, context): pass\n'
    for what, kind in [('import nothing_of_that_name', 'Runtime.ImportModuleError'), ('sys.exit(3)', 'Runtime.ExitError')]:
        name = make({'app.py': code % what})['FunctionName']
        document, answer = call(name, LogType='Tail')
        request = answer['ResponseMetadata']['RequestId']
        assert answer['FunctionError'] == 'Unhandled' and document['errorType'] == kind
        tail = base64.b64decode(answer['LogResult']).decode()
        lines = tail.splitlines()
        reports = [line.split('\t') for line in lines if line.startswith('INIT_REPORT Init Duration: ')]
        assert [report[1:] for report in reports] == [
            [f'Phase: {phase}', 'Status: error', f'Error Type: {kind}'] for phase in ('init', 'invoke')]
        assert lines.count('first words') == 2 and lines[0] == 'first words'
        assert lines.index(f'START RequestId: {request} Version: $LATEST') > max(
            i for i, line in enumerate(lines) if line.startswith('INIT_REPORT'))
        assert lines[-2] == f'END RequestId: {request}'
        assert lines[-1].split('\t')[-3:] == ['Status: error', f'Error Type: {kind}', '']
        assert ('[ERROR] Runtime.ImportModuleError' in tail) == (kind == 'Runtime.ImportModuleError')
        assert (f'RequestId: {request} Error: Runtime exited with error: exit status 3' in tail) == (kind == 'Runtime.ExitError')

        def logged(name=name):
            found = client('logs').filter_log_events(logGroupName=f'/aws/lambda/{name}')['events']
            assert len({event['logStreamName'] for event in found}) <= 1
            return ''.join(event['message'] for event in found)

        until('the REPORT line', lambda: 'REPORT RequestId' in logged())
        assert logged() == tail


def test_lines_reach_the_log_group(client, functions, make, call):
    logs = client('logs')
    name = make(Timeout=1)['FunctionName']
    request = call(name, {'do': 'print', 'lines': ['hello log']})[1]['ResponseMetadata']['RequestId']
    group = f'/aws/lambda/{name}'

    def messages():
        try:
            found = logs.filter_log_events(logGroupName=group)['events']
        except logs.exceptions.ResourceNotFoundException:
            return []
        return [event['message'].strip() for event in found]

    until('the REPORT line', lambda: any(f'REPORT RequestId: {request}' in line for line in messages()))
    assert 'hello log' in messages() and f'START RequestId: {request} Version: $LATEST' in messages()
    late = call(name, {'do': 'loop'})[1]['ResponseMetadata']['RequestId']
    until('the time-out', lambda: any(f'{late} Task timed out after 1.00 seconds' in line for line in messages()))
    until('its status', lambda: any(late in line and 'Status: timeout' in line for line in messages()))


def test_many_callers_at_once(functions, make, call):
    name = make(Timeout=30)['FunctionName']
    failed = []

    def run():
        for n in range(10):
            try:
                assert call(name, n + 1)[0] == n + 1
            except Exception as error:  # the thread's end would hide it
                failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed


# ---- not waited for -----------------------------------------------------------------------------------------


def test_events_are_accepted_and_run(client, functions, make):
    logs = client('logs')
    name = make()['FunctionName']
    answer = functions.invoke(FunctionName=name, InvocationType='Event',
                              Payload=json.dumps({'do': 'print', 'lines': ['came along']}))
    assert answer['StatusCode'] == 202 and answer['Payload'].read() == b''
    assert functions.invoke(FunctionName=name, InvocationType='DryRun')['StatusCode'] == 204

    def printed():
        try:
            return logs.filter_log_events(logGroupName=f'/aws/lambda/{name}', filterPattern='"came along"')['events']
        except logs.exceptions.ResourceNotFoundException:
            return []

    assert len(until('its line', printed)) == 1


def test_retries_are_configured(functions, make):
    made = make()
    name, arn = made['FunctionName'], f'{made["FunctionArn"]}:$LATEST'
    with refused('ResourceNotFoundException', f"The function {arn} doesn't have an EventInvokeConfig"):
        functions.get_function_event_invoke_config(FunctionName=name)
    with refused('InvalidParameterValueException', 'at least one'):
        functions.put_function_event_invoke_config(FunctionName=name)
    put = functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    assert put['FunctionArn'] == arn and put['MaximumRetryAttempts'] == 0 and put['LastModified']
    assert put['DestinationConfig'] == {'OnSuccess': {}, 'OnFailure': {}}
    update = functions.update_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    assert (update['MaximumRetryAttempts'], update['MaximumEventAgeInSeconds']) == (0, 60)
    put = functions.put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=90)
    assert 'MaximumRetryAttempts' not in put
    assert len(functions.list_function_event_invoke_configs(FunctionName=name)['FunctionEventInvokeConfigs']) == 1
    with refused('InvalidParameterValueException', 'OnFailure'):
        functions.put_function_event_invoke_config(
            FunctionName=name, DestinationConfig={'OnFailure': {'Destination': 'arn:aws:sqs:us-east-1:000000000000:q'}})
    functions.delete_function_event_invoke_config(FunctionName=name)
    assert functions.list_function_event_invoke_configs(FunctionName=name)['FunctionEventInvokeConfigs'] == []


def test_a_failure_without_retries_runs_once(client, functions, make):
    logs = client('logs')
    name = make()['FunctionName']
    functions.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=0)
    functions.invoke(FunctionName=name, InvocationType='Event', Payload=json.dumps({'do': 'raise'}))

    def starts():
        try:
            return logs.filter_log_events(logGroupName=f'/aws/lambda/{name}', filterPattern='START')['events']
        except logs.exceptions.ResourceNotFoundException:
            return []

    assert len(until('its start', starts)) == 1


# ---- who may, where, and labels -----------------------------------------------------------------------------


def test_policies(functions, make):
    made = make()
    name = made['FunctionName']
    with refused('ResourceNotFoundException', 'The resource you requested does not exist.'):
        functions.get_policy(FunctionName=name)
    statement = json.loads(functions.add_permission(
        FunctionName=name, StatementId='s3', Action='lambda:InvokeFunction', Principal='s3.amazonaws.com',
        SourceArn='arn:aws:s3:::photos', SourceAccount='000000000000')['Statement'])
    assert statement == {
        'Sid': 's3', 'Effect': 'Allow', 'Principal': {'Service': 's3.amazonaws.com'},
        'Action': 'lambda:InvokeFunction', 'Resource': made['FunctionArn'],
        'Condition': {'StringEquals': {'AWS:SourceAccount': '000000000000'},
                      'ArnLike': {'AWS:SourceArn': 'arn:aws:s3:::photos'}},
    }
    with refused('ResourceConflictException', 'The statement id (s3) provided already exists'):
        functions.add_permission(FunctionName=name, StatementId='s3', Action='lambda:InvokeFunction', Principal='*')
    with refused('InvalidParameterValueException', 'principal was invalid'):
        functions.add_permission(FunctionName=name, StatementId='x', Action='lambda:InvokeFunction', Principal='me')
    functions.add_permission(FunctionName=name, StatementId='url', Action='lambda:InvokeFunctionUrl', Principal='*',
                             FunctionUrlAuthType='NONE')
    got = functions.get_policy(FunctionName=name)
    policy = json.loads(got['Policy'])
    assert policy['Version'] == '2012-10-17' and policy['Statement'][0] == statement
    assert [statement['Sid'] for statement in policy['Statement']] == ['s3', 'url']
    assert got['RevisionId'] == functions.get_function_configuration(FunctionName=name)['RevisionId']
    with refused('PreconditionFailedException'):
        functions.remove_permission(FunctionName=name, StatementId='s3', RevisionId=made['RevisionId'])
    functions.remove_permission(FunctionName=name, StatementId='s3', RevisionId=got['RevisionId'])
    with refused('ResourceNotFoundException', 'Statement s3 is not found in resource policy.'):
        functions.remove_permission(FunctionName=name, StatementId='s3')


def test_urls(functions, make):
    name = make()['FunctionName']
    with refused('ResourceNotFoundException'):
        functions.get_function_url_config(FunctionName=name)
    cors = {'AllowOrigins': ['https://example.com'], 'AllowMethods': ['GET'], 'MaxAge': 300, 'AllowCredentials': True}
    made = functions.create_function_url_config(FunctionName=name, AuthType='AWS_IAM', Cors=cors)
    assert made['FunctionUrl'].startswith('http://') and made['Cors'] == cors and made['InvokeMode'] == 'BUFFERED'
    with refused('ResourceConflictException', 'FunctionUrlConfig exists for this Lambda function'):
        functions.create_function_url_config(FunctionName=name, AuthType='NONE')
    changed = functions.update_function_url_config(FunctionName=name, AuthType='NONE')
    assert (changed['AuthType'], changed['FunctionUrl'], changed['Cors']) == ('NONE', made['FunctionUrl'], cors)
    assert len(functions.list_function_url_configs(FunctionName=name)['FunctionUrlConfigs']) == 1
    with refused('InvalidParameterValueException', 'RESPONSE_STREAM'):
        functions.update_function_url_config(FunctionName=name, InvokeMode='RESPONSE_STREAM')
    functions.delete_function_url_config(FunctionName=name)
    assert functions.list_function_url_configs(FunctionName=name)['FunctionUrlConfigs'] == []


def test_tags(functions, make):
    arn = make(Tags={'a': '1'})['FunctionArn']
    functions.tag_resource(Resource=arn, Tags={'b': '2', 'a': '3'})
    assert functions.list_tags(Resource=arn)['Tags'] == {'a': '3', 'b': '2'}
    functions.untag_resource(Resource=arn, TagKeys=['a', 'none'])
    assert functions.list_tags(Resource=arn)['Tags'] == {'b': '2'}


def test_what_tools_ask_for(functions, make):
    made = make()
    name = made['FunctionName']
    versions = functions.list_versions_by_function(FunctionName=name)['Versions']
    assert [version['Version'] for version in versions] == ['$LATEST']
    assert 'ReservedConcurrentExecutions' not in functions.get_function_concurrency(FunctionName=name)
    assert not functions.get_function_code_signing_config(FunctionName=name).get('CodeSigningConfigArn')
    assert functions.get_runtime_management_config(FunctionName=name)['UpdateRuntimeOn'] == 'Auto'
    assert functions.get_function_recursion_config(FunctionName=name)['RecursiveLoop'] == 'Terminate'
    assert functions.get_account_settings()['AccountUsage']['FunctionCount'] >= 1


def test_secrets_stay_out_of_the_servers_log(server, functions, make, call):
    secret = uuid.uuid4().hex
    name = make(Environment={'Variables': {'PASSWORD': secret}})['FunctionName']
    assert call(name, {'do': 'environment'})[0]['PASSWORD'] == secret
    call(name, {'do': 'raise'})
    with refused('InvalidParameterValueException', '4KB') as large:
        functions.update_function_configuration(
            FunctionName=name, Environment={'Variables': {'PASSWORD': secret * 200}})
    assert secret not in large.response['Error']['Message']
    assert secret not in server.said()


def test_everything_is_there_after_a_kill(fresh, runtime):
    server = fresh()
    iam = server.client('iam')
    role = iam.create_role(RoleName='runs', AssumeRolePolicyDocument=TRUST)['Role']['Arn']
    functions = server.client('lambda')
    made = functions.create_function(FunctionName='f', Runtime=runtime, Role=role, Handler='app.handler',
                                     Code={'ZipFile': zipped()}, Tags={'a': '1'})
    functions.add_permission(FunctionName='f', StatementId='s', Action='lambda:InvokeFunction', Principal='*')
    url = functions.create_function_url_config(FunctionName='f', AuthType='NONE')['FunctionUrl']
    server.kill()
    again = fresh(folder=server.folder)
    functions = again.client('lambda')
    got = functions.get_function(FunctionName='f')
    assert got['Configuration']['CodeSha256'] == made['CodeSha256'] and got['Tags'] == {'a': '1'}
    assert json.loads(functions.get_policy(FunctionName='f')['Policy'])['Statement'][0]['Sid'] == 's'
    found = functions.get_function_url_config(FunctionName='f')['FunctionUrl']
    assert found.rsplit('/', 2)[1] == url.rsplit('/', 2)[1]
    assert json.loads(functions.invoke(FunctionName='f', Payload='7')['Payload'].read()) == 7
