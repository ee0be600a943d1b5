/** The text that a server answers at `/metrics`. */
export class PrometheusText {
  private constructor(readonly text: string) {}

  static async of(url: string): Promise<PrometheusText> {
    const response = await fetch(`${url}/metrics`);
    return new PrometheusText(await response.text());
  }

  /** Names of time series with all their labels. */
  get series(): string[] {
    return this.text.split('\n').flatMap((line) => /^([a-z]\w*(?:\{.*\})?) /.exec(line)?.[1] ?? []);
  }

  /** The value of the series of a name that has these labels; 0 where there is none. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const line = this.text
      .split('\n')
      .find(
        (one) => (one.startsWith(`${name}{`) || one.startsWith(`${name} `)) && wanted.every((it) => one.includes(it)),
      );
    return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(' ') + 1));
  }
}
