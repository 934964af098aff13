"""LoggingConfig: another log group, and logs as JSON with their levels."""
import base64
import io
import json
import time
import uuid
import zipfile

import botocore.exceptions
import pytest

ROLE = 'arn:aws:iam::000000000000:role/logs'
CODE = '''
import logging

logger = logging.getLogger()


def handler(event, context):
    print("plain")
    logger.debug("fine")
    logger.info("said %s", event, extra={"more": 1})
    logger.warning("careful")
    if event == "raise":
        raise KeyError("x")
'''


@pytest.fixture
def function(client):
    """Makes functions; gives their names."""
    zipped = io.BytesIO()
    with zipfile.ZipFile(zipped, 'w') as archive:
        archive.writestr('app.py', CODE)
    awslambda, names = client('lambda'), []

    def make(runtime, **config):
        name = f'log-{uuid.uuid4().hex[:16]}'
        awslambda.create_function(FunctionName=name, Role=ROLE, Runtime=runtime, Handler='app.handler',
                                  Code={'ZipFile': zipped.getvalue()}, LoggingConfig=config)
        names.append(name)
        return name

    yield make
    for name in names:
        awslambda.delete_function(FunctionName=name)


def until(what, holds, seconds=20):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, what


def invoke(client, name, event):
    """The lines of one invocation, from its answer."""
    answer = client('lambda').invoke(FunctionName=name, Payload=json.dumps(event), LogType='Tail')
    return base64.b64decode(answer['LogResult']).decode().splitlines()


def test_another_group(client, server, function, runtime):
    group = f'/shared/{uuid.uuid4().hex[:8]}'
    name = function(runtime, LogGroup=group)
    shown = client('lambda').get_function_configuration(FunctionName=name)['LoggingConfig']
    assert shown == {'LogFormat': 'Text', 'LogGroup': group}
    lines = invoke(client, name, 'hello')
    assert lines[0].startswith('START RequestId: '), lines
    # What functions print is written with the next commit, within a second.
    until('the lines are there', lambda: 'plain' in server.run('logs', name))
    streams = client('logs').describe_log_streams(logGroupName=group)['logStreams']
    assert f'/{name}[$LATEST][' in streams[0]['logStreamName']
    assert client('logs').describe_log_groups(logGroupNamePrefix=f'/aws/lambda/{name}')['logGroups'] == []
    # back to its own
    client('lambda').update_function_configuration(
        FunctionName=name, LoggingConfig={'LogGroup': f'/aws/lambda/{name}'})
    invoke(client, name, 'hello')
    until('its own group is there', lambda: client('logs').describe_log_groups(
        logGroupNamePrefix=f'/aws/lambda/{name}')['logGroups'])


def test_json(client, function, runtime):
    name = function(runtime, LogFormat='JSON')
    shown = client('lambda').get_function_configuration(FunctionName=name)['LoggingConfig']
    assert shown == {'LogFormat': 'JSON', 'ApplicationLogLevel': 'INFO', 'SystemLogLevel': 'INFO',
                     'LogGroup': f'/aws/lambda/{name}'}
    lines = invoke(client, name, 'hello')
    documents = [json.loads(line) for line in lines if line != 'plain']
    assert len(lines) == len(documents) + 1, lines
    start, said, careful, report = documents
    assert (start['type'], start['record']['version']) == ('platform.start', '$LATEST')
    assert (said['level'], said['message'], said['more']) == ('INFO', 'said hello', 1)
    assert said['requestId'] == start['record']['requestId'] == report['record']['requestId']
    assert careful['level'] == 'WARN' or careful['level'] == 'WARNING', careful
    assert (report['type'], report['record']['status']) == ('platform.report', 'success')
    metrics = report['record']['metrics']
    assert metrics['memorySizeMB'] == 128 and metrics['durationMs'] > 0, metrics
    assert metrics['billedDurationMs'] >= metrics['durationMs'] and metrics['initDurationMs'] > 0, metrics


def test_levels(client, function, runtime):
    name = function(runtime, LogFormat='JSON', ApplicationLogLevel='WARN', SystemLogLevel='WARN')
    lines = invoke(client, name, 'hello')
    assert [json.loads(line)['message'] for line in lines if line != 'plain'] == ['careful'], lines
    lines = [json.loads(line) for line in invoke(client, name, 'raise') if line != 'plain']
    assert [line.get('type') for line in lines] == [None, None, 'platform.runtimeDone', 'platform.report'], lines
    assert (lines[1]['level'], lines[1]['errorType']) == ('ERROR', 'KeyError')
    assert {line['record']['status'] for line in lines[2:]} == {'error'}
    client('lambda').update_function_configuration(
        FunctionName=name, LoggingConfig={'ApplicationLogLevel': 'DEBUG', 'SystemLogLevel': 'DEBUG'})
    lines = [json.loads(line) for line in invoke(client, name, 'hello') if line != 'plain']
    kinds = [line.get('type') or line['level'] for line in lines]
    assert kinds[:2] == ['platform.start', 'DEBUG'] and 'platform.runtimeDone' in kinds, kinds


def test_what_is_refused(function, runtime):
    for config in [
        {'LogFormat': 'Text', 'ApplicationLogLevel': 'INFO'},
        {'LogGroup': 'aws/mine'},
        {'LogFormat': 'XML'},
    ]:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            function(runtime, **config)
        assert caught.value.response['ResponseMetadata']['HTTPStatusCode'] == 400, caught.value
