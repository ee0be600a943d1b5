/**
 * Stands in a state for a property that is not there although its class sets it: deleted, not merely unknown to the release
 * that wrote the text. Only a property of the state itself can be absent.
 */
export const absent: unique symbol = Symbol('absent');
