import { propertyPath } from '../codec/state-trail.js';
import { SessionStateError } from '../errors/session-state.error.js';

/** A problem that a schema has found. */
interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

type SchemaResult = { readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

/**
 * A schema of any library that follows https://standardschema.dev (zod, valibot, arktype and others), as far as it is
 * used here.
 */
export interface StandardSchema {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult | Promise<SchemaResult>;
  };
}

/** A type of arktype is a function. */
export function isStandardSchema(value: unknown): value is StandardSchema {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false;
  const { '~standard': standard } = value as Partial<StandardSchema>;
  return typeof standard?.validate === 'function';
}

/**
 * Checks stored state. What the schema makes of it (defaults, conversions, properties left out) does not count: such
 * steps belong into `migrate`.
 *
 * @param state by stored names, without classes
 * @throws SessionStateError (`undecodable`) naming the place; also where the schema throws
 */
export function checkSchema(schema: StandardSchema, state: object, beanName: string): void {
  let result: SchemaResult | Promise<SchemaResult>;
  try {
    result = schema['~standard'].validate(state);
  } catch (cause) {
    throw new SessionStateError(beanName, 'could not be checked: its schema threw', { reason: 'undecodable', cause });
  }
  if (result instanceof Promise) {
    // Its rejection would end the process.
    result.catch(() => undefined);
    throw new SessionStateError(beanName, 'has a schema that answers later: leave asynchronous checks out of it');
  }
  const issue = result.issues?.[0];
  if (!issue) return;
  const keys = (issue.path ?? []).map((segment) => (typeof segment === 'object' ? segment.key : segment));
  const place = keys.reduce<string>(
    (path, key) => propertyPath(path, typeof key === 'symbol' ? String(key) : key),
    beanName,
  );
  throw new SessionStateError(place, `was stored as something that its schema refuses: ${issue.message}`, {
    reason: 'undecodable',
  });
}
