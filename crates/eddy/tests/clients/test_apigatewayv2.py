"""HTTP APIs and function URLs with boto3 and plain HTTP, as people use them."""
import base64
import io
import json
import urllib.error
import urllib.request
import uuid
import zipfile

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import botocore.exceptions
import pytest

TRUST = json.dumps({'Version': '2012-10-17', 'Statement': [{
    'Effect': 'Allow', 'Principal': {'Service': 'lambda.amazonaws.com'}, 'Action': 'sts:AssumeRole'}]})

ECHO = '''
import json
def handler(event, context):
    if event.get('rawPath', event.get('path', '')).endswith('/raise'):
        raise KeyError('x')
    if event.get('rawPath', '').endswith('/plain'):
        return {'seen': True}
    if event.get('rawPath', '').endswith('/binary'):
        return {'statusCode': 201, 'body': 'aGk=', 'isBase64Encoded': True, 'cookies': ['a=1', 'b=2'],
                'headers': {'x-own': 'yes', 'content-type': 'application/octet-stream'}}
    return {'statusCode': 200, 'headers': {'content-type': 'application/json'}, 'body': json.dumps(event)}
'''


def package(source):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w') as archive:
        archive.writestr('app.py', source)
    return buffer.getvalue()


@pytest.fixture(scope='module')
def function(client, runtime):
    """A function that gives back its event; its ARN."""
    name = f'echo-{uuid.uuid4().hex[:8]}'
    role = client('iam').create_role(RoleName=name, AssumeRolePolicyDocument=TRUST)['Role']['Arn']
    made = client('lambda').create_function(
        FunctionName=name, Runtime=runtime, Role=role, Handler='app.handler', Code={'ZipFile': package(ECHO)})
    return made['FunctionArn']


def permit(client, function, api):
    client('lambda').add_permission(
        FunctionName=function, StatementId=f'api-{api}', Action='lambda:InvokeFunction',
        Principal='apigateway.amazonaws.com', SourceArn=f'arn:aws:execute-api:us-east-1:000000000000:{api}/*/*')


@pytest.fixture
def api(client, function):
    """An API whose every request reaches the function."""
    made = client('apigatewayv2').create_api(Name='quick', ProtocolType='HTTP', Target=function)
    permit(client, function, made['ApiId'])
    yield made['ApiId']
    client('apigatewayv2').delete_api(ApiId=made['ApiId'])


def ask(url, method='GET', body=None, headers=None):
    """Status, headers, body."""
    request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def event(answer):
    status, _, body = answer
    assert status == 200, body
    return json.loads(body)


def test_by_path_and_by_host(server, api):
    by_path = ask(f'{server.url}/_eddy/api/{api}/a%20b?x=1&x=2', headers={'cookie': 'c=1; d=2'})
    by_host = ask(f'{server.url}/a%20b?x=1&x=2',
                  headers={'host': f'{api}.execute-api.localhost:{server.port}', 'cookie': 'c=1; d=2'})
    for answer in (by_path, by_host):
        seen = event(answer)
        assert seen['version'] == '2.0'
        assert seen['rawPath'] == '/a b'
        assert seen['routeKey'] == '$default'
        assert seen['queryStringParameters'] == {'x': '1,2'}
        assert seen['cookies'] == ['c=1', 'd=2']
        assert seen['requestContext']['http']['method'] == 'GET'
        assert 'body' not in seen
        assert answer[1]['apigw-requestid'] == seen['requestContext']['requestId']


@pytest.mark.parametrize('kind, is_base64', [
    ('application/json', False), ('text/plain', False), ('application/x-www-form-urlencoded', True), (None, True)])
def test_what_is_text(server, api, kind, is_base64):
    headers = {'content-type': kind} if kind else {'content-type': ''}
    seen = event(ask(f'{server.url}/_eddy/api/{api}/', 'POST', b'{"a":1}', headers))
    assert seen['isBase64Encoded'] is is_base64
    body = base64.b64decode(seen['body']) if is_base64 else seen['body'].encode()
    assert body == b'{"a":1}'


def test_answers(server, api):
    url = f'{server.url}/_eddy/api/{api}'
    status, headers, body = ask(f'{url}/plain')
    assert (status, headers['content-type'], json.loads(body)) == (200, 'application/json', {'seen': True})
    status, headers, body = ask(f'{url}/binary')
    assert (status, body, headers['x-own']) == (201, b'hi', 'yes')
    assert headers.get_all('set-cookie') == ['a=1', 'b=2']
    status, headers, body = ask(f'{url}/raise')
    assert (status, json.loads(body)) == (500, {'message': 'Internal Server Error'})


def test_routes_stages_and_format_one(server, client, function):
    gateway = client('apigatewayv2')
    api = gateway.create_api(Name='routes', ProtocolType='HTTP')['ApiId']
    permit(client, function, api)
    integration = gateway.create_integration(
        ApiId=api, IntegrationType='AWS_PROXY', IntegrationUri=function, PayloadFormatVersion='1.0')
    target = f"integrations/{integration['IntegrationId']}"
    for key in ('GET /pets/{id}', 'ANY /files/{path+}'):
        gateway.create_route(ApiId=api, RouteKey=key, Target=target)
    gateway.create_stage(ApiId=api, StageName='test', AutoDeploy=True, StageVariables={'table': 'pets'})
    url = f'{server.url}/_eddy/api/{api}/test'
    seen = event(ask(f'{url}/pets/7?a=1&a=2'))
    assert seen['version'] == '1.0'
    assert seen['resource'] == '/pets/{id}'
    assert seen['path'] == '/test/pets/7'
    assert seen['pathParameters'] == {'id': '7'}
    assert seen['stageVariables'] == {'table': 'pets'}
    assert seen['queryStringParameters'] == {'a': '2'}
    assert seen['multiValueQueryStringParameters'] == {'a': ['1', '2']}
    assert seen['body'] is None
    assert event(ask(f'{url}/files/a/b', 'PUT', b'x'))['pathParameters'] == {'path': 'a/b'}
    for path, method in (('/pets/7', 'POST'), ('/pets', 'GET'), ('', 'GET')):
        status, _, body = ask(url + path, method)
        assert (status, json.loads(body)) == (404, {'message': 'Not Found'}), path
    # A stage that does not deploy by itself serves what was deployed for it.
    deployment = gateway.create_deployment(ApiId=api)['DeploymentId']
    gateway.create_stage(ApiId=api, StageName='fixed', DeploymentId=deployment)
    route = next(r for r in gateway.get_routes(ApiId=api)['Items'] if r['RouteKey'] == 'GET /pets/{id}')
    gateway.update_route(ApiId=api, RouteId=route['RouteId'], RouteKey='GET /cats/{id}')
    assert ask(f'{url}/pets/7')[0] == 404
    assert ask(f'{url}/cats/7')[0] == 200
    assert ask(f'{server.url}/_eddy/api/{api}/fixed/pets/7')[0] == 200
    gateway.delete_api(ApiId=api)
    assert ask(f'{url}/cats/7')[0] == 404


def test_cors(server, client, api):
    client('apigatewayv2').update_api(ApiId=api, CorsConfiguration={
        'AllowOrigins': ['https://a.example'], 'AllowMethods': ['GET'], 'AllowHeaders': ['x-a'], 'MaxAge': 60})
    url = f'{server.url}/_eddy/api/{api}/'
    asked = {'origin': 'https://a.example', 'access-control-request-method': 'GET'}
    status, headers, _ = ask(url, 'OPTIONS', headers=asked)
    assert status == 204
    assert headers['access-control-allow-origin'] == 'https://a.example'
    assert headers['access-control-allow-methods'] == 'GET'
    assert headers['access-control-max-age'] == '60'
    assert ask(url, headers={'origin': 'https://a.example'})[1]['access-control-allow-origin'] == 'https://a.example'
    assert ask(url, headers={'origin': 'https://b.example'})[1]['access-control-allow-origin'] is None
    client('apigatewayv2').delete_cors_configuration(ApiId=api)
    assert ask(url, headers={'origin': 'https://a.example'})[1]['access-control-allow-origin'] is None


def test_an_api_needs_the_functions_permission(server, client, function):
    api = client('apigatewayv2').create_api(Name='closed', ProtocolType='HTTP', Target=function)['ApiId']
    status, _, body = ask(f'{server.url}/_eddy/api/{api}/')
    assert (status, json.loads(body)) == (500, {'message': 'Internal Server Error'})
    permit(client, function, api)
    assert ask(f'{server.url}/_eddy/api/{api}/')[0] == 200
    client('apigatewayv2').delete_api(ApiId=api)


def test_import(server, client, function):
    gateway = client('apigatewayv2')
    definition = {'openapi': '3.0.1', 'info': {'title': 'imported', 'version': '1'}, 'paths': {'/x': {'get': {
        'x-amazon-apigateway-integration': {'type': 'aws_proxy', 'uri': function, 'payloadFormatVersion': '2.0'}}}}}
    api = gateway.import_api(Body=json.dumps(definition))['ApiId']
    gateway.create_stage(ApiId=api, StageName='$default', AutoDeploy=True)
    permit(client, function, api)
    assert event(ask(f'{server.url}/_eddy/api/{api}/x'))['routeKey'] == 'GET /x'
    definition['paths']['/y'] = definition['paths'].pop('/x')
    gateway.reimport_api(ApiId=api, Body=json.dumps(definition))
    assert ask(f'{server.url}/_eddy/api/{api}/x')[0] == 404
    assert ask(f'{server.url}/_eddy/api/{api}/y')[0] == 200
    definition['paths']['/y']['get']['x-amazon-apigateway-integration'] = {'type': 'http_proxy', 'uri': 'http://a'}
    with pytest.raises(gateway.exceptions.BadRequestException, match='HTTP_PROXY'):
        gateway.import_api(Body=json.dumps(definition))
    gateway.delete_api(ApiId=api)


def test_errors(client):
    gateway = client('apigatewayv2')
    with pytest.raises(gateway.exceptions.NotFoundException, match='Invalid API identifier specified 000000000000:no'):
        gateway.get_api(ApiId='no')
    with pytest.raises(gateway.exceptions.BadRequestException, match='WEBSOCKET'):
        gateway.create_api(Name='x', ProtocolType='WEBSOCKET')
    with pytest.raises(botocore.exceptions.ClientError, match='CreateAuthorizer'):
        gateway.create_authorizer(ApiId='no', AuthorizerType='JWT', IdentitySource=['x'], Name='x')
    api = gateway.create_api(Name='x', ProtocolType='HTTP')['ApiId']
    gateway.create_route(ApiId=api, RouteKey='GET /a')
    with pytest.raises(gateway.exceptions.ConflictException, match='Route with key GET /a already exists'):
        gateway.create_route(ApiId=api, RouteKey='GET /a')
    gateway.delete_api(ApiId=api)


def test_pages(client):
    gateway = client('apigatewayv2')
    made = {gateway.create_api(Name='page', ProtocolType='HTTP')['ApiId'] for _ in range(5)}
    seen = []
    pages = gateway.get_paginator('get_apis').paginate(PaginationConfig={'PageSize': 2})
    for page in pages:
        assert len(page['Items']) <= 2
        seen += [item['ApiId'] for item in page['Items']]
    assert len(seen) == len(set(seen)) and made <= set(seen)
    for api in made:
        gateway.delete_api(ApiId=api)


@pytest.fixture
def url(client, function):
    def make(auth, cors=None):
        options = {'Cors': cors} if cors else {}
        return client('lambda').create_function_url_config(
            FunctionName=function, AuthType=auth, **options)['FunctionUrl']

    yield make
    client('lambda').delete_function_url_config(FunctionName=function)


def test_function_url(client, function, url):
    address = url('NONE', {'AllowOrigins': ['*'], 'AllowMethods': ['GET']})
    status, _, body = ask(address)
    assert (status, json.loads(body)) == (403, {'Message': 'Forbidden'})
    functions = client('lambda')
    functions.add_permission(FunctionName=function, StatementId='url', Principal='*',
                             Action='lambda:InvokeFunctionUrl', FunctionUrlAuthType='NONE')
    assert ask(address)[0] == 403
    functions.add_permission(FunctionName=function, StatementId='via', Principal='*',
                             Action='lambda:InvokeFunction', InvokedViaFunctionUrl=True)
    answer = ask(address + 'a%20b?x=1', headers={'origin': 'https://a.example'})
    seen = event(answer)
    assert seen['rawPath'] == '/a%20b'
    assert seen['requestContext']['http']['path'] == '/a b'
    assert seen['requestContext']['accountId'] == 'anonymous'
    assert answer[1]['access-control-allow-origin'] == '*'
    preflight = {'origin': 'https://a.example', 'access-control-request-method': 'GET'}
    assert ask(address, 'OPTIONS', headers=preflight)[0] == 200
    assert ask(address + 'raise')[0] == 502
    for statement in ('url', 'via'):
        functions.remove_permission(FunctionName=function, StatementId=statement)


def test_signed_function_url(server, url):
    address = url('AWS_IAM')
    assert ask(address)[0] == 403
    keys = botocore.credentials.Credentials(
        server.variables['AWS_ACCESS_KEY_ID'], server.variables['AWS_SECRET_ACCESS_KEY'])

    def signed(body):
        request = botocore.awsrequest.AWSRequest('POST', address, data=body, headers={'content-type': 'text/plain'})
        botocore.auth.SigV4Auth(keys, 'lambda', 'us-east-1').add_auth(request)
        return dict(request.headers)

    seen = event(ask(address, 'POST', b'hello', signed(b'hello')))
    assert seen['requestContext']['authorizer']['iam']['userArn'] == 'arn:aws:iam::000000000000:root'
    assert seen['body'] == 'hello'
    assert ask(address, 'POST', b'other', signed(b'hello'))[0] == 403
