/** Reads variables of the environment. Each error names the variable, its value and what is allowed. */
export class Environment {
  constructor(private readonly variables: NodeJS.ProcessEnv) {}

  /** An empty value counts as none. */
  text(name: string): string | undefined {
    return this.variables[name] || undefined;
  }

  /** @param example a value to show in the error */
  required(name: string, example: string): string {
    const value = this.text(name);
    if (value === undefined)
      throw new Error(`${name} is missing: this SESSION_PATTERN needs it, e.g. ${name}=${example}`);
    return value;
  }

  oneOf<T extends string>(name: string, allowed: readonly T[], byDefault: T): T {
    const value = this.text(name) ?? byDefault;
    const found = allowed.find((one) => one === value);
    if (found === undefined)
      throw new Error(`${name}=${value} is not supported by this release: allowed are ${allowed.join(', ')}`);
    return found;
  }

  wholeNumber(name: string, byDefault: number, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.optionalNumber(name) ?? byDefault;
    if (value > most) throw new Error(`${name}=${value} must be at most ${most}`);
    return value;
  }

  optionalNumber(name: string): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    if (!/^\d{1,15}$/.test(value)) throw new Error(`${name}=${value} must be a whole number`);
    return Number(value);
  }
}
