"""CloudWatch Logs through boto3: groups, streams, events in both directions, searches, retention, tags, refusals."""
import time
import uuid

import botocore.exceptions
import pytest

DAY = 86_400_000


@pytest.fixture(scope='module')
def logs(client):
    return client('logs', parameter_validation=False)


@pytest.fixture
def group(logs):
    """The name of a new group, which is deleted at the end."""
    name = f'/test/{uuid.uuid4().hex[:12]}'
    logs.create_log_group(logGroupName=name)
    yield name
    try:
        logs.delete_log_group(logGroupName=name)
    except logs.exceptions.ResourceNotFoundException:
        pass


@pytest.fixture
def put(logs, group):
    """Puts (millisecond before now, message) pairs into a stream, which is made if need be."""
    now = int(time.time() * 1000)
    made = set()

    def put(stream, *events):
        if stream not in made:
            logs.create_log_stream(logGroupName=group, logStreamName=stream)
            made.add(stream)
        events = [{'timestamp': now - before, 'message': message} for before, message in events]
        return logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)

    put.now = now
    return put


def refused(code, text=''):
    """Expects a ClientError of this code whose message has this text."""

    class Refused:
        def __enter__(self):
            return self

        def __exit__(self, kind, error, trace):
            assert isinstance(error, botocore.exceptions.ClientError), error
            told = error.response['Error']
            assert told['Code'] == code, told
            assert text in told['Message'], told
            assert error.response['ResponseMetadata']['HTTPStatusCode'] == 400
            return True

    return Refused()


def messages(answer):
    return [event['message'] for event in answer['events']]


def test_a_group_lives(logs, group):
    with refused('ResourceAlreadyExistsException', 'The specified log group already exists'):
        logs.create_log_group(logGroupName=group)
    [shown] = logs.describe_log_groups(logGroupNamePrefix=group)['logGroups']
    assert shown['logGroupName'] == group
    assert shown['arn'] == f'arn:aws:logs:us-east-1:000000000000:log-group:{group}:*'
    assert shown['logGroupArn'] == shown['arn'][:-2]
    assert shown['storedBytes'] == 0 and shown['metricFilterCount'] == 0
    assert 'retentionInDays' not in shown
    assert abs(shown['creationTime'] - time.time() * 1000) < 60_000
    logs.delete_log_group(logGroupName=group)
    assert logs.describe_log_groups(logGroupNamePrefix=group)['logGroups'] == []
    with refused('ResourceNotFoundException', 'The specified log group does not exist.'):
        logs.delete_log_group(logGroupName=group)


def test_groups_come_in_pages(logs):
    prefix = f'/pages/{uuid.uuid4().hex[:8]}'
    names = [f'{prefix}/{letter}' for letter in 'abcdefg']
    for name in reversed(names):
        logs.create_log_group(logGroupName=name)
    pages = list(logs.get_paginator('describe_log_groups').paginate(
        logGroupNamePrefix=prefix, PaginationConfig={'PageSize': 3}))
    assert [len(page['logGroups']) for page in pages] == [3, 3, 1]
    assert [group['logGroupName'] for page in pages for group in page['logGroups']] == names
    found = logs.describe_log_groups(logGroupNamePattern=prefix[7:] + '/c')['logGroups']
    assert [group['logGroupName'] for group in found] == [names[2]]
    found = logs.describe_log_groups(logGroupIdentifiers=[names[1], found[0]['logGroupArn'], '/not/there'])
    assert [group['logGroupName'] for group in found['logGroups']] == [names[1], names[2]]
    with refused('InvalidParameterException', 'mutually exclusive'):
        logs.describe_log_groups(logGroupNamePrefix='a', logGroupNamePattern='b')
    for name in names:
        logs.delete_log_group(logGroupName=name)


def test_a_stream_lives(logs, group, put):
    put('s', (3, 'one'), (1, 'two'))
    with refused('ResourceAlreadyExistsException', 'The specified log stream already exists'):
        logs.create_log_stream(logGroupName=group, logStreamName='s')
    [shown] = logs.describe_log_streams(logGroupName=group)['logStreams']
    assert shown['arn'] == f'arn:aws:logs:us-east-1:000000000000:log-group:{group}:log-stream:s'
    assert shown['firstEventTimestamp'] == put.now - 3
    assert shown['lastEventTimestamp'] == put.now - 1
    assert abs(shown['lastIngestionTime'] - put.now) < 60_000
    assert shown['storedBytes'] == 0
    logs.delete_log_stream(logGroupName=group, logStreamName='s')
    with refused('ResourceNotFoundException', 'The specified log stream does not exist.'):
        logs.get_log_events(logGroupName=group, logStreamName='s')
    logs.create_log_stream(logGroupName=group, logStreamName='s')
    assert messages(logs.get_log_events(logGroupName=group, logStreamName='s')) == []


def test_streams_are_listed_by_name_and_by_last_event(logs, group, put):
    put('b', (5, 'x'))
    put('a', (9, 'x'))
    put('c', (7, 'x'))

    def names(**options):
        paginator = logs.get_paginator('describe_log_streams')
        pages = paginator.paginate(logGroupName=group, PaginationConfig={'PageSize': 2}, **options)
        return ''.join(stream['logStreamName'] for page in pages for stream in page['logStreams'])

    assert names() == 'abc'
    assert names(descending=True) == 'cba'
    assert names(orderBy='LastEventTime') == 'acb'
    assert names(orderBy='LastEventTime', descending=True) == 'bca'
    assert names(logStreamNamePrefix='b') == 'b'
    arn = f'arn:aws:logs:us-east-1:000000000000:log-group:{group}'
    by_arn = logs.describe_log_streams(logGroupIdentifier=arn)['logStreams']
    assert [stream['logStreamName'] for stream in by_arn] == ['a', 'b', 'c']
    with refused('InvalidParameterException', 'Cannot order by LastEventTime'):
        logs.describe_log_streams(logGroupName=group, orderBy='LastEventTime', logStreamNamePrefix='a')


def test_events_are_read_forward_and_backward(logs, group, put):
    put('s', *[(100 - n, f'm{n}') for n in range(10)])

    def get(**options):
        return logs.get_log_events(logGroupName=group, logStreamName='s', limit=4, **options)

    newest = get()
    assert messages(newest) == ['m6', 'm7', 'm8', 'm9']
    older = get(nextToken=newest['nextBackwardToken'])
    assert messages(older) == ['m2', 'm3', 'm4', 'm5']
    assert messages(get(nextToken=older['nextForwardToken'])) == ['m6', 'm7', 'm8', 'm9']
    oldest = get(nextToken=older['nextBackwardToken'])
    assert messages(oldest) == ['m0', 'm1']
    none = get(nextToken=oldest['nextBackwardToken'])
    assert messages(none) == [] and none['nextBackwardToken'] == oldest['nextBackwardToken']
    assert messages(get(nextToken=none['nextForwardToken'])) == ['m0', 'm1', 'm2', 'm3']

    # At the end the token repeats, until something comes.
    token, read = None, []
    while True:
        page = get(**({'nextToken': token} if token else {'startFromHead': True}))
        read += messages(page)
        if page['nextForwardToken'] == token:
            break
        token = page['nextForwardToken']
    assert read == [f'm{n}' for n in range(10)]
    put('s', (0, 'later'))
    assert messages(get(nextToken=token)) == ['later']

    # The start is included, the end is not.
    some = get(startTime=put.now - 97, endTime=put.now - 95)
    assert messages(some) == ['m3', 'm4']
    [event] = get(startTime=put.now - 97, endTime=put.now - 96)['events']
    assert event['timestamp'] == put.now - 97
    assert abs(event['ingestionTime'] - put.now) < 60_000
    with refused('InvalidParameterException', 'The specified nextToken is invalid.'):
        get(nextToken='f/nonsense')
    with refused('InvalidParameterException', "Value '10001' at 'limit'"):
        logs.get_log_events(logGroupName=group, logStreamName='s', limit=10_001)


def test_what_cannot_be_put(logs, group, put):
    put('s', (1, 'x'))

    def events(*pairs):
        pairs = [{'timestamp': put.now + at, 'message': message} for at, message in pairs]
        return logs.put_log_events(logGroupName=group, logStreamName='s', logEvents=pairs)

    with refused('InvalidParameterException', 'must be in chronological order'):
        events((0, 'a'), (-1, 'b'))
    with refused('InvalidParameterException', 'cannot span more than 24 hours'):
        events((-DAY - 1, 'a'), (0, 'b'))
    with refused('InvalidParameterException', 'Upload too large: 1048602 bytes exceeds limit of 1048576'):
        events((0, 'x' * 1_048_576))
    with refused('InvalidParameterException', "at 'logEvents' failed to satisfy constraint"):
        events(*[(0, 'x')] * 10_001)
    with refused('InvalidParameterException'):
        events((0, ''))
    with refused('ResourceNotFoundException', 'The specified log stream does not exist.'):
        logs.put_log_events(logGroupName=group, logStreamName='other', logEvents=[{'timestamp': 1, 'message': 'x'}])
    with refused('ResourceNotFoundException', 'The specified log group does not exist.'):
        logs.put_log_events(logGroupName='/no', logStreamName='s', logEvents=[{'timestamp': 1, 'message': 'x'}])
    assert messages(logs.get_log_events(logGroupName=group, logStreamName='s')) == ['x']

    largest = events((0, 'y' * (1_048_576 - 26)))
    assert largest['nextSequenceToken'] and 'rejectedLogEventsInfo' not in largest
    assert events(*[(0, 'z')] * 10_000)['ResponseMetadata']['HTTPStatusCode'] == 200
    # Tokens of sequence are taken and mean nothing.
    logs.put_log_events(logGroupName=group, logStreamName='s', sequenceToken='made up',
                        logEvents=[{'timestamp': put.now, 'message': 'last'}])


def test_events_out_of_time_are_rejected_and_the_others_taken(logs, group, put):
    hour = 3_600_000
    answer = put('s', (15 * DAY, 'old'), (14 * DAY + hour, 'old too'))
    assert answer['rejectedLogEventsInfo'] == {'tooOldLogEventEndIndex': 2}
    answer = put('s', (0, 'now'), (-hour, 'soon'), (-3 * hour, 'too soon'))
    assert answer['rejectedLogEventsInfo'] == {'tooNewLogEventStartIndex': 2}
    assert messages(logs.get_log_events(logGroupName=group, logStreamName='s')) == ['now', 'soon']
    logs.put_retention_policy(logGroupName=group, retentionInDays=3)
    answer = put('s', (3 * DAY + hour, 'expired'), (3 * DAY - hour, 'kept'))
    assert answer['rejectedLogEventsInfo'] == {'expiredLogEventEndIndex': 1}
    assert messages(logs.get_log_events(logGroupName=group, logStreamName='s', startFromHead=True))[0] == 'kept'


def test_retention(logs, group, put):
    put('s', (5 * DAY, 'old'))
    put('s', (0, 'new'))
    logs.put_retention_policy(logGroupName=group, retentionInDays=1)
    [shown] = logs.describe_log_groups(logGroupNamePrefix=group)['logGroups']
    assert shown['retentionInDays'] == 1
    assert messages(logs.get_log_events(logGroupName=group, logStreamName='s')) == ['new']
    assert messages(logs.filter_log_events(logGroupName=group)) == ['new']
    with refused('InvalidParameterException', "Value '2' at 'retentionInDays'"):
        logs.put_retention_policy(logGroupName=group, retentionInDays=2)
    logs.delete_retention_policy(logGroupName=group)
    [shown] = logs.describe_log_groups(logGroupNamePrefix=group)['logGroups']
    assert 'retentionInDays' not in shown
    with refused('ResourceNotFoundException'):
        logs.put_retention_policy(logGroupName='/no', retentionInDays=1)


def test_a_search_weaves_the_streams(logs, group, put):
    put('a', (90, 'ERROR one'), (70, 'fine'), (50, 'ERROR two'))
    put('b', (80, 'WARN x'), (60, 'ERROR three'))

    def search(**options):
        pages = logs.get_paginator('filter_log_events').paginate(
            logGroupName=group, PaginationConfig={'PageSize': 2}, **options)
        return [event for page in pages for event in page['events']]

    found = search()
    assert [event['message'] for event in found] == ['ERROR one', 'WARN x', 'fine', 'ERROR three', 'ERROR two']
    assert [event['logStreamName'] for event in found] == ['a', 'b', 'a', 'b', 'a']
    assert len({event['eventId'] for event in found}) == 5
    assert len([event for event in search(filterPattern='ERROR')]) == 3
    assert [event['message'] for event in search(filterPattern='ERROR -two', logStreamNames=['a'])] == ['ERROR one']
    assert len(search(filterPattern='?WARN ?fine', interleaved=True)) == 2
    assert len(search(logStreamNamePrefix='b')) == 2
    # Here both ends are included.
    assert len(search(startTime=put.now - 80, endTime=put.now - 60)) == 3
    answer = logs.filter_log_events(logGroupName=group)
    assert answer['searchedLogStreams'] == [] and 'nextToken' not in answer
    with refused('InvalidParameterException', 'Invalid filter pattern'):
        logs.filter_log_events(logGroupName=group, filterPattern='{ $.a = }')
    with refused('ResourceNotFoundException', 'The specified log stream does not exist.'):
        logs.filter_log_events(logGroupName=group, logStreamNames=['nope'])
    with refused('InvalidParameterException'):
        logs.filter_log_events(logGroupName=group, logStreamNames=['a'], logStreamNamePrefix='a')


def test_patterns_on_json_and_on_fields(logs, group, put):
    put('s', (9, '{"level":"ERROR","took":12.5,"user":{"id":null}}'), (8, '{"level":"INFO","took":3}'),
        (7, '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /a.html HTTP/1.0" 404 1534'))

    def count(pattern):
        return len(logs.filter_log_events(logGroupName=group, filterPattern=pattern)['events'])

    assert count('{ $.level = "ERROR" && $.took > 10 }') == 1
    assert count('{ $.level = "E*" || $.took <= 3 }') == 2
    assert count('{ $.user.id IS NULL }') == 1
    assert count('{ $.user NOT EXISTS }') == 1
    assert count('[ip, id, user, time, request=*.html*, status=4*, bytes>1000]') == 1
    assert count('[..., status=5*, bytes]') == 0
    assert count('%4[0-9]{2}%') == 1


def test_a_metric_filter_is_tried(logs):
    line = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /a.gif HTTP/1.0" 200 1534'
    answer = logs.test_metric_filter(filterPattern='[ip, id, user, time, request, status=200, size]',
                                     logEventMessages=['nothing', line])
    assert answer['matches'] == [{
        'eventNumber': 2,
        'eventMessage': line,
        'extractedValues': {'$ip': '127.0.0.1', '$id': '-', '$user': 'frank', '$time': '10/Oct/2000:13:25:15 -0700',
                            '$request': 'GET /a.gif HTTP/1.0', '$status': '200', '$size': '1534'},
    }]
    answer = logs.test_metric_filter(filterPattern='{ $.n > 1 }', logEventMessages=['{"n":1}', '{"n":2}'])
    assert [(match['eventNumber'], match['extractedValues']) for match in answer['matches']] == [(2, {'$.n': '2'})]


def test_tags(logs, group):
    arn = f'arn:aws:logs:us-east-1:000000000000:log-group:{group}'
    logs.tag_resource(resourceArn=arn, tags={'team': 'a', 'cost': 'low'})
    logs.tag_log_group(logGroupName=group, tags={'team': 'b'})
    assert logs.list_tags_for_resource(resourceArn=arn)['tags'] == {'team': 'b', 'cost': 'low'}
    logs.untag_resource(resourceArn=arn, tagKeys=['cost', 'other'])
    assert logs.list_tags_log_group(logGroupName=group)['tags'] == {'team': 'b'}
    logs.untag_log_group(logGroupName=group, tags=['team'])
    assert logs.list_tags_for_resource(resourceArn=arn)['tags'] == {}
    with refused('TooManyTagsException'):
        for start in (0, 40):
            logs.tag_resource(resourceArn=arn, tags={f'k{n}': 'v' for n in range(start, start + 40)})
    with refused('ResourceNotFoundException'):
        logs.tag_resource(resourceArn=arn + 'x', tags={'a': 'b'})
    with refused('InvalidParameterException'):
        logs.tag_resource(resourceArn='arn:aws:lambda:us-east-1:000000000000:function:f', tags={'a': 'b'})


def test_what_is_not_there_yet_is_refused_by_name(logs, group):
    with refused('InvalidParameterException', 'kmsKeyId'):
        logs.create_log_group(logGroupName=f'{group}-key', kmsKeyId='arn:aws:kms:us-east-1:000000000000:key/x')
    with refused('InvalidParameterException', 'logGroupClass'):
        logs.create_log_group(logGroupName=f'{group}-class', logGroupClass='INFREQUENT_ACCESS')
    logs.create_log_group(logGroupName=f'{group}-plain', logGroupClass='STANDARD', tags={'a': 'b'})
    logs.delete_log_group(logGroupName=f'{group}-plain')
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        logs.start_query(logGroupName=group, startTime=0, endTime=1, queryString='fields @message')
    assert 'StartQuery' in str(caught.value)


def test_names_are_checked(logs, group):
    with refused('InvalidParameterException', "Value 'a b' at 'logGroupName' failed to satisfy constraint"):
        logs.create_log_group(logGroupName='a b')
    with refused('InvalidParameterException', "at 'logStreamName' failed to satisfy constraint"):
        logs.create_log_stream(logGroupName=group, logStreamName='a:b')
