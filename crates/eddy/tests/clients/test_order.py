"""Under strace: no reply is written before its change, its blob and the folder of its blob are synced.

kill -9 does not test this, since the kernel keeps what was written. One client asks for one change after the other,
each with a word of its own in it. In the trace the write of a reply is found by its request id, the journal's write
by the word.
"""
import io
import os
import re
import shutil
import time
import zipfile

import pytest

pytestmark = pytest.mark.skipif(
    not shutil.which('strace'), reason='strace is not installed (Debian and Ubuntu: apt-get install strace)')

CALLS = 'write,pwrite64,writev,sendto,sendmsg,fdatasync,fsync,openat,mkdir,mkdirat'
LINE = re.compile(r'(\d+) +(?:<\.\.\. \w+ resumed>(?P<rest>.*)|(?P<call>\w+)\((?P<words>.*))$')


class Call:
    """One system call: the lines of the trace on which it begins and ends."""

    def __init__(self, begin, name, words):
        self.begin, self.end, self.name, self.words = begin, None, name, words
        is_named = name in ('openat', 'mkdir', 'mkdirat')
        path = re.search(r'"([^"]*)"', words) if is_named else re.match(r'\d+<([^>]*)>', words)
        self.path = path[1] if path else ''


def parse(lines):
    """The calls of a trace, in the order in which they begin."""
    calls, open_calls = [], {}
    for number, line in enumerate(lines):
        found = LINE.match(line)
        if not found:
            continue
        if found['call'] is None:
            call = open_calls.pop(found[1], None)
            if call:
                call.end = number
                call.words += found['rest']
            continue
        call = Call(number, found['call'], found['words'])
        calls.append(call)
        if 'unfinished ...>' in line:
            open_calls[found[1]] = call
        else:
            call.end = number
    return calls


def is_write(call):
    return call.name in ('write', 'pwrite64', 'writev')


def is_journal(call):
    return call.path.endswith('.jnl')


def is_blob(call):
    return '/store/blobs/' in call.path and len(os.path.basename(call.path)) == 32


def is_synced(calls, path, after, before):
    """Whether a sync of this path begins after one line and is over before another."""
    return any(call.name in ('fdatasync', 'fsync') and call.path == path and call.begin > after
               and call.end is not None and call.end < before for call in calls)


def reply_of(calls, request_id):
    """The line on which the reply with this id begins to be written."""
    [reply] = [call for call in calls if request_id in call.words and 'HTTP/1.1 2' in call.words]
    return reply.begin


def complaints(calls, changes, index):
    """What is wrong with the order of one request."""
    word, request_id, blobs = changes[index]
    reply = reply_of(calls, request_id)
    asked_after = reply_of(calls, changes[index - 1][1]) if index else -1
    rows = [call for call in calls if is_write(call) and is_journal(call) and word in call.words
            and asked_after < call.begin < reply]
    if not rows:
        return [f'{word} is in no journal before its reply']
    wrong = []
    first = min(row.begin for row in rows)
    for row in rows:
        if not is_synced(calls, row.path, row.end, reply):
            wrong.append('the reply precedes the sync of its group')
    asked = [call for call in calls if call.begin < first]
    seen = {call.path for call in asked if is_write(call) and is_blob(call)}
    for path in sorted(seen):
        written = max(call.end for call in asked if is_write(call) and call.path == path)
        made = max(call.begin for call in asked if call.name == 'openat' and call.path == path)
        if not is_synced(calls, path, written, first):
            wrong.append('the row precedes the sync of its blob')
        if not is_synced(calls, os.path.dirname(path), made, first):
            wrong.append("the row precedes the sync of its blob's folder")
    for folder in [call for call in asked if call.name.startswith('mkdir') and '/store/blobs/' in call.path]:
        if not is_synced(calls, os.path.dirname(folder.path), folder.begin, first):
            wrong.append('the row precedes the sync of the folder of a new folder')
    if len(seen) < blobs:
        wrong.append(f'{len(seen)} blobs instead of {blobs}')
    return wrong


def package(word):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        archive.writestr('index.py', f'def handler(event, context):\n    return {word!r}\n')
    return packed.getvalue()


def make_changes(server, runtime):
    """One change after the other; gives (word in the journal, request id, blobs that are written by then)."""
    s3, functions, logs = server.client('s3'), server.client('lambda'), server.client('logs')
    done = []

    def did(word, answer, blobs=0):
        before = done[-1][2] if done else 0
        done.append((word, answer['ResponseMetadata']['RequestId'], before + blobs))
        return answer

    did('order-bucket', s3.create_bucket(Bucket='order-bucket'))
    did('in-the-row', s3.put_object(Bucket='order-bucket', Key='in-the-row', Body=b'x' * 100))
    did('in-a-file', s3.put_object(Bucket='order-bucket', Key='in-a-file', Body=b'x' * 300_000), blobs=1)
    upload = s3.create_multipart_upload(Bucket='order-bucket', Key='in-parts')
    etags = []
    for number, size in [(1, 5 << 20), (2, 70_000)]:
        answer = s3.upload_part(Bucket='order-bucket', Key='in-parts', UploadId=upload['UploadId'], PartNumber=number,
                                Body=b'x' * size)
        did('in-parts', answer, blobs=1)
        etags.append({'PartNumber': number, 'ETag': answer['ETag']})
    did('in-parts', s3.complete_multipart_upload(Bucket='order-bucket', Key='in-parts', UploadId=upload['UploadId'],
                                                 MultipartUpload={'Parts': etags}))
    did('a-copy', s3.copy_object(Bucket='order-bucket', Key='a-copy', CopySource='order-bucket/in-a-file'))
    did('in-the-row', s3.delete_object(Bucket='order-bucket', Key='in-the-row'))
    did('order-function', functions.create_function(
        FunctionName='order-function', Runtime=runtime, Handler='index.handler', Code={'ZipFile': package('first')},
        Role='arn:aws:iam::000000000000:role/order'), blobs=1)
    did('order-function', functions.update_function_code(FunctionName='order-function', ZipFile=package('second')),
        blobs=1)
    did('order-group', logs.create_log_group(logGroupName='order-group'))
    did('order-stream', logs.create_log_stream(logGroupName='order-group', logStreamName='order-stream'))
    did('order-line', logs.put_log_events(
        logGroupName='order-group', logStreamName='order-stream',
        logEvents=[{'timestamp': int(time.time() * 1000), 'message': 'order-line'}]))
    did('order-event', functions.invoke(FunctionName='order-function', InvocationType='Event',
                                        Payload=b'{"word":"order-event"}'))
    did('order-role', server.client('iam').create_role(RoleName='order-role', AssumeRolePolicyDocument='''{
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": {"Service": "lambda.amazonaws.com"}}]}'''))
    did('order-api', server.client('apigatewayv2').create_api(Name='order-api', ProtocolType='HTTP'))
    return done


def without(calls, is_left_out):
    return [call for call in calls if not is_left_out(call)]


def test_no_reply_precedes_its_sync(fresh, runtime, tmp_path):
    trace = tmp_path / 'trace'
    server = fresh(within=['strace', '-f', '-yy', '-qq', '-s', '20000', '-e', f'trace={CALLS}', '-e', 'signal=none',
                           '-o', trace])
    changes = make_changes(server, runtime)
    server.stop()
    calls = parse(trace.read_text(errors='replace').splitlines())
    wrong = {changes[index][0]: complaints(calls, changes, index) for index in range(len(changes))}
    assert {word: told for word, told in wrong.items() if told} == {}
    # A check that cannot fail is none: without the lines of one kind of sync it must complain.
    for what, is_left_out in [
        ('its group', lambda call: is_journal(call) and 'sync' in call.name),
        ('its blob', lambda call: is_blob(call) and 'sync' in call.name),
        ("its blob's folder", lambda call: call.name == 'fsync' and '/store/blobs/' in call.path and not is_blob(call)),
    ]:
        rest = without(calls, is_left_out)
        told = [line for index in range(len(changes)) for line in complaints(rest, changes, index)]
        assert any(line.endswith(f'sync of {what}') for line in told), what
