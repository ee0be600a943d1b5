/** A client of simulated servers: keeps the last id it was given, as a cookie jar does. */
export class SimulatedClient {
  constructor(
    public id?: string,
    public locator?: string,
    public freshness?: string,
  ) {}

  /** Another tab: same id, from now on on its own. */
  fork(): SimulatedClient {
    return new SimulatedClient(this.id, this.locator, this.freshness);
  }
}
