import type { WebSocketAdapter, WsMessageHandler } from '@nestjs/common';
import type { ApplicationConfig, ModulesContainer } from '@nestjs/core';
import { sessionOfClients } from '../http/handlers/session.decorators.js';
import type { RequestHeaders } from '../sessions/session-context.js';
import { type SessionHandle, sessionHandle } from '../store/session-handle.js';
import { enhanceGateway } from './gateway-enhancers.js';
import { GatewayPlan, type MessagePlan, type ServerOptions } from './gateway-plan.js';
import type { SocketClient } from './socket-client.js';
import { currentOfClients } from './socket-message.js';
import { SocketConnection, type SocketRuntime } from './socket-connection.js';

/** A connection, and which of its messages need the session. */
interface PlannedConnection {
  readonly connection: SocketConnection;
  readonly plan: MessagePlan;
}

const connections = new WeakMap<object, PlannedConnection>();

/**
 * The sessions of the sockets of one application. It follows the adapter that the application uses, whichever that is:
 * the adapter's servers say which gateways share them, a new connection brings its handshake, and each handler that is
 * bound to a client is wrapped.
 */
export class SocketSessions {
  private readonly plans = new WeakMap<object, MessagePlan>();
  private readonly followed = new WeakSet<WebSocketAdapter>();
  private plan: GatewayPlan | undefined;

  constructor(
    private readonly runtime: SocketRuntime,
    private readonly modules: ModulesContainer,
    config: ApplicationConfig,
  ) {
    // Nest asks for the adapter right before it binds the first gateway, when all providers exist.
    const getIoAdapter = config.getIoAdapter.bind(config) as () => WebSocketAdapter | undefined;
    config.getIoAdapter = () => {
      const adapter = getIoAdapter();
      this.prepare();
      if (adapter && !this.followed.has(adapter)) this.follow(adapter);
      return adapter as WebSocketAdapter;
    };
  }

  private prepare(): void {
    if (this.plan) return;
    this.plan = new GatewayPlan(this.modules);
    this.plan.gateways.forEach(enhanceGateway);
  }

  private follow(adapter: WebSocketAdapter): void {
    this.followed.add(adapter);
    const create = adapter.create.bind(adapter);
    const bindClientConnect = adapter.bindClientConnect.bind(adapter);
    const bindMessageHandlers = adapter.bindMessageHandlers.bind(adapter);
    adapter.create = (port: number, options?: ServerOptions): unknown => {
      const server = create(port, options) as object;
      const plan = this.plan?.ofServer(port, options);
      if (plan) this.plans.set(server, plan);
      return server;
    };
    adapter.bindClientConnect = (server: object, onConnect: (...args: unknown[]) => void): void => {
      const plan = this.plans.get(server);
      if (!plan) return void bindClientConnect(server, onConnect);
      bindClientConnect(server, (client: SocketClient, ...args: unknown[]) => {
        // Each gateway of the server binds one.
        if (!connections.has(client)) this.connect(client, args[0], plan);
        onConnect(client, ...args);
      });
    };
    adapter.bindMessageHandlers = (client: object, handlers: WsMessageHandler[], ...rest): void => {
      const known = connections.get(client);
      const bound = known ? handlers.map((handler) => withSession(handler, known)) : handlers;
      bindMessageHandlers(client, bound, ...rest);
    };
  }

  private connect(client: SocketClient, request: unknown, plan: MessagePlan): void {
    const connection = new SocketConnection(client, this.runtime, handshakeOf(client, request));
    connections.set(client, { connection, plan });
    currentOfClients.set(client, this.runtime.current);
    sessionOfClients.set(client, this.runtime.http.httpSession);
  }
}

/**
 * The session of a connection, for `handleConnection`, `handleDisconnect`, and code that sends messages by itself:
 * `SessionContext.run()` opens it. Undefined where the handshake brought no id that opens a session.
 *
 * @param client as the gateway gets it
 * @example
 * ```ts
 * async handleConnection(client: Socket): Promise<void> {
 *   const handle = await sessionOf(client);
 *   if (handle) await this.sessions.run(handle, (session) => client.join(`user-${session.principal}`));
 * }
 * ```
 */
export async function sessionOf(client: object): Promise<SessionHandle | undefined> {
  const session = await connections.get(client)?.connection.named();
  return session && sessionHandle(session);
}

function withSession(handler: WsMessageHandler, { connection, plan }: PlannedConnection): WsMessageHandler {
  if (plan.get(handler.message) !== true) return handler;
  const callback = handler.callback as (...args: unknown[]) => unknown;
  return { ...handler, callback: (...args: unknown[]) => connection.handle(() => callback(...args)) as never };
}

/** The request of the handshake: ws hands it over beside the client, a client of socket.io has it. */
function handshakeOf(client: SocketClient, request: unknown): RequestHeaders {
  const candidates = [request, (client as { readonly request?: unknown }).request];
  const found = candidates.find((candidate) => (candidate as Partial<RequestHeaders> | undefined)?.headers);
  return (found as RequestHeaders | undefined) ?? { headers: {} };
}
