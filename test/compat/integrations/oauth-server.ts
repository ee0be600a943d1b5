import { type KeyObject, createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

interface Grant {
  readonly challenge: string | null;
  readonly nonce: string | null;
}

/**
 * A small authorization server of OAuth 2 and OpenID Connect: everybody who comes to it is `ann`. It asks for PKCE
 * where the client began with it. Stop it.
 */
export class OAuthServer {
  private readonly grants = new Map<string, Grant>();
  private readonly keys = generateKeyPairSync('rsa', { modulusLength: 2048 });

  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<OAuthServer> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const started = new OAuthServer(server, `http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      void started.answer(request, response);
    });
    return started;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url as string, this.url);
    if (pathname === '/authorize') {
      const code = randomUUID();
      this.grants.set(code, { challenge: searchParams.get('code_challenge'), nonce: searchParams.get('nonce') });
      const back = new URL(searchParams.get('redirect_uri') as string);
      back.searchParams.set('code', code);
      const state = searchParams.get('state');
      if (state !== null) back.searchParams.set('state', state);
      response.writeHead(302, { Location: back.href }).end();
    } else if (pathname === '/token') {
      this.answerToken(new URLSearchParams(await text(request)), response);
    } else if (pathname === '/.well-known/openid-configuration') {
      json(response, 200, {
        issuer: this.url,
        authorization_endpoint: `${this.url}/authorize`,
        token_endpoint: `${this.url}/token`,
        jwks_uri: `${this.url}/keys`,
        id_token_signing_alg_values_supported: ['RS256'],
      });
    } else {
      response.writeHead(404).end();
    }
  }

  private answerToken(form: URLSearchParams, response: ServerResponse): void {
    const code = form.get('code') as string;
    const grant = this.grants.get(code);
    this.grants.delete(code);
    const verifier = form.get('code_verifier') ?? '';
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    if (!grant || (grant.challenge !== null && grant.challenge !== challenge))
      return json(response, 400, { error: 'invalid_grant' });
    const seconds = Math.floor(Date.now() / 1_000);
    const claims = {
      iss: this.url,
      sub: 'ann',
      aud: 'shop',
      iat: seconds,
      exp: seconds + 600,
      nonce: grant.nonce ?? undefined,
    };
    const id_token = jwt(claims, this.keys.privateKey);
    return json(response, 200, { access_token: 'token-of-ann', token_type: 'bearer', expires_in: 600, id_token });
  }
}

function json(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body));
}

function jwt(claims: object, key: KeyObject): string {
  const [head, body] = [{ alg: 'RS256' }, claims].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  );
  return `${head}.${body}.${sign('sha256', Buffer.from(`${head}.${body}`), key).toString('base64url')}`;
}
