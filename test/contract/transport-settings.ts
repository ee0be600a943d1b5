import { randomBytes } from 'node:crypto';
import { GrpcReplicationTransport } from '../../libs/replicated/src/transports/grpc/grpc-replication-transport.js';
import type { ReplicationMember } from '../../libs/replicated/src/members/replication-member.js';
import type { ReplicationTransport } from '../../libs/replicated/src/transports/replication-transport.js';
import { NestTcpReplicationTransport } from 'nestjs-session-beans-replicated';
import type { ReplicationWireOptions } from '../../libs/replicated/src/transports/wire/wire.options.js';
import { freePort } from '../support/free-port.js';
import { rounds } from '../support/rounds.js';
import { TestAuthority, type TestCertificate } from '../support/test-authority.js';

const adapters = { tcp: NestTcpReplicationTransport, grpc: GrpcReplicationTransport };
const protections = {
  plain: { hasTls: false, hasSecret: false },
  secret: { hasTls: false, hasSecret: true },
  mTLS: { hasTls: true, hasSecret: false },
  'mTLS and secret': { hasTls: true, hasSecret: true },
};

/** Longer, in ms, than any answer takes that comes at all. */
const PATIENT_MS = 60_000;

/**
 * Calls a member. On a busy machine, connecting may take longer than the transport waits. Then nothing was sent, and
 * the call is repeated.
 */
export async function callMember(
  transport: ReplicationTransport,
  member: ReplicationMember,
  text: string,
  timeoutMs = PATIENT_MS,
): Promise<string> {
  for (;;) {
    try {
      return await transport.call(member, text, timeoutMs);
    } catch (error) {
      if (!(error as Error).message.includes('no connection within')) throw error;
    }
  }
}

export interface TransportSetting {
  readonly adapter: keyof typeof adapters;
  readonly protection: keyof typeof protections;
  readonly hasTls: boolean;
  readonly hasSecret: boolean;
}

const tried = rounds(
  { tcp: ['secret', 'mTLS'], grpc: ['plain', 'mTLS and secret'] },
  { tcp: Object.keys(protections), grpc: Object.keys(protections) },
) as Record<keyof typeof adapters, readonly (keyof typeof protections)[]>;

export const transportSettings: readonly TransportSetting[] = (['tcp', 'grpc'] as const).flatMap((adapter) =>
  tried[adapter].map((protection) => ({
    adapter,
    protection,
    ...protections[protection],
  })),
);

/** A member in this process, with its transport and the calls that it received. */
export interface TestMember extends ReplicationMember {
  readonly transport: ReplicationTransport;
  readonly heard: { readonly from: string; readonly text: string }[];
  readonly warnings: string[];
}

/**
 * Members of one group with the same setting. Each answers a text with its own name, the caller's name and the text.
 * The test closes the group.
 */
export class TransportGroup {
  readonly secret = randomBytes(24).toString('base64');
  private authority: TestAuthority | undefined;
  private readonly certificates = new Map<string, TestCertificate>();
  private readonly transports: ReplicationTransport[] = [];

  constructor(readonly setting: TransportSetting) {}

  /** The options of a member with this name. */
  async optionsOf(nodeName: string): Promise<Readonly<ReplicationWireOptions>> {
    const { hasSecret } = this.setting;
    const tls = this.certificateOf(nodeName);
    return {
      nodeName,
      listen: { host: '127.0.0.1', port: await freePort() },
      ...(hasSecret && { secret: this.secret }),
      ...(tls && { tls }),
    };
  }

  /** Starts a member that listens. */
  async member(nodeName: string, changes: Partial<ReplicationWireOptions> = {}): Promise<TestMember> {
    const options = { ...(await this.optionsOf(nodeName)), ...changes };
    const warnings: string[] = [];
    const transport = this.transport({ ...options, onWarning: (warning) => warnings.push(warning) });
    const heard: { from: string; text: string }[] = [];
    await transport.listen(async (from, text) => {
      heard.push({ from, text });
      return `${options.nodeName} to ${from}: ${text}`;
    });
    return { name: options.nodeName, ...options.listen, transport, heard, warnings };
  }

  transport(options: ReplicationWireOptions): ReplicationTransport {
    const transport = new adapters[this.setting.adapter](options);
    this.transports.push(transport);
    return transport;
  }

  certificateOf(name: string): TestCertificate | undefined {
    if (!this.setting.hasTls) return undefined;
    this.authority ??= new TestAuthority();
    const certificate = this.certificates.get(name) ?? this.authority.certificateOf(name);
    this.certificates.set(name, certificate);
    return certificate;
  }

  async close(): Promise<void> {
    await Promise.all(this.transports.map((transport) => transport.close()));
    this.authority?.remove();
  }
}
