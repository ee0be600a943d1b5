import { beanMetadata } from './bean-metadata.js';

/** Marks a property of a session-scoped bean that is not state: it is never stored, and a restored bean has its initial value. */
export function Transient(): PropertyDecorator {
  return (prototype, property) => beanMetadata.addTransient(prototype, property);
}
