import type { BeanDefinition } from '../bean/bean-definition.js';

/**
 * What every session has besides its beans: attributes and the principal. Stored like a bean, under a name no bean can have, and merged like
 * one: attributes one by one, while two logins at once conflict.
 */
export class AttributesBean {
  principal: string | null = null;

  readonly attributes = new Map<string, unknown>();
}

export const attributesBean: BeanDefinition<AttributesBean> = Object.freeze({
  name: '@session',
  type: AttributesBean,
  version: 1,
  migrate: {},
  onConflict: 'reject',
  onUndecodable: 'reject',
  mergeRules: new Map(),
  transient: new Set<string>(),
});
