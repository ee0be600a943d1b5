import type { ModulesContainer } from '@nestjs/core';
import { type ControllerType, type HandlerMethod, handlerMetadata } from '../http/handlers/handler-metadata.js';

/** The options of a gateway, or those with which a server was made for one. */
export interface ServerOptions {
  readonly path?: string;
  readonly namespace?: unknown;
}

/** Whether messages need the session, by the name of each, of all gateways that share a server. */
export type MessagePlan = ReadonlyMap<unknown, boolean>;

// Names that @nestjs/websockets gives its metadata.
const IS_GATEWAY = 'websockets:is_gateway';
const OPTIONS = 'websockets:gateway_options';
const PORT = 'port';

/**
 * Knows which messages need a session: those of handlers and gateways with `@UseSession()`,
 * `@RequireLogin()` or `@SessionLock()`, and of handlers with a parameter marked `@CurrentSession()`. Nest binds the
 * handlers of each gateway to a server, and does not say which gateway that is; several share a server that has the
 * same port, path and namespace.
 */
export class GatewayPlan {
  /** The gateways of which at least one handler, or the class itself, uses the session. */
  readonly gateways: readonly ControllerType[];

  private readonly servers = new Map<string, Map<unknown, boolean>>();

  constructor(modules: ModulesContainer) {
    const types = [...modules.values()].flatMap(({ providers }) => [...providers.values()].flatMap(classOf));
    const gateways = new Set(types.filter((type) => Reflect.hasMetadata(IS_GATEWAY, type)));
    this.gateways = [...gateways].filter(usesSession);
    const names = new Set(this.gateways.map(nameOfServer));
    for (const type of gateways) {
      const name = nameOfServer(type);
      if (names.has(name)) this.add(name, type);
    }
  }

  /** Undefined where no gateway of the server uses the session. */
  ofServer(port: number, options: ServerOptions = {}): MessagePlan | undefined {
    return this.servers.get(serverName(port, options));
  }

  private add(server: string, type: ControllerType): void {
    const messages = this.servers.get(server) ?? new Map<unknown, boolean>();
    for (const [method, message] of messagesOf(type)) {
      const needsSession = handlerMetadata.usesSessionOfSocket(type, method);
      messages.set(message, needsSession || messages.get(message) === true);
    }
    this.servers.set(server, messages);
  }
}

/** The class of a provider that has one. */
function classOf({ metatype, isNotMetatype }: { metatype: unknown; isNotMetatype: boolean }): ControllerType[] {
  return typeof metatype === 'function' && !isNotMetatype ? [metatype as ControllerType] : [];
}

function usesSession(type: ControllerType): boolean {
  if (handlerMetadata.declaredOn(type) === true) return true;
  return messagesOf(type).some(([method]) => handlerMetadata.usesSessionOfSocket(type, method));
}

function messagesOf(type: ControllerType): (readonly [HandlerMethod, unknown])[] {
  const methods = [...handlerMetadata.methods(type).values()];
  return methods
    .map((method) => [method, handlerMetadata.socketMessage(method)] as const)
    .filter(([, message]) => message !== undefined);
}

function nameOfServer(type: ControllerType): string {
  const port = (Reflect.getMetadata(PORT, type) as number | undefined) ?? 0;
  return serverName(port, (Reflect.getMetadata(OPTIONS, type) ?? {}) as ServerOptions);
}

function serverName(port: number, { path = '', namespace = '' }: ServerOptions): string {
  return JSON.stringify([port, withoutSlash(path), withoutSlash(String(namespace))]);
}

/** Nest adds a slash to namespaces that have none. */
function withoutSlash(text: string): string {
  return text.startsWith('/') ? text.slice(1) : text;
}
