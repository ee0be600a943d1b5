import { SealedCredentials } from '../sealed/sealed-credentials.js';
import type { Credentials } from './credentials.js';
import { OpenCredentials } from './open-credentials.js';
import type { ResolvedWireOptions } from './resolve-wire-options.js';

export function credentialsOf({ nodeName, secret }: ResolvedWireOptions): Credentials {
  return secret === undefined ? new OpenCredentials(nodeName) : new SealedCredentials(nodeName, secret);
}
