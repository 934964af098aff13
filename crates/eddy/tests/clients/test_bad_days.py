"""Bad days of the whole server: a full disk, kill -9 with guests alive, a stop with work in flight, many log groups."""
import io
import os
import re
import signal
import subprocess
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor

import botocore.exceptions
import pytest

MIB = 1 << 20
ROLE = 'arn:aws:iam::000000000000:role/bad-days'


def package(source):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, 'w') as archive:
        archive.writestr('index.py', source)
    return packed.getvalue()


def make_function(server, runtime, name, source, **settings):
    return server.client('lambda').create_function(
        FunctionName=name, Runtime=runtime, Handler='index.handler', Role=ROLE, Code={'ZipFile': package(source)},
        **settings)


def until(look, seconds=20):
    """Asks again and again until the answer is true; gives it."""
    ends = time.monotonic() + seconds
    while True:
        answer = look()
        if answer:
            return answer
        assert time.monotonic() < ends, f'not within {seconds} s'
        time.sleep(0.02)


def refusal(call, **words):
    """The error of a call that must fail: its code and status; None when it succeeds."""
    try:
        call(**words)
    except botocore.exceptions.ClientError as error:
        return error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode']
    return None


def on_a_small_disk(folder):
    """The command that runs eddy with a disk of 256 MiB at `folder`, which goes when eddy ends."""
    own = ['unshare', '--mount'] if os.geteuid() == 0 else ['unshare', '--user', '--map-root-user', '--mount']
    if subprocess.run([*own, 'true'], capture_output=True).returncode != 0:
        pytest.skip(f'a small disk cannot be mounted here: `{" ".join(own)}` is refused')
    folder.mkdir()
    script = 'mount -t tmpfs -o size=256m,mode=0700 eddy-test "$0" && exec "$@"'
    return [*own, 'sh', '-c', script, folder]


def fill(s3, bucket, prefix, size):
    """Puts until there is no room; gives what was acknowledged and the error."""
    kept = []
    while True:
        key = f'{prefix}/{len(kept):06}'
        refused = refusal(s3.put_object, Bucket=bucket, Key=key, Body=key.encode() + os.urandom(size))
        if refused:
            return kept, refused
        kept.append(key)


def take_room(disk, leave):
    """Fills a disk from outside until so many bytes are left; gives the file that does it."""
    hog = disk / 'hog'
    with open(hog, 'wb', buffering=0) as file:
        while True:
            stat = os.statvfs(disk)
            if stat.f_bavail * stat.f_frsize <= leave:
                return hog
            try:
                file.write(b'x' * MIB)
            except OSError:
                return hog


def is_whole(s3, key):
    return s3.get_object(Bucket='small', Key=key)['Body'].read().startswith(key.encode())


def test_a_full_disk_refuses_growth_loses_nothing_and_is_emptied_through_the_api(fresh, runtime, tmp_path):
    disk = tmp_path / 'disk'
    server = fresh(folder=disk / 'data', within=on_a_small_disk(disk))
    pid, s3, functions, logs = (server.pid, server.client('s3'), server.client('lambda'), server.client('logs'))
    s3.create_bucket(Bucket='small')
    make_function(server, runtime, 'echo', 'def handler(event, context):\n    return event\n')
    logs.create_log_group(logGroupName='small')
    large, refused = fill(s3, 'small', 'large', MIB)
    assert refused == ('SlowDown', 503) and len(large) > 60
    rows, refused = fill(s3, 'small', 'row', 30_000)
    assert refused == ('SlowDown', 503)
    # The room is at the mark, and may come and go there with what the store tidies up: somebody takes some more.
    take_room(server.seen_from_here().parent, leave=48 * MIB)

    # Whatever grows is refused, in each service's own words; what reads goes on.
    growing = [
        refusal(s3.create_bucket, Bucket='another'),
        refusal(functions.create_function, FunctionName='more', Runtime=runtime, Handler='index.handler', Role=ROLE,
                Code={'ZipFile': package('')}),
        refusal(functions.invoke, FunctionName='echo', InvocationType='Event', Payload=b'{}'),
        refusal(logs.create_log_group, logGroupName='more'),
        refusal(server.client('apigatewayv2').create_api, Name='more', ProtocolType='HTTP'),
    ]
    assert [answer and answer[1] // 100 for answer in growing] == [5] * len(growing), growing
    assert all(is_whole(s3, key) for key in large + rows)
    assert functions.invoke(FunctionName='echo', Payload=b'[1]')['Payload'].read() == b'[1]'

    assert server.pid == pid and server.process.poll() is None
    half = len(large) // 2
    deleted = s3.delete_objects(Bucket='small', Delete={'Objects': [{'Key': key} for key in large[:half]]})
    assert len(deleted['Deleted']) == half and 'Errors' not in deleted
    s3.delete_object(Bucket='small', Key=rows[0])
    until(lambda: refusal(s3.put_object, Bucket='small', Key='after', Body=b'after' + b'x' * MIB) is None)
    assert is_whole(s3, 'after')
    make_function(server, runtime, 'more', 'def handler(event, context):\n    return 2\n')
    assert functions.invoke(FunctionName='more', Payload=b'{}')['Payload'].read() == b'2'
    assert all(is_whole(s3, key) for key in large[half:] + rows[1:])
    listed = [entry['Key'] for page in s3.get_paginator('list_objects_v2').paginate(Bucket='small')
              for entry in page['Contents']]
    assert listed == sorted(['after', *large[half:], *rows[1:]])
    assert server.process.poll() is None
    assert server.stop() == 0


def test_a_disk_that_others_fill_stops_nothing_for_good(fresh, tmp_path):
    disk = tmp_path / 'disk'
    server = fresh(folder=disk / 'data', within=on_a_small_disk(disk))
    s3 = server.client('s3')
    s3.create_bucket(Bucket='small')
    s3.put_object(Bucket='small', Key='before', Body=b'before')
    hog = take_room(server.seen_from_here().parent, leave=0)
    assert refusal(s3.put_object, Bucket='small', Key='row', Body=b'row') == ('SlowDown', 503)
    assert refusal(s3.put_object, Bucket='small', Key='file', Body=b'x' * MIB) == ('SlowDown', 503)
    assert refusal(s3.delete_object, Bucket='small', Key='before') == ('SlowDown', 503)
    assert is_whole(s3, 'before')
    hog.unlink()
    s3.put_object(Bucket='small', Key='file', Body=b'file' + b'x' * MIB)
    assert is_whole(s3, 'file') and is_whole(s3, 'before')
    assert server.process.poll() is None


# --- kill -9 with guests alive

BUSY = '''
import os, time
if os.fork() == 0:
    while True:
        time.sleep(0.01)
def handler(event, context):
    return os.getpid()
'''


def descendants(pid):
    """All processes below one, as the host numbers them."""
    found, waiting = set(), [pid]
    while waiting:
        parent = waiting.pop()
        try:
            for thread in os.listdir(f'/proc/{parent}/task'):
                with open(f'/proc/{parent}/task/{thread}/children') as children:
                    for child in children.read().split():
                        if int(child) not in found:
                            found.add(int(child))
                            waiting.append(int(child))
        except FileNotFoundError:
            pass
    return found


def is_alive(pid):
    try:
        with open(f'/proc/{pid}/stat') as stat:
            return stat.read().rsplit(')', 1)[1].split()[0] not in 'ZX'
    except (FileNotFoundError, ProcessLookupError):
        return False


def groups(folder):
    """The control groups that eddy makes for a data folder."""
    stat = os.stat(folder)
    name = f'{stat.st_dev:x}-{stat.st_ino:x}'
    return [os.path.join(path, group) for path, names, _ in os.walk('/sys/fs/cgroup') for group in names
            if name in os.path.join(path, group).removeprefix('/sys/fs/cgroup')]


def mounts():
    with open('/proc/self/mountinfo') as lines:
        return len(lines.readlines())


def test_no_guest_outlives_a_killed_server_and_the_next_start_leaves_nothing(fresh, runtime):
    before = mounts()
    server = fresh()
    make_function(server, runtime, 'busy', BUSY)
    assert server.client('lambda').invoke(FunctionName='busy', Payload=b'{}')['StatusCode'] == 200
    guests = descendants(server.pid)
    assert len(guests) >= 3, 'a supervisor, the handler and its child'
    server.kill()
    until(lambda: not any(is_alive(pid) for pid in guests), seconds=1)
    server.start()
    until(lambda: mounts() == before)
    # The new start's own group may stand; of the killed one's jails nothing is left.
    jails = [group for group in groups(server.folder) if re.search(r'/[^/]*-\d+$', group) is None]
    with_processes = [group for group in jails if os.path.exists(f'{group}/cgroup.procs')
                      and open(f'{group}/cgroup.procs').read().strip()]
    alive = descendants(server.pid)
    for group in with_processes:
        for pid in open(f'{group}/cgroup.procs').read().split():
            assert int(pid) in alive | {server.pid}, f'{group} holds {pid}'
    assert server.client('lambda').invoke(FunctionName='busy', Payload=b'{}')['StatusCode'] == 200
    assert server.stop() == 0
    assert groups(server.folder) == [] and mounts() == before


# --- a stop with work in flight

SLOW = '''
import time
def handler(event, context):
    print('started', flush=True)
    time.sleep(event['seconds'])
    return 'slept'
'''


def started(server, name, times=1, word='started'):
    """Waits until a function has printed a word so often."""
    logs = server.client('logs')

    def look():
        try:
            found = logs.filter_log_events(logGroupName=f'/aws/lambda/{name}', filterPattern=word)
        except logs.exceptions.ResourceNotFoundException:
            return False
        return len(found['events']) >= times

    until(look)


def in_background(server, name, seconds):
    """An invocation that somebody else waits for; gives the process that will print its answer."""
    return subprocess.Popen(
        [server.eddy, 'invoke', name, '-d', f'{{"seconds": {seconds}}}', '--data', str(server.folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_stop_lets_what_runs_end_and_keeps_what_waits(fresh, runtime):
    server = fresh()
    functions = server.client('lambda')
    make_function(server, runtime, 'slow', SLOW, Timeout=30)
    make_function(server, runtime, 'failing', 'def handler(event, context):\n    raise ValueError("no")\n')
    functions.invoke(FunctionName='failing', InvocationType='Event', Payload=b'{}')
    started(server, 'failing', word='ValueError')
    waiting = in_background(server, 'slow', 1)
    started(server, 'slow')
    functions.invoke(FunctionName='slow', InvocationType='Event', Payload=b'{"seconds": 60}')
    started(server, 'slow', times=2)
    begun = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - begun < 12
    out, err = waiting.communicate(timeout=10)
    assert '"slept"' in out, err
    told = re.search(r'stopped; (\d+) events wait and (\d+) wait for another attempt', server.said())
    assert told and int(told[1]) + int(told[2]) >= 2, server.said()


def test_a_second_signal_stops_at_once(fresh, runtime):
    server = fresh()
    make_function(server, runtime, 'slow', SLOW, Timeout=30)
    waiting = in_background(server, 'slow', 25)
    started(server, 'slow')
    os.kill(server.pid, signal.SIGINT)
    until(lambda: 'Ctrl-C again stops at once' in server.said())
    begun = time.monotonic()
    os.kill(server.pid, signal.SIGINT)
    assert server.process.wait(timeout=5) == 130
    assert time.monotonic() - begun < 3
    waiting.communicate(timeout=10)
    assert not (server.folder / 'server.json').exists()


# --- many log groups

def anonymous_kib(pid):
    with open(f'/proc/{pid}/status') as status:
        return int(re.search(r'RssAnon:\s+(\d+)', status.read())[1])


def test_5000_log_groups_cost_no_memory_that_matters(fresh):
    server = fresh()
    without = anonymous_kib(server.pid)
    logs = server.client('logs')
    with ThreadPoolExecutor(8) as clients:
        list(clients.map(lambda number: logs.create_log_group(logGroupName=f'group/{number:05}'), range(5000)))
    assert server.stop() == 0
    server.start()
    pages = server.client('logs').get_paginator('describe_log_groups').paginate()
    assert sum(len(page['logGroups']) for page in pages) == 5000
    assert anonymous_kib(server.pid) - without < 16 * 1024
