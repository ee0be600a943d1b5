import type { Type } from '@nestjs/common';
import type { BeanRegistry } from '../../libs/session/src/bean/bean-registry.js';
import type { SessionBean } from '../../libs/session/src/bean/session-bean.js';
import type { CarriedId } from '../../libs/session/src/request/id-exchange.js';
import { RequestState } from '../../libs/session/src/request/request-state.js';
import type { SessionLifecycle } from '../../libs/session/src/request/session-lifecycle.js';
import type { SimulatedClient } from './simulated-client.js';

/**
 * One request of a client to a simulated server, step by step. The client learns an id when the response arrives: with
 * `respond`.
 */
export class SimulatedRequest {
  readonly session: RequestState;
  isHeadSent = false;

  constructor(
    private readonly client: SimulatedClient,
    private readonly lifecycle: SessionLifecycle,
    private readonly beans: BeanRegistry,
  ) {
    const { id, locator, freshness } = client;
    this.session = new RequestState({
      presented: () => (id === undefined ? undefined : { id, locator, freshness }),
      isHeadSent: false,
    });
    Object.defineProperty(this.session.exchange, 'isHeadSent', { get: () => this.isHeadSent });
  }

  /** What the head of the response gives to the client, if it is written now. */
  get handedOut(): CarriedId | undefined {
    return this.lifecycle.idToSend(this.session);
  }

  /** The session the request found, or started. */
  get exists(): boolean {
    return this.session.live !== undefined;
  }

  async begin(): Promise<this> {
    await this.lifecycle.begin(this.session);
    return this;
  }

  /** This request's instance, as a client proxy finds it at each access. */
  bean<T extends object>(type: Type<T>): T {
    return this.session.unitFor(type.name).instanceOf(this.beans.find(type) as SessionBean) as T;
  }

  async commit(): Promise<void> {
    await this.lifecycle.commit(this.session);
  }

  renewId(): void {
    this.session.ask({ renew: true });
  }

  invalidate(): Promise<void> {
    return this.lifecycle.invalidate(this.session);
  }

  end(): void {
    this.lifecycle.end(this.session);
  }

  /** Stores, then answers; a refusal is answered without a cookie. */
  async respond(): Promise<void> {
    try {
      if (this.lifecycle.needsCommit(this.session)) await this.commit();
      Object.assign(this.client, this.handedOut);
      this.client.freshness = this.lifecycle.freshnessToSend(this.session) ?? this.client.freshness;
    } finally {
      this.end();
    }
  }
}
