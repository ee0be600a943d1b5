import type { Agent } from 'node:http';
import { Device } from './device.js';
import type { History, RequestEvent, RequestKind } from './history.js';
import { recordRequest } from './record-request.js';

/** Longer than a script holds back any answer. */
const PATIENCE_MS = 20_000;

/** A session whose clients follow a script step by step, and the history of their requests. */
export class ScriptedSession {
  private readonly requests: RequestEvent[] = [];
  private readonly starter: Device;

  private constructor(
    private readonly name: string,
    private readonly servers: readonly string[],
    private readonly agent: Agent,
  ) {
    this.starter = new Device('starter', agent);
  }

  /** Starts the session on the first server, and reads it there once. */
  static async start(name: string, servers: readonly string[], agent: Agent): Promise<ScriptedSession> {
    const session = new ScriptedSession(name, servers, agent);
    await session.ask(session.starter, 0, 'start', `start/${name}`);
    await session.read(session.starter, 0);
    return session;
  }

  get history(): History {
    return { requests: this.requests, wipes: [] };
  }

  /** A client that has seen as much as the one that started the session. */
  client(name: string): Device {
    const device = new Device(name, this.agent);
    device.cookies = this.starter.cookies;
    return device;
  }

  read(client: Device, server: number): Promise<RequestEvent> {
    return this.ask(client, server, 'read', 'read');
  }

  write(client: Device, server: number): Promise<RequestEvent> {
    return this.ask(client, server, 'write', `write/${client.name}`);
  }

  private async ask(client: Device, server: number, kind: RequestKind, path: string): Promise<RequestEvent> {
    const event = await recordRequest(client, {
      session: this.name,
      generation: 0,
      server,
      kind,
      method: kind === 'read' ? 'GET' : 'POST',
      url: `${this.servers[server]}/${path}`,
      patienceMs: PATIENCE_MS,
    });
    this.requests.push(event);
    return event;
  }
}
