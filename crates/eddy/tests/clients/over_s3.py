"""What the tests of S3 share: refusals, plain HTTP, bytes."""
import http.client
import random
import urllib.parse

import botocore.exceptions
import pytest

MIB = 1 << 20
CHINESE = '年度 报告+1.txt'


def refused(call, *, code, status, **arguments):
    """The call fails with this code and status; gives the error for more."""
    with pytest.raises(botocore.exceptions.ClientError) as caught:
        call(**arguments)
    error = caught.value.response
    assert (error['Error']['Code'], error['ResponseMetadata']['HTTPStatusCode']) == (code, status), error
    return error['Error']


def ask(server, method, target, headers=None, body=None):
    """One plain HTTP request."""
    connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=30)
    connection.request(method, target, body=body, headers=headers or {})
    answer = connection.getresponse()
    answer.text = answer.read()
    connection.close()
    return answer


def target_of(url):
    parts = urllib.parse.urlsplit(url)
    return f'{parts.path}?{parts.query}' if parts.query else parts.path


def random_bytes(size, seed=1):
    return random.Random(seed).randbytes(size)
