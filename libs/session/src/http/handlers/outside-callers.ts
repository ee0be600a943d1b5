import type { DependencyGraph } from './dependency-graph.js';
import { type ControllerType, handlerMetadata } from './handler-metadata.js';

/** Code that something other than a request calls. */
export interface OutsideCode {
  /** `Reminders.remind`, or `ReportProcessor` where the class as a whole is called. */
  readonly name: string;

  /** The caller, in words for texts: `jobs of a queue`. */
  readonly caller: string;

  /** It handles messages of sockets, for which `@UseSession()` can open the session. */
  readonly isGateway: boolean;
}

/** Whose decorators say that code is called outside of requests: their metadata, on a class or on a method. */
const CALLERS: readonly { readonly metadata: string; readonly caller: string }[] = [
  { metadata: 'websockets:message_mapping', caller: 'messages of sockets' },
  { metadata: 'microservices:pattern', caller: 'messages of a microservice' },
  { metadata: 'bullmq:processor_metadata', caller: 'jobs of a queue' },
  { metadata: 'bull:module_queue_process', caller: 'jobs of a queue' },
  { metadata: 'SCHEDULER_TYPE', caller: 'a timer' },
  { metadata: 'CommandBuilder:Command:Meta', caller: 'a command' },
];

const [SOCKETS] = CALLERS;

/**
 * The code that is called outside of requests, depends on a session, and has nothing that could open one: neither
 * `@UseSession()` on a gateway, nor `SessionContext` anywhere among its dependencies.
 *
 * Whether it touches the session when it is called so, nobody can know: a class may serve requests as well. Handlers of
 * CQRS and of `@nestjs/event-emitter` are called by other code, which may have a session.
 *
 * @param opener the token of `SessionContext`
 */
export function outsideCodeWithoutSession(graph: DependencyGraph, opener: unknown): OutsideCode[] {
  return [...graph.controllers().keys(), ...graph.providerTypes()].flatMap((type) => ofClass(graph, opener, type));
}

function ofClass(graph: DependencyGraph, opener: unknown, type: ControllerType): OutsideCode[] {
  const called = CALLERS.find(({ metadata }) => Reflect.hasMetadata(metadata, type));
  if (called) {
    const isUnopened = handlerMetadata.declaredOn(type) !== false && lacksSession(graph, opener, type, []);
    return isUnopened ? [{ name: type.name, caller: called.caller, isGateway: false }] : [];
  }
  return [...handlerMetadata.methods(type).values()].flatMap((method) => {
    const found = CALLERS.find(({ metadata }) => Reflect.hasMetadata(metadata, method));
    if (!found) return [];
    if (handlerMetadata.usesSession(type, method) === false) return [];
    // Of what is called so, only messages of sockets have a session that a decorator could open.
    if (found === SOCKETS && handlerMetadata.usesSessionOfSocket(type, method)) return [];
    if (!lacksSession(graph, opener, type, handlerMetadata.enhancers(type, method))) return [];
    return [{ name: handlerMetadata.nameOf(type, method), caller: found.caller, isGateway: found === SOCKETS }];
  });
}

function lacksSession(
  graph: DependencyGraph,
  opener: unknown,
  type: ControllerType,
  enhancers: readonly unknown[],
): boolean {
  const wrappers = graph.wrappersOf(type, enhancers);
  return (
    wrappers.some((wrapper) => graph.leadsToSession(wrapper)) &&
    !wrappers.some((wrapper) => graph.leadsTo(wrapper, opener))
  );
}
