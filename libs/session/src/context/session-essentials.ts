import type { BeanDefinition } from '../bean/bean-definition.js';

/**
 * What every session has besides its beans: attributes and the principal. Stored like a bean, under a name no bean can have, and merged like
 * one: attributes one by one, while two logins at once clash.
 */
export class SessionEssentials {
  principal: string | null = null;

  readonly attributes = new Map<string, unknown>();
}

export const sessionEssentials: BeanDefinition<SessionEssentials> = Object.freeze({
  name: '@session',
  type: SessionEssentials,
  version: 1,
  migrate: {},
  onClash: 'reject',
  onUndecodable: 'refuse',
  mergeRules: new Map(),
  transient: new Set<string>(),
});
