import type { BeanDefinition } from '../bean/bean-definition.js';

/**
 * The attributes, which every session has besides its beans. Stored like a bean, under a name that no bean can have,
 * and merged like one, attribute by attribute.
 */
export class AttributesBean {
  readonly attributes = new Map<string, unknown>();
}

/** @param onLogin whether attributes go on when somebody logs in to an anonymous session */
export function attributesBean(onLogin: 'keep' | 'reset'): BeanDefinition<AttributesBean> {
  return Object.freeze({
    name: '@session',
    type: AttributesBean,
    version: 1,
    migrate: {},
    onConflict: 'reject',
    onUndecodable: 'reject',
    onLogin,
    mergeRules: new Map(),
    transient: new Set<string>(),
  });
}
